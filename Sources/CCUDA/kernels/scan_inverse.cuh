// The inverse of I + a chunk's system of the delta rule, in 32-bit floats; after what names C, threads
// and token_step, the distance of its rows.

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
  Pack<4> sums = {};
#pragma unroll 2
  for (int n = 0; n < 8; n++)
#pragma unroll
    for (int j = 0; j < 4; j++)
      sums.at[j] += own[(8 + row) * token_step + n] * own[n * token_step + first + j];
  float *above = own + row * token_step + 8 + first, *below = own + (8 + row) * token_step + first;
  *(Pack<4> *)above = sums;
  __syncwarp();
  sums = {};
#pragma unroll 2
  for (int n = 0; n < 8; n++)
#pragma unroll
    for (int j = 0; j < 4; j++)
      sums.at[j] -= own[(8 + row) * token_step + 8 + n] * own[n * token_step + 8 + first + j];
  __syncwarp();
  *(Pack<4> *)below = sums;
  *(Pack<4> *)above = {};
}

/// Makes (I + system)^-1 of the system of C tokens (16 or 32), in place: the diagonal blocks, then the
/// block below them.
/// What lies above them is left used up, for zeros.
DEVICE void invert(float *a) {
  constexpr int half = C / 2;
  // All lanes go along where there is one block of 16: the upper ones do the same as the others.
  if (threadIdx.x < 32) invert_blocks(a, threadIdx.x % C);
  if (C == 16) return;
  __syncthreads();
  for (int place = threadIdx.x; place < half * half; place += threads) {
    const int i = place / half, j = place % half;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < half; n++) sum += a[(half + i) * token_step + n] * a[n * token_step + j];
    a[i * token_step + half + j] = sum;
  }
  __syncthreads();
  for (int place = threadIdx.x; place < half * half; place += threads) {
    const int i = place / half, j = place % half;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < half; n++)
      sum += a[(half + i) * token_step + half + n] * a[n * token_step + half + j];
    a[(half + i) * token_step + j] = -sum;
  }
}
