// The layer of mlp_parts.cuh, backward: the gradient of its rows. What the gradients of the weights need,
// the rows of x and dy as halves, is left for mlp_weights.cu.
//
// Blocks as in mlp.cu; the hidden numbers are made again.

constexpr int HIDDEN = 64;

/// `norm`, `scales`: of the norm that x goes through before, or null; `dx` is the gradient behind it.
/// `halves`: x, and behind it dy, with rows of zeros up to a multiple of 64, and `exponents` for each
/// 16 of these. The last argument is for grouped_mlp_inputs.cu alone.
extern "C" __global__ void __launch_bounds__(THREADS, 12 / WARPS)
    mlp_inputs(long rows, long hidden, const float *x, const float *norm, const float *scales,
               const float *dy, const Half *weights, const float *up_bias, float *dx,
               int accumulate, Half *halves, Exponents *exponents, float *) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  typedef Weights<HIDDEN> Part;
  Half *const parts = (Half *)shared;
  const int warp = threadIdx.x >> 5, g = lane_group(), t = lane_in_group();
  // Where the second part will be.
  Half *const tile = parts + Part::SIZE + warp * SLAB * PITCH;
  const int slab = blockIdx.x * (WARPS / SPLIT) + warp / SPLIT;
  const int columns = (int)hidden;
  // Behind both parts, or the rows where these are more.
  constexpr int OWN = WARPS * SLAB * PITCH;
  float *const bias = (float *)(parts + Part::SIZE + max((int)Part::SIZE, OWN));
  for (int i = threadIdx.x; i < columns; i += THREADS) bias[i] = up_bias[i] * BELL;

  Part::expect(parts, weights, 0);
  uint a[STEPS][4], b[STEPS][4];
  Exponents exponent;
  {
    const long first = (long)slab * SLAB, slabs = (rows + 63) / 64 * (64 / SLAB);
    const bool is_there = slab < slabs && warp % SPLIT == 0;
    Slab own;
    own.load(x + first * WIDTH, rows - first);
    if (CAN_NORMALISE && norm) own.scale(norm, scales + first, rows - first);
    exponent.x = own.store(tile, INPUT_BITS, is_there ? halves : nullptr, first);
    load_factor(a, tile);
    own.load(dy + first * WIDTH, rows - first);
    exponent.dy = own.store(tile, GRADIENT_BITS,
                            is_there ? halves + slabs * SLAB * WIDTH : nullptr, first);
    load_factor(b, tile);
    if (is_there && (threadIdx.x & 31) == 0) exponents[slab] = exponent;
  }
  const float scale = two_to(-WEIGHT_BITS - exponent.x) * BELL;
  float out[WIDTH / 8][4] = {};
  for (int start = 0; start < columns; start += HIDDEN) {
    const int turn = start / HIDDEN & 1;
    copy_wait<0>();
    __syncthreads();
    if (start + HIDDEN < columns)
      Part::expect(parts + (turn ^ 1) * Part::SIZE, weights, start + HIDDEN);
    const Part part(parts + turn * Part::SIZE);
#pragma unroll 1
    for (int n = warp % SPLIT * 16; n < HIDDEN; n += 16 * SPLIT) {
      float c[2][4] = {}, dc[2][4] = {};
      part.multiply(c, a, part.up, n);
      part.multiply(dc, b, part.down, n);
      uint dh[4];
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = i >> 1, e = 2 * (i & 1);
        const float2 own = *(const float2 *)(bias + start + n + 8 * j + 2 * t);
        const float left = Gelu(fmaf(c[j][e], scale, own.x)).slope_shifted(WEIGHT_BITS);
        const float right = Gelu(fmaf(c[j][e + 1], scale, own.y)).slope_shifted(WEIGHT_BITS);
        dh[i] = two_bounded_halves(dc[j][e] * left, dc[j][e + 1] * right);
      }
      part.add(out, dh, part.up, n);
    }
  }

  if (!join<SPLIT>(out, shared)) return;

  const long first = (long)slab * SLAB;
  const float inverse = two_to(-WEIGHT_BITS - exponent.dy);
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const long row = first + g + 8 * r;
      if (row < rows)
        put_pack(dx + row * WIDTH + 8 * j + 2 * t,
                 Pack<2>{out[j][2 * r] * inverse, out[j][2 * r + 1] * inverse}, accumulate);
    }
}
