// Sums the parts of gradients of parameters that the blocks of a kernel leave. Constants: VECTOR, the
// floats that are loaded at once.

// Neighbouring threads have the numbers of a block, so many groups of them the splits.
enum { LANES = VECTOR > 1 ? 16 : 32, GROUPS = 256 / LANES, NUMBERS = LANES * VECTOR };

/// The sums over the splits for up to eight parameters, in a fixed order: `parts` is [splits, total],
/// where each parameter's numbers come after the other's; those of parameter i end at `end_i`, and
/// they overwrite the gradient w_i or, with bit i of `accumulate`, are added to it. A block has NUMBERS
/// numbers, each thread some of every GROUPS-th split.
KERNEL __launch_bounds__(LANES *GROUPS)
part_sums(const float *__restrict__ parts, float *w0, float *w1, float *w2, float *w3, float *w4,
          float *w5, float *w6, float *w7, long end0, long end1, long end2, long end3, long end4,
          long end5, long end6, long total, long splits, int accumulate) {
  begin_kernel();
  __shared__ Pack<VECTOR> shared[GROUPS * LANES];
  const int lane = threadIdx.x % LANES, group = threadIdx.x / LANES;
  const long first = (long)blockIdx.x * NUMBERS, at = first + threadIdx.x;
  Pack<VECTOR> part = {};
  parts += first + lane * VECTOR;
  if (first + lane * VECTOR < total)
#pragma unroll 8
    for (long s = group; s < splits; s += GROUPS) {
      const Pack<VECTOR> term = load_pack<VECTOR>(parts + s * total);
#pragma unroll
      for (int i = 0; i < VECTOR; i++) part.at[i] += term.at[i];
    }
  shared[threadIdx.x] = part;
  __syncthreads();
  if (threadIdx.x >= NUMBERS || at >= total) return;
  const float *sums = (const float *)shared + threadIdx.x;
  float sum = sums[0];
#pragma unroll
  for (int i = 1; i < GROUPS; i++) sum += sums[i * NUMBERS];
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
