// Attention's factors of 16 bits: their ranges, and the running softmax that makes weights; after
// halves.cuh and attention_tiles.cuh.
//
// Queries, keys and values are multiplied by 16: they may be up to 4094 (greater ones become that,
// infinite ones NaN, so that a run that diverges is seen to) and keep all their bits down to 4e-6.
// What may have any range, weights and gradients, gets a power of two of its own.
//
// Weights are relative to the greatest score so far, times 2^15: they keep their precision down to
// 2e-9, and vanish below 1e-12.

#define OPERAND_SCALE 16.0f
constexpr int WEIGHT_BITS = 15;
// The exponent of a row of zeros, greater than those of others.
constexpr int NO_ROW = 126;

/// Four numbers times `scale`, as halves; infinite ones become NaN.
DEVICE uint2 four_halves(const float4 &x, float scale) {
  return uint2{two_bounded_halves(fmaf(x.x, scale, x.x * 0.0f), fmaf(x.y, scale, x.y * 0.0f)),
               two_bounded_halves(fmaf(x.z, scale, x.z * 0.0f), fmaf(x.w, scale, x.w * 0.0f))};
}

/// 2^n for n from -126 to 127; 0 for less.
DEVICE float exact_power(int n) { return __int_as_float(max(n + 127, 0) << 23); }

/// The least n with |x| < 2^n, from the bits of |x|.
DEVICE int bits_before_point(int bits) { return (bits >> 23) - 126; }

/// What products left for 16 rows and a tile's columns, as a left factor.
template <int K>
DEVICE void to_factor(uint (&a)[K][4], const float (&c)[2 * K][4]) {
#pragma unroll
  for (int k = 0; k < K; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float *pair = c[2 * k + (i >> 1)] + 2 * (i & 1);
      a[k][i] = two_bounded_halves(pair[0], pair[1]);
    }
}

/// A warp's running softmax; each lane has rows g and g + 8, and in each a quarter of the columns.
template <int KEYS>
struct HalfSoftmax {
  float most[2] = {-INFINITE, -INFINITE};
  /// The sums of the weights as rounded, so that they add up to 1 in the outputs.
  float sums[4] = {};

  /// Scores become weights; `out` and `sums` become relative to the greatest score now.
  template <int N>
  DEVICE void add(float (&s)[KEYS / 8][4], float (&out)[N][4]) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float top = most[r];
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(s[n][2 * r], s[n][2 * r + 1]));
      top = fmaxf(top, __shfl_xor_sync(FULL_WARP, top, 1));
      top = fmaxf(top, __shfl_xor_sync(FULL_WARP, top, 2));
      // A row that has seen nothing yet, as with a window, must not compute infinity - infinity.
      const float base = top == -INFINITE ? 0.0f : top;
      const float factor = power_of_2(most[r] - base);
      most[r] = top;
      sums[2 * r] *= factor, sums[2 * r + 1] *= factor;
#pragma unroll
      for (int n = 0; n < N; n++) out[n][2 * r] *= factor, out[n][2 * r + 1] *= factor;
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int e = 2 * r; e < 2 * r + 2; e++)
          s[n][e] = power_of_2(s[n][e] - (base - WEIGHT_BITS));
    }
  }

  DEVICE void add_sums(const uint (&weights)[KEYS / 16][4]) {
    const uint ones = 0x3c003c00;
#pragma unroll
    for (int k = 0; k < KEYS / 16; k++) mma_half(sums, weights[k], ones, ones);
  }
};
