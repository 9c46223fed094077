// Rows of a table by their numbers. Constants: VECTOR, the floats that move at once.

typedef Pack<VECTOR> pack;

/// y[r,:] = table[index[r],:], zeros where the index is -1, plus other[index[r],:] and
/// added[r % period,:] where they are there. 2^log_lanes threads share a row.
KERNEL gather_rows(long rows, long columns, int log_lanes, const int *index, const float *table,
                   const float *other, const float *added, long period, float *y) {
  long lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slots = blockDim.x >> log_lanes;
  long first = blockIdx.x * slots + (threadIdx.x >> log_lanes), step = slots * gridDim.x;
#pragma unroll 4
  for (long row = first; row < rows; row += step) {
    const long number = index[row];
    const float *more = added ? added + (int)row % (int)period * columns : nullptr;
    for (long column = lane * VECTOR; column < columns; column += lanes * VECTOR) {
      pack value = {};
      if (number >= 0) value = load_pack<VECTOR>(table + number * columns + column);
      if (other && number >= 0) {
        const pack term = load_pack<VECTOR>(other + number * columns + column);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) value.at[i] += term.at[i];
      }
      if (more) {
        const pack term = load_pack<VECTOR>(more + column);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) value.at[i] += term.at[i];
      }
      store_pack(y + row * columns + column, value);
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
