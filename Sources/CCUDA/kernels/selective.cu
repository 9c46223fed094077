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
// Constants: STATES, SPLIT (a power of two, at most 32), TOKENS (a power of two), WARPS, VECTOR
// (channels that are copied at once, 1 or 4), BOTH_SIGNS.

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
constexpr float log2_e = 1.44269504f, ln_2 = 0.69314718f;

extern __shared__ float4 memory[];
/// Buffer number `index` of those in front, of `size` floats each.
DEVICE float *memory_of(int index, int size) { return (float *)memory + index * size; }

/// A thread's channel and states.
struct Place {
  long batch, first, channels, length;
  int lane, column, part;
  bool inside;
  DEVICE Place(long channels, long length, long tiles) : channels(channels), length(length) {
    batch = blockIdx.x / (uint)tiles;
    first = (long)(blockIdx.x % (uint)tiles) * tile;
    lane = threadIdx.x & 31;
    part = lane / lanes;
    column = threadIdx.x / 32 * lanes + lane % lanes;
    inside = first + column < channels;
  }
  /// The thread's number i among the channel's states.
  DEVICE int state(int i) const { return part * own + i; }
  DEVICE long channel() const { return first + column; }
  DEVICE long token(long t) const { return (batch * length + t) * channels + first; }
  /// The channel's first state here in the row-th [states, channels].
  DEVICE long states(long row) const { return (row * STATES + part * own) * channels + channel(); }
};

/// Copies a float in the background, or puts a zero.
DEVICE void copy_number(float *shared, const float *global, bool is_there) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(global),
               "r"(is_there ? 4 : 0));
}

/// Copies the numbers of the chunk that begins with token t, zeros behind the last token: `COUNT`
/// series with a number for each channel, then what is written and what is read.
template <int COUNT>
DEVICE void fetch(float *stage, const float *const (&from)[COUNT], const float *write,
                  const float *read, const Place &x, long t) {
#pragma unroll
  for (int i = threadIdx.x; i < series / VECTOR; i += threads) {
    const int token = i / (tile / VECTOR), column = i % (tile / VECTOR) * VECTOR;
    const bool there = x.first + column < x.channels && t + token < x.length;
    const long at = there ? x.token(t + token) + column : 0;
#pragma unroll
    for (int n = 0; n < COUNT; n++) {
      float *to = stage + n * series + i * VECTOR;
      if constexpr (VECTOR == 4) copy_async(to, from[n] + at, there);
      else copy_number(to, from[n] + at, there);
    }
  }
#pragma unroll
  for (int i = threadIdx.x; i < 2 * numbers; i += threads) {
    const int state = i % padded, token = i / padded % TOKENS;
    const bool there = state < STATES && t + token < x.length;
    const long at = there ? (x.batch * x.length + t + token) * STATES + state : 0;
    copy_number(stage + COUNT * series + i, (i < numbers ? write : read) + at, there);
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
/// e^(step rate) for a rate in units of ln 2, or twice that for factors of both signs: it is also
/// the factor's derivative.
DEVICE float slope_of(float step, float rate) {
  return power_of_two(BOTH_SIGNS ? fmaf(step, rate, 1.0f) : step * rate);
}
DEVICE float factor_of(float slope) { return BOTH_SIGNS ? slope - 1.0f : slope; }

DEVICE void load_states(float (&x)[own], const float *from, const Place &place, long row) {
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
  for (int i = 0; i < own; i++) x[i] *= log2_e;
}
DEVICE void store_states(float *to, const float (&x)[own], const Place &place, long row) {
  to += place.states(row);
#pragma unroll
  for (int i = 0; i < own; i++, to += place.channels)
    if (place.inside && place.state(i) < STATES) *to = x[i];
}
