// The backward pass of the matrix-state scan, token by token; after scan.cu.

/// Where gradients go: [tiles of columns, batch, length, heads (and dim)] for q, k, a, b, decays
/// and beta; [tiles, batch, heads (and dim)] for the bonus and a head's decay. Null: not wanted.
struct Targets {
  float *q, *k, *v, *decay, *beta, *a, *b, *bonus, *initial;
};

/// Sums over lanes that share rows: each lane is left with a part of the rows.
template <int count, int distance>
DEVICE void fold(float *x, int lane) {
  if constexpr (distance < 32) {
    if constexpr (count % 2 == 0) {
      const bool upper = lane & distance;
#pragma unroll
      for (int i = 0; i < count / 2; i++) {
        float kept = upper ? x[count / 2 + i] : x[i], sent = upper ? x[i] : x[count / 2 + i];
        x[i] = kept + __shfl_xor_sync(FULL_WARP, sent, distance);
      }
      fold<count / 2, 2 * distance>(x, lane);
    } else {
#pragma unroll
      for (int i = 0; i < count; i++) x[i] += __shfl_xor_sync(FULL_WARP, x[i], distance);
      fold<count, 2 * distance>(x, lane);
    }
  }
}
/// The number of rows that `fold` leaves, and the first of them.
template <int count, int distance>
DEVICE constexpr int fold_count() {
  if constexpr (distance >= 32) return count;
  else if constexpr (count % 2 == 0) return fold_count<count / 2, 2 * distance>();
  else return fold_count<count, 2 * distance>();
}
template <int count, int distance>
DEVICE int fold_first(int lane) {
  if constexpr (distance >= 32) return 0;
  else if constexpr (count % 2 == 0)
    return (lane & distance ? count / 2 : 0) + fold_first<count / 2, 2 * distance>(lane);
  else return fold_first<count, 2 * distance>(lane);
}

/// Sums over columns of one chunk: a warp's sums of each row and token.
struct Sums {
  static constexpr int vectors = 2 + 2 * (UPDATE == RANK_ONE) + (DECAY == VECTOR);
  static constexpr int warp = rows_padded;
  static constexpr int token = WARPS * warp;
  static constexpr int vector = TOKENS * token;
  static constexpr int scalar = TOKENS * WARPS;
  static constexpr int size = vectors * vector + 3 * scalar;

  float *base;
  DEVICE float *q() const { return base; }
  DEVICE float *k() const { return base + vector; }
  DEVICE float *a() const { return base + 2 * vector; }
  DEVICE float *b() const { return base + 3 * vector; }
  DEVICE float *decays() const { return base + (vectors - 1) * vector; }
  DEVICE float *beta() const { return base + vectors * vector; }
  DEVICE float *decay() const { return beta() + scalar; }
  DEVICE float *self() const { return decay() + scalar; }
};

/// Leaves a warp's sums over its columns of each row for token i.
DEVICE void put_rows(float *sums, int i, float (&x)[ROWS], const Lane &lane) {
  fold<ROWS, LANES_K>(x, lane.lane);
  const int first = fold_first<ROWS, LANES_K>(lane.lane);
#pragma unroll
  for (int n = 0; n < fold_count<ROWS, LANES_K>(); n++)
    sums[i * Sums::token + lane.warp * Sums::warp + lane.row(first + n)] = x[n];
}

/// Leaves a warp's sum over all its lanes.
DEVICE void put_sum(float *sums, int i, float x, const Lane &lane) {
  x = warp_sum(x);
  if (!lane.lane) sums[i * WARPS + lane.warp] = x;
}

/// The same of values that the lanes of a column share.
DEVICE void put_column_sum(float *sums, int i, float x, const Lane &lane) {
  put_sum(sums, i, lane.k ? 0.0f : x, lane);
}

/// The states before the tokens of a segment: each thread keeps its own part.
struct States {
  static constexpr int token = ROWS * threads * COLUMNS;
  float *base;
  DEVICE float *at(int i, int r) const {
    return base + i % SEGMENT * token + (r * threads + (int)threadIdx.x) * COLUMNS;
  }
};

/// What token i writes along k.
DEVICE void writes(float (&u)[COLUMNS], float (&answer)[COLUMNS], const Chunk &chunk, int i,
                   const Lane &lane) {
  if (answers) load_columns(answer, chunk.answer() + i * columns_padded + lane.column());
  if (UPDATE == DELTA) {
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) u[c] = chunk.beta()[i] * answer[c];
  } else {
    load_columns(u, chunk.v() + i * columns_padded + lane.column());
  }
}

/// What token i reads has this gradient.
DEVICE void gains(float (&gain)[COLUMNS], const Chunk &chunk, int i, const Lane &lane,
                  float scale) {
  load_columns(gain, chunk.gain() + i * columns_padded + lane.column());
#pragma unroll
  for (int c = 0; c < COLUMNS; c++) gain[c] *= scale;
}

/// The gradient of q of token i from the state that it read.
DEVICE void return_read(const float (&state)[ROWS][COLUMNS], const Chunk &chunk, const Sums &sums,
                        int i, const Lane &lane, float scale) {
  float gain[COLUMNS], dq[ROWS];
  gains(gain, chunk, i, lane, scale);
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    dq[r] = 0;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) dq[r] += state[r][c] * gain[c];
  }
  put_rows(sums.q(), i, dq, lane);
}

/// Takes the state from the first token of a chunk to `end`; from `first` on the states are kept
/// and the gradients of q made.
DEVICE void replay(float (&state)[ROWS][COLUMNS], const Chunk &chunk, const States &states,
                   const Sums &sums, int first, int end, const Lane &lane, float scale) {
  for (int i = 0; i < end; i++) {
    float u[COLUMNS], answer[COLUMNS], k[ROWS];
    if (i >= first) {
#pragma unroll
      for (int r = 0; r < ROWS; r++) store_columns(states.at(i, r), state[r]);
      if (EXCLUSIVE) return_read(state, chunk, sums, i, lane, scale);
    }
    writes(u, answer, chunk, i, lane);
    load_rows(k, chunk.k() + i * rows_padded, lane);
    decay_state(state, chunk, i, lane);
    if constexpr (UPDATE == RANK_ONE) {
      float b[ROWS];
      load_rows(b, chunk.b() + i * rows_padded, lane);
      add_outer(state, b, answer);
    }
    add_outer(state, k, u);
    if (!EXCLUSIVE && i >= first) return_read(state, chunk, sums, i, lane, scale);
  }
}

/// The gradients of k, a, b and the decay of token i; E goes from the state after the token to the
/// decayed state before it. `along_k` = E'k and `along_b` = E'b.
DEVICE void return_rows(float (&E)[ROWS][COLUMNS], const Chunk &chunk, const States &states,
                        const Sums &sums, int i, const Lane &lane, const float (&k)[ROWS],
                        const float (&u)[COLUMNS], const float (&answer)[COLUMNS],
                        const float (&question)[COLUMNS]) {
  float dk[ROWS], da[ROWS], db[ROWS], decays[ROWS], sum = 0;
  const float factor = scalars ? chunk.decay()[i] : 1.0f;
  if constexpr (DECAY == VECTOR) load_rows(decays, chunk.decays() + i * rows_padded, lane);
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    float before[COLUMNS], row = 0, asked = 0, d = DECAY == VECTOR ? decays[r] : factor;
    load_columns(before, states.at(i, r));
    dk[r] = db[r] = 0;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      dk[r] += E[r][c] * u[c];
      if (UPDATE == RANK_ONE) db[r] += E[r][c] * answer[c];
      if (answers) asked += before[c] * question[c];
      if (UPDATE == DELTA) E[r][c] += k[r] * question[c];
      row += before[c] * E[r][c];
      E[r][c] *= d;
    }
    // The delta rule asks the decayed state.
    if (UPDATE == DELTA) dk[r] += d * asked;
    da[r] = asked;
    if (DECAY == VECTOR) decays[r] = row;
    if (scalars) sum += row;
  }
  put_rows(sums.k(), i, dk, lane);
  if constexpr (UPDATE == RANK_ONE) {
    put_rows(sums.a(), i, da, lane);
    put_rows(sums.b(), i, db, lane);
    float a[ROWS];
    load_rows(a, chunk.a() + i * rows_padded, lane);
    add_outer(E, a, question);
  }
  if constexpr (DECAY == VECTOR) put_rows(sums.decays(), i, decays, lane);
  if (scalars) put_sum(sums.decay(), i, sum, lane);
}

/// Takes E through token i of the chunk; `dv` becomes the gradient of its value.
DEVICE void return_token(float (&E)[ROWS][COLUMNS], const Chunk &chunk, const States &states,
                         const Sums &sums, int i, const Lane &lane, const float (&bonus)[ROWS],
                         float scale, float (&dv)[COLUMNS]) {
  float q[ROWS], k[ROWS], gain[COLUMNS], u[COLUMNS], answer[COLUMNS], question[COLUMNS];
  load_rows(q, chunk.q() + i * rows_padded, lane);
  load_rows(k, chunk.k() + i * rows_padded, lane);
  gains(gain, chunk, i, lane, scale);
  writes(u, answer, chunk, i, lane);
  if (!EXCLUSIVE) add_outer(E, q, gain);
  look(dv, E, k);
  if constexpr (UPDATE == DELTA) {
    float beta = chunk.beta()[i], sum = 0;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      sum += dv[c] * answer[c];
      dv[c] *= beta;
      question[c] = -dv[c];
    }
    put_column_sum(sums.beta(), i, sum, lane);
  }
  if constexpr (UPDATE == RANK_ONE) {
    float b[ROWS];
    load_rows(b, chunk.b() + i * rows_padded, lane);
    look(question, E, b);
  }
  return_rows(E, chunk, states, sums, i, lane, k, u, answer, question);
  if (EXCLUSIVE) {
    add_outer(E, q, gain);
    float self = bonus_of(q, k, bonus), sum = 0, v[COLUMNS];
    load_columns(v, chunk.v() + i * columns_padded + lane.column());
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      dv[c] += self * gain[c];
      sum += v[c] * gain[c];
    }
    put_column_sum(sums.self(), i, sum, lane);
  }
}

DEVICE float over_warps(const float *sums, int step) {
  float sum = 0;
#pragma unroll
  for (int w = 0; w < WARPS; w++) sum += sums[w * step];
  return sum;
}

/// Adds up a chunk's sums over the warps and writes the gradients of its tokens. A thread has the
/// same rows in every chunk, so that it may keep the sum of the bonus's gradient.
DEVICE void write_sums(const Targets &to, const Chunk &chunk, const Sums &sums, const Head &x,
                       const float *bonus, long t0, int count, long tile_rows,
                       float *bonus_sums) {
  for (int row = threadIdx.x; row < KEY_DIM; row += threads) {
    const float weight = EXCLUSIVE ? bonus[x.head * KEY_DIM + row] : 0.0f;
    for (int i = 0; i < count; i++) {
      const int place = i * Sums::token + row;
      const long target = (tile_rows + x.row(t0 + i)) * KEY_DIM + row;
      float dq = over_warps(sums.q() + place, Sums::warp);
      float dk = over_warps(sums.k() + place, Sums::warp);
      if (EXCLUSIVE) {
        const float self = over_warps(sums.self() + i * WARPS, 1);
        const float q = chunk.q()[i * rows_padded + row], k = chunk.k()[i * rows_padded + row];
        dq += self * weight * k;
        dk += self * weight * q;
        bonus_sums[row] += self * q * k;
      }
      if (to.q) to.q[target] = dq;
      if (to.k) to.k[target] = dk;
      if (UPDATE == RANK_ONE) {
        if (to.a) to.a[target] = over_warps(sums.a() + place, Sums::warp);
        if (to.b) to.b[target] = over_warps(sums.b() + place, Sums::warp);
      }
      if (DECAY == VECTOR && to.decay)
        to.decay[target] = over_warps(sums.decays() + place, Sums::warp);
    }
  }
  for (int i = threadIdx.x; i < count; i += threads) {
    const long target = tile_rows + x.row(t0 + i);
    if (UPDATE == DELTA && to.beta) to.beta[target] = over_warps(sums.beta() + i * WARPS, 1);
    if (DECAY == SCALAR && to.decay) to.decay[target] = over_warps(sums.decay() + i * WARPS, 1);
  }
}

/// A block for each head and tile of columns; see `Targets` for the gradients' layouts.
KERNEL __launch_bounds__(threads) scan_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *a, const float *b, const float *bonus, const float *kept_states,
    const float *kept_answers, const float *d_o, const float *d_final, float *dq, float *dk,
    float *dv, float *d_decay, float *d_beta, float *da, float *db, float *d_bonus,
    float *d_initial, long batch, long heads, long key_heads, long length, float scale) {
  begin_kernel();
  const Inputs in = {q, k, v, decay, beta, a, b, bonus};
  const Targets to = {dq, dk, dv, d_decay, d_beta, da, db, d_bonus, d_initial};
  const Head x(heads, key_heads, length);
  const Lane lane;
  const int chunks = (int)((length + TOKENS - 1) / TOKENS);
  const long tile_rows = (long)blockIdx.y * batch * length * heads;
  float *base = (float *)memory;
  const Chunk chunk = {base};
  const Sums sums = {base + Chunk::size};
  float *bonus_sums = sums.base + Sums::size;
  const States states = {bonus_sums + (EXCLUSIVE ? rows_padded : 0)};
  clear_shared(base, Chunk::size + Sums::size + (EXCLUSIVE ? rows_padded : 0));
  float E[ROWS][COLUMNS], weights[ROWS], decay_sum = 0;
  load_state(E, d_final ? d_final + x.state() : nullptr, x, lane);
  load_bonus(weights, bonus, x, lane);
  for (int n = chunks - 1; n >= 0; n--) {
    const long t0 = (long)n * TOKENS;
    const int count = (int)min((long)TOKENS, length - t0);
    chunk.fetch(in, x, t0, count, d_o, kept_answers);
    copy_wait<0>();
    __syncthreads();
    for (int end = count, first; end > 0; end = first) {
      first = (end - 1) / SEGMENT * SEGMENT;
      {
        float state[ROWS][COLUMNS];
        load_state(state, kept_states + (x.state() * chunks + (long)n * KEY_DIM * VALUE_DIM), x,
                   lane);
        replay(state, chunk, states, sums, first, end, lane, scale);
      }
      for (int i = end - 1; i >= first; i--) {
        float values[COLUMNS];
        return_token(E, chunk, states, sums, i, lane, weights, scale, values);
        const long place = x.row(t0 + i) * VALUE_DIM + x.first + lane.column();
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
          if (to.v && c % LANES_K == lane.k && lane.column() + c < x.columns)
            to.v[place + c] = values[c];
      }
    }
    __syncthreads();
    write_sums(to, chunk, sums, x, bonus, t0, count, tile_rows, bonus_sums);
    if (DECAY == PER_HEAD && threadIdx.x == 0)
      for (int i = 0; i < count; i++) decay_sum += over_warps(sums.decay() + i * WARPS, 1);
    __syncthreads();
  }
  if (to.initial) store_state(to.initial + x.state(), E, x, lane);
  const long block = (long)blockIdx.y * batch * heads + blockIdx.x;
  if (DECAY == PER_HEAD && threadIdx.x == 0 && to.decay) to.decay[block] = decay_sum;
  if (EXCLUSIVE && to.bonus)
    for (int row = threadIdx.x; row < KEY_DIM; row += threads)
      to.bonus[block * KEY_DIM + row] = bonus_sums[row];
}
