// Sums over rows, in a fixed order. Constants: VECTOR, the floats that are loaded at once.
//
// Strips of rows are added up by blocks of their own, then the strips' sums by `add_partials`.

typedef Pack<VECTOR> pack;
enum { SUM_THREADS = 256 };

// What is added up.
enum { PLAIN, PRODUCT, NORMALISED };

/// The sum of the rows first, first + step, … below last.
template <int kind>
DEVICE pack column_sum(long columns, long column, long first, long step, long last,
                       const float *__restrict__ dy, const float *__restrict__ x,
                       const float *__restrict__ mean, const float *__restrict__ rstd) {
  pack sum = {};
#pragma unroll 8
  for (long row = first; row < last; row += step) {
    long at = row * columns + column;
    pack term = load_pack<VECTOR>(dy + at);
    if (kind != PLAIN) {
      pack factor = load_pack<VECTOR>(x + at);
      float level = kind == NORMALISED && mean ? mean[row] : 0.0f;
      float scale = kind == NORMALISED ? rstd[row] : 1.0f;
#pragma unroll
      for (int i = 0; i < VECTOR; i++) term.at[i] *= (factor.at[i] - level) * scale;
    }
#pragma unroll
    for (int i = 0; i < VECTOR; i++) sum.at[i] += term.at[i];
  }
  return sum;
}

/// Adds up the sums of the slots of a block, a power of two; those of slot 0 become the result.
DEVICE void add_slots(float *own, const pack &sum, int slot, int slots, int lanes) {
#pragma unroll
  for (int i = 0; i < VECTOR; i++) own[i] = sum.at[i];
  for (int half = slots >> 1; half; half >>= 1) {
    __syncthreads();
    if (slot < half)
#pragma unroll
      for (int i = 0; i < VECTOR; i++) own[i] += own[half * lanes * VECTOR + i];
  }
}

/// Column sums of dy, of dy x, or of dy (x - mean) rstd, by blocks (column tile, strip of rows).
/// They become rows of `out`, one per strip, or are added to it.
KERNEL sum_columns(long rows, long columns, long strip, int log_lanes, const float *dy,
                   const float *x, const float *mean, const float *rstd, float *out,
                   int accumulate) {
  begin_kernel();
  __shared__ float shared[SUM_THREADS * VECTOR];
  int lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slot = threadIdx.x >> log_lanes;
  int slots = SUM_THREADS >> log_lanes;
  long column = ((long)blockIdx.x * lanes + lane) * VECTOR;
  long first = blockIdx.y * strip, last = first + strip < rows ? first + strip : rows;
  first += slot;
  pack sum = {};
  if (column < columns) {
    if (rstd)
      sum = column_sum<NORMALISED>(columns, column, first, slots, last, dy, x, mean, rstd);
    else if (x)
      sum = column_sum<PRODUCT>(columns, column, first, slots, last, dy, x, mean, rstd);
    else
      sum = column_sum<PLAIN>(columns, column, first, slots, last, dy, x, mean, rstd);
  }
  float *own = shared + threadIdx.x * VECTOR;
  add_slots(own, sum, slot, slots, lanes);
  if (slot || column >= columns) return;
#pragma unroll
  for (int i = 0; i < VECTOR; i++) put(out + blockIdx.y * columns + column + i, own[i], accumulate);
}

/// Adds the sums over `strips` rows of partial sums to two arrays, whose elements lie one after the
/// other in each row. 2^log_lanes neighbouring threads have the columns of a block: few where there
/// are few columns, so that many blocks and many slots of threads read at once.
KERNEL __launch_bounds__(SUM_THREADS)
add_partials(long strips, long first_count, long second_count, int log_lanes,
             const float *__restrict__ partial, float *first, float *second) {
  begin_kernel();
  __shared__ float shared[SUM_THREADS * VECTOR];
  int lanes = 1 << log_lanes, lane = threadIdx.x & (lanes - 1), slot = threadIdx.x >> log_lanes;
  int slots = SUM_THREADS >> log_lanes;
  long count = first_count + second_count, column = ((long)blockIdx.x * lanes + lane) * VECTOR;
  pack sum = {};
  if (column < count) {
#pragma unroll 8
    for (long strip = slot; strip < strips; strip += slots) {
      pack term = load_pack<VECTOR>(partial + strip * count + column);
#pragma unroll
      for (int i = 0; i < VECTOR; i++) sum.at[i] += term.at[i];
    }
  }
  float *own = shared + threadIdx.x * VECTOR;
  add_slots(own, sum, slot, slots, lanes);
  if (slot || column >= count) return;
#pragma unroll
  for (int i = 0; i < VECTOR; i++) {
    long at = column + i;
    float *target = at < first_count ? first + at : second + (at - first_count);
    *target += own[i];
  }
}
