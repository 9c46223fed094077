// Short causal depthwise convolutions of up to four tensors side by side, each with an element-wise
// function and, where wanted, heads of length 1 after it. Constants: WIDTH, the taps; FUNCTION, the
// element-wise function; VECTOR, the channels of a thread; LANES, the threads that share a position
// (tiles of LANES VECTOR channels are blocks of their own); HEAD, the threads that share a head (0
// where no tensor has heads of length 1); BIAS, whether a tensor has a bias; ADDS, whether the
// gradient of an input may be added to; SEGMENT, whether there may be inputs before the first or inputs
// to carry on.
//
// All sequences, one behind the other, are shared out evenly: a thread walks through as many
// positions as any other, across the ends of sequences, with the inputs in reach held in registers;
// what it needs next is on its way to its own part of shared memory. Inputs in reach before its first
// position and behind its last are read twice, mostly from the cache. (One piece of one sequence each
// left a third of the steps without work where sequences have 22 positions.)

typedef Pack<VECTOR> pack;
enum { THREADS = 256, SLOTS = THREADS / LANES, REACH = WIDTH - 1, TILE = LANES * VECTOR };
// Values of the last steps are kept in turn: those of step k at place k of TURN. Loops are unrolled by
// so many steps that places are constants and nothing moves from register to register.
enum { TURN = WIDTH > 4 ? 8 : 4 };
DEVICE constexpr int place(int step) { return step & (TURN - 1); }

#define EACH_FLOAT(...) _Pragma("unroll") for (int i = 0; i < VECTOR; i++) { __VA_ARGS__ }
#define EACH_TAP(...) _Pragma("unroll") for (int j = 0; j < WIDTH; j++) { __VA_ARGS__ }
/// Taps of earlier positions.
#define EACH_EARLIER(...) _Pragma("unroll") for (int j = 1; j < WIDTH; j++) { __VA_ARGS__ }

// For each tensor: where it begins, its filter, and its channels.
#define TENSORS_PARAMETERS                                                                     \
  const float *x0, const float *x1, const float *x2, const float *x3, const float *w0,         \
      const float *w1, const float *w2, const float *w3, const float *b0, const float *b1,     \
      const float *b2, const float *b3, long n0, long n1, long n2, long n3
/// That of one tensor.
#define OF_MAP(name, map) \
  ((map) == 0 ? name##0 : (map) == 1 ? name##1 : (map) == 2 ? name##2 : name##3)

/// What a thread has to do: channels of a tensor, and rows of [batch length, channels].
struct Part {
  int map, channel;
  bool is_inside;  // whether there is such a channel
  long channels;
  int sequence, position;  // of the first row
  long offset;             // of the first number in the tensor
  int rows, behind;        // how many rows are its own; those behind that the last one's input reaches
  // The steps of its warp: for the rows, and for those behind too.
  int steps, steps_back;

  DEVICE Part(long n0, long n1, long n2, long n3, int all, int length, int share) {
    int tile = blockIdx.y;
    map = 0;
    while (map < 3) {
      const int tiles = ((int)OF_MAP(n, map) + TILE - 1) / TILE;
      if (tile < tiles) break;
      tile -= tiles, map++;
    }
    channels = OF_MAP(n, map);
    channel = (tile * LANES + (int)threadIdx.x % LANES) * VECTOR;
    is_inside = channel < channels;
    const long start = ((long)blockIdx.x * SLOTS + threadIdx.x / LANES) * share;
    rows = start < all ? (int)min((long)share, all - start) : 0;
    const int first = rows ? (int)start : 0, end = (first + rows) % length;
    behind = rows && end ? min((int)REACH, length - end) : 0;
    sequence = first / length, position = first - sequence * length;
    // The slots of a warp differ only where it has several.
    steps = LANES < 32 ? share : rows;
    steps_back = LANES < 32 ? share + REACH : rows + behind;
    if (!is_inside) rows = behind = 0;
    offset = first * channels + (is_inside ? channel : 0);
  }
};

/// The inputs before a sequence that begins with a step: those of the previous segment, of which
/// `previous` has this sequence's, or zeros.
DEVICE void begin_sequence(pack *window, int step, const float *previous, long channels) {
  asm volatile("");  // keeps this a branch, taken seldom: no choice of each number in every step
  EACH_EARLIER(window[place(step - j)] = SEGMENT && previous
                   ? load_floats<VECTOR>(previous + (REACH - j) * channels)
                   : pack{};)
}

/// The inputs before the first of a part.
DEVICE void begin_part(pack *window, const Part &part, const float *x, const float *previous) {
  EACH_EARLIER(
      if (part.rows && part.position >= j) window[place(-j)] =
          load_pack<VECTOR>(x - j * part.channels);
      else window[place(-j)] =
          SEGMENT && part.rows && previous
              ? load_floats<VECTOR>(previous + (REACH + part.position - j) * part.channels)
              : pack{};)
}

struct Filter {
  pack weight[WIDTH], bias;
};

DEVICE Filter load_filter(const Part &part, const float *weight, const float *bias) {
  Filter f = {};
  if (!part.is_inside) return f;
  EACH_TAP(f.weight[j] = load_floats<VECTOR>(weight + j * part.channels + part.channel);)
  if (BIAS && bias) f.bias = load_floats<VECTOR>(bias + part.channel);
  return f;
}

/// sum_j w[j] x[t-j] + bias for a step's position.
DEVICE pack filtered(const Filter &f, const pack *window, int step) {
  pack sum;
  EACH_FLOAT(const float now = f.weight[0].at[i] * window[place(step)].at[i];
             sum.at[i] = BIAS ? now + f.bias.at[i] : now;)
  EACH_EARLIER(EACH_FLOAT(sum.at[i] += f.weight[j].at[i] * window[place(step - j)].at[i];))
  return sum;
}

/// 1 / (1 + e^-x), good to a few units in the last place, to 2 |x| of them where x is far below 0;
/// where e^-x overflows, 0. It is four instructions, and there are four of it in a step of about 120.
DEVICE float quick_sigmoid(float x) {
  float power, quotient;
  x *= -1.4426950408889634f;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  power += 1.0f;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(quotient) : "f"(power));
  return quotient;
}

/// The element-wise function, and its slope.
DEVICE float value_and_slope(float x, float &slope) {
  if (FUNCTION == SILU) {
    const float s = quick_sigmoid(x), y = x * s;
    slope = s + y * (1.0f - s);
    return y;
  }
  const float y = unary_value(FUNCTION, x);
  slope = unary_slope(FUNCTION, x, y);
  return y;
}

/// 1 over the length of a head. All threads of the warp call it.
DEVICE float inverse_length(const pack &y, float epsilon) {
  float squares = 0.0f;
  EACH_FLOAT(squares += y.at[i] * y.at[i];)
  float inverse;
  squares = group_sum<HEAD ? HEAD : 1>(squares) + epsilon;
  asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(squares));
  return inverse;
}

DEVICE void fetch(pack *to, const float *from, bool is_there) {
  if constexpr (VECTOR == 4)
    copy_async(to, from, is_there);
  else
    *to = is_there ? load_pack<VECTOR>(from) : pack{};
}

/// Rows of `share` positions go to slots of threads, tiles of channels are blockIdx.y. Bit m of
/// `unit` says whether tensor m becomes heads of length 1. The previous inputs and the next are those
/// of one tensor.
KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 2 : 3)
short_convolution(TENSORS_PARAMETERS, float *y0, float *y1, float *y2, float *y3, long batch,
                  long length, int share, int unit, float epsilon, const float *previous,
                  float *next) {
  begin_kernel();
  enum { STAGES = 8 };
  // What is on its way to the thread that asked for it.
  __shared__ pack ring[STAGES][THREADS];
  const Part part(n0, n1, n2, n3, (int)(batch * length), (int)length, share);
  const bool normalises = HEAD && (unit >> part.map & 1);
  const long channels = part.channels, tail = part.sequence * REACH * channels + part.channel;
  const float *x = OF_MAP(x, part.map) + part.offset, *requested = x;
  float *y = OF_MAP(y, part.map) + part.offset;
  if (SEGMENT && previous) previous += tail;
  if (SEGMENT && next) next += tail;
  const auto request = [&](int k, int stage) {
    fetch(&ring[stage][threadIdx.x], requested, k < part.rows);
    if (k + 1 < part.rows) requested += channels;
    copy_commit();
  };
#pragma unroll
  for (int k = 0; k < STAGES - 1; k++) request(k, k);
  const Filter filter = load_filter(part, OF_MAP(w, part.map), OF_MAP(b, part.map));
  pack window[TURN];
  begin_part(window, part, x, previous);
  int left = (int)length - part.position;
  const auto step = [&](int k, int stage) {
    copy_wait<STAGES - 2>();
    window[place(stage)] = ring[stage][threadIdx.x];
    request(k + STAGES - 1, (stage + STAGES - 1) % STAGES);
    pack value = filtered(filter, window, stage);
    float slope;
    EACH_FLOAT(value.at[i] = value_and_slope(value.at[i], slope);)
    if (normalises) {
      const float scale = inverse_length(value, epsilon);
      EACH_FLOAT(value.at[i] *= scale;)
    }
    const bool is_there = k < part.rows;
    if (is_there) store_pack(y, value);
    y += channels;
    if (--left || !is_there) return;
    if (SEGMENT && next) {
      EACH_EARLIER(
          EACH_FLOAT(next[(REACH - j) * channels + i] = window[place(stage + 1 - j)].at[i];))
      next += REACH * channels;
    }
    if (SEGMENT && previous) previous += REACH * channels;
    begin_sequence(window, stage + 1, k + 1 < part.rows ? previous : nullptr, channels);
    left = (int)length;
  };
  for (int k = 0; k < part.steps; k += STAGES)
#pragma unroll
    for (int i = 0; i < STAGES; i++) {
      if (k + i >= part.steps) break;
      step(k + i, i);
    }
}

/// Inputs and gradients on their way to the thread that asked for them; afterwards the sums.
enum { STAGES = 4, SUMS = WIDTH + BIAS };
struct Ring {
  pack x[STAGES][THREADS], dy[STAGES][THREADS], dx[ADDS ? STAGES : 1][ADDS ? THREADS : 1];
};
union Shared {
  Ring ring;
  pack sums[SUMS][THREADS];
};

/// The gradient of the pre-activation, given that of the result.
DEVICE pack activation_gradient(const pack &pre, pack gradient, bool normalises, float epsilon) {
  pack value, slope;
  EACH_FLOAT(value.at[i] = value_and_slope(pre.at[i], slope.at[i]);)
  if (normalises) {
    // y = s r with r = 1 / |s|: ds = r dy - s r^3 (s . dy)
    float dot = 0.0f;
    EACH_FLOAT(dot += value.at[i] * gradient.at[i];)
    const float scale = inverse_length(value, epsilon);
    const float along = scale * scale * scale * group_sum<HEAD ? HEAD : 1>(dot);
    EACH_FLOAT(gradient.at[i] = scale * gradient.at[i] - value.at[i] * along;)
  }
  EACH_FLOAT(gradient.at[i] *= slope.at[i];)
  return gradient;
}

/// The gradients of one part: dx is written or added to, those of the filter are added up. The
/// pre-activations are computed again, also those behind the part that its inputs reach. All threads
/// of the block call it.
DEVICE void part_backward(Ring &ring, const Part &part, const Filter &filter, const float *x,
                          const float *dy, float *dx, int length, const float *previous, bool adds,
                          bool normalises, float epsilon, Filter &sums) {
  const int all = part.rows + part.behind;
  const long channels = part.channels;
  const float *requested = x, *requested_dy = dy, *requested_dx = dx;
  const auto request = [&](int k, int stage) {
    fetch(&ring.x[stage][threadIdx.x], requested, k < all);
    fetch(&ring.dy[stage][threadIdx.x], requested_dy, k < all);
    if (k + 1 < all) requested += channels, requested_dy += channels;
    if (ADDS && adds) {
      // What the gradient that step k finishes is added to.
      const bool is_there = k >= REACH && k < all;
      fetch(&ring.dx[stage][threadIdx.x], requested_dx, is_there);
      if (is_there && k + 1 < all) requested_dx += channels;
    }
    copy_commit();
  };
#pragma unroll
  for (int k = 0; k < STAGES - 1; k++) request(k, k);
  // Inputs, and what their gradients have so far.
  pack window[TURN], pending[TURN] = {};
  begin_part(window, part, x, previous);
  int left = length - part.position, before = 0;  // own positions of the sequence before this one
  dx -= REACH * channels;
  const auto step = [&](int k, int turn) {
    const int stage = turn % STAGES;
    copy_wait<STAGES - 2>();
    window[place(turn)] = ring.x[stage][threadIdx.x];
    const pack gradient = ring.dy[stage][threadIdx.x];
    const pack old = ADDS && adds ? ring.dx[stage][threadIdx.x] : pack{};
    request(k + STAGES - 1, (stage + STAGES - 1) % STAGES);
    const pack inner =
        activation_gradient(filtered(filter, window, turn), gradient, normalises, epsilon);
    if (k < part.rows) {
      EACH_TAP(EACH_FLOAT(sums.weight[j].at[i] += inner.at[i] * window[place(turn - j)].at[i];))
      if (BIAS) EACH_FLOAT(sums.bias.at[i] += inner.at[i];)
    }
    EACH_FLOAT(pending[place(turn)].at[i] = filter.weight[0].at[i] * inner.at[i];)
    EACH_EARLIER(
        EACH_FLOAT(pending[place(turn - j)].at[i] += filter.weight[j].at[i] * inner.at[i];))
    const bool is_there = k < all;
    if (before >= REACH && is_there) {
      pack sum = pending[place(turn - REACH)];
      if (ADDS) EACH_FLOAT(sum.at[i] += old.at[i];)
      store_pack(dx, sum);
    }
    dx += channels;
    before++;
    if (--left || !is_there) return;
    // Nothing behind the sequence reaches its last inputs.
#pragma unroll
    for (int j = 0; j < REACH; j++)
      if (before > j && k - j < part.rows)
        put_pack(dx + (REACH - 1 - j) * channels, pending[place(turn - j)], ADDS && adds);
    if (SEGMENT && previous) previous += REACH * channels;
    begin_sequence(window, turn + 1, k + 1 < part.rows ? previous : nullptr, channels);
    left = length, before = 0;
  };
    for (int k = 0; k < part.steps_back; k += TURN)
#pragma unroll
    for (int i = 0; i < TURN; i++) {
      if (k + i >= part.steps_back) break;
      step(k + i, i);
    }
  copy_wait<0>();
}

/// Each block leaves its sums in a row of `partial`, [blocks, total]: for each tensor those for its
/// weight and then for its bias, of those that are wanted (bit m of `weights` and of `biases`). Bit m
/// of `accumulate` says whether dx m is added to.
KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 1 : 2)
short_convolution_backward(TENSORS_PARAMETERS, const float *dy0, const float *dy1,
                           const float *dy2, const float *dy3, float *dx0, float *dx1, float *dx2,
                           float *dx3, long batch, long length, int share, int unit, float epsilon,
                           const float *previous, int weights, int biases, int accumulate,
                           float *partial, long total) {
  begin_kernel();
  __shared__ Shared shared;
  const Part part(n0, n1, n2, n3, (int)(batch * length), (int)length, share);
  const int map = part.map;
  const long channels = part.channels;
  if (SEGMENT && previous) previous += part.sequence * REACH * channels + part.channel;
  const Filter filter = load_filter(part, OF_MAP(w, map), OF_MAP(b, map));
  Filter sums = {};
  part_backward(shared.ring, part, filter, OF_MAP(x, map) + part.offset,
                OF_MAP(dy, map) + part.offset, OF_MAP(dx, map) + part.offset, (int)length, previous,
                accumulate >> map & 1, HEAD && (unit >> map & 1), epsilon, sums);
  __syncthreads();
  EACH_TAP(shared.sums[j][threadIdx.x] = sums.weight[j];)
  if (BIAS) shared.sums[SUMS - 1][threadIdx.x] = sums.bias;
  __syncthreads();
  long before = 0;
#pragma unroll
  for (int m = 0; m < 3; m++)
    if (m < map) before += ((weights >> m & 1) * WIDTH + (biases >> m & 1)) * OF_MAP(n, m);
  const bool has_weight = weights >> map & 1, has_bias = biases >> map & 1;
  const int first = has_weight ? 0 : WIDTH, last = has_bias ? WIDTH + 1 : WIDTH;
  float *out = partial + blockIdx.x * total + before + part.channel;
  // The slots' sums are added up, those of a tap by neighbouring threads.
  if (!part.is_inside) return;
  for (int j = first + (int)threadIdx.x / LANES; j < last; j += SLOTS) {
    pack sum = {};
#pragma unroll 8
    for (int slot = 0; slot < SLOTS; slot++) {
      const pack term = shared.sums[j][slot * LANES + threadIdx.x % LANES];
      EACH_FLOAT(sum.at[i] += term.at[i];)
    }
    EACH_FLOAT(out[(j - first) * channels + i] = sum.at[i];)
  }
}
