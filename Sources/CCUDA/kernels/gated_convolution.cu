// The gated short convolution BaseConv (Arora et al. 2023, arXiv 2312.04927), in one pass:
// y = (sum_j w[j] x[t-j] + b) (g + c) + x, with g a linear map of x whose bias is c.
// Constants: WIDTH, the taps; VECTOR, the channels of a thread; LANES, the threads that share a
// position (tiles of LANES VECTOR channels are blocks of their own); CHUNK, the positions of a
// thread, a multiple of 4.
//
// A thread walks through a chunk of time in steps of some positions, all of whose loads are under
// way at once; what is in reach of the filter stays in registers.

typedef Pack<VECTOR> pack;
enum { THREADS = 256, SLOTS = THREADS / LANES, REACH = WIDTH - 1 };

#define EACH_FLOAT(...) _Pragma("unroll") for (int i = 0; i < VECTOR; i++) { __VA_ARGS__ }
#define EACH_TAP(...) _Pragma("unroll") for (int j = 0; j < WIDTH; j++) { __VA_ARGS__ }

/// One sequence at the thread's channels; of no length where there is none.
struct Sequence {
  long at, channels;
  int length;
  /// The numbers at a position; zeros before the first and behind the last.
  DEVICE pack load(const float *from, int t) const {
    return (uint)t < (uint)length ? load_pack<VECTOR>(from + at + (long)t * channels) : pack{};
  }
  DEVICE void store(float *to, int t, const pack &value, int accumulate) const {
    if (t < length) put_pack(to + at + (long)t * channels, value, accumulate);
  }
};

/// The chunk of a slot of threads, and its sequence.
struct Chunk {
  Sequence sequence;
  int start;
  DEVICE Chunk(long item, long batch, long length, long channels, long channel) {
    const long chunks = (length + CHUNK - 1) / CHUNK, row = item / chunks;
    const bool present = channel < channels && row < batch;
    start = (int)(item - row * chunks) * CHUNK;
    sequence = {row * length * channels + channel, channels, present ? (int)length : 0};
  }
};

struct Filter {
  pack weight[WIDTH], bias, gate_bias;
  DEVICE Filter(long channels, long channel, const float *w, const float *b, const float *c) {
    EACH_TAP(weight[j] = pack{};)
    bias = gate_bias = pack{};
    if (channel >= channels) return;
    EACH_TAP(weight[j] = load_floats<VECTOR>(w + j * channels + channel);)
    bias = load_floats<VECTOR>(b + channel);
    gate_bias = load_floats<VECTOR>(c + channel);
  }
  /// The convolution, with now[-j] = x[t-j].
  DEVICE pack of(const pack *now) const {
    pack sum = bias;
    EACH_TAP(EACH_FLOAT(sum.at[i] += weight[j].at[i] * now[-j].at[i];))
    return sum;
  }
};

KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 2 : 3)
gated_convolution(long batch, long length, long channels, const float *__restrict__ x,
                  const float *weight, const float *bias, const float *__restrict__ gate,
                  const float *gate_bias, float *__restrict__ y) {
  begin_kernel();
  enum { STEP = 4 };
  const long channel = ((long)blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;
  const Filter filter(channels, channel, weight, bias, gate_bias);
  const Chunk chunk((long)blockIdx.x * SLOTS + threadIdx.x / LANES, batch, length, channels,
                    channel);
  const Sequence &s = chunk.sequence;
  pack in[REACH + STEP];  // in[REACH + k] is x[t + k]
#pragma unroll
  for (int k = 0; k < REACH; k++) in[k] = s.load(x, chunk.start + k - REACH);
#pragma unroll 1
  for (int t = chunk.start; t < chunk.start + CHUNK; t += STEP) {
    pack opened[STEP];
#pragma unroll
    for (int k = 0; k < STEP; k++) {
      in[REACH + k] = s.load(x, t + k);
      opened[k] = s.load(gate, t + k);
    }
#pragma unroll
    for (int k = 0; k < STEP; k++) {
      pack value = filter.of(in + REACH + k);
      EACH_FLOAT(value.at[i] = value.at[i] * (opened[k].at[i] + filter.gate_bias.at[i]) +
                               in[REACH + k].at[i];)
      s.store(y, t + k, value, false);
    }
#pragma unroll
    for (int k = 0; k < REACH; k++) in[k] = in[k + STEP];
  }
}

/// The sums over a thread's positions for the gradients of the parameters.
struct Sums {
  pack weight[WIDTH] = {}, bias = {}, gate_bias = {};
};

/// The gradients of a chunk: with e = dy (g + c), dx[t] (+)= dy[t] + sum_j w[j] e[t+j] and dg = dy
/// times the convolution, which is computed again.
DEVICE void chunk_backward(const Chunk &chunk, const Filter &filter, const float *__restrict__ x,
                           const float *__restrict__ gate, const float *__restrict__ dy, float *dx,
                           int accumulate, float *__restrict__ dgate, Sums &sums) {
  enum { STEP = 2 };
  const Sequence &s = chunk.sequence;
  // in[REACH + k] is x[t + k]; slope[k] is dy[t + k], error[k] is e[t + k].
  pack in[REACH + STEP], slope[REACH + STEP], error[REACH + STEP];
  const auto load = [&](int k, int t) {
    slope[k] = s.load(dy, t);
    error[k] = s.load(gate, t);
  };
  const auto close = [&](int k) {
    EACH_FLOAT(error[k].at[i] = slope[k].at[i] * (error[k].at[i] + filter.gate_bias.at[i]);)
  };
#pragma unroll
  for (int k = 0; k < REACH; k++) {
    in[k] = s.load(x, chunk.start + k - REACH);
    load(k, chunk.start + k);
  }
#pragma unroll
  for (int k = 0; k < REACH; k++) close(k);
#pragma unroll 2
  for (int t = chunk.start; t < chunk.start + CHUNK; t += STEP) {
#pragma unroll
    for (int k = 0; k < STEP; k++) {
      in[REACH + k] = s.load(x, t + k);
      load(REACH + k, t + REACH + k);
    }
#pragma unroll
    for (int k = 0; k < STEP; k++) close(REACH + k);
#pragma unroll
    for (int k = 0; k < STEP; k++) {
      pack opened = filter.of(in + REACH + k), value = slope[k];
      EACH_FLOAT({
        opened.at[i] *= slope[k].at[i];
        sums.gate_bias.at[i] += opened.at[i];
        sums.bias.at[i] += error[k].at[i];
      })
      EACH_TAP(EACH_FLOAT({
        value.at[i] += filter.weight[j].at[i] * error[k + j].at[i];
        sums.weight[j].at[i] += error[k].at[i] * in[REACH + k - j].at[i];
      }))
      s.store(dgate, t + k, opened, false);
      s.store(dx, t + k, value, accumulate);
    }
#pragma unroll
    for (int k = 0; k < REACH; k++) {
      in[k] = in[k + STEP];
      slope[k] = slope[k + STEP];
      error[k] = error[k + STEP];
    }
  }
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

/// Each block leaves its sums in a row of `partial`, [blocks, (WIDTH + 2) channels]: those of the
/// filter, of its bias and of the gate's.
KERNEL __launch_bounds__(THREADS, WIDTH > 4 ? 1 : 2)
gated_convolution_backward(long batch, long length, long channels, const float *__restrict__ x,
                           const float *weight, const float *bias, const float *__restrict__ gate,
                           const float *gate_bias, const float *__restrict__ dy, float *dx,
                           int accumulate, float *__restrict__ dgate, float *partial) {
  begin_kernel();
  __shared__ float shared[THREADS * VECTOR];
  const long channel = ((long)blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;
  const long items = batch * ((length + CHUNK - 1) / CHUNK);
  const Filter filter(channels, channel, weight, bias, gate_bias);
  Sums sums;
  for (long item = (long)blockIdx.x * SLOTS + threadIdx.x / LANES; item < items;
       item += (long)gridDim.x * SLOTS)
    chunk_backward(Chunk(item, batch, length, channels, channel), filter, x, gate, dy, dx,
                   accumulate, dgate, sums);
  const bool present = channel < channels;
  float *out = partial + blockIdx.x * (WIDTH + 2) * channels + channel;
  EACH_TAP(write_sums(sums.weight[j], shared, present, out + j * channels);)
  write_sums(sums.bias, shared, present, out + WIDTH * channels);
  write_sums(sums.gate_bias, shared, present, out + (WIDTH + 1) * channels);
}
