// For grouped_attention_backward.cu: what a block has in shared memory, and the warps that bring it
// there; after attention_groups.cuh. Ranges are those of attention_halves_gradients.cuh.
//
// Constant: HALVES, whether queries, keys and values are halves as in attention_groups.cuh. Attention is
// plain then, and the warps that bring rows are those of attention_panel_gradients.cuh.

enum {
  BLOCK_KEYS = GROUPS * TILE, KEY_PANEL = BLOCK_KEYS * 128,
  // Queries of a sequence whose deltas are kept.
  KNOWN = 1024,
  // The ring of a warp: rows of two or three tensors at a time, and a number of each row, padded.
  STAGES = HALVES ? 4 : 3, STAGE_FLOATS = HALVES ? BATCH * (2 * DIM + 2) : BATCH * 3 * DIM + 4,
  // Who waits for the keys' place; warps that look for the greatest value.
  KEY_THREADS = HALVES ? MAKERS + 32 : THREADS, VALUE_WARPS = HALVES ? MAKERS / 32 : BRINGERS,
};

/// Barriers of the block, by number; those of tiles are two each.
enum {
  KEYS_FULL = 1, KEYS_EMPTY, TILE_FULL, TILE_EMPTY = TILE_FULL + 2, MADE = TILE_EMPTY + 2, USED,
};

/// What is known of a tile's queries, and of its rows from each of the warps that brought them.
struct TileNumbers {
  /// Of base 2 and less WEIGHT_BITS; as they stand in products.
  float log_sums[TILE], deltas[TILE];
  int exponents[TILE], greatest[BRINGERS], least[BRINGERS];
};

/// What a block has in shared memory. Tiles of queries are two; scores' gradients are [key][query];
/// deltas are those of a sequence's queries, where attention is plain. `barriers` are that of the keys
/// and those of the tiles' queries, where they are halves.
struct GroupMemory {
  char *k, *v, *q, *gradients, *scores;
  TileNumbers *numbers;
  int (*greatest_value)[VALUE_WARPS];
  float *deltas, *ring;
  uint barriers;

  DEVICE GroupMemory(char *memory) {
    const uint start = shared_address(memory);
    k = memory + (((start + 1023) & ~1023u) - start);
    v = k + PANELS * KEY_PANEL;
    q = v + PANELS * KEY_PANEL;
    gradients = q + 2 * PANELS * PANEL;
    scores = gradients + 2 * PANELS * PANEL;
    numbers = (TileNumbers *)(scores + BLOCK_KEYS * 128);
    greatest_value = (int(*)[VALUE_WARPS])(numbers + 2);
    barriers = shared_address(greatest_value + 1);
    deltas = (float *)(greatest_value + 1) + (HALVES ? 8 : 0);
    ring = deltas + KNOWN;
  }
  DEVICE uint key_barrier() const { return barriers; }
  DEVICE uint query_barrier(int half) const { return barriers + 8 + 8 * half; }
};

/// Whether a sequence attends to all of its past, with as many heads of keys as of queries.
DEVICE bool is_plain(const Attention &p) {
  if (HALVES) return true;
  return p.offset == 0 && p.queries == p.keys && p.heads == p.key_heads && p.window >= p.keys;
}

/// The tiles of queries that see some of a block's keys, in the order in which they are visited:
/// their first queries are TILE apart.
///
/// Those that keys behind these have seen come first, so that what is visited again was used a
/// short while ago. Where attention is plain, the first two are the last two of the pass before,
/// and still in shared memory.
struct Pass {
  int first, end, begin, kept;

  DEVICE Pass(const Attention &p, int key) {
    first = max(0, key - p.offset) / TILE * TILE;
    const int last = key + BLOCK_KEYS - 1 - p.offset;
    end = p.window < p.queries - last ? last + p.window : p.queries;
    const int seen_before = max(0, key + BLOCK_KEYS - p.offset) / TILE * TILE;
    begin = seen_before < end ? seen_before : first;
    const int last_key = (p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS;
    // The first pass may have had one tile only.
    const bool has_two = key + BLOCK_KEYS < last_key || p.queries - last_key > TILE;
    kept = is_plain(p) && key < last_key && has_two ? 2 : 0;
  }
  /// The tile after this one; behind the last, the first of them.
  DEVICE int next(int start) const { return start + TILE < end ? start + TILE : first; }
  DEVICE bool is_empty() const { return first >= end; }
};

#if !HALVES

/// One batch after the other in the order in which they are used: all blocks of keys from the last,
/// and for each all tiles of queries that see it, but those that are kept. If none are, the first
/// tile comes before the keys, because there is a place for it while those before are in use.
struct Course {
  const Attention p;
  const int blocks;
  int block, key, head, start, batch;
  /// 0 before the keys, 1 with them, 2 behind.
  int phase;

  DEVICE Course(const Attention &p, int blocks)
      : p(p), blocks(blocks), block(blockIdx.x) {
    enter((p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS);
  }
  DEVICE bool is_done() const { return block >= blocks; }
  /// Whether keys are next, not queries.
  DEVICE bool has_keys() const { return phase == 1; }
  /// Whether these are queries whose deltas are known from a visit before.
  DEVICE bool is_known() const {
    return is_plain(p) && p.queries <= KNOWN && !has_keys() && start >= key + BLOCK_KEYS;
  }
  DEVICE bool is_first() const { return batch == 0; }
  DEVICE bool is_last() const { return batch == (has_keys() ? BLOCK_KEYS : TILE) / BATCH_ROWS - 1; }

  DEVICE void advance() {
    if (!is_last()) {
      batch++;
      return;
    }
    batch = 0;
    const Pass pass(p, key);
    if (phase == 1) {
      phase = 2;
    } else {
      start = pass.next(start);
      if (start == pass.begin) head++;
      if (++phase == 1) return;
      phase = 2;
    }
    if (head < p.heads / p.key_heads && !pass.is_empty()) return;
    if (key > 0) {
      enter(key - BLOCK_KEYS);
    } else {
      block += gridDim.x;
      enter((p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS);
    }
  }

 private:
  DEVICE void enter(int new_key) {
    key = new_key;
    const Pass pass(p, key);
    head = 0, start = pass.begin, batch = 0;
    phase = pass.is_empty() || pass.kept > 0 ? 1 : 0;
    if (pass.kept > 0) start = pass.next(pass.next(start));
  }
};

/// The warps that bring rows. A lane has some columns of one row of each batch, and reads from the
/// ring what it put there.
struct Bringer {
  const GroupMemory memory;
  const Attention p;
  const float *q, *k, *v, *o, *log_sum, *d_o;
  const int lane, warp, blocks;

  /// Where the lane's first columns of the row are in the ring.
  DEVICE float *stage(int number) const {
    return memory.ring + (warp * STAGES + number % STAGES) * STAGE_FLOATS +
           lane / LANES * 3 * DIM + lane % LANES * 4;
  }
  DEVICE float *stage_number(int number) const {
    return memory.ring + (warp * STAGES + number % STAGES) * STAGE_FLOATS + BATCH * 3 * DIM +
           lane / LANES;
  }
  /// The lane's row in its tile.
  DEVICE int row(const Course &now) const {
    return now.batch * BATCH_ROWS + warp * BATCH + lane / LANES;
  }

  /// Asks for a batch; each is one group of copies, also behind the last.
  DEVICE void ask(const Course &now, int number) const {
    if (!now.is_done()) {
      float *to = stage(number);
      const int sequence = now.block / p.key_heads, key_head = now.block % p.key_heads;
      if (now.has_keys()) {
        const int key = now.key + row(now), last = p.keys - 1;
        const long at = row_of(sequence, p.keys, min(key, last), p.key_heads, key_head) * DIM +
                        lane % LANES * 4;
        ask_row(to, k + at, key <= last);
        ask_row(to + DIM, v + at, key <= last);
      } else {
        const int query = now.start + row(now), last = p.queries - 1;
        const int head = key_head * (p.heads / p.key_heads) + now.head;
        const long at = row_of(sequence, p.queries, min(query, last), p.heads, head) * DIM +
                        lane % LANES * 4;
        ask_row(to, q + at, query <= last);
        ask_row(to + DIM, d_o + at, query <= last);
        if (!now.is_known()) ask_row(to + 2 * DIM, o + at, query <= last);
        if (lane % LANES == 0)
          copy_float_async(
              stage_number(number),
              log_sum + ((long)sequence * p.heads + head) * p.queries + min(query, last));
      }
    }
    copy_commit();
  }

  /// Keys and values become halves; the greatest |v|.
  DEVICE float keep_keys(const Course &now, int number) const {
    const float *from = stage(number);
    const int r = row(now);
    float most = 0;
#pragma unroll
    for (int i = 0; i < PIECES; i++, from += 4 * LANES) {
      const float4 x = *(const float4 *)from, y = *(const float4 *)(from + DIM);
      put_columns(memory.k, KEY_PANEL, r, lane, i, four_halves(x, OPERAND_SCALE));
      put_columns(memory.v, KEY_PANEL, r, lane, i, four_halves(y, OPERAND_SCALE));
      most = fmaxf(most, greatest(y));
    }
    return most;
  }

  /// Queries and dO become halves, and what else is known of them is written.
  DEVICE void keep_queries(const Course &now, int number, int half, float &most,
                           int &least) const {
    const float *from = stage(number);
    const int r = row(now);
    const bool known = now.is_known();
    float size = 0;
#pragma unroll
    for (int i = 0; i < PIECES; i++) {
      const float4 y = *(const float4 *)(from + DIM + 4 * LANES * i);
      size += fabsf(y.x) + fabsf(y.y) + fabsf(y.z) + fabsf(y.w);
    }
    size = group_sum<LANES>(size);
    const int exponent = min(NO_ROW, 13 - bits_before_point(__float_as_int(size)));
    float delta = 0;
#pragma unroll
    for (int i = 0; i < PIECES; i++, from += 4 * LANES) {
      put_columns(memory.q + half * PANELS * PANEL, PANEL, r, lane, i,
                  four_halves(*(const float4 *)from, OPERAND_SCALE));
      // dO is rounded as it is in dO V', because where a row sees one key only, or nearly so, the
      // two cancel, and a difference of their roundings would be all that remained.
      const uint2 halves = four_halves(*(const float4 *)(from + DIM), exact_power(exponent));
      put_columns(memory.gradients + half * PANELS * PANEL, PANEL, r, lane, i, halves);
      if (known) continue;
      const float2 upper = two_floats(halves.x), lower = two_floats(halves.y);
      const float4 z = *(const float4 *)(from + 2 * DIM);
      delta += z.x * upper.x + z.y * upper.y + z.z * lower.x + z.w * lower.y;
      most = fmaxf(most, greatest(z));
    }
    if (!known) delta = group_sum<LANES>(delta);
    if (lane % LANES == 0) {
      // The lane is the one that had the row before.
      float *place = memory.deltas + now.start + r;
      if (known) delta = *place;
      else if (is_plain(p) && p.queries <= KNOWN) *place = delta;
      TileNumbers &numbers = memory.numbers[half];
      const bool is_there = now.start + r < p.queries;
      numbers.log_sums[r] =
          is_there ? *stage_number(number) * LOG2_E - WEIGHT_BITS : INFINITE;
      numbers.deltas[r] = delta * OPERAND_SCALE;
      numbers.exponents[r] = exponent;
    }
    least = min(least, exponent);
  }

  /// Asks for the batch that is used some batches later.
  DEVICE void ask_ahead(Course course, int number, int ahead) const {
#pragma unroll 1
    for (int i = 0; i < ahead && !course.is_done(); i++) course.advance();
    ask(course, number + ahead);
  }

  DEVICE void run() const {
    Course now(p, blocks);
    for (int i = 0; i < STAGES - 1; i++) ask_ahead(now, 0, i);
    int tiles = 0, least = NO_ROW;
    float most = 0;
#pragma unroll 1
    for (int number = 0; !now.is_done(); number++, now.advance()) {
      ask_ahead(now, number, STAGES - 1);
      copy_wait<STAGES - 1>();
      const bool keys = now.has_keys();
      if (now.is_first()) {
        if (keys) barrier_sync(KEYS_EMPTY, THREADS);
        else barrier_sync(TILE_EMPTY + (tiles & 1), THREADS);
        // What is known of earlier tiles includes their greatest |o|: it stays for a sequence.
        if (!is_plain(p) || (now.phase == 0 && !now.is_known())) most = 0;
        least = NO_ROW;
      }
      if (keys) most = fmaxf(most, keep_keys(now, number));
      else keep_queries(now, number, tiles & 1, most, least);
      if (!now.is_last()) continue;
      const int bits = __reduce_max_sync(FULL_WARP, __float_as_int(most));
      least = __reduce_min_sync(FULL_WARP, least);
      if (lane == 0) {
        if (keys) (*memory.greatest_value)[warp] = bits;
        else memory.numbers[tiles & 1].greatest[warp] = bits,
             memory.numbers[tiles & 1].least[warp] = least;
      }
      written_for_products();
      if (keys) barrier_arrive(KEYS_FULL, THREADS), tiles += Pass(p, now.key).kept;
      else barrier_arrive(TILE_FULL + (tiles & 1), THREADS), tiles++;
    }
    // No barrier is left half full.
    barrier_sync(KEYS_EMPTY, THREADS);
    barrier_sync(TILE_EMPTY, THREADS);
    barrier_sync(TILE_EMPTY + 1, THREADS);
  }
};

#endif
