// Adds up the parts of gradients of parameters that the blocks of many kernels left, all at once: a
// kernel for each of some hundred rows would be mostly its start.

enum { MOST = 80, THREADS = 256 };

/// A gradient whose parts are rows; numbers that are known to be small share a `long`.
struct Sum {
  const float *parts;
  float *target;
  long count;    // of the gradient's numbers
  long rows;     // how many there are, and in the lower half the floats from one to the next
  long blocks;   // its first block, and in the lower half whether it adds to what is there
};

/// A whole table as one parameter, which the driver takes as it lies in the caller's memory.
struct Table {
  Sum sums[MOST];
};

/// Each block has THREADS / slots numbers of one gradient, with `slots` threads for each number that
/// take every slots-th row. Behind the last gradient the first block is one that there is not.
KERNEL __launch_bounds__(THREADS)
late_sums(const __grid_constant__ Table table) {
  begin_kernel();
  __shared__ float shared[THREADS];
  int which = 0;
#pragma unroll
  for (int step = 64; step; step /= 2)
    if (which + step < MOST && (int)(table.sums[which + step].blocks >> 32) <= (int)blockIdx.x)
      which += step;
  const Sum &sum = table.sums[which];
  const int rows = (int)(sum.rows >> 32), first = (int)(sum.blocks >> 32);
  const uint stride = (uint)sum.rows, flags = (uint)sum.blocks;
  const int lanes = (int)(flags >> 1), lane = threadIdx.x & (lanes - 1);
  const int slot = threadIdx.x / lanes, slots = THREADS / lanes;
  const long at = (long)((int)blockIdx.x - first) * lanes + lane;
  const bool present = at < sum.count;
  const float *parts = sum.parts + at;
  float total = 0.0f;
  if (present)
#pragma unroll 16
    for (int row = slot; row < rows; row += slots) total += parts[(long)row * stride];
  shared[threadIdx.x] = total;
  for (int half = slots / 2; half; half /= 2) {
    __syncthreads();
    if (slot < half) shared[threadIdx.x] += shared[threadIdx.x + half * lanes];
  }
  if (!slot && present) put(sum.target + at, shared[threadIdx.x], flags & 1);
}
