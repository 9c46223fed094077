// The gradients of causal softmax attention. The weights P are computed again from each row's
// log-sum-exp; with delta = rowsum(O dO), the gradient of the scores is dS = scale P (dO V' -
// delta) (Dao et al. 2022, "FlashAttention"). Then dV = P' dO, dK = dS' Q, dQ = dS K.
//
// `attention_backward_keys` takes key heads one at a time: for each tile of keys, all tiles of
// queries that see it, of all heads that share it, so that dK and dV are sums in registers and
// nothing is added by several blocks. It can make dQ too, where one block has all keys of a
// sequence: the same thread then adds to the same elements for one tile of keys after the other.
// Otherwise dQ is made by `attention_backward_queries`, which has to come first (it leaves the
// deltas): scores are computed twice, but there are more blocks.
//
// What both are made of stands in attention_gradients.cuh. Factors are TF32; this is for heads of
// more than 128 columns, and for sequences that are long and few, attention_halves_backward.cu for
// others.

extern "C" __global__ void __launch_bounds__(THREADS, BACKWARD_BLOCKS)
    attention_backward_queries(const float *q, const float *k, const float *v, const float *slopes,
                               const float *o, const float *log_sum, const float *d_o,
                               float *deltas, float *dq, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  const Tiles tiles(shared);
  const Attention p = ATTENTION;

  // The last queries of a sequence see most keys: they come first.
  const int count_of_tiles = (p.queries + TILE - 1) / TILE;
  const int start = (count_of_tiles - 1 - (int)(blockIdx.x % count_of_tiles)) * TILE;
  const long row = blockIdx.x / count_of_tiles;  // [batch, heads]
  const int head = row % p.heads, count = min(TILE, p.queries - start);
  const int position = p.offset + start;
  const long key_row = row / heads * keys * key_heads + head * p.key_heads / p.heads;
  const long query_row = (row / heads * queries + start) * heads + head;
  const float slope = slopes ? slopes[head] * LOG2_E : 0.0f;
  k += key_row * DIM;
  v += key_row * VALUE_DIM;

  int j = first_key(p, position) / TILE * TILE;
  const int end = min(p.keys, position + count);
  bring_rows<TILE, DIM, THREADS>(tiles.q, q + query_row * DIM, heads * DIM, count);
  bring_rows<TILE, VALUE_DIM, THREADS>(tiles.gradients, d_o + query_row * VALUE_DIM,
                                       heads * VALUE_DIM, count);
  Rows<TILE, DIM, THREADS> next_keys;
  Rows<TILE, VALUE_DIM, THREADS> next_values;
  next_keys.load(k + j * key_heads * DIM, key_heads * DIM, p.keys - j);
  next_values.load(v + j * key_heads * VALUE_DIM, key_heads * VALUE_DIM, p.keys - j);
  make_deltas(tiles.deltas, o + query_row * VALUE_DIM, d_o + query_row * VALUE_DIM,
              heads * VALUE_DIM, count, deltas + row * queries + start);
  for (int r = threadIdx.x; r < TILE; r += THREADS)
    tiles.log_sums[r] = r < count ? log_sum[row * queries + start + r] * LOG2_E : INFINITE;
  round_rows<TILE, DIM, THREADS>(tiles.q);
  round_rows<TILE, VALUE_DIM, THREADS>(tiles.gradients);

  using S = Share<DIM_PAD>;
  float sum[S::MT][S::NT][4] = {};
  for (; j < end; j += TILE) {
    next_keys.store(tiles.k);
    next_values.store(tiles.v);
    const int more = j + TILE < end ? p.keys - j - TILE : 0;
    next_keys.load(k + (j + TILE) * key_heads * DIM, key_heads * DIM, more);
    next_values.load(v + (j + TILE) * key_heads * VALUE_DIM, key_heads * VALUE_DIM, more);
    __syncthreads();
    make_score_gradients<false>(tiles, p, slope, position - j);
    __syncthreads();
    const int seen = min(TILE, position - j + S::row() + 8 * S::NT);
    if (S::has_one()) add_keys(sum, tiles.score_gradients, tiles.k, seen);
    __syncthreads();
  }
  write_share<DIM>(dq + query_row * DIM, heads * DIM, count, sum);
}

/// The queries that a block goes through for one tile of keys: tiles first ..< end of each head
/// that shares the key head.
struct QuerySteps {
  int first, count, heads;

  DEVICE QuerySteps(const Attention &p, int key) {
    const long end = min((long)p.queries, (long)key + TILE - 1 + p.window - p.offset);
    first = max(0, key - p.offset) / TILE;
    count = max(0, (int)((max(end, 0L) + TILE - 1) / TILE) - first);
    heads = p.heads / p.key_heads;
  }
  DEVICE int total() const { return count * heads; }
  DEVICE int head(int step) const { return step / count; }
  DEVICE int start(int step) const { return (first + step % count) * TILE; }
};

extern "C" __global__ void __launch_bounds__(THREADS, BACKWARD_BLOCKS)
    attention_backward_keys(const float *q, const float *k, const float *v, const float *slopes,
                            const float *o, const float *log_sum, const float *d_o, float *deltas,
                            float *dq, float *dk, float *dv, long tiles_per_block,
                            ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  const Tiles tiles(shared);
  const Attention p = ATTENTION;
  const int count_of_tiles = (p.keys + TILE - 1) / TILE;
  const int parts = (count_of_tiles + tiles_per_block - 1) / tiles_per_block;
  const int first_tile = blockIdx.x % parts * (int)tiles_per_block;
  const int end_tile = min(count_of_tiles, first_tile + (int)tiles_per_block);
  const long sequence = blockIdx.x / parts / key_heads;
  const int key_head = blockIdx.x / parts % key_heads;

  using K = Share<DIM_PAD>;
  using V = Share<VALUE_PAD>;
  for (int j = first_tile * TILE; j < end_tile * TILE; j += TILE) {
    const long key_row = (sequence * keys + j) * key_heads + key_head;
    const QuerySteps steps(p, j);
    Rows<TILE, DIM, THREADS> next_q;
    Rows<TILE, VALUE_DIM, THREADS> next_gradients;
    // None behind the last step, but always a load: else the registers would be kept for long.
    const auto load = [&](int step) {
      if (step >= steps.total()) {
        next_q.load(q, 0, 0);
        next_gradients.load(d_o, 0, 0);
        return;
      }
      const int start = steps.start(step), head = key_head * steps.heads + steps.head(step);
      const long row = (sequence * queries + start) * heads + head;
      next_q.load(q + row * DIM, heads * DIM, p.queries - start);
      next_gradients.load(d_o + row * VALUE_DIM, heads * VALUE_DIM, p.queries - start);
    };
    if (steps.total() > 0) {
      bring_rows<TILE, DIM, THREADS>(tiles.k, k + key_row * DIM, key_heads * DIM, p.keys - j);
      bring_rows<TILE, VALUE_DIM, THREADS>(tiles.v, v + key_row * VALUE_DIM,
                                           key_heads * VALUE_DIM, p.keys - j);
      const int start = steps.start(0);
      const long row = (sequence * queries + start) * heads + key_head * steps.heads;
      bring_rows<TILE, DIM, THREADS>(tiles.q, q + row * DIM, heads * DIM, p.queries - start);
      bring_rows<TILE, VALUE_DIM, THREADS>(tiles.gradients, d_o + row * VALUE_DIM,
                                           heads * VALUE_DIM, p.queries - start);
    }

    float k_sum[K::MT][K::NT][4] = {}, v_sum[V::MT][V::NT][4] = {};
    for (int step = 0; step < steps.total(); step++) {
      const int start = steps.start(step), head = key_head * steps.heads + steps.head(step);
      const int count = min(TILE, p.queries - start), distance = p.offset + start - j;
      const long row = (sequence * queries + start) * heads + head;
      const long sums = (sequence * heads + head) * queries + start;
      // Whether these queries see no keys of former tiles.
      const bool fresh = dq && first_key(p, p.offset + start) >= j;
      // All that comes from afar is asked for before anything is waited for.
      const int r = threadIdx.x;
      float log_sum_of_row = INFINITE, delta = 0;
      if (r < count) {
        log_sum_of_row = log_sum[sums + r] * LOG2_E;
        if (!fresh) delta = deltas[sums + r];
      }
      if (fresh)
        make_deltas(tiles.deltas, o + row * VALUE_DIM, d_o + row * VALUE_DIM, heads * VALUE_DIM,
                    count, deltas + sums);
      if (step == 0) {
        round_rows<TILE, DIM, THREADS>(tiles.k);
        round_rows<TILE, VALUE_DIM, THREADS>(tiles.v);
        round_rows<TILE, DIM, THREADS>(tiles.q);
        round_rows<TILE, VALUE_DIM, THREADS>(tiles.gradients);
      } else {
        next_q.store(tiles.q);
        next_gradients.store(tiles.gradients);
      }
      if (r < TILE) {
        tiles.log_sums[r] = log_sum_of_row;
        if (!fresh) tiles.deltas[r] = delta;
      }
      load(step + 1);
      __syncthreads();
      make_score_gradients<true>(tiles, p, slopes ? slopes[head] * LOG2_E : 0.0f, distance);
      __syncthreads();

      float q_sum[K::MT][K::NT][4] = {};
      if (dq && !fresh) read_share<DIM>(dq + row * DIM, heads * DIM, count, q_sum);
      // Queries before their keys add nothing.
      const int k_first = max(0, K::row() - distance) / 32 * 32;
      const int v_first = max(0, V::row() - distance) / 32 * 32;
      if (V::has_one()) add_transposed<VALUE_PAD>(v_sum, tiles.weights, tiles.gradients, v_first);
      if (K::has_one()) add_transposed<DIM_PAD>(k_sum, tiles.score_gradients, tiles.q, k_first);
      if (dq) {
        const int seen = min(TILE, distance + K::row() + 8 * K::NT);
        if (K::has_one()) add_keys(q_sum, tiles.score_gradients, tiles.k, seen);
        write_share<DIM>(dq + row * DIM, heads * DIM, count, q_sum);
      }
      __syncthreads();
    }
    write_share<DIM>(dk + key_row * DIM, key_heads * DIM, p.keys - j, k_sum);
    write_share<VALUE_DIM>(dv + key_row * VALUE_DIM, key_heads * VALUE_DIM, p.keys - j, v_sum);
  }
}
