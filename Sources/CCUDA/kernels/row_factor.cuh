// Rows as the left factor of products of halves, for weights that lie in shared memory as in
// linear_maps.cuh, spread.
//
// Each row is scaled by the power of two that brings its greatest element to 2^13 ... 2^14: what lies
// 2^-27 below that loses bits, beneath what a sum would keep of it.

/// 16 rows as the left factor, and what the products of each row are multiplied with.
template <int STEPS>
struct Factor {
  uint a[STEPS][4];
  float inverse[2];

  /// A lane's part of the rows: of g and g + 8, columns 4 t ... 4 t + 3 of each 16.
  DEVICE void take(const float4 (&rows)[STEPS][2]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      float most = 0;
#pragma unroll
      for (int k = 0; k < STEPS; k++) {
        const float4 x = rows[k][i];
        most = fmaxf(most, fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w))));
      }
      most = fmaxf(most, __shfl_xor_sync(FULL_WARP, most, 1));
      most = fmaxf(most, __shfl_xor_sync(FULL_WARP, most, 2));
      // 2^(140 - e), with e the exponent as it is stored, and 2^-4 over that.
      const int exponent = max((int)(__float_as_uint(most) >> 23), 18);
      const float scale = __uint_as_float((uint)(267 - exponent) << 23);
      inverse[i] = __uint_as_float((uint)(exponent - 17) << 23);
#pragma unroll
      for (int k = 0; k < STEPS; k++) {
        const float4 x = rows[k][i];
        a[k][i] = two_halves(x.x * scale, x.y * scale);
        a[k][i + 2] = two_halves(x.z * scale, x.w * scale);
      }
    }
  }
};
