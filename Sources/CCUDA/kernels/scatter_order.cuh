// Sorts rows by their numbers, stably, for sums of the rows of each. Constants: VECTOR, the floats that
// are loaded at once; LANES, the threads that share a row; WARPS, those of a block.

typedef Pack<VECTOR> pack;

// Rows of a thread that are under way at once, while they are counted and while they are placed; the
// rows that a warp's list has room for.
enum {
  ORDER_WARPS = WARPS, ORDER_THREADS = ORDER_WARPS * 32, ORDER_AHEAD = 16, PLACE_AHEAD = 8, LISTED = 128,
};

/// What a warp found in its rows.
struct Found {
  int below;   // this lane's rows of numbers below the tile
  int inside;  // the warp's rows of numbers within it; more than LISTED where some were not listed
};

/// Counts the numbers of a warp's rows within the tile of numbers, and those below the tile. The
/// first LISTED rows within it come to `list`, in order: what is to be placed is mostly there, and
/// the numbers are read only once. A number that many of the warp's rows have is counted apart as soon
/// as it is seen: such rows are not listed.
DEVICE Found find_numbers(long first, long last, const int *__restrict__ index, int base, int tile,
                          int *counts, int2 *list) {
  const int lane = threadIdx.x & 31;
  Found found = {};
  int frequent = -1, own_frequent = 0;
  for (long row = first + lane; row - lane < last; row += 32 * ORDER_AHEAD) {
    int number[ORDER_AHEAD];
    uint own = 0;
#pragma unroll
    for (int j = 0; j < ORDER_AHEAD; j++)
      number[j] = row + 32 * j < last ? index[row + 32 * j] : -1;
#pragma unroll
    for (int j = 0; j < ORDER_AHEAD; j++) {
      const int local = number[j] - base;
      found.below += (uint)number[j] < (uint)base;
      own_frequent += local == frequent && local >= 0;
      own |= ((uint)local < (uint)tile && local != frequent ? 1u : 0u) << j;
    }
    // Few are within it; these are read again, so that there is little code to load.
    for (uint some = __reduce_or_sync(FULL_WARP, own); some; some &= some - 1) {
      const int j = __ffs(some) - 1;
      const bool inside = own >> j & 1;
      const int local = inside ? index[row + 32 * j] - base : -1;
      const uint all = __ballot_sync(FULL_WARP, inside);
      const int place = found.inside + __popc(all & ((1u << lane) - 1));
      // One addition for the first of them: most may be of one number.
      const int lead = __ffs(all) - 1, first = __shfl_sync(FULL_WARP, local, lead);
      const uint same = __ballot_sync(FULL_WARP, local == first);
      if (inside) {
        if (local != first) atomicAdd(counts + local, 1);
        else if (lane == lead) atomicAdd(counts + first, __popc(same));
        if (place < LISTED) list[place] = make_int2((int)row + 32 * j, base + local);
      }
      found.inside += __popc(all);
      if (frequent < 0 && __popc(same) >= 16) frequent = first;
    }
  }
  if (frequent < 0) return found;
  own_frequent = __reduce_add_sync(FULL_WARP, own_frequent);
  if (!own_frequent) return found;
  if (!lane) atomicAdd(counts + frequent, own_frequent);
  found.inside = LISTED + 1;
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

  /// Puts those of the warp's next 32 rows that are of the number kept apart into their places.
  DEVICE void place_kept(int row, bool is_kept, int *places) {
    const uint lower = (1u << (threadIdx.x & 31)) - 1, own = __ballot_sync(FULL_WARP, is_kept);
    if (is_kept) places[next + __popc(own & lower)] = row;
    next += __popc(own);
  }

  /// Puts the warp's next 32 rows into their places.
  DEVICE void place(int row, int number, int base, int tile, int *places) {
    const uint lower = (1u << (threadIdx.x & 31)) - 1;
    const int local = number - base;
    const bool inside = number >= 0 && (uint)local < (uint)tile;
    const uint all = __ballot_sync(FULL_WARP, inside);
    if (!all) return;
    if (const uint own = __ballot_sync(FULL_WARP, inside && local == kept); own) {
      place_kept(row, inside && local == kept, places);
      if (own == all) return;
    }
    const bool other = inside && local != kept;
    const uint peers = __match_any_sync(FULL_WARP, other ? local : -1);
    if (other) {
      const int place = of[local] + __popc(peers & lower);
      places[place] = row;
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

/// Puts the rows of `tile` numbers, those from `base` on, into their places, and calls start(place, count) in a thread for each number. Places are counted from the rows of
/// lower numbers on, or from 0 where the block is `alone`.
///
/// Every block reads all numbers, so that none waits for another. A warp has a range of rows; its
/// counts make the order stable. `tile` is at most the number of threads; shared memory holds the
/// warps' `lists` and (tile + 1) ORDER_WARPS numbers.
template <bool alone, class Start>
DEVICE void order_tile(long rows, int base, int tile, const int *__restrict__ index, int2 *lists,
                       int *numbers, int *places, Start start) {
  int *counts = numbers + ORDER_WARPS;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int *own = counts + warp * tile;
  int2 *list = lists + warp * LISTED;
  long range = ((rows + ORDER_WARPS - 1) / ORDER_WARPS + 31) & ~31L, first = warp * range;
  long last = first + range < rows ? first + range : rows;
  for (int i = threadIdx.x; i < tile * ORDER_WARPS; i += ORDER_THREADS) counts[i] = 0;
  __syncthreads();
  Found found = find_numbers(first, last, index, base, tile, own, list);
  int before = 0, sum = 0;
  if constexpr (alone) __syncthreads();
  else sum_before(found.below, numbers, &before);

  // Counts become places: a number's rows follow those of the numbers before it, a warp's rows
  // those of the warps before it.
  int count[ORDER_WARPS] = {};
  if (threadIdx.x < tile)
#pragma unroll
    for (int w = 0; w < ORDER_WARPS; w++) sum += count[w] = counts[w * tile + threadIdx.x];
  int total, place = before + sum_before(sum, numbers, &total);
  if (threadIdx.x < tile) {
    start(place, sum);
#pragma unroll
    for (int w = 0; w < ORDER_WARPS; w++) {
      counts[w * tile + threadIdx.x] = place;
      place += count[w];
    }
  }
  __syncthreads();

  NextPlaces next = {own};
  if (found.inside <= LISTED) {
#pragma unroll 1
    for (int i = lane; i - lane < found.inside; i += 32) {
      int2 entry = i < found.inside ? list[i] : make_int2(0, -1);
      next.place(entry.x, entry.y, base, tile, places);
    }
    return;
  }
  // They go through the list's memory, a group of rows at a time.
  int *numbers_ahead = (int *)list + lane;
  for (long row = first + lane; row - lane < last; row += 32 * PLACE_AHEAD) {
    int number[PLACE_AHEAD];
#pragma unroll
    for (int j = 0; j < PLACE_AHEAD; j++)
      number[j] = row + 32 * j < last ? index[row + 32 * j] : -1;
    // Mostly there are none, or those of the number that is kept apart alone.
    uint kept = 0, others = 0;
#pragma unroll
    for (int j = 0; j < PLACE_AHEAD; j++) {
      const int local = number[j] - base;
      const uint is_inside = (uint)local < (uint)tile, is_kept = is_inside && local == next.kept;
      kept |= is_kept << j;
      others |= is_inside & ~is_kept;
    }
    if (!__any_sync(FULL_WARP, others)) {
      if (__any_sync(FULL_WARP, kept))
#pragma unroll
        for (int j = 0; j < PLACE_AHEAD; j++)
          next.place_kept((int)row + 32 * j, kept >> j & 1, places);
      continue;
    }
#pragma unroll
    for (int j = 0; j < PLACE_AHEAD; j++) numbers_ahead[32 * j] = number[j];
#pragma unroll 1
    for (int j = 0; j < PLACE_AHEAD; j++)
      next.place((int)row + 32 * j, numbers_ahead[32 * j], base, tile, places);
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

/// The sum of the rows in the places first, first + step, … below last, AHEAD of which are under way at
/// once.
template <int AHEAD>
DEVICE pack sum_places(int first, int step, int last, const int *places, long columns,
                       const float *__restrict__ dy) {
  pack sum = {};
  for (int place = first; place < last; place += AHEAD * step) {
    pack value[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
      const int own = place + j * step;
      value[j] = own < last ? load_pack<VECTOR>(dy + places[own] * columns) : pack{};
    }
#pragma unroll
    for (int j = 0; j < AHEAD; j++) add(sum, value[j]);
  }
  return sum;
}
