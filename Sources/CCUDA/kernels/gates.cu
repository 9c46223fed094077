// The mLSTM's gates as factors that cannot overflow (architectures.md §3.3; the formulas stand in
// CKernels.h).

/// m -> max(m + add, least): how a stretch of tokens changes the stabiliser.
struct Stretch {
  float add, least;
};
DEVICE Stretch followed(const Stretch &first, const Stretch &second) {
  return {first.add + second.add, fmaxf(first.least + second.add, second.least)};
}

/// A warp for each sequence and head, 32 tokens at a time. gates is [batch, length, 2, heads].
KERNEL stabilised_gates(long batch, long length, long heads, const float *__restrict__ gates,
                        const float *__restrict__ initial, float *__restrict__ decay,
                        float *__restrict__ strength, float *__restrict__ stabiliser,
                        float *__restrict__ final_stabiliser) {
  begin_kernel();
  const long item = thread_index() >> 5;
  const int lane = threadIdx.x & 31;
  if (item >= batch * heads) return;
  const long b = item / heads, head = item % heads;
  float m = initial ? initial[item] : 0.0f;
  for (long start = 0; start < length; start += 32) {
    const long t = start + lane, row = b * length + t;
    // Tokens behind the last change nothing.
    float input = __int_as_float(0xff800000), kept = 0;
    if (t < length) {
      input = gates[2 * row * heads + head];
      kept = -softplus(-gates[(2 * row + 1) * heads + head]);
    }
    Stretch all = {kept, input};
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      const Stretch before = {__shfl_up_sync(FULL_WARP, all.add, d),
                              __shfl_up_sync(FULL_WARP, all.least, d)};
      if (lane >= d) all = followed(before, all);
    }
    const float end = fmaxf(m + all.add, all.least);
    float before = __shfl_up_sync(FULL_WARP, end, 1);
    if (lane == 0) before = m;
    // From the token before alone, so that one of the factors is 1 to the last bit.
    const float carried = kept + before, now = fmaxf(carried, input);
    if (t < length) {
      decay[row * heads + head] = expf(carried - now);
      strength[row * heads + head] = expf(input - now);
      stabiliser[row * heads + head] = now;
    }
    m = __shfl_sync(FULL_WARP, end, 31);
  }
  if (final_stabiliser && lane == 0) final_stabiliser[item] = m;
}

KERNEL stabilised_gates_backward(long count, long heads, const float *__restrict__ gates,
                                 const float *__restrict__ decay,
                                 const float *__restrict__ strength,
                                 const float *__restrict__ d_decay,
                                 const float *__restrict__ d_strength,
                                 float *__restrict__ d_gates) {
  begin_kernel();
  for (long i = thread_index(); i < count; i += thread_count()) {
    const long input = i / heads * 2 * heads + i % heads, forget = input + heads;
    d_gates[input] = d_strength[i] * strength[i];
    d_gates[forget] = d_decay[i] * decay[i] * sigmoid(-gates[forget]);
  }
}
