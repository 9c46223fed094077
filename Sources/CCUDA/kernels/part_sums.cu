// Sums the parts of gradients of parameters that the blocks of a kernel leave.

/// The sums over the splits for up to eight parameters, in a fixed order: `parts` is [splits, total],
/// where each parameter's numbers come after the other's; those of parameter i end at `end_i`, and
/// they overwrite the gradient w_i or, with bit i of `accumulate`, are added to it. A block of 32 by
/// 8 threads has 32 numbers, each thread of them every eighth split.
KERNEL part_sums(const float *parts, float *w0, float *w1, float *w2, float *w3, float *w4,
                 float *w5, float *w6, float *w7, long end0, long end1, long end2, long end3,
                 long end4, long end5, long end6, long total, long splits, int accumulate) {
  __shared__ float sums[8][32];
  const int lane = threadIdx.x & 31, group = threadIdx.x >> 5;
  const long at = (long)blockIdx.x * 32 + lane;
  float sum = 0;
  if (at < total)
#pragma unroll 8
    for (long s = group; s < splits; s += 8) sum += parts[s * total + at];
  sums[group][lane] = sum;
  __syncthreads();
  if (group > 0 || at >= total) return;
#pragma unroll
  for (int i = 1; i < 8; i++) sum += sums[i][lane];
  const auto write = [&](int i, float *w, long start) {
    put(w + at - start, sum, accumulate >> i & 1);
  };
  if (at < end0) return write(0, w0, 0);
  if (at < end1) return write(1, w1, end0);
  if (at < end2) return write(2, w2, end1);
  if (at < end3) return write(3, w3, end2);
  if (at < end4) return write(4, w4, end3);
  if (at < end5) return write(5, w5, end4);
  if (at < end6) return write(6, w6, end5);
  write(7, w7, end6);
}
