// Selective scan, the recurrence of Mamba (architectures.md P1, with the state expanded; the
// recurrence and the shapes stand in CKernels.h). Shared parts, after fold.cuh; selective_forward.cu
// and selective_backward.cu follow.
//
// A channel's states lie in the registers of SPLIT lanes, `own` of them each; a warp holds
// neighbouring channels. Time goes by in chunks of TOKENS: a chunk's numbers are copied to shared
// memory while the chunk before it is worked on. The forward pass keeps the states before every
// chunk but the first; the backward pass computes a chunk's states again, leaves them in shared
// memory, and computes the factors, which cost less than room, a third time. Nothing is divided by a
// factor, which may be 0. Tokens behind the last have a step of 0, which changes nothing.
//
// A kept row of states is [states, channels], or where QUADS [states / 4, channels, 4], so that a
// lane's move by 16 bytes. Rows are counted in 32 bits, for which there are fewer instructions.
//
// Where GATED, the output is multiplied by silu of a gate, shaped like it.
//
// Constants: STATES, SPLIT (a power of two, at most 32), TOKENS (a power of two), WARPS, VECTOR
// (channels that are copied at once, 1 or 4), BOTH_SIGNS, QUADS, LOG_RATES (rates come as log(-rate)),
// GATED.

constexpr int own = (STATES + SPLIT - 1) / SPLIT;
/// States of a channel, filled up.
constexpr int padded = own * SPLIT;
/// Channels of a warp and of a block.
constexpr int lanes = 32 / SPLIT;
constexpr int tile = WARPS * lanes;
constexpr int threads = WARPS * 32;
/// Numbers of a chunk: one for each channel, and one for each state.
constexpr int series = TOKENS * tile;
constexpr int numbers = TOKENS * padded;
static_assert(!QUADS || STATES % (4 * SPLIT) == 0, "a lane has whole fours of states");
/// States of a token that are copied at once.
constexpr int fours = QUADS && VECTOR == 4 ? 4 : 1;
/// Tokens whose states are computed without asking whether they are there.
constexpr int ahead = TOKENS > 1 ? 2 : 1;
constexpr float log2_e = 1.44269504f, ln_2 = 0.69314718f;

extern __shared__ float4 memory[];
/// Buffer number `index` of those in front, of `size` floats each.
DEVICE float *memory_of(int index, int size) { return (float *)memory + index * size; }

/// A thread's channel and states.
struct Place {
  int batch, first, channels, length;
  int lane, column, part;
  bool inside;
  DEVICE Place(long channels, long length, long tiles) : channels(channels), length(length) {
    batch = blockIdx.x / (uint)tiles;
    first = blockIdx.x % (uint)tiles * tile;
    lane = threadIdx.x & 31;
    part = lane / lanes;
    column = threadIdx.x / 32 * lanes + lane % lanes;
    inside = first + column < channels;
  }
  /// The thread's number i among the channel's states.
  DEVICE int state(int i) const { return part * own + i; }
  DEVICE int channel() const { return first + column; }
  DEVICE long token(int t) const { return (long)(batch * length + t) * channels + first; }
  /// The channel's first state here in the row-th [states, channels].
  DEVICE long states(int row) const {
    return (long)(row * STATES + part * own) * channels + channel();
  }
  /// Its first four in the row-th [states / 4, channels, 4].
  DEVICE long quads(int row) const {
    return 4 * ((long)(row * (STATES / 4) + part * (own / 4)) * channels + channel());
  }
  /// Tokens of the chunk that begins with token t.
  DEVICE int tokens(int t) const { return min(length - t, TOKENS); }
};

/// Copies a float in the background, or puts a zero.
DEVICE void copy_number(float *shared, const float *global, bool is_there) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(global),
               "r"(is_there ? 4 : 0));
}

/// threadIdx.x, asked for anew: what comes of it would be kept in registers over all chunks.
DEVICE int own_thread() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}

/// How many VECTORs of a series a thread copies at most.
constexpr int copies = (series / VECTOR + threads - 1) / threads;

/// Calls `body(n, i, at, there)` for the n-th VECTOR that this thread copies of a series, of the chunk
/// that begins with token t: from number `at` of the tensor, if it is there, to number i.
template <class Body>
DEVICE void each_copied(const Place &x, int t, const Body &body) {
  // A loop of known length: every instruction here is one for a few states only.
  const int left = x.length - t, columns = x.channels - x.first;
  const long first = x.token(t);
  const int thread = own_thread();
#pragma unroll
  for (int n = 0; n < copies; n++) {
    const int i = n * threads + thread;
    if ((n + 1) * threads > series / VECTOR && i >= series / VECTOR) continue;
    const int token = i / (tile / VECTOR), column = i % (tile / VECTOR) * VECTOR;
    const bool there = column < columns && token < left;
    body(n, i * VECTOR, there ? first + (token * x.channels + column) : 0, there);
  }
}

/// Copies the numbers of the chunk that begins with token t, zeros behind the last token: `COUNT`
/// series with a number for each channel, then what is written and what is read.
template <int COUNT>
DEVICE void fetch(float *stage, const float *const (&from)[COUNT], const float *write,
                  const float *read, const Place &x, int t) {
  each_copied(x, t, [&](int, int i, long at, bool there) {
#pragma unroll
    for (int n = 0; n < COUNT; n++) {
      float *to = stage + n * series + i;
      if constexpr (VECTOR == 4) copy_async(to, from[n] + at, there);
      else copy_number(to, from[n] + at, there);
    }
  });
  const int left = x.length - t;
  const long first_number = (long)(x.batch * x.length + t) * STATES;
  const int thread = own_thread();
#pragma unroll 4
  for (int begin = 0; begin < 2 * numbers; begin += threads * fours) {
    const int i = begin + thread * fours;
    if (begin + threads * fours > 2 * numbers && i >= 2 * numbers) continue;
    const int state = i % padded, token = i / padded % TOKENS;
    const bool there = state < STATES && token < left;
    const long at = there ? first_number + (token * STATES + state) : 0;
    const float *some = (i < numbers ? write : read) + at;
    float *to = stage + COUNT * series + i;
    if constexpr (fours == 4) copy_async(to, some, there);
    else copy_number(to, some, there);
  }
  copy_commit();
}

/// Floats that move at once.
constexpr int wide = own % 4 == 0 ? 4 : own % 2 == 0 ? 2 : 1;

/// This thread's numbers of one token, of what is written or read.
DEVICE void load_own(float (&x)[own], const float *from, int token, const Place &place) {
  from += token * padded + place.part * own;
#pragma unroll
  for (int i = 0; i < own; i += wide) {
    const Pack<wide> some = load_pack<wide>(from + i);
#pragma unroll
    for (int j = 0; j < wide; j++) x[i + j] = some.at[j];
  }
}

/// 2^x; powers below the normal floats are 0.
DEVICE float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// The logistic function.
DEVICE float opening(float x) { return __fdividef(1.0f, 1.0f + power_of_two(-log2_e * x)); }
/// e^(step rate) for a rate in units of ln 2, or twice that for factors of both signs: it is also
/// the factor's derivative.
DEVICE float slope_of(float step, float rate) {
  return power_of_two(BOTH_SIGNS ? fmaf(step, rate, 1.0f) : step * rate);
}
/// factor * state + added.
DEVICE float step_of(float slope, float state, float written, float u) {
  return fmaf(slope, state, BOTH_SIGNS ? fmaf(written, u, -state) : written * u);
}

DEVICE void load_states(float (&x)[own], const float *from, const Place &place, int row) {
  const bool there = from && place.inside;
  from += place.states(row);
#pragma unroll
  for (int i = 0; i < own; i++, from += place.channels)
    x[i] = there && place.state(i) < STATES ? *from : 0.0f;
}
/// In units of ln 2.
DEVICE void load_rates(float (&x)[own], const float *rate, const Place &place) {
  load_states(x, rate, place, 0);
#pragma unroll
  for (int i = 0; i < own; i++) x[i] = log2_e * (LOG_RATES ? -power_of_two(x[i] * log2_e) : x[i]);
}
DEVICE void store_states(float *to, const float (&x)[own], const Place &place, int row) {
  to += place.states(row);
#pragma unroll
  for (int i = 0; i < own; i++, to += place.channels)
    if (place.inside && place.state(i) < STATES) *to = x[i];
}
/// In a kept row.
DEVICE void keep_states(float *to, const float (&x)[own], const Place &place, int row) {
  if constexpr (QUADS) {
    if (!place.inside) return;
    to += place.quads(row);
#pragma unroll
    for (int i = 0; i < own; i += 4, to += 4 * place.channels) {
      Pack<4> some;
#pragma unroll
      for (int j = 0; j < 4; j++) some.at[j] = x[i + j];
      store_pack(to, some);
    }
  } else store_states(to, x, place, row);
}
