// The layer of mlp_parts.cuh, backward: the gradients of its weights and biases.
//
// A block has 16 hidden columns for each warp, whose weights and gradients stay in registers, and a
// part of the rows, which go past them; `parts`, [parts of the rows, up, up bias, down, down bias],
// are added up by part_sums.cu.

/// Slabs of 16 rows that come to shared memory at once.
constexpr int AT_ONCE = 4, TILE_SIZE = AT_ONCE * SLAB * PITCH;

/// Asks for slabs of x and dy, and their exponents.
DEVICE void expect_slabs(Half *tile, Exponents *exponents, const Half *halves,
                         const Exponents *all, long slabs, long slab) {
  constexpr int PACKS = WIDTH / 8, COUNT = AT_ONCE * SLAB * PACKS;
#pragma unroll 1
  for (int i = threadIdx.x; i < 2 * COUNT; i += THREADS) {
    const int which = i / COUNT, row = i % COUNT / PACKS, column = i % PACKS * 8;
    const long from = copy_place(slab * SLAB + row, column);
    const bool is_there = slab + row / SLAB < slabs;
    copy_async(tile + which * TILE_SIZE + row * PITCH + column,
               halves + (is_there ? which * slabs * SLAB * WIDTH + from : 0), is_there);
  }
  if (threadIdx.x < AT_ONCE / 2) copy_async(exponents + 2 * threadIdx.x, all + slab + 2 * threadIdx.x);
  copy_commit();
}

/// `parts`: of the rows, `split` times AT_ONCE slabs each; `exponents`: of slabs rounded up to a
/// multiple of AT_ONCE.
extern "C" __global__ void __launch_bounds__(THREADS, 8 / WARPS)
    mlp_weights(long slabs, long hidden, long split, const Half *halves, const Exponents *exponents,
                const Half *weights, const float *up_bias, float *parts) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  Half *const tiles = (Half *)shared;
  Exponents *const own_exponents = (Exponents *)(tiles + 4 * TILE_SIZE);
  const int lane = threadIdx.x & 31, g = lane_group(), t = lane_in_group();
  const int group = blockIdx.x * WARPS + (threadIdx.x >> 5), first = group * SLAB;
  const long begin = (long)blockIdx.y * split * AT_ONCE;
  const long end = min(slabs, begin + split * AT_ONCE);

  expect_slabs(tiles, own_exponents, halves, exponents, slabs, begin);
  // The left factors, [hidden, width].
  uint up[STEPS][4], down[STEPS][4];
#pragma unroll
  for (int k = 0; k < STEPS; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = first + g + 8 * (i & 1), column = 16 * k + 8 * (i >> 1) + 2 * t;
      up[k][i] = *(const uint *)(weights + weight_place(false, row, column));
      down[k][i] = *(const uint *)(weights + weight_place(true, row, column));
    }
  const float bias[2] = {up_bias[first + g] * BELL, up_bias[first + g + 8] * BELL};

  Sum up_sum, down_sum;
  float up_bias_sum[2] = {}, down_bias_sum[2][4] = {};
  int turn = 0;
  for (long slab = begin; slab < end; slab += AT_ONCE, turn ^= 1) {
    copy_wait<0>();
    __syncthreads();
    if (slab + AT_ONCE < end)
      expect_slabs(tiles + (turn ^ 1) * 2 * TILE_SIZE, own_exponents + (turn ^ 1) * AT_ONCE, halves,
                   exponents, slabs, slab + AT_ONCE);
    const int count = (int)min((long)AT_ONCE, end - slab);
#pragma unroll 1
    for (int s = 0; s < count; s++) {
      const Exponents exponent = own_exponents[turn * AT_ONCE + s];
      const Half *const x = tiles + turn * 2 * TILE_SIZE + s * SLAB * PITCH;
      const Half *const dy = x + TILE_SIZE;
      // Of the hidden columns and the slab's rows: before the function, and the gradient after it.
      float c[2][4] = {}, dc[2][4] = {};
      const int across = ((lane & 7) + (lane >> 4) * 8) * PITCH + (lane >> 3 & 1) * 8;
#pragma unroll
      for (int k = 0; k < STEPS; k++) {
        uint b[4];
        load_halves(b, x + across + 16 * k);
        mma_half(c[0], up[k], b[0], b[1]), mma_half(c[1], up[k], b[2], b[3]);
        load_halves(b, dy + across + 16 * k);
        mma_half(dc[0], down[k], b[0], b[1]), mma_half(dc[1], down[k], b[2], b[3]);
      }

      const float2 for_up = up_sum.meet(exponent.x + exponent.dy);
      const float2 for_down = down_sum.meet(exponent.dy + HIDDEN_BITS);
      const float to_hidden = for_down.x * (1 << HIDDEN_BITS);
      const float scale = two_to(-WEIGHT_BITS - exponent.x) * BELL;
      uint h[4], dh[4];
      float sums[2] = {};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = i >> 1, r = i & 1;
        const Gelu left(fmaf(c[j][2 * r], scale, bias[r]));
        const Gelu right(fmaf(c[j][2 * r + 1], scale, bias[r]));
        const float dleft = dc[j][2 * r] * left.slope_shifted(WEIGHT_BITS);
        const float dright = dc[j][2 * r + 1] * right.slope_shifted(WEIGHT_BITS);
        h[i] = two_halves(left.value * (to_hidden * (1 / BELL)),
                          right.value * (to_hidden * (1 / BELL)));
        dh[i] = two_bounded_halves(dleft * for_up.x, dright * for_up.x);
        sums[r] += dleft + dright;
      }
#pragma unroll
      for (int r = 0; r < 2; r++)
        up_bias_sum[r] = fmaf(sums[r], two_to(-exponent.dy), up_bias_sum[r]);

      const int along = (lane & 15) * PITCH + (lane >> 4) * 8;
      // The sum of dy is its product with ones; of 16 columns in one warp each.
      if (group < STEPS) {
        const uint one = two_halves(to_hidden, to_hidden), ones[4] = {one, one, one, one};
        uint b[4];
        load_transposes(b, dy + along + 16 * group);
#pragma unroll
        for (int e = 0; e < 2; e++) {
#pragma unroll
          for (int i = 0; i < 4; i++) down_bias_sum[e][i] *= for_down.y;
          mma_half(down_bias_sum[e], ones, b[2 * e], b[2 * e + 1]);
        }
      }
#pragma unroll
      for (int j = 0; j < STEPS; j++) {
        uint b[4];
        load_transposes(b, dy + along + 16 * j);
        mma_half(down_sum.at[2 * j], h, b[0], b[1]), mma_half(down_sum.at[2 * j + 1], h, b[2], b[3]);
        load_transposes(b, x + along + 16 * j);
        mma_half(up_sum.at[2 * j], dh, b[0], b[1]), mma_half(up_sum.at[2 * j + 1], dh, b[2], b[3]);
      }
    }
  }

  parts += blockIdx.y * (2 * WIDTH * hidden + hidden + WIDTH);
  float *const up_bias_part = parts + WIDTH * hidden, *const down_part = up_bias_part + hidden;
  const float2 up_inverse = up_sum.inverse(), down_inverse = down_sum.inverse();
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = first + g + 8 * r, column = 8 * j + 2 * t;
      const auto up_at = [&](int i) { return up_sum.at[j][2 * r + i] * up_inverse.x * up_inverse.y; };
      const auto down_at = [&](int i) {
        return down_sum.at[j][2 * r + i] * down_inverse.x * down_inverse.y;
      };
      parts[column * hidden + row] = up_at(0), parts[(column + 1) * hidden + row] = up_at(1);
      store_pack<2>(down_part + (long)row * WIDTH + column, {down_at(0), down_at(1)});
    }
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const float sum = group_sum<4>(up_bias_sum[r]);
    if (t == 0) up_bias_part[first + g + 8 * r] = sum;
  }
  if (group < STEPS && g == 0)
#pragma unroll
    for (int i = 0; i < 4; i++)
      down_part[WIDTH * hidden + 16 * group + 8 * (i >> 1) + 2 * t + (i & 1)] =
          down_bias_sum[i >> 1][i & 1] * down_inverse.x * down_inverse.y;
}
