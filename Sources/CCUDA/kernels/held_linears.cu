// Several linear maps of the same rows, y_i = x W_i, and the gradient of x, for as many columns as
// shared memory holds the weights of: the rows stream past them once.
//
// Constants: KIND, which of the two; INPUTS, the inputs, rounded up to a multiple of 16, at most 128;
// COLUMNS, those of all maps, of each rounded up to a multiple of 16.
//
// Products are of halves, whose 11 bits of mantissa are those of TF32, with sums in 32-bit floats.
// Each part of a row is scaled by the power of two that brings its greatest element to 2^13 ... 2^14
// before it is rounded: what lies 2^-27 below that loses bits, beneath what a sum would keep of it.
// Weights are scaled by 16: those below 4e-6 lose bits, as do the smallest that a sum with usual
// ones would keep, and those above 4094 become infinite. NaN and infinity stay what they are.
//
// A block has two groups of 8 warps that share the weights and go through tiles of 32 rows, each at
// its own pace: a part of at most 128 columns waits in registers, is put into shared memory (two
// buffers, so one barrier for each part) and multiplied, while the next one is under way.

enum { FORWARD, INPUT_GRADIENT };
enum {
  GROUPS = 2, WARPS = 8, GROUP = WARPS * 32, THREADS = GROUPS * GROUP,
  ROWS = 32, DEPTH = 128,
  // Odd multiples of 16 bytes, so that the 8 rows of a matrix lie in different banks.
  WEIGHT_PITCH = (COLUMNS / 8 | 1) * 8, PITCH = DEPTH + 8,
  // What a warp has: of pairs of 8 columns; of 16 rows by 16 inputs.
  PAIRS = COLUMNS / 16, PAIRS_OF_WARP = (PAIRS + WARPS - 1) / WARPS,
  UNITS = INPUTS / 16 * 2, UNITS_OF_WARP = (UNITS + WARPS - 1) / WARPS,
  WEIGHTS_SIZE = INPUTS * WEIGHT_PITCH, TILE_SIZE = ROWS * PITCH,
};

/// Waits for the threads of a group.
DEVICE void group_barrier(int group, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(group + 1), "r"(threads) : "memory");
}

/// Up to six maps: their weights [inputs, columns] and outputs [rows, columns], or the gradients of
/// these. Those that are not there have no columns.
enum { MOST = 6 };
struct Maps {
  const float *w0, *w1, *w2, *w3, *w4, *w5;
  float *y0, *y1, *y2, *y3, *y4, *y5;
  int n0, n1, n2, n3, n4, n5;

#define OF_MAP(name, i) \
  ((i) == 0 ? name##0 : (i) == 1 ? name##1 : (i) == 2 ? name##2 : (i) == 3 ? name##3 \
   : (i) == 4 ? name##4 : name##5)
  DEVICE const float *weight(int i) const { return OF_MAP(w, i); }
  DEVICE float *output(int i) const { return OF_MAP(y, i); }
  DEVICE int columns(int i) const { return OF_MAP(n, i); }
  /// The first column of a map among all.
  DEVICE int start(int i) const {
    int sum = 0;
#pragma unroll
    for (int before = 0; before < MOST - 1; before++)
      if (before < i) sum += (OF_MAP(n, before) + 15) / 16 * 16;
    return sum;
  }
  /// The map of a column among all.
  DEVICE int map(int column) const {
    int map = 0;
#pragma unroll
    for (int i = 1; i < MOST; i++) map += column >= start(i);
    return map;
  }
};
#define MAPS_PARAMETERS                                                                      \
  const float *w0, const float *w1, const float *w2, const float *w3, const float *w4,      \
      const float *w5, float *y0, float *y1, float *y2, float *y3, float *y4, float *y5,    \
      long n0, long n1, long n2, long n3, long n4, long n5
#define MAPS                                                                                  \
  Maps {                                                                                      \
    w0, w1, w2, w3, w4, w5, y0, y1, y2, y3, y4, y5, (int)n0, (int)n1, (int)n2, (int)n3,       \
        (int)n4, (int)n5                                                                      \
  }

/// Four numbers of a row; zeros where there are none. `count` are left of the row, which begins at
/// a multiple of 16 bytes where its stride is one.
DEVICE float4 load_four(const float *from, int count, bool is_aligned) {
  if (is_aligned) return count > 0 ? *(const float4 *)from : float4{0, 0, 0, 0};
  return {count > 0 ? from[0] : 0, count > 1 ? from[1] : 0, count > 2 ? from[2] : 0,
          count > 3 ? from[3] : 0};
}

/// All weights as halves, [INPUTS, WEIGHT_PITCH]; zeros between and behind them.
DEVICE void put_weights(const Maps &maps, int inputs, Half *weights) {
  constexpr int AT_ONCE = 8;
  for (int map = 0; map < MOST; map++) {
    const int n = maps.columns(map), fours = (n + 15) / 16 * 4, count = INPUTS * fours;
    const float *from = maps.weight(map);
    Half *to = weights + maps.start(map);
    const bool is_aligned = n % 4 == 0;
    for (int first = threadIdx.x; first < count; first += THREADS * AT_ONCE) {
      float4 w[AT_ONCE];
#pragma unroll
      for (int i = 0; i < AT_ONCE; i++) {
        const int index = first + i * THREADS, row = index / fours, column = index % fours * 4;
        w[i] = load_four(from + row * n + column, row < inputs ? n - column : 0, is_aligned);
      }
#pragma unroll
      for (int i = 0; i < AT_ONCE; i++) {
        const int index = first + i * THREADS, row = index / fours, column = index % fours * 4;
        if (index < count)
          *(uint2 *)(to + row * WEIGHT_PITCH + column) = uint2{
              two_halves(w[i].x * 16, w[i].y * 16), two_halves(w[i].z * 16, w[i].w * 16)};
      }
    }
  }
}

/// A part of 32 rows on its way to shared memory: each warp has every eighth row.
struct Chunk {
  float4 x[ROWS / WARPS];

  /// At most DEPTH columns from `column` on, of rows that follow each other without gaps.
  DEVICE void load(const float *matrix, int first, int rows, int columns, int column) {
    column += (threadIdx.x & 31) * 4;
#pragma unroll
    for (int i = 0; i < ROWS / WARPS; i++) {
      const int row = first + (int)(threadIdx.x % GROUP >> 5) + WARPS * i;
      x[i] = load_four(matrix + (long)row * columns + column, row < rows ? columns - column : 0,
                       columns % 4 == 0);
    }
  }
  /// `inverse`: what each row's products are multiplied with.
  DEVICE void store(Half *tile, float *inverse) const {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < ROWS / WARPS; i++) {
      const int row = (threadIdx.x % GROUP >> 5) + WARPS * i;
      const float most = warp_max(
          fmaxf(fmaxf(fabsf(x[i].x), fabsf(x[i].y)), fmaxf(fabsf(x[i].z), fabsf(x[i].w))));
      // 2^(140 - e), with e the exponent as it is stored, and 2^-4 over that.
      const int exponent = max((int)(__float_as_uint(most) >> 23), 18);
      const float scale = __uint_as_float((uint)(267 - exponent) << 23);
      *(uint2 *)(tile + row * PITCH + lane * 4) = uint2{
          two_halves(x[i].x * scale, x[i].y * scale), two_halves(x[i].z * scale, x[i].w * scale)};
      if (!lane) inverse[row] = __uint_as_float((uint)(exponent - 17) << 23);
    }
  }
};

/// The products of 32 rows with the columns of this warp.
struct Outputs {
  float c[PAIRS_OF_WARP][2][2][4];

  DEVICE void multiply(const Half *tile, const Half *weights) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x % GROUP >> 5;
    tile += (lane & 15) * PITCH + (lane >> 4) * 8;
    weights += (lane & 15) * WEIGHT_PITCH + (lane >> 4) * 8 + warp * 16;
#pragma unroll
    for (int k = 0; k < INPUTS; k += 16) {
      uint a[2][4];
      load_halves(a[0], tile + k);
      load_halves(a[1], tile + 16 * PITCH + k);
#pragma unroll
      for (int j = 0; j < PAIRS_OF_WARP; j++) {
        if (warp + WARPS * j >= PAIRS) break;
        uint b[4];
        load_transposes(b, weights + k * WEIGHT_PITCH + WARPS * j * 16);
#pragma unroll
        for (int i = 0; i < 2; i++) {
          mma_half(c[j][i][0], a[i], b[0], b[1]);
          mma_half(c[j][i][1], a[i], b[2], b[3]);
        }
      }
    }
  }

  DEVICE void write(const Maps &maps, int first, int rows, const float *inverse) const {
    const int warp = threadIdx.x % GROUP >> 5, g = lane_group(), t = lane_in_group();
#pragma unroll
    for (int j = 0; j < PAIRS_OF_WARP; j++) {
      const int pair = (warp + WARPS * j) * 16;
      if (pair >= COLUMNS) break;
      const int map = maps.map(pair);
      const int n = maps.columns(map), from = pair - maps.start(map) + 2 * t;
#pragma unroll
      for (int i = 0; i < 4; i++) {  // rows g, g + 8, g + 16, g + 24
        const int row = first + g + 8 * i;
        if (row >= rows) continue;
        const float scale = inverse[g + 8 * i];
#pragma unroll
        for (int e = 0; e < 2; e++) {
          const float *own = c[j][i >> 1][e] + (i & 1) * 2;
          const int column = from + 8 * e;
          float *to = maps.output(map) + (long)row * n + column;
          const Pack<2> y = {own[0] * scale, own[1] * scale};
          if (n % 2 == 0) {
            if (column < n) store_pack(to, y);
          } else {
            if (column < n) to[0] = y.at[0];
            if (column + 1 < n) to[1] = y.at[1];
          }
        }
      }
    }
  }
};

/// The gradients of the inputs of this warp, for 16 of 32 rows.
struct Gradients {
  float sum[UNITS_OF_WARP][2][4];

  /// Adds the products with `steps` times 16 columns.
  DEVICE void add(const Half *tile, const Half *weights, int steps, const float *inverse) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x % GROUP >> 5;
    float c[UNITS_OF_WARP][2][4] = {};
    tile += ((warp & 1) * 16 + (lane & 15)) * PITCH + (lane >> 4) * 8;
    weights += ((warp >> 1) * 16 + (lane & 7) + (lane >> 4) * 8) * WEIGHT_PITCH + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int k = 0; k < DEPTH / 16; k++) {
      if (k >= steps) break;
      uint a[4];
      load_halves(a, tile + k * 16);
#pragma unroll
      for (int j = 0; j < UNITS_OF_WARP; j++) {
        if (warp + WARPS * j >= UNITS) break;
        uint b[4];
        load_halves(b, weights + WARPS / 2 * j * 16 * WEIGHT_PITCH + k * 16);
        mma_half(c[j][0], a, b[0], b[1]), mma_half(c[j][1], a, b[2], b[3]);
      }
    }
    const int row = (warp & 1) * 16 + lane_group();
#pragma unroll
    for (int j = 0; j < UNITS_OF_WARP; j++)
#pragma unroll
      for (int e = 0; e < 2; e++)
#pragma unroll
        for (int i = 0; i < 4; i++) sum[j][e][i] += c[j][e][i] * inverse[row + i / 2 * 8];
  }

  DEVICE void write(float *dx, int first, int rows, int inputs, int accumulate) const {
    const int warp = threadIdx.x % GROUP >> 5, g = lane_group(), t = lane_in_group();
#pragma unroll
    for (int j = 0; j < UNITS_OF_WARP; j++) {
      if (warp + WARPS * j >= UNITS) break;
#pragma unroll
      for (int e = 0; e < 2; e++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int row = first + (warp & 1) * 16 + g + 8 * i;
          const int column = ((warp >> 1) + WARPS / 2 * j) * 16 + 8 * e + 2 * t;
          if (row < rows && column < inputs)
            put_pack(dx + (long)row * inputs + column, Pack<2>{sum[j][e][2 * i], sum[j][e][2 * i + 1]},
                     accumulate);
        }
    }
  }
};

/// `x`: the rows [rows, inputs], or their gradient, written or added to.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    held_linears(float *x, MAPS_PARAMETERS, int rows, int inputs, int accumulate) {
  extern __shared__ __align__(16) float shared[];
  const Maps maps = MAPS;
  const int group = threadIdx.x / GROUP;
  Half *const weights = (Half *)shared, *const tiles = weights + WEIGHTS_SIZE + group * 2 * TILE_SIZE;
  float *const inverses = (float *)(weights + WEIGHTS_SIZE + GROUPS * 2 * TILE_SIZE) + group * 2 * ROWS;
  const int step = (int)gridDim.x * GROUPS * ROWS;
  int first = ((int)blockIdx.x * GROUPS + group) * ROWS;

  Chunk chunk;
  const auto load = [&](int first, int map, int column) {
    if (first >= rows) return;
    if (KIND == FORWARD)
      chunk.load(x, first, rows, inputs, 0);
    else
      chunk.load(maps.output(map), first, rows, maps.columns(map), column);
  };
  load(first, 0, 0);
  put_weights(maps, inputs, weights);
  __syncthreads();
  for (int buffer = 0; first < rows; first += step) {
    if (KIND == FORWARD) {
      Half *const tile = tiles + buffer * TILE_SIZE;
      float *const inverse = inverses + buffer * ROWS;
      chunk.store(tile, inverse);
      load(first + step, 0, 0);
      group_barrier(group, GROUP);
      Outputs outputs = {};
      outputs.multiply(tile, weights);
      outputs.write(maps, first, rows, inverse);
      buffer ^= 1;
      continue;
    }
    Gradients gradients = {};
    int map = 0, column = 0;
    while (map < MOST) {
      Half *const tile = tiles + buffer * TILE_SIZE;
      float *const inverse = inverses + buffer * ROWS;
      chunk.store(tile, inverse);
      const Half *const own = weights + maps.start(map) + column;
      const int steps = (min(maps.columns(map) - column, (int)DEPTH) + 15) / 16;
      // The next part is of this map, or of one of the next that are there, or of the next tile.
      column += DEPTH;
      while (map < MOST && column >= maps.columns(map)) map++, column = 0;
      load(map < MOST ? first : first + step, map < MOST ? map : 0, column);
      group_barrier(group, GROUP);
      gradients.add(tile, own, steps, inverse);
      buffer ^= 1;
    }
    gradients.write(x, first, rows, inputs, accumulate);
  }
}
