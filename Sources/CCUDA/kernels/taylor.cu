// The Taylor feature map: 1, x / d^(1/4), and the products x_i x_j, j <= i, over sqrt(d), for j = i
// over sqrt(2 d). Constants: DIM; ROWS, the rows of a block at a time.

constexpr int features = 1 + DIM + DIM * (DIM + 1) / 2;
enum { THREADS = 256 };

/// The factors of the linear features and of mixed products.
struct Weights {
  float linear, mixed;
  DEVICE Weights() {
    const float root = sqrtf((float)DIM);
    linear = 1.0f / sqrtf(root);
    mixed = 1.0f / root;
  }
};

/// Where the products with x_i begin.
DEVICE int products_of(int i) { return 1 + DIM + i * (i + 1) / 2; }

KERNEL __launch_bounds__(THREADS) taylor_features(long rows, const float *__restrict__ x,
                                                  float *__restrict__ y) {
  begin_kernel();
  // Each feature is a product of two numbers of the row, of which the last is 1.
  __shared__ float input[ROWS][DIM + 1];
  __shared__ short first[features], second[features];
  __shared__ float weight[features];
  const Weights weights;
  for (int i = threadIdx.x; i <= DIM; i += THREADS) {
    // The row of products with x_i, or for i = DIM the features below them.
    for (int j = 0; j <= (i < DIM ? i : DIM); j++) {
      const int place = i < DIM ? products_of(i) + j : j;
      first[place] = i;
      second[place] = i < DIM ? j : (j ? j - 1 : DIM);
      weight[place] = i < DIM ? (j < i ? weights.mixed : weights.mixed * 0.70710678f)
                              : (j ? weights.linear : 1.0f);
    }
  }
  for (long row = (long)blockIdx.x * ROWS; row < rows; row += (long)gridDim.x * ROWS) {
    const int count = (int)min((long)ROWS, rows - row);
    __syncthreads();
    for (int i = threadIdx.x; i < count * (DIM + 1); i += THREADS) {
      const int r = i / (DIM + 1), column = i % (DIM + 1);
      input[r][column] = column < DIM ? x[(row + r) * DIM + column] : 1.0f;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < count * features; i += THREADS) {
      const int r = i / features, feature = i % features;
      y[row * features + i] = weight[feature] * input[r][first[feature]] * input[r][second[feature]];
    }
  }
}

KERNEL __launch_bounds__(THREADS) taylor_features_backward(long rows, const float *__restrict__ x,
                                                           const float *__restrict__ dy,
                                                           float *__restrict__ dx) {
  begin_kernel();
  __shared__ float input[ROWS][DIM], gains[ROWS][features];
  const Weights weights;
  for (long row = (long)blockIdx.x * ROWS; row < rows; row += (long)gridDim.x * ROWS) {
    const int count = (int)min((long)ROWS, rows - row);
    __syncthreads();
    for (int i = threadIdx.x; i < count * DIM; i += THREADS)
      input[i / DIM][i % DIM] = x[row * DIM + i];
    for (int i = threadIdx.x; i < count * features; i += THREADS)
      gains[i / features][i % features] = dy[row * features + i];
    __syncthreads();
    for (int n = threadIdx.x; n < count * DIM; n += THREADS) {
      const int r = n / DIM, i = n % DIM;
      const float *gain = gains[r];
      float sum = 0;
      for (int j = 0; j < DIM; j++) {
        const float product = gain[j <= i ? products_of(i) + j : products_of(j) + i];
        sum += (j == i ? 1.41421356f : 1.0f) * product * input[r][j];
      }
      dx[row * DIM + n] = weights.linear * gain[1 + i] + weights.mixed * sum;
    }
  }
}
