// The layer of mlp_parts.cuh, forward.
//
// A block has 16 rows for each warp, or, where rows are few, for SPLIT warps that share the hidden
// columns; all weights go past them in parts, of which the next is under
// way while one is used.

constexpr int HIDDEN = 64;

/// `norm`: the weight of a root-mean-square norm that x goes through before, or null for none;
/// `is_added`: whether x, as it is, is added to the result.
extern "C" __global__ void __launch_bounds__(THREADS, 12 / WARPS)
    mlp(long rows, long hidden, const float *x, const float *norm, float epsilon, float *scales,
        const Half *weights, const float *up_bias, const float *down_bias, int is_added, float *y) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  typedef Weights<HIDDEN> Part;
  Half *const parts = (Half *)shared;
  const int warp = threadIdx.x >> 5, g = lane_group(), t = lane_in_group();
  // Where the second part will be.
  Half *const tile = parts + Part::SIZE + warp * SLAB * PITCH;
  const long first = ((long)blockIdx.x * (WARPS / SPLIT) + warp / SPLIT) * SLAB;
  const int columns = (int)hidden;
  // Behind both parts, or the rows where these are more.
  constexpr int OWN = WARPS * SLAB * PITCH;
  float *const bias = (float *)(parts + Part::SIZE + max((int)Part::SIZE, OWN));
  for (int i = threadIdx.x; i < columns; i += THREADS) bias[i] = up_bias[i] * (1 << HIDDEN_BITS);

  Part::expect(parts, weights, 0);
  uint a[STEPS][4];
  float scale;
  {
    Slab own;
    own.load(x + first * WIDTH, rows - first);
    if (CAN_NORMALISE && norm) own.normalise(norm, epsilon, scales + first, rows - first);
    scale = two_to(HIDDEN_BITS - WEIGHT_BITS - own.store(tile, INPUT_BITS));
    load_factor(a, tile);
  }
  float out[WIDTH / 8][4] = {};
  for (int start = 0; start < columns; start += HIDDEN) {
    const int turn = start / HIDDEN & 1;
    copy_wait<0>();
    __syncthreads();
    if (start + HIDDEN < columns)
      Part::expect(parts + (turn ^ 1) * Part::SIZE, weights, start + HIDDEN);
    const Part part(parts + turn * Part::SIZE);
#pragma unroll 2
    for (int n = warp % SPLIT * 16; n < HIDDEN; n += 16 * SPLIT) {
      float c[2][4] = {};
      part.multiply(c, a, part.up, n);
      uint h[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float *own = c[i >> 1] + 2 * (i & 1);
        const float2 b = *(const float2 *)(bias + start + n + 8 * (i >> 1) + 2 * t);
        h[i] = two_halves(gelu(fmaf(own[0], scale, b.x)), gelu(fmaf(own[1], scale, b.y)));
      }
      part.add(out, h, part.down, n);
    }
  }
  if (!join<SPLIT>(out, shared)) return;

#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++) {
    const int column = 8 * j + 2 * t;
    const float2 b = {down_bias[column], down_bias[column + 1]};
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const long row = first + g + 8 * r;
      if (row >= rows) continue;
      const long at = row * WIDTH + column;
      const float2 own = is_added ? *(const float2 *)(x + at) : float2{0, 0};
      constexpr float INVERSE = 1.0f / (1 << (WEIGHT_BITS + HIDDEN_BITS));
      store_pack<2>(y + at, {own.x + fmaf(out[j][2 * r], INVERSE, b.x),
                             own.y + fmaf(out[j][2 * r + 1], INVERSE, b.y)});
    }
  }
}
