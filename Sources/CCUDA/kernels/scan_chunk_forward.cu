// The forward pass of the chunked scan; after scan_chunk.cu.

constexpr int key_rows = C * key_step, value_rows = C * value_step, pairs = C * token_step;

/// Shared memory.
struct Frame {
  float *state, *q, *k, *v, *w, *reads, *system, *inverse, *beta;
  Decays decays;

  DEVICE Frame() {
    state = (float *)memory;
    q = state + keys * value_step;
    k = q + key_rows;
    v = k + key_rows;
    reads = v + value_rows;
    decays.base = reads + pairs;
    w = decays.base + Decays::size;
    system = w + value_rows;
    inverse = system + pairs;
    beta = inverse + pairs;
    if (!delta) w = v;
  }
  /// What token i writes along its key, in column j.
  DEVICE float write(int i, int j) const {
    return delta ? beta[i] * w[i * value_step + j] : v[i * value_step + j];
  }
};

/// The matrices that relate the chunk's tokens, and what the old state leaves to be written.
DEVICE void relate(const Frame &x, float scale) {
  each_tile<C, C>([&](auto &tile) {
    tile.template add_transposed<keys>(x.q, key_step, x.k, key_step);
    tile.each([&](int i, int j, float sum) {
      x.reads[i * token_step + j] = j <= i ? scale * sum * x.decays.pair(i, j) : 0.0f;
    });
  });
  if constexpr (delta) {
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<keys>(x.k, key_step, x.k, key_step);
      tile.each([&](int i, int j, float sum) {
        x.system[i * token_step + j] = j < i ? sum * x.decays.pair(i, j) * x.beta[j] : 0.0f;
      });
    });
    each_tile<C, values>([&](auto &tile) {
      tile.template add_rows<keys>(
          x.k, key_step, [&](int n, int j) { return x.state[n * value_step + j]; });
      tile.each([&](int i, int j, float sum) {
        x.v[i * value_step + j] -= x.decays.prefix(i) * sum;
      });
    });
  }
}

/// (I + system)^-1: the diagonal blocks by substitution, a lane for each column, then the block
/// below them. The upper half of `system` is used up.
DEVICE void invert(const Frame &x) {
  constexpr int half = C / 2;
  if (threadIdx.x < C) {
    const int column = threadIdx.x % half, block = threadIdx.x / half * half;
    float y[half];
#pragma unroll
    for (int i = 0; i < half; i++) {
      float sum = i == column ? 1.0f : 0.0f;
#pragma unroll
      for (int n = 0; n < i; n++) sum -= x.system[(block + i) * token_step + block + n] * y[n];
      y[i] = sum;
      x.inverse[(block + i) * token_step + block + column] = sum;
    }
  }
  __syncthreads();
  for (int place = threadIdx.x; place < half * half; place += threads) {
    const int i = place / half, j = place % half;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < half; n++)
      sum += x.system[(half + i) * token_step + n] * x.inverse[n * token_step + j];
    x.system[i * token_step + half + j] = sum;
  }
  __syncthreads();
  for (int place = threadIdx.x; place < half * half; place += threads) {
    const int i = place / half, j = place % half;
    float sum = 0;
#pragma unroll
    for (int n = 0; n < half; n++)
      sum += x.inverse[(half + i) * token_step + half + n] * x.system[n * token_step + half + j];
    x.inverse[(half + i) * token_step + j] = -sum;
  }
}

/// A block for each head (x) and tile of columns (y). `kept_states` are [batch, heads, chunks, key,
/// value], `kept_answers` (w) [batch, length, heads, value], `kept_inverses` [batch, heads, chunks,
/// C, C]; they may be null.
KERNEL __launch_bounds__(threads) scan_chunk_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *initial, float *o, float *final_state, float *kept_states, float *kept_answers,
    float *kept_inverses, long heads, long key_heads, long length, float scale) {
  const Head x(heads, key_heads, length);
  const Frame frame;
  const long chunks = (length + C - 1) / C;
  // Padding must be zero: it takes part in the products.
  clear_shared((float *)memory,
               keys * value_step + 2 * key_rows + value_rows + pairs + Decays::size +
                   (delta ? value_rows + 2 * pairs + C : 0));
  __syncthreads();
  fetch_state(frame.state, initial ? initial + x.state() : nullptr, x);
  for (long n = 0; n < chunks; n++) {
    const long t = n * C, value = x.row(t) * VALUE_DIM + x.first;
    const int count = (int)min((long)C, length - t);
    fetch_rows(frame.q, key_step, q + x.shared_row(t) * KEY_DIM, key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(frame.k, key_step, k + x.shared_row(t) * KEY_DIM, key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(frame.v, value_step, v + value, heads * VALUE_DIM, count, C, x.columns);
    copy_commit();
    frame.decays.fetch(decay, x, t, count);
    if (delta) fetch_scalars(frame.beta, beta + x.row(t), heads, count, 0);
    copy_wait<0>();
    __syncthreads();
    if (kept_states)
      store_state(kept_states + x.state() * chunks + n * KEY_DIM * VALUE_DIM, frame.state, x);
    if (decays) {
      frame.decays.multiply();
      __syncthreads();
    }
    relate(frame, scale);
    __syncthreads();
    if constexpr (delta) {
      invert(frame);
      __syncthreads();
      each_tile<C, values>([&](auto &tile) {
        tile.template add<C, true>(
            [&](int i, int m) { return frame.inverse[i * token_step + m]; },
            [&](int m, int j) { return frame.v[m * value_step + j]; });
        tile.each([&](int i, int j, float sum) {
          frame.w[i * value_step + j] = sum;
          if (kept_answers && i < count && j < x.columns)
            kept_answers[value + i * heads * VALUE_DIM + j] = sum;
        });
      });
      if (kept_inverses && blockIdx.y == 0)
        for (int i = threadIdx.x; i < C * C; i += threads)
          kept_inverses[(blockIdx.x * chunks + n) * C * C + i] =
              frame.inverse[i / C * token_step + i % C];
      __syncthreads();
    }
    each_tile<C, values>([&](auto &tile) {
      tile.template add_rows<keys>(
          frame.q, key_step, [&](int m, int j) { return frame.state[m * value_step + j]; });
      tile.each([&](int i, int, float &sum) { sum *= scale * frame.decays.prefix(i); });
      tile.template add_rows<C>(
          frame.reads, token_step, [&](int m, int j) { return frame.write(m, j); });
      tile.each([&](int i, int j, float sum) {
        if (i < count && j < x.columns) o[value + i * heads * VALUE_DIM + j] = sum;
      });
    });
    __syncthreads();
    each_tile<keys, values>([&](auto &tile) {
      tile.each([&](int i, int j, float &sum) {
        sum = frame.decays.prefix(C - 1) * frame.state[i * value_step + j];
      });
      tile.template add<C>(
          [&](int i, int m) { return frame.decays.suffix(m) * frame.k[m * key_step + i]; },
          [&](int m, int j) { return frame.write(m, j); });
      tile.each([&](int i, int j, float sum) { frame.state[i * value_step + j] = sum; });
    });
    __syncthreads();
  }
  if (final_state) store_state(final_state + x.state(), frame.state, x);
}
