// For grouped_attention_backward.cu, where queries, keys and values are halves (HALVES): the warps that bring
// rows; after attention_group_gradients.cuh.
//
// What is halves already comes right where it is used. dO and o come to the ring, as many batches ahead as
// it holds, and become halves and numbers from there.

#if HALVES

/// Four numbers of shared memory, where this stands: there are no registers to keep more of them in.
DEVICE float4 read_four_now(const float *x) {
  float4 y;
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(y.x), "=f"(y.y), "=f"(y.z), "=f"(y.w)
               : "r"(shared_address(x))
               : "memory");
  return y;
}

/// The tiles of queries that are brought, in the order of `Pass`: for each block of keys, from the last on,
/// but for those that are kept.
struct Walk {
  const Attention p;
  int block, key, start;

  DEVICE Walk(const Attention &p, int block) : p(p), block(block), key(p.keys - BLOCK_KEYS) {
    start = key;
  }
  DEVICE bool has_last_keys() const { return key + BLOCK_KEYS == p.keys; }
  /// The first tile for these keys.
  DEVICE int first() const {
    const int other = key + 2 * BLOCK_KEYS;
    return other < p.keys ? other : key;
  }
  /// Whether deltas of the queries are known from a visit before.
  DEVICE bool is_known() const { return start >= key + BLOCK_KEYS && p.queries <= KNOWN; }
  DEVICE void advance() {
    start += TILE;
    if (start == key + BLOCK_KEYS) {
      key -= BLOCK_KEYS;
      if (key < 0) block += gridDim.x, key = p.keys - BLOCK_KEYS, start = key;
      else start = first();
    } else if (start == p.keys) {
      start = key;
    }
  }
};

/// The warps that bring rows. Where deltas of queries are known, only dO is asked for, and two rows of a
/// lane's come as one otherwise does with o.
struct Bringer {
  const GroupMemory memory;
  const Attention p;
  const float *q, *k, *v, *o, *log_sum, *d_o;
  const int lane, warp, blocks;

  /// What is asked for next: where the lane's columns of a row are, the number of the row, and the row in
  /// its tile.
  struct Ahead {
    Walk walk;
    int at, number, row, slot;
  };

  /// The lane's row of a batch: those of a warp are such that their pieces lie in different banks.
  DEVICE int first_row() const {
    const int i = lane / LANES;
    return warp / 2 * 8 + warp % 2 * 2 + (i & 1) + (i & 2) * 2;
  }
  /// Where the lane's first columns of a row are in the ring, those of a second tensor or row DIM behind.
  DEVICE float *stage(int slot) const {
    return memory.ring + (warp * STAGES + slot) * STAGE_FLOATS + lane / LANES * 2 * DIM +
           lane % LANES * 4;
  }
  /// The row's logarithm; that of a second row is BATCH behind.
  DEVICE float *stage_number(int slot) const {
    return memory.ring + (warp * STAGES + slot) * STAGE_FLOATS + BATCH * 2 * DIM + lane / LANES;
  }
  DEVICE static int following(int slot) { return slot + 1 < STAGES ? slot + 1 : 0; }

  /// Goes to the first row of a tile.
  DEVICE void find(Ahead &ahead) const {
    const int sequence = ahead.walk.block / p.heads, head = ahead.walk.block % p.heads;
    const int query = ahead.walk.start + first_row();
    ahead.row = 0;
    ahead.at = ((sequence * p.queries + query) * p.heads + head) * DIM + lane % LANES * 4;
    ahead.number = ahead.walk.block * p.queries + query;
  }
  /// Asks for a batch; each is one group of copies, also behind the last.
  DEVICE void ask(Ahead &ahead) const {
    if (ahead.walk.block < blocks) {
      const bool known = ahead.walk.is_known();
      const int below = BATCH_ROWS * p.heads * DIM;
      const float *gradient = d_o + ahead.at, *other = known ? gradient + below : o + ahead.at;
      float *to = stage(ahead.slot), *to_number = stage_number(ahead.slot);
      ask_row(to, gradient, true);
      ask_row(to + DIM, other, true);
      if (lane % LANES == 0) {
        copy_float_async(to_number, log_sum + ahead.number);
        if (known) copy_float_async(to_number + BATCH, log_sum + ahead.number + BATCH_ROWS);
      }
      ahead.slot = following(ahead.slot);
      ahead.row += known ? 2 * BATCH_ROWS : BATCH_ROWS;
      ahead.at += known ? 2 * below : below;
      ahead.number += known ? 2 * BATCH_ROWS : BATCH_ROWS;
      if (ahead.row == TILE) ahead.walk.advance(), find(ahead);
    }
    copy_commit();
  }

  /// Asks for so many rows of a head from one of a sequence's tokens on.
  DEVICE void ask_panels(char *to, int panel_bytes, const float *from, int block, int token, int count,
                         uint barrier) const {
    copy_panels(shared_address(to), panel_bytes, from, (long)(blocks / p.heads) * p.keys,
                block / p.heads * p.keys + token, block % p.heads, count, barrier);
  }
  /// Asks for a block of keys and their values when there is a place for them.
  DEVICE void bring_keys(const Walk &now) const {
    if (warp > 0) return;
    barrier_sync(KEYS_EMPTY, KEY_THREADS);
    if (lane > 0) return;
    const uint barrier = memory.key_barrier();
    barrier_expect(barrier, 2 * PANELS * KEY_PANEL);
    ask_panels(memory.k, KEY_PANEL, k, now.block, now.key, BLOCK_KEYS, barrier);
    ask_panels(memory.v, KEY_PANEL, v, now.block, now.key, BLOCK_KEYS, barrier);
  }

  /// A row of dO becomes halves, and what else is known of it is written; that of o lies behind it if delta
  /// is not known. Only the lane that asked for the row's logarithm reads it: others do not wait for it.
  DEVICE void keep(int start, const float *gradient, bool known, const float *log_sum, int r,
                   int half, float &most, int &least) const {
    float size = 0;
#pragma unroll
    for (int i = 0; i < PIECES; i++) {
      const float4 y = *(const float4 *)(gradient + 4 * LANES * i);
      size += fabsf(y.x) + fabsf(y.y) + fabsf(y.z) + fabsf(y.w);
    }
    size = group_sum<LANES>(size);
    const int exponent = min(NO_ROW, 13 - bits_before_point(__float_as_int(size)));
    float delta = 0;
#pragma unroll
    for (int i = 0; i < PIECES; i++) {
      // dO is rounded as it is in dO V', because where a row sees one key only, or nearly so, the
      // two cancel, and a difference of their roundings would be all that remained.
      const float4 y = read_four_now(gradient + 4 * LANES * i);
      const uint2 halves = four_halves(y, exact_power(exponent));
      put_columns(memory.gradients + half * PANELS * PANEL, PANEL, r, lane, i, halves);
      if (known) continue;
      const float2 upper = two_floats(halves.x), lower = two_floats(halves.y);
      const float4 z = read_four_now(gradient + DIM + 4 * LANES * i);
      delta += z.x * upper.x + z.y * upper.y + z.z * lower.x + z.w * lower.y;
      most = fmaxf(most, greatest(z));
    }
    if (!known) delta = group_sum<LANES>(delta);
    if (lane % LANES == 0) {
      // The lane is the one that had the row before.
      float *place = memory.deltas + start + r;
      if (known) delta = *place;
      else if (p.queries <= KNOWN) *place = delta;
      TileNumbers &numbers = memory.numbers[half];
      numbers.log_sums[r] = *log_sum * LOG2_E - WEIGHT_BITS;
      numbers.deltas[r] = delta * OPERAND_SCALE;
      numbers.exponents[r] = exponent;
    }
    least = min(least, exponent);
  }

  DEVICE void run() const {
    Walk now(p, blockIdx.x);
    Ahead ahead = {now, 0, 0, 0, 0};
    find(ahead);
#pragma unroll 1
    for (int i = 0; i < STAGES - 1; i++) ask(ahead);
    int half = 0, slot = 0;
    // What is known of earlier tiles includes their greatest |o|: it stays for a sequence.
    float most = 0;
#pragma unroll 1
    for (; now.block < blocks; now.advance(), half ^= 1) {
      const bool is_first = now.has_last_keys() && now.start == now.key, known = now.is_known();
      if (!now.has_last_keys() && now.start == now.first()) bring_keys(now);
      barrier_sync(TILE_EMPTY + half, THREADS);
      if (warp == 0 && lane == 0) {
        barrier_expect(memory.query_barrier(half), PANELS * PANEL);
        ask_panels(memory.q + half * PANELS * PANEL, PANEL, q, now.block, now.start, TILE,
                   memory.query_barrier(half));
      }
      if (is_first) most = 0;
      int least = NO_ROW;
#pragma unroll 1
      for (int r = first_row(); r < TILE; r += BATCH_ROWS) {
        const bool is_second = known && r & BATCH_ROWS;
        if (!is_second) {
          ask(ahead);
          copy_wait<STAGES - 1>();
        }
        keep(now.start, stage(slot) + (is_second ? DIM : 0), known,
             stage_number(slot) + (is_second ? BATCH : 0), r, half, most, least);
        if (!known || is_second) slot = following(slot);
      }
      const int bits = __reduce_max_sync(FULL_WARP, __float_as_int(most));
      least = __reduce_min_sync(FULL_WARP, least);
      if (lane == 0) {
        memory.numbers[half].greatest[warp] = bits;
        memory.numbers[half].least[warp] = least;
      }
      written_for_products();
      barrier_arrive(TILE_FULL + half, THREADS);
      // A tile may come before the keys, while those of the sequence before are in use.
      if (is_first) bring_keys(now);
    }
    // No barrier is left half full.
    if (warp == 0) barrier_sync(KEYS_EMPTY, KEY_THREADS);
    barrier_sync(TILE_EMPTY, THREADS);
    barrier_sync(TILE_EMPTY + 1, THREADS);
  }
};

#endif
