// Element-wise kernels: bound by memory, so they move 16 bytes at a time where all tensors begin at
// a multiple of 16 bytes. An output may be one of the inputs: every element is read and written by
// one thread.
//
// Compiled with FUNCTION, the file holds the kernels of that element-wise function; without it the
// arithmetic.

/// Whether all tensors can be read and written 16 bytes at a time; a null pointer can.
template <class... Pointers>
DEVICE bool aligned(Pointers... pointers) {
  return (((unsigned long)pointers | ...) & 15) == 0;
}

template <class Function, class... Values>
DEVICE float4 each(Function f, Values... values) {
  return make_float4(
      f(values.x...), f(values.y...), f(values.z...), f(values.w...));
}

DEVICE void put4(float *target, long quad, float4 value, bool accumulate) {
  float4 *place = (float4 *)target + quad;
  if (accumulate) value = each([](float a, float b) { return a + b; }, *place, value);
  *place = value;
}

/// y (+)= f(inputs...) for all n elements, in a loop over the grid.
template <class Function, class... Inputs>
DEVICE void map(long n, float *y, bool accumulate, Function f, Inputs... inputs) {
  long i = thread_index(), step = thread_count();
  if (aligned(y, inputs...)) {
    for (long quad = i; quad < n / 4; quad += step)
      put4(y, quad, each(f, ((const float4 *)inputs)[quad]...), accumulate);
    i += n & ~3L;
  }
  for (; i < n; i += step) put(y + i, f(inputs[i]...), accumulate);
}

#ifdef FUNCTION

DEVICE float value_of(float x) { return unary_value(FUNCTION, x); }
DEVICE float slope_of(float x, float y) { return unary_slope(FUNCTION, x, y); }

KERNEL unary(long n, const float *x, float *y) {
  begin_kernel();
  map(n, y, false, [](float x) { return value_of(x); }, x);
}

/// dx (+)= f'(x) dy
KERNEL unary_backward(
    long n, const float *x, const float *y, const float *dy, float *dx, int accumulate) {
  begin_kernel();
  map(n, dx, accumulate, [](float x, float y, float dy) { return slope_of(x, y) * dy; }, x, y, dy);
}

/// y = alpha f(x)
KERNEL scaled_unary(long n, float alpha, const float *x, float *y) {
  begin_kernel();
  map(n, y, false, [alpha](float x) { return alpha * value_of(x); }, x);
}

/// dx (+)= alpha f'(x) dy
KERNEL scaled_unary_backward(
    long n, float alpha, const float *x, const float *dy, float *dx, int accumulate) {
  begin_kernel();
  map(n, dx, accumulate,
      [alpha](float x, float dy) { return alpha * (slope_of(x, value_of(x)) * dy); }, x, dy);
}

/// y = a f(b)
KERNEL gate(long n, const float *a, const float *b, float *y) {
  begin_kernel();
  map(n, y, false, [](float a, float b) { return a * value_of(b); }, a, b);
}

/// da (+)= dy f(b), db (+)= dy a f'(b)
KERNEL gate_backward(
    long n, const float *a, const float *b, const float *dy, float *da, int accumulate_a,
    float *db, int accumulate_b) {
  begin_kernel();
  auto for_a = [](float b, float dy) { return dy * value_of(b); };
  auto for_b = [](float a, float b, float dy) { return dy * (slope_of(b, value_of(b)) * a); };
  long i = thread_index(), step = thread_count();
  if (aligned(a, b, dy, da, db)) {
    for (long quad = i; quad < n / 4; quad += step) {
      float4 p = ((const float4 *)a)[quad], q = ((const float4 *)b)[quad],
             g = ((const float4 *)dy)[quad];
      if (da) put4(da, quad, each(for_a, q, g), accumulate_a);
      if (db) put4(db, quad, each(for_b, p, q, g), accumulate_b);
    }
    i += n & ~3L;
  }
  for (; i < n; i += step) {
    float p = a[i], q = b[i], g = dy[i];
    if (da) put(da + i, for_a(q, g), accumulate_a);
    if (db) put(db + i, for_b(p, q, g), accumulate_b);
  }
}

#else

KERNEL add(long n, const float *a, const float *b, float *y) {
  begin_kernel();
  map(n, y, false, [](float a, float b) { return a + b; }, a, b);
}

KERNEL subtract(long n, const float *a, const float *b, float *y) {
  begin_kernel();
  map(n, y, false, [](float a, float b) { return a - b; }, a, b);
}

/// y (+)= a b
KERNEL multiply(long n, const float *a, const float *b, float *y, int accumulate) {
  begin_kernel();
  map(n, y, accumulate, [](float a, float b) { return a * b; }, a, b);
}

/// y += alpha x
KERNEL add_scaled(long n, float alpha, const float *x, float *y) {
  begin_kernel();
  map(n, y, true, [alpha](float x) { return alpha * x; }, x);
}

/// y = alpha x + beta
KERNEL affine(long n, float alpha, float beta, const float *x, float *y) {
  begin_kernel();
  map(n, y, false, [alpha, beta](float x) { return alpha * x + beta; }, x);
}

/// y = sigmoid(x)^exponent
KERNEL sigmoid_power(long n, float exponent, const float *x, float *y) {
  begin_kernel();
  map(n, y, false, [exponent](float x) { return expf(-exponent * softplus(-x)); }, x);
}

/// dx (+)= exponent y sigmoid(-x) dy
KERNEL sigmoid_power_backward(long n, float exponent, const float *x, const float *y,
                              const float *dy, float *dx, int accumulate) {
  begin_kernel();
  map(n, dx, accumulate,
      [exponent](float x, float y, float dy) { return dy * (exponent * y * sigmoid(-x)); }, x, y,
      dy);
}

/// total += scale times the sum of x, by one block.
KERNEL add_scaled_sum(long n, const float *x, const float *scale, float *total) {
  begin_kernel();
  __shared__ float shared[32];
  float sum = 0.0f;
#pragma unroll 8
  for (long i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
  sum = block_sum(sum, shared);
  if (!threadIdx.x) *total += *scale * sum;
}

/// c = beta c + bias in every row of a batch of matrices, what a product is then added to. Where
/// beta is 0, c may hold anything.
KERNEL begin_product(
    long batch, long m, long n, long ldc, long stride, float beta, const float *bias, float *c) {
  begin_kernel();
  long count = batch * m * n;
  for (long i = thread_index(); i < count; i += thread_count()) {
    long column = i % n, row = i / n;
    float *place = c + row / m * stride + row % m * ldc + column;
    float start = bias ? bias[column] : 0.0f;
    *place = beta == 0.0f ? start : beta * *place + start;
  }
}

#endif
