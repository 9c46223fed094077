// Products of a chunk's matrices of 16-bit floats, cut into tiles for the warps of a block; after
// scan_halves.cuh.

/// 16 rows of terms of the left factor: of a matrix of rows, or, `turned`, of its transpose.
template <bool turned>
DEVICE void left_factor(uint (&x)[4], const Half *a, int pitch, int row, int k) {
  const int lane = threadIdx.x & 31;
  if constexpr (turned)
    load_transposes(x, a + (k + (lane & 7) + (lane >> 4) * 8) * pitch + row + (lane >> 3 & 1) * 8);
  else load_halves(x, a + (row + (lane & 15)) * pitch + k + (lane >> 4) * 8);
}
/// 16 columns of the right factor: of a matrix whose rows are terms, or, `turned`, columns.
template <bool turned>
DEVICE void right_factor(uint (&y)[4], const Half *b, int pitch, int k, int column) {
  const int lane = threadIdx.x & 31;
  if constexpr (turned)
    load_halves(y, b + (column + (lane & 7) + (lane >> 4) * 8) * pitch + k + (lane >> 3 & 1) * 8);
  else load_transposes(y, b + (k + (lane & 15)) * pitch + column + (lane >> 4) * 8);
}

/// A warp's tile of sums: 16 rows from `row` and 16 `pairs` columns from `column`.
template <int pairs>
struct Sums {
  float at[2 * pairs][4];
  int row, column;

  DEVICE Sums(int row, int column) : at{}, row(row), column(column) {}

  DEVICE void times(float factor) { times(factor, factor); }
  /// Row g of the tile times `low`, row g + 8 times `high`.
  DEVICE void times(float low, float high) {
#pragma unroll
    for (int n = 0; n < 2 * pairs; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) at[n][i] *= i < 2 ? low : high;
  }

  /// Takes another tile of the place away: its row g times `low`, row g + 8 times `high`.
  DEVICE void subtract(const Sums &other, float low, float high) {
#pragma unroll
    for (int n = 0; n < 2 * pairs; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) at[n][i] -= (i < 2 ? low : high) * other.at[n][i];
  }

  /// Adds a b of `depth` terms; see `left_factor` and `right_factor`.
  template <int depth, bool left_turned, bool right_turned>
  DEVICE void add(const Half *a, int a_pitch, const Half *b, int b_pitch) {
#pragma unroll
    for (int k = 0; k < depth; k += 16) {
      uint x[4], y[4];
      left_factor<left_turned>(x, a, a_pitch, row, k);
#pragma unroll
      for (int n = 0; n < pairs; n++) {
        right_factor<right_turned>(y, b, b_pitch, k, column + n * 16);
        mma_half(at[2 * n], x, y[0], y[1]);
        mma_half(at[2 * n + 1], x, y[2], y[3]);
      }
    }
  }

  /// Calls f(i, j, two neighbours of a row).
  template <class F>
  DEVICE void each(F f) {
    const int g = lane_group(), t = lane_in_group();
#pragma unroll
    for (int n = 0; n < 2 * pairs; n++)
#pragma unroll
      for (int i = 0; i < 4; i += 2)
        f(row + g + 4 * i, column + n * 8 + 2 * t, at[n][i], at[n][i + 1]);
  }

  /// Writes the first `count` rows of DIM columns, times `unit`, `distance` apart to memory.
  template <int DIM>
  DEVICE void store(float *to, int distance, int count, float unit) const {
    const int first = row + lane_group(), left = column + 2 * lane_in_group();
    to += first * distance + left;
#pragma unroll
    for (int half = 0; half < 2; half++, to += 8 * distance) {
      if (first + 8 * half >= count) continue;
#pragma unroll
      for (int n = 0; n < 2 * pairs; n++) {
        const Pack<2> pair = {unit * at[n][2 * half], unit * at[n][2 * half + 1]};
        if (left + n * 8 >= DIM) continue;
        if constexpr (WIDE) store_pack(to + n * 8, pair);
        else to[n * 8] = pair.at[0], to[n * 8 + 1] = pair.at[1];
      }
    }
  }
};

/// Adds up what the lanes of a row have, times `unit`, as the part of the tile's rows.
template <int pairs>
DEVICE void put_dots(const Sums<pairs> &sums, float *to, const float2 &dots, float unit) {
  const float low = group_sum<4>(dots.x), high = group_sum<4>(dots.y);
  if (lane_in_group()) return;
  to[sums.row + lane_group()] = unit * low;
  to[sums.row + lane_group() + 8] = unit * high;
}

/// A warp's tile of a product of a chunk's tokens with `columns`; warps beyond `tasks` have none.
template <int columns>
struct Cut {
  static constexpr int units = C / 16 * (columns / 16);
  static constexpr int pairs = units > WARPS ? units / WARPS : 1;
  static constexpr int tasks = units / pairs, across = columns / 16 / pairs;
  static_assert(C / 16 * across == tasks && tasks <= WARPS, "tiles divide evenly");
  DEVICE static bool has_one() { return tasks == WARPS || threadIdx.x / 32 < tasks; }
  DEVICE static Sums<pairs> tile() {
    const int warp = threadIdx.x / 32;
    return Sums<pairs>(warp / across * 16, warp % across * (16 * pairs));
  }
  /// The number of the tile among those of its rows.
  DEVICE static int part() { return threadIdx.x / 32 % across; }
};

/// Tiles of 16 by 16 of products of tokens with tokens, of two products where there are: a warp has
/// those numbered `warp`, `warp` + WARPS ...
struct TokenTiles {
  static constexpr int tiles = (C / 16) * (C / 16), count = tiles * (delta ? 2 : 1);
  static constexpr int rounds = (count + WARPS - 1) / WARPS;
  static_assert(tiles <= WARPS, "a warp has at most one tile of each product");
  DEVICE static int number(int round) { return threadIdx.x / 32 + round * WARPS; }
  DEVICE static bool is_one(int round) { return number(round) < count; }
  DEVICE static bool is_second(int round) { return number(round) >= tiles; }
  DEVICE static int row(int round) { return number(round) % tiles / (C / 16) * 16; }
  DEVICE static int column(int round) { return number(round) % (C / 16) * 16; }
};

/// A warp's part of a state that changes, in registers: `bands` times 16 rows.
struct State {
  static constexpr int units = (keys / 16) * (values / 16);
  static constexpr int each_units = units > WARPS ? units / WARPS : 1;
  static constexpr int wanted = each_units >= 8 ? each_units / 2 : each_units >= 4 ? 2 : each_units;
  static constexpr int pairs = wanted < values / 16 ? wanted : values / 16;
  static constexpr int bands = each_units / pairs, across = values / 16 / pairs;
  static_assert(keys / 16 / bands * across == units / each_units, "tiles divide evenly");
  float at[bands][2 * pairs][4];

  DEVICE static bool has_one() {
    return units / each_units == WARPS || threadIdx.x / 32 < units / each_units;
  }
  DEVICE static int row() { return threadIdx.x / 32 / across * (16 * bands); }
  DEVICE static int column() { return threadIdx.x / 32 % across * (16 * pairs); }

  /// Calls f(i, j, two neighbours of a row) where the warp has a part.
  template <class F>
  DEVICE void each(F f) {
    if (!has_one()) return;
    const int first = row() + lane_group(), left = column() + 2 * lane_in_group();
#pragma unroll
    for (int b = 0; b < bands; b++)
#pragma unroll
      for (int n = 0; n < 2 * pairs; n++)
#pragma unroll
        for (int i = 0; i < 4; i += 2)
          f(first + 16 * b + 4 * i, left + 8 * n, at[b][n][i], at[b][n][i + 1]);
  }
  /// From memory, [KEY_DIM, VALUE_DIM]; zeros where there is none.
  DEVICE void load(const float *from) {
    each([&](int i, int j, float &x, float &y) {
      x = y = 0;
      if (!from || i >= KEY_DIM || j >= VALUE_DIM) return;
      x = from[i * VALUE_DIM + j], y = from[i * VALUE_DIM + j + 1];
    });
  }
  DEVICE void store(float *to) {
    each([&](int i, int j, float x, float y) {
      if (i < KEY_DIM) put_pair<VALUE_DIM>(to + i * VALUE_DIM, j, x, y);
    });
  }
  DEVICE float greatest() {
    float most = 0;
    each([&](int, int, float x, float y) { most = greater(greater(most, x), y); });
    return most;
  }
  DEVICE void store(Half *to, float scale) {
    each([&](int i, int j, float x, float y) {
      *(uint *)(to + i * value_pitch + j) = two_halves(scale * x, scale * y);
    });
  }
  DEVICE void times(float factor) {
    each([&](int, int, float &x, float &y) { x *= factor, y *= factor; });
  }

  /// Adds a' b for rows of a [C, keys], those of token n times factor(n), and of b [C, values];
  /// `same` says that it is the same power of two for all tokens.
  template <bool same, class F>
  DEVICE void add(const Half *a, const Half *b, F factor) {
    if (!has_one()) return;
    const int t = lane_in_group();
#pragma unroll
    for (int k = 0; k < C; k += 16) {
      uint x[bands][4], y[4];
#pragma unroll
      for (int m = 0; m < bands; m++) {
        left_factor<true>(x[m], a, key_pitch, row() + 16 * m, k);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int term = k + 2 * t + (i >= 2 ? 8 : 0);
          if constexpr (same) {
            x[m][i] = halves_product(x[m][i], two_halves(factor(0), factor(0)));
          } else {
            const float2 pair = floats_of(x[m][i]);
            x[m][i] = two_halves(factor(term) * pair.x, factor(term + 1) * pair.y);
          }
        }
      }
#pragma unroll
      for (int n = 0; n < pairs; n++) {
        right_factor<false>(y, b, value_pitch, k, column() + n * 16);
#pragma unroll
        for (int m = 0; m < bands; m++) {
          mma_half(at[m][2 * n], x[m], y[0], y[1]);
          mma_half(at[m][2 * n + 1], x[m], y[2], y[3]);
        }
      }
    }
  }
};

/// The terms of a product of `add_exact` of which those from `count` on are zeros.
DEVICE int terms_of(int count) { return min(C, (count + 7) / 8 * 8); }

/// Calls f(i, j) for the places of [C, C], of which a thread has four from j on.
template <class F>
DEVICE void each_four(F f) {
  constexpr int pieces = C / 4, rows = threads / pieces;
  const int first = threadIdx.x / pieces, j = threadIdx.x % pieces * 4;
#pragma unroll
  for (int i = 0; i < C; i += rows)
    if (C % rows == 0 || i + first < C) f(i + first, j);
}

/// The parts of the numbers of TF32 of which the sums are almost exact.
DEVICE void split(uint &high, uint &low, float x) {
  high = to_tf32(x);
  low = to_tf32(x - __uint_as_float(high));
}
/// sums += a b with almost exact products of 32-bit numbers a(i, n) and b(n, j) for terms n from
/// `first` up to `end`.
template <int pairs, class A, class B>
DEVICE void add_exact(Sums<pairs> &sums, int first, int end, A a, B b) {
  const int g = lane_group(), t = lane_in_group();
#pragma unroll 2
  for (int k = first; k < end; k += 8) {
    const int even = k + 2 * t, odd = even + 1;
    uint high[4], low[4];
    split(high[0], low[0], a(sums.row + g, even));
    split(high[1], low[1], a(sums.row + g + 8, even));
    split(high[2], low[2], a(sums.row + g, odd));
    split(high[3], low[3], a(sums.row + g + 8, odd));
#pragma unroll
    for (int n = 0; n < 2 * pairs; n++) {
      const int column = sums.column + n * 8 + g;
      uint right[2], rest[2];
      split(right[0], rest[0], b(even, column));
      split(right[1], rest[1], b(odd, column));
      mma_tf32(sums.at[n], low, right);
      mma_tf32(sums.at[n], high, rest);
      mma_tf32(sums.at[n], high, right);
    }
  }
}
