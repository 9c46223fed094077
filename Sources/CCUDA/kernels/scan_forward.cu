// The forward pass of the matrix-state scan, token by token; after scan.cu.

/// One token: the state takes it in, `read` becomes what it reads, `answer` its answer.
DEVICE void forward_token(float (&state)[ROWS][COLUMNS], const Chunk &chunk, int i,
                          const Lane &lane, const float (&bonus)[ROWS], float (&read)[COLUMNS],
                          float (&answer)[COLUMNS]) {
  float q[ROWS], k[ROWS], v[COLUMNS];
  load_rows(q, chunk.q() + i * rows_padded, lane);
  load_rows(k, chunk.k() + i * rows_padded, lane);
  load_columns(v, chunk.v() + i * columns_padded + lane.column());
  if (EXCLUSIVE) {
    look(read, state, q);
    float self = bonus_of(q, k, bonus);
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) read[c] += self * v[c];
  }
  if constexpr (UPDATE == RANK_ONE) {
    float a[ROWS];
    load_rows(a, chunk.a() + i * rows_padded, lane);
    look(answer, state, a);
  }
  decay_state(state, chunk, i, lane);
  if constexpr (UPDATE == DELTA) {
    look(answer, state, k);
    float beta = chunk.beta()[i];
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      answer[c] = v[c] - answer[c];
      v[c] = beta * answer[c];
    }
  }
  if constexpr (UPDATE == RANK_ONE) {
    float b[ROWS];
    load_rows(b, chunk.b() + i * rows_padded, lane);
    add_outer(state, b, answer);
  }
  add_outer(state, k, v);
  if (!EXCLUSIVE) look(read, state, q);
}

/// x[c], of registers.
DEVICE float one_of(const float (&x)[COLUMNS], int c) {
  float one = x[0];
#pragma unroll
  for (int n = 1; n < COLUMNS; n++) one = c == n ? x[n] : one;
  return one;
}

/// A block for each head and tile of columns. `kept_states` are [batch, heads, chunks, key, value],
/// `kept_answers` [batch, length, heads, value]; both may be null.
KERNEL __launch_bounds__(threads) scan_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *a, const float *b, const float *bonus, const float *initial, float *o,
    float *final_state, float *kept_states, float *kept_answers, long heads, long key_heads,
    long length, float scale) {
  begin_kernel();
  const Inputs in = {q, k, v, decay, beta, a, b, bonus};
  const Head x(heads, key_heads, length);
  const Lane lane;
  const int chunks = (int)((length + TOKENS - 1) / TOKENS);
  Chunk stages[2] = {{(float *)memory}, {(float *)memory + Chunk::size}};
  clear_shared((float *)memory, 2 * Chunk::size);
  float state[ROWS][COLUMNS], weights[ROWS];
  load_state(state, initial ? initial + x.state() : nullptr, x, lane);
  load_bonus(weights, bonus, x, lane);
  stages[0].fetch(in, x, 0, (int)min((long)TOKENS, length), nullptr, nullptr);
  for (int n = 0; n < chunks; n++) {
    const Chunk chunk = {(float *)memory + n % 2 * Chunk::size};
    const Chunk other = {(float *)memory + (n + 1) % 2 * Chunk::size};
    const long t0 = (long)n * TOKENS, next = t0 + TOKENS;
    const int count = (int)min((long)TOKENS, length - t0);
    copy_wait<0>();
    __syncthreads();
    if (next < length)
      other.fetch(in, x, next, (int)min((long)TOKENS, length - next), nullptr, nullptr);
    if (kept_states)
      store_state(kept_states + (x.state() * chunks + (long)n * KEY_DIM * VALUE_DIM), state, x,
                  lane);
    for (int i = 0; i < count; i++) {
      float read[COLUMNS], answer[COLUMNS];
      forward_token(state, chunk, i, lane, weights, read, answer);
      // Each of the lanes that share a column holds its sums; they take turns to write.
      const long place = x.row(t0 + i) * VALUE_DIM + x.first + lane.column();
#pragma unroll
      for (int first = 0; first < COLUMNS; first += LANES_K) {
        const int c = first + lane.k;
        if (c >= COLUMNS || lane.column() + c >= x.columns) continue;
        o[place + c] = scale * one_of(read, c);
        if (answers && kept_answers) kept_answers[place + c] = one_of(answer, c);
      }
    }
  }
  if (final_state) store_state(final_state + x.state(), state, x, lane);
}
