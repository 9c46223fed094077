// Causal softmax attention, forward, as in attention_halves.cu, for compute capability 9.0 and 128
// columns; after attention_groups.cuh. Elsewhere the file is empty.
//
// A block has 256 queries of a head, 64 by 64 in two slabs for its two groups of warps, and goes
// through the tiles of 64 keys that they see, so that short sequences are read once. Tiles are two
// in shared memory; the ring behind them is most of what is on its way. Tensor cores make products
// of one of a group's slabs of queries while weights of the other are made.

enum {
  SLABS = 2, QUERIES = SLABS * GROUPS * TILE, QUERY_PANEL = QUERIES * 128,
  // The ring of a warp: rows of two tensors at a time.
  STAGES = 6, STAGE_FLOATS = BATCH * 2 * DIM,
};

/// Barriers of the block, by number; those of tiles are two each.
enum { QUERIES_FULL = 1, QUERIES_EMPTY, TILE_FULL, TILE_EMPTY = TILE_FULL + 2 };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// What a block has in shared memory. Tiles of keys and of values are two.
struct GroupMemory {
  char *q, *k, *v;
  float *ring;

  DEVICE GroupMemory(char *memory) {
    const uint start = shared_address(memory);
    q = memory + (((start + 1023) & ~1023u) - start);
    k = q + PANELS * QUERY_PANEL;
    v = k + 2 * PANELS * PANEL;
    ring = (float *)(v + 2 * PANELS * PANEL);
  }
};

/// The queries of one head that a block has at a time, and the keys that they see. The last queries
/// of sequences see most keys: they come first.
struct Share {
  int sequence, head, key_head, count, start, position, first, end;

  DEVICE Share(const Attention &p, int number, int pairs) {
    const int tiles = (p.queries + QUERIES - 1) / QUERIES, pair = number % pairs;
    start = (tiles - 1 - number / pairs) * QUERIES;
    sequence = pair / p.heads, head = pair % p.heads;
    key_head = head / (p.heads / p.key_heads);
    count = min(QUERIES, p.queries - start);
    position = p.offset + start;
    first = first_key(p, position) / TILE * TILE;
    end = min(p.keys, position + count);
  }
};

/// One batch after the other in the order in which they are used: of each share its queries, then
/// its tiles of keys.
struct Course {
  const Attention p;
  const int pairs, shares;
  int number, key, batch;
  Share share;

  DEVICE Course(const Attention &p, int pairs, int shares)
      : p(p), pairs(pairs), shares(shares), number(blockIdx.x), key(-1), batch(0),
        share(p, number, pairs) {}
  DEVICE bool is_done() const { return number >= shares; }
  DEVICE bool has_queries() const { return key < 0; }
  DEVICE bool is_first() const { return batch == 0; }
  /// Queries come in the places of both tensors.
  DEVICE bool is_last() const {
    return batch == (has_queries() ? QUERIES / BATCH_ROWS / 2 : TILE / BATCH_ROWS) - 1;
  }
  DEVICE void advance() {
    if (!is_last()) batch++;
    else pass();
  }
  /// Goes on to what comes after these queries, or this tile.
  DEVICE void pass() {
    batch = 0;
    key = has_queries() ? share.first : key + TILE;
    if (key < share.end) return;
    key = -1, number += gridDim.x;
    share = Share(p, number, pairs);
  }
};

/// The warps that bring rows. A lane has some columns of one row of each batch, and reads from the
/// ring what it put there.
struct Bringer {
  const GroupMemory memory;
  const Attention p;
  const float *q, *k, *v;
  const int lane, warp;

  DEVICE float *stage(int number) const {
    return memory.ring + (warp * STAGES + number % STAGES) * STAGE_FLOATS +
           lane / LANES * 2 * DIM + lane % LANES * 4;
  }
  /// The lane's row in its tile; of queries, the first of two.
  DEVICE int row(const Course &now) const {
    return now.batch * BATCH_ROWS * (now.has_queries() ? 2 : 1) + warp * BATCH + lane / LANES;
  }

  /// Asks for a batch; each is one group of copies, also behind the last.
  DEVICE void ask(const Course &now, int number) const {
    if (!now.is_done()) {
      const Share &share = now.share;
      float *to = stage(number);
      const int columns = lane % LANES * 4;
      if (now.has_queries()) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int query = share.start + row(now) + i * BATCH_ROWS, last = p.queries - 1;
          const long at = row_of(share.sequence, p.queries, min(query, last), p.heads, share.head);
          ask_row(to + i * DIM, q + at * DIM + columns, query <= last);
        }
      } else {
        const int key = now.key + row(now), last = p.keys - 1;
        const long at = row_of(share.sequence, p.keys, min(key, last), p.key_heads, share.key_head);
        ask_row(to, k + at * DIM + columns, key <= last);
        ask_row(to + DIM, v + at * DIM + columns, key <= last);
      }
    }
    copy_commit();
  }

  /// All that will be asked for with these queries, or with this tile.
  DEVICE void bring_all_near(const Course &now) const {
    if (now.is_done() || lane > 0) return;
    const Share &share = now.share;
    if (now.has_queries()) {
      const int rows = QUERIES / BRINGERS, query = share.start + warp * rows;
      bring_near(q + row_of(share.sequence, p.queries, query, p.heads, share.head) * DIM,
                 min(rows, p.queries - query), p.heads);
    } else {
      const int rows = TILE / BRINGERS, key = now.key + warp * rows;
      const long at = row_of(share.sequence, p.keys, key, p.key_heads, share.key_head) * DIM;
      const int count = min(rows, p.keys - key);
      bring_near(k + at, count, p.key_heads);
      bring_near(v + at, count, p.key_heads);
    }
  }

  /// What has come becomes halves.
  DEVICE void keep(const Course &now, int number, int half) const {
    const float *from = stage(number);
    const int r = row(now);
#pragma unroll
    for (int i = 0; i < PIECES; i++, from += 4 * LANES) {
      const uint2 x = four_halves(*(const float4 *)from, OPERAND_SCALE);
      const uint2 y = four_halves(*(const float4 *)(from + DIM), OPERAND_SCALE);
      if (now.has_queries()) {
        put_columns(memory.q, QUERY_PANEL, r, lane, i, x);
        put_columns(memory.q, QUERY_PANEL, r + BATCH_ROWS, lane, i, y);
      } else {
        put_columns(memory.k + half * PANELS * PANEL, PANEL, r, lane, i, x);
        put_columns(memory.v + half * PANELS * PANEL, PANEL, r, lane, i, y);
      }
    }
  }

  DEVICE void run(int pairs, int shares) const {
    Course now(p, pairs, shares), ahead = now;
    bring_all_near(now);
    for (int i = 0; i < STAGES - 1; i++) {
      ask(ahead, i);
      if (!ahead.is_done()) ahead.advance();
    }
    int turns = 0, tiles = 0;
#pragma unroll 1
    for (int number = 0; !now.is_done(); number++, now.advance()) {
      ask(ahead, number + STAGES - 1);
      if (!ahead.is_done()) ahead.advance();
      copy_wait<STAGES - 1>();
      const bool queries = now.has_queries();
      if (now.is_first()) {
        Course after = now;
        after.pass();
        bring_all_near(after);
        if (queries && turns > 0) barrier_sync(QUERIES_EMPTY, THREADS);
        if (!queries && tiles > 1) barrier_sync(TILE_EMPTY + (tiles & 1), THREADS);
      }
      keep(now, number, tiles & 1);
      if (!now.is_last()) continue;
      written_for_products();
      if (queries) barrier_arrive(QUERIES_FULL, THREADS), turns++;
      else barrier_arrive(TILE_FULL + (tiles & 1), THREADS), tiles++;
    }
    // No barrier is left half full.
    if (turns > 0) barrier_sync(QUERIES_EMPTY, THREADS);
    if (tiles > 1) barrier_sync(TILE_EMPTY + (tiles & 1), THREADS);
    if (tiles > 0) barrier_sync(TILE_EMPTY + (tiles + 1 & 1), THREADS);
  }
};

/// The same number, but the compiler does not know that it is: what is computed of it is computed
/// again, and not kept in registers for long.
DEVICE int anew(int x) {
  asm volatile("" : "+r"(x));
  return x;
}

/// Writes a slab's outputs and the logarithms of its sums.
DEVICE void write_slab(const Attention &p, const Share &share, int row,
                       const float (&out)[PANELS * 8][4], const HalfSoftmax<TILE> &softmax,
                       float *o, float *log_sum) {
  const int t = lane_in_group();
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const int i = row + 8 * r;
    if (i >= share.count) continue;
    const float sum = softmax.sums[2 * r];
    if (t == 0)
      log_sum[((long)share.sequence * p.heads + share.head) * p.queries + share.start + i] =
          (softmax.most[r] - WEIGHT_BITS) * LN_2 + logf(sum);
    float *to = o + 4 * t +
                row_of(share.sequence, p.queries, share.start + i, p.heads, share.head) * DIM;
    const float norm = 1 / (OPERAND_SCALE * sum);
#pragma unroll
    for (int m = 0; m < PANELS * 4; m++) store_pack(to + 16 * m, columns_of(out, m, r, norm));
  }
}

/// A group of warps that multiplies.
struct Maker {
  const Attention p;
  const int group;
  const uint q_at;

  /// Where the group's queries of a slab begin: those of the second from the other end, so that both
  /// groups see as many tiles.
  DEVICE int slab_start(int slab) const {
    return (slab == 0 ? group : SLABS * GROUPS - 1 - group) * TILE;
  }
  /// The position of the first of them.
  DEVICE int first_query(const Share &share, int slab) const {
    return share.position + slab_start(slab);
  }
  /// Whether queries of the slab see keys of the tile.
  DEVICE bool sees(const Share &share, int slab, int j) const {
    const int first = first_query(share, slab);
    return first < share.position + share.count && j <= first + TILE - 1 &&
           first - (j + TILE - 1) < p.window;
  }
  DEVICE void start(float (&s)[TILE / 8][4], int slab, uint k_at) const {
    start_scores(s, q_at + slab_start(slab) * 128, QUERY_PANEL, k_at, PANEL);
    group_commit();
  }
  /// Scores of a slab become weights, as a left factor.
  DEVICE void weigh(uint (&weights)[TILE / 16][4], float (&s)[TILE / 8][4],
                    HalfSoftmax<TILE> &softmax, float (&out)[PANELS * 8][4], const Share &share,
                    int slab, int j, float slope) const {
    const float factor = p.scale * LOG2_E / (OPERAND_SCALE * OPERAND_SCALE);
    const int first = first_query(share, slab), last = first + TILE - 1;
    const int distance = first + threadIdx.x % GROUP / 32 * 16 + lane_group() - j;
    scale_scores<TILE / 8>(s, factor, slope, distance);
    // Whether all queries of the slab see all keys of the tile.
    const bool whole = j + TILE - 1 <= first && last - j < p.window;
    if (!whole) hide_keys<TILE / 8>(s, p.window, distance);
    softmax.add(s, out);
    to_factor(weights, s);
    softmax.add_sums(weights);
  }
  /// Adds a tile's values to a slab's outputs.
  DEVICE void add_tile(HalfSoftmax<TILE> &softmax, float (&out)[PANELS * 8][4], const Share &share,
                       int slab, int j, float slope, uint k_at, uint v_at) const {
    float s[TILE / 8][4];
    group_fence();
    start(s, slab, k_at);
    group_wait<0>();
    group_done(s);
    uint weights[TILE / 16][4];
    weigh(weights, s, softmax, out, share, slab, j, slope);
    group_fence();
    add_products(out, weights, v_at);
    group_commit();
    group_wait<0>();
    group_done(out);
  }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    grouped_attention(const float *q, const float *k, const float *v, const float *slopes, float *o,
                      float *log_sum, int pairs, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const GroupMemory memory(shared_bytes);
  const Attention p = ATTENTION;
  const int shares = pairs * ((p.queries + QUERIES - 1) / QUERIES);
  if (threadIdx.x >= MAKERS) {
    fewer_registers<32>();
    const Bringer bringer = {memory, p, q, k, v, (int)threadIdx.x & 31,
                             (int)(threadIdx.x - MAKERS) >> 5};
    bringer.run(pairs, shares);
    return;
  }
  more_registers<224>();
  // The same in all lanes of a warp, and known to be.
  const int warp = __shfl_sync(FULL_WARP, (int)threadIdx.x >> 5, 0), group = warp / 4;
  const Maker maker = {p, group, shared_address(memory.q)};
  int tiles = 0;
#pragma unroll 1
  for (int number = blockIdx.x; number < shares; number += gridDim.x) {
    const Share share(p, number, pairs);
    const float slope = slopes ? slopes[share.head] * LOG2_E : 0.0f;
    // This lane's rows are `row` and `row` + 8 of each slab.
    const int row = warp % 4 * 16 + lane_group();
    float out[SLABS][PANELS * 8][4] = {};
    HalfSoftmax<TILE> softmax[SLABS];
    barrier_sync(QUERIES_FULL, THREADS);
#pragma unroll 1
    for (int j = share.first; j < share.end; j += TILE, tiles++) {
      const int half = tiles & 1;
      const uint k_at = shared_address(memory.k) + half * PANELS * PANEL;
      const uint v_at = shared_address(memory.v) + half * PANELS * PANEL;
      barrier_sync(TILE_FULL + half, THREADS);
      const bool first = maker.sees(share, 0, j), second = maker.sees(share, 1, j);
      if (first && second) {
        // Tensor cores make one slab's products while the other's weights are made.
        float s[SLABS][TILE / 8][4];
        uint weights[SLABS][TILE / 16][4];
        group_fence();
        maker.start(s[0], 0, k_at);
        maker.start(s[1], 1, k_at);
        group_wait<1>();
        group_done(s[0]);
        maker.weigh(weights[0], s[0], softmax[0], out[0], share, 0, j, slope);
        group_fence();
        add_products(out[0], weights[0], v_at);
        group_commit();
        group_wait<1>();
        group_done(s[1]);
        maker.weigh(weights[1], s[1], softmax[1], out[1], share, 1, j, slope);
        group_fence();
        add_products(out[1], weights[1], v_at);
        group_commit();
        group_wait<0>();
        group_done(out[0]);
        group_done(out[1]);
      } else {
        if (first) maker.add_tile(softmax[0], out[0], share, 0, j, slope, k_at, v_at);
        if (second) maker.add_tile(softmax[1], out[1], share, 1, j, slope, k_at, v_at);
      }
      barrier_arrive(TILE_EMPTY + half, THREADS);
      // The first slab is done before the second: so it is on its way while that is computed.
      const int last = min(maker.first_query(share, 0) + TILE, share.end) - 1;
      if (last >= j && last < j + TILE)
        write_slab(p, Share(p, anew(number), pairs), maker.slab_start(0) + row, out[0], softmax[0],
                   o, log_sum);
    }
    barrier_arrive(QUERIES_EMPTY, THREADS);
    write_slab(p, Share(p, anew(number), pairs), maker.slab_start(1) + row, out[1], softmax[1], o,
               log_sum);
  }
}

#endif
