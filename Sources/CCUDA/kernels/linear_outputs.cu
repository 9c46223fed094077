// Linear maps of the same rows, y_i = x W_i, for as many columns as shared memory holds the weights of:
// the rows stream past them once.
//
// Constants: INPUTS, the inputs, rounded up to a multiple of 16, at most 256; COLUMNS, those of all maps,
// of each rounded up to a multiple of 16; WARPS, the warps of a block; ALIGNED, whether all of y may be
// written by 16 bytes; HALVES, 0, or what outputs are multiplied by that are left as halves.
//
// Outputs as halves are what attention multiplies: they have panels of 64 columns, each with all rows, of
// 128 bytes, and lie in these as they will in shared memory, as in groups.cuh, with columns spread. Greater
// ones than halves can be become the greatest, infinite ones NaN. Rows are a multiple of 16.
//
// Products are of halves, with the mantissa of TF32.
//
// A warp has 16 rows at a time in its registers, as the tensor cores want them, and the next 16 are under
// way: but for the weights, which lie in shared memory, warps have nothing to wait for together. Where
// the tensor cores take a lane's numbers from two pairs of columns, and leave them in two, the weights
// are spread so that both are 16 neighbouring bytes of x and of y.

enum {
  THREADS = WARPS * 32, STEPS = INPUTS / 16, PAIRS = COLUMNS / 16,
  // An odd multiple of 16 bytes, so that the 8 rows of a matrix lie in different banks.
  WEIGHT_PITCH = (COLUMNS / 8 | 1) * 8,
};

/// Where 16 columns go, of which `count` are there.
struct alignas(16) Target {
  float *to;
  int stride;
  short count;
  bool is_aligned;  // by 16 bytes, in each row
};

/// What lies in shared memory.
struct Shared {
  Half weights[INPUTS * WEIGHT_PITCH];
  Target targets[PAIRS];
};

/// A lane's part of 16 rows on its way: of rows g and g + 8, columns 4 t ... 4 t + 3 of each 16.
struct Arriving {
  float4 x[STEPS][2];

  DEVICE void load(const float *from, int first, int rows, int inputs) {
    const int row = first + lane_group();
    from += row * inputs + 4 * lane_in_group();
    const int count = inputs - 4 * lane_in_group();
#pragma unroll
    for (int k = 0; k < STEPS; k++)
#pragma unroll
      for (int i = 0; i < 2; i++)
        x[k][i] = row + 8 * i < rows && k * 16 < count
                      ? *(const float4 *)(from + 8 * i * inputs + k * 16)
                      : float4{0, 0, 0, 0};
  }
};

/// A lane's four columns of 16, in one row; `count` are there from the first of them on.
DEVICE void write_four(float *to, int count, bool is_aligned, const float4 &y) {
  if (ALIGNED || is_aligned) {
    if (count > 0) store_pack(to, Pack<4>{y.x, y.y, y.z, y.w});
    return;
  }
  if (count > 0) to[0] = y.x;
  if (count > 1) to[1] = y.y;
  if (count > 2) to[2] = y.z;
  if (count > 3) to[3] = y.w;
}

/// The blocks of the grid, read where this stands: there is no register to keep it in.
DEVICE int blocks_now() {
  int count;
  asm volatile("mov.u32 %0, %%nctaid.x;" : "=r"(count));
  return count;
}

/// c = the rows by 16 of the weights' columns.
DEVICE void multiply(float (&c)[2][4], const Factor<STEPS> &factor, const Half *weights) {
#pragma unroll
  for (int k = 0; k < STEPS; k++) {
    uint b[4];
    load_transposes(b, weights + k * 16 * WEIGHT_PITCH);
    mma_half(c[0], factor.a[k], b[0], b[1]), mma_half(c[1], factor.a[k], b[2], b[3]);
  }
}

/// Two outputs as halves.
DEVICE uint bounded_pair(float x, float y) {
  return two_bounded_halves(fmaf(x, HALVES, x * 0.0f), fmaf(y, HALVES, y * 0.0f));
}

/// Writes 16 bytes of one row and of that 8 behind it.
DEVICE void write_halves(char *to, const uint (&y)[2][4]) {
#pragma unroll
  for (int i = 0; i < 2; i++)
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(
                     __cvta_generic_to_global(to + i * 1024)),
                 "r"(y[i][0]), "r"(y[i][1]), "r"(y[i][2]), "r"(y[i][3])
                 : "memory");
}

/// `x`: the rows [rows, inputs], less than 2^20.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    linear_outputs(const float *x, MAPS_PARAMETERS, int rows, int inputs) {
  begin_kernel();
  extern __shared__ __align__(16) float dynamic[];
  Shared &shared = *(Shared *)dynamic;
  const Maps maps = MAPS;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, column = 4 * lane_in_group();
  int first = (warp * (int)gridDim.x + (int)blockIdx.x) * 16;

  Arriving arriving;
  arriving.load(x, first, rows, inputs);
  put_weights<INPUTS, WEIGHT_PITCH, THREADS, true, HALVES != 0>(maps, 0, inputs, shared.weights);
  for (int pair = threadIdx.x; pair < PAIRS; pair += THREADS) {
    const int map = maps.map(pair * 16), own = pair * 16 - maps.start(map);
    // Of 64 columns by all rows, half as many bytes as floats have.
    const long place = HALVES ? (long)(own / 64) * rows * 32 : own;
    shared.targets[pair] =
        Target{maps.output(map) + place, maps.columns(map), (short)(maps.columns(map) - own),
               maps.columns(map) % 4 == 0};
  }
  __syncthreads();
  const Half *const weights = shared.weights + (lane & 15) * WEIGHT_PITCH + (lane >> 4) * 8;
  for (; first < rows; first += blocks_now() * WARPS * 16) {
    const int step = blocks_now() * WARPS * 16;
    Factor<STEPS> factor;
    factor.take(arriving.x);
    if (first + step < rows) arriving.load(x, first + step, rows, inputs);
    const int row = first + lane_group();
#if HALVES
    // This lane's piece of 32 columns' four; those of the next 32 are 4 away.
    const int place = row * 128 + (lane_in_group() ^ lane_group()) * 16;
#pragma unroll 1
    for (int pair = 0; pair < PAIRS; pair += 2) {
      uint y[2][4];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float c[2][4] = {};
        multiply(c, factor, weights + (pair + half) * 16);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const float scale = factor.inverse[i & 1], *two = c[i >> 1] + 2 * (i & 1);
          y[i & 1][2 * half + (i >> 1)] = bounded_pair(two[0] * scale, two[1] * scale);
        }
      }
      write_halves((char *)shared.targets[pair].to + (place ^ (pair & 2) * 32), y);
    }
#else
#pragma unroll 1
    for (int pair = 0; pair < PAIRS; pair++) {
      float c[2][4] = {};
      multiply(c, factor, weights + pair * 16);
      const Target target = shared.targets[pair];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float scale = factor.inverse[i];
        const float4 y = {c[0][2 * i] * scale, c[0][2 * i + 1] * scale, c[1][2 * i] * scale,
                          c[1][2 * i + 1] * scale};
        if (row + 8 * i < rows)
          write_four(target.to + (row + 8 * i) * target.stride + column,
                     target.count - column, target.is_aligned, y);
      }
    }
#endif
  }
}
