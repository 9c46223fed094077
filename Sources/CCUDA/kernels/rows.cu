// Kernels over rows x columns. Constants: VECTOR, the floats that move at once.
//
// 2^log_lanes neighbouring threads share a row, so that rows of a few floats (gates, heads) keep
// all threads busy as rows of thousands do.

typedef Pack<VECTOR> pack;

/// Calls f(row, column) for each pack of the matrix.
template <typename Function>
DEVICE void each_pack(long rows, long columns, int log_lanes, Function f) {
  long lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
  long first = blockIdx.x * slots + (threadIdx.x >> log_lanes), step = slots * gridDim.x;
  for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR)
    for (long row = first; row < rows; row += step) f(row, column);
}

KERNEL add_row(long rows, long columns, int log_lanes, const float *x, const float *v, float *y) {
  begin_kernel();
  each_pack(rows, columns, log_lanes, [=](long row, long column) {
    long at = row * columns + column;
    pack a = load_pack<VECTOR>(x + at), b = load_floats<VECTOR>(v + column);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) a.at[i] += b.at[i];
    store_pack(y + at, a);
  });
}

KERNEL multiply_row(long rows, long columns, int log_lanes, const float *x, const float *v,
                    float *y, int accumulate) {
  begin_kernel();
  each_pack(rows, columns, log_lanes, [=](long row, long column) {
    long at = row * columns + column;
    pack a = load_pack<VECTOR>(x + at), b = load_floats<VECTOR>(v + column);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) a.at[i] *= b.at[i];
    put_pack(y + at, a, accumulate);
  });
}

KERNEL scale_rows(long rows, long columns, int log_lanes, const float *x, const float *s, float *y,
                  int accumulate) {
  begin_kernel();
  each_pack(rows, columns, log_lanes, [=](long row, long column) {
    long at = row * columns + column;
    float factor = s[row];
    pack a = load_pack<VECTOR>(x + at);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) a.at[i] *= factor;
    put_pack(y + at, a, accumulate);
  });
}

/// The packs lane, lane + lanes, … of x[:] . z[:]
DEVICE float dot_part(long columns, long lane, long lanes, const float *x, const float *z) {
  float sum = 0.0f;
#pragma unroll 4
  for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR) {
    pack a = load_pack<VECTOR>(x + column), b = load_pack<VECTOR>(z + column);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) sum += a.at[i] * b.at[i];
  }
  return sum;
}

/// y[r] (+)= x[r,:] . z[r,:], with at most a warp per row.
KERNEL dot_rows(long rows, long columns, int log_lanes, const float *x, const float *z, float *y,
                int accumulate) {
  begin_kernel();
  int lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1);
  long slots = blockDim.x >> log_lanes, slot = threadIdx.x >> log_lanes;
  for (long base = blockIdx.x * slots; base < rows; base += slots * gridDim.x) {
    long row = base + slot, at = row * columns;
    float sum = row < rows ? dot_part(columns, lane, lanes, x + at, z + at) : 0.0f;
    for (int d = lanes >> 1; d; d >>= 1) sum += __shfl_xor_sync(FULL_WARP, sum, d);
    if (!lane && row < rows) put(y + row, sum, accumulate);
  }
}

/// The same for long rows, a block for each.
KERNEL dot_long_rows(long rows, long columns, const float *x, const float *z, float *y,
                     int accumulate) {
  begin_kernel();
  __shared__ float shared[32];
  for (long row = blockIdx.x; row < rows; row += gridDim.x) {
    long at = row * columns;
    float sum = block_sum(dot_part(columns, threadIdx.x, blockDim.x, x + at, z + at), shared);
    if (!threadIdx.x) put(y + row, sum, accumulate);
  }
}

/// a / b for numbers that are not negative; 64-bit division is slow and almost never needed.
DEVICE long quotient(long a, long b) {
  return (a | b) >> 32 ? a / b : (long)((uint)a / (uint)b);
}

/// Rotates the pairs (j, j + half) of the rows of x, [batch, length, heads, 2 half].
KERNEL rotary(long rows, long half, int log_lanes, long length, long heads, long offset,
              float direction, const float *cosine, const float *sine, const float *x, float *y) {
  begin_kernel();
  each_pack(rows, half, log_lanes, [=](long row, long column) {
    long token = quotient(row, heads), position = offset + token - quotient(token, length) * length;
    long angle = position * half + column, at = row * half * 2 + column;
    pack c = load_pack<VECTOR>(cosine + angle), s = load_pack<VECTOR>(sine + angle);
    pack a = load_pack<VECTOR>(x + at), b = load_pack<VECTOR>(x + at + half), first, second;
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
      float up = direction * s.at[i];
      first.at[i] = a.at[i] * c.at[i] - b.at[i] * up;
      second.at[i] = b.at[i] * c.at[i] + a.at[i] * up;
    }
    store_pack(y + at, first);
    store_pack(y + at + half, second);
  });
}
