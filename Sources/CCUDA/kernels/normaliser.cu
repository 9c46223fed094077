// What the answers of a linear memory are divided by (the formulas stand in CKernels.h).
//
// A warp takes a head of a sequence through time with the state in registers, TOKENS tokens at a
// time: their rows are fetched one chunk ahead, and their sums over the state do not wait for each
// other. Constants: DIM, TOKENS (at most 32).

constexpr int own = (DIM + 31) / 32;
constexpr int THREADS = 128;
/// Whether a chunk's rows leave registers for many warps, which hide each other's waiting.
constexpr bool FEW = TOKENS <= 4 && TOKENS * own <= 8;

struct Place {
  long batch, head, heads, length;
  int lane;
  DEVICE Place(long item, long heads, long length) : heads(heads), length(length) {
    batch = item / heads;
    head = item % heads;
    lane = threadIdx.x & 31;
  }
  DEVICE long row(long t) const { return (batch * length + t) * heads + head; }
};

/// A row of DIM numbers over the lanes of a warp; zeros behind the last and where there is none.
struct Row {
  float of[own];
  DEVICE void load(const float *from, const Place &x) {
#pragma unroll
    for (int i = 0; i < own; i++) {
      const int place = i * 32 + x.lane;
      of[i] = from && place < DIM ? from[place] : 0.0f;
    }
  }
  DEVICE void store(float *to, const Place &x) const {
#pragma unroll
    for (int i = 0; i < own; i++) {
      const int place = i * 32 + x.lane;
      if (place < DIM) to[place] = of[i];
    }
  }
};
DEVICE float dot(const Row &x, const Row &y) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < own; i++) sum += x.of[i] * y.of[i];
  return warp_sum(sum);
}

/// The rows of a chunk's tokens, and a number for each: 1 where there is none.
struct Rows {
  Row of[TOKENS];
  DEVICE void load(const float *from, const Place &x, long t) {
#pragma unroll
    for (int i = 0; i < TOKENS; i++)
      of[i].load(t + i >= 0 && t + i < x.length ? from + x.row(t + i) * DIM : nullptr, x);
  }
};
struct Numbers {
  float of[TOKENS];
  DEVICE void load(const float *from, const Place &x, long t, float otherwise) {
#pragma unroll
    for (int i = 0; i < TOKENS; i++)
      of[i] = from && t + i >= 0 && t + i < x.length ? from[x.row(t + i)] : otherwise;
  }
};

/// What the answer is divided by, before epsilon.
DEVICE float divisor_of(float answer, const float *stabiliser, long row) {
  if (!stabiliser) return answer;
  const float floor = expf(-stabiliser[row]), size = fabsf(answer);
  return size < floor ? floor : size;
}

/// `states` are like k; they, decay, stabiliser, initial and final_state may be null. With strengths
/// the keys are k times these, and are left in `weighed`.
KERNEL __launch_bounds__(THREADS, FEW ? 7 : 3) normaliser_forward(
    long items, long heads, long length, float scale, float epsilon, const float *__restrict__ q,
    const float *__restrict__ k, const float *__restrict__ strength,
    const float *__restrict__ decay, const float *__restrict__ stabiliser,
    const float *__restrict__ initial, float *__restrict__ factor, float *__restrict__ weighed,
    float *__restrict__ final_state, float *__restrict__ states) {
  begin_kernel();
  const long item = thread_index() >> 5;
  if (item >= items) return;
  const Place x(item, heads, length);
  Row z;
  z.load(initial ? initial + item * DIM : nullptr, x);
  Rows queries, keys, next_queries, next_keys;
  Numbers decays, next_decays, strengths, next_strengths;
  queries.load(q, x, 0);
  keys.load(k, x, 0);
  decays.load(decay, x, 0, 1);
  strengths.load(strength, x, 0, 1);
  for (long t = 0; t < length; t += TOKENS) {
    next_queries.load(q, x, t + TOKENS);
    next_keys.load(k, x, t + TOKENS);
    next_decays.load(decay, x, t + TOKENS, 1);
    next_strengths.load(strength, x, t + TOKENS, 1);
    float mine = 0;
#pragma unroll
    for (int i = 0; i < TOKENS; i++) {
      if (t + i >= length) break;
      if (weighed) {
#pragma unroll
        for (int n = 0; n < own; n++) keys.of[i].of[n] *= strengths.of[i];
        keys.of[i].store(weighed + x.row(t + i) * DIM, x);
      }
#pragma unroll
      for (int n = 0; n < own; n++) z.of[n] = decays.of[i] * z.of[n] + keys.of[i].of[n];
      if (states) z.store(states + x.row(t + i) * DIM, x);
      const float answer = dot(queries.of[i], z);
      if (x.lane == i) mine = answer;
    }
    if (x.lane < TOKENS && t + x.lane < length) {
      const long row = x.row(t + x.lane);
      factor[row] = 1.0f / (divisor_of(scale * mine, stabiliser, row) + epsilon);
    }
    queries = next_queries;
    keys = next_keys;
    decays = next_decays;
    strengths = next_strengths;
  }
  if (final_state) z.store(final_state + item * DIM, x);
}

/// The gradient of q . z for a token with this answer.
DEVICE float gain_of(float answer, const float *stabiliser, const float *d_factor, long row,
                     float scale, float epsilon) {
  const float divisor = divisor_of(answer, stabiliser, row), factor = 1.0f / (divisor + epsilon);
  float sign = 1;
  if (stabiliser) sign = fabsf(answer) < divisor ? 0.0f : answer < 0 ? -1.0f : 1.0f;
  return -sign * scale * d_factor[row] * factor * factor;
}

/// dq, dk and d_decay may be null.
KERNEL normaliser_backward(long items, long heads, long length, float scale, float epsilon,
                           const float *__restrict__ q, const float *__restrict__ decay,
                           const float *__restrict__ stabiliser,
                           const float *__restrict__ initial, const float *__restrict__ states,
                           const float *__restrict__ d_factor, float *__restrict__ dq,
                           float *__restrict__ dk, float *__restrict__ d_decay) {
  begin_kernel();
  const long item = thread_index() >> 5;
  if (item >= items) return;
  const Place x(item, heads, length);
  Row lambda, first;
  lambda.load(nullptr, x);
  first.load(initial ? initial + item * DIM : nullptr, x);
  Rows queries, now, earlier_queries, earlier;
  Numbers decays;
  const long last = (length - 1) / TOKENS;
  queries.load(q, x, last * TOKENS);
  now.load(states, x, last * TOKENS);
  for (long chunk = last; chunk >= 0; chunk--) {
    const long t = chunk * TOKENS;
    decays.load(decay, x, t, 1);
    earlier_queries.load(q, x, t - TOKENS);
    earlier.load(states, x, t - TOKENS);
    // Each lane works out one token's gradient.
    float mine = 0;
#pragma unroll
    for (int i = 0; i < TOKENS; i++) {
      const float answer = dot(queries.of[i], now.of[i]);
      if (x.lane == i) mine = answer;
    }
    const bool has = x.lane < TOKENS && t + x.lane < length;
    const float own_gain =
        has ? gain_of(scale * mine, stabiliser, d_factor, x.row(t + x.lane), scale, epsilon) : 0;
    float own_decay = 0;
#pragma unroll
    for (int i = TOKENS - 1; i >= 0; i--) {
      if (t + i >= length) continue;
      const float gain = __shfl_sync(FULL_WARP, own_gain, i);
      Row part, before;
#pragma unroll
      for (int n = 0; n < own; n++) {
        const float own_before = chunk ? earlier.of[TOKENS - 1].of[n] : first.of[n];
        before.of[n] = i ? now.of[i > 0 ? i - 1 : 0].of[n] : own_before;
        part.of[n] = gain * now.of[i].of[n];
        lambda.of[n] += gain * queries.of[i].of[n];
      }
      if (dq) part.store(dq + x.row(t + i) * DIM, x);
      if (dk) lambda.store(dk + x.row(t + i) * DIM, x);
      if (d_decay) {
        const float sum = dot(lambda, before);
        if (x.lane == i) own_decay = sum;
      }
#pragma unroll
      for (int n = 0; n < own; n++) lambda.of[n] *= decays.of[i];
    }
    if (has && d_decay) d_decay[x.row(t + x.lane)] = own_decay;
    queries = earlier_queries;
    now = earlier;
  }
}

/// The same for keys that are k times strengths, and for these keys: `d_keys` is what else there is
/// of their gradient. All four gradients are wanted.
KERNEL __launch_bounds__(THREADS, FEW ? 5 : 2) weighed_normaliser_backward(
    long items, long heads, long length, float scale, float epsilon, const float *__restrict__ q,
    const float *__restrict__ k, const float *__restrict__ strength,
    const float *__restrict__ decay, const float *__restrict__ stabiliser,
    const float *__restrict__ initial, const float *__restrict__ states,
    const float *__restrict__ d_factor, const float *__restrict__ d_keys, float *__restrict__ dq,
    int accumulate_q, float *__restrict__ dk, int accumulate_k, float *__restrict__ d_strength,
    int accumulate_strength, float *__restrict__ d_decay, int accumulate_decay) {
  begin_kernel();
  const long item = thread_index() >> 5;
  if (item >= items) return;
  const Place x(item, heads, length);
  Row lambda, first;
  lambda.load(nullptr, x);
  first.load(initial ? initial + item * DIM : nullptr, x);
  Rows queries, now, earlier_queries, earlier;
  const long last = (length - 1) / TOKENS;
  queries.load(q, x, last * TOKENS);
  now.load(states, x, last * TOKENS);
  for (long chunk = last; chunk >= 0; chunk--) {
    const long t = chunk * TOKENS;
    Rows keys, others, sums;
    Numbers decays, strengths;
    keys.load(k, x, t);
    others.load(d_keys, x, t);
    if (accumulate_q) sums.load(dq, x, t);
    decays.load(decay, x, t, 1);
    strengths.load(strength, x, t, 0);
    earlier_queries.load(q, x, t - TOKENS);
    earlier.load(states, x, t - TOKENS);
    // Each lane works out one token's gradient.
    float mine = 0;
#pragma unroll
    for (int i = 0; i < TOKENS; i++) {
      const float answer = dot(queries.of[i], now.of[i]);
      if (x.lane == i) mine = answer;
    }
    const bool has = x.lane < TOKENS && t + x.lane < length;
    const float own_gain =
        has ? gain_of(scale * mine, stabiliser, d_factor, x.row(t + x.lane), scale, epsilon) : 0;
    float own_decay = 0, own_strength = 0;
#pragma unroll
    for (int i = TOKENS - 1; i >= 0; i--) {
      if (t + i >= length) continue;
      const float gain = __shfl_sync(FULL_WARP, own_gain, i);
      const long at = x.row(t + i) * DIM;
      Row part, before, whole;
#pragma unroll
      for (int n = 0; n < own; n++) {
        const float own_before = chunk ? earlier.of[TOKENS - 1].of[n] : first.of[n];
        before.of[n] = i ? now.of[i > 0 ? i - 1 : 0].of[n] : own_before;
        part.of[n] = gain * now.of[i].of[n];
        if (accumulate_q) part.of[n] += sums.of[i].of[n];
        lambda.of[n] += gain * queries.of[i].of[n];
        whole.of[n] = others.of[i].of[n] + lambda.of[n];
      }
      part.store(dq + at, x);
      const float decay_sum = dot(lambda, before), strength_sum = dot(whole, keys.of[i]);
      if (x.lane == i) own_decay = decay_sum, own_strength = strength_sum;
#pragma unroll
      for (int n = 0; n < own; n++) {
        const int place = n * 32 + x.lane;
        if (place < DIM) put(dk + at + place, whole.of[n] * strengths.of[i], accumulate_k);
        lambda.of[n] *= decays.of[i];
      }
    }
    if (has) {
      put(d_decay + x.row(t + x.lane), own_decay, accumulate_decay);
      put(d_strength + x.row(t + x.lane), own_strength, accumulate_strength);
    }
    queries = earlier_queries;
    now = earlier;
  }
}
