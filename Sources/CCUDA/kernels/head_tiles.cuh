// Tiles of the head's products for a warp each, with the instructions that all GPUs from sm_80 on
// have; after halves.cuh and head_numbers.cuh.

enum {
  WARPS = 4, THREADS = WARPS * 32,
  RESIDENT = 2,  // blocks on a multiprocessor
  // Slabs of 16 rows of a warp, whose factors stay in registers: each fragment of a tile serves all.
  SLABS = DEPTH <= 64 ? 2 : 1,
  WARP_ROWS = SLABS * 16, BLOCK_ROWS = WARPS * WARP_ROWS,
  STAGES = 3,  // tiles in shared memory
  PITCH = DEPTH + 8,
};

/// A warp's rows of one factor.
struct Rows {
  uint at[SLABS][STEPS][4];

  DEVICE void load(const Half *rows) {
    const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
#pragma unroll
    for (int slab = 0; slab < SLABS; slab++)
#pragma unroll
      for (int k = 0; k < STEPS; k++)
#pragma unroll
        for (int i = 0; i < 4; i++)
          at[slab][k][i] = *(const uint *)(rows + (slab * 16 + g + (i & 1) * 8) * (long)DEPTH +
                                           16 * k + 2 * t + (i >> 1) * 8);
  }

  /// c += the products of these rows with those of a tile.
  DEVICE void multiply(float c[SLABS][COLUMNS][4], const Half *tile) const {
    const int lane = threadIdx.x & 31;
    const Half *own = tile + ((lane >> 4) * 8 + (lane & 7)) * PITCH + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int k = 0; k < STEPS; k++)
#pragma unroll
      for (int n = 0; n < COLUMNS; n += 2) {
        uint b[4];
        load_halves(b, own + n * 8 * PITCH + k * 16);
#pragma unroll
        for (int slab = 0; slab < SLABS; slab++) {
          mma_half(c[slab][n], at[slab][k], b[0], b[1]);
          mma_half(c[slab][n + 1], at[slab][k], b[2], b[3]);
        }
      }
  }
};

/// sums += p tile, with p rounded to 16 bits.
DEVICE void add_tile(float sums[SLABS][OUTPUTS][4], const float p[SLABS][COLUMNS][4],
                     const Half *tile) {
  const int lane = threadIdx.x & 31;
  const Half *own = tile + (lane & 15) * PITCH + (lane >> 4) * 8;
#pragma unroll
  for (int k = 0; k < COLUMNS / 2; k++) {
    uint a[SLABS][4];
#pragma unroll
    for (int slab = 0; slab < SLABS; slab++) to_factor(a[slab], p[slab], k);
#pragma unroll
    for (int n = 0; n < OUTPUTS; n += 2) {
      uint b[4];
      load_transposes(b, own + k * 16 * PITCH + n * 8);
#pragma unroll
      for (int slab = 0; slab < SLABS; slab++) {
        mma_half(sums[slab][n], a[slab], b[0], b[1]);
        mma_half(sums[slab][n + 1], a[slab], b[2], b[3]);
      }
    }
  }
}

/// Calls f(number, memory) for the tiles first … last - 1; `load(number, memory)` starts the copies
/// of one. Each has `floats` floats of shared memory.
template <typename Load, typename Function>
DEVICE void each_tile(int first, int last, int floats, Load load, Function f) {
  extern __shared__ __align__(16) float memory[];
  auto place = [=](int number) { return memory + (number - first) % STAGES * floats; };
#pragma unroll
  for (int i = 0; i < STAGES - 1; i++) {
    if (first + i < last) load(first + i, place(first + i));
    copy_commit();
  }
  for (int number = first; number < last; number++) {
    copy_wait<STAGES - 2>();
    __syncthreads();  // the tile is there, and all are done with the one before
    const int next = number + STAGES - 1;
    if (next < last) load(next, place(next));
    copy_commit();
    f(number, place(number));
  }
}

enum { TILE_FLOATS = TILE * PITCH / 2 };

DEVICE void copy_tile(float *to, const Half *from) {
  for (int i = threadIdx.x; i < TILE * OUTPUTS; i += THREADS)
    copy_async((Half *)to + i / OUTPUTS * PITCH + i % OUTPUTS * 8, from + i * 8);
}
