// All gradients of linear maps of the same rows, y_i = x W_i + b_i: dx = sum_i dy_i W_i', and of each
// weight x' dy_i and bias the sum of dy_i. The rows of x and of all dy pass once, for both products.
//
// Constants: SLICE, the inputs of a block, 64 or 128; COLUMNS, those of all maps, of each rounded up to
// a multiple of 16; BIASED, whether sums of dy are wanted; ALIGNED, whether all of dy may be read by 16
// bytes.
//
// Products are of halves, with the mantissa of TF32. Each row of dy is scaled by the power of two that
// brings its greatest element (so far, part after part) to 2^13 ... 2^14, each row of x likewise, and
// what dx is made of is scaled back by the row. In the weights' gradients the rows are added up: there
// each row of dy is multiplied again, with 2^-k that makes it what it is beside the row whose product
// with x is the greatest so far; when that changes, so does the scale of the sums. All factors are
// powers of two: what lies 2^-24 below the greatest is lost, beneath what a sum would keep of it.
//
// A block has the weights' rows of its inputs in shared memory and goes through every `splits`-th tile of
// 64 rows, and in there through parts of 128 columns: a part waits in registers, is put into shared
// memory (two buffers, so one barrier for each part) and multiplied twice, while the next one is under
// way. The 16 warps have the weights' gradients in their registers.

enum {
  WARPS = 16, THREADS = WARPS * 32, ROWS = 64, DEPTH = 128,
  PARTS = (COLUMNS + DEPTH - 1) / DEPTH, ROWS_OF_WARP = ROWS / WARPS,
  // Odd multiples of 16 bytes, so that the 8 rows of a matrix lie in different banks.
  WEIGHT_PITCH = (COLUMNS / 8 | 1) * 8, PITCH = DEPTH + 8, X_PITCH = SLICE + 8,
  // Of a weight's gradient, a warp has 16 columns of half the inputs.
  TILES = SLICE / 32,
  // Of dx, a warp has 32 rows by 16 inputs, as a sum over all columns or over half of them.
  INPUT_TILES = SLICE / 16, SUMS = WARPS / 2 / INPUT_TILES,
  // Of x, as many lanes share a row as there are fours.
  X_LANES = SLICE / 4, X_ROWS = THREADS / X_LANES, X_COUNT = ROWS / X_ROWS,
};

/// Where a lane's four columns of a part of dy come from.
struct alignas(16) Source {
  const float *from;
  int stride, count;
};

/// What lies in shared memory.
struct Shared {
  Half weights[SLICE * WEIGHT_PITCH];
  Half dy[2][ROWS * PITCH];
  Half x[2][ROWS * X_PITCH];
  float4 arriving[X_COUNT][THREADS];  // the next rows of x
  float4 sums[SUMS > 1 ? 2 * THREADS : 1];
  float4 bias[BIASED ? PARTS * THREADS : 1];
  Source sources[PARTS * 32];
  // The exponents of rows, plus 127; and what the sum of dx so far is multiplied with.
  int dy_exponents[2][ROWS], x_exponents[2][ROWS];
  float ratios[2][ROWS];
  Half factors[WARPS][ROWS];
};

/// The greatest of a warp's numbers.
DEVICE uint warp_greatest(uint x) { return __reduce_max_sync(FULL_WARP, x); }

/// 2^exponent, or 0 where that is too small.
DEVICE float small_power(int exponent) { return __uint_as_float((uint)max(127 + exponent, 0) << 23); }

DEVICE uint multiply_halves(uint a, uint b) {
  uint both;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(both) : "r"(a), "r"(b));
  return both;
}

DEVICE float greatest_of(const float4 &x) {
  return fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
}
/// The exponent that a row's scale is made of; of very small numbers, one that has a scale.
DEVICE int exponent_of(uint greatest) { return max((int)(greatest >> 23), 18); }
DEVICE uint2 scaled_halves(const float4 &x, int exponent) {
  const float scale = __uint_as_float((uint)(267 - exponent) << 23);  // 2^(140 - exponent)
  return uint2{two_halves(x.x * scale, x.y * scale), two_halves(x.z * scale, x.w * scale)};
}

/// Rows of x on their way: each thread copies and reads its own fours.
struct Rows {
  const float *x;
  int rows, inputs, first_input;

  static DEVICE int row(int i) { return threadIdx.x / X_LANES + i * X_ROWS; }
  static DEVICE int column() { return threadIdx.x % X_LANES * 4; }

  DEVICE void load(Shared &shared, int first) const {
    asm volatile("" ::: "memory");  // what lies there has been read
#pragma unroll
    for (int i = 0; i < X_COUNT; i++) {
      const bool is_there = first + row(i) < rows && first_input + column() < inputs;
      const long at = (long)(first + row(i)) * inputs + first_input + column();
      copy_async(&shared.arriving[i][threadIdx.x], x + (is_there ? at : 0), is_there);
    }
    copy_commit();
  }
  DEVICE void store(Shared &shared, int buffer) const {
    copy_wait<0>();
    asm volatile("" ::: "memory");
#pragma unroll
    for (int i = 0; i < X_COUNT; i++) {
      const float4 v = shared.arriving[i][threadIdx.x];
      float greatest = greatest_of(v);
#pragma unroll
      for (int d = X_LANES / 2; d; d >>= 1)
        greatest = fmaxf(greatest, __shfl_xor_sync(FULL_WARP, greatest, d));
      const int exponent = exponent_of(__float_as_uint(greatest));
      *(uint2 *)(shared.x[buffer] + row(i) * X_PITCH + column()) = scaled_halves(v, exponent);
      if (column() == 0) shared.x_exponents[buffer][row(i)] = exponent;
    }
  }
};

/// A part of 64 rows of dy on its way: each warp has every sixteenth row.
struct Chunk {
  float4 x[ROWS_OF_WARP];

  DEVICE void load(const Shared &shared, int part, int first, int rows) {
    const Source source = shared.sources[part * 32 + (threadIdx.x & 31)];
    first += threadIdx.x >> 5;
#pragma unroll
    for (int i = 0; i < ROWS_OF_WARP; i++) {
      const int row = first + WARPS * i;
      x[i] = load_four(source.from + (long)row * source.stride, row < rows ? source.count : 0,
                       ALIGNED || source.stride % 4 == 0);
    }
  }
  DEVICE void store(Shared &shared, int part, int buffer) const {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
    for (int i = 0; i < ROWS_OF_WARP; i++) {
      const int row = warp + WARPS * i;
      int exponent = exponent_of(warp_greatest(__float_as_uint(greatest_of(x[i]))));
      if (part > 0) {
        const int before = shared.dy_exponents[buffer ^ 1][row];
        exponent = max(exponent, before);
        if (!lane) shared.ratios[buffer][row] = small_power(before - exponent);
      }
      *(uint2 *)(shared.dy[buffer] + row * PITCH + lane * 4) = scaled_halves(x[i], exponent);
      if (!lane) shared.dy_exponents[buffer][row] = exponent;
    }
  }
  /// Adds to this thread's sums of its columns.
  DEVICE void add_bias(Shared &shared, int part) const {
    float4 sum = shared.bias[part * THREADS + threadIdx.x];
#pragma unroll
    for (int i = 0; i < ROWS_OF_WARP; i++)
      sum.x += x[i].x, sum.y += x[i].y, sum.z += x[i].z, sum.w += x[i].w;
    shared.bias[part * THREADS + threadIdx.x] = sum;
  }
};

/// This warp's part of the weights' gradients, for 128 columns.
struct WeightSums {
  float c[TILES][2][4];
  /// The exponents of dy and x whose product is the greatest so far.
  int greatest;

  static DEVICE int first_input() { return (threadIdx.x >> 8) * (SLICE / 2); }
  static DEVICE int first_column() { return (threadIdx.x >> 5 & 7) * 16; }

  /// Puts what each row is multiplied with, and fits the sums to it.
  DEVICE void rescale(const int *dy_exponents, const int *x_exponents, Half *factors) {
    const int lane = threadIdx.x & 31;
    const int low = dy_exponents[lane] + x_exponents[lane];
    const int high = dy_exponents[lane + 32] + x_exponents[lane + 32];
    const int now = (int)warp_greatest((uint)max(low, high));
    if (now > greatest) {
      const float ratio = small_power(greatest - now);
#pragma unroll
      for (int i = 0; i < TILES; i++)
#pragma unroll
        for (int j = 0; j < 2; j++)
#pragma unroll
          for (int e = 0; e < 4; e++) c[i][j][e] *= ratio;
      greatest = now;
    }
    const uint both = two_halves(small_power(low - greatest), small_power(high - greatest));
    __syncwarp();
    factors[lane] = (Half)(both & 0xffff), factors[lane + 32] = (Half)(both >> 16);
    __syncwarp();
  }

  DEVICE void add(const Half *x, const Half *dy, const Half *factors) {
    const int lane = threadIdx.x & 31, t = lane_in_group();
    x += ((lane & 7) + (lane >> 4) * 8) * X_PITCH + first_input() + (lane >> 3 & 1) * 8;
    dy += (lane & 15) * PITCH + first_column() + (lane >> 4) * 8;
#pragma unroll
    for (int k = 0; k < ROWS; k += 16) {
      uint b[4];
      load_transposes(b, dy + k * PITCH);
      const uint low = *(const uint *)(factors + k + 2 * t);
      const uint high = *(const uint *)(factors + k + 8 + 2 * t);
      b[0] = multiply_halves(b[0], low), b[1] = multiply_halves(b[1], high);
      b[2] = multiply_halves(b[2], low), b[3] = multiply_halves(b[3], high);
#pragma unroll
      for (int i = 0; i < TILES; i++) {
        uint a[4];
        load_transposes(a, x + k * X_PITCH + i * 16);
        mma_half(c[i][0], a, b[0], b[1]), mma_half(c[i][1], a, b[2], b[3]);
      }
    }
  }

  /// `to`: where the map's gradient begins; the warp's columns begin at `column` of its n.
  DEVICE void write(float *to, int first, int inputs, int column, int n) const {
    // Twice, because the whole power may be out of range.
    const int exponent = greatest - 280, half = exponent / 2;
    const float scale = small_power(half), rest = small_power(exponent - half);
    column += 2 * lane_in_group();
#pragma unroll
    for (int i = 0; i < TILES; i++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int input = first + first_input() + i * 16 + lane_group() + (e >> 1) * 8;
#pragma unroll
        for (int j = 0; j < 2; j++) {
          const int own = column + j * 8 + (e & 1);
          if (input < inputs && own < n) to[(long)input * n + own] = c[i][j][e] * scale * rest;
        }
      }
  }
};

/// This warp's part of dx.
struct InputSums {
  float c[2][2][4];

  static DEVICE int warp() { return threadIdx.x >> 5; }
  static DEVICE int first_row() { return (warp() & 1) * 32; }
  static DEVICE int first_input() { return (warp() >> 1) % INPUT_TILES * 16; }
  /// Which part of the sum.
  static DEVICE int own_sum() { return (warp() >> 1) / INPUT_TILES; }

  DEVICE void multiply(const float *by_row) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float factor = by_row[first_row() + lane_group() + 8 * i];
#pragma unroll
      for (int j = 0; j < 2; j++)
        c[i >> 1][j][(i & 1) * 2] *= factor, c[i >> 1][j][(i & 1) * 2 + 1] *= factor;
    }
  }

  /// Adds the products with `steps` times 16 columns.
  DEVICE void add(const Half *dy, const Half *weights, int steps) {
    const int lane = threadIdx.x & 31;
    dy += (first_row() + (lane & 15)) * PITCH + (lane >> 4) * 8;
    weights += (first_input() + (lane & 7) + (lane >> 4) * 8) * WEIGHT_PITCH + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int i = 0; i < DEPTH / 16; i += SUMS) {
      const int k = i + own_sum();
      if (k >= steps) break;
      uint a[2][4], b[4];
      load_halves(b, weights + k * 16);
#pragma unroll
      for (int j = 0; j < 2; j++) {
        load_halves(a[j], dy + j * 16 * PITCH + k * 16);
        mma_half(c[j][0], a[j], b[0], b[1]), mma_half(c[j][1], a[j], b[2], b[3]);
      }
    }
  }

  /// Scales back, and writes `own_inputs` of the inputs; of two warps with parts of the sum, each writes
  /// 16 rows.
  DEVICE void write(Shared &shared, const int *exponents, float *dx, int first, int rows,
                    int own_inputs, int inputs, int accumulate) {
    if (SUMS > 1) {
      const int own = own_sum();
      float4 *const sent = shared.sums + threadIdx.x;
#pragma unroll
      for (int j = 0; j < 2; j++)
        sent[j * THREADS] = float4{own ? c[0][j][0] : c[1][j][0], own ? c[0][j][1] : c[1][j][1],
                                   own ? c[0][j][2] : c[1][j][2], own ? c[0][j][3] : c[1][j][3]};
      group_barrier(warp() % (WARPS / 2), 64);
      const float4 *const other = shared.sums + (threadIdx.x ^ THREADS / 2);
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const float4 x = other[j * THREADS];
        // Into both, of which one is written.
#pragma unroll
        for (int i = 0; i < 2; i++)
          c[i][j][0] += x.x, c[i][j][1] += x.y, c[i][j][2] += x.z, c[i][j][3] += x.w;
      }
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
      if (SUMS > 1 && i != own_sum()) continue;
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int row = first_row() + i * 16 + lane_group() + 8 * e;
        const float scale = small_power(exponents[row] - 144);
        float *const to = dx + (long)(first + row) * inputs;
#pragma unroll
        for (int j = 0; j < 2; j++) {
          const int column = first_input() + 8 * j + 2 * lane_in_group();
          if (first + row < rows && column < own_inputs)
            put_pack(to + column, Pack<2>{c[i][j][2 * e] * scale, c[i][j][2 * e + 1] * scale},
                     accumulate);
        }
      }
    }
  }
};

DEVICE void put_sources(const Maps &maps, Source *sources) {
  for (int i = threadIdx.x; i < PARTS * 32; i += THREADS) {
    const int map = maps.map(i * 4), column = i * 4 - maps.start(map), n = maps.columns(map);
    sources[i] = Source{maps.output(map) + column, n, n - column};
  }
}

/// Leaves the gradients of weights and biases in a row of `parts` for each split: those of the weights
/// [inputs, columns], one after the other, then those of the biases. `dx`, if any, is written or added
/// to.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    linear_gradients(const float *x, float *dx, float *parts, MAPS_PARAMETERS, int rows, int inputs,
                     int slices, int accumulate) {
  begin_kernel();
  extern __shared__ __align__(16) float dynamic[];
  Shared &shared = *(Shared *)dynamic;
  const Maps maps = MAPS;
  const int slice = (int)blockIdx.x % slices, split = (int)blockIdx.x / slices;
  const int first_input = slice * SLICE, step = (int)gridDim.x / slices * ROWS;
  const int warp = threadIdx.x >> 5;
  const bool biased = BIASED && slice == 0;

  const Rows rows_of_x{x, rows, inputs, first_input};
  int first = split * ROWS;
  if (first < rows) rows_of_x.load(shared, first);
  put_sources(maps, shared.sources);
  if (BIASED)
#pragma unroll
    for (int part = 0; part < PARTS; part++)
      shared.bias[part * THREADS + threadIdx.x] = float4{0, 0, 0, 0};
  __syncthreads();
  Chunk chunk;
  if (first < rows) chunk.load(shared, 0, first, rows);
  put_weights<SLICE, WEIGHT_PITCH, THREADS>(maps, first_input, inputs, shared.weights);

  WeightSums weights[PARTS] = {};
#pragma unroll
  for (int part = 0; part < PARTS; part++) weights[part].greatest = 2 * exponent_of(0);
  for (int x_buffer = 0; first < rows; first += step, x_buffer ^= 1) {
    InputSums sums = {};
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      constexpr int LAST = (COLUMNS - 1) % DEPTH / 16 + 1;  // sixteens of the last part
      const int sixteens = part + 1 < PARTS ? DEPTH / 16 : LAST;
      const int buffer = (part + PARTS * x_buffer) & 1;
      if (biased) chunk.add_bias(shared, part);
      chunk.store(shared, part, buffer);
      if (part == 0) {
        rows_of_x.store(shared, x_buffer);
        if (first + step < rows) rows_of_x.load(shared, first + step);
      }
      const int next = part + 1 < PARTS ? first : first + step;
      if (next < rows) chunk.load(shared, (part + 1) % PARTS, next, rows);
      __syncthreads();
      const Half *const dy = shared.dy[buffer];
      if (dx) {
        if (part > 0) sums.multiply(shared.ratios[buffer]);
        sums.add(dy, shared.weights + part * DEPTH, sixteens);
      }
      if ((warp & 7) < sixteens) {
        Half *const factors = shared.factors[warp];
        weights[part].rescale(shared.dy_exponents[buffer], shared.x_exponents[x_buffer], factors);
        weights[part].add(shared.x[x_buffer], dy, factors);
      }
      if (dx && part + 1 == PARTS)
        sums.write(shared, shared.dy_exponents[buffer], dx + first_input, first, rows,
                   inputs - first_input, inputs, accumulate);
    }
  }

  const long columns = maps.all();
  float *const out = parts + split * ((inputs + BIASED) * columns);
#pragma unroll
  for (int part = 0; part < PARTS; part++) {
    const int column = part * DEPTH + WeightSums::first_column();
    if (column >= COLUMNS) break;
    const int map = maps.map(column);
    weights[part].write(out + (long)inputs * maps.before(map), first_input, inputs,
                        column - maps.start(map), maps.columns(map));
  }
  if (!biased) return;
  __syncthreads();
  for (int column = threadIdx.x; column < COLUMNS; column += THREADS) {
    const int map = maps.map(column), own = column - maps.start(map);
    if (own >= maps.columns(map)) continue;
    const float *const from = (const float *)(shared.bias + column / DEPTH * THREADS) + column % DEPTH;
    float sum = 0;
#pragma unroll
    for (int i = 0; i < WARPS; i++) sum += from[i * DEPTH];
    out[inputs * columns + maps.before(map) + own] = sum;
  }
}
