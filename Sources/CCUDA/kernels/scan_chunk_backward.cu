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
  each_tile<C, C>([&](auto &tile) {
    tile.template add_transposed<keys>(x.q, key_step, x.k, key_step);
    tile.each([&](int i, int j, float sum) { x.relations[i * token_step + j] = scale * sum; });
  });
  if constexpr (delta)
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<keys>(x.k, key_step, x.k, key_step);
      tile.each([&](int i, int j, float sum) { x.keys_keys[i * token_step + j] = sum; });
    });
}

/// The gradients of what is written (du) and of the values (P); `put_value` takes the latter.
template <class F>
DEVICE void return_writes(const Frame &x, F put_value) {
  each_tile<C, values>([&](auto &tile) {
    tile.template add_rows<keys>(
        x.k, key_step, [&](int n, int j) { return x.gradient[n * value_step + j]; });
    tile.each([&](int i, int, float &sum) { sum *= x.products.suffix(i); });
    tile.template add<C>(
        [&](int i, int n) {
          return n >= i ? x.relations[n * token_step + i] * x.products.pair(n, i) : 0.0f;
        },
        [&](int n, int j) { return x.gain[n * value_step + j]; });
    tile.each([&](int i, int j, float sum) {
      x.du[i * value_step + j] = sum;
      if (!delta) put_value(i, j, sum);
    });
  });
  __syncthreads();
  if constexpr (delta) {
    each_tile<C, values>([&](auto &tile) {
      tile.template add<C, true>(
          [&](int i, int n) { return x.inverse[n * token_step + i]; },
          [&](int n, int j) { return x.beta[n] * x.du[n * value_step + j]; });
      tile.each([&](int i, int j, float sum) {
        x.p[i * value_step + j] = sum;
        put_value(i, j, sum);
      });
    });
    __syncthreads();
  }
}

/// The gradients of the relations between tokens.
DEVICE void return_relations(const Frame &x) {
  each_tile<C, C>([&](auto &tile) {
    tile.template add_transposed<values>(x.gain, value_step, x.v, value_step);
    tile.each([&](int i, int j, float sum) {
      const int place = i * token_step + j;
      const float d = j <= i ? (delta ? x.beta[j] * sum : sum) : 0.0f;
      x.inverse[place] = d * x.products.pair(i, j);
      x.relations[place] *= d;
    });
  });
  // A thread has the same elements as before.
  if constexpr (delta)
    each_tile<C, C>([&](auto &tile) {
      tile.template add_transposed<values>(x.p, value_step, x.v, value_step);
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
DEVICE void return_keys(const Frame &x, const Head &head, const Targets &to, long rows, int count,
                        float scale) {
  auto q = [&](int i, int j) { return scale * x.q[i * key_step + j]; };
  auto k = [&](int i, int j) { return x.k[i * key_step + j]; };
  auto put_row = [&](float *target, int i, int j, float sum) {
    if (target && i < count && j < KEY_DIM) target[(rows + i * head.heads) * KEY_DIM + j] = sum;
  };
  each_tile<C, keys>([&](auto &tile) {
    tile.template add_transposed<values>(x.gain, value_step, x.state, value_step);
    if (decays) dot_rows(tile, x.sums_c, true, 1, q);
    tile.each([&](int i, int, float &sum) { sum *= x.products.prefix(i); });
    tile.template add_rows<C>(
        x.inverse, token_step, [&](int n, int j) { return x.k[n * key_step + j]; });
    tile.each([&](int i, int j, float sum) { put_row(to.q, i, j, scale * sum); });
  });
  each_tile<C, keys>([&](auto &tile) {
    tile.template add<values>([&](int i, int n) { return x.write(i, n); },
                              [&](int n, int j) { return x.gradient[j * value_step + n]; });
    if (decays) dot_rows(tile, x.sums_e, true, 1, k);
    tile.each([&](int i, int, float &sum) { sum *= x.products.suffix(i); });
    if constexpr (delta) {
      auto old = tile.empty();
      old.template add_transposed<values>(x.p, value_step, x.state, value_step);
      if (decays) dot_rows(old, x.sums_c, false, -1, k);
      tile.combine(old, [&](int i, float sum, float other) {
        return sum - x.products.prefix(i) * other;
      });
      tile.template add<C>(
          [&](int i, int n) { return x.dn[i * token_step + n] + x.dn[n * token_step + i]; }, k);
    }
    tile.template add<C>([&](int i, int n) { return x.inverse[n * token_step + i]; }, q);
    tile.each([&](int i, int j, float sum) { put_row(to.k, i, j, sum); });
  });
}

/// Takes E through the chunk; leaves each warp's part of the product of E and S.
DEVICE void return_state(const Frame &x, float scale) {
  float total = 0;
  each_tile<keys, values>([&](auto &tile) {
    tile.each([&](int i, int j, float &sum) {
      const int place = i * value_step + j;
      total += x.state[place] * x.gradient[place];
      sum = x.products.prefix(C - 1) * x.gradient[place];
    });
    tile.template add<C>(
        [&](int i, int n) { return scale * x.products.prefix(n) * x.q[n * key_step + i]; },
        [&](int n, int j) { return x.gain[n * value_step + j]; });
    if constexpr (delta)
      tile.template add<C>(
          [&](int i, int n) { return -x.products.prefix(n) * x.k[n * key_step + i]; },
          [&](int n, int j) { return x.p[n * value_step + j]; });
    tile.each([&](int i, int j, float sum) { x.gradient[i * value_step + j] = sum; });
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
/// goes up a column, the second warp goes up c.
DEVICE void return_products(const Frame &x) {
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
    if (lane == C - 1)
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
/// it; `v` are its answers where the update is the delta rule.
KERNEL __launch_bounds__(threads) scan_chunk_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *kept_states, const float *kept_inverses, const float *d_o, const float *d_final,
    float *dq, float *dk, float *dv, float *d_decay, float *d_beta, float *d_initial, long batch,
    long heads, long key_heads, long length, float scale) {
  const Head x(heads, key_heads, length);
  const Frame frame;
  const Targets to = {dq, dk, dv, d_decay, d_beta};
  const long chunks = (length + C - 1) / C, tile_rows = blockIdx.y * batch * length * heads;
  float head_decay = 0;
  clear_shared((float *)memory, Frame::size);
  __syncthreads();
  fetch_state(frame.gradient, d_final ? d_final + x.state() : nullptr, x);
  for (long n = chunks - 1; n >= 0; n--) {
    const long t = n * C, value = x.row(t) * VALUE_DIM + x.first, rows = tile_rows + x.row(t);
    const int count = (int)min((long)C, length - t);
    fetch_rows(frame.q, key_step, q + x.shared_row(t) * KEY_DIM, key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(frame.k, key_step, k + x.shared_row(t) * KEY_DIM, key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(frame.v, value_step, v + value, heads * VALUE_DIM, count, C, x.columns);
    fetch_rows(frame.gain, value_step, d_o + value, heads * VALUE_DIM, count, C, x.columns);
    fetch_state(frame.state, kept_states + x.state() * chunks + n * KEY_DIM * VALUE_DIM, x);
    if (delta)
      fetch_rows(frame.inverse, token_step, kept_inverses + (blockIdx.x * chunks + n) * C * C, C,
                 C, C, C);
    copy_commit();
    frame.products.fetch(decay, x, t, count);
    if (delta) fetch_scalars(frame.beta, beta + x.row(t), heads, count, 0);
    copy_wait<0>();
    __syncthreads();
    frame.products.multiply();
    relate(frame, scale);
    __syncthreads();
    return_writes(frame, [&](int i, int j, float sum) {
      if (to.v && i < count && j < x.columns) to.v[value + i * heads * VALUE_DIM + j] = sum;
    });
    return_relations(frame);
    __syncthreads();
    return_keys(frame, x, to, rows, count, scale);
    __syncthreads();
    return_state(frame, scale);
    if (delta && to.beta) return_beta(frame, x, to.beta, rows, count);
    if (decays && to.decay) {
      __syncthreads();
      return_products(frame);
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
