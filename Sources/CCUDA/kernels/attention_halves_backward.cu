// The gradients of causal softmax attention with factors of 16 bits. The weights P are computed
// again from each row's log-sum-exp; with delta = rowsum(O dO), the gradient of the scores is dS =
// scale P (dO V' - delta) (Dao et al. 2022, "FlashAttention"). Then dV = P' dO, dK = dS' Q, dQ = dS
// K.
//
// A launch takes one part of QUERIES queries, or less, of one of the heads that share a key head;
// its blocks are the key heads of the sequences. A block keeps the part's Q and dO in shared memory
// and dQ in registers, 16 rows in each warp, and goes through the tiles of keys from the last to the
// first: for each,
//
//  1. a warp makes P and dS of its queries in registers, adds dS K to dQ, and leaves both in shared
//     memory; warps whose queries come before the tile bring queries that the next tile needs;
//  2. all warps share dV and dK, sums over all queries that see the tile, while the next keys and
//     values are on their way.
//
// So all is read and written once where there is one part; otherwise the launches that follow add
// to dK and dV.
//
// What it is made of, and the ranges of all numbers, stand in attention_halves_gradients.cuh.

extern "C" __global__ void __launch_bounds__(THREADS, BACKWARD_BLOCKS)
    attention_halves_backward(const float *q, const float *k, const float *v, const float *slopes,
                              const float *o, const float *log_sum, const float *d_o, float *dq,
                              float *dk, float *dv, long number, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  const HalfTiles tiles(shared);
  const Attention p = ATTENTION;
  const int warp = threadIdx.x >> 5;
  const long sequence = blockIdx.x / p.key_heads;
  const int key_head = blockIdx.x % p.key_heads;
  const long key_row = sequence * keys * key_heads + key_head;
  const int key_stride = p.key_heads * DIM, value_stride = p.key_heads * VALUE_DIM;
  k += key_row * DIM, dk += key_row * DIM;
  v += key_row * VALUE_DIM, dv += key_row * VALUE_DIM;

  const int parts = (p.queries + QUERIES - 1) / QUERIES;
  const int start = (int)number % parts * QUERIES;
  const int head = key_head * (p.heads / p.key_heads) + (int)number / parts;
  const Part part = {q, o, d_o, log_sum + (sequence * heads + head) * queries + start,
                     (sequence * queries + start) * heads + head, p.heads, p.offset + start,
                     min(QUERIES, p.queries - start)};
  const float slope = slopes ? slopes[head] * LOG2_E : 0.0f;
  const int first = first_key(p, part.position) / KEYS * KEYS;
  const int last = (min(p.keys, part.position + part.count) - 1) / KEYS * KEYS;
  // Keys before this one have sums already.
  const int fresh = number == 0 ? 0 : number < parts ? part.position : p.keys;
  const int slabs = (part.count + SLAB - 1) / SLAB;

  HalfRows<KEYS, DIM> next_keys;
  HalfRows<KEYS, VALUE_DIM> next_values;
  const auto load_keys = [&](int j) {
    next_keys.load(k + (long)j * key_stride, key_stride, j >= first ? p.keys - j : 0);
  };
  const auto load_values = [&](int j) {
    next_values.load(v + (long)j * value_stride, value_stride, j >= first ? p.keys - j : 0);
  };
  const auto store = [&](int j, Ranges *ranges) {
    if (!WAIT_IN_REGISTERS) load_keys(j);
    next_keys.store(tiles.k);
    if (!WAIT_IN_REGISTERS) load_values(j);
    next_values.store(tiles.v);
    ranges->add(next_values.greatest(), NO_ROW);
  };
  if (threadIdx.x < 2) tiles.ranges[threadIdx.x] = {0, NO_ROW};
  // Queries from this one on are in shared memory.
  int loaded = part.first(last) * SLAB;
  if (WAIT_IN_REGISTERS) load_keys(last), load_values(last);
  __syncthreads();
  bring_queries(tiles, part, loaded, slabs * SLAB, warp, WARPS, tiles.ranges);
  store(last, tiles.ranges);
  __syncthreads();

  float q_sum[DIM_PAD / 8][4] = {};
  int magnitude = -100, least = NO_ROW, turn = 0;
#pragma unroll 1
  for (int j = last; j >= first; j -= KEYS, turn ^= 1) {
    const Ranges now = tiles.ranges[turn];
    const int greater = min(100, max(magnitude, bits_before_point(now.greatest)));
    if (greater > magnitude) {
      const float less = exact_power(magnitude - greater);
#pragma unroll
      for (int n = 0; n < DIM_PAD / 8; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) q_sum[n][e] *= less;
      magnitude = greater;
    }
    least = min(least, now.least);
    const int first_slab = part.first(j), end_slab = part.end(j, p.window);
    // As many queries as the idle warps bring meanwhile, but at least those that are needed next.
    const int idle = WARPS - (end_slab - first_slab), end = loaded;
    if (j > first)
      loaded = min(part.first(j - KEYS) * SLAB, max(0, loaded - idle * PASSES * PASS_ROWS));
    if (warp >= first_slab && warp < end_slab)
      make_gradients(q_sum, tiles, p, warp, slope, part.position + warp * SLAB - j, magnitude,
                     least);
    else
      bring_queries(tiles, part, loaded, end,
                    warp < first_slab ? warp : warp - end_slab + first_slab, idle,
                    tiles.ranges + (turn ^ 1));
    __syncthreads();

    if (threadIdx.x == 0) tiles.ranges[turn] = {0, NO_ROW};
    if (WAIT_IN_REGISTERS) load_keys(j - KEYS), load_values(j - KEYS);
    constexpr int VALUE_JOBS = VALUE_PAD / 16, JOBS = VALUE_JOBS + DIM_PAD / 16;
    // Halves of the tile for each warp where there are enough warps.
    constexpr int MT = 2 * JOBS <= WARPS ? 1 : 2, HALVES = 2 / MT;
    const float unit = exact_power(-least);
#pragma unroll 1
    for (int job = warp; job < JOBS * HALVES; job += WARPS) {
      const int column = job / HALVES * 16, half = job % HALVES * 16, key = j + half;
      if (column < VALUE_PAD)
        sum_queries<VALUE_DIM, MT>(dv + (long)key * value_stride, value_stride, p.keys - key,
                                   j >= fresh, unit * exact_power(-WEIGHT_BITS),
                                   tiles.weights + half, tiles.gradients, column, first_slab,
                                   end_slab);
      else
        sum_queries<DIM, MT>(dk + (long)key * key_stride, key_stride, p.keys - key, j >= fresh,
                             unit * p.scale * exact_power(magnitude - 1) / OPERAND_SCALE,
                             tiles.score_gradients + half, tiles.q, column - VALUE_PAD,
                             first_slab, end_slab);
    }
    if (j > first) store(j - KEYS, tiles.ranges + (turn ^ 1));
    __syncthreads();
  }

#pragma unroll
  for (int r = 0; r < 2; r++) {
    const int row = warp * SLAB + lane_group() + 8 * r;
    if (row >= part.count) continue;
    const float unit = exact_power(-tiles.exponents[row]) * p.scale *
                       exact_power(magnitude - 1) / OPERAND_SCALE;
    float *target = dq + (part.row + (long)row * p.heads) * DIM;
#pragma unroll
    for (int n = 0; n < DIM_PAD / 8; n++)
      write_pair<DIM>(target, 8 * n + 2 * lane_in_group(), q_sum[n][2 * r] * unit,
                      q_sum[n][2 * r + 1] * unit);
  }

  // Keys that nobody sees.
  if (number > 0) return;
  const int first_seen = first_key(p, p.offset) / KEYS * KEYS;
  const int end_seen = (min(p.keys, p.offset + p.queries) + KEYS - 1) / KEYS * KEYS;
  for (int j = warp; j < p.keys; j += WARPS) {
    if (j >= first_seen && j < end_seen) continue;
    for (int c = threadIdx.x & 31; c < DIM; c += 32) dk[(long)j * key_stride + c] = 0;
    for (int c = threadIdx.x & 31; c < VALUE_DIM; c += 32) dv[(long)j * value_stride + c] = 0;
  }
}
