// The optimiser: the gradients' norm and AdamW (arXiv 1711.05101) over all parameters at once.

/// The sum over the block in double precision, in the first thread. A fixed order of additions.
DEVICE double block_sum_double(double x) {
  __shared__ double shared[32];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
#pragma unroll
  for (int d = 16; d; d >>= 1) x += __shfl_xor_sync(FULL_WARP, x, d);
  if (!lane) shared[warp] = x;
  __syncthreads();
  x = lane < warps ? shared[lane] : 0.0;
#pragma unroll
  for (int d = 16; d; d >>= 1) x += __shfl_xor_sync(FULL_WARP, x, d);
  return x;
}

/// The sum of squares of this thread's share.
DEVICE double share_of_squares(long n, const float *x) {
  double sum = 0.0;
#pragma unroll 8
  for (long quad = thread_index(); quad < n / 4; quad += thread_count()) {
    float4 v = ((const float4 *)x)[quad];
    sum += ((double)v.x * v.x + (double)v.y * v.y) + ((double)v.z * v.z + (double)v.w * v.w);
  }
  long rest = (n & ~3L) + thread_index();
  if (rest < n) sum += (double)x[rest] * x[rest];
  return sum;
}

/// norm[0] = the Euclidean norm. Each block leaves its share of the sum of squares in `partial`, and
/// the last of them to come adds these up, in their order: nobody waits for a second kernel's start.
/// `arrived` counts the blocks, and is 0 before and after. x begins at a multiple of 16 bytes.
KERNEL gradient_norm(long n, const float *x, double *partial, uint *arrived, float *norm) {
  begin_kernel();
  __shared__ bool is_last;
  double sum = block_sum_double(share_of_squares(n, x));
  if (!threadIdx.x) {
    partial[blockIdx.x] = sum;
    __threadfence();
    is_last = atomicInc(arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  sum = 0.0;
  for (long i = threadIdx.x; i < gridDim.x; i += blockDim.x) sum += __ldcg(partial + i);
  sum = block_sum_double(sum);
  if (!threadIdx.x) norm[0] = (float)sqrt(sum);
}

/// norm[0] = the Euclidean norm, by one block: what few numbers need.
KERNEL norm_of_few(long n, const float *x, float *norm) {
  begin_kernel();
  double sum = block_sum_double(share_of_squares(n, x));
  if (!threadIdx.x) norm[0] = (float)sqrt(sum);
}

/// The numbers of a step, `hk_adamw`.
struct Step {
  float learning_rate, beta1, beta2, epsilon, weight_decay, correction1, correction2, clip;
};

/// What all parameters share.
struct Shared {
  float clip, keep, rate, root, beta1, beta2, epsilon;
};

DEVICE Shared shared_of(const Step *step, const float *norm) {
  Shared s;
  // The factor of PyTorch's clip_grad_norm_. A comparison with NaN is false and keeps it, so that a
  // NaN norm spoils every parameter and the divergence shows.
  s.clip = step->clip > 0.0f ? step->clip / (norm[0] + 1e-6f) : 1.0f;
  if (s.clip > 1.0f) s.clip = 1.0f;
  s.keep = 1.0f - step->learning_rate * step->weight_decay;
  s.rate = step->learning_rate / step->correction1;
  s.root = 1.0f / sqrtf(step->correction2);
  s.beta1 = step->beta1;
  s.beta2 = step->beta2;
  s.epsilon = step->epsilon;
  return s;
}

DEVICE void update(const Shared &s, bool decays, float &p, float g, float &m, float &v) {
  g *= s.clip;
  m = s.beta1 * m + (1.0f - s.beta1) * g;
  v = s.beta2 * v + (1.0f - s.beta2) * (g * g);
  p = (decays ? s.keep : 1.0f) * p - s.rate * m / (sqrtf(v) * s.root + s.epsilon);
}

/// One step; the first `decayed` parameters get weight decay. All tensors begin at multiples of 16
/// bytes.
KERNEL adamw(
    long n, long decayed, const Step *step, const float *norm, float *parameters,
    float *gradients, float *first, float *second, int clearing) {
  begin_kernel();
  for (long quad = thread_index(); quad < n / 4; quad += thread_count()) {
    float4 p = ((float4 *)parameters)[quad], g = ((float4 *)gradients)[quad],
           m = ((float4 *)first)[quad], v = ((float4 *)second)[quad];
    // Only here, so that the parameters do not wait for what they share.
    const Shared s = shared_of(step, norm);
    long i = quad * 4;
    update(s, i < decayed, p.x, g.x, m.x, v.x);
    update(s, i + 1 < decayed, p.y, g.y, m.y, v.y);
    update(s, i + 2 < decayed, p.z, g.z, m.z, v.z);
    update(s, i + 3 < decayed, p.w, g.w, m.w, v.w);
    ((float4 *)parameters)[quad] = p;
    ((float4 *)first)[quad] = m;
    ((float4 *)second)[quad] = v;
    if (clearing) ((float4 *)gradients)[quad] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
  long rest = (n & ~3L) + thread_index();
  if (rest < n) {
    const Shared s = shared_of(step, norm);
    update(
        s, rest < decayed, parameters[rest], gradients[rest], first[rest], second[rest]);
    if (clearing) gradients[rest] = 0.0f;
  }
}
