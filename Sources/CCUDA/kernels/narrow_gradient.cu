// The gradient of a narrow map's weight, x' dy: bounded by reading x. Constants: COLUMNS, those of
// dy; LANES, the threads that share a row of x, each with 4 neighbouring columns of at most 128.

typedef Pack<4> pack;
enum { THREADS = 256, SLOTS = THREADS / LANES, AT_ONCE = 4 };

/// Each block leaves its sums in a row of `partial`, [blocks, inputs, COLUMNS].
KERNEL __launch_bounds__(THREADS, 2)
narrow_gradient(const float *__restrict__ x, const float *__restrict__ dy, long rows, long inputs,
                float *__restrict__ partial) {
  __shared__ pack shared[THREADS];
  const int column = threadIdx.x % LANES * 4;
  const long step = (long)gridDim.x * SLOTS;
  pack sum[COLUMNS] = {};
  for (long first = (long)blockIdx.x * SLOTS + threadIdx.x / LANES; first < rows;
       first += step * AT_ONCE) {
    pack v[AT_ONCE];
#pragma unroll
    for (int k = 0; k < AT_ONCE; k++) {
      const long row = first + k * step;
      v[k] = row < rows && column < inputs ? load_pack<4>(x + row * inputs + column) : pack{};
    }
#pragma unroll
    for (int k = 0; k < AT_ONCE; k++) {
      const long row = first + k * step;
      if (row >= rows) break;
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        const float gradient = dy[row * COLUMNS + j];
#pragma unroll
        for (int i = 0; i < 4; i++) sum[j].at[i] += v[k].at[i] * gradient;
      }
    }
  }
  float *out = partial + (blockIdx.x * inputs + column) * COLUMNS;
#pragma unroll
  for (int j = 0; j < COLUMNS; j++) {
    pack *const own = shared + threadIdx.x;
    *own = sum[j];
#pragma unroll
    for (int half = SLOTS / 2; half; half /= 2) {
      __syncthreads();
      if (threadIdx.x < half * LANES)
#pragma unroll
        for (int i = 0; i < 4; i++) own->at[i] += own[half * LANES].at[i];
    }
    if (threadIdx.x < LANES && column < inputs)
#pragma unroll
      for (int i = 0; i < 4; i++) out[i * COLUMNS + j] = own->at[i];
    __syncthreads();
  }
}
