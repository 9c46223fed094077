// Short causal depthwise convolutions of up to four tensors side by side, each with an element-wise
// function and, where wanted, heads of length 1 after it. Constants: WIDTH, the taps; FUNCTION, the
// element-wise function; VECTOR, the channels of a thread; LANES, the threads that share a position
// (tiles of LANES VECTOR channels are blocks of their own); CHUNK, the positions of a thread, a
// multiple of 4; HEAD, the threads that share a head (0 where no tensor has heads of length 1).
//
// A thread walks through a chunk of time with the inputs in reach held in registers; what it needs
// next is on its way to its own part of shared memory. The positions before its chunk are read again, mostly from the cache.

typedef Pack<VECTOR> pack;
enum { THREADS = 256, SLOTS = THREADS / LANES, REACH = WIDTH - 1, TILE = LANES * VECTOR };

#define EACH_FLOAT(...) _Pragma("unroll") for (int i = 0; i < VECTOR; i++) { __VA_ARGS__ }
#define EACH_TAP(...) _Pragma("unroll") for (int j = 0; j < WIDTH; j++) { __VA_ARGS__ }

// For each tensor: where it begins, its filter, and its channels.
#define TENSORS_PARAMETERS                                                                     \
  const float *x0, const float *x1, const float *x2, const float *x3, const float *w0,         \
      const float *w1, const float *w2, const float *w3, const float *b0, const float *b1,     \
      const float *b2, const float *b3, long n0, long n1, long n2, long n3
/// That of one tensor.
#define OF_MAP(name, map) \
  ((map) == 0 ? name##0 : (map) == 1 ? name##1 : (map) == 2 ? name##2 : name##3)

/// The channels of a block: of which tensor, and the first one of this thread.
struct Place {
  int map, channel;

  DEVICE Place(long n0, long n1, long n2) {
    int tile = blockIdx.y;
    map = 0;
    while (map < 3) {
      const int tiles = ((int)OF_MAP(n, map) + TILE - 1) / TILE;
      if (tile < tiles) break;
      tile -= tiles, map++;
    }
    channel = (tile * LANES + (int)threadIdx.x % LANES) * VECTOR;
  }
  static constexpr long n3 = 0;
};

/// One sequence at the thread's channels; of no length where there is none.
struct Sequence {
  const float *x, *previous;
  int length, channels;
};

/// The input at a position; before the first, that of the previous segment or zeros; zeros behind
/// the last.
DEVICE pack input_at(const Sequence &s, int t) {
  if (t >= s.length) return pack{};
  if (t >= 0) return load_pack<VECTOR>(s.x + (long)t * s.channels);
  return s.previous ? load_floats<VECTOR>(s.previous + (long)(REACH + t) * s.channels) : pack{};
}

struct Filter {
  pack weight[WIDTH], bias;
};

DEVICE Filter load_filter(long channels, int channel, const float *weight, const float *bias) {
  Filter f;
  EACH_TAP(f.weight[j] = load_floats<VECTOR>(weight + j * channels + channel);)
  f.bias = bias ? load_floats<VECTOR>(bias + channel) : pack{};
  return f;
}

/// sum_j w[j] x[t-j] + bias, with now[-j] = x[t-j].
DEVICE pack filtered(const Filter &f, const pack *now) {
  pack sum = f.bias;
  EACH_TAP(EACH_FLOAT(sum.at[i] += f.weight[j].at[i] * now[-j].at[i];))
  return sum;
}

/// The element-wise function, and its slope. The quotient of SiLU's sigmoid is off by 2 units in
/// the last place at most, and where e^-x overflows it is 0.
DEVICE float value_and_slope(float x, float &slope) {
  if (FUNCTION == SILU) {
    const float s = __fdividef(1.0f, 1.0f + expf(-x));
    slope = s + x * s * (1.0f - s);
    return x * s;
  }
  const float y = unary_value(FUNCTION, x);
  slope = unary_slope(FUNCTION, x, y);
  return y;
}

/// 1 over the length of a head. All threads of the warp call it.
DEVICE float inverse_length(const pack &y, float epsilon) {
  float squares = 0.0f;
  EACH_FLOAT(squares += y.at[i] * y.at[i];)
  return rsqrtf(group_sum<HEAD ? HEAD : 1>(squares) + epsilon);
}

DEVICE void fetch(pack *to, const float *from, bool is_there) {
  if constexpr (VECTOR == 4)
    copy_async(to, from, is_there);
  else
    *to = is_there ? load_pack<VECTOR>(from) : pack{};
}

/// Chunks go to slots of threads, tiles of channels are blockIdx.y. Bit m of `unit` says whether
/// tensor m becomes heads of length 1. The previous inputs and the next are those of one tensor.
KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 2 : 3)
short_convolution(TENSORS_PARAMETERS, float *y0, float *y1, float *y2, float *y3, long batch,
                  long length, int unit, float epsilon, const float *previous, float *next) {
  begin_kernel();
  enum { STAGES = 8 };
  // What is on its way to the thread that asked for it.
  __shared__ pack ring[STAGES][THREADS];
  const Place place(n0, n1, n2);
  const long channels = OF_MAP(n, place.map);
  const int chunks = (int)((length + CHUNK - 1) / CHUNK);
  const long item = (long)blockIdx.x * SLOTS + threadIdx.x / LANES;
  const bool present = place.channel < channels && item < batch * chunks;
  const bool normalises = HEAD && (unit >> place.map & 1);
  Filter filter = {};
  if (present)
    filter = load_filter(channels, place.channel, OF_MAP(w, place.map), OF_MAP(b, place.map));
  const long sequence = present ? item / chunks : 0;
  const int start = present ? (int)(item - sequence * chunks) * CHUNK : 0;
  const long at = sequence * length * channels + (present ? place.channel : 0);
  const long tail = sequence * REACH * channels + place.channel;
  const Sequence s = {OF_MAP(x, place.map) + at, present && previous ? previous + tail : nullptr,
                      present ? (int)length : 0, (int)channels};
  float *const y = OF_MAP(y, place.map) + at;
  const auto request = [&](int k) {
    const bool is_there = k < CHUNK && start + k < s.length;
    fetch(&ring[k % STAGES][threadIdx.x], s.x + (is_there ? (long)(start + k) * s.channels : 0),
          is_there);
    copy_commit();
  };
#pragma unroll
  for (int k = 0; k < STAGES - 1; k++) request(k);
  pack window[WIDTH + 1];  // window[WIDTH - j] is x[t - j]
#pragma unroll
  for (int j = 1; j < WIDTH; j++) window[WIDTH - j] = input_at(s, start - j);
#pragma unroll 8
  for (int k = 0; k < CHUNK; k++) {
    copy_wait<STAGES - 2>();
    window[WIDTH] = ring[k % STAGES][threadIdx.x];
    request(k + STAGES - 1);
    pack value = filtered(filter, window + WIDTH);
    float slope;
    EACH_FLOAT(value.at[i] = value_and_slope(value.at[i], slope);)
    if (normalises) {
      const float scale = inverse_length(value, epsilon);
      EACH_FLOAT(value.at[i] *= scale;)
    }
    if (start + k < s.length) store_pack(y + (long)(start + k) * s.channels, value);
#pragma unroll
    for (int j = 1; j < WIDTH; j++) window[j] = window[j + 1];
  }
  if (!next || !present || start + CHUNK < length) return;
  for (int j = 0; j < REACH; j++) {
    const pack value = input_at(s, (int)length - REACH + j);
    EACH_FLOAT(next[tail + j * channels + i] = value.at[i];)
  }
}

/// Inputs and gradients on their way to the thread that asked for them.
enum { STAGES = 4 };
struct Ring {
  pack x[STAGES][THREADS], dy[STAGES][THREADS], dx[STAGES][THREADS];
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

/// The gradients of one chunk: dx is written or added to, those of the filter are added up. The
/// pre-activations are computed again, also those behind the chunk that its inputs reach. All threads
/// of the block call it.
DEVICE void chunk_backward(Ring &ring, const Filter &filter, const Sequence &s, int start,
                           const float *dy, float *dx, bool accumulates, bool normalises,
                           float epsilon, Filter &sums) {
  enum { STEPS = CHUNK + REACH };
  pack window[WIDTH + 1], later[WIDTH] = {};  // later[j]: the pre-activation's gradient at t - j
#pragma unroll
  for (int j = 1; j < WIDTH; j++) window[WIDTH - j] = input_at(s, start - j);
  const auto request = [&](int k) {
    const int t = start + k;
    const bool is_there = k < STEPS && t < s.length;
    const long at = is_there ? (long)t * s.channels : 0;
    fetch(&ring.x[k % STAGES][threadIdx.x], s.x + at, is_there);
    fetch(&ring.dy[k % STAGES][threadIdx.x], dy + at, is_there);
    // What the gradient that step k finishes is added to.
    const bool adds = k >= REACH && k < STEPS && t - REACH < s.length;
    if (accumulates)
      fetch(&ring.dx[k % STAGES][threadIdx.x], dx + (adds ? (long)(t - REACH) * s.channels : 0),
            adds);
    copy_commit();
  };
#pragma unroll
  for (int k = 0; k < STAGES - 1; k++) request(k);
#pragma unroll 4
  for (int k = 0; k < (STEPS + 3) / 4 * 4; k++) {
    const int t = start + k;
    copy_wait<STAGES - 2>();
    // window[WIDTH - j] is x[t - j].
    window[WIDTH] = ring.x[k % STAGES][threadIdx.x];
    const pack gradient = ring.dy[k % STAGES][threadIdx.x];
    const pack old = accumulates ? ring.dx[k % STAGES][threadIdx.x] : pack{};
    request(k + STAGES - 1);
#pragma unroll
    for (int j = REACH; j > 0; j--) later[j] = later[j - 1];
    later[0] = activation_gradient(filtered(filter, window + WIDTH), gradient, normalises, epsilon);
    if (k < CHUNK) {
      EACH_TAP(EACH_FLOAT(sums.weight[j].at[i] += later[0].at[i] * window[WIDTH - j].at[i];))
      EACH_FLOAT(sums.bias.at[i] += later[0].at[i];)
    }
    if (k >= REACH && k < STEPS && t - REACH < s.length) {
      pack sum = old;
      EACH_TAP(EACH_FLOAT(sum.at[i] += filter.weight[j].at[i] * later[REACH - j].at[i];))
      store_pack(dx + (long)(t - REACH) * s.channels, sum);
    }
#pragma unroll
    for (int j = 1; j < WIDTH; j++) window[j] = window[j + 1];
  }
  copy_wait<0>();
}

/// Adds up the slots' sums; the first slot writes them.
DEVICE void write_sums(const pack &sum, float *shared, bool present, float *out) {
  __syncthreads();
  float *own = shared + threadIdx.x * VECTOR;
  EACH_FLOAT(own[i] = sum.at[i];)
#pragma unroll
  for (int half = SLOTS / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half * LANES) EACH_FLOAT(own[i] += own[half * LANES * VECTOR + i];)
  }
  if (threadIdx.x < LANES && present) EACH_FLOAT(out[i] = own[i];)
}

/// Each block leaves its sums in a row of `partial`, [blocks, total]: for each tensor those for its
/// weight and then for its bias, of those that are wanted (bit m of `weights` and of `biases`). Bit m
/// of `accumulate` says whether dx m is added to.
KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 1 : 2)
short_convolution_backward(TENSORS_PARAMETERS, const float *dy0, const float *dy1,
                           const float *dy2, const float *dy3, float *dx0, float *dx1, float *dx2,
                           float *dx3, long batch, long length, int unit, float epsilon,
                           const float *previous, int weights, int biases, int accumulate,
                           float *partial, long total) {
  begin_kernel();
  __shared__ Ring ring;
  const Place place(n0, n1, n2);
  const int map = place.map;
  const long channels = OF_MAP(n, map);
  const int chunks = (int)((length + CHUNK - 1) / CHUNK);
  const long items = batch * chunks;
  const bool inside = place.channel < channels;
  Filter filter = {}, sums = {};
  if (inside) filter = load_filter(channels, place.channel, OF_MAP(w, map), OF_MAP(b, map));
  for (long base = (long)blockIdx.x * SLOTS; base < items; base += (long)gridDim.x * SLOTS) {
    const long item = base + threadIdx.x / LANES;
    const bool present = inside && item < items;
    const long sequence = present ? item / chunks : 0;
    const int start = present ? (int)(item - sequence * chunks) * CHUNK : 0;
    const long at = sequence * length * channels + (inside ? place.channel : 0);
    const long tail = sequence * REACH * channels + place.channel;
    const Sequence s = {OF_MAP(x, map) + at, present && previous ? previous + tail : nullptr,
                        present ? (int)length : 0, (int)channels};
    chunk_backward(ring, filter, s, start, OF_MAP(dy, map) + at, OF_MAP(dx, map) + at,
                   accumulate >> map & 1, HEAD && (unit >> map & 1), epsilon, sums);
  }
  long before = 0;
#pragma unroll
  for (int m = 0; m < 3; m++)
    if (m < map) before += ((weights >> m & 1) * WIDTH + (biases >> m & 1)) * OF_MAP(n, m);
  float *out = partial + blockIdx.x * total + before + place.channel, *shared = ring.x[0][0].at;
  const int wants_weight = weights >> map & 1;
  if (wants_weight) EACH_TAP(write_sums(sums.weight[j], shared, inside, out + j * channels);)
  if (biases >> map & 1)
    write_sums(sums.bias, shared, inside, out + wants_weight * WIDTH * channels);
}
