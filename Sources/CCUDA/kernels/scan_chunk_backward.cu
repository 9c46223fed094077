// The backward pass of the chunked scan; after scan_chunk.cu.
//
// The formulas of the forward pass are differentiated one by one. With G the gradient of O, E that
// of the chunk's last state, and q scaled:
//   du = A' G + e K E,  P = ((I + M)^-1)' (beta du)        (adding updates: P = du)
//   dv = P,  dA = G u',  dN = -P u'                        (N is M without its beta)
//   dq = c G S' + (dA L) K
//   dk = e u E' - c P S' + (dA L)' q + (dN L + (dN L)') K
//   dbeta_j = du_j.w_j - sum_i N[i,j] P_i.w_j
//   dS = c_last E + (c q)' G - (c K)' P
// The gradients of L, c and e, which are products of decays, go back through the products column
// by column, where c counts as the column before the first; nothing is divided.

constexpr int key_rows = C * key_step, value_rows = C * value_step, pairs = C * token_step;
/// Tiles across a matrix of a chunk's keys.
constexpr int key_tiles = keys / (8 * tile_columns<C, keys>());
constexpr int decay_sums = decays ? 2 * key_tiles * C + C + 32 : 0;

/// Shared memory. `relations` holds q.k, then the gradient of L, then its parts by token;
/// `inverse` becomes dA L; `keys_keys` holds k.k, then what beta gets.
struct Frame {
  float *state, *gradient, *q, *k, *v, *gain, *du, *relations, *inverse;
  float *p, *keys_keys, *dn, *beta, *sums_c, *sums_e, *dc, *totals;
  Decays products;

  static constexpr int size = 2 * keys * value_step + 2 * key_rows + 3 * value_rows + 2 * pairs +
                              Decays::size + decay_sums + (delta ? value_rows + 2 * pairs + C : 0);

  DEVICE Frame() {
    state = (float *)memory;
    gradient = state + keys * value_step;
    q = gradient + keys * value_step;
    k = q + key_rows;
    v = k + key_rows;
    gain = v + value_rows;
    du = gain + value_rows;
    relations = du + value_rows;
    inverse = relations + pairs;
    products.base = inverse + pairs;
    sums_c = products.base + Decays::size;
    sums_e = sums_c + key_tiles * C;
    dc = sums_e + key_tiles * C;
    totals = dc + C;
    p = sums_c + decay_sums;
    keys_keys = p + value_rows;
    dn = keys_keys + pairs;
    beta = dn + pairs;
    if (!delta) p = du;
  }
  /// What token i writes along its key, in column j.
  DEVICE float write(int i, int j) const {
    return delta ? beta[i] * v[i * value_step + j] : v[i * value_step + j];
  }
};

/// Where gradients go; see `Targets` in scan_backward.cu for the layouts.
struct Targets {
  float *q, *k, *v, *decay, *beta;
};

/// The products of tokens with tokens, before decays.
DEVICE void relate(const Frame &x, float scale) {
  const Rounded q = {x.q}, k = {x.k};
  each_tile<C, C>([&](auto &tile) {
    tile.template add_transposed<keys>(q, key_step, k, key_step);
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      put_pair(x.relations + i * token_step + j, {scale * pair.at[0], scale * pair.at[1]});
    });
  });
  if constexpr (delta)
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<keys>(k, key_step, k, key_step);
      tile.each_pair([&](int i, int j, const Pack<2> &pair) {
        put_pair(x.keys_keys + i * token_step + j, pair);
      });
    });
}

/// Which of the chunk's states are not all zeros: the one before it, and the gradient of the one after.
struct States {
  bool before, after;
};

/// The gradients of what is written (du) and of the values (P); `put_values` takes the latter.
template <class F>
DEVICE void return_writes(const Frame &x, States are, F put_values) {
  each_tile<C, values>([&](auto &tile) {
    if (are.after) {
      tile.template add_rows<keys>(Rounded{x.k}, key_step, [&](int n, int j) {
        return x.gradient[at(n) * value_step + j];
      });
      tile.each([&](int i, int, float &sum) { sum *= x.products.suffix(i); });
    }
    tile.template add<C>(
        [&](int i, int n) {
          return n >= i ? x.relations[n * token_step + i] * x.products.pair(n, i) : 0.0f;
        },
        [&](int n, int j) { return Rounded{x.gain}[n * value_step + j]; });
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      put_pair(x.du + i * value_step + j, pair);
      if (!delta) put_values(i, j, pair);
    });
  });
  __syncthreads();
  if constexpr (delta) {
    each_tile<C, values>([&](auto &tile) {
      tile.template add_exact<C>(
          [&](int i, int n) { return x.inverse[n * token_step + i]; },
          [&](int n, int j) { return x.beta[n] * x.du[n * value_step + j]; });
      tile.each_pair([&](int i, int j, const Pack<2> &pair) {
        put_pair(x.p + i * value_step + j, {rounded(pair.at[0]), rounded(pair.at[1])});
        put_values(i, j, pair);
      });
    });
    __syncthreads();
  }
}

/// The gradients of the relations between tokens.
DEVICE void return_relations(const Frame &x) {
  each_tile<C, C>([&](auto &tile) {
    tile.template add_transposed<values>(Rounded{x.gain}, value_step, x.v, value_step);
    tile.each([&](int i, int j, float sum) {
      const int place = i * token_step + j;
      const float d = j <= i ? (delta ? x.beta[j] * sum : sum) : 0.0f;
      x.inverse[place] = rounded(d * x.products.pair(i, j));
      x.relations[place] *= d;
    });
  });
  // A thread has the same elements as before.
  if constexpr (delta)
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<values>(Rounded{x.p}, value_step, x.v, value_step);
      tile.each([&](int i, int j, float sum) {
        const int place = i * token_step + j;
        const float d = j < i ? -sum : 0.0f, both = d * x.keys_keys[place];
        x.dn[place] = x.beta[j] * d * x.products.pair(i, j);
        x.relations[place] += x.beta[j] * both;
        x.keys_keys[place] = both * x.products.pair(i, j);
      });
    });
}

/// Adds the products of a tile with another matrix, row by row, to the sums of its place.
template <class T, class F>
DEVICE void dot_rows(const T &tile, float *sums, bool first, float sign, F other) {
  float low = 0, high = 0;
  tile.each([&](int i, int j, float sum) {
    if (i < tile.row + 8) low += sum * other(i, j);
    else high += sum * other(i, j);
  });
#pragma unroll
  for (int d = 1; d < 4; d *= 2) {
    low += __shfl_xor_sync(FULL_WARP, low, d);
    high += __shfl_xor_sync(FULL_WARP, high, d);
  }
  if (tile.t) return;
  constexpr int width = 8 * tile_columns<C, keys>();
  float *place = sums + tile.column / width * C + tile.row + tile.g;
  place[0] = (first ? 0.0f : place[0]) + sign * low;
  place[8] = (first ? 0.0f : place[8]) + sign * high;
}

/// The gradients of q and k, and those of c and e from the products with states.
DEVICE void return_keys(const Frame &x, States are, const Head &head, const Targets &to, long rows,
                        int count, float scale) {
  auto q = [&](int i, int j) { return scale * x.q[i * key_step + j]; };
  auto k = [&](int i, int j) { return x.k[i * key_step + j]; };
  auto rounded_q = [&](int i, int j) { return Rounded{x.q}[i * key_step + j]; };
  auto rounded_k = [&](int i, int j) { return Rounded{x.k}[i * key_step + j]; };
  auto put_row = [&](float *target, int i, int j, const Pack<2> &pair) {
    if (target && i < count)
      store_pair(target + rows * KEY_DIM + i * (head.heads * KEY_DIM), j, KEY_DIM, pair);
  };
  each_tile<C, keys>([&](auto &tile) {
    if (are.before)
      tile.template add_transposed<values>(Rounded{x.gain}, value_step, Rounded{x.state},
                                           value_step);
    if (decays) dot_rows(tile, x.sums_c, true, 1, q);
    tile.each([&](int i, int, float &sum) { sum *= x.products.prefix(i); });
    tile.template add_rows<C>(Rounded{x.inverse}, token_step, rounded_k);
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      put_row(to.q, i, j, {scale * pair.at[0], scale * pair.at[1]});
    });
  });
  each_tile<C, keys>([&](auto &tile) {
    if (are.after)
      tile.template add<values, false>([&](int i, int n) { return x.write(i, n); },
                                       [&](int n, int j) {
                                         return x.gradient[at(j) * value_step + n];
                                       });
    if (decays) dot_rows(tile, x.sums_e, true, 1, k);
    tile.each([&](int i, int, float &sum) { sum *= x.products.suffix(i); });
    if constexpr (delta) {
      auto old = tile.empty();
      if (are.before)
        old.template add_transposed<values>(Rounded{x.p}, value_step, Rounded{x.state},
                                            value_step);
      if (decays) dot_rows(old, x.sums_c, false, -1, k);
      tile.combine(old, [&](int i, float sum, float other) {
        return sum - x.products.prefix(i) * other;
      });
      tile.template add<C>(
          [&](int i, int n) { return x.dn[i * token_step + n] + x.dn[n * token_step + i]; },
          rounded_k);
    }
    tile.template add<C>(
        [&](int i, int n) { return scale * x.inverse[n * token_step + i]; }, rounded_q);
    tile.each_pair([&](int i, int j, const Pack<2> &pair) { put_row(to.k, i, j, pair); });
  });
}

/// Takes E through the chunk; leaves each warp's part of the product of E and S.
DEVICE void return_state(const Frame &x, float scale) {
  float total = 0;
  each_packed_tile<keys, values>([&](auto &tile) {
    tile.each([&](int i, int j, auto &pack) {
      constexpr int width = sizeof pack / 4;
      pack = load_pack<width>(x.gradient + at(i) * value_step + j);
      if (decays) {
        const Pack<width> state = load_pack<width>(x.state + i * value_step + j);
#pragma unroll
        for (int n = 0; n < width; n++) {
          total += state.at[n] * pack.at[n];
          pack.at[n] *= x.products.prefix(C - 1);
        }
      }
    });
    tile.template add<C, true>(x.q, key_step, x.gain, value_step,
                               [&](int n) { return scale * x.products.prefix(n); });
    if constexpr (delta)
      tile.template add<C, true>(x.k, key_step, x.p, value_step,
                                 [&](int n) { return -x.products.prefix(n); });
    tile.each([&](int i, int j, auto &pack) {
      *(Pack<sizeof pack / 4> *)(x.gradient + at(i) * value_step + j) = pack;
    });
  });
  if (decays) {
    total = warp_sum(total);
    if (threadIdx.x % 32 == 0) x.totals[threadIdx.x / 32] = total;
  }
}

/// The gradients of beta: a warp takes a token at a time.
DEVICE void return_beta(const Frame &x, const Head &head, float *target, long rows, int count) {
  const int lane = threadIdx.x & 31;
  for (int i = threadIdx.x >> 5; i < count; i += WARPS) {
    float sum = lane > i ? x.keys_keys[lane * token_step + i] : 0.0f;
    for (int j = lane; j < values; j += 32)
      sum += x.du[i * value_step + j] * x.v[i * value_step + j];
    sum = warp_sum(sum);
    if (!lane) target[rows + i * head.heads] = sum;
  }
}

/// Takes the gradients of L, c and e back to the decays of the tokens: each lane of the first warp
/// goes up a column, the second warp goes up c; `has_totals` says that `return_state` left some.
DEVICE void return_products(const Frame &x, bool has_totals) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  float *part = x.relations;
  if (warp == 0) {
    float sum = 0;
    for (int n = 0; n < key_tiles; n++) sum += x.sums_e[n * C + lane];
    for (int i = C - 1; i > 0; i--) {
      const int place = i * token_step + lane;
      if (i > lane) {
        sum += part[place];
        part[place] = sum * x.products.pair(i - 1, lane);
      }
      sum *= x.products.factors()[i];
    }
  } else if (warp == 1) {
    float own = 0;
    for (int n = 0; n < key_tiles; n++) own += x.sums_c[n * C + lane];
    if (has_totals && lane == C - 1)
      for (int w = 0; w < WARPS; w++) own += x.totals[w];
    x.dc[lane] = own;
    __syncwarp();
    if (lane == 0) {
      float sum = 0;
      for (int i = C - 1; i >= 0; i--) {
        sum += x.dc[i];
        x.dc[i] = sum * (i > 0 ? x.products.prefix(i - 1) : 1.0f);
        sum *= x.products.factors()[i];
      }
    }
  }
}

/// The gradient of token i's decay from its parts, on all lanes of the warp that asks.
DEVICE float decay_gradient(const Frame &x, int i) {
  const int lane = threadIdx.x & 31;
  return warp_sum(lane < i ? x.relations[i * token_step + lane] : 0.0f) + x.dc[i];
}

/// A block for each head (x) and tile of columns (y). What the forward pass kept comes as it left
/// it; `v` are its answers where the update is the delta rule. `initial` is only looked at for
/// whether there is one.
KERNEL __launch_bounds__(threads) scan_chunk_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *initial, const float *kept_states, const float *kept_inverses, const float *d_o,
    const float *d_final,
    float *dq, float *dk, float *dv, float *d_decay, float *d_beta, float *d_initial, long batch,
    long heads, long key_heads, long length, float scale) {
  begin_kernel();
  const Head x(heads, key_heads, length);
  const Frame frame;
  const Targets to = {dq, dk, dv, d_decay, d_beta};
  const int chunks = (x.length + C - 1) / C;
  const long tile_rows = blockIdx.y * batch * length * heads;
  float head_decay = 0;
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state<true>(frame.gradient, d_final ? d_final + x.state() : nullptr, x);
  for (int n = chunks - 1; n >= 0; n--) {
    const int t = n * C, count = min(C, x.length - t);
    const States are = {n > 0 || initial, n < chunks - 1 || d_final};
    const long value = x.row(t) * VALUE_DIM + x.first, rows = tile_rows + x.row(t);
    fetch_rows(frame.q, key_step, q + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(frame.k, key_step, k + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(frame.v, value_step, v + value, x.value_distance(), count, C, x.columns);
    fetch_rows(frame.gain, value_step, d_o + value, x.value_distance(), count, C, x.columns);
    if (are.before) fetch_state<false>(frame.state, kept_states + x.state(n), x);
    if (delta)
      fetch_rows(frame.inverse, token_step,
                 kept_inverses + (long)(blockIdx.x * chunks + n) * (C * C), C, C, C, C);
    copy_commit();
    frame.products.fetch(decay, x, t, count);
    if (delta) fetch_scalars(frame.beta, beta + x.row(t), heads, count, 0);
    copy_wait<0>();
    round_rows(frame.q, key_step, C, KEY_DIM);
    round_rows(frame.k, key_step, C, KEY_DIM);
    round_rows(frame.gain, value_step, C, x.columns);
    if (are.before) round_rows(frame.state, value_step, keys, x.columns);
    __syncthreads();
    if (n > 0) {
      const long before = x.row(t - C) * VALUE_DIM + x.first;
      announce_rows(q + x.shared_row(t - C) * KEY_DIM, x.key_distance(), C, KEY_DIM);
      announce_rows(k + x.shared_row(t - C) * KEY_DIM, x.key_distance(), C, KEY_DIM);
      announce_rows(v + before, x.value_distance(), C, x.columns);
      announce_rows(d_o + before, x.value_distance(), C, x.columns);
      if (n > 1 || initial)
        announce_rows(kept_states + x.state(n - 1) + x.first, VALUE_DIM, KEY_DIM, x.columns);
    }
    frame.products.multiply();
    relate(frame, scale);
    __syncthreads();
    return_writes(frame, are, [&](int i, int j, const Pack<2> &pair) {
      if (to.v && i < count)
        store_pair(to.v + value + i * x.value_distance(), j, x.columns, pair);
    });
    return_relations(frame);
    __syncthreads();
    return_keys(frame, are, x, to, rows, count, scale);
    __syncthreads();
    const bool returns_state = n > 0 || initial || d_initial;
    if (returns_state) return_state(frame, scale);
    if (delta && to.beta) return_beta(frame, x, to.beta, rows, count);
    if (decays && to.decay) {
      __syncthreads();
      return_products(frame, returns_state);
      __syncthreads();
      for (int i = threadIdx.x >> 5; i < count; i += WARPS) {
        const float sum = decay_gradient(frame, i);
        if (DECAY == PER_HEAD) head_decay += sum;
        else if (threadIdx.x % 32 == 0) to.decay[rows + i * heads] = sum;
      }
    }
    __syncthreads();
  }
  if (d_initial) store_state(d_initial + x.state(), frame.gradient, x);
  if (DECAY == PER_HEAD && to.decay) {
    if (threadIdx.x % 32 == 0) frame.totals[threadIdx.x / 32] = head_decay;
    __syncthreads();
    if (threadIdx.x == 0) {
      float sum = 0;
      for (int w = 0; w < WARPS; w++) sum += frame.totals[w];
      to.decay[blockIdx.y * batch * heads + blockIdx.x] = sum;
    }
  }
}
