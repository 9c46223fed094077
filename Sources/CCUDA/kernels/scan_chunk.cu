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

/// Where row i of a state that changes lies in shared memory. Rows t and t + 4 of eight are
/// neighbours: the four lanes that read terms t of a product, one in each row, then fall into
/// different banks too.
DEVICE constexpr int at(int i) { return (i & ~7) | (i & 3) << 1 | (i >> 2 & 1); }

constexpr bool decays = DECAY != KEEP;
constexpr bool delta = UPDATE == DELTA;

extern __shared__ float4 memory[];

/// threadIdx.x, asked for anew: what comes of it would be kept in registers over all chunks.
DEVICE int own_thread() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}

/// One block's head and columns, and where its tokens stand in the tensors.
struct Head {
  // Rows are fewer than 2^31; numbers of 64 bits would take twice the registers.
  int heads, key_heads, length, batch, head, shared, first, columns;

  DEVICE Head(long heads, long key_heads, long length)
      : heads((int)heads), key_heads((int)key_heads), length((int)length) {
    batch = (int)blockIdx.x / this->heads;
    head = (int)blockIdx.x % this->heads;
    shared = head * this->key_heads / this->heads;
    first = blockIdx.y * values;
    columns = VALUE_DIM % values ? min(VALUE_DIM - first, values) : values;
  }
  /// From a token's keys or values to the next token's.
  DEVICE int key_distance() const { return key_heads * KEY_DIM; }
  DEVICE int value_distance() const { return heads * VALUE_DIM; }
  DEVICE long row(int t) const { return (batch * length + t) * heads + head; }
  DEVICE long shared_row(int t) const { return (batch * length + t) * key_heads + shared; }
  DEVICE long state() const { return (long)(batch * heads + head) * (KEY_DIM * VALUE_DIM); }
  /// The state before a chunk.
  DEVICE long state(int chunk) const {
    const int chunks = (length + C - 1) / C;
    return (long)((batch * heads + head) * chunks + chunk) * (KEY_DIM * VALUE_DIM);
  }
};

DEVICE void copy_async_float(float *shared, const float *global) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(global));
}

/// Fetches `count` rows of `width` floats, `from_step` apart, and puts zeros into the rows up to
/// `all`; `changes` says that the rows are a state's that changes (see `at`).
template <bool changes = false>
DEVICE void fetch_rows(float *to, int to_step, const float *from, int from_step, int count,
                       int all, int width) {
  constexpr int span = WIDE ? 4 : 1;
  const int pieces = width / span;
  const auto place = [](int row) { return changes ? at(row) : row; };
  const auto fetch = [&](int row, float *place, const float *source) {
    if (row < count) {
      if constexpr (WIDE) copy_async(place, source);
      else copy_async_float(place, source);
    } else {
#pragma unroll
      for (int n = 0; n < span; n++) place[n] = 0;
    }
  };
  if (threads % pieces == 0) {
    // A thread has one place of every so many rows.
    const int thread = own_thread(), first = thread / pieces, piece = thread % pieces * span;
    to += piece, from += first * from_step + piece;
    const int step = threads / pieces, from_rows = step * from_step;
#pragma unroll
    for (int row = 0; row < all; row += step, from += from_rows)
      if (all % step == 0 || row + first < all)
        fetch(row + first, to + place(row + first) * to_step, from);
  } else {
    for (int i = threadIdx.x; i < all * pieces; i += threads) {
      const int row = i / pieces, piece = i % pieces * span;
      fetch(row, to + place(row) * to_step + piece, from + row * from_step + piece);
    }
  }
}

/// Asks for a row that will be fetched, so that it is in the last cache by then: blocks run in step and
/// would all wait for memory at once.
DEVICE void announce_row(const float *from, int width) {
#pragma unroll 1
  for (int i = 0; i < width; i += 32)
    asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(from + i)));
}
/// The same for rows `from_step` apart, for all threads.
DEVICE void announce_rows(const float *from, int from_step, int count, int width) {
  const int lines = (width + 31) / 32;
#pragma unroll 1
  for (int i = own_thread(); i < count * lines; i += threads)
    asm volatile("prefetch.global.L2 [%0];" ::"l"(
        __cvta_generic_to_global(from + i / lines * from_step + i % lines * 32)));
}

DEVICE float rounded(float x) { return __uint_as_float(to_tf32(x)); }

/// Rounds to TF32 what this thread fetched with `fetch_rows` and waited for.
DEVICE void round_rows(float *to, int to_step, int all, int width) {
  constexpr int span = WIDE ? 4 : 1;
  const int pieces = width / span;
  const auto round = [](float *place) {
    Pack<span> some = load_pack<span>(place);
#pragma unroll
    for (int n = 0; n < span; n++) some.at[n] = rounded(some.at[n]);
    *(Pack<span> *)place = some;
  };
  if (threads % pieces == 0) {
    const int thread = own_thread(), first = thread / pieces, piece = thread % pieces * span;
    to += first * to_step + piece;
#pragma unroll
    for (int row = 0; row < all; row += threads / pieces, to += threads / pieces * to_step)
      if (all % (threads / pieces) == 0 || row + first < all) round(to);
  } else {
    for (int i = threadIdx.x; i < all * pieces; i += threads)
      round(to + i / pieces * to_step + i % pieces * span);
  }
}

/// Fetches one number a token; tokens that are missing get `filler`.
DEVICE void fetch_scalars(float *to, const float *from, long step, int count, float filler) {
  for (int i = own_thread(); i < C; i += threads) to[i] = i < count ? from[i * step] : filler;
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

  DEVICE void fetch(const float *decay, const Head &x, int t, int count) const {
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

/// Two neighbours of a row of the block's tokens or keys, where they are there.
DEVICE void store_pair(float *row, int j, int columns, const Pack<2> &pair) {
  if constexpr (WIDE) {
    if (j < columns) store_pack(row + j, pair);
  } else {
    if (j < columns) row[j] = pair.at[0];
    if (j + 1 < columns) row[j + 1] = pair.at[1];
  }
}
DEVICE void put_pair(float *to, const Pack<2> &pair) { *(Pack<2> *)to = pair; }

/// Reads a block's columns of a state in memory, [KEY_DIM, VALUE_DIM], or zeros; `changes` says that
/// it will not stay the same.
template <bool changes>
DEVICE void fetch_state(float *state, const float *from, const Head &x) {
  if (from)
    fetch_rows<changes>(state, value_step, from + x.first, VALUE_DIM, KEY_DIM, keys, x.columns);
  else
    clear_shared(state, keys * value_step);
}
DEVICE void store_state(float *to, const float *state, const Head &x) {
  constexpr int span = WIDE ? 4 : 1;
  const int pieces = x.columns / span;
  to += x.first;
#pragma unroll 2
  for (int i = own_thread(); i < KEY_DIM * pieces; i += threads) {
    const int row = i / pieces, column = i % pieces * span;
    store_pack(to + row * VALUE_DIM + column,
               load_pack<span>(state + at(row) * value_step + column));
  }
}
