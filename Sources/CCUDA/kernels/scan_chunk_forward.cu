// The forward pass of the chunked scan; after scan_chunk.cu.

constexpr int key_rows = C * key_step, value_rows = C * value_step, pairs = C * token_step;

/// Shared memory. Where the update is the delta rule, what is written takes the place of the queries,
/// which are done with, and the inverse that of the system.
struct Frame {
  float *state, *q, *k, *v, *w, *reads, *inverse, *beta;
  Decays decays;

  static constexpr int query_rows = delta && value_rows > key_rows ? value_rows : key_rows;
  static constexpr int size = keys * value_step + query_rows + key_rows + value_rows + pairs +
                              Decays::size + (delta ? pairs + C : 0);

  DEVICE Frame() {
    state = (float *)memory;
    q = state + keys * value_step;
    k = q + query_rows;
    v = k + key_rows;
    w = delta ? q : v;
    reads = v + value_rows;
    decays.base = reads + pairs;
    inverse = decays.base + Decays::size;
    beta = inverse + pairs;
  }
};
/// The blocks of a multiprocessor: as many as shared memory holds, and registers.
#if __CUDA_ARCH__ >= 900
constexpr int shared_memory = 228 << 10;
#else
constexpr int shared_memory = 164 << 10;
#endif
constexpr int fitting = shared_memory / (Frame::size * 4 + 1024);
constexpr int most = (delta || decays ? 1024 : 768) / threads;
constexpr int resident = fitting > most ? most : fitting > 0 ? fitting : 1;

/// What the chunk's queries read of the old state, in registers.
struct Outputs {
  static constexpr int count = tile_columns<C, values>(), across = values / (8 * count);
  static constexpr int tasks = C / 16 * across, rounds = (tasks + WARPS - 1) / WARPS;
  float sums[rounds][count][4];

  /// Calls f(tile) for the warp's tiles, which are kept.
  template <class F>
  DEVICE void each(F f) {
#pragma unroll
    for (int n = 0; n < rounds; n++) {
      const int task = (own_thread() >> 5) + n * WARPS;
      if (tasks % WARPS && task >= tasks) continue;
      Tile<count> tile(task / across * 16, task % across * (8 * count));
#pragma unroll
      for (int i = 0; i < 4 * count; i++) tile.sums[i / 4][i % 4] = sums[n][i / 4][i % 4];
      f(tile);
#pragma unroll
      for (int i = 0; i < 4 * count; i++) sums[n][i / 4][i % 4] = tile.sums[i / 4][i % 4];
    }
  }
};

/// The matrices that relate the chunk's tokens, what the queries read of the old state, and what
/// that leaves to be written; `has_state` says that there is one that is not all zeros.
DEVICE void relate(const Frame &x, Outputs &outputs, float scale, bool has_state) {
  const auto put_reads = [&](int i, int j, Pack<2> pair) {
#pragma unroll
    for (int n = 0; n < 2; n++)
      pair.at[n] = j + n <= i ? rounded(scale * pair.at[n] * x.decays.pair(i, j + n)) : 0.0f;
    put_pair(x.reads + i * token_step + j, pair);
  };
  const auto state = [&](int n, int j) { return x.state[at(n) * value_step + j]; };
  const Rounded q = {x.q}, k = {x.k};
  each_tile<C, C>([&](auto &tile) {
    if constexpr (delta) {
      auto system = tile;
      tile.template add_rows<keys>(q, system, k, key_step,
                                   [&](int n, int j) { return k[j * key_step + n]; });
      system.each_pair([&](int i, int j, Pack<2> pair) {
#pragma unroll
        for (int n = 0; n < 2; n++)
          pair.at[n] = j + n < i ? pair.at[n] * x.decays.pair(i, j + n) * x.beta[j + n] : 0.0f;
        put_pair(x.inverse + i * token_step + j, pair);
      });
    } else {
      tile.template add_transposed<keys>(q, key_step, k, key_step);
    }
    tile.each_pair(put_reads);
  });
  outputs.each([&](auto &tile) {
    tile = tile.empty();
    if (!has_state) return;
    if constexpr (delta) {
      auto known = tile;
      tile.template add_rows<keys>(q, known, k, key_step, state);
      known.each_pair([&](int i, int j, const Pack<2> &pair) {
        Pack<2> v = load_pack<2>(x.v + i * value_step + j);
#pragma unroll
        for (int n = 0; n < 2; n++) v.at[n] -= x.decays.prefix(i) * pair.at[n];
        put_pair(x.v + i * value_step + j, v);
      });
    } else {
      tile.template add_rows<keys>(q, key_step, state);
    }
    tile.each([&](int i, int, float &sum) { sum *= scale * x.decays.prefix(i); });
  });
}

/// What is written, from what the old state leaves of the values; the answers go to memory as they
/// are, and on times beta.
DEVICE void answer(const Frame &x, const Head &head, float *answers, int count) {
  each_tile<C, values>([&](auto &tile) {
    const auto inverse = [&](int i, int m) { return x.inverse[i * token_step + m]; };
    const auto v = [&](int m, int j) { return x.v[m * value_step + j]; };
    if (tile.row < C / 2) tile.template add_exact<C / 2>(inverse, v);
    else tile.template add_exact<C>(inverse, v);
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      put_pair(x.w + i * value_step + j,
               {rounded(x.beta[i] * pair.at[0]), rounded(x.beta[i] * pair.at[1])});
      if (answers && i < count)
        store_pair(answers + i * head.value_distance(), j, head.columns, pair);
    });
  });
}

DEVICE void store_inverse(float *to, const Frame &x) {
  for (int place = own_thread(); place < C * C; place += threads) {
    const int i = place / C, j = place % C;
    to[place] = j <= i ? x.inverse[i * token_step + j] : 0.0f;
  }
}

/// A block for each head (x) and tile of columns (y). `kept_states` are [batch, heads, chunks, key,
/// value], `kept_answers` (w) [batch, length, heads, value], `kept_inverses` [batch, heads, chunks,
/// C, C]; they may be null. Where no state comes in there is none before the first chunk: what would
/// be made of its zeros, and the last one where nobody wants it, are left out.
KERNEL __launch_bounds__(threads, resident) scan_chunk_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *initial, float *o, float *final_state, float *kept_states, float *kept_answers,
    float *kept_inverses, long heads, long key_heads, long length, float scale) {
  begin_kernel();
  const Head x(heads, key_heads, length);
  const Frame frame;
  const int chunks = (x.length + C - 1) / C;
  // Padding must be zero: it takes part in the products.
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state<true>(frame.state, initial ? initial + x.state() : nullptr, x);
  for (int n = 0; n < chunks; n++) {
    const int t = n * C, count = min(C, x.length - t);
    const long value = x.row(t) * VALUE_DIM + x.first;
    fetch_rows(frame.q, key_step, q + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(frame.k, key_step, k + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(frame.v, value_step, v + value, x.value_distance(), count, C, x.columns);
    copy_commit();
    frame.decays.fetch(decay, x, t, count);
    if (delta) fetch_scalars(frame.beta, beta + x.row(t), heads, count, 0);
    copy_wait<0>();
    round_rows(frame.q, key_step, C, KEY_DIM);
    round_rows(frame.k, key_step, C, KEY_DIM);
    __syncthreads();
    if (t + C < x.length) {
      const int next = min(C, x.length - t - C);
      announce_rows(q + x.shared_row(t + C) * KEY_DIM, x.key_distance(), next, KEY_DIM);
      announce_rows(k + x.shared_row(t + C) * KEY_DIM, x.key_distance(), next, KEY_DIM);
      announce_rows(v + x.row(t + C) * VALUE_DIM + x.first, x.value_distance(), next, x.columns);
    }
    const bool has_state = n > 0 || initial;
    if (kept_states && has_state)
      store_state(kept_states + x.state(n), frame.state, x);
    if (decays) {
      frame.decays.multiply();
      __syncthreads();
    }
    Outputs outputs;
    relate(frame, outputs, scale, has_state);
    __syncthreads();
    if constexpr (delta) {
      invert(frame.inverse);
      __syncthreads();
      answer(frame, x, kept_answers ? kept_answers + value : nullptr, count);
      if (kept_inverses && blockIdx.y == 0)
        store_inverse(kept_inverses + (long)(blockIdx.x * chunks + n) * (C * C), frame);
      __syncthreads();
    }
    outputs.each([&](auto &tile) {
      // What the delta rule writes is rounded.
      const auto written = [&](int m, int j) {
        if constexpr (delta) return Rounded{frame.w}[m * value_step + j];
        else return frame.w[m * value_step + j];
      };
      tile.template add_rows<C>(Rounded{frame.reads}, token_step, written);
      tile.each_pair([&](int i, int j, const Pack<2> &pair) {
        if (i < count) store_pair(o + value + i * x.value_distance(), j, x.columns, pair);
      });
    });
    if (n == chunks - 1 && !final_state) break;
    __syncthreads();
    each_packed_tile<keys, values>([&](auto &tile) {
      tile.each([&](int i, int j, auto &pack) {
        pack = load_pack<sizeof pack / 4>(frame.state + at(i) * value_step + j);
        for (float &sum : pack.at) sum *= frame.decays.prefix(C - 1);
      });
      tile.template add<C, delta>(frame.k, key_step, frame.w, value_step,
                                  [&](int m) { return frame.decays.suffix(m); });
      tile.each([&](int i, int j, auto &pack) {
        *(Pack<sizeof pack / 4> *)(frame.state + at(i) * value_step + j) = pack;
      });
    });
    __syncthreads();
  }
  if (final_state) store_state(final_state + x.state(), frame.state, x);
}
