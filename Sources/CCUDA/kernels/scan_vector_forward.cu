// The forward pass of the chunked scan with decays of vectors; after scan_vector_strips.cuh.

/// A block for each head (x) and tile of columns (y). `kept_states` may be null.
KERNEL __launch_bounds__(threads, (keys > 64 ? 256 : 512) / threads) scan_vector_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *initial,
    float *o, float *final_state, float *kept_states, long heads, long key_heads, long length,
    float scale) {
  const Head x(heads, key_heads, length);
  const int chunks = (x.length + C - 1) / C;
  Strip state;
  state.load(initial, x);
  for (int base = 0; base < chunks; base += ROUND) {
    const int count = min(ROUND, chunks - base);
    __syncthreads();
    each_part(count, [&](int n, int part) {
      prepare(q, k, decay, x, (base + n) * C, part, Chunk(n), scale);
    });
    Values values;
    values.load(v, x, base * C);
    __syncthreads();
#pragma unroll 1
    for (int n = 0; n < count; n++) {
      const int t = (base + n) * C;
      const Chunk chunk(n);
      uint now[2][4];
      values.round(now);
      if (n + 1 < count) values.load(v, x, t + C);
      if (kept_states) state.keep(kept_states + state_place(x, base + n));
      read(state, chunk, now, o, x, t);
      write(state, chunk, now);
    }
  }
  state.store(final_state, x);
}
