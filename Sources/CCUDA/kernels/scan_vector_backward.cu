// The backward pass of the chunked scan with decays of vectors; after halves.cuh,
// scan_vector_states.cuh and scan_vector.cu. AHEAD says that a chunk is fetched while the one after it
// is worked on.
//
// With G the gradient of O, E that of the chunk's last state, and B = scale G V' for j <= i:
//   dV = A' G + (s K) E
//   dQ = p (scale G S') + the sums of B[i,j] L[i,j] k_j
//   dK = s (V E') + the sums of B[i,j] L[i,j] q_i
//   dS = p_last E + (p Q)' (scale G)
// Within the chunk's halves, and across them the gradients of x_i q_i and y_j k_j are products of B
// with the others. The gradients of decays go back through the products L, p, s, x and y token by
// token, as polynomials are evaluated; nothing is divided.

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
  const float *relations = x.relations + H * token_step;
  const Rounded cross = {x.rows.cross};
  for (int task = own_thread() >> 5; task < keys / 8; task += WARPS) {
    Tile<1> low(0, task * 8), high(0, task * 8);
    low.template add<8>([&](int j, int i) { return relations[i * token_step + j % H]; },
                        [&](int i, int n) { return cross[(H + i) * key_step + n]; });
    high.template add<8>([&](int i, int j) { return relations[i % H * token_step + j]; },
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
        load_matrices(gain, x.gain + row + strip * 16 + half * 8);
        load_matrices(v, x.v + row + strip * 16 + half * 8);
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

/// What products of a part leave to the decays, added to what pairs of tokens do: of the four kinds
/// of products, those whose turn comes with the part.
template <int part>
DEVICE void return_decays(const Frame &x, int n) {
  const Rows &rows = x.rows;
  const auto has = [](int kind) { return kind % token_parts == part; };
  float *to = x.pair_decays + part * key_rows + n, d[C], dd[C];
#pragma unroll
  for (int t = 0; t < C; t++) d[t] = rows.decays[t * key_step + n], dd[t] = to[t * key_step];
  if (has(0)) return_up<0, C>(dd, d, rows.q, x.read_back, n, x.states[n]);
  if (has(1)) return_down<C>(dd, d, rows.k, x.written_back, n);
  if (has(2)) return_up<H, C>(dd, d, rows.q, x.cross_back, n, 0);
  if (has(3)) return_down<H>(dd, d, rows.k, x.cross_back, n);
#pragma unroll
  for (int t = 0; t < C; t++) to[t * key_step] = dd[t];
}

/// Adds what states and the other half leave to the queries to the first part of what pairs do.
DEVICE void return_queries(const Frame &x, int n) {
  float product = 1, across = 1;
#pragma unroll
  for (int t = 0; t < C; t++) {
    const int place = t * key_step + n;
    const float d = x.rows.decays[place];
    product *= d;
    float sum = x.pair_q[place] + product * x.read_back[place];
    if (t >= H) across *= d, sum += across * x.cross_back[place];
    x.pair_q[place] = sum;
  }
}

/// The gradients of the chunk's keys.
DEVICE void return_keys(const Frame &x, float *target, long step, int count, int n) {
  float product = 1, across = 1;
  target += (C - 1) * step + n;
#pragma unroll 4
  for (int t = C - 1; t >= 0; t--) {
    const int place = t * key_step + n;
    const float d = x.rows.decays[place];
    float sum = product * x.written_back[place] + x.pair_k[place];
    if (t < H) sum += across * x.cross_back[place], across *= d;
    if (t < count) *target = sum;
    target -= step;
    product *= d;
  }
}

/// The gradients of the chunk's keys, and the rest of the parts of those of queries and decays: a
/// thread goes through the tokens of a key for one of them.
DEVICE void return_rows(const Frame &x, const Head &head, const Targets &to, long rows_before,
                        int count) {
  constexpr int parts = token_parts < 4 ? token_parts : 4, roles = parts + 2;
  const int thread = own_thread();
  for (int task = thread >> 5; task < roles * key_parts; task += WARPS) {
    const int role = task % roles, n = task / roles * 32 + (thread & 31);
    if (n >= KEY_DIM) continue;
    if (role >= parts) {
      if (role > parts) return_queries(x, n);
      else if (to.k)
        return_keys(x, to.k + rows_before * KEY_DIM, head.heads * KEY_DIM, count, n);
    } else if (to.decay) {
      if (role == 0) return_decays<0>(x, n);
      if (parts > 1 && role == 1) return_decays<1>(x, n);
      if (parts > 2 && role == 2) return_decays<2>(x, n);
      if (parts > 2 && role == 3) return_decays<3>(x, n);
    }
  }
}

/// Adds up the parts of the gradients of a chunk's queries and decays.
DEVICE void store_sums(const Frame &x, const Head &head, const Targets &to, long rows_before,
                       int count) {
  constexpr int span = WIDE ? 4 : 1, pieces = C * keys / span;
  const auto store = [&](int i) {
    const int t = i % pieces * span / keys, n = i * span % keys;
    const float *part = (i < pieces ? x.pair_q : x.pair_decays) + t * key_step + n;
    float *target = i < pieces ? to.q : to.decay;
    if (!target || t >= count || n >= KEY_DIM) return;
    Pack<span> sum = load_pack<span>(part);
#pragma unroll
    for (int m = 1; m < token_parts; m++) {
      const Pack<span> other = load_pack<span>(part + m * key_rows);
#pragma unroll
      for (int lane = 0; lane < span; lane++) sum.at[lane] += other.at[lane];
    }
    store_pack(target + (rows_before + (long)t * head.heads) * KEY_DIM + n, sum);
  };
  const int thread = own_thread();
  if constexpr (2 * pieces == threads) store(thread);
  else
#pragma unroll 1
    for (int i = thread; i < 2 * pieces; i += threads) store(i);
}

/// B = scale G V' for j <= i. Of the warps that `Rows::multiply` takes, those with less to do there.
DEVICE void relate_gains(const Frame &x, float scale) {
  const int task = (own_thread() >> 5) - (WARPS - 4);
  if (task < 0 || task >= C / 8) return;
  Tile<1> tile(0, task * 8);
  tile.template add_transposed<values>(Rounded{x.gain}, value_step, Rounded{x.v}, value_step);
  tile.each_pair([&](int i, int j, const Pack<2> &pair) {
    put_pair(x.relations + i * token_step + j,
             {j <= i ? scale * pair.at[0] : 0.0f, j < i ? scale * pair.at[1] : 0.0f});
  });
}

/// dV = A' G + (s K) E
DEVICE void return_values(const Frame &x, const Head &head, float *target, int count) {
  each_tile<C, values>([&](auto &tile) {
    const Rounded reads = {x.reads}, gain = {x.gain};
    tile.template add_rows<keys>(Rounded{x.rows.to_end}, key_step, [&](int m, int j) {
      return x.gradient[at(m) * value_step + j];
    });
    tile.template add<C>([&](int i, int m) { return reads[m * token_step + i]; },
                         [&](int m, int j) { return gain[m * value_step + j]; });
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      if (target && i < count)
        store_pair(target + i * head.value_distance(), j, head.columns, pair);
    });
  });
}

/// dS = p_last E + (p Q)' (scale G)
DEVICE void return_state(const Frame &x, float scale) {
  each_packed_tile<keys, values>([&](auto &tile) {
    tile.each([&](int i, int j, auto &pack) {
      pack = load_pack<sizeof pack / 4>(x.gradient + at(i) * value_step + j);
      for (float &sum : pack.at) sum *= x.rows.total[i];
    });
    tile.template add<C, true>(x.rows.from_start, key_step, x.gain, value_step,
                               [&](int) { return scale; });
    tile.each([&](int i, int j, auto &pack) {
      *(Pack<sizeof pack / 4> *)(x.next_gradient + at(i) * value_step + j) = pack;
    });
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
  const Targets to = {dq, dk, dv, d_decay};
  const int chunks = (x.length + C - 1) / C, last = (chunks - 1) * C;
  const long tile_rows = blockIdx.y * batch * length * heads;
  const long keys_before = x.shared_row(last) * KEY_DIM;
  const long values_before = x.row(last) * VALUE_DIM + x.first;
  Sources from = {q + keys_before,
                  k + keys_before,
                  v + values_before,
                  decay + x.row(last) * KEY_DIM,
                  d_o + values_before,
                  kept_states + state_place(x, chunks - 1)};
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state<true>(Frame(chunks - 1).gradient, d_final ? d_final + x.state() : nullptr, x);
  if (AHEAD) from.fetch(Frame(chunks - 1), x, x.length - last);
  for (int n = chunks - 1; n >= 0; n--) {
    const Frame frame(n);
    const int t = n * C, count = min(C, x.length - t);
    const auto store_last = [&] {
      if (t + C < x.length)
        store_sums(frame, x, to, tile_rows + x.row(t + C), min(C, x.length - t - C));
    };
    Kept kept;
    if (!AHEAD) {
      if (t < last) __syncthreads();
      from.fetch(frame, x, count);
      kept.load(from.kept);
      store_last();
    }
    copy_wait<0>();
    round_fetched(frame, x);
    __syncthreads();
    if (count < C) {
      frame.rows.fill(count);
      __syncthreads();
    }
    if (AHEAD) kept.load(frame.kept);
    if (n > 0) {
      from.move(x, -1, gridDim.y);
      if (AHEAD) from.fetch(Frame(n - 1), x, C);
      else from.announce(x);
    }
    if (AHEAD) store_last();
    frame.rows.multiply();
    relate_gains(frame, scale);
    return_states(frame, kept, scale);
    __syncthreads();
    frame.rows.relate(frame.reads, scale);
    return_pairs(frame);
    return_cross(frame);
    __syncthreads();
    return_values(frame, x, to.v ? to.v + x.row(t) * VALUE_DIM + x.first : nullptr, count);
    if (!AHEAD) __syncthreads();
    return_state(frame, scale);
    return_rows(frame, x, to, tile_rows + x.row(t), count);
  }
  __syncthreads();
  store_sums(Frame(0), x, to, tile_rows + x.row(0), min(C, x.length));
  if (d_initial) store_state(d_initial + x.state(), Frame(-1).gradient, x);
}
