// Products with block-diagonal matrices whose blocks are small: a block sees only its own part of a
// row, so the whole is bound by memory, and tensor cores would mostly multiply padding.
//
// Constants: DEPTH, the terms of a sum; TRANSPOSED, whether the matrices are stored so; VECTOR, the
// floats that are loaded at once.

/// Rows that a thread has under way at once.
constexpr int ROWS = 4;

/// C[block] = alpha A[block] op(B[block]) + beta C[block] for blocks [rows, DEPTH] and [DEPTH, n],
/// a column of a row for each thread, which keeps the column of B: blockDim.x = lanes x rows.
KERNEL block_rows(const float *a, const float *b, float *c, long rows, long columns, long n,
                  long lda, long stride_a, long ldb, long stride_b, long ldc, long stride_c,
                  float alpha, float beta, long lanes) {
  begin_kernel();
  const int team = threadIdx.x / (int)lanes, teams = blockDim.x / (int)lanes;
  const int column = blockIdx.y * (int)lanes + threadIdx.x % (int)lanes;
  if (team >= teams || column >= columns) return;
  const int block = column / (int)n, j = column % (int)n;
  b += block * stride_b;
  float weight[DEPTH];
#pragma unroll
  for (int k = 0; k < DEPTH; k++) weight[k] = alpha * (TRANSPOSED ? b[j * ldb + k] : b[k * ldb + j]);
  a += block * stride_a;
  c += block * stride_c + j;
  const long step = (long)gridDim.x * teams;
  for (long first = (long)blockIdx.x * teams + team; first < rows; first += ROWS * step) {
    Pack<VECTOR> x[ROWS][DEPTH / VECTOR];
    float before[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const long row = first + i * step;
      if (row >= rows) break;
#pragma unroll
      for (int k = 0; k < DEPTH / VECTOR; k++)
        x[i][k] = load_pack<VECTOR>(a + row * lda + k * VECTOR);
      before[i] = beta == 0 ? 0.0f : beta * c[row * ldc];
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      const long row = first + i * step;
      if (row >= rows) break;
      float sum = before[i];
#pragma unroll
      for (int k = 0; k < DEPTH; k++) sum += x[i][k / VECTOR].at[k % VECTOR] * weight[k];
      c[row * ldc] = sum;
    }
  }
}
