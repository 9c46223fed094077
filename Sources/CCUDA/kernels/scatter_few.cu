// Sums of few rows that have the same number, in one kernel: for so few its start would be the most of
// each of the kernels of scatter.cu. After scatter_order.cuh.

enum {
  SLOTS = ORDER_THREADS / LANES,
  ALONE = 32,  // rows of one number that the threads of one row add up
};

/// table[index[r],:] += dy[r,:], in the order of the rows; -1 is left out. A block has `tile` numbers and
/// a tile of columns; shared memory holds the warps' lists and 4-byte numbers: a place for each row,
/// (tile + 1) ORDER_WARPS, tile + 2, and one for every ALONE rows.
KERNEL __launch_bounds__(ORDER_THREADS)
add_few_rows(long rows, long columns, int tile, const int *__restrict__ index,
             const float *__restrict__ dy, float *table) {
  begin_kernel();
  extern __shared__ __align__(16) int2 lists[];
  int *places = (int *)(lists + ORDER_WARPS * LISTED);
  int *numbers = places + rows, *start = numbers + (tile + 1) * ORDER_WARPS;
  // The numbers of more than ALONE rows: how many, and which.
  int *many = start + tile + 1;
  const int base = blockIdx.x * tile, slot = threadIdx.x / LANES;
  const long column = ((long)blockIdx.y * LANES + threadIdx.x % LANES) * VECTOR;
  const bool present = column < columns;
  if (!threadIdx.x) *many = 0;
  order_tile<true>(rows, base, tile, index, lists, numbers, places, [=](int place, int count) {
    start[threadIdx.x] = place;
    if (threadIdx.x == tile - 1) start[tile] = place + count;
    if (count > ALONE) many[1 + atomicAdd(many, 1)] = threadIdx.x;
  });
  __syncthreads();
  dy += column, table += base * columns + column;
  for (int local = slot; local < tile; local += SLOTS) {
    const int first = start[local], last = start[local + 1];
    if (!present || first == last || last - first > ALONE) continue;
    add_to_table(table + local * columns, sum_places<4>(first, 1, last, places, columns, dy));
  }
  // Their order does not matter: each has a sum of its own.
  pack *sums = (pack *)lists;
  for (int i = 0; i < *many; i++) {
    const int local = many[1 + i];
    sums[threadIdx.x] = pack{};
    if (present)
      sums[threadIdx.x] =
          sum_places<4>(start[local] + slot, SLOTS, start[local + 1], places, columns, dy);
    for (int half = SLOTS / 2; half; half /= 2) {
      __syncthreads();
      if (slot < half) add(sums[threadIdx.x], sums[threadIdx.x + half * LANES]);
    }
    if (!slot && present) add_to_table(table + local * columns, sums[threadIdx.x]);
    __syncthreads();
  }
}
