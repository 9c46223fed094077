// The head and its cross-entropy in one pass for a small vocabulary: logits = hidden weight' +
// bias, the losses, and all gradients. Constants: ROWS, the rows of a tile; VOCABULARY and WIDTH,
// rounded up to multiples of 16; VECTOR, the floats of `hidden` that are loaded at once.
//
// Each block keeps the weight in shared memory, goes through tiles of rows and keeps its sum of the
// weight's gradient in registers. Products are those of tensor cores, in TF32.

enum {
  THREADS = 256, WARPS = 8,
  V = VOCABULARY, D = WIDTH,
  // Distances of rows in shared memory: 4 beyond a multiple of 8, so that the 8 x 4 elements of a
  // fragment lie in different banks.
  V_PITCH = V + 4, D_PITCH = D + 4,
  // 16 x 8 tiles that a warp has side by side.
  V_TILES = V % 32 ? 2 : 4, D_TILES = D % 32 ? 2 : 4,
  V_PARTS = V / 8 / V_TILES, D_PARTS = D / 8 / D_TILES,
  WEIGHT_PARTS = V / 16 * D_PARTS, WEIGHT_TURNS = (WEIGHT_PARTS + WARPS - 1) / WARPS,
  // Threads of a row of logits, and the logits of a thread.
  TEAM = V <= 32 ? 8 : V <= 64 ? 16 : 32, TEAMS = THREADS / TEAM, HELD = (V + TEAM - 1) / TEAM,
};

/// c += a b for 16 x 8 TILES elements, with the inner dimension a multiple of 8. `a` is stored by
/// rows or, with `a_across`, by columns; so is `b`.
template <int TILES, bool a_across, bool b_across>
DEVICE void add_product(float c[TILES][4], const uint *a, int a_pitch, const uint *b, int b_pitch,
                        int depth) {
  const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
  auto left = [=](int m, int k) { return a_across ? a[k * a_pitch + m] : a[m * a_pitch + k]; };
  auto right = [=](int k, int n) { return b_across ? b[n * b_pitch + k] : b[k * b_pitch + n]; };
#pragma unroll 2
  for (int k = 0; k < depth; k += 8) {
    const uint l[4] = {left(g, k + t), left(g + 8, k + t), left(g, k + t + 4),
                       left(g + 8, k + t + 4)};
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      const uint r[2] = {right(k + t, tile * 8 + g), right(k + t + 4, tile * 8 + g)};
      mma_tf32(c[tile], l, r);
    }
  }
}

/// The greatest logit and its column, the first of equals, of a team.
DEVICE void team_best(float &value, int &column) {
#pragma unroll
  for (int d = TEAM / 2; d; d >>= 1) {
    const float other = __shfl_xor_sync(FULL_WARP, value, d);
    const int place = __shfl_xor_sync(FULL_WARP, column, d);
    if (other > value || (other == value && place < column)) value = other, column = place;
  }
}

struct Head {
  long rows;
  int vocabulary, width;
  const float *hidden, *scale;
  const int *target;
  float *loss, *dhidden;
  int *best;
  uint *weight, *input;  // [V][D_PITCH], [ROWS][D_PITCH], as TF32
  float *logits;         // [ROWS][V_PITCH], later their gradients as TF32
  float *bias;           // [V]

  DEVICE void load_weight(const float *from, const float *from_bias) {
    for (int i = threadIdx.x; i < V * D; i += THREADS) {
      const int v = i / D, d = i % D;
      const bool present = v < vocabulary && d < width;
      weight[v * D_PITCH + d] = present ? to_tf32(from[(long)v * width + d]) : 0;
    }
    for (int v = threadIdx.x; v < V; v += THREADS)
      bias[v] = from_bias && v < vocabulary ? from_bias[v] : 0.0f;
  }

  DEVICE void load_input(long first) {
    for (int i = threadIdx.x; i < ROWS * D / VECTOR; i += THREADS) {
      const int r = i / (D / VECTOR), d = i % (D / VECTOR) * VECTOR;
      Pack<VECTOR> x = {};
      if (first + r < rows && d < width) x = load_pack<VECTOR>(hidden + (first + r) * width + d);
#pragma unroll
      for (int j = 0; j < VECTOR; j++) input[r * D_PITCH + d + j] = to_tf32(x.at[j]);
    }
  }

  DEVICE void make_logits() {
    const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
    for (int part = threadIdx.x / 32; part < ROWS / 16 * V_PARTS; part += WARPS) {
      const int r = part / V_PARTS * 16, v = part % V_PARTS * V_TILES * 8;
      float c[V_TILES][4] = {};
      add_product<V_TILES, false, true>(c, input + r * D_PITCH, D_PITCH, weight + v * D_PITCH,
                                        D_PITCH, D);
#pragma unroll
      for (int tile = 0; tile < V_TILES; tile++)
#pragma unroll
        for (int i = 0; i < 4; i++)
          logits[(r + g + i / 2 * 8) * V_PITCH + v + tile * 8 + 2 * t + i % 2] = c[tile][i];
    }
  }

  /// Losses and arg-maxima of a tile; with `scale` logits become gradients, whose column sums are
  /// added to `sums`.
  DEVICE void softmax(long first, float sums[HELD]) {
    const int rank = threadIdx.x % TEAM;
    const float whole = scale ? *scale : 0.0f;
    for (int r = threadIdx.x / TEAM; r < ROWS; r += TEAMS) {
      const long row = first + r;
      const int label = row < rows ? target[row] : -1;
      float *x = logits + r * V_PITCH, value[HELD];
      float greatest = -__int_as_float(0x7f800000), sum = 0.0f;
      int column = 0x7fffffff;
#pragma unroll
      for (int i = 0; i < HELD; i++) {
        const int v = rank + i * TEAM;
        if (v >= vocabulary) continue;
        value[i] = x[v] + bias[v];
        if (value[i] > greatest) greatest = value[i], column = v;
      }
      const float right = label < 0 ? 0.0f : x[label] + bias[label];
      team_best(greatest, column);
#pragma unroll
      for (int i = 0; i < HELD; i++) {
        value[i] = rank + i * TEAM < vocabulary ? expf(value[i] - greatest) : 0.0f;
        sum += value[i];
      }
      sum = group_sum<TEAM>(sum);
      if (!rank && row < rows) {
        loss[row] = label < 0 ? 0.0f : logf(sum) + (greatest - right);
        best[row] = label < 0 ? -1 : column == 0x7fffffff ? 0 : column;
      }
      if (!scale) continue;
      __syncwarp();  // nobody writes before all have read the target's logit
      const float factor = whole / sum;
#pragma unroll
      for (int i = 0; i < HELD; i++) {
        const int v = rank + i * TEAM;
        float gradient = factor * value[i] - (v == label ? whole : 0.0f);
        if (label < 0) gradient = 0.0f;
        sums[i] += gradient;
        if (v < V) x[v] = __uint_as_float(to_tf32(gradient));
      }
    }
  }

  /// dhidden = gradient weight
  DEVICE void write_input_gradient(long first) {
    const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
    for (int part = threadIdx.x / 32; part < ROWS / 16 * D_PARTS; part += WARPS) {
      const int r = part / D_PARTS * 16, d = part % D_PARTS * D_TILES * 8;
      float c[D_TILES][4] = {};
      add_product<D_TILES, false, false>(c, (const uint *)logits + r * V_PITCH, V_PITCH, weight + d,
                                         D_PITCH, V);
#pragma unroll
      for (int tile = 0; tile < D_TILES; tile++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const long row = first + r + g + i / 2 * 8, column = d + tile * 8 + 2 * t + i % 2;
          if (row < rows && column < width) dhidden[row * width + column] = c[tile][i];
        }
    }
  }

  /// sums += gradient' hidden
  DEVICE void add_weight_gradient(float sums[WEIGHT_TURNS][D_TILES][4]) {
#pragma unroll
    for (int turn = 0; turn < WEIGHT_TURNS; turn++) {
      const int part = turn * WARPS + threadIdx.x / 32;
      if (part >= WEIGHT_PARTS) continue;
      const int v = part / D_PARTS * 16, d = part % D_PARTS * D_TILES * 8;
      add_product<D_TILES, true, false>(sums[turn], (const uint *)logits + v, V_PITCH, input + d,
                                        D_PITCH, ROWS);
    }
  }

  DEVICE void write_weight_gradient(const float sums[WEIGHT_TURNS][D_TILES][4], float *out) {
    const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
#pragma unroll
    for (int turn = 0; turn < WEIGHT_TURNS; turn++) {
      const int part = turn * WARPS + threadIdx.x / 32;
      if (part >= WEIGHT_PARTS) continue;
#pragma unroll
      for (int tile = 0; tile < D_TILES; tile++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int v = part / D_PARTS * 16 + g + i / 2 * 8;
          const int d = (part % D_PARTS * D_TILES + tile) * 8 + 2 * t + i % 2;
          if (v < vocabulary && d < width) out[(long)v * width + d] = sums[turn][tile][i];
        }
    }
  }

  /// Adds up the teams' sums in the memory of the logits, which has room for [TEAMS][V].
  DEVICE void write_bias_gradient(const float sums[HELD], float *out) {
    const int team = threadIdx.x / TEAM, rank = threadIdx.x % TEAM;
#pragma unroll
    for (int i = 0; i < HELD; i++)
      if (rank + i * TEAM < V) logits[team * V + rank + i * TEAM] = sums[i];
    __syncthreads();
    for (int v = threadIdx.x; v < vocabulary; v += THREADS) {
      float sum = 0.0f;
      for (int i = 0; i < TEAMS; i++) sum += logits[i * V + v];
      out[v] = sum;
    }
  }
};

/// Without `scale` only losses and arg-maxima are made. Each block leaves its sums for the weight
/// and for the bias, of those that are wanted, in a row of `partial`.
KERNEL __launch_bounds__(THREADS)
head_loss(long rows, long vocabulary, long width, const float *hidden, const float *weight,
          const float *bias, const int *target, const float *scale, float *loss, int *best,
          float *dhidden, int wants_weight, int wants_bias, float *partial) {
  begin_kernel();
  extern __shared__ uint memory[];
  Head head;
  head.rows = rows, head.vocabulary = (int)vocabulary, head.width = (int)width;
  head.hidden = hidden, head.scale = scale, head.target = target;
  head.loss = loss, head.dhidden = dhidden, head.best = best;
  head.weight = memory, head.input = memory + V * D_PITCH;
  head.bias = (float *)(head.input + ROWS * D_PITCH), head.logits = head.bias + V;
  float weight_sums[WEIGHT_TURNS][D_TILES][4] = {}, bias_sums[HELD] = {};
  head.load_weight(weight, bias);
  for (long first = (long)blockIdx.x * ROWS; first < rows; first += (long)gridDim.x * ROWS) {
    head.load_input(first);
    __syncthreads();
    head.make_logits();
    __syncthreads();
    head.softmax(first, bias_sums);
    if (!scale) continue;
    __syncthreads();
    if (dhidden) head.write_input_gradient(first);
    if (wants_weight) head.add_weight_gradient(weight_sums);
    __syncthreads();
  }
  float *out = partial + blockIdx.x * (wants_weight * width + wants_bias) * vocabulary;
  if (wants_weight) head.write_weight_gradient(weight_sums, out);
  if (wants_bias) head.write_bias_gradient(bias_sums, out + wants_weight * vocabulary * width);
}
