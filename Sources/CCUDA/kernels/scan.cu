// Matrix-state scan, token by token: the general path, exact for every option and size
// (architectures.md P3, P4; the recurrence and the shapes stand in CKernels.h).
//
// Columns of the state do not see each other on the way forward. A warp therefore owns all rows of
// a strip of columns, in registers: LANES_K lanes share the rows, the others the columns. Sums over
// rows, which the next token waits for, are shuffles inside the warp; warps of a block only share
// the tokens' rows in shared memory, which are fetched one chunk of TOKENS ahead.
//
// The forward pass keeps the state before every chunk and each token's answer. The backward pass
// goes through a chunk in segments of SEGMENT tokens, the last one first: it computes the segment's
// states again from there into shared memory, of which there is little, then takes the gradient E
// of the state through the segment. Nothing is ever divided by a decay, which may be 0.
//
// Constants: KEY_DIM, VALUE_DIM, DECAY, UPDATE, EXCLUSIVE, LANES_K, ROWS (of a thread, a multiple
// of 4), COLUMNS (of a thread, 1, 2 or 4), WARPS, TOKENS, SEGMENT, WIDE (rows may be copied 16 bytes
// at a time), BACKWARD (which of the passes the program holds).

enum { KEEP, PER_HEAD, SCALAR, VECTOR };
enum { ADD, DELTA, RANK_ONE };

constexpr int lanes_v = 32 / LANES_K;
constexpr int strip = lanes_v * COLUMNS;
constexpr int threads = WARPS * 32;
/// Rows and columns of the state, filled up.
constexpr int rows_padded = LANES_K * ROWS;
constexpr int columns_padded = WARPS * strip;
constexpr bool answers = UPDATE != ADD;
constexpr bool scalars = DECAY == PER_HEAD || DECAY == SCALAR;

/// What a scan reads; what the options do not use is null.
struct Inputs {
  const float *q, *k, *v, *decay, *beta, *a, *b, *bonus;
};

/// One block's head, and where its first token stands in the tensors' rows.
struct Head {
  long batch, head, shared;
  long heads, key_heads, length;
  int first;  // column
  int columns;

  DEVICE Head(long heads, long key_heads, long length)
      : heads(heads), key_heads(key_heads), length(length) {
    batch = blockIdx.x / heads;
    head = blockIdx.x % heads;
    shared = head * key_heads / heads;
    first = blockIdx.y * columns_padded;
    columns = VALUE_DIM % columns_padded ? min(VALUE_DIM - first, columns_padded) : columns_padded;
  }
  DEVICE long row(long t) const { return (batch * length + t) * heads + head; }
  DEVICE long shared_row(long t) const { return (batch * length + t) * key_heads + shared; }
  DEVICE long state() const { return (batch * heads + head) * KEY_DIM * VALUE_DIM; }
};

/// A lane's place: rows 4 apart in groups, so that a quarter of them is one load.
struct Lane {
  int lane, warp, k, v;
  DEVICE Lane() {
    lane = threadIdx.x & 31;
    warp = threadIdx.x >> 5;
    k = lane % LANES_K;
    v = lane / LANES_K;
  }
  DEVICE int row(int r) const { return r / 4 * (4 * LANES_K) + k * 4 + r % 4; }
  DEVICE int column() const { return warp * strip + v * COLUMNS; }
};

DEVICE void copy_async_float(float *shared, const float *global) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(global));
}

/// Fetches `count` rows of `width` floats, at most TOKENS, `step` apart, into rows of `padded`
/// floats.
template <int padded, bool wide>
DEVICE void fetch_rows(float *to, const float *from, int count, int width, long step) {
  constexpr int span = wide ? 4 : 1;
  const int pieces = width / span;
  const auto fetch = [](float *place, const float *source) {
    if constexpr (wide) copy_async(place, source);
    else copy_async_float(place, source);
  };
  if (threads % pieces == 0) {
    // A thread has one place of every so many rows.
    const int first = threadIdx.x / pieces, piece = threadIdx.x % pieces * span;
    const int rows = threads / pieces;
    to += first * padded + piece, from += first * step + piece;
#pragma unroll
    for (int row = 0; row < TOKENS; row += rows, to += rows * padded, from += rows * step)
      if (row + first < count) fetch(to, from);
  } else {
    for (int i = threadIdx.x; i < count * pieces; i += threads) {
      const int row = i / pieces, piece = i % pieces * span;
      fetch(to + row * padded + piece, from + row * step + piece);
    }
  }
}

/// Fetches one float a token.
DEVICE void fetch_scalars(float *to, const float *from, int count, long step) {
  for (int i = threadIdx.x; i < count; i += threads) copy_async_float(to + i, from + i * step);
}

/// The rows of a chunk of tokens in shared memory. Padding is zero and stays so.
struct Chunk {
  static constexpr int keys = TOKENS * rows_padded, values = TOKENS * columns_padded;
  static constexpr int vectors = 2 + (DECAY == VECTOR) + 2 * (UPDATE == RANK_ONE);
  static constexpr int value_rows = 1 + (BACKWARD ? 1 + answers : 0);
  static constexpr int size = vectors * keys + value_rows * values + 2 * TOKENS;

  float *base;
  DEVICE float *q() const { return base; }
  DEVICE float *k() const { return base + keys; }
  DEVICE float *decays() const { return base + 2 * keys; }
  DEVICE float *a() const { return base + (2 + (DECAY == VECTOR)) * keys; }
  DEVICE float *b() const { return base + (3 + (DECAY == VECTOR)) * keys; }
  DEVICE float *v() const { return base + vectors * keys; }
  DEVICE float *gain() const { return v() + values; }
  DEVICE float *answer() const { return v() + 2 * values; }
  DEVICE float *decay() const { return v() + value_rows * values; }
  DEVICE float *beta() const { return decay() + TOKENS; }

  /// Starts to fetch `count` tokens from t on.
  DEVICE void fetch(const Inputs &in, const Head &x, long t, int count, const float *gain_from,
                    const float *answer_from) const {
    const long key_step = x.key_heads * KEY_DIM, row_step = x.heads * KEY_DIM;
    const long value_step = x.heads * VALUE_DIM, row = x.row(t);
    const long value = row * VALUE_DIM + x.first;
    fetch_rows<rows_padded, WIDE>(q(), in.q + x.shared_row(t) * KEY_DIM, count, KEY_DIM, key_step);
    fetch_rows<rows_padded, WIDE>(k(), in.k + x.shared_row(t) * KEY_DIM, count, KEY_DIM, key_step);
    if constexpr (DECAY == VECTOR)
      fetch_rows<rows_padded, WIDE>(decays(), in.decay + row * KEY_DIM, count, KEY_DIM, row_step);
    if constexpr (UPDATE == RANK_ONE) {
      fetch_rows<rows_padded, WIDE>(a(), in.a + row * KEY_DIM, count, KEY_DIM, row_step);
      fetch_rows<rows_padded, WIDE>(b(), in.b + row * KEY_DIM, count, KEY_DIM, row_step);
    }
    fetch_rows<columns_padded, WIDE>(v(), in.v + value, count, x.columns, value_step);
    if (BACKWARD) {
      fetch_rows<columns_padded, WIDE>(gain(), gain_from + value, count, x.columns, value_step);
      if (answers)
        fetch_rows<columns_padded, WIDE>(answer(), answer_from + value, count, x.columns,
                                         value_step);
    }
    if (DECAY == SCALAR) fetch_scalars(decay(), in.decay + row, count, x.heads);
    if (DECAY == PER_HEAD) fetch_scalars(decay(), in.decay + x.head, count, 0);
    if (UPDATE == DELTA) fetch_scalars(beta(), in.beta + row, count, x.heads);
    copy_commit();
  }
};

DEVICE void load_rows(float (&x)[ROWS], const float *from, const Lane &lane) {
#pragma unroll
  for (int r = 0; r < ROWS; r += 4) {
    float4 four = *(const float4 *)(from + lane.row(r));
    x[r] = four.x, x[r + 1] = four.y, x[r + 2] = four.z, x[r + 3] = four.w;
  }
}

DEVICE void load_columns(float (&x)[COLUMNS], const float *from) {
  if constexpr (COLUMNS == 4) {
    float4 four = *(const float4 *)from;
    x[0] = four.x, x[1] = four.y, x[2] = four.z, x[3] = four.w;
  } else {
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) x[c] = from[c];
  }
}

DEVICE void store_columns(float *to, const float (&x)[COLUMNS]) {
  if constexpr (COLUMNS == 4) {
    *(float4 *)to = make_float4(x[0], x[1], x[2], x[3]);
  } else {
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) to[c] = x[c];
  }
}

/// Adds up over the lanes that share a column; all of them get the sums.
template <int count>
DEVICE void sum_rows_of(float (&x)[count]) {
#pragma unroll
  for (int d = 1; d < LANES_K; d *= 2)
#pragma unroll
    for (int c = 0; c < count; c++) x[c] += __shfl_xor_sync(FULL_WARP, x[c], d);
}

/// sum = S'x, over all rows
DEVICE void look(float (&sum)[COLUMNS], const float (&state)[ROWS][COLUMNS],
                 const float (&x)[ROWS]) {
#pragma unroll
  for (int c = 0; c < COLUMNS; c++) sum[c] = 0;
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) sum[c] += x[r] * state[r][c];
  sum_rows_of(sum);
}

/// S = D S for token i of the chunk
DEVICE void decay_state(float (&state)[ROWS][COLUMNS], const Chunk &chunk, int i,
                        const Lane &lane) {
  if constexpr (DECAY == VECTOR) {
    float factors[ROWS];
    load_rows(factors, chunk.decays() + i * rows_padded, lane);
#pragma unroll
    for (int r = 0; r < ROWS; r++)
#pragma unroll
      for (int c = 0; c < COLUMNS; c++) state[r][c] *= factors[r];
  } else if constexpr (scalars) {
    float factor = chunk.decay()[i];
#pragma unroll
    for (int r = 0; r < ROWS; r++)
#pragma unroll
      for (int c = 0; c < COLUMNS; c++) state[r][c] *= factor;
  }
}

/// S += x y'
DEVICE void add_outer(float (&state)[ROWS][COLUMNS], const float (&x)[ROWS],
                      const float (&y)[COLUMNS]) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) state[r][c] += x[r] * y[c];
}

/// A thread's part of a state in memory, [KEY_DIM, VALUE_DIM]; zeros where there is none.
DEVICE void load_state(float (&state)[ROWS][COLUMNS], const float *from, const Head &x,
                       const Lane &lane) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      bool inside = from && lane.row(r) < KEY_DIM && lane.column() + c < x.columns;
      state[r][c] =
          inside ? from[(long)lane.row(r) * VALUE_DIM + x.first + lane.column() + c] : 0.0f;
    }
}
DEVICE void store_state(float *to, const float (&state)[ROWS][COLUMNS], const Head &x,
                        const Lane &lane) {
  to += lane.row(0) * VALUE_DIM + x.first + lane.column();
#pragma unroll
  for (int r = 0; r < ROWS; r++) {
    if (lane.row(r) >= KEY_DIM) continue;
    float *row = to + (lane.row(r) - lane.row(0)) * VALUE_DIM;
    if constexpr (WIDE && COLUMNS > 1) {
      Pack<COLUMNS> pack;
#pragma unroll
      for (int c = 0; c < COLUMNS; c++) pack.at[c] = state[r][c];
      if (lane.column() < x.columns) store_pack(row, pack);
    } else {
#pragma unroll
      for (int c = 0; c < COLUMNS; c++)
        if (lane.column() + c < x.columns) row[c] = state[r][c];
    }
  }
}

/// The sum of q, k and the bonus over the rows, on all lanes.
DEVICE float bonus_of(const float (&q)[ROWS], const float (&k)[ROWS],
                      const float (&bonus)[ROWS]) {
  float sum[1] = {0};
#pragma unroll
  for (int r = 0; r < ROWS; r++) sum[0] += q[r] * k[r] * bonus[r];
  sum_rows_of(sum);
  return sum[0];
}

DEVICE void load_bonus(float (&x)[ROWS], const float *bonus, const Head &head, const Lane &lane) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
    x[r] = EXCLUSIVE && lane.row(r) < KEY_DIM ? bonus[head.head * KEY_DIM + lane.row(r)] : 0.0f;
}

DEVICE void clear_shared(float *memory, int count) {
  for (int i = threadIdx.x; i < count; i += threads) memory[i] = 0;
  __syncthreads();
}

extern __shared__ float4 memory[];
