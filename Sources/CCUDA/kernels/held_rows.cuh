// Rows that a group of threads holds in registers. Constants: VECTOR, the floats that are loaded at
// once; LANES, the threads of a row; PACKS, the vectors that each has of it.

typedef Pack<VECTOR> pack;
enum { THREADS = 256, GROUPS = THREADS / LANES, SHARED = THREADS * PACKS * VECTOR };

DEVICE int lane_of_row() { return threadIdx.x % LANES; }
DEVICE int group_of_row() { return threadIdx.x / LANES; }
DEVICE long column_of(int part) { return (long)(part * LANES + lane_of_row()) * VECTOR; }

// For each float of the thread's part of a row; `part` and `i` are its place in the registers.
#define EACH_PACK(columns, ...)              \
  _Pragma("unroll") for (int part = 0; part < PACKS; part++) { \
    const long column = column_of(part);     \
    if (column < (columns)) { __VA_ARGS__ }  \
  }
#define EACH_FLOAT(...) _Pragma("unroll") for (int i = 0; i < VECTOR; i++) { __VA_ARGS__ }

/// The thread's part of one row, zeros where there is none.
DEVICE void load_row(pack v[PACKS], long columns, const float *row, bool present) {
#pragma unroll
  for (int part = 0; part < PACKS; part++) v[part] = pack{};
  if (present) EACH_PACK(columns, v[part] = load_pack<VECTOR>(row + column);)
}

/// The thread's part of a weight or bias, which may begin anywhere.
DEVICE void load_parameter(pack v[PACKS], long columns, const float *parameter, float otherwise) {
#pragma unroll
  for (int part = 0; part < PACKS; part++) EACH_FLOAT(v[part].at[i] = otherwise;)
  if (parameter) EACH_PACK(columns, v[part] = load_floats<VECTOR>(parameter + column);)
}

/// Adds up the column sums of the groups whose numbers are equal but for multiples of `kinds`, a power
/// of two; the first group of each kind writes its own, one behind the other.
DEVICE void write_sums(const pack sum[PACKS], float *shared, long columns, float *out,
                       int kinds = 1) {
  const int group = group_of_row();
  EACH_PACK(columns, EACH_FLOAT(shared[group * columns + column + i] = sum[part].at[i];))
#pragma unroll
  for (int half = GROUPS / 2; half; half /= 2) {
    if (half < kinds) break;
    __syncthreads();
    if (group < half)
      EACH_PACK(columns, EACH_FLOAT({
        const long at = group * columns + column + i;
        shared[at] += shared[at + half * columns];
      }))
  }
  if (group < kinds)
    EACH_PACK(columns, EACH_FLOAT({
      const long at = group * columns + column + i;
      out[at] = shared[at];
    }))
  __syncthreads();
}
