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
  long lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
  long first = blockIdx.x * slots + (threadIdx.x >> log_lanes), step = slots * gridDim.x;
  for (long row = first; row < rows; row += step) {
    const long number = index[row];
    if (number < 0) continue;
    for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR)
      put_pack(table + number * columns + column, load_pack<VECTOR>(dy + row * columns + column), 1);
  }
}
