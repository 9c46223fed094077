// The backward pass of the chunked scan with decays of vectors; after scan_vector_gradients.cuh.
//
// With the gradients E of the state, that behind each chunk known,
//   dV = A' G + (s K) E,  dS = p_last E + (p Q)' (scale G)
// go backward in time as the forward pass goes forward. The other gradients of a chunk then depend
// on no other chunk's.

/// What a block leaves itself in memory: the gradients of the states behind a round's chunks, as
/// states are kept, and that before the round.
constexpr int scratch_size = ROUND * state_size + keys * values;

/// A strip between rounds, where its registers serve others: each thread has its own numbers.
DEVICE void park(const Strip &state, float *to) {
#pragma unroll
  for (int n = 0; n < key_tiles; n++)
    store_pack(to + (n * threads + own_thread()) * 4, load_floats<4>(state.at[n]));
}
DEVICE void take_back(Strip &state, const float *from) {
#pragma unroll
  for (int n = 0; n < key_tiles; n++) {
    const Pack<4> four = load_pack<4>(from + (n * threads + own_thread()) * 4);
#pragma unroll
    for (int i = 0; i < 4; i++) state.at[n][i] = four.at[i];
  }
}

/// A block for each head (x) and tile of columns (y). `kept_states` are as the forward pass left
/// them.
KERNEL __launch_bounds__(threads, (keys > 64 ? 256 : 512) / threads) scan_vector_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *kept_states,
    const float *d_o, const float *d_final, float *scratch, float *dq, float *dk, float *dv,
    float *d_decay, float *d_initial, long batch, long heads, long key_heads, long length,
    float scale) {
  const Head x(heads, key_heads, length);
  const Targets to = {dq, dk, d_decay};
  const int chunks = (x.length + C - 1) / C;
  const long tile_rows = blockIdx.y * batch * length * heads;
  scratch += (blockIdx.y * (long)gridDim.x + blockIdx.x) * scratch_size;
  float *parked = scratch + ROUND * state_size;
  for (int base = (chunks - 1) / ROUND * ROUND; base >= 0; base -= ROUND) {
    const int count = min(ROUND, chunks - base);
    each_part(count, [&](int n, int part) {
      prepare(q, k, decay, x, (base + n) * C, part, Chunk(n), scale);
    });
    __syncthreads();
    {
      Strip change;
      if (base + ROUND >= chunks) change.load(d_final, x);
      else take_back(change, parked);
      Values values;
      values.load(d_o, x, (base + count - 1) * C);
#pragma unroll 1
      for (int n = count - 1; n >= 0; n--) {
        const int t = (base + n) * C;
        const Chunk chunk(n);
        uint now[2][4];
        values.round(now);
        if (n > 0) values.load(d_o, x, t - C);
        change.keep(scratch + n * state_size);
        if (dv) read(change, chunk, now, dv, x, t);
        write(change, chunk, now);
      }
      if (base > 0) park(change, parked);
      else change.store(d_initial, x);
    }
    __syncthreads();
    each_part(count, [&](int n, int part) {
      const int t = (base + n) * C;
      Products products = {};
      products.add(v, d_o, kept_states + state_place(x, base + n), scratch + n * state_size, x, t,
                   part);
      return_part(q, k, decay, products, x, to, tile_rows, t, part, scale);
    });
  }
}
