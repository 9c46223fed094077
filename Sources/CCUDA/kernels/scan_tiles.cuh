// Products of a chunk's matrices on the tensor cores, cut into tiles for the warps of a block; after
// scan_chunk.cu.

/// c += a b for TF32 parts of 32-bit numbers, almost exact.
DEVICE void mma_split(float c[4], const float (&a)[4], const float (&b)[2]) {
  uint high_a[4], low_a[4], high_b[2], low_b[2];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    high_a[i] = to_tf32(a[i]);
    low_a[i] = to_tf32(a[i] - __uint_as_float(high_a[i]));
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
    high_b[i] = to_tf32(b[i]);
    low_b[i] = to_tf32(b[i] - __uint_as_float(high_b[i]));
  }
  mma_tf32(c, low_a, high_b);
  mma_tf32(c, high_a, low_b);
  mma_tf32(c, high_a, high_b);
}

/// Numbers in shared memory that are rounded to TF32 already.
struct Rounded {
  const float *at;
  DEVICE Rounded operator+(int places) const { return {at + places}; }
  DEVICE uint operator[](int place) const { return __float_as_uint(at[place]); }
};

DEVICE uint tf32_bits(float x) { return to_tf32(x); }
DEVICE uint tf32_bits(uint x) { return x; }

/// Four fragments, rounded as the tensor cores want them.
DEVICE void load_fragments(uint (&x)[4], const float *from) {
  load_matrices(x, from);
#pragma unroll
  for (int i = 0; i < 4; i++) x[i] = to_tf32(__uint_as_float(x[i]));
}
DEVICE void load_fragments(uint (&x)[4], Rounded from) { load_matrices(x, from.at); }

/// A tile of a product that a warp makes: 16 rows from `row`, `count` times 8 columns.
template <int count>
struct Tile {
  float sums[count][4];
  int row, column, g, t;

  DEVICE Tile(int row, int column) : row(row), column(column) {
    const int thread = own_thread();
    g = (thread & 31) / 4;
    t = thread & 3;
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) sums[n][i] = 0;
  }

  /// The number, in the order of the fragments, of a thread's term of eight: terms that come from
  /// rows in shared memory are neighbours, so that lanes fall into different banks.
  template <bool from_rows>
  DEVICE int term(int k, int half) const {
    return from_rows ? k + 2 * t + half : k + t + 4 * half;
  }

  /// Adds a b, with a(i, k) and b(k, j) the elements of the factors; `from_rows` says whether terms
  /// are rows in shared memory.
  template <int depth, bool from_rows = true, class A, class B>
  DEVICE void add(A a, B b) {
#pragma unroll
    for (int k = 0; k < depth; k += 8) {
      const int first = term<from_rows>(k, 0), second = term<from_rows>(k, 1);
      const uint x[4] = {tf32_bits(a(row + g, first)), tf32_bits(a(row + g + 8, first)),
                         tf32_bits(a(row + g, second)), tf32_bits(a(row + g + 8, second))};
#pragma unroll
      for (int n = 0; n < count; n++) {
        const int at = column + n * 8 + g;
        const uint y[2] = {tf32_bits(b(first, at)), tf32_bits(b(second, at))};
        mma_tf32(sums[n], x, y);
      }
    }
  }
  /// The same, almost exact.
  template <int depth, class A, class B>
  DEVICE void add_exact(A a, B b) {
#pragma unroll
    for (int k = 0; k < depth; k += 8) {
      const int first = term<true>(k, 0), second = term<true>(k, 1);
      const float x[4] = {a(row + g, first), a(row + g + 8, first), a(row + g, second),
                          a(row + g + 8, second)};
#pragma unroll
      for (int n = 0; n < count; n++) {
        const int at = column + n * 8 + g;
        const float y[2] = {b(first, at), b(second, at)};
        mma_split(sums[n], x, y);
      }
    }
  }

  /// Adds a b for rows of `a` in shared memory, `a_step` floats apart, whose terms lie side by side:
  /// one load for a fragment instead of four.
  template <int depth, class A, class B>
  DEVICE void add_rows(A a, int a_step, B b) {
    const int lane = own_thread() & 31;
    a = a + ((row + (lane & 15)) * a_step + (lane >> 4) * 4);
#pragma unroll 4
    for (int k = 0; k < depth; k += 8) {
      uint x[4];
      load_fragments(x, a + k);
#pragma unroll
      for (int n = 0; n < count; n++) {
        const int at = column + n * 8 + g;
        const uint y[2] = {tf32_bits(b(k + t, at)), tf32_bits(b(k + t + 4, at))};
        mma_tf32(sums[n], x, y);
      }
    }
  }

  /// The same for two tiles at a place, of different rows and the same b.
  template <int depth, class A, class B>
  DEVICE void add_rows(A a, Tile &other, A other_a, int a_step, B b) {
    const int lane = own_thread() & 31, first = (row + (lane & 15)) * a_step + (lane >> 4) * 4;
    a = a + first, other_a = other_a + first;
#pragma unroll 4
    for (int k = 0; k < depth; k += 8) {
      uint x[4], other_x[4];
      load_fragments(x, a + k);
      load_fragments(other_x, other_a + k);
#pragma unroll
      for (int n = 0; n < count; n++) {
        const int at = column + n * 8 + g;
        const uint y[2] = {tf32_bits(b(k + t, at)), tf32_bits(b(k + t + 4, at))};
        mma_tf32(sums[n], x, y);
        mma_tf32(other.sums[n], other_x, y);
      }
    }
  }

  /// As the first where the terms of the columns of b lie side by side too, those of a column
  /// `b_step` floats from those of the one before: a b' for two matrices of rows; `changes` says
  /// that b is a state that does.
  template <int depth, bool changes = false, class A, class B>
  DEVICE void add_transposed(A a, int a_step, B b, int b_step) {
    const auto place = [](int j) { return changes ? at(j) : j; };
    if constexpr (count % 2) {
      add_rows<depth>(a, a_step, [&](int k, int j) { return b[place(j) * b_step + k]; });
    } else {
      const int lane = own_thread() & 31;
      a = a + ((row + (lane & 15)) * a_step + (lane >> 4) * 4);
      b = b + (place(column + (lane & 7) + (lane >> 4) * 8) * b_step + (lane >> 3 & 1) * 4);
#pragma unroll
      for (int k = 0; k < depth; k += 8) {
        uint x[4];
        load_fragments(x, a + k);
#pragma unroll
        for (int n = 0; n < count; n += 2) {
          uint y[4];
          load_fragments(y, b + n * 8 * b_step + k);
          mma_tf32(sums[n], x, y);
          mma_tf32(sums[n + 1], x, y + 2);
        }
      }
    }
  }

  /// The same place, all zeros.
  DEVICE Tile empty() const { return Tile(row, column); }

  /// Replaces each sum by f(i, sum, the other tile's sum).
  template <class F>
  DEVICE void combine(const Tile &other, F f) {
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        sums[n][i] = f(row + g + (i >= 2 ? 8 : 0), sums[n][i], other.sums[n][i]);
  }

  /// Calls f(i, j, pair) for the thread's elements, two neighbours of a row at a time.
  template <class F>
  DEVICE void each_pair(F f) const {
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i += 2)
        f(row + g + 4 * i, column + n * 8 + 2 * t, Pack<2>{sums[n][i], sums[n][i + 1]});
  }

  /// Calls f(i, j, sum) for each of the thread's elements.
  template <class F>
  DEVICE void each(F f) {
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        f(row + g + (i >= 2 ? 8 : 0), column + n * 8 + 2 * t + (i & 1), sums[n][i]);
  }
  template <class F>
  DEVICE void each(F f) const {
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        f(row + g + (i >= 2 ? 8 : 0), column + n * 8 + 2 * t + (i & 1), sums[n][i]);
  }
};

/// A tile whose rows and columns are in another order, as matrix products may have them: a thread's
/// rows are neighbours, and so are its columns of all eights, so that they come in one load, as
/// does what the products need of factors [terms, rows] and [terms, columns].
template <int count>
struct PackedTile {
  float sums[count][4];
  int row, column, t;

  DEVICE PackedTile(int row, int column) {
    const int thread = own_thread(), g = (thread & 31) / 4;
    t = thread & 3;
    this->row = row + 2 * g;
    this->column = column + count * g;
  }

  /// Calls f(i, j, pack) for each row and pack of columns; a pack that f changes is kept.
  template <class F>
  DEVICE void each(F f) {
    const int g = (own_thread() & 31) / 4, first = column + count * (2 * t - g);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      Pack<count> pack;
#pragma unroll
      for (int n = 0; n < count; n++) pack.at[n] = sums[n][i];
      f(row + i / 2, first + i % 2 * count, pack);
#pragma unroll
      for (int n = 0; n < count; n++) sums[n][i] = pack.at[n];
    }
  }

  /// Adds the product of a' and b, with the terms of a times factor(term); `rounded` says that b's
  /// are to TF32.
  template <int depth, bool rounded = false, class F>
  DEVICE void add(const float *a, int a_step, const float *b, int b_step, F factor) {
    a += 2 * t * a_step + row;
    b += 2 * t * b_step + column;
#pragma unroll
    for (int k = 0; k < depth; k += 8) {
      uint x[4], y[count][2];
#pragma unroll
      for (int half = 0; half < 2; half++) {
        const Pack<2> left = load_pack<2>(a + (k + half) * a_step);
        const Pack<count> right = load_pack<count>(b + (k + half) * b_step);
        const float by = factor(k + 2 * t + half);
        x[2 * half] = to_tf32(by * left.at[0]), x[2 * half + 1] = to_tf32(by * left.at[1]);
#pragma unroll
        for (int n = 0; n < count; n++)
          y[n][half] = rounded ? __float_as_uint(right.at[n]) : to_tf32(right.at[n]);
      }
#pragma unroll
      for (int n = 0; n < count; n++) mma_tf32(sums[n], x, y[n]);
    }
  }
};

/// Columns of a tile, in eights: as many as leave a tile for every warp.
template <int rows, int columns>
DEVICE constexpr int tile_columns() {
  constexpr int eights = columns / 8, bands = rows / 16;
  for (int n = 8; n > 1; n /= 2)
    if (eights % n == 0 && bands * (eights / n) >= WARPS) return n;
  return 1;
}

/// Cuts a matrix in tiles and gives them to the warps in turn.
template <template <int> class Kind, int count, int rows, int columns, class F>
DEVICE void each_tile_of(F f) {
  constexpr int across = columns / (8 * count), tasks = rows / 16 * across;
  const auto tile_at = [&](int task) {
    Kind<count> tile(task / across * 16, task % across * (8 * count));
    f(tile);
  };
  const int warp = own_thread() >> 5;
  if constexpr (tasks == WARPS) tile_at(warp);
  else
    for (int task = warp; task < tasks; task += WARPS) tile_at(task);
}
template <int rows, int columns, class F>
DEVICE void each_tile(F f) {
  each_tile_of<Tile, tile_columns<rows, columns>(), rows, columns>(f);
}
template <int rows, int columns, class F>
DEVICE void each_packed_tile(F f) {
  constexpr int most = tile_columns<rows, columns>();
  each_tile_of<PackedTile, most < 4 ? most : 4, rows, columns>(f);
}
