// Sums of rows that have the same number, the gradient of an embedding, in an order that depends on
// the numbers alone. Constants: VECTOR, the floats that are loaded at once; LANES, the threads that
// share a row (of at most LANES VECTOR columns; tiles of columns are blocks of their own).
//
// `order_rows` sorts the rows by number, stably; `sum_pieces` adds up pieces of PIECE sorted rows,
// so that one frequent number keeps no block busy for long, and the pieces of whole blocks of one
// number; `join_pieces` adds up the sums of the numbers whose rows fill more than one piece. A handful of numbers needs no sorting: `sum_few`.

typedef Pack<VECTOR> pack;
// The rows of a piece are all under way at once.
enum { PIECE = 16 };

// Rows of a thread that are under way at once, while they are counted and while they are placed; the
// rows that a warp's list has room for.
enum {
  ORDER_WARPS = 32, ORDER_THREADS = ORDER_WARPS * 32, ORDER_AHEAD = 16, PLACE_AHEAD = 8, LISTED = 128,
};

/// What a warp found in its rows.
struct Found {
  int below;   // this lane's rows of numbers below the tile
  int inside;  // the warp's rows of numbers within it
};

/// Counts the numbers of a warp's rows within the tile of numbers, and those below the tile. The
/// first LISTED rows within it come to `list`, in order: what is to be placed is mostly there, and
/// the numbers are read only once.
DEVICE Found find_numbers(long first, long last, const int *__restrict__ index, int base, int tile,
                          int *counts, int2 *list) {
  const int lane = threadIdx.x & 31;
  Found found = {};
  for (long row = first + lane; row - lane < last; row += 32 * ORDER_AHEAD) {
    int number[ORDER_AHEAD];
#pragma unroll
    for (int j = 0; j < ORDER_AHEAD; j++)
      number[j] = row + 32 * j < last ? index[row + 32 * j] : -1;
#pragma unroll
    for (int j = 0; j < ORDER_AHEAD; j++) {
      const bool inside = (uint)(number[j] - base) < (uint)tile;
      found.below += (uint)number[j] < (uint)base;
      const uint all = __ballot_sync(FULL_WARP, inside);
      if (!all) continue;
      const int place = found.inside + __popc(all & ((1u << lane) - 1));
      // One addition for the first of them: most may be of one number.
      const int lead = __ffs(all) - 1, first = __shfl_sync(FULL_WARP, number[j], lead);
      const uint same = __ballot_sync(FULL_WARP, number[j] == first);
      if (inside) {
        if (number[j] != first) atomicAdd(counts + (number[j] - base), 1);
        else if (lane == lead) atomicAdd(counts + (first - base), __popc(same));
        if (place < LISTED) list[place] = make_int2((int)row + 32 * j, number[j]);
      }
      found.inside += __popc(all);
    }
  }
  return found;
}

/// The sum of the threads' numbers before this one's; the sum of all comes to `total`.
DEVICE int sum_before(int x, int *shared, int *total) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, sum = x;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    int other = __shfl_up_sync(FULL_WARP, sum, d);
    if (lane >= d) sum += other;
  }
  if (lane == 31) shared[warp] = sum;
  __syncthreads();
  int before = 0, all = 0;
  for (int w = 0; w < ORDER_WARPS; w++) {
    int part = shared[w];
    if (w < warp) before += part;
    all += part;
  }
  __syncthreads();
  *total = all;
  return before + sum - x;
}

/// The next place of each number of the tile; that of one number, which many rows have one after the
/// other, is kept apart.
struct NextPlaces {
  int *of, kept = -1, next = 0;

  /// Puts the warp's next 32 rows into their places.
  DEVICE void place(int row, int number, int base, int tile, int2 *places) {
    const uint lower = (1u << (threadIdx.x & 31)) - 1;
    const int local = number - base;
    const bool inside = number >= 0 && (uint)local < (uint)tile;
    const uint all = __ballot_sync(FULL_WARP, inside);
    if (!all) return;
    if (const uint own = __ballot_sync(FULL_WARP, inside && local == kept); own) {
      if (inside && local == kept) places[next + __popc(own & lower)] = make_int2(row, number);
      next += __popc(own);
      if (own == all) return;
    }
    const bool other = inside && local != kept;
    const uint peers = __match_any_sync(FULL_WARP, other ? local : -1);
    if (other) {
      const int place = of[local] + __popc(peers & lower);
      places[place] = make_int2(row, number);
    }
    __syncwarp();
    if (other && !(peers & lower)) of[local] += __popc(peers);
    __syncwarp();
    const int lead = __ffs(all) - 1, first = __shfl_sync(FULL_WARP, local, lead);
    if (first == kept || __shfl_sync(FULL_WARP, __popc(peers), lead) < 16) return;
    if (!(threadIdx.x & 31) && kept >= 0) of[kept] = next;
    __syncwarp();
    kept = first;
    next = of[kept];
  }
};

/// Puts the rows of `tile` numbers, those from blockIdx.x tile on, into their places. `places` gets
/// (row, number) pairs, `start` the first place of each number and the number of all places.
///
/// Every block reads all numbers, so that none waits for another: the places before its own are the
/// rows of lower numbers. A warp has a range of rows; its counts make the order stable. `tile` is
/// at most the number of threads; (tile + 1) ORDER_WARPS ints of shared memory after the warps' lists.
KERNEL __launch_bounds__(ORDER_THREADS)
order_rows(long rows, long numbers, int tile, const int *__restrict__ index, int2 *places,
           int *start) {
  extern __shared__ int2 lists[];
  int *shared = (int *)(lists + ORDER_WARPS * LISTED), *counts = shared + ORDER_WARPS;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, base = blockIdx.x * tile;
  int *own = counts + warp * tile;
  int2 *list = lists + warp * LISTED;
  long range = ((rows + ORDER_WARPS - 1) / ORDER_WARPS + 31) & ~31L, first = warp * range;
  long last = first + range < rows ? first + range : rows;
  for (int i = threadIdx.x; i < tile * ORDER_WARPS; i += ORDER_THREADS) counts[i] = 0;
  __syncthreads();
  Found found = find_numbers(first, last, index, base, tile, own, list);
  int before, sum = 0;
  sum_before(found.below, shared, &before);

  // Counts become places: a number's rows follow those of the numbers before it, a warp's rows
  // those of the warps before it.
  int count[ORDER_WARPS] = {};
  if (threadIdx.x < tile)
#pragma unroll
    for (int w = 0; w < ORDER_WARPS; w++) sum += count[w] = counts[w * tile + threadIdx.x];
  int total, place = before + sum_before(sum, shared, &total);
  if (threadIdx.x < tile) {
    long number = (long)base + threadIdx.x;
    if (number < numbers) start[number] = place;
    if (number == numbers - 1) start[numbers] = place + sum;
#pragma unroll
    for (int w = 0; w < ORDER_WARPS; w++) {
      counts[w * tile + threadIdx.x] = place;
      place += count[w];
    }
  }
  __syncthreads();

  NextPlaces next = {own};
  if (found.inside <= LISTED) {
    for (int i = lane; i - lane < found.inside; i += 32) {
      int2 entry = i < found.inside ? list[i] : make_int2(0, -1);
      next.place(entry.x, entry.y, base, tile, places);
    }
    return;
  }
  for (long row = first + lane; row - lane < last; row += 32 * PLACE_AHEAD) {
    int number[PLACE_AHEAD];
#pragma unroll
    for (int j = 0; j < PLACE_AHEAD; j++)
      number[j] = row + 32 * j < last ? index[row + 32 * j] : -1;
#pragma unroll
    for (int j = 0; j < PLACE_AHEAD; j++)
      next.place((int)row + 32 * j, number[j], base, tile, places);
  }
}

DEVICE void add(pack &sum, const pack &x) {
#pragma unroll
  for (int i = 0; i < VECTOR; i++) sum.at[i] += x.at[i];
}

/// The table may begin anywhere.
DEVICE void add_to_table(float *target, const pack &sum) {
#pragma unroll
  for (int i = 0; i < VECTOR; i++) target[i] += sum.at[i];
}

enum { SUM_THREADS = 256, BLOCK_PIECES = SUM_THREADS / LANES, BLOCK_ROWS = BLOCK_PIECES * PIECE };

/// The sums of the block's pieces, whose rows are all of one number; the threads of the first piece
/// have the result.
DEVICE pack sum_of_pieces(const pack &sum) {
  __shared__ pack shared[SUM_THREADS];
  shared[threadIdx.x] = sum;
#pragma unroll
  for (int half = BLOCK_PIECES / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half * LANES) add(shared[threadIdx.x], shared[threadIdx.x + half * LANES]);
  }
  return shared[threadIdx.x];
}

/// Whether all rows of a block, the one before and the one after it are of one number.
DEVICE bool is_inside(long block, long all, const int2 *__restrict__ places) {
  return block > 0 && block + BLOCK_ROWS < all &&
         places[block - 1].y == places[block + BLOCK_ROWS].y;
}

/// A group of LANES threads for each piece and tile of columns. The sum of a number with rows in
/// later pieces goes to partial[2 piece + 1], that of one with rows in earlier pieces only to
/// partial[2 piece], all others to the table. Where all rows of a block and those beside them are of
/// one number, the sum of all pieces goes to the first one's place.
KERNEL __launch_bounds__(SUM_THREADS, 2)
sum_pieces(long columns, long numbers, const int *__restrict__ start,
           const int2 *__restrict__ places, const float *__restrict__ dy, float *dtable,
           float *partial) {
  const int piece = blockIdx.x * BLOCK_PIECES + threadIdx.x / LANES, all = start[numbers];
  const int column = (blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR, first = piece * PIECE;
  const int block = blockIdx.x * BLOCK_ROWS;
  if (block >= all) return;
  const bool present = first < all && column < columns;
  const int last = first + PIECE < all ? first + PIECE : all;
  int2 place[PIECE];
  pack value[PIECE], sum = {};
#pragma unroll
  for (int j = 0; j < PIECE; j++)
    place[j] = places[first + j < last ? first + j : last - 1];
#pragma unroll
  for (int j = 0; j < PIECE; j++)
    value[j] = present ? load_pack<VECTOR>(dy + place[j].x * columns + column) : pack{};
  if (is_inside(block, all, places)) {
#pragma unroll
    for (int j = 0; j < PIECE; j++) add(sum, value[j]);
    sum = sum_of_pieces(sum);
    if (threadIdx.x < LANES && present)
      store_pack(partial + (2L * piece + 1) * columns + column, sum);
    return;
  }
  if (!present) return;
  const int before = first > 0 ? places[first - 1].y : -1, after = last < all ? places[last].y : -1;
  int number = place[0].y;
  bool head = true;
#pragma unroll
  for (int j = 0; j < PIECE; j++) {
    if (first + j >= last) break;
    if (place[j].y != number) {
      if (head && number == before) store_pack(partial + 2L * piece * columns + column, sum);
      else add_to_table(dtable + number * columns + column, sum);
      head = false;
      number = place[j].y;
      sum = pack{};
    }
    add(sum, value[j]);
  }
  if (number == after) store_pack(partial + (2L * piece + 1) * columns + column, sum);
  else if (head && number == before) store_pack(partial + 2L * piece * columns + column, sum);
  else add_to_table(dtable + number * columns + column, sum);
}

enum { JOIN_WARPS = 32, JOIN_ALONE = 8 };

/// A number's rows that begin in a piece and end in the piece `more` pieces later, of which all in
/// some blocks come as one sum.
struct Run {
  long piece;
  int more, before, blocks;  // pieces before the first such block, and such blocks

  DEVICE Run(long piece, int more) : piece(piece), more(more) {
    // A piece that begins a block may hold the first of the number's rows: it has a sum of its own.
    const long from = piece / BLOCK_PIECES + 1, to = (piece + more) / BLOCK_PIECES;
    blocks = to > from ? (int)(to - from) : 0;
    before = blocks ? (int)(from * BLOCK_PIECES - piece) : more + 1;
  }
  /// The sums, the last of which is that of the last piece.
  DEVICE int count() const { return blocks ? more + 1 - blocks * (BLOCK_PIECES - 1) : more + 1; }
  DEVICE long place(int i) const {
    const int later = i - before, whole = later < blocks ? later : blocks;
    const long at = piece + i + (later > 0 ? whole * (BLOCK_PIECES - 1) : 0);
    return 2 * at + (i + 1 < count());
  }
};

/// The sums first, first + step, … of a run.
DEVICE pack partial_sum(const Run &run, int first, int step, long columns, long column,
                        const float *__restrict__ partial) {
  pack sum = {};
#pragma unroll 8
  for (int i = first; i < run.count(); i += step)
    add(sum, load_pack<VECTOR>(partial + run.place(i) * columns + column));
  return sum;
}

/// A warp for each piece in which a number's rows begin that end in a later piece; the block's
/// warps help each other with the numbers that fill many pieces.
KERNEL __launch_bounds__(JOIN_WARPS * 32)
join_pieces(long columns, long numbers, const int *__restrict__ start,
            const int2 *__restrict__ places, const float *__restrict__ partial, float *dtable) {
  __shared__ float shared[JOIN_WARPS * 32 * VECTOR];
  __shared__ int owner[JOIN_WARPS], length[JOIN_WARPS];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  long all = start[numbers], piece = (long)blockIdx.x * JOIN_WARPS + warp;
  long end = (piece + 1) * PIECE;
  long column = ((long)blockIdx.y * 32 + lane) * VECTOR;
  int number = -1, more = 0;
  if (end < all) {
    int candidate = places[end].y;
    if (candidate == places[end - 1].y && start[candidate] >= piece * PIECE) {
      number = candidate;
      more = (start[candidate + 1] - 1) / PIECE - (int)piece;
    }
  }
  if (number >= 0 && more < JOIN_ALONE && column < columns)
    add_to_table(dtable + number * columns + column,
                 partial_sum(Run(piece, more), 0, 1, columns, column, partial));
  if (!lane) {
    owner[warp] = number;
    length[warp] = more;
  }
  __syncthreads();
  for (int w = 0; w < JOIN_WARPS; w++) {
    if (length[w] < JOIN_ALONE) continue;
    const Run run((long)blockIdx.x * JOIN_WARPS + w, length[w]);
    pack sum = {};
    if (column < columns) sum = partial_sum(run, warp, JOIN_WARPS, columns, column, partial);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) shared[(warp * VECTOR + i) * 32 + lane] = sum.at[i];
    __syncthreads();
    if (warp < VECTOR && column < columns) {
      float total = 0.0f;
      for (int other = 0; other < JOIN_WARPS; other++)
        total += shared[(other * VECTOR + warp) * 32 + lane];
      dtable[owner[w] * columns + column + warp] += total;
    }
    __syncthreads();
  }
}

enum { FEW_THREADS = 256, FEW_SLOTS = FEW_THREADS / LANES, FEW_AHEAD = 8 };

/// Sums over a strip of rows for each of a few numbers: partial[strip, number, column]. Blocks
/// (strip, tile of columns); each slot of LANES threads has sums of its own in shared memory, of
/// FEW_THREADS numbers floats. VECTOR is 1.
KERNEL sum_few(long rows, long columns, long strip, int numbers, const int *__restrict__ index,
               const float *__restrict__ dy, float *partial) {
  extern __shared__ float sums[];
  int lane = threadIdx.x % LANES, slot = threadIdx.x / LANES, size = numbers * LANES;
  float *own = sums + slot * size + lane;
  long column = (long)blockIdx.y * LANES + lane, first = blockIdx.x * strip;
  long last = first + strip < rows ? first + strip : rows;
  for (int i = threadIdx.x; i < size * FEW_SLOTS; i += FEW_THREADS) sums[i] = 0.0f;
  __syncthreads();
  if (column < columns)
    for (long row = first + slot; row < last; row += FEW_AHEAD * FEW_SLOTS) {
      int number[FEW_AHEAD];
      float value[FEW_AHEAD];
#pragma unroll
      for (int j = 0; j < FEW_AHEAD; j++) {
        long r = row + j * FEW_SLOTS;
        number[j] = r < last ? index[r] : -1;
        value[j] = r < last ? dy[r * columns + column] : 0.0f;
      }
#pragma unroll
      for (int j = 0; j < FEW_AHEAD; j++)
        if (number[j] >= 0) own[number[j] * LANES] += value[j];
    }
  for (int half = FEW_SLOTS / 2; half; half /= 2) {
    __syncthreads();
    for (int i = threadIdx.x; i < half * size; i += FEW_THREADS) sums[i] += sums[i + half * size];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < size; i += FEW_THREADS) {
    long at = (long)blockIdx.y * LANES + i % LANES;
    if (at < columns) partial[((long)blockIdx.x * numbers + i / LANES) * columns + at] = sums[i];
  }
}
