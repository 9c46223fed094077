// Matrix-state scan in chunks of tokens with factors of 16 bits, for heads of at most 128 keys and
// 128 values, which one block has all of; after halves.cuh. The formulas are those of scan_chunk.cu.
//
// Rows of tokens and states come to shared memory as 16-bit floats, each matrix of a chunk times the
// power of two that takes its greatest number to between 2^11 and 2^12: what is 2^-25 of that keeps
// all bits. Sums are 32-bit floats in registers, and so is the state that goes from chunk to chunk.
// Numbers beyond the range become infinite, so that a run that diverges is seen to.
//
// Rows in shared memory are 8 halves longer than their columns, an odd multiple of 16 bytes: the 8
// rows of a matrix that `ldmatrix` reads lie in different banks.
//
// Constants: KEY_DIM and VALUE_DIM (multiples of 8), DECAY, UPDATE, TOKENS (of a chunk, 16 or 32),
// WARPS, RESIDENT (blocks of a multiprocessor that there should be registers for), WIDE (rows are
// where 16 bytes can be read at a time), LOGITS (where not 0, steps of the delta rule come as logits:
// they are this times the logits' sigmoid), ALONE (there is one chunk, and no state before it or after
// it: then none takes room), NORMALISED (keys are weighed, and the answers get a divisor, as
// scan_normaliser.cuh says; updates add, a token has a decay, and each head has keys of its own).

enum { KEEP, PER_HEAD, SCALAR };
enum { ADD, DELTA };

constexpr int C = TOKENS;
constexpr int threads = WARPS * 32;
/// Keys and values, filled up to what tiles divide evenly.
DEVICE constexpr int filled(int dim) {
  return dim <= 16 ? 16 : dim <= 32 ? 32 : dim <= 64 ? 64 : 128;
}
constexpr int keys = filled(KEY_DIM), values = filled(VALUE_DIM);
/// Distances of rows in shared memory, in halves.
constexpr int key_pitch = keys + 8, value_pitch = values + 8, token_pitch = C + 8;
/// The same for rows of 32-bit floats.
constexpr int value_step = values + 4, token_step = C + 4;

constexpr bool decays = DECAY != KEEP;
constexpr bool delta = UPDATE == DELTA;
constexpr bool alone = ALONE, normalised = NORMALISED;

extern __shared__ float4 memory[];

/// The power of two that takes numbers of up to `most` below 2^12, at most 2^39: the products of
/// three such are in the range. Zeros get the greatest, so that where products are added in units of
/// the smaller of their scales, theirs never is.
DEVICE float scale_of(float most) {
  const int exponent = (int)(__float_as_uint(most) >> 23) - 127;
  return __uint_as_float((uint)(127 + 11 - max(-28, min(exponent, 100))) << 23);
}
/// 1 / x for a power of two.
DEVICE float inverse_of(float x) { return __uint_as_float((254u << 23) - __float_as_uint(x)); }

/// The step of the delta rule of what comes as one, and its slope there.
DEVICE float step_of(float x) { return LOGITS ? LOGITS * sigmoid(x) : x; }
DEVICE float slope_at(float step) {
  return LOGITS ? step * (1.0f - step * (1.0f / max(LOGITS, 1))) : 1.0f;
}

DEVICE float greater(float most, float x) { return fmaxf(most, fabsf(x)); }

/// The greatest numbers of `count` matrices, which a block finds together.
template <int count>
struct Greatest {
  float most[count] = {};

  /// Leaves the warp's in shared memory; after a barrier, `collect` gets those of the block.
  DEVICE void leave(uint *shared) {
#pragma unroll
    for (int n = 0; n < count; n++) {
      const uint warp = __reduce_max_sync(FULL_WARP, __float_as_uint(most[n]));
      if ((threadIdx.x & 31) == 0) shared[n * WARPS + (threadIdx.x >> 5)] = warp;
    }
  }
  DEVICE void collect(const uint *shared) {
#pragma unroll
    for (int n = 0; n < count; n++) {
      uint block = shared[n * WARPS];
#pragma unroll
      for (int w = 1; w < WARPS; w++) block = max(block, shared[n * WARPS + w]);
      most[n] = __uint_as_float(block);
    }
  }
};

/// One block's head, and where its tokens stand in the tensors.
struct Head {
  int heads, key_heads, length, batch, head, shared;

  DEVICE Head(long heads, long key_heads, long length)
      : heads((int)heads), key_heads((int)key_heads), length((int)length) {
    // Without signs, and seldom twice: a division is 20 instructions.
    batch = (int)(blockIdx.x / (uint)heads);
    head = (int)blockIdx.x - batch * this->heads;
    shared = head;
    if (key_heads != heads) shared = (int)((uint)(head * this->key_heads) / (uint)heads);
  }
  DEVICE int key_distance() const { return key_heads * KEY_DIM; }
  DEVICE int value_distance() const { return heads * VALUE_DIM; }
  DEVICE long row(int t) const { return (long)(batch * length + t) * heads + head; }
  DEVICE long shared_row(int t) const { return (long)(batch * length + t) * key_heads + shared; }
  DEVICE long state() const { return (long)blockIdx.x * (KEY_DIM * VALUE_DIM); }
  /// The number of a chunk among those of all heads.
  DEVICE long chunk(int n) const { return (long)blockIdx.x * ((length + C - 1) / C) + n; }
};

DEVICE float4 load_four(const float *from) {
  if constexpr (WIDE) return *(const float4 *)from;
  else return float4{from[0], from[1], from[2], from[3]};
}

/// The thread's part of a chunk's rows of DIM floats, on their way to shared memory, where they are
/// filled up with zeros.
template <int DIM, int FILLED>
struct Rows {
  static constexpr int pieces = FILLED / 4, step = threads / pieces, all = C * pieces;
  static constexpr int count = (all + threads - 1) / threads;
  static_assert(threads % pieces == 0, "a thread has the same columns of all its rows");
  float4 at[count];

  /// The n-th of the thread's rows, and the column of its four numbers. Distances in a chunk are
  /// counted in 32 bits: addresses are a tenth of what a block with one chunk does.
  DEVICE static int row(int n) { return (int)(threadIdx.x / pieces) + n * step; }
  DEVICE static int column() { return (int)(threadIdx.x % pieces) * 4; }
  DEVICE static bool is_one(int n) { return all % threads == 0 || row(n) < C; }

  DEVICE void load(const float *from, int distance, int tokens) {
    from += row(0) * distance + column();
#pragma unroll
    for (int n = 0; n < count; n++) {
      at[n] = float4{0, 0, 0, 0};
      if (row(n) < tokens && column() < DIM) at[n] = load_four(from + n * step * distance);
    }
  }
  /// Multiplies each row by a number.
  DEVICE void weigh(const float *by, int distance, int tokens) {
#pragma unroll
    for (int n = 0; n < count; n++) {
      const float factor = row(n) < tokens ? by[row(n) * distance] : 0.0f;
      at[n].x *= factor, at[n].y *= factor, at[n].z *= factor, at[n].w *= factor;
    }
  }
  DEVICE float greatest() const {
    float most = 0;
#pragma unroll
    for (int n = 0; n < count; n++)
      most = greater(greater(greater(greater(most, at[n].x), at[n].y), at[n].z), at[n].w);
    return most;
  }
  DEVICE void store(Half *to, float scale) const {
#pragma unroll
    for (int n = 0; n < count; n++)
      if (is_one(n))
        *(uint2 *)(to + row(n) * (FILLED + 8) + column()) =
            uint2{two_halves(scale * at[n].x, scale * at[n].y),
                  two_halves(scale * at[n].z, scale * at[n].w)};
  }
  DEVICE void store(float *to) const {
#pragma unroll
    for (int n = 0; n < count; n++)
      if (is_one(n))
        *(float4 *)(to + row(n) * (FILLED + 4) + column()) = at[n];
  }
};
typedef Rows<KEY_DIM, keys> KeyRows;
typedef Rows<VALUE_DIM, values> ValueRows;

/// Asks for rows that will be read, so that they are in the last cache by then: for lines, as a
/// request for each row would wait for those of the lanes before.
DEVICE void announce_rows(const float *from, int distance, int tokens, int width) {
  const int lines = (width + 31) / 32;
#pragma unroll 1
  for (int i = threadIdx.x; i < tokens * lines; i += threads)
    asm volatile("prefetch.global.L2 [%0];" ::"l"(
        __cvta_generic_to_global(from + (long)(i / lines) * distance + i % lines * 32)));
}
/// The same for `bytes` that lie together, a multiple of 16.
DEVICE void announce(const void *from, int bytes) {
#if __CUDA_ARCH__ >= 900
  if (threadIdx.x == threads - 32)
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(__cvta_generic_to_global(from)),
                 "r"(bytes));
#else
  announce_rows((const float *)from, 32, bytes / 128, 32);
#endif
}

/// Copies ROWS rows of DIM halves that lie together into rows `pitch` apart, or, `out`, back. Where
/// they are `cut` only the first `count` are in memory: the others come as zeros, and stay.
template <int DIM, int ROWS, bool out, bool cut = false>
DEVICE void copy_halves(Half *shared, int pitch, Half *global, int count = ROWS) {
  constexpr int pieces = DIM / 8, all = ROWS * pieces;
  const auto copy = [=](Half *place, Half *from, int row) {
    if constexpr (out) {
      if (!cut || row < count) *(uint4 *)from = *(const uint4 *)place;
    } else if constexpr (cut) {
      copy_async(place, from, row < count);
    } else {
      copy_async(place, from);
    }
  };
  global += threadIdx.x * 8;
  if constexpr (threads % pieces == 0) {
    // A thread has one place of every so many rows.
    constexpr int step = threads / pieces;
    const int first = threadIdx.x / pieces;
    shared += first * pitch + threadIdx.x % pieces * 8;
#pragma unroll
    for (int row = 0; row < ROWS; row += step)
      if (ROWS % step == 0 || row + first < ROWS)
        copy(shared + row * pitch, global + row * DIM, row + first);
  } else {
    for (int i = threadIdx.x; i < all; i += threads, global += threads * 8)
      copy(shared + i / pieces * pitch + i % pieces * 8, global, i / pieces);
  }
}

DEVICE void clear_halves(Half *to, int count) {
  for (int i = threadIdx.x; i < count / 8; i += threads) ((uint4 *)to)[i] = uint4{0, 0, 0, 0};
}

DEVICE Half halved(float x) { return (Half)two_halves(x, 0); }
DEVICE float2 floats_of(uint halves) {
  float2 x;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
      : "=f"(x.x), "=f"(x.y)
      : "r"(halves));
  return x;
}

DEVICE uint halves_product(uint x, uint y) {
  uint product;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(product) : "r"(x), "r"(y));
  return product;
}

/// Two neighbours of a row of DIM columns, of which the first is even.
template <int DIM>
DEVICE void put_pair(float *row, int column, float x, float y) {
  if (column >= DIM) return;
  const Pack<2> pair = {x, y};
  if constexpr (WIDE) store_pack(row + column, pair);
  else row[column] = x, row[column + 1] = y;
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
    if constexpr (decays)
      if (const int i = threadIdx.x; i < C)
        factors()[i] = i >= count ? 1 : DECAY == SCALAR ? decay[x.row(t + i)] : decay[x.head];
  }
  /// Each thread multiplies down a part of a column.
  DEVICE void multiply() const {
    if constexpr (decays) {
      constexpr int parts = threads / C, part = C / parts > 0 ? C / parts : 1;
      const int j = threadIdx.x % C, first = threadIdx.x / C * part;
      if (first >= C) return;
      float product = 1, all = 1;
#pragma unroll 8
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
