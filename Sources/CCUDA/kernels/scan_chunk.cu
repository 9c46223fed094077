// Matrix-state scan in chunks of tokens, on the tensor cores, for updates that add or follow the
// delta rule and decays that are one factor a token (architectures.md P3, P4; Yang et al. 2024,
// "Parallelizing Linear Transformers with the Delta Rule over Sequence Length").
//
// Within a chunk, with S the state before it, L[i,j] = d_{j+1} ... d_i, c_i = d_0 ... d_i and
// e_j = L[last,j]:
//   u_i = beta_i w_i,  w = (I + M)^-1 (V - c K S),  M[i,j] = L[i,j] k_i.k_j beta_j for j < i
//   O = scale (c Q S + A u),  A[i,j] = L[i,j] q_i.k_j for j <= i
//   S = c_last S + (e K)' u
// (adding updates: u = V). Products of decays are made by multiplication only, so that factors may
// be 0 or negative. Products of matrices are TF32; the inverse of I + M is exact to 32 bits, and
// products with it are split in three, because its entries cancel where keys repeat.
//
// Constants: KEY_DIM, VALUE_DIM, DECAY, UPDATE, TOKENS (of a chunk, a multiple of 16; 32 but for
// decays of vectors), VALUE_TILE (columns of a block, a multiple of 16), WARPS, WIDE (rows may be
// copied 16 bytes at a time).

enum { KEEP, PER_HEAD, SCALAR };
enum { ADD, DELTA };

constexpr int C = TOKENS;
constexpr int threads = WARPS * 32;
constexpr int keys = (KEY_DIM + 15) / 16 * 16;
constexpr int values = VALUE_TILE;
/// Distances of rows in shared memory: 4 more than the width, so that the eight rows and four
/// columns of a fragment fall into different banks.
constexpr int key_step = keys + 4;
constexpr int value_step = values + 4;
constexpr int token_step = C + 4;
constexpr bool decays = DECAY != KEEP;
constexpr bool delta = UPDATE == DELTA;

extern __shared__ float4 memory[];

/// One block's head and columns, and where its tokens stand in the tensors.
struct Head {
  long batch, head, shared, heads, key_heads, length;
  int first, columns;

  DEVICE Head(long heads, long key_heads, long length)
      : heads(heads), key_heads(key_heads), length(length) {
    batch = blockIdx.x / heads;
    head = blockIdx.x % heads;
    shared = head * key_heads / heads;
    first = blockIdx.y * values;
    columns = min(VALUE_DIM - first, values);
  }
  DEVICE long row(long t) const { return (batch * length + t) * heads + head; }
  DEVICE long shared_row(long t) const { return (batch * length + t) * key_heads + shared; }
  DEVICE long state() const { return (batch * heads + head) * KEY_DIM * VALUE_DIM; }
};

DEVICE void copy_async_float(float *shared, const float *global) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(global));
}

/// Fetches `count` rows of `width` floats, `from_step` apart, and puts zeros into the rows up to
/// `all`.
DEVICE void fetch_rows(float *to, int to_step, const float *from, long from_step, int count,
                       int all, int width) {
  constexpr int span = WIDE ? 4 : 1;
  const int pieces = width / span;
  for (int i = threadIdx.x; i < all * pieces; i += threads) {
    const int row = i / pieces, piece = i % pieces * span;
    float *place = to + row * to_step + piece;
    if (row < count) {
      const float *source = from + row * from_step + piece;
      if constexpr (WIDE) copy_async(place, source);
      else copy_async_float(place, source);
    } else {
#pragma unroll
      for (int n = 0; n < span; n++) place[n] = 0;
    }
  }
}

/// Fetches one number a token; tokens that are missing get `filler`.
DEVICE void fetch_scalars(float *to, const float *from, long step, int count, float filler) {
  for (int i = threadIdx.x; i < C; i += threads) to[i] = i < count ? from[i * step] : filler;
}

DEVICE void clear_shared(float *numbers, int count) {
  for (int i = threadIdx.x; i < count; i += threads) numbers[i] = 0;
}

/// The products of a chunk's decays; all ones where nothing decays.
struct Decays {
  static constexpr int size = decays ? C * token_step + 2 * C : 0;
  float *base;
  DEVICE float *pairs() const { return base; }
  DEVICE float *factors() const { return base + C * token_step; }
  DEVICE float *prefixes() const { return base + C * token_step + C; }

  /// L[i,j], for j <= i.
  DEVICE float pair(int i, int j) const { return decays ? pairs()[i * token_step + j] : 1.0f; }
  DEVICE float prefix(int i) const { return decays ? prefixes()[i] : 1.0f; }
  DEVICE float suffix(int j) const { return pair(C - 1, j); }

  DEVICE void fetch(const float *decay, const Head &x, long t, int count) const {
    if (DECAY == SCALAR) fetch_scalars(factors(), decay + x.row(t), x.heads, count, 1);
    if (DECAY == PER_HEAD) fetch_scalars(factors(), decay + x.head, 0, count, 1);
  }
  /// Each thread multiplies down a part of a column.
  DEVICE void multiply() const {
    if constexpr (decays) {
      constexpr int part = C / WARPS;
      const int j = threadIdx.x & 31, first = (threadIdx.x >> 5) * part;
      float product = 1, all = 1;
      for (int i = 0; i < first + part; i++) {
        const float d = factors()[i];
        all *= d;
        if (i > j) product *= d;
        if (i < first) continue;
        pairs()[i * token_step + j] = i >= j ? product : 0.0f;
        if (j == 0) prefixes()[i] = all;
      }
    }
  }
};

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

/// A tile of a product that a warp makes: 16 rows from `row`, `count` times 8 columns.
template <int count>
struct Tile {
  float sums[count][4];
  int row, column, g, t;

  DEVICE Tile(int row, int column) : row(row), column(column) {
    g = (threadIdx.x & 31) / 4;
    t = threadIdx.x & 3;
#pragma unroll
    for (int n = 0; n < count; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) sums[n][i] = 0;
  }

  /// Adds a b, with a(i, k) and b(k, j) the elements of the factors.
  template <int depth, bool exact = false, class A, class B>
  DEVICE void add(A a, B b) {
#pragma unroll
    for (int k = 0; k < depth; k += 8) {
      const float x[4] = {a(row + g, k + t), a(row + g + 8, k + t), a(row + g, k + t + 4),
                          a(row + g + 8, k + t + 4)};
      uint rounded[4];
      if constexpr (!exact)
#pragma unroll
        for (int i = 0; i < 4; i++) rounded[i] = to_tf32(x[i]);
#pragma unroll
      for (int n = 0; n < count; n++) {
        const float y[2] = {b(k + t, column + n * 8 + g), b(k + t + 4, column + n * 8 + g)};
        if constexpr (exact) {
          mma_split(sums[n], x, y);
        } else {
          const uint other[2] = {to_tf32(y[0]), to_tf32(y[1])};
          mma_tf32(sums[n], rounded, other);
        }
      }
    }
  }

  /// Adds a b for rows of `a` in shared memory, `a_step` floats apart, whose terms lie side by side:
  /// one load for a fragment instead of four.
  template <int depth, class B>
  DEVICE void add_rows(const float *a, int a_step, B b) {
    const int lane = threadIdx.x & 31;
    a += (row + (lane & 15)) * a_step + (lane >> 4) * 4;
#pragma unroll
    for (int k = 0; k < depth; k += 8) {
      uint x[4];
      load_rounded(x, a + k);
#pragma unroll
      for (int n = 0; n < count; n++) {
        const int at = column + n * 8 + g;
        const uint y[2] = {to_tf32(b(k + t, at)), to_tf32(b(k + t + 4, at))};
        mma_tf32(sums[n], x, y);
      }
    }
  }

  /// The same where the terms of the columns of b lie side by side too, those of a column `b_step`
  /// floats from those of the one before: a b' for two matrices of rows.
  template <int depth>
  DEVICE void add_transposed(const float *a, int a_step, const float *b, int b_step) {
    if constexpr (count % 2) {
      add_rows<depth>(a, a_step, [&](int k, int j) { return b[j * b_step + k]; });
    } else {
      const int lane = threadIdx.x & 31;
      a += (row + (lane & 15)) * a_step + (lane >> 4) * 4;
      b += (column + (lane & 7) + (lane >> 4) * 8) * b_step + (lane >> 3 & 1) * 4;
#pragma unroll
      for (int k = 0; k < depth; k += 8) {
        uint x[4];
        load_rounded(x, a + k);
#pragma unroll
        for (int n = 0; n < count; n += 2) {
          uint y[4];
          load_rounded(y, b + n * 8 * b_step + k);
          mma_tf32(sums[n], x, y);
          mma_tf32(sums[n + 1], x, y + 2);
        }
      }
    }
  }

  /// Four fragments, rounded as the tensor cores want them.
  static DEVICE void load_rounded(uint (&x)[4], const float *from) {
    load_matrices(x, from);
#pragma unroll
    for (int i = 0; i < 4; i++) x[i] = to_tf32(__uint_as_float(x[i]));
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

/// Columns of a tile, in eights: as many as leave a tile for every warp.
template <int rows, int columns>
DEVICE constexpr int tile_columns() {
  constexpr int eights = columns / 8, bands = rows / 16;
  for (int n = 8; n > 1; n /= 2)
    if (eights % n == 0 && bands * (eights / n) >= WARPS) return n;
  return 1;
}

/// Cuts a matrix in tiles and gives them to the warps in turn.
template <int rows, int columns, class F>
DEVICE void each_tile(F f) {
  constexpr int count = tile_columns<rows, columns>(), across = columns / (8 * count);
  for (int task = threadIdx.x >> 5; task < rows / 16 * across; task += WARPS) {
    Tile<count> tile(task / across * 16, task % across * (8 * count));
    f(tile);
  }
}

/// Reads a block's columns of a state in memory, [KEY_DIM, VALUE_DIM], or zeros.
DEVICE void fetch_state(float *state, const float *from, const Head &x) {
  if (from)
    fetch_rows(state, value_step, from + x.first, VALUE_DIM, KEY_DIM, keys, x.columns);
  else
    clear_shared(state, keys * value_step);
}
DEVICE void store_state(float *to, const float *state, const Head &x) {
  for (int i = threadIdx.x; i < KEY_DIM * x.columns; i += threads) {
    const int row = i / x.columns, column = i % x.columns;
    to[(long)row * VALUE_DIM + x.first + column] = state[row * value_step + column];
  }
}
