// The pass over the vocabulary of a head with a large one: the gradients of the weight and of the
// bias. It comes after head_tiles.cuh.

/// Blocks (BLOCK_ROWS rows of the weight, `each` tiles of hidden rows). Their sums of the gradients
/// of the weight and of the bias, of those that are wanted, go to `out`, or to `dweight` and `dbias`
/// (see put_weight_rows).
KERNEL __launch_bounds__(THREADS, RESIDENT)
head_weights(long padded_rows, int vocabulary, int width, int each, const Half *hidden,
             const Half *weight, const float *bias, const float *levels, const float *scale,
             float *dweight, float *dbias, float *out, uint *arrived) {
  begin_kernel();
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const int warp_row = blockIdx.x * BLOCK_ROWS + threadIdx.x / 32 * WARP_ROWS;
  const int row = warp_row + g;
  Rows own;
  own.load(weight + (long)warp_row * DEPTH);
  float shift[2 * SLABS], bias_sums[2 * SLABS] = {}, sums[SLABS][OUTPUTS][4] = {};
#pragma unroll
  for (int i = 0; i < 2 * SLABS; i++)
    shift[i] = bias && row + 8 * i < vocabulary ? bias[row + 8 * i] * RAW_SCALE : 0.0f;
  const int all = (int)(padded_rows / TILE), first = blockIdx.y * each;
  each_tile(
      first, min(first + each, all), TILE_FLOATS + LEVELS,
      [=](int number, float *to) {
        copy_tile(to, hidden + (long)number * TILE * DEPTH);
        if (threadIdx.x < LEVELS / 4)
          copy_async(to + TILE_FLOATS + threadIdx.x * 4,
                     levels + (long)number * LEVELS + threadIdx.x * 4);
      },
      [&](int, const float *memory) {
        const Half *tile = (const Half *)memory;
        const float *level = memory + TILE_FLOATS, *missing = level + 2 * TILE;
        const int *label = (const int *)level + TILE;
        float c[SLABS][COLUMNS][4];
#pragma unroll
        for (int n = 0; n < COLUMNS; n++)
#pragma unroll
          for (int i = 0; i < 4 * SLABS; i++) c[i >> 2][n][i & 3] = shift[i >> 1];
        own.multiply(c, tile);
#pragma unroll
        for (int n = 0; n < COLUMNS; n++)
#pragma unroll
          for (int i = 0; i < 4 * SLABS; i++) {
            float &x = c[i >> 2][n][i & 3];
            x = power_of_two(x * TO_BITS - level[n * 8 + 2 * t + (i & 1)]);
          }
        const bool found = (uint)(label[lane] - warp_row) < WARP_ROWS ||
                           (uint)(label[lane + 32] - warp_row) < WARP_ROWS;
        if (__any_sync(FULL_WARP, found)) {
#pragma unroll
          for (int n = 0; n < COLUMNS; n++)
#pragma unroll
            for (int i = 0; i < 4 * SLABS; i++) {
              const int place = n * 8 + 2 * t + (i & 1);
              if (label[place] == row + (i >> 1) * 8)
                c[i >> 2][n][i & 3] = missing[place] * (float)(1 << PROBABILITY_BITS);
            }
        }
        if (dbias) {
#pragma unroll
          for (int n = 0; n < COLUMNS; n++)
#pragma unroll
            for (int i = 0; i < 4 * SLABS; i++) bias_sums[i >> 1] += c[i >> 2][n][i & 3];
        }
        if (dweight) add_tile(sums, c, tile);
      });

#pragma unroll
  for (int slab = 0; slab < SLABS; slab++)
    put_weight_rows(sums[slab], bias_sums + 2 * slab, row + slab * 16, vocabulary, width, *scale,
                    dweight, dbias, out);
  if (out && is_last_block(arrived + blockIdx.x, gridDim.y))
    add_weight_parts(BLOCK_ROWS, vocabulary, width, dweight, dbias, out);
}
