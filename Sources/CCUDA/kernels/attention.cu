// Causal softmax attention, forward: tiles of keys with a running maximum (Dao et al. 2022,
// "FlashAttention"), so that scores exist only in registers. Factors are TF32; this is for heads of
// more than 128 columns, attention_halves.cu for others.
//
// A block of 4 warps has 64 queries of one head, a warp 16 of them, all keys of a tile, and all
// columns of the output. Shared memory, in floats: 64 (DIM_PAD + 4) for the queries and KEY_TILE
// (DIM_PAD + VALUE_PAD + 8) for keys and values: 34 KB where both dims are 64, 67 KB at 128, 133
// KB at 256. The next keys are asked for while the outputs are summed, the next values while scores
// are computed; they wait in registers until their place is free.

constexpr int QUERY_TILE = 64, FORWARD_THREADS = 128;
// Sums and outputs, scores and the tile that waits must fit into the registers.
constexpr int KEY_TILE = DIM_PAD + VALUE_PAD <= 64 ? 64 : 32;
// Blocks that shared memory and registers allow to be on a multiprocessor at a time.
constexpr int FORWARD_BLOCKS = DIM_PAD + VALUE_PAD <= 64    ? 4
                               : DIM_PAD + VALUE_PAD <= 128 ? 5
                               : DIM_PAD + VALUE_PAD <= 256 ? 3
                                                            : 1;
// Scores are computed for parts of 32 keys, which are left out where the warp sees none of them.
constexpr int PARTS = KEY_TILE / 32;

/// A warp's running softmax; each lane has two rows, and in each a quarter of the columns.
struct Softmax {
  float most[2] = {-INFINITE, -INFINITE}, sum[2] = {0, 0};

  /// Scores become weights relative to the greatest score so far, rounded to TF32; `factor` becomes
  /// what former sums are to be multiplied by. The weights are summed as rounded, so that they add
  /// up to 1 in the outputs.
  DEVICE void add(float (&s)[PARTS][4][4], float (&factor)[2]) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float top = most[r];
#pragma unroll
      for (int n = 0; n < PARTS * 4; n++)
        top = fmaxf(top, fmaxf(s[n / 4][n % 4][2 * r], s[n / 4][n % 4][2 * r + 1]));
      top = fmaxf(top, __shfl_xor_sync(FULL_WARP, top, 1));
      top = fmaxf(top, __shfl_xor_sync(FULL_WARP, top, 2));
      // A row that has seen nothing yet, as with a window, must not compute infinity - infinity.
      const float base = top == -INFINITE ? 0.0f : top;
      factor[r] = power_of_2(most[r] - base);
      most[r] = top;
      sum[r] *= factor[r];
#pragma unroll
      for (int n = 0; n < PARTS * 4; n++)
#pragma unroll
        for (int e = 2 * r; e < 2 * r + 2; e++) {
          float &x = s[n / 4][n % 4][e];
          x = __uint_as_float(to_tf32(power_of_2(x - base)));
          sum[r] += x;
        }
    }
  }

  DEVICE float total(int r) const {
    float x = sum[r];
    x += __shfl_xor_sync(FULL_WARP, x, 1);
    return x + __shfl_xor_sync(FULL_WARP, x, 2);
  }
};

/// What the lanes of query `query` of 8 have.
DEVICE float of_query(float x, int query) { return __shfl_sync(FULL_WARP, x, query * 4); }

extern "C" __global__ void __launch_bounds__(FORWARD_THREADS, FORWARD_BLOCKS)
    attention(const float *q, const float *k, const float *v, const float *slopes, float *o,
              float *log_sum, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  float *qs = shared, *ks = qs + QUERY_TILE * DIM_STRIDE, *vs = ks + KEY_TILE * DIM_STRIDE;
  const Attention p = ATTENTION;
  const int g = lane_group(), t = lane_in_group(), warp = threadIdx.x >> 5;

  // The last queries of a sequence see most keys: they come first.
  const int tiles = (p.queries + QUERY_TILE - 1) / QUERY_TILE;
  const int start = (tiles - 1 - (int)(blockIdx.x % tiles)) * QUERY_TILE;
  const int sequence = blockIdx.x / tiles / p.heads, head = blockIdx.x / tiles % p.heads;
  const int count = min(QUERY_TILE, p.queries - start), position = p.offset + start;
  const long key_row = (long)sequence * keys * key_heads + head * p.key_heads / p.heads;
  const long query_row = ((long)sequence * queries + start) * heads + head;
  k += key_row * DIM;
  v += key_row * VALUE_DIM;
  const float factor = scale * LOG2_E, slope = slopes ? slopes[head] * LOG2_E : 0.0f;

  int j = first_key(p, position) / KEY_TILE * KEY_TILE;
  const int end = min(p.keys, position + count);
  Rows<KEY_TILE, DIM, FORWARD_THREADS> next_keys;
  Rows<KEY_TILE, VALUE_DIM, FORWARD_THREADS> next_values;
  bring_rows<QUERY_TILE, DIM, FORWARD_THREADS>(qs, q + query_row * DIM, heads * DIM, count);
  next_keys.load(k + j * key_heads * DIM, key_heads * DIM, p.keys - j);
  next_values.load(v + j * key_heads * VALUE_DIM, key_heads * VALUE_DIM, p.keys - j);
  next_keys.store(ks);
  round_rows<QUERY_TILE, DIM, FORWARD_THREADS>(qs);
  __syncthreads();

  // This lane's rows are `row` and `row` + 8 of the tile.
  const int row = warp * 16 + g;
  const float *warp_queries = left_rows<DIM_STRIDE>(qs + warp * 16 * DIM_STRIDE);
  const float *lane_keys = right_rows<4, DIM_STRIDE>(ks);
  const float *lane_values = vs + 2 * t * VALUE_STRIDE + 2 * g;
  float out[VALUE_PAD / 16][2][4] = {};
  Softmax softmax;
  for (; j < end; j += KEY_TILE) {
    float s[PARTS][4][4] = {};
    const int last = position + warp * 16 + 15;
#pragma unroll
    for (int part = 0; part < PARTS; part++)
      if (part == 0 || j + part * 32 <= last)
        multiply_rows<4, DIM_PAD>(s[part], warp_queries,
                                  lane_keys + part * 32 * DIM_STRIDE);
    next_values.store(vs);
    // None behind the last tile, but always a load: else the registers would be kept for long.
    const int more = j + KEY_TILE < end ? p.keys - j - KEY_TILE : 0;
    next_keys.load(k + (j + KEY_TILE) * key_heads * DIM, key_heads * DIM, more);

    // Whether all queries of the warp see all keys of the tile.
    const bool whole = j + KEY_TILE - 1 <= last - 15 && last - j < p.window;
    const int distance = position + row - j;
#pragma unroll
    for (int part = 0; part < PARTS; part++) {
      scale_scores<4>(s[part], factor, slope, distance - part * 32);
      if (!whole) hide_keys<4>(s[part], p.window, distance - part * 32);
    }
    float rescale[2];
    softmax.add(s, rescale);
#pragma unroll
    for (int n = 0; n < 2; n++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const float x = of_query(rescale[n], 2 * t + e);
#pragma unroll
        for (int m = 0; m < VALUE_PAD / 16; m++) out[m][n][e] *= x, out[m][n][2 + e] *= x;
      }
    __syncthreads();

#pragma unroll
    for (int part = 0; part < PARTS; part++)
      if (part == 0 || j + part * 32 <= last)
#pragma unroll
        for (int n = 0; n < 4; n++) {
          const float *w = s[part][n];
          const uint weights[2][2] = {{__float_as_uint(w[0]), __float_as_uint(w[1])},
                                      {__float_as_uint(w[2]), __float_as_uint(w[3])}};
          uint values[VALUE_PAD / 16][4];
          read_across<VALUE_PAD / 16, VALUE_STRIDE>(
              values, lane_values + (part * 32 + n * 8) * VALUE_STRIDE);
          multiply_across(out, values, weights);
        }
    if (more > 0) next_keys.store(ks);
    next_values.load(v + (j + KEY_TILE) * key_heads * VALUE_DIM, key_heads * VALUE_DIM, more);
    __syncthreads();
  }

  const float totals[2] = {softmax.total(0), softmax.total(1)};
#pragma unroll
  for (int n = 0; n < 2; n++) {
    const int i = row + 8 * n;
    if (t == 0 && i < count)
      log_sum[((long)sequence * heads + head) * queries + start + i] =
          softmax.most[n] * LN_2 + logf(totals[n]);
#pragma unroll
    for (int e = 0; e < 2; e++) {
      const float total = of_query(totals[n], 2 * t + e);
      const int r = warp * 16 + 8 * n + 2 * t + e;
      if (r < count)
        write_row<VALUE_DIM>(o + (query_row + r * heads) * VALUE_DIM, 0, out, n, e, 1 / total);
    }
  }
}
