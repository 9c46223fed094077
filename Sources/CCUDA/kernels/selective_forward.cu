// The forward pass of the selective scan; after selective.cu.

/// A block for each sequence and tile of channels. `kept` is [batch, chunks - 1, states, channels];
/// it, skip, initial and final_state may be null.
KERNEL __launch_bounds__(threads, 4) selective_forward(
    const float *__restrict__ x, const float *__restrict__ step, const float *__restrict__ rate,
    const float *__restrict__ write, const float *__restrict__ read,
    const float *__restrict__ skip, const float *__restrict__ initial, float *__restrict__ y,
    float *__restrict__ final_state, float *__restrict__ kept, long channels, long length,
    long tiles) {
  begin_kernel();
  const Place place(channels, length, tiles);
  const int chunks = (length + TOKENS - 1) / TOKENS;
  const float *const from[2] = {x, step};
  constexpr int stage_size = 2 * series + 2 * numbers;
  fetch(memory_of(0, stage_size), from, write, read, place, 0);
  const bool puts = place.inside && place.part == 0;
  const float direct = skip && puts ? skip[place.channel()] : 0.0f;
  float rates[own], state[own];
  load_rates(rates, rate, place);
  load_states(state, initial, place, place.batch);

  for (int chunk = 0; chunk < chunks; chunk++) {
    const long t = (long)chunk * TOKENS;
    const float *stage = memory_of(chunk % 2, stage_size);
    copy_wait<0>();
    __syncthreads();
    if (chunk + 1 < chunks)
      fetch(memory_of((chunk + 1) % 2, stage_size), from, write, read, place, t + TOKENS);
    if (kept && chunk) store_states(kept, state, place, place.batch * (chunks - 1) + chunk - 1);
    float *to = y + place.token(t) + place.column;
#pragma unroll 4
    for (int i = 0; i < TOKENS; i++, to += channels) {
      float writes[own], reads[own];
      load_own(writes, stage + 2 * series, i, place);
      load_own(reads, stage + 2 * series + numbers, i, place);
      const float input = stage[i * tile + place.column];
      const float span = stage[series + i * tile + place.column], u = span * input;
      float sum = direct * input;
#pragma unroll
      for (int n = 0; n < own; n++) {
        state[n] = factor_of(slope_of(span, rates[n])) * state[n] + writes[n] * u;
        sum += reads[n] * state[n];
      }
#pragma unroll
      for (int d = lanes; d < 32; d *= 2) sum += __shfl_xor_sync(FULL_WARP, sum, d);
      if (puts && t + i < length) *to = sum;
    }
  }
  if (final_state) store_states(final_state, state, place, place.batch);
}
