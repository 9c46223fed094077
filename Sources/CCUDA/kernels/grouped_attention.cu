// Causal softmax attention, forward, as in attention_halves.cu, for compute capability 9.0 and 128
// columns; after attention_groups.cuh. Elsewhere the file is empty.
//
// A block has 256 queries of a head, 64 by 64 by turns for its two groups of warps, and goes
// through the tiles of 64 keys that they see, so that short sequences are read once. Tiles are two
// in shared memory; the ring behind them is most of what is on its way.
//
// Constant: HALVES, whether queries, keys and values are halves as in attention_groups.cuh. One warp
// brings them then, and tiles are five, without a ring.

enum {
  SLABS = 2, QUERIES = SLABS * GROUPS * TILE, QUERY_PANEL = QUERIES * 128,
  // The ring of a warp: rows of two tensors at a time.
  STAGES = 6, STAGE_FLOATS = BATCH * 2 * DIM,
  TILES = HALVES ? 5 : 2,
  // Who waits for each other: all but the warps that only give their registers away.
  WAITERS = HALVES ? MAKERS + 32 : THREADS,
};

/// Barriers of the block, by number; those of tiles are several.
enum { QUERIES_FULL = 1, QUERIES_EMPTY, TILE_EMPTY, TILE_FULL = TILE_EMPTY + TILES };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// What a block has in shared memory; `barriers` are those of the tiles and of the queries.
struct GroupMemory {
  char *q, *k, *v;
  float *ring;
  uint barriers;

  DEVICE GroupMemory(char *memory) {
    const uint start = shared_address(memory);
    q = memory + (((start + 1023) & ~1023u) - start);
    k = q + PANELS * QUERY_PANEL;
    v = k + TILES * PANELS * PANEL;
    ring = (float *)(v + TILES * PANELS * PANEL);
    barriers = shared_address(ring);
  }
  /// The barriers that wait for bytes.
  DEVICE uint tile_barrier(int tile) const { return barriers + 8 * tile; }
  DEVICE uint query_barrier() const { return barriers + 8 * TILES; }
};

/// The queries of one head that a block has at a time, and the keys that they see. The last queries
/// of sequences see most keys: they come first.
struct Share {
  int head, key_head, count, start, position, first, end;
  long sequence;

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

#if HALVES

/// The warp that asks for rows. Places of tiles are asked for in turn, those of the next share before its
/// queries, for whose place all of the share before has to be done.
struct Bringer {
  const GroupMemory memory;
  const Attention p;
  const float *q, *k, *v;
  const long sequences;

  DEVICE void ask_queries(const Share &share) const {
    if (threadIdx.x % 32 != 0) return;
    barrier_expect(memory.query_barrier(), PANELS * share.count * 128);
    copy_panels(shared_address(memory.q), QUERY_PANEL, q, sequences * p.queries,
                share.sequence * p.queries + share.start, share.head, share.count,
                memory.query_barrier());
  }
  DEVICE void ask_tile(const Share &share, int key, int tile) const {
    if (threadIdx.x % 32 != 0) return;
    const uint barrier = memory.tile_barrier(tile), at = tile * PANELS * PANEL;
    const long row = share.sequence * p.keys + key;
    barrier_expect(barrier, 2 * PANELS * PANEL);
    copy_panels(shared_address(memory.k) + at, PANEL, k, sequences * p.keys, row, share.key_head,
                TILE, barrier);
    copy_panels(shared_address(memory.v) + at, PANEL, v, sequences * p.keys, row, share.key_head,
                TILE, barrier);
  }

  DEVICE void run(int pairs, int shares) const {
    int tile = 0, used = 0;
    bool is_first = true;
#pragma unroll 1
    for (int number = blockIdx.x; number < shares; number += gridDim.x) {
      const Share share(p, number, pairs);
      if (is_first) ask_queries(share);
      // The last tile whose place is free without these queries.
      const int last = min(share.first + (TILES - 1) * TILE, share.end - TILE);
#pragma unroll 1
      for (int key = share.first; key < share.end; key += TILE) {
        if (used == TILES) barrier_sync(TILE_EMPTY + tile, WAITERS);
        else used++;
        ask_tile(share, key, tile);
        tile = tile + 1 < TILES ? tile + 1 : 0;
        if (key != last || is_first) continue;
        barrier_sync(QUERIES_EMPTY, WAITERS);
        ask_queries(share);
      }
      is_first = false;
    }
    // No barrier is left half full.
    if (!is_first) barrier_sync(QUERIES_EMPTY, WAITERS);
    for (int i = 0; i < used; i++) barrier_sync(TILE_EMPTY + i, WAITERS);
  }
};

#else

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
    if (!is_last()) {
      batch++;
      return;
    }
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

#endif

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
      log_sum[(share.sequence * p.heads + share.head) * p.queries + share.start + i] =
          (softmax.most[r] - WEIGHT_BITS) * LN_2 + logf(sum);
    float *to = o + 4 * t +
                row_of(share.sequence, p.queries, share.start + i, p.heads, share.head) * DIM;
    const float norm = 1 / (OPERAND_SCALE * sum);
#pragma unroll
    for (int m = 0; m < PANELS * 4; m++) store_pack(to + 16 * m, columns_of(out, m, r, norm));
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    grouped_attention(const float *q, const float *k, const float *v, const float *slopes, float *o,
                      float *log_sum, int pairs, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const GroupMemory memory(shared_bytes);
  const Attention p = ATTENTION;
  const int shares = pairs * ((p.queries + QUERIES - 1) / QUERIES);
#if HALVES
  if (threadIdx.x == 0) {
    for (int i = 0; i <= TILES; i++) barrier_start(memory.barriers + 8 * i);
    barrier_start_done();
  }
  __syncthreads();
  if (threadIdx.x >= MAKERS) {
    fewer_registers<24>();
    const Bringer bringer = {memory, p, q, k, v, pairs / p.heads};
    if (threadIdx.x < WAITERS) bringer.run(pairs, shares);
    return;
  }
  more_registers<240>();
#else
  if (threadIdx.x >= MAKERS) {
    fewer_registers<32>();
    const Bringer bringer = {memory, p, q, k, v, (int)threadIdx.x & 31,
                             (int)(threadIdx.x - MAKERS) >> 5};
    bringer.run(pairs, shares);
    return;
  }
  more_registers<224>();
#endif
  // The same in all lanes of a warp, and known to be.
  const int warp = __shfl_sync(FULL_WARP, (int)threadIdx.x >> 5, 0), group = warp / 4;
  const float factor = scale * LOG2_E / (OPERAND_SCALE * OPERAND_SCALE);
  const uint q_at = shared_address(memory.q) + group * PANEL;
  int tile = 0, turn = 0, query_turn = 0;
#pragma unroll 1
  for (int number = blockIdx.x; number < shares; number += gridDim.x) {
    const Share share(p, number, pairs);
    const float slope = slopes ? slopes[share.head] * LOG2_E : 0.0f;
    // This lane's rows are `row` and `row` + 8 of each slab.
    const int row = warp * 16 + lane_group();
    float out[SLABS][PANELS * 8][4] = {};
    HalfSoftmax<TILE> softmax[SLABS];
    if (HALVES) barrier_wait(memory.query_barrier(), query_turn), query_turn ^= 1;
    else barrier_sync(QUERIES_FULL, WAITERS);
#pragma unroll 1
    for (int j = share.first; j < share.end; j += TILE) {
      const uint k_at = shared_address(memory.k) + tile * PANELS * PANEL;
      const uint v_at = shared_address(memory.v) + tile * PANELS * PANEL;
      if (HALVES) barrier_wait(memory.tile_barrier(tile), turn);
      else barrier_sync(TILE_FULL + tile, WAITERS);
#pragma unroll
      for (int slab = 0; slab < SLABS; slab++) {
        const int start = (slab * GROUPS + group) * TILE, first = share.position + start;
        const int last = first + TILE - 1;
        if (start >= share.count || j > last || first - (j + TILE - 1) >= p.window) continue;
        float s[TILE / 8][4];
        group_fence();
        start_scores(s, q_at + slab * GROUPS * PANEL, QUERY_PANEL, k_at, PANEL);
        group_commit();
        group_wait<0>();
        group_done(s);
        const int distance = share.position + slab * GROUPS * TILE + row - j;
        scale_scores<TILE / 8>(s, factor, slope, distance);
        // Whether all queries of the slab see all keys of the tile.
        const bool whole = j + TILE - 1 <= first && last - j < p.window;
        if (!whole) hide_keys<TILE / 8>(s, p.window, distance);
        softmax[slab].add(s, out[slab]);
        uint weights[TILE / 16][4];
        to_factor(weights, s);
        softmax[slab].add_sums(weights);
        group_fence();
        add_products(out[slab], weights, v_at);
        group_commit();
        group_wait<0>();
        group_done(out[slab]);
      }
      barrier_arrive(TILE_EMPTY + tile, WAITERS);
      if (++tile == TILES) tile = 0, turn ^= 1;
    }
    barrier_arrive(QUERIES_EMPTY, WAITERS);
#pragma unroll
    for (int slab = 0; slab < SLABS; slab++)
      write_slab(p, share, slab * GROUPS * TILE + row, out[slab], softmax[slab], o, log_sum);
  }
}

#endif
