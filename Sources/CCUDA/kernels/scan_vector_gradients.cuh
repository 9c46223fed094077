// What one warp leaves of the gradients of 32 keys of a chunk, on the way back of the chunked scan
// with decays of vectors; after scan_vector_strips.cuh.
//
// With G the gradient of O, E that of the state after the chunk and B = scale G V' for j <= i:
//   dQ = p (scale G S') + the sums over j of B[i,j] L[i,j] k_j
//   dK = s (V E') + the sums over i of B[i,j] L[i,j] q_i
// Across the middle of each stretch of tokens, the gradients of x_i q_i and y_j k_j are products of
// B with the others of them. The gradients of decays go back through the products p, s, x and y
// token by token, as polynomials are evaluated; nothing is divided.

/// A warp's eights of tokens of V or of G in four columns: tokens g and g + 8, columns 4t ... 4t + 3.
/// The first two of the columns are the terms t and t + 4 of one product, the last two of another.
struct Four {
  uint at[2][4];

  DEVICE Four(const float *all, const Head &x, int t, int first) {
    const int lane = own_thread() & 31, column = first + (lane & 3) * 4;
#pragma unroll
    for (int row = 0; row < 2; row++) {
      const int token = t + (lane >> 2) + row * 8;
      const float *from = all + x.row(token) * VALUE_DIM + x.first + column;
      Pack<4> four = {};
      if constexpr (WIDE) {
        if (token < x.length && column < x.columns) four = load_pack<4>(from);
      } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
          if (token < x.length && column + i < x.columns) four.at[i] = from[i];
      }
#pragma unroll
      for (int i = 0; i < 4; i++) at[i / 2][i % 2 * 2 + row] = to_tf32(four.at[i]);
    }
  }
  /// One of the two as first factor, times a power of two.
  DEVICE void scaled(uint (&to)[4], int half, float by) const {
#pragma unroll
    for (int i = 0; i < 4; i++) to[i] = __float_as_uint(by * __uint_as_float(at[half][i]));
  }
};

/// Products over the block's columns.
struct Products {
  /// G S' and V E', with the keys as columns; G V' and V G'; of each eight of keys, the lane's share of
  /// the sum of E S over the columns.
  float read[4][4], written[4][4], relations[2][4], transposed[2][4], states[4];

  /// `state` and `change` are what is kept of S and E.
  DEVICE void add(const float *v, const float *gain, const float *state, const float *change,
                  const Head &x, int t, int part) {
    const int lane = own_thread() & 31;
#pragma unroll 1
    for (int strip = 0; strip < strips; strip++) {
      Pack<2> s[4] = {}, e[4] = {};
#pragma unroll
      for (int n = 0; n < 4; n++) {
        if (key_tiles % 4 && part * 4 + n >= key_tiles) continue;
        s[n] = load_pack<2>(state + state_word(part * 4 + n, strip, lane));
        e[n] = load_pack<2>(change + state_word(part * 4 + n, strip, lane));
      }
      const float by = state[state_words + strip], change_by = change[state_words + strip];
      const Four g(gain, x, t, strip * 16), w(v, x, t, strip * 16);
      float sums[4] = {};
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const uint(&a)[4] = g.at[half], (&b)[4] = w.at[half];
        // The rows of a second factor are those of the same numbers as first factor.
        const uint a0[2] = {a[0], a[2]}, a1[2] = {a[1], a[3]};
        const uint b0[2] = {b[0], b[2]}, b1[2] = {b[1], b[3]};
        mma_tf32(relations[0], a, b0);
        mma_tf32(relations[1], a, b1);
        mma_tf32(transposed[0], b, a0);
        mma_tf32(transposed[1], b, a1);
        uint gained[4], wrote[4];
        g.scaled(gained, half, by);
        w.scaled(wrote, half, change_by);
#pragma unroll
        for (int n = 0; n < 4; n++) {
          const Pack<2> one = from_halves(__float_as_uint(s[n].at[half]));
          const Pack<2> two = from_halves(__float_as_uint(e[n].at[half]));
          // 16-bit floats have the mantissa of TF32.
          const uint left[2] = {__float_as_uint(one.at[0]), __float_as_uint(one.at[1])};
          const uint right[2] = {__float_as_uint(two.at[0]), __float_as_uint(two.at[1])};
          mma_tf32(read[n], gained, left);
          mma_tf32(written[n], wrote, right);
          sums[n] += one.at[0] * two.at[0] + one.at[1] * two.at[1];
        }
      }
#pragma unroll
      for (int n = 0; n < 4; n++) states[n] += by * change_by * sums[n];
    }
  }

  /// The sum of E S of the key that is the lane's.
  DEVICE float state_sum(int lane) const {
    float own = 0;
#pragma unroll
    for (int n = 0; n < 4; n++) {
      const float sum = __shfl_sync(FULL_WARP, group_sum<4>(states[n]), lane % 8 * 4);
      if (lane / 8 == n) own = sum;
    }
    return own;
  }
};

/// Puts a product into a room of the warp.
DEVICE void put_product(float *to, const float (&product)[4][4], float scale, int lane) {
  to += (lane >> 2) * part_step + (lane & 3) * 2;
#pragma unroll
  for (int n = 0; n < 4; n++)
#pragma unroll
    for (int i = 0; i < 4; i += 2)
      put_pair(to + 4 * i * part_step + n * 8, {scale * product[n][i], scale * product[n][i + 1]});
}

/// B with its transpose added, but for i = j: rows g and g + 8, columns 2t and 2t + 1 and 8 further on.
struct Relations {
  uint low[2], across[2], up[2], high[2];

  DEVICE Relations(const Products &x, float scale, int lane) {
    const int g = lane >> 2;
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const int j = (lane & 3) * 2 + m;
      low[m] = to_tf32(scale * (g > j ? x.relations[0][m] : x.transposed[0][m]));
      high[m] = to_tf32(scale * (g > j ? x.relations[1][2 + m] : x.transposed[1][2 + m]));
      across[m] = to_tf32(scale * x.relations[0][2 + m]);
      up[m] = to_tf32(scale * x.transposed[1][m]);
    }
  }

  /// Replaces the factors x_i q_i and y_j k_j across the middles of stretches of 2 `half` tokens by
  /// their gradients.
  template <int half>
  DEVICE void go_back(float *factors, int lane) const {
    const int g = lane >> 2, t = lane & 3;
    uint first[4] = {}, second[4] = {};
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const bool inside = (g ^ (2 * t + m)) / half == 1;
      // Columns 2t and 2t + 1 are the terms t and t + 4.
      if (half == 8) first[2 * m + 1] = across[m], second[2 * m] = up[m];
      else first[2 * m] = inside ? low[m] : 0, second[2 * m + 1] = inside ? high[m] : 0;
    }
    float products[4][4] = {};
    const float *row = factors + 2 * t * part_step + g;
#pragma unroll
    for (int n = 0; n < 4; n++) {
      const auto bits = [&](int i) { return __float_as_uint(row[i * part_step + n * 8]); };
      const uint a[2] = {bits(0), bits(1)}, b[2] = {bits(8), bits(9)};
      mma_tf32(products[n], first, a);
      mma_tf32(products[n], second, b);
    }
    __syncwarp();
    put_product(factors, products, 1, own_thread() & 31);
    __syncwarp();
  }
};

/// The gradients of a key's products of decays go back to the decays.
struct DecayGradient {
  float at[C];

  /// The products of the decays of some tokens up to each, times `start` and `by`; h is the gradient of
  /// the last of them from elsewhere. `back` has the gradients of the products times `by`, `to` gets
  /// those of `by`. Returns the gradient of `start`.
  template <int first, int end, bool adds>
  DEVICE float go_up(const float (&d)[C], const float (&by)[C], const float *back, float *to,
                     float h, float start = 1) {
    float before[end - first];
#pragma unroll
    for (int t = first; t < end; t++) {
      before[t - first] = start;
      start *= d[t];
    }
#pragma unroll
    for (int t = end - 1; t >= first; t--) {
      const float own = back[t * part_step], product = before[t - first];
      h += by[t] * own;
      at[t] += product * h;
      h *= d[t];
      const float gradient = product * d[t] * own;
      to[t * part_step] = adds ? to[t * part_step] + gradient : gradient;
    }
    return h;
  }
  /// The same of the products from behind each token up to `end`.
  template <int first, int end, bool adds>
  DEVICE float go_down(const float (&d)[C], const float (&by)[C], const float *back, float *to,
                       float h, float start = 1) {
    float after[end - first];
#pragma unroll
    for (int t = end - 1; t >= first; t--) {
      after[t - first] = start;
      start *= d[t];
    }
#pragma unroll
    for (int t = first; t < end; t++) {
      const float own = back[t * part_step], product = after[t - first];
      at[t] += product * h;
      h = d[t] * h + by[t] * own;
      to[t * part_step] = adds ? to[t * part_step] + product * own : product * own;
    }
    return h;
  }

  /// What the state before the chunk and that after it leave: the products p and s. In halves, which
  /// take fewer registers.
  DEVICE void go_through(const Column &x, float *queries, float *written, float state) {
    constexpr int H = C / 2;
    float low = 1, high = 1;
#pragma unroll
    for (int t = 0; t < H; t++) low *= x.d[t], high *= x.d[H + t];
    const float h = go_up<H, C, false>(x.d, x.q, queries, queries, state, low);
    go_up<0, H, false>(x.d, x.q, queries, queries, h);
    const float g = go_down<0, H, false>(x.d, x.k, written, written, 0, high);
    go_down<H, C, false>(x.d, x.k, written, written, g);
  }

  /// What the pairs across the middles of stretches of 2 `half` tokens leave.
  template <int half, int first = 0>
  DEVICE void go_back(const Column &x, const float *factors, float *queries, float *written) {
    if constexpr (first < C) {
      go_down<first, first + half, true>(x.d, x.k, factors, written, 0);
      go_up<first + half, first + 2 * half, true>(x.d, x.q, factors, queries, 0);
      go_back<half, first + 2 * half>(x, factors, queries, written);
    }
  }
};

/// Where gradients go; see `Targets` in scan_backward.cu for the layouts.
struct Targets {
  float *q, *k, *decay;
};

/// A warp's rooms on the way back: the factors, and the gradients of Q and K.
struct Rooms {
  float *factors, *queries, *written;
  DEVICE Rooms()
      : factors(room_of_warp(0)), queries(room_of_warp(1)), written(room_of_warp(2)) {}
};

template <int half>
DEVICE void return_pairs(const Rooms &to, const Column &column, const Relations &relations,
                         DecayGradient &decays, int lane) {
  __syncwarp();
  column.put_factors<half>(to.factors + lane);
  __syncwarp();
  relations.go_back<half>(to.factors, lane);
  decays.go_back<half>(column, to.factors + lane, to.queries + lane, to.written + lane);
}

/// The gradients of a chunk's tokens, `count` of them, at a key.
DEVICE void return_part(const float *q, const float *k, const float *decay, const Products &products,
                        const Head &x, const Targets &to, long rows_before, int t, int part,
                        float scale) {
  const int lane = own_thread() & 31;
  const Rooms rooms;
  __syncwarp();
  put_product(rooms.queries, products.read, scale, lane);
  put_product(rooms.written, products.written, 1, lane);
  // B[i,i], which the lanes have that have a column of the same number as their row.
  if (lane / 8 == lane % 4) {
    const int m = lane / 4 % 2, place = lane / 4 * part_step + 32;
    rooms.queries[place] = scale * (m ? products.relations[0][1] : products.relations[0][0]);
    rooms.queries[place + 8 * part_step] =
        scale * (m ? products.relations[1][3] : products.relations[1][2]);
  }
  const float state = products.state_sum(lane);
  const Relations relations(products, scale, lane);
  const Column column(q, k, decay, x, t, min(C, x.length - t), part * 32 + lane);
  DecayGradient decays = {};
  __syncwarp();
  float *queries = rooms.queries + lane, *written = rooms.written + lane;
  decays.go_through(column, queries, written, state);
  // No pair needs the last key or the first query, whose registers are free from here on.
  constexpr int last = (C - 1) * part_step;
  queries[last] += rooms.queries[last + 32] * column.k[C - 1];
  written[0] += rooms.queries[32] * column.q[0];
  return_pairs<8>(rooms, column, relations, decays, lane);
  return_pairs<4>(rooms, column, relations, decays, lane);
  return_pairs<2>(rooms, column, relations, decays, lane);
  return_pairs<1>(rooms, column, relations, decays, lane);
  const int n = part * 32 + (own_thread() & 31);
  if (n >= KEY_DIM) return;
  const int step = x.heads * KEY_DIM;
  long place = (rows_before + x.row(t)) * KEY_DIM + n;
#pragma unroll
  for (int i = 0; i < C; i++, place += step) {
    if (t + i >= x.length) return;
    const float same = rooms.queries[i * part_step + 32];
    const float query = queries[i * part_step], key = written[i * part_step];
    if (to.q) to.q[place] = i == C - 1 ? query : query + same * column.k[i];
    if (to.k) to.k[place] = i == 0 ? key : key + same * column.q[i];
    if (to.decay) to.decay[place] = decays.at[i];
  }
}
