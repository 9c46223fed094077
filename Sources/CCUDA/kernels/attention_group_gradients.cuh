// For grouped_attention_backward.cu: what a block has in shared memory, and the warps that bring it
// there; after attention_groups.cuh. Ranges are those of attention_halves_gradients.cuh.

enum {
  BLOCK_KEYS = GROUPS * TILE, KEY_PANEL = BLOCK_KEYS * 128,
  // The ring of a warp: rows of three tensors at a time, and a number of each row, padded.
  STAGES = 3, STAGE_FLOATS = BATCH * 3 * DIM + 4,
};

/// Barriers of the block, by number; those of tiles are two each.
enum {
  KEYS_FULL = 1, KEYS_EMPTY, TILE_FULL, TILE_EMPTY = TILE_FULL + 2, MADE = TILE_EMPTY + 2, USED,
};

/// What is known of a tile's queries, and of its rows from each of the warps that brought them.
struct TileNumbers {
  float log_sums[TILE], deltas[TILE];
  int exponents[TILE], greatest[BRINGERS], least[BRINGERS];
};

/// What a block has in shared memory. Tiles of queries are two; scores' gradients are [key][query].
struct GroupMemory {
  char *k, *v, *q, *gradients, *scores;
  TileNumbers *numbers;
  int (*greatest_value)[BRINGERS];
  float *ring;

  DEVICE GroupMemory(char *memory) {
    const uint start = shared_address(memory);
    k = memory + (((start + 1023) & ~1023u) - start);
    v = k + PANELS * KEY_PANEL;
    q = v + PANELS * KEY_PANEL;
    gradients = q + 2 * PANELS * PANEL;
    scores = gradients + 2 * PANELS * PANEL;
    numbers = (TileNumbers *)(scores + BLOCK_KEYS * 128);
    greatest_value = (int(*)[BRINGERS])(numbers + 2);
    ring = (float *)(greatest_value + 1);
  }
};

/// The tiles of queries that see some of a block's keys: their first queries are TILE apart.
struct Seen {
  int first, end;

  DEVICE Seen(const Attention &p, int key) {
    first = max(0, key - p.offset) / TILE * TILE;
    end = (int)min((long)p.queries, (long)key + BLOCK_KEYS - 1 + p.window - p.offset);
  }
};

/// One batch after the other in the order in which they are used: all blocks of keys from the last,
/// and for each all tiles of queries that see it. The first tile comes before the keys, because
/// there is a place for it while those before are still in use.
struct Course {
  const Attention p;
  const int blocks;
  int block, key, head, start, batch;
  /// 0 before the keys, 1 with them, 2 behind.
  int phase;

  DEVICE Course(const Attention &p, int blocks)
      : p(p), blocks(blocks), block(blockIdx.x) {
    begin((p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS);
  }
  DEVICE bool is_done() const { return block >= blocks; }
  /// Whether keys are next, not queries.
  DEVICE bool has_keys() const { return phase == 1; }
  DEVICE bool is_first() const { return batch == 0; }
  DEVICE bool is_last() const { return batch == (has_keys() ? BLOCK_KEYS : TILE) / BATCH_ROWS - 1; }

  DEVICE void advance() {
    if (!is_last()) {
      batch++;
      return;
    }
    batch = 0;
    if (++phase == 1) return;
    phase = 2;
    const Seen seen(p, key);
    start += TILE;
    if (start >= seen.end) head++, start = seen.first;
    if (head < p.heads / p.key_heads && start < seen.end) return;
    if (key > 0) {
      begin(key - BLOCK_KEYS);
    } else {
      block += gridDim.x;
      begin((p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS);
    }
  }

 private:
  DEVICE void begin(int new_key) {
    key = new_key;
    const Seen seen(p, key);
    head = 0, start = seen.first, batch = 0;
    phase = start >= seen.end ? 1 : 0;
  }
};

/// The warps that bring rows. A lane has some columns of one row of each batch, and reads from the
/// ring what it put there.
struct Bringer {
  const GroupMemory memory;
  const Attention p;
  const float *q, *k, *v, *o, *log_sum, *d_o;
  const int lane, warp;

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
        ask_row(to + 2 * DIM, o + at, query <= last);
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
      const float2 upper = two_floats(halves.x), lower = two_floats(halves.y);
      const float4 z = *(const float4 *)(from + 2 * DIM);
      delta += z.x * upper.x + z.y * upper.y + z.z * lower.x + z.w * lower.y;
      most = fmaxf(most, greatest(z));
    }
    delta = group_sum<LANES>(delta);
    if (lane % LANES == 0) {
      TileNumbers &numbers = memory.numbers[half];
      const bool is_there = now.start + r < p.queries;
      numbers.log_sums[r] = is_there ? *stage_number(number) * LOG2_E : INFINITE;
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

  DEVICE void run(int blocks) const {
    Course now(p, blocks);
    for (int i = 0; i < STAGES - 1; i++) ask_ahead(now, 0, i);
    int key_blocks = 0, tiles = 0, least = NO_ROW;
    float most = 0;
#pragma unroll 1
    for (int number = 0; !now.is_done(); number++, now.advance()) {
      ask_ahead(now, number, STAGES - 1);
      copy_wait<STAGES - 1>();
      const bool keys = now.has_keys();
      if (now.is_first()) {
        if (keys && key_blocks > 0) barrier_sync(KEYS_EMPTY, THREADS);
        if (!keys && tiles > 1) barrier_sync(TILE_EMPTY + (tiles & 1), THREADS);
        most = 0, least = NO_ROW;
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
      if (keys) barrier_arrive(KEYS_FULL, THREADS), key_blocks++;
      else barrier_arrive(TILE_FULL + (tiles & 1), THREADS), tiles++;
    }
    // No barrier is left half full.
    if (key_blocks > 0) barrier_sync(KEYS_EMPTY, THREADS);
    if (tiles > 1) barrier_sync(TILE_EMPTY + (tiles & 1), THREADS);
    if (tiles > 0) barrier_sync(TILE_EMPTY + (tiles + 1 & 1), THREADS);
  }
};
