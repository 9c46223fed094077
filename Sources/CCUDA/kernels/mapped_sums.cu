// What a branch adds to a residual stream, where the branch ends with a linear map: the map, the sum and
// its norm in one pass, total = x W + bias + stream and y = norm(total).
//
// Constants: INPUTS and COLUMNS, those of the map, multiples of 4 up to 256 and 128; NORM, 0 for none, 1
// for the root-mean-square norm, 2 for the layer norm; WARPS, the warps of a block.
//
// Products are of halves, with the mantissa of TF32. A warp has 16 rows at a time. Those of x make room in
// shared memory as soon as they are factors, those of the stream once they are added, and the next ones are
// then under way; a row of the sum is in the registers of four lanes. But for the weights, warps have
// nothing to wait for together.

enum {
  THREADS = WARPS * 32, DEPTH = (INPUTS + 15) / 16 * 16, WIDTH = (COLUMNS + 15) / 16 * 16,
  STEPS = DEPTH / 16, PAIRS = WIDTH / 16,
  // An odd multiple of 16 bytes, so that the 8 rows of a matrix lie in different banks.
  WEIGHT_PITCH = (WIDTH / 8 | 1) * 8,
};

/// What lies in shared memory.
struct alignas(16) Shared {
  Half weights[DEPTH * WEIGHT_PITCH];
  float bias[WIDTH], norm_weight[WIDTH], norm_bias[WIDTH];
  float x[WARPS][16 * DEPTH], stream[WARPS][16 * WIDTH];
};

/// Where four columns of a row lie. Those of an odd row change places by 64 bytes where it would begin in
/// the bank of the row before: lanes read 64 bytes of two rows at once.
template <int PITCH>
DEVICE int place(int row, int column) {
  return row * PITCH + (PITCH % 32 ? column : column ^ (row & 1) << 4);
}

/// Begins to copy 16 rows of N columns, by one warp; zeros where there are none.
template <int N, int PITCH>
DEVICE void copy_rows(float *to, const float *from, int first, int rows) {
  constexpr int FOURS = PITCH / 4;
#pragma unroll
  for (int i = 0; i < FOURS / 2; i++) {
    const int index = (threadIdx.x & 31) + 32 * i, row = index / FOURS, column = index % FOURS * 4;
    const bool is_there = first + row < rows && column < N;
    copy_async(to + place<PITCH>(row, column), from + (is_there ? (first + row) * N + column : 0),
               is_there);
  }
}

/// A parameter of the columns; zeros behind them.
DEVICE void put_parameter(float *to, const float *from, float otherwise) {
  for (int i = threadIdx.x; i < WIDTH; i += THREADS)
    to[i] = i >= COLUMNS ? 0.0f : from ? from[i] : otherwise;
}

/// `x`: the rows [rows, INPUTS], less than 2^20; `stream` and the results [rows, COLUMNS]; `mean` and
/// `rstd` [rows]. Without a norm, `y` and these are not there; without a bias or weight, these are null.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    mapped_sum(const float *x, const float *weight, const float *bias, const float *stream,
               const float *norm_weight, const float *norm_bias, float epsilon, float *total,
               float *y, float *mean, float *rstd, int rows) {
  begin_kernel();
  extern __shared__ __align__(16) float dynamic[];
  Shared &shared = *(Shared *)dynamic;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int step = (int)gridDim.x * WARPS * 16;
  int first = (warp * (int)gridDim.x + (int)blockIdx.x) * 16;
  float *const arriving = shared.x[warp], *const added = shared.stream[warp];
  if (first < rows) copy_rows<INPUTS, DEPTH>(arriving, x, first, rows);
  copy_commit();
  if (first < rows) copy_rows<COLUMNS, WIDTH>(added, stream, first, rows);
  copy_commit();
  const Maps maps = {weight,  nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                     nullptr, nullptr, nullptr, COLUMNS, 0,       0,       0,       0,       0};
  put_weights<DEPTH, WEIGHT_PITCH, THREADS, true, false, 16>(maps, 0, INPUTS, shared.weights);
  put_parameter(shared.bias, bias, 0.0f);
  if (NORM) put_parameter(shared.norm_weight, norm_weight, 1.0f);
  if (NORM == 2) put_parameter(shared.norm_bias, norm_bias, 0.0f);
  __syncthreads();

  const Half *const weights = shared.weights + (lane & 15) * WEIGHT_PITCH + (lane >> 4) * 8;
  const int column = 4 * lane_in_group();
  for (; first < rows; first += step) {
    const bool is_last = first + step >= rows;
    copy_wait<1>();
    __syncwarp();
    Factor<STEPS> factor;
    {
      float4 own[STEPS][2];
#pragma unroll
      for (int k = 0; k < STEPS; k++)
#pragma unroll
        for (int i = 0; i < 2; i++)
          own[k][i] =
              *(const float4 *)(arriving + place<DEPTH>(lane_group() + 8 * i, k * 16 + column));
      factor.take(own);
    }
    __syncwarp();
    if (!is_last) copy_rows<INPUTS, DEPTH>(arriving, x, first + step, rows);
    copy_commit();

    float c[PAIRS][2][4] = {};
#pragma unroll
    for (int k = 0; k < STEPS; k++)
#pragma unroll
      for (int pair = 0; pair < PAIRS; pair++) {
        uint b[4];
        load_transposes(b, weights + k * 16 * WEIGHT_PITCH + pair * 16);
        mma_half(c[pair][0], factor.a[k], b[0], b[1]);
        mma_half(c[pair][1], factor.a[k], b[2], b[3]);
      }

    copy_wait<1>();
    __syncwarp();
    // The sum: of row g + 8 i, columns 4 t ... 4 t + 3 of each 16.
    float4 sum[2][PAIRS];
#pragma unroll
    for (int pair = 0; pair < PAIRS; pair++) {
      const float4 b = *(const float4 *)(shared.bias + pair * 16 + column);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float4 old =
            *(const float4 *)(added + place<WIDTH>(lane_group() + 8 * i, pair * 16 + column));
        const float scale = factor.inverse[i];
        sum[i][pair] = {c[pair][0][2 * i] * scale + b.x + old.x,
                        c[pair][0][2 * i + 1] * scale + b.y + old.y,
                        c[pair][1][2 * i] * scale + b.z + old.z,
                        c[pair][1][2 * i + 1] * scale + b.w + old.w};
      }
    }
    __syncwarp();
    if (!is_last) copy_rows<COLUMNS, WIDTH>(added, stream, first + step, rows);
    copy_commit();

#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int row = first + lane_group() + 8 * i;
      float level = 0.0f, squares = 0.0f;
#pragma unroll
      for (int pair = 0; pair < PAIRS; pair++) {
        const float4 v = sum[i][pair];
        level += v.x + v.y + (v.z + v.w);
        if (row < rows && pair * 16 + column < COLUMNS)
          store_pack(total + row * COLUMNS + pair * 16 + column, Pack<4>{v.x, v.y, v.z, v.w});
      }
      if (!NORM) continue;
      level = NORM == 2 ? group_sum<4>(level) * (1.0f / COLUMNS) : 0.0f;
#pragma unroll
      for (int pair = 0; pair < PAIRS; pair++) {
        if (pair * 16 + column >= COLUMNS) continue;
        float4 &v = sum[i][pair];
        v.x -= level, v.y -= level, v.z -= level, v.w -= level;
        squares += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
      }
      const float scale = rsqrtf(group_sum<4>(squares) * (1.0f / COLUMNS) + epsilon);
      if (row >= rows) continue;
#pragma unroll
      for (int pair = 0; pair < PAIRS; pair++) {
        const int at = pair * 16 + column;
        if (at >= COLUMNS) continue;
        const float4 v = sum[i][pair], w = *(const float4 *)(shared.norm_weight + at);
        const float4 b = NORM == 2 ? *(const float4 *)(shared.norm_bias + at) : float4{0, 0, 0, 0};
        store_pack(y + row * COLUMNS + at,
                   Pack<4>{v.x * scale * w.x + b.x, v.y * scale * w.y + b.y,
                           v.z * scale * w.z + b.z, v.w * scale * w.w + b.w});
      }
      if (lane_in_group()) continue;
      rstd[row] = scale;
      if (NORM == 2) mean[row] = level;
    }
  }
}
