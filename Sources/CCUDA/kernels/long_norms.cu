// Normalisation of rows that are too long for a warp's registers: a block for each row. Sums over
// rows, for the gradients of weights and biases, are those of `sums.cu`.

/// The sum over one row of term(column), in every thread.
template <typename Function>
DEVICE float row_sum(long columns, float *shared, Function term) {
  float sum = 0.0f;
  for (long column = threadIdx.x; column < columns; column += blockDim.x) sum += term(column);
  return block_sum(sum, shared);
}

/// y = (x - mean) rstd weight + bias with rstd = (factor sum (x - mean)^2 + epsilon)^(-1/2); `mean`
/// is null for norms without one.
KERNEL long_norm(long rows, long columns, float factor, float epsilon, const float *x,
                 const float *weight, const float *bias, float *y, float *mean, float *rstd) {
  begin_kernel();
  __shared__ float shared[32];
  for (long row = blockIdx.x; row < rows; row += gridDim.x) {
    const float *in = x + row * columns;
    float level = 0.0f;
    if (mean) level = factor * row_sum(columns, shared, [=](long column) { return in[column]; });
    float squares = row_sum(columns, shared, [=](long column) {
      float distance = in[column] - level;
      return distance * distance;
    });
    float scale = rsqrtf(factor * squares + epsilon);
    for (long column = threadIdx.x; column < columns; column += blockDim.x) {
      float value = (in[column] - level) * scale;
      if (weight) value *= weight[column];
      if (bias) value += bias[column];
      y[row * columns + column] = value;
    }
    if (threadIdx.x) continue;
    rstd[row] = scale;
    if (mean) mean[row] = level;
  }
}

/// dx (+)= rstd (g - mean of g - (x - mean) rstd^2 mean of g (x - mean)) with g = dy weight.
KERNEL long_norm_backward(long rows, long columns, const float *x, const float *weight,
                          const float *mean, const float *rstd, const float *dy, float *dx,
                          int accumulate) {
  begin_kernel();
  __shared__ float shared[32];
  float factor = 1.0f / (float)columns;
  for (long row = blockIdx.x; row < rows; row += gridDim.x) {
    const float *in = x + row * columns, *gradient = dy + row * columns;
    float middle = mean ? mean[row] : 0.0f, scale = rstd[row], level = 0.0f;
    auto g = [=](long column) {
      return weight ? gradient[column] * weight[column] : gradient[column];
    };
    if (mean) level = factor * scale * row_sum(columns, shared, g);
    float slope = row_sum(
        columns, shared, [=](long column) { return g(column) * (in[column] - middle); });
    slope *= factor * scale * scale * scale;
    for (long column = threadIdx.x; column < columns; column += blockDim.x)
      put(dx + row * columns + column,
          scale * g(column) - (level + slope * (in[column] - middle)), accumulate);
  }
}

/// dx (+)= scale (dy - y (y . dy))
KERNEL long_l2_norm_backward(long rows, long columns, const float *y, const float *scale,
                             const float *dy, float *dx, int accumulate) {
  begin_kernel();
  __shared__ float shared[32];
  for (long row = blockIdx.x; row < rows; row += gridDim.x) {
    const float *out = y + row * columns, *gradient = dy + row * columns;
    float dot = row_sum(
        columns, shared, [=](long column) { return out[column] * gradient[column]; });
    float factor = scale[row];
    for (long column = threadIdx.x; column < columns; column += blockDim.x)
      put(dx + row * columns + column, factor * (gradient[column] - out[column] * dot),
          accumulate);
  }
}
