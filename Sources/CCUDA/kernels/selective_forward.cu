// The forward pass of the selective scan; after selective.cu.

/// A block for each tile of channels and strip of sequences: the next sequence's first numbers come
/// while it works on the last ones of the one before. `kept` is [batch, chunks - 1, states,
/// channels]; it, skip, initial, final_state and `ungated`, the output before the gate, may be null.
KERNEL __launch_bounds__(threads, SPLIT > 2 ? 3 : 4) selective_forward(
    const float *__restrict__ x, const float *__restrict__ step, const float *__restrict__ rate,
    const float *__restrict__ write, const float *__restrict__ read,
    const float *__restrict__ skip, const float *__restrict__ initial,
    const float *__restrict__ gate, float *__restrict__ y, float *__restrict__ ungated,
    float *__restrict__ final_state, float *__restrict__ kept, long sequences, long channels,
    long length, long tiles) {
  begin_kernel();
  const int strips = gridDim.x / (uint)tiles, batch = sequences;
  Place place(channels, length, tiles), next = place;
  const int chunks = (place.length + TOKENS - 1) / TOKENS;
  constexpr int kinds = GATED ? 3 : 2, stage_size = kinds * series + 2 * numbers;
  const float *from[kinds] = {x, step};
  if constexpr (GATED) from[2] = gate;
  fetch(memory_of(0, stage_size), from, write, read, place, 0);
  const bool puts = place.inside && place.part == 0;
  const float direct = skip && puts ? skip[place.channel()] : 0.0f;
  float rates[own], state[own];
  load_rates(rates, rate, place);

  int chunk = 0, turn = 0;
  while (place.batch < batch) {
    const int t = chunk * TOKENS, here = place.tokens(t);
    const float *stage = memory_of(turn, stage_size);
    copy_wait<0>();
    __syncthreads();
    const int chunk_after = chunk + 1 < chunks ? chunk + 1 : 0;
    next.batch = place.batch + (chunk_after ? 0 : strips);
    if (next.batch < batch)
      fetch(memory_of(turn ^ 1, stage_size), from, write, read, next, chunk_after * TOKENS);
    if (!chunk) load_states(state, initial, place, place.batch);
    else if (kept) keep_states(kept, state, place, place.batch * (chunks - 1) + chunk - 1);
    const float *written = stage + kinds * series;
    long at = place.token(t) + place.column;
#pragma unroll 1
    for (int begin = 0; begin < here; begin += ahead)
#pragma unroll
    for (int j = 0; j < ahead; j++, at += place.channels) {
      const int i = begin + j;
      float writes[own], reads[own];
      load_own(writes, written, i, place);
      load_own(reads, written + numbers, i, place);
      const float input = stage[i * tile + place.column];
      const float span = stage[series + i * tile + place.column], u = span * input;
      float sum = direct * input;
#pragma unroll
      for (int n = 0; n < own; n++) {
        state[n] = step_of(slope_of(span, rates[n]), state[n], writes[n], u);
        sum += reads[n] * state[n];
      }
#pragma unroll
      for (int d = lanes; d < 32; d *= 2) sum += __shfl_xor_sync(FULL_WARP, sum, d);
      const bool exists = puts && i < here;
      if (GATED && ungated && exists) ungated[at] = sum;
      if constexpr (GATED) {
        const float z = stage[2 * series + i * tile + place.column];
        sum *= z * opening(z);
      }
      if (exists) y[at] = sum;
    }
    if (final_state && !chunk_after) store_states(final_state, state, place, place.batch);
    place.batch = next.batch;
    chunk = chunk_after;
    turn ^= 1;
  }
}
