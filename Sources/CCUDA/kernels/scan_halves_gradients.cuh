// The gradients of one chunk of the scan with factors of 16 bits; after scan_halves_tiles.cuh. The
// formulas are those of scan_chunk_backward.cu; E, the gradient of the state, stays in registers.

/// Tiles across a chunk's keys and values.
constexpr int key_parts = Cut<keys>::across, value_parts = Cut<values>::across;

constexpr int larger(int x, int y) { return x > y ? x : y; }

/// Whether a warp has the gradients of L from queries and from keys in the same tile: then they go to
/// shared memory together, where those of what was written have been.
constexpr bool joins_parts = delta && decays && TokenTiles::rounds == 2 && values >= C;

/// Shared memory. What the gradients of what was written need takes the place of E's copy, and
/// dN that of A.
struct Frame {
  static constexpr int state_floats = alone ? 0 : keys * value_pitch / 2;
  static constexpr int key_floats = C * key_pitch / 2;
  static constexpr int value_floats = C * value_pitch / 2, token_floats = C * token_pitch / 2;
  static constexpr int written_floats =
      delta ? C * value_step + value_floats + C * token_step : 0;
  static constexpr int decay_floats =
      decays ? (joins_parts ? 0 : C * token_step) + 2 * key_parts * C + C / 16 * C + WARPS : 0;
  static constexpr int beta_floats = delta ? C + value_parts * C + C / 16 * C : 0;
  static constexpr int size = state_floats + larger(state_floats, written_floats) +
                              2 * key_floats + 2 * value_floats + 2 * token_floats +
                              Decays::size + decay_floats + beta_floats + 5 * WARPS +
                              SumGradients::size;
  Half *state, *gradient, *p, *q, *k, *w, *gain, *relations, *returned, *dn;
  float *du, *inverse, *parts, *sums_c, *sums_e, *decay_parts, *totals, *beta, *beta_rows, *beta_columns;
  uint *greatest;
  Decays products;
  SumGradients sums;

  DEVICE Frame() {
    float *next = (float *)memory;
    const auto take = [&](int count) {
      float *place = next;
      next += count;
      return place;
    };
    state = (Half *)take(state_floats);
    du = take(larger(state_floats, written_floats));
    gradient = (Half *)du;
    p = (Half *)(du + C * value_step);
    inverse = du + C * value_step + value_floats;
    q = (Half *)take(key_floats), k = (Half *)take(key_floats);
    w = (Half *)take(value_floats), gain = (Half *)take(value_floats);
    relations = (Half *)take(token_floats), returned = (Half *)take(token_floats);
    dn = relations;
    products.base = take(Decays::size);
    parts = joins_parts ? du : take(decays ? C * token_step : 0);
    sums_c = take(decays ? key_parts * C : 0), sums_e = take(decays ? key_parts * C : 0);
    decay_parts = take(decays ? C / 16 * C : 0), totals = take(decays ? WARPS : 0);
    beta = take(delta ? C : 0);
    beta_rows = take(delta ? value_parts * C : 0), beta_columns = take(delta ? C / 16 * C : 0);
    greatest = (uint *)take(5 * WARPS);
    sums.base = take(SumGradients::size);
  }
};

/// What the pass reads of the scan; `gain` are the gradients of its output.
struct Inputs {
  const float *q, *k, *v, *decay, *beta, *initial, *gain, *strength, *slope, *d_factor;
};

/// What the forward pass kept.
struct Kept {
  Half *states, *answers;
  const float *inverses, *scales, *sums;
};

/// Which of the chunk's states are not all zeros: the one before it, and the gradient of the one
/// after.
struct States {
  bool before, after;
};

/// The powers of two that factors come with, queries times the scan's scale too, and those that keep
/// products of tokens in the range.
struct Scales {
  float q, k, w, gain, state, gradient, p = 1;
  static constexpr float keys_bound = 1.0f / (1024 * keys), values_bound = 1.0f / (1024 * values);
  /// What A and dA L come with.
  DEVICE float relations() const { return q * k * keys_bound; }
  DEVICE float returned() const { return gain * w * values_bound; }
};

typedef Sums<Cut<keys>::pairs> KeyTile;
typedef Sums<Cut<values>::pairs> ValueTile;

DEVICE float2 pair_of(const Half *rows, int pitch, int i, int j) {
  return floats_of(*(const uint *)(rows + i * pitch + j));
}

/// The products of a tile's rows g and g + 8 with those of another matrix.
template <int pairs>
DEVICE float2 dot_rows(Sums<pairs> &sums, const Half *other, int pitch) {
  float2 dots = {0, 0};
  other += (sums.row + lane_group()) * pitch + sums.column + 2 * lane_in_group();
#pragma unroll
  for (int n = 0; n < 2 * pairs; n++) {
    const float2 low = pair_of(other, pitch, 0, n * 8), high = pair_of(other, pitch, 8, n * 8);
    dots.x += sums.at[n][0] * low.x + sums.at[n][1] * low.y;
    dots.y += sums.at[n][2] * high.x + sums.at[n][3] * high.y;
  }
  return dots;
}
/// A tile of the products of queries and keys, and of what comes back to them: leaves A and dA L,
/// and the gradients of L in `part` where they are to be joined.
DEVICE void relate_queries(const Frame &x, const Scales &by, int row, int column, Sums<1> &part) {
  Sums<1> product(row, column), back(row, column);
  if (row >= column) {
    product.add<keys, false, true>(x.q, key_pitch, x.k, key_pitch);
    back.add<values, false, true>(x.gain, value_pitch, x.w, value_pitch);
  }
  const float unit = inverse_of(by.q * by.k) * inverse_of(by.gain * by.w);
  const auto element = [&](int i, int j, float &a, float &d, float &own) {
    const float l = j <= i ? x.products.pair(i, j) : 0.0f, beta = delta ? x.beta[j] : 1.0f;
    if constexpr (normalised) d += x.sums.gain(i) * by.gain * by.w;
    d = j <= i ? beta * d : 0.0f;
    if constexpr (joins_parts) own = unit * a * d;
    else if constexpr (decays) x.parts[i * token_step + j] = unit * a * d;
    a *= l * Scales::keys_bound, d *= l * Scales::values_bound;
  };
#pragma unroll
  for (int n = 0; n < 2; n++)
#pragma unroll
    for (int e = 0; e < 4; e += 2) {
      const int i = row + lane_group() + 4 * e, j = column + 8 * n + 2 * lane_in_group();
      float *a = product.at[n] + e, *d = back.at[n] + e, *own = part.at[n] + e;
      element(i, j, a[0], d[0], own[0]), element(i, j + 1, a[1], d[1], own[1]);
      *(uint *)(x.relations + i * token_pitch + j) = two_halves(a[0], a[1]);
      *(uint *)(x.returned + i * token_pitch + j) = two_halves(d[0], d[1]);
    }
}

/// A tile of what comes back to the products of keys, which are `product`: leaves dN L and its
/// transpose, what beta gets, and the gradients of L with those that `part` has.
DEVICE void relate_keys(const Frame &x, const Scales &by, const Sums<1> &product,
                        const Sums<1> &part) {
  const int row = product.row, column = product.column;
  Sums<1> back(row, column);
  if (row >= column) back.add<values, false, true>(x.p, value_pitch, x.w, value_pitch);
  const float unit = inverse_of(by.k * by.k) * inverse_of(by.p * by.w);
  float sums[2][2] = {};
#pragma unroll
  for (int n = 0; n < 2; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int i = row + lane_group() + (e < 2 ? 0 : 8);
      const int j = column + 8 * n + 2 * lane_in_group() + (e & 1);
      const float l = j < i ? x.products.pair(i, j) : 0.0f, beta = x.beta[j];
      const float d = j < i ? -back.at[n][e] : 0.0f, both = unit * d * product.at[n][e];
      if constexpr (joins_parts) x.parts[i * token_step + j] = part.at[n][e] + beta * both;
      else if (decays && row >= column) x.parts[i * token_step + j] += beta * both;
      sums[n][e & 1] += both * l;
      Half half = halved(beta * d * l * Scales::values_bound);
      if (j <= i) x.dn[i * token_pitch + j] = x.dn[j * token_pitch + i] = half;
    }
#pragma unroll
  for (int n = 0; n < 2; n++)
#pragma unroll
    for (int e = 0; e < 2; e++) {
#pragma unroll
      for (int d = 4; d < 32; d *= 2) sums[n][e] += __shfl_xor_sync(FULL_WARP, sums[n][e], d);
      if (lane_group() == 0)
        x.beta_columns[row / 16 * C + column + 8 * n + 2 * lane_in_group() + e] = sums[n][e];
    }
}

/// The gradients of the values (P), also to memory, from those of what is written, in `du`.
DEVICE void return_values(const Frame &x, Scales &by, float *to, int distance, int count) {
  auto tile = Cut<values>::tile();
  Greatest<1> greatest;
  if (Cut<values>::has_one()) {
    add_exact(
        tile, tile.row, terms_of(count),
        [&](int i, int n) { return x.inverse[n * token_step + i]; },
        [&](int n, int j) { return x.beta[n] * x.du[n * value_step + j]; });
    tile.each([&](int i, int j, float a, float b) {
      greatest.most[0] = greater(greater(greatest.most[0], a), b);
    });
  }
  greatest.leave(x.greatest);
  if (to && Cut<values>::has_one()) tile.template store<VALUE_DIM>(to, distance, count, 1);
  __syncthreads();
  greatest.collect(x.greatest);
  by.p = scale_of(greatest.most[0]);
  if (Cut<values>::has_one())
    tile.each([&](int i, int j, float a, float b) {
      *(uint *)(x.p + i * value_pitch + j) = two_halves(by.p * a, by.p * b);
    });
  __syncthreads();
}

/// The first of two where `first`, else the second.
template <bool first, class T>
DEVICE T &one_of(T &x, T &y) {
  if constexpr (first) return x;
  else return y;
}

/// What comes to the queries, and off the keys, from the state before: gain S' and P S'.
template <int pairs>
DEVICE void look_back(const Frame &x, Sums<pairs> &dq, Sums<pairs> &old) {
#pragma unroll
  for (int k = 0; k < values; k += 16) {
    uint a[4], b[4], y[4];
    left_factor<false>(a, x.gain, value_pitch, dq.row, k);
    if (delta) left_factor<false>(b, x.p, value_pitch, dq.row, k);
#pragma unroll
    for (int n = 0; n < pairs; n++) {
      right_factor<true>(y, x.state, value_pitch, k, dq.column + 16 * n);
#pragma unroll
      for (int m = 0; m < 2; m++) {
        mma_half(dq.at[2 * n + m], a, y[2 * m], y[2 * m + 1]);
        if (delta) mma_half(old.at[2 * n + m], b, y[2 * m], y[2 * m + 1]);
      }
    }
  }
}

/// Puts the gradients of e with those of L, of whose last row it is, and those of c into the last
/// column, as of the column before the first; no decay gets anything from what belongs there.
/// `has_totals` says that there are some.
DEVICE void collect_products(const Frame &x, bool has_totals) {
  const int j = threadIdx.x, i = j - 32;
  if (j < C - 1) {
    float sum = 0;
    for (int n = 0; n < key_parts; n++) sum += x.sums_e[n * C + j];
    x.parts[(C - 1) * token_step + j] += sum;
  }
  if (i >= 0 && i < C) {
    float sum = 0;
    for (int n = 0; n < key_parts; n++) sum += x.sums_c[n * C + i];
    if (has_totals && i == C - 1)
      for (int w = 0; w < WARPS; w++) sum += x.totals[w];
    x.parts[i * token_step + C - 1] = sum;
  }
}

/// Takes the gradients of L back to the decays of the tokens: that of L[a,b] = d_{b+1} ... d_a comes
/// to d_i times L[a,i] L[i-1,b]. Leaves a part for each 16 columns b.
DEVICE void return_products(const Frame &x) {
  const int warp = threadIdx.x / 32, g = lane_group();
  if (warp >= TokenTiles::tiles) return;
  Sums<1> sums(warp / (C / 16) * 16, warp % (C / 16) * 16);
  add_exact(
      sums, sums.row, C, [&](int i, int a) { return x.products.pair(a, i); },
      [&](int a, int b) { return x.parts[a * token_step + b]; });
  float both[2] = {0, 0};
#pragma unroll
  for (int n = 0; n < 2; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int i = sums.row + g + (e < 2 ? 0 : 8);
      const int b = sums.column + 8 * n + 2 * lane_in_group() + (e & 1);
      float factor = b < i ? x.products.pair(max(i - 1, 0), b) : 0.0f;
      if (b == C - 1) factor = i > 0 ? x.products.prefix(i - 1) : 1.0f;
      both[e / 2] += factor * sums.at[n][e];
    }
  put_dots(sums, x.decay_parts + sums.column / 16 * C, {both[0], both[1]}, 1);
}
