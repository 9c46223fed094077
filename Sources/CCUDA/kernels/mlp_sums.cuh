// Sums over rows for the gradients of the weights, which mlp_weights.cu and grouped_mlp_weights.cu
// make; after mlp_parts.cuh.
//
// They are kept times a power of two, the least that any 16 rows had: where it gets less,
// the sums are multiplied, and rows that have a greater one are brought to it by the left factor.

/// A gradient of a warp's 16 hidden columns, and the power of two that it is multiplied by.
struct Sum {
  float at[WIDTH / 8][4] = {};
  int exponent = 1000;

  /// Lowers the exponent to that of what will be added.
  ///
  /// Returns what is left for the left factor, and what else has the exponent is multiplied by.
  DEVICE float2 meet(int other) {
    float factor = 1;
    if (other < exponent) {
      factor = two_to(max(other - exponent, -126));
#pragma unroll
      for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) at[j][i] *= factor;
      exponent = other;
    }
    return {two_to(max(exponent - other, -126)), factor};
  }

  /// What the numbers are to be multiplied by in the end, in two steps as it may be beyond the range.
  DEVICE float2 inverse() const {
    const int half = exponent / 2;
    return {two_to(max(-half, -126)), two_to(max(half - exponent, -126))};
  }
};
