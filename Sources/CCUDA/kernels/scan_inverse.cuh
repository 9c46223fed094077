// The inverse of I + a chunk's system of the delta rule, in 32-bit floats; after what names C, threads
// and token_step, the distance of its rows.

/// Four neighbours of a row of the product of `terms` terms of a row, `left`, and rows `token_step`
/// apart, of which `right` are the first one's four.
template <int terms>
DEVICE Pack<4> four_sums(const float *left, const float *right) {
  Pack<4> sums = {};
#pragma unroll
  for (int n = 0; n < terms; n += 4) {
    const Pack<4> factors = load_pack<4>(left + n);
#pragma unroll
    for (int m = 0; m < 4; m++) {
      const Pack<4> row = load_pack<4>(right + (n + m) * token_step);
#pragma unroll
      for (int j = 0; j < 4; j++) sums.at[j] += factors.at[m] * row.at[j];
    }
  }
  return sums;
}
DEVICE Pack<4> negative(const Pack<4> &x) { return {-x.at[0], -x.at[1], -x.at[2], -x.at[3]}; }

/// The first warp's part of the inverse: diagonal blocks of 8 by substitution, a lane for each
/// column, then two of them make one of 16.
DEVICE void invert_blocks(float *a, int lane) {
  const int column = lane % 8, block = lane / 8 * 8;
  float y[8];
#pragma unroll
  for (int i = 0; i < 8; i++) {
    y[i] = i == column ? 1.0f : 0.0f;
#pragma unroll
    for (int n = 0; n < i; n++) y[i] -= a[(block + i) * token_step + block + n] * y[n];
  }
  __syncwarp();
#pragma unroll
  for (int i = 0; i < 8; i++) a[(block + i) * token_step + block + column] = y[i];
  __syncwarp();
  // Four places for a lane, of the block above and of the one below.
  float *own = a + lane / 16 * 16 * (token_step + 1);
  const int row = lane % 16 / 2, first = lane % 2 * 4;
  float *above = own + row * token_step + 8 + first, *below = own + (8 + row) * token_step + first;
  *(Pack<4> *)above = four_sums<8>(below - first, own + first);
  __syncwarp();
  const Pack<4> sums = negative(four_sums<8>(below - first + 8, own + 8 + first));
  __syncwarp();
  *(Pack<4> *)below = sums;
  *(Pack<4> *)above = {};
}

/// Makes (I + system)^-1 of the system of C tokens (16 or 32), in place: the diagonal blocks, then the
/// block below them.
/// What lies above them is left used up, for zeros. Rows of the system from `count` on are zeros,
/// also in what lies beside the diagonal blocks, and need no products.
DEVICE void invert(float *a, int count = C) {
  constexpr int half = C / 2, fours = half / 4;
  static_assert(C == 16 || threads >= half * fours, "a thread has four places of the block");
  // All lanes go along where there is one block of 16: the upper ones do the same as the others.
  if (threadIdx.x < 32) invert_blocks(a, threadIdx.x % C);
  if (C == 16 || count <= half) return;
  const int row = threadIdx.x / fours, first = threadIdx.x % fours * 4;
  const bool has_some = row < min(count, C) - half;
  float *own = a + (half + row) * token_step, *above = a + row * token_step + half + first;
  __syncthreads();
  if (has_some) *(Pack<4> *)above = four_sums<half>(own, a + first);
  __syncthreads();
  if (has_some)
    *(Pack<4> *)(own + first) = negative(four_sums<half>(own + half, a + half + first));
}
