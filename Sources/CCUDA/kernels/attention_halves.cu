// Causal softmax attention, forward, with factors of 16 bits: tiles of keys with a running maximum
// (Dao et al. 2022, "FlashAttention"), so that scores exist only in registers.
//
// A block has QUERIES queries of one head; each warp has 16 of them, and goes through the tiles of
// keys that they see. There are two tiles of keys and of values in shared memory: the next is
// written while the other is read, so that there is one barrier for each. Its keys are asked for
// while scores are computed, its values while outputs are summed; the tile after it is brought to
// the second-level cache before.

// Warps that are to be on a multiprocessor at a time, as registers allow: outputs take most of them,
// and places of rows that threads do not divide evenly.
constexpr bool IS_EVEN = 128 % DIM_PAD == 0 && 128 % VALUE_PAD == 0;
constexpr int FORWARD_WARPS = !IS_EVEN                     ? 12
                              : DIM_PAD + VALUE_PAD <= 64  ? 24
                              : DIM_PAD + VALUE_PAD <= 128 ? 20
                              : WARPS == 4                 ? 12
                                                           : 16;
constexpr int FORWARD_BLOCKS = FORWARD_WARPS < WARPS ? 1 : FORWARD_WARPS / WARPS;

extern "C" __global__ void __launch_bounds__(THREADS, FORWARD_BLOCKS)
    attention_halves(const float *q, const float *k, const float *v, const float *slopes, float *o,
                     float *log_sum, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  Half *qs = (Half *)shared, *ks = qs + QUERIES * DIM_PITCH, *vs = ks + 2 * KEYS * DIM_PITCH;
  const Attention p = ATTENTION;
  const int g = lane_group(), t = lane_in_group(), warp = threadIdx.x >> 5;

  // The last queries of a sequence see most keys: they come first.
  const int tiles = (p.queries + QUERIES - 1) / QUERIES;
  const int start = (tiles - 1 - (int)(blockIdx.x % tiles)) * QUERIES;
  const int sequence = blockIdx.x / tiles / p.heads, head = blockIdx.x / tiles % p.heads;
  const int count = min(QUERIES, p.queries - start), position = p.offset + start;
  const long key_row = (long)sequence * keys * key_heads + head * p.key_heads / p.heads;
  const long query_row = ((long)sequence * queries + start) * heads + head;
  const int key_stride = p.key_heads * DIM, value_stride = p.key_heads * VALUE_DIM;
  k += key_row * DIM;
  v += key_row * VALUE_DIM;
  const float factor = scale * LOG2_E / (OPERAND_SCALE * OPERAND_SCALE);
  const float slope = slopes ? slopes[head] * LOG2_E : 0.0f;
  const auto expect = [&](int j) {
    const int count = min(KEYS, p.keys - j);
    if (warp == 0) expect_rows<DIM>(k + (long)j * key_stride, key_stride, count);
    if (warp == 1) expect_rows<VALUE_DIM>(v + (long)j * value_stride, value_stride, count);
  };

  int j = first_key(p, position) / KEYS * KEYS;
  const int end = min(p.keys, position + count);
  HalfRows<KEYS, DIM> next_keys;
  HalfRows<KEYS, VALUE_DIM> next_values;
  expect(j + KEYS);
  {
    HalfRows<QUERIES, DIM> own;
    own.load(q + query_row * DIM, heads * DIM, count);
    next_keys.load(k + (long)j * key_stride, key_stride, p.keys - j);
    next_values.load(v + (long)j * value_stride, value_stride, p.keys - j);
    own.store(qs);
  }
  next_keys.store(ks);
  next_values.store(vs);
  __syncthreads();

  // This lane's rows are `row` and `row` + 8 of the tile; the warp's last sees the key `last`.
  const int row = warp * SLAB + g, last = position + warp * SLAB + SLAB - 1;
  float out[VALUE_PAD / 8][4] = {};
  HalfSoftmax<KEYS> softmax;
  for (int turn = 0; j < end; j += KEYS, turn ^= 1) {
    const Half *keys_now = ks + turn * KEYS * DIM_PITCH, *values_now = vs + turn * KEYS * VALUE_PITCH;
    // None behind the last tile, but always a load: else the registers would be kept for long.
    const int more = j + KEYS < end ? p.keys - j - KEYS : 0;
    const bool sees = j <= last && last - (SLAB - 1) - (j + KEYS - 1) < p.window;
    if (j + 2 * KEYS < end) expect(j + 2 * KEYS);
    next_keys.load(k + (j + KEYS) * key_stride, key_stride, more);
    float s[KEYS / 8][4] = {};
    if (sees) multiply_halves<KEYS / 8, DIM_PAD>(s, qs + warp * SLAB * DIM_PITCH, keys_now);
    next_keys.store(ks + (turn ^ 1) * KEYS * DIM_PITCH);

    next_values.load(v + (j + KEYS) * value_stride, value_stride, more);
    if (sees) {
      const int distance = position + row - j;
      scale_scores<KEYS / 8>(s, factor, slope, distance);
      // Whether all queries of the warp see all keys of the tile.
      const bool whole = j + KEYS + SLAB - 2 <= last && last - j < p.window;
      if (!whole) hide_keys<KEYS / 8>(s, p.window, distance);
      softmax.add(s, out);
      uint weights[KEYS / 16][4];
      to_factor(weights, s);
      softmax.add_sums(weights);
      add_products<VALUE_PAD>(out, weights, values_now);
    }
    next_values.store(vs + (turn ^ 1) * KEYS * VALUE_PITCH);
    __syncthreads();
  }

#pragma unroll
  for (int r = 0; r < 2; r++) {
    const int i = row + 8 * r;
    if (i >= count) continue;
    const float sum = softmax.sums[2 * r];
    if (t == 0)
      log_sum[((long)sequence * heads + head) * queries + start + i] =
          (softmax.most[r] - WEIGHT_BITS) * LN_2 + logf(sum);
    float *target = o + (query_row + (long)i * p.heads) * VALUE_DIM;
    const float norm = 1 / (OPERAND_SCALE * sum);
#pragma unroll
    for (int n = 0; n < VALUE_PAD / 8; n++)
      write_pair<VALUE_DIM>(target, 8 * n + 2 * t, out[n][2 * r] * norm, out[n][2 * r + 1] * norm);
  }
}
