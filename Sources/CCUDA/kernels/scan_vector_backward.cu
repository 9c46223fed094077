// The backward pass of the chunked scan with decays of vectors; after scan_vector.cu.
//
// With G the gradient of O, E that of the chunk's last state, and B = scale G V' for j <= i:
//   dV = A' G + (s K) E
//   dQ = p (scale G S') + the sums of B[i,j] L[i,j] k_j
//   dK = s (V E') + the sums of B[i,j] L[i,j] q_i
//   dS = p_last E + (p Q)' (scale G)
// The gradients of decays go back through the products L, p and s token by token, as polynomials
// are evaluated; nothing is divided.

/// Warps that share the tokens j of a lane's keys, and the lanes' parts of the keys.
constexpr int key_parts = (keys + 31) / 32;
constexpr int token_parts = WARPS >= key_parts ? WARPS / key_parts : 1;

/// Shared memory.
struct Frame {
  float *state, *gradient, *v, *gain, *reads, *relations;
  Rows rows;
  /// scale G S' and V E', the rowwise sum of E S, and what pairs of tokens leave: of k by token, of
  /// q and of the decays by part and token.
  float *read_back, *written_back, *states, *pair_k, *pair_q, *pair_decays;

  static constexpr int parts_size = token_parts * key_rows;
  /// S and V are done with before pairs leave anything, and lie in the same place.
  static constexpr int early = keys * value_step + value_rows, late = parts_size + key_rows;
  static constexpr int shared = early > late ? early : late;
  static constexpr int size = shared + keys * value_step + value_rows + 2 * pairs + Rows::size +
                              2 * key_rows + keys + parts_size;
  DEVICE Frame() {
    state = pair_q = (float *)memory;
    v = state + keys * value_step;
    pair_k = pair_q + parts_size;
    gradient = state + shared;
    gain = gradient + keys * value_step;
    reads = gain + value_rows;
    relations = reads + pairs;
    rows.place(relations + pairs);
    read_back = rows.q + Rows::size;
    written_back = read_back + key_rows;
    states = written_back + key_rows;
    pair_decays = states + keys;
  }
};

/// What the sums over pairs of tokens leave to q, k and the decays. A lane has a key, a warp some of
/// the tokens j: going down from the last token, g_t = B[t,j] q_t + d_{t+1} g_{t+1} is the gradient
/// of k_j d_{j+1} ... d_t.
DEVICE void return_pairs(const Frame &x) {
  const Rows &rows = x.rows;
  const int lane = threadIdx.x & 31;
  for (int task = threadIdx.x >> 5; task < key_parts * token_parts; task += WARPS) {
    const int n = task % key_parts * 32 + lane, part = task / key_parts;
    if (n >= keys) continue;
    float d[C], q[C], dq[C] = {}, dd[C] = {};
#pragma unroll
    for (int t = 0; t < C; t++)
      d[t] = rows.decays[t * key_step + n], q[t] = rows.q[t * key_step + n];
    for (int j = part; j < C; j += token_parts) {
      float g[C], product = rows.k[j * key_step + n], carried = 0;
#pragma unroll
      for (int t = C - 1; t >= 0; t--) {
        if (t < j) continue;
        carried = x.relations[t * token_step + j] * q[t] + carried;
        g[t] = carried;
        if (t > j) carried *= d[t];
      }
      x.pair_k[j * key_step + n] = carried;
#pragma unroll
      for (int t = 0; t < C; t++) {
        if (t < j) continue;
        if (t > j) {
          dd[t] += g[t] * product;
          product *= d[t];
        }
        dq[t] += x.relations[t * token_step + j] * product;
      }
    }
#pragma unroll
    for (int t = 0; t < C; t++) {
      x.pair_q[part * key_rows + t * key_step + n] = dq[t];
      x.pair_decays[part * key_rows + t * key_step + n] = dd[t];
    }
  }
}

/// Sums of E S over the columns.
DEVICE void return_total(const Frame &x) {
  const int lane = threadIdx.x & 31;
  for (int n = threadIdx.x >> 5; n < keys; n += WARPS) {
    float sum = 0;
    for (int j = lane; j < values; j += 32)
      sum += x.state[n * value_step + j] * x.gradient[n * value_step + j];
    sum = warp_sum(sum);
    if (!lane) x.states[n] = sum;
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

/// The gradients of the chunk's queries, keys and decays: a thread goes through the tokens of a key.
DEVICE void return_rows(const Frame &x, const Head &head, const Targets &to, long rows_before,
                        int count) {
  const Rows &rows = x.rows;
  for (int n = threadIdx.x; n < KEY_DIM; n += threads) {
    float d[C], before[C], after[C], dd[C];
    const auto at = [&](int t) { return (rows_before + t * head.heads) * KEY_DIM + n; };
    // Through p: h is the gradient of the product up to a token, without those before it.
    float product = 1;
#pragma unroll
    for (int t = 0; t < C; t++) {
      const int place = t * key_step + n;
      d[t] = rows.decays[place];
      before[t] = product;
      product *= d[t];
      if (to.q && t < count)
        to.q[at(t)] = product * x.read_back[place] + over_parts(x.pair_q, place);
    }
    float h = x.states[n];
    product = 1;
#pragma unroll
    for (int t = C - 1; t >= 0; t--) {
      const int place = t * key_step + n;
      h += rows.q[place] * x.read_back[place];
      dd[t] = before[t] * h;
      h *= d[t];
      after[t] = product;
      if (to.k && t < count) to.k[at(t)] = product * x.written_back[place] + x.pair_k[place];
      product *= d[t];
    }
    if (!to.decay) continue;
    // Through s: h is that of the product from a token on, without those behind it.
    h = 0;
#pragma unroll
    for (int t = 0; t < C; t++) {
      const int place = t * key_step + n;
      if (t < count) to.decay[at(t)] = dd[t] + after[t] * h + over_parts(x.pair_decays, place);
      h = d[t] * h + rows.k[place] * x.written_back[place];
    }
  }
}

/// A block for each head (x) and tile of columns (y). `kept_states` are as the forward pass left
/// them.
KERNEL __launch_bounds__(threads, 512 / threads) scan_vector_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *kept_states,
    const float *d_o, const float *d_final, float *dq, float *dk, float *dv, float *d_decay,
    float *d_initial, long batch, long heads, long key_heads, long length, float scale) {
  const Head x(heads, key_heads, length);
  const Frame frame;
  const Rows &rows = frame.rows;
  const Targets to = {dq, dk, dv, d_decay};
  const long chunks = (length + C - 1) / C, tile_rows = blockIdx.y * batch * length * heads;
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state(frame.gradient, d_final ? d_final + x.state() : nullptr, x);
  for (long n = chunks - 1; n >= 0; n--) {
    const long t = n * C, value = x.row(t) * VALUE_DIM + x.first;
    const int count = (int)min((long)C, length - t);
    rows.fetch(q, k, decay, x, t, count);
    fetch_rows(frame.v, value_step, v + value, heads * VALUE_DIM, count, C, x.columns);
    fetch_rows(frame.gain, value_step, d_o + value, heads * VALUE_DIM, count, C, x.columns);
    fetch_state(frame.state, kept_states + x.state() * chunks + n * KEY_DIM * VALUE_DIM, x);
    copy_commit();
    copy_wait<0>();
    __syncthreads();
    if (count < C) {
      rows.fill(count);
      __syncthreads();
    }
    rows.multiply();
    rows.relate(frame.reads, scale);
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<values>(frame.gain, value_step, frame.v, value_step);
      tile.each([&](int i, int j, float sum) {
        frame.relations[i * token_step + j] = j <= i ? scale * sum : 0.0f;
      });
    });
    each_tile<C, keys>([&](auto &tile) {
      tile.template add_transposed<values>(frame.gain, value_step, frame.state, value_step);
      tile.each([&](int i, int j, float sum) {
        frame.read_back[i * key_step + j] = scale * sum;
      });
    });
    each_tile<C, keys>([&](auto &tile) {
      tile.template add_transposed<values>(
          frame.v, value_step, frame.gradient, value_step);
      tile.each([&](int i, int j, float sum) { frame.written_back[i * key_step + j] = sum; });
    });
    return_total(frame);
    __syncthreads();
    return_pairs(frame);
    each_tile<C, values>([&](auto &tile) {
      tile.template add_rows<keys>(
          rows.to_end, key_step,
          [&](int m, int j) { return frame.gradient[m * value_step + j]; });
      tile.template add<C>([&](int i, int m) { return frame.reads[m * token_step + i]; },
                           [&](int m, int j) { return frame.gain[m * value_step + j]; });
      tile.each([&](int i, int j, float sum) {
        if (to.v && i < count && j < x.columns) to.v[value + i * heads * VALUE_DIM + j] = sum;
      });
    });
    __syncthreads();
    each_tile<keys, values>([&](auto &tile) {
      tile.each([&](int i, int j, float &sum) {
        sum = rows.total[i] * frame.gradient[i * value_step + j];
      });
      tile.template add<C>(
          [&](int i, int m) { return scale * rows.from_start[m * key_step + i]; },
          [&](int m, int j) { return frame.gain[m * value_step + j]; });
      tile.each([&](int i, int j, float sum) { frame.gradient[i * value_step + j] = sum; });
    });
    return_rows(frame, x, to, tile_rows + x.row(t), count);
    __syncthreads();
  }
  if (d_initial) store_state(d_initial + x.state(), frame.gradient, x);
}
