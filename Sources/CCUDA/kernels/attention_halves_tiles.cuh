// Attention with factors of 16 bits: how matrices lie in shared memory, and the products of a warp.
// This is put after attention_factors.cuh, before the kernels for heads of at most 128 columns.
//
// Constants: those of attention_tiles.cuh, and WARPS of a block; a warp has 16 queries, a tile 32
// keys. Rows in shared memory are 8 halves longer than their columns, an odd multiple of 16 bytes:
// the 8 rows of a matrix that `ldmatrix` reads lie in different banks.

constexpr int THREADS = WARPS * 32, SLAB = 16, QUERIES = WARPS * SLAB, KEYS = 32;
constexpr int DIM_PITCH = DIM_PAD + 8, VALUE_PITCH = VALUE_PAD + 8;

/// Rows on their way to shared memory, where they arrive as halves.
template <int ROWS, int COLUMNS>
struct HalfRows : Rows<ROWS, COLUMNS, THREADS> {
  using Base = Rows<ROWS, COLUMNS, THREADS>;

  DEVICE void store(Half *tile) const {
#pragma unroll
    for (int i = 0; i < Base::COUNT; i++)
      if (Base::is_full || Base::row(i) < ROWS)
        *(uint2 *)(tile + Base::row(i) * (Base::PAD + 8) + Base::column(i)) =
            four_halves(this->x[i], OPERAND_SCALE);
  }

  DEVICE float greatest() const {
    float most = 0;
#pragma unroll
    for (int i = 0; i < Base::COUNT; i++) {
      const float4 &x = this->x[i];
      most = fmaxf(most, fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w))));
    }
    return most;
  }
};

/// Asks the second-level cache for rows that will be read soon, if they lie next to each other; one
/// warp does. (It is one request. Of many, each lane's would wait for those of the lanes before.)
template <int COLUMNS>
DEVICE void expect_rows(const float *rows, int stride, int count) {
#if __CUDA_ARCH__ >= 900
  if (VECTORS && stride == COLUMNS && (threadIdx.x & 31) == 0 && count > 0)
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(__cvta_generic_to_global(rows)),
                 "r"(4 * COLUMNS * count));
#endif
}

/// c += a b' for the warp's 16 rows of a and 8 NT of b, of DEPTH columns each; a and b are their
/// first rows. Fragments are read while those before are multiplied, if there are registers for
/// two of each (STAGES).
template <int NT, int DEPTH, int STAGES = 2>
DEVICE void multiply_halves(float (&c)[NT][4], const Half *a, const Half *b) {
  constexpr int PITCH = DEPTH + 8, STEPS = DEPTH / 16;
  const int lane = threadIdx.x & 31;
  a += (lane & 15) * PITCH + (lane >> 4) * 8;
  b += ((lane & 7) + (lane >> 4) * 8) * PITCH + (lane >> 3 & 1) * 8;
  uint x[STAGES][4], y[STAGES][NT / 2][4];
  const auto load = [&](int step) {
    load_halves(x[step % STAGES], a + 16 * step);
#pragma unroll
    for (int n = 0; n < NT / 2; n++)
      load_halves(y[step % STAGES][n], b + n * 16 * PITCH + 16 * step);
  };
  if (STAGES == 2) load(0);
#pragma unroll
  for (int step = 0; step < STEPS; step++) {
    if (step + STAGES - 1 < STEPS) load(step + STAGES - 1);
#pragma unroll
    for (int n = 0; n < NT; n++) {
      const uint *pair = y[step % STAGES][n / 2] + n % 2 * 2;
      mma_half(c[n], x[step % STAGES], pair[0], pair[1]);
    }
  }
}

/// c += a b for the KEYS rows of a tile b.
template <int PAD>
DEVICE void add_products(float (&c)[PAD / 8][4], const uint (&a)[KEYS / 16][4], const Half *b) {
  constexpr int PITCH = PAD + 8, ACROSS = PAD / 16, COUNT = KEYS / 16 * ACROSS;
  const int lane = threadIdx.x & 31;
  b += (lane & 15) * PITCH + (lane >> 4) * 8;
  uint y[2][4];
  load_transposes(y[0], b);
#pragma unroll
  for (int i = 0; i < COUNT; i++) {
    const int k = i / ACROSS, n = i % ACROSS, next = i + 1;
    if (next < COUNT)
      load_transposes(y[next & 1], b + next / ACROSS * 16 * PITCH + next % ACROSS * 16);
    mma_half(c[2 * n], a[k], y[i & 1][0], y[i & 1][1]);
    mma_half(c[2 * n + 1], a[k], y[i & 1][2], y[i & 1][3]);
  }
}

/// Writes two neighbouring columns of a row, of which the first is even.
template <int COLUMNS>
DEVICE void write_pair(float *row, int column, float x, float y) {
  if (VECTORS) {
    if (column < COLUMNS) store_pack<2>(row + column, {x, y});
  } else {
    if (column < COLUMNS) row[column] = x;
    if (column + 1 < COLUMNS) row[column + 1] = y;
  }
}

template <int COLUMNS>
DEVICE float2 read_pair(const float *row, int column) {
  if (VECTORS) return column < COLUMNS ? *(const float2 *)(row + column) : float2{0, 0};
  return float2{column < COLUMNS ? row[column] : 0, column + 1 < COLUMNS ? row[column + 1] : 0};
}
