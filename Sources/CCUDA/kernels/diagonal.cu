// Takes the blocks on the diagonal out of a product of all blocks with all.

/// C[block][i][group][j] = dense[block, i][group, block, j] + beta C, for [m, n] blocks. `dense` has
/// rows of `width` floats; rows of C are `ldc` apart, its blocks `stride_c`.
KERNEL diagonal_blocks(const float *dense, float *c, long blocks, long m, long n, long groups,
                       long width, long ldc, long stride_c, float alpha, float beta) {
  begin_kernel();
  const long count = blocks * m * groups * n;
  for (long at = thread_index(); at < count; at += thread_count()) {
    const long j = at % n, group = at / n % groups, i = at / n / groups % m;
    const long block = at / n / groups / m;
    const float found = alpha * dense[(block * m + i) * width + (group * blocks + block) * n + j];
    float *const to = c + block * stride_c + i * ldc + group * n + j;
    *to = beta == 0 ? found : found + beta * *to;
  }
}
