// Sums of rows that have the same number, the gradient of an embedding, in an order that depends on
// the numbers alone, and of rows at the same position; after scatter_order.cuh. Of any number of columns; a thread of LANES has VECTOR of
// LANES VECTOR columns at a time.
//
// `sum_rare` sorts the rows by number, stably, and adds up those of numbers that have few. The others
// it leaves to `sum_frequent` as pieces of at most PIECE rows, so that one frequent number keeps no
// block busy for long; of a number's pieces the last that is done adds up the sums of all. A handful of
// numbers needs no sorting: `sum_few`; a few rows need no kernels of their own: scatter_few.cu.

enum {
  RARE = 64,    // rows that the threads of one row add up
  PIECE = 256,  // rows that a block adds up
  MOST_TILE = 512,
};

/// A piece of the rows of a number: its index among them.
struct Piece {
  int start, count;  // the places of all of the number's rows
  int number, index;

  DEVICE int pieces() const { return (count + PIECE - 1) / PIECE; }
  DEVICE int first() const { return start + index * PIECE; }
  DEVICE int last() const { return start + min(count, (index + 1) * PIECE); }
};

/// What the blocks count; 0 between the kernels of two calls.
struct Counts {
  int pieces;    // of frequent numbers
  uint arrived;  // blocks of `sum_frequent` that are done
  uint done[1];  // for each number's first piece, how many of its pieces are
};

/// The sum over `slots` groups of LANES threads, in a fixed order; slot 0 has the result. `shared` has
/// room for all threads.
template <int slots>
DEVICE pack sum_of_slots(const pack &sum, pack *shared) {
  shared[threadIdx.x] = sum;
#pragma unroll
  for (int half = slots / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half * LANES) add(shared[threadIdx.x], shared[threadIdx.x + half * LANES]);
  }
  const pack total = shared[threadIdx.x];
  __syncthreads();
  return total;
}

/// sums[p,:] += the sum of dy[r,:] over the rows r = p modulo `period`, for p from `first` on by
/// `step`.
DEVICE void sum_positions(long rows, long columns, long first, long step, long period,
                          const float *__restrict__ dy, float *sums, pack *shared) {
  enum { SLOTS = ORDER_THREADS / LANES, AHEAD = 8 };
  const long slot = threadIdx.x / LANES;
  for (long position = first; position < period; position += step)
    for (long base = 0; base < columns; base += LANES * VECTOR) {
      const long column = base + threadIdx.x % LANES * VECTOR;
      pack sum = {};
      if (column < columns)
#pragma unroll AHEAD
        for (long row = position + slot * period; row < rows; row += SLOTS * period)
          add(sum, load_pack<VECTOR>(dy + row * columns + column));
      sum = sum_of_slots<SLOTS>(sum, shared);
      if (!slot && column < columns) add_to_table(sums + position * columns + column, sum);
    }
}

/// table[index[r],:] += dy[r,:] for the numbers of at most RARE rows among `tile` of them, at most
/// MOST_TILE, those from blockIdx.x tile on; -1 is left out. `places` gets the rows in order, `pieces`
/// those of more frequent numbers, whose order does not matter.
///
/// Blocks from `sorting` on add dy[r,:] to positions[r % period,:]. They read dy while the others
/// sort, which leaves the memory idle, and leave it in the cache for them.
KERNEL __launch_bounds__(ORDER_THREADS, 32 / ORDER_WARPS)
sum_rare(long rows, long columns, int tile, const int *__restrict__ index,
         const float *__restrict__ dy, int *places, Piece *pieces, Counts *counts, float *table,
         int sorting, long period, float *positions) {
  begin_kernel();
  extern __shared__ __align__(16) int2 lists[];
  __shared__ int start[MOST_TILE + 1];
  if ((int)blockIdx.x >= sorting) {
    sum_positions(rows, columns, blockIdx.x - sorting, gridDim.x - sorting, period, dy, positions,
                  (pack *)lists);
    return;
  }
  const int base = blockIdx.x * tile;
  order_tile<false>(rows, base, tile, index, lists, (int *)(lists + ORDER_WARPS * LISTED), places,
                    [=](int place, int count) {
                      start[threadIdx.x] = place;
                      if (threadIdx.x == tile - 1) start[tile] = place + count;
                    });
  __syncthreads();
  if (threadIdx.x < tile) {
    Piece piece = {start[threadIdx.x], start[threadIdx.x + 1] - start[threadIdx.x],
                   base + (int)threadIdx.x, 0};
    if (piece.count > RARE) {
      const int all = piece.pieces(), place = atomicAdd(&counts->pieces, all);
      for (; piece.index < all; piece.index++) pieces[place + piece.index] = piece;
    }
  }
  for (long column = threadIdx.x % LANES * VECTOR; column < columns; column += LANES * VECTOR)
    for (int local = threadIdx.x / LANES; local < tile; local += ORDER_THREADS / LANES) {
      const int first = start[local], last = start[local + 1];
      if (first == last || last - first > RARE) continue;
      float *target = table + (long)(base + local) * columns + column;
      // Under way together with the rows.
      pack total = load_floats<VECTOR>(target);
      add(total, sum_places<8>(first, 1, last, places, columns, dy + column));
#pragma unroll
      for (int i = 0; i < VECTOR; i++) target[i] = total.at[i];
    }
}

enum { SUM_THREADS = 256, SUM_SLOTS = SUM_THREADS / LANES };

/// What other blocks of the kernel have written.
DEVICE pack load_again(const float *x) {
  pack y;
#pragma unroll
  for (int i = 0; i < VECTOR; i++) y.at[i] = __ldcg(x + i);
  return y;
}

/// Adds up pieces of rows of one number; `partial` has a row for each piece.
KERNEL __launch_bounds__(SUM_THREADS, 2)
sum_frequent(long columns, const Piece *__restrict__ pieces, const int *__restrict__ places,
             const float *__restrict__ dy, float *partial, Counts *counts, float *table) {
  begin_kernel();
  __shared__ pack shared[SUM_THREADS];
  const int slot = threadIdx.x / LANES, lane = threadIdx.x % LANES, all = counts->pieces;
  for (int at = blockIdx.x; at < all; at += gridDim.x) {
    const Piece piece = pieces[at];
    const int many = piece.pieces();
    float *target = table + piece.number * columns, *own = partial + at * columns;
    for (long base = 0; base < columns; base += LANES * VECTOR) {
      const long column = base + lane * VECTOR;
      pack sum = {};
      if (column < columns)
        sum = sum_places<8>(piece.first() + slot, SUM_SLOTS, piece.last(), places, columns,
                            dy + column);
      sum = sum_of_slots<SUM_SLOTS>(sum, shared);
      if (slot || column >= columns) continue;
      if (many == 1) add_to_table(target + column, sum);
      else store_pack(own + column, sum);
    }
    const int first = at - piece.index;
    if (many == 1 || !is_last_block(counts->done + first, many)) continue;
    for (long base = 0; base < columns; base += LANES * VECTOR) {
      const long column = base + lane * VECTOR;
      pack sum = {};
      if (column < columns)
#pragma unroll 8
        for (int i = slot; i < many; i += SUM_SLOTS)
          add(sum, load_again(partial + (first + i) * columns + column));
      sum = sum_of_slots<SUM_SLOTS>(sum, shared);
      if (!slot && column < columns) add_to_table(target + column, sum);
    }
  }
  if (is_last_block(&counts->arrived, gridDim.x) && !threadIdx.x) counts->pieces = 0;
}

enum { FEW_THREADS = 256, FEW_SLOTS = FEW_THREADS / LANES, FEW_AHEAD = 8 };

/// Sums over a strip of rows for each of a few numbers: partial[strip, number, column]. Blocks
/// (strip, tile of columns); each slot of LANES threads has sums of its own in shared memory, of
/// FEW_THREADS numbers floats. VECTOR is 1.
KERNEL sum_few(long rows, long columns, long strip, int numbers, const int *__restrict__ index,
               const float *__restrict__ dy, float *partial) {
  begin_kernel();
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
