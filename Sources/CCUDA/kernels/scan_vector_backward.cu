// The backward pass of the chunked scan with decays of vectors; after halves.cuh,
// scan_vector_states.cuh and scan_vector.cu.
//
// With G the gradient of O, E that of the chunk's last state, and B = scale G V' for j <= i:
//   dV = A' G + (s K) E
//   dQ = p (scale G S') + the sums of B[i,j] L[i,j] k_j
//   dK = s (V E') + the sums of B[i,j] L[i,j] q_i
//   dS = p_last E + (p Q)' (scale G)
// Within the chunk's halves, and across them the gradients of x_i q_i and y_j k_j are products of B
// with the others. The gradients of decays go back through the products L, p, s, x and y token by
// token, as polynomials are evaluated; nothing is divided.

/// The lanes that have a key each, parts of the keys, and groups of lanes that share the tokens j of a
/// half and part.
constexpr int lanes = keys < 32 ? keys : 32, groups = threads / lanes;
constexpr int key_parts = (keys + 31) / 32;
constexpr int token_parts = groups >= 2 * key_parts ? groups / (2 * key_parts) : 1;

/// Shared memory.
struct Frame {
  float *gradient, *v, *gain, *reads, *relations;
  Rows rows;
  /// scale G S' and V E', the gradients of `rows.cross`, the rowwise sum of E S, and what pairs of
  /// tokens leave: of k by token, of q and of the decays by part and token.
  float *read_back, *written_back, *cross_back, *states, *pair_k, *pair_q, *pair_decays;

  static constexpr int parts_size = token_parts * key_rows;
  /// V is done with before pairs leave anything, and lies in the same place as what they leave of k.
  static constexpr int shared = value_rows > key_rows ? value_rows : key_rows;
  static constexpr int size = shared + keys * value_step + value_rows + 2 * pairs + Rows::size +
                              3 * key_rows + keys + 2 * parts_size;
  DEVICE Frame() {
    v = pair_k = (float *)memory;
    gradient = v + shared;
    gain = gradient + keys * value_step;
    reads = gain + value_rows;
    relations = reads + pairs;
    rows.place(relations + pairs);
    read_back = rows.q + Rows::size;
    written_back = read_back + key_rows;
    cross_back = written_back + key_rows;
    states = cross_back + key_rows;
    pair_q = states + keys;
    pair_decays = pair_q + parts_size;
  }
};

/// A warp's eights of the keys of the state before a chunk, as kept.
struct Kept {
  static constexpr int own = (key_tiles + WARPS - 1) / WARPS;
  Pack<2> words[own][strips];
  float scales[strips];

  DEVICE void load(const float *from) {
    const int warp = own_thread() >> 5, lane = own_thread() & 31;
#pragma unroll
    for (int m = 0; m < own; m++)
#pragma unroll
      for (int strip = 0; strip < strips; strip++)
        if (key_tiles % WARPS == 0 || warp + m * WARPS < key_tiles)
          words[m][strip] = load_pack<2>(from + state_word(warp + m * WARPS, strip, lane));
#pragma unroll
    for (int strip = 0; strip < strips; strip++) scales[strip] = from[state_words + strip];
  }
};

/// What the sums over pairs of tokens of a half leave to q, k and the decays. A lane has a key, a
/// group of them some of the tokens j: going down from the last token, g_t = B[t,j] q_t + d_{t+1} g_{t+1} is
/// the gradient of k_j d_{j+1} ... d_t.
DEVICE void return_pairs(const Frame &x) {
  const Rows &rows = x.rows;
  const int lane = threadIdx.x % lanes;
  for (int task = threadIdx.x / lanes; task < 2 * key_parts * token_parts; task += groups) {
    const int n = task / 2 % key_parts * 32 + lane, part = task / (2 * key_parts);
    const int first = task % 2 * H, place = first * key_step + n;
    if (n >= keys) continue;
    float d[H], q[H], dq[H] = {}, dd[H] = {};
#pragma unroll
    for (int t = 0; t < H; t++)
      d[t] = rows.decays[place + t * key_step], q[t] = rows.q[place + t * key_step];
#pragma unroll
    for (int m = 0; m < H / token_parts; m++) {
      // Which of the tokens from m * token_parts on is j is known when the program runs.
      const int least = m * token_parts, j = least + part;
      const float *relations = x.relations + first * token_step + first + j;
      float g[H], b[H], carried = 0;
#pragma unroll
      for (int t = H - 1; t >= least; t--) {
        b[t] = relations[t * token_step];
        g[t] = carried = b[t] * q[t] + carried;
        carried *= t - least >= token_parts || t > j ? d[t] : 1.0f;
      }
      x.pair_k[place + j * key_step] = carried;
      float product = 0;
#pragma unroll
      for (int t = least; t < H; t++) {
        dd[t] += g[t] * product;
        product = t - least < token_parts && t == j ? rows.k[place + j * key_step] : product * d[t];
        dq[t] += b[t] * product;
      }
    }
#pragma unroll
    for (int t = 0; t < H; t++) {
      x.pair_q[part * key_rows + place + t * key_step] = dq[t];
      x.pair_decays[part * key_rows + place + t * key_step] = dd[t];
    }
  }
}

/// The gradients of y_j k_j and x_i q_i, of the first and the second half.
DEVICE void return_cross(const Frame &x) {
  const float *relations = x.relations + H * token_step, *cross = x.rows.cross;
  for (int task = threadIdx.x >> 5; task < keys / 8; task += WARPS) {
    Tile<1> low(0, task * 8), high(0, task * 8);
    low.template add<8>(
        [&](int j, int i) { return relations[i * token_step + j % H]; },
        [&](int i, int n) { return cross[(H + i) * key_step + n]; });
    high.template add<8>(
        [&](int i, int j) { return relations[i % H * token_step + j]; },
        [&](int j, int n) { return cross[j * key_step + n]; });
    low.each_pair([&](int j, int n, const Pack<2> &pair) {
      if (j < H) put_pair(x.cross_back + j * key_step + n, pair);
    });
    high.each_pair([&](int i, int n, const Pack<2> &pair) {
      if (i >= H) put_pair(x.cross_back + i * key_step + n, pair);
    });
  }
}

/// What the states leave: scale G S', V E' and the rowwise sums of E S.
DEVICE void return_states(const Frame &x, const Kept &kept, float scale) {
  const int lane = own_thread() & 31, row = (lane & 15) * value_step + (lane >> 4) * 4;
#pragma unroll
  for (int m = 0; m < Kept::own; m++) {
    const int first = ((own_thread() >> 5) + m * WARPS) * 8;
    if (key_tiles % WARPS && first >= keys) return;
    const float *gradient = x.gradient + at(first + (lane & 7)) * value_step + (lane >> 3) * 4;
    float read[2][4] = {}, written[2][4] = {}, sum = 0;
#pragma unroll
    for (int strip = 0; strip < strips; strip++) {
      uint e[4];
      load_matrices(e, gradient + strip * 16);
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const Pack<2> pair = from_halves(__float_as_uint(kept.words[m][strip].at[half]));
        float s[2];
        uint state[2], change[2], gain[4], v[4];
#pragma unroll
        for (int i = 0; i < 2; i++) {
          s[i] = pair.at[i] * kept.scales[strip];
          sum += s[i] * __uint_as_float(e[2 * half + i]);
          // 16-bit floats have the mantissa of TF32.
          state[i] = __float_as_uint(s[i]);
          change[i] = to_tf32(__uint_as_float(e[2 * half + i]));
        }
        load_fragments(gain, x.gain + row + strip * 16 + half * 8);
        load_fragments(v, x.v + row + strip * 16 + half * 8);
        mma_tf32(read[half], gain, state);
        mma_tf32(written[half], v, change);
      }
    }
    const int column = first + (lane & 3) * 2;
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      const int place = ((lane >> 2) + 4 * i) * key_step + column;
      put_pair(x.read_back + place, {scale * (read[0][i] + read[1][i]),
                                     scale * (read[0][i + 1] + read[1][i + 1])});
      put_pair(x.written_back + place,
               {written[0][i] + written[1][i], written[0][i + 1] + written[1][i + 1]});
    }
    sum = group_sum<4>(sum);
    if (lane % 4 == 0) x.states[first + lane / 4] = sum;
  }
}

/// Where gradients go; see `Targets` in scan_backward.cu for the layouts.
struct Targets {
  float *q, *k, *v, *decay;
};

DEVICE float over_parts(const float *parts, int place) {
  float sum = 0;
#pragma unroll
  for (int part = 0; part < token_parts; part++) sum += parts[part * key_rows + place];
  return sum;
}

/// What products up to each token, times by, of the tokens from `first` on leave to their decays:
/// h is the gradient of the product up to a token, without those before it.
template <int first, int end>
DEVICE void return_up(float (&dd)[C], const float (&d)[C], const float *by, const float *back,
                      int n, float h) {
  float before[C];
  before[first] = 1;
#pragma unroll
  for (int t = first + 1; t < end; t++) before[t] = before[t - 1] * d[t - 1];
#pragma unroll
  for (int t = end - 1; t >= first; t--) {
    h += by[t * key_step + n] * back[t * key_step + n];
    dd[t] += before[t] * h;
    h *= d[t];
  }
}
/// The same of products from behind each token up to `end`.
template <int end>
DEVICE void return_down(float (&dd)[C], const float (&d)[C], const float *by, const float *back,
                        int n) {
  float after[C], h = 0;
  after[end - 1] = 1;
#pragma unroll
  for (int t = end - 2; t >= 0; t--) after[t] = after[t + 1] * d[t + 1];
#pragma unroll
  for (int t = 0; t < end; t++) {
    dd[t] += after[t] * h;
    h = d[t] * h + by[t * key_step + n] * back[t * key_step + n];
  }
}

/// The gradients of the chunk's queries, keys and decays: a thread goes through the tokens of a key
/// for one of them.
DEVICE void return_rows(const Frame &x, const Head &head, const Targets &to, long rows_before,
                        int count) {
  const Rows &rows = x.rows;
  const long step = head.heads * KEY_DIM;
  each_role(KEY_DIM, [&](int role, int n) {
    const long first = rows_before * KEY_DIM + n;
    if (role == 0 && to.q) {
      float product = 1, across = 1, *target = to.q + first;
#pragma unroll 4
      for (int t = 0; t < C; t++) {
        const int place = t * key_step + n;
        const float d = rows.decays[place];
        product *= d;
        float sum = product * x.read_back[place] + over_parts(x.pair_q, place);
        if (t >= H) across *= d, sum += across * x.cross_back[place];
        if (t < count) *target = sum;
        target += step;
      }
    } else if (role == 1 && to.k) {
      float product = 1, across = 1, *target = to.k + first + (C - 1) * step;
#pragma unroll 4
      for (int t = C - 1; t >= 0; t--) {
        const int place = t * key_step + n;
        const float d = rows.decays[place];
        float sum = product * x.written_back[place] + x.pair_k[place];
        if (t < H) sum += across * x.cross_back[place], across *= d;
        if (t < count) *target = sum;
        target -= step;
        product *= d;
      }
    } else if (role == 2 && to.decay) {
      float d[C], dd[C];
#pragma unroll
      for (int t = 0; t < C; t++) {
        d[t] = rows.decays[t * key_step + n];
        dd[t] = over_parts(x.pair_decays, t * key_step + n);
      }
      return_up<0, C>(dd, d, rows.q, x.read_back, n, x.states[n]);
      return_up<H, C>(dd, d, rows.q, x.cross_back, n, 0);
      return_down<C>(dd, d, rows.k, x.written_back, n);
      return_down<H>(dd, d, rows.k, x.cross_back, n);
      float *target = to.decay + first;
#pragma unroll
      for (int t = 0; t < C; t++, target += step)
        if (t < count) *target = dd[t];
    }
  });
}

/// A block for each head (x) and tile of columns (y). `kept_states` are as the forward pass left
/// them.
KERNEL __launch_bounds__(threads, 512 / threads) scan_vector_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *kept_states,
    const float *d_o, const float *d_final, float *dq, float *dk, float *dv, float *d_decay,
    float *d_initial, long batch, long heads, long key_heads, long length, float scale) {
  begin_kernel();
  const Head x(heads, key_heads, length);
  const Frame frame;
  const Rows &rows = frame.rows;
  const Targets to = {dq, dk, dv, d_decay};
  const int chunks = (x.length + C - 1) / C;
  const long tile_rows = blockIdx.y * batch * length * heads;
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state<true>(frame.gradient, d_final ? d_final + x.state() : nullptr, x);
  for (int n = chunks - 1; n >= 0; n--) {
    const int t = n * C, count = min(C, x.length - t);
    const long value = x.row(t) * VALUE_DIM + x.first;
    rows.fetch(q, k, decay, x, t, count);
    fetch_rows(frame.v, value_step, v + value, x.value_distance(), count, C, x.columns);
    fetch_rows(frame.gain, value_step, d_o + value, x.value_distance(), count, C, x.columns);
    copy_commit();
    Kept kept;
    kept.load(kept_states + state_place(x, n));
    copy_wait<0>();
    __syncthreads();
    if (count < C) {
      rows.fill(count);
      __syncthreads();
    }
    if (n > 0) {
      const long before = x.row(t - C) * VALUE_DIM + x.first;
      announce_rows(q + x.shared_row(t - C) * KEY_DIM, x.key_distance(), C, KEY_DIM);
      announce_rows(k + x.shared_row(t - C) * KEY_DIM, x.key_distance(), C, KEY_DIM);
      announce_rows(decay + x.row(t - C) * KEY_DIM, x.heads * KEY_DIM, C, KEY_DIM);
      announce_rows(v + before, x.value_distance(), C, x.columns);
      announce_rows(d_o + before, x.value_distance(), C, x.columns);
      announce_rows(kept_states + state_place(x, n - 1), 0, 1, state_words + strips);
    }
    rows.multiply();
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<values>(frame.gain, value_step, frame.v, value_step);
      tile.each_pair([&](int i, int j, const Pack<2> &pair) {
        put_pair(frame.relations + i * token_step + j,
                 {j <= i ? scale * pair.at[0] : 0.0f, j < i ? scale * pair.at[1] : 0.0f});
      });
    });
    return_states(frame, kept, scale);
    __syncthreads();
    rows.relate(frame.reads, scale);
    return_pairs(frame);
    return_cross(frame);
    __syncthreads();
    each_tile<C, values>([&](auto &tile) {
      tile.template add_rows<keys>(
          rows.to_end, key_step,
          [&](int m, int j) { return frame.gradient[at(m) * value_step + j]; });
      tile.template add<C>([&](int i, int m) { return frame.reads[m * token_step + i]; },
                           [&](int m, int j) { return frame.gain[m * value_step + j]; });
      tile.each_pair([&](int i, int j, const Pack<2> &pair) {
        if (to.v && i < count)
          store_pair(to.v + value + i * x.value_distance(), j, x.columns, pair);
      });
    });
    __syncthreads();
    each_packed_tile<keys, values>([&](auto &tile) {
      tile.each([&](int i, int j, auto &pack) {
        pack = load_pack<sizeof pack / 4>(frame.gradient + at(i) * value_step + j);
        for (float &sum : pack.at) sum *= rows.total[i];
      });
      tile.template add<C>(rows.from_start, key_step, frame.gain, value_step,
                           [&](int) { return scale; });
      tile.each([&](int i, int j, auto &pack) {
        *(Pack<sizeof pack / 4> *)(frame.gradient + at(i) * value_step + j) = pack;
      });
    });
    return_rows(frame, x, to, tile_rows + x.row(t), count);
    __syncthreads();
  }
  if (d_initial) store_state(d_initial + x.state(), frame.gradient, x);
}
