// Rows of a table by their numbers. Constants: VECTOR, the floats that move at once.

typedef Pack<VECTOR> pack;

/// Rows of a thread that are under way at once: an element waits for its row's number, and both come
/// from afar.
enum { GATHERED = 4 };

DEVICE void add(pack &sum, const pack &term) {
#pragma unroll
  for (int i = 0; i < VECTOR; i++) sum.at[i] += term.at[i];
}

/// y[r,:] = table[index[r],:], zeros where the index is -1, plus other[index[r],:] and
/// added[r % period,:] where they are there. 2^log_lanes threads share a row.
KERNEL gather_rows(long rows, long columns, int log_lanes, const int *__restrict__ index,
                   const float *__restrict__ table, const float *__restrict__ other,
                   const float *__restrict__ added, long period, float *__restrict__ y) {
  begin_kernel();
  long lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
  long first = blockIdx.x * slots + (threadIdx.x >> log_lanes), step = slots * gridDim.x;
  for (; first < rows; first += GATHERED * step) {
    long number[GATHERED];
#pragma unroll
    for (int j = 0; j < GATHERED; j++)
      number[j] = first + j * step < rows ? index[first + j * step] : -1;
    for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR) {
      pack value[GATHERED] = {};
#pragma unroll
      for (int j = 0; j < GATHERED; j++)
        if (number[j] >= 0) value[j] = load_pack<VECTOR>(table + number[j] * columns + column);
      if (other)
#pragma unroll
        for (int j = 0; j < GATHERED; j++)
          if (number[j] >= 0) add(value[j], load_pack<VECTOR>(other + number[j] * columns + column));
#pragma unroll
      for (int j = 0; j < GATHERED; j++) {
        const long row = first + j * step;
        if (row >= rows) break;
        if (added)
          add(value[j], load_pack<VECTOR>(added + (int)row % (int)period * columns + column));
        store_pack(y + row * columns + column, value[j]);
      }
    }
  }
}

/// table[index[r],:] += dy[r,:]; -1 is left out, and no two other indices are equal.
KERNEL add_distinct_rows(long rows, long columns, int log_lanes, const int *index, const float *dy,
                         float *table) {
  begin_kernel();
  long lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
  long first = blockIdx.x * slots + (threadIdx.x >> log_lanes), step = slots * gridDim.x;
  for (long row = first; row < rows; row += step) {
    const long number = index[row];
    if (number < 0) continue;
    for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR)
      put_pack(table + number * columns + column, load_pack<VECTOR>(dy + row * columns + column), 1);
  }
}

// Rows of a block at most; numbers that a thread holds while it writes zeros.
enum { SPREAD = 512, HELD = 8 };

/// y[index[r],:] = dy[r,:], and zeros in all other of the `numbers` rows; -1 is left out, and no two
/// other indices are equal. A block has `stretch` rows of y, at most SPREAD, whose numbers it looks for
/// among all. It fills them with zeros first, which wait for nothing, while the numbers come.
KERNEL spread_rows(long rows, long numbers, long columns, long stretch, int log_lanes,
                   const int *index, const float *dy, float *y) {
  begin_kernel();
  __shared__ int2 found[SPREAD];
  __shared__ int count;
  const long base = blockIdx.x * stretch, left = numbers - base;
  const int own = (int)(stretch < left ? stretch : left);
  if (!threadIdx.x) count = 0;
  int number[HELD];
#pragma unroll
  for (int j = 0; j < HELD; j++) {
    const int row = threadIdx.x + j * blockDim.x;
    number[j] = row < (int)rows ? index[row] : -1;
  }
  y += base * columns;
  const long packs = own * columns / VECTOR;
#pragma unroll 4
  for (long i = threadIdx.x; i < packs; i += blockDim.x) store_pack(y + i * VECTOR, pack{});
  __syncthreads();
  // Their order does not matter: each has a row of its own.
  const auto look = [&](int row, int number) {
    const long place = number - base;
    if (number >= 0 && place >= 0 && place < own)
      found[atomicAdd(&count, 1)] = make_int2(row, (int)place);
  };
#pragma unroll
  for (int j = 0; j < HELD; j++) look(threadIdx.x + j * blockDim.x, number[j]);
#pragma unroll 8
  for (int row = threadIdx.x + HELD * blockDim.x; row < (int)rows; row += blockDim.x)
    look(row, index[row]);
  __syncthreads();
  const int lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
#pragma unroll 2
  for (int i = threadIdx.x >> log_lanes; i < count; i += slots) {
    const int2 place = found[i];
    for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR)
      store_pack(y + place.y * columns + column,
                 load_pack<VECTOR>(dy + place.x * columns + column));
  }
}
