// Causal softmax attention without tiles, in 32-bit floats: for columns that do not fit into a
// multiprocessor. A block has one row of the result; its threads first share the scores of 128
// others, then the columns.

constexpr int PLAIN_THREADS = 128;

struct PlainAttention {
  long dim, value_dim, queries, keys, heads, key_heads, offset, window;
  float scale;

  DEVICE long query_row(long batch, long i, long head) const {
    return (batch * queries + i) * heads + head;
  }
  DEVICE long key_row(long batch, long j, long key_head) const {
    return (batch * keys + j) * key_heads + key_head;
  }
  DEVICE long key_head(long head) const { return head * key_heads / heads; }
  DEVICE long first_key(long i) const {
    return window > 0 ? max(0L, offset + i - window + 1) : 0;
  }
};
#define PLAIN_PARAMETERS                                                                  \
  long dim, long value_dim, long queries, long keys, long heads, long key_heads,          \
      long offset, long window, float scale
#define PLAIN                                                                             \
  PlainAttention {                                                                        \
    dim, value_dim, queries, keys, heads, key_heads, offset, window, scale                \
  }

DEVICE float dot(const float *x, const float *y, long n) {
  float sum = 0;
  for (long c = 0; c < n; c++) sum = fmaf(x[c], y[c], sum);
  return sum;
}

/// The greatest over the block, in every thread.
DEVICE float block_max(float x, float *shared) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  x = warp_max(x);
  if (!lane) shared[warp] = x;
  __syncthreads();
  x = warp_max(shared[lane % (PLAIN_THREADS / 32)]);
  __syncthreads();
  return x;
}

KERNEL attention_plain(const float *q, const float *k, const float *v, const float *slopes,
                       float *o, float *log_sum, PLAIN_PARAMETERS) {
  begin_kernel();
  __shared__ float weights[PLAIN_THREADS], sums[32];
  const PlainAttention p = PLAIN;
  const long i = blockIdx.x % queries, head = blockIdx.x / queries % heads;
  const long batch = blockIdx.x / queries / heads, row = p.query_row(batch, i, head);
  const long end = offset + i + 1;
  const float slope = slopes ? slopes[head] : 0.0f;
  float most = __int_as_float(0xff800000), sum = 0;
  for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS) o[row * value_dim + c] = 0;
  for (long start = p.first_key(i); start < end; start += PLAIN_THREADS) {
    const long j = start + threadIdx.x, count = min((long)PLAIN_THREADS, end - start);
    float s = __int_as_float(0xff800000);
    if (j < end)
      s = dot(q + row * dim, k + p.key_row(batch, j, p.key_head(head)) * dim, dim) * scale -
          slope * (float)(offset + i - j);
    // Every part holds at least one key that is seen.
    const float top = fmaxf(most, block_max(s, sums)), factor = expf(most - top);
    const float weight = expf(s - top);
    weights[threadIdx.x] = weight;
    sum = sum * factor + block_sum(weight, sums);
    most = top;
    for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS) {
      float x = o[row * value_dim + c] * factor;
      for (long n = 0; n < count; n++)
        x = fmaf(weights[n],
                 v[p.key_row(batch, start + n, p.key_head(head)) * value_dim + c], x);
      o[row * value_dim + c] = x;
    }
    __syncthreads();
  }
  for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS) o[row * value_dim + c] /= sum;
  if (threadIdx.x == 0) log_sum[(batch * heads + head) * queries + i] = most + logf(sum);
}

/// P of one query and key.
DEVICE float plain_weight(const PlainAttention &p, const float *query, const float *key,
                          float slope, long distance, float log_sum) {
  const float s = dot(query, key, p.dim) * p.scale - slope * (float)distance - log_sum;
  // The rounding of a large sum must not make a weight greater than 1.
  return expf(s > 0 ? 0 : s);
}

/// dQ, and each row's sum of o dO for `attention_plain_backward_keys`.
KERNEL attention_plain_backward_queries(const float *q, const float *k, const float *v,
                                        const float *slopes, const float *o, const float *log_sum,
                                        const float *d_o, float *deltas, float *dq,
                                        PLAIN_PARAMETERS) {
  begin_kernel();
  __shared__ float gradients[PLAIN_THREADS], sums[32];
  const PlainAttention p = PLAIN;
  const long i = blockIdx.x % queries, head = blockIdx.x / queries % heads;
  const long batch = blockIdx.x / queries / heads, row = p.query_row(batch, i, head);
  const long end = offset + i + 1, at = (batch * heads + head) * queries + i;
  const float slope = slopes ? slopes[head] : 0.0f;
  float delta = 0;
  for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS)
    delta += o[row * value_dim + c] * d_o[row * value_dim + c];
  delta = block_sum(delta, sums);
  if (threadIdx.x == 0) deltas[at] = delta;
  for (long c = threadIdx.x; c < dim; c += PLAIN_THREADS) dq[row * dim + c] = 0;
  for (long start = p.first_key(i); start < end; start += PLAIN_THREADS) {
    const long j = start + threadIdx.x, count = min((long)PLAIN_THREADS, end - start);
    if (j < end) {
      const long key = p.key_row(batch, j, p.key_head(head));
      const float weight = plain_weight(p, q + row * dim, k + key * dim, slope, offset + i - j,
                                        log_sum[at]);
      const float product = dot(d_o + row * value_dim, v + key * value_dim, value_dim);
      gradients[threadIdx.x] = weight * (product - delta) * scale;
    }
    __syncthreads();
    for (long c = threadIdx.x; c < dim; c += PLAIN_THREADS) {
      float x = dq[row * dim + c];
      for (long n = 0; n < count; n++)
        x = fmaf(gradients[n], k[p.key_row(batch, start + n, p.key_head(head)) * dim + c], x);
      dq[row * dim + c] = x;
    }
    __syncthreads();
  }
}

/// dK and dV; after `attention_plain_backward_queries`.
KERNEL attention_plain_backward_keys(const float *q, const float *k, const float *v,
                                     const float *slopes, const float *o, const float *log_sum,
                                     const float *d_o, const float *deltas, float *dk, float *dv,
                                     PLAIN_PARAMETERS) {
  begin_kernel();
  __shared__ float weights[PLAIN_THREADS], gradients[PLAIN_THREADS];
  const PlainAttention p = PLAIN;
  const long key_head = blockIdx.x % key_heads, j = blockIdx.x / key_heads % keys;
  const long batch = blockIdx.x / key_heads / keys, key = p.key_row(batch, j, key_head);
  const long first = max(0L, j - offset);
  const long end = window > 0 ? min(queries, j + window - offset) : queries;
  const long group = heads / key_heads;
  for (long c = threadIdx.x; c < dim; c += PLAIN_THREADS) dk[key * dim + c] = 0;
  for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS) dv[key * value_dim + c] = 0;
  for (long head = key_head * group; head < (key_head + 1) * group; head++)
    for (long start = first; start < end; start += PLAIN_THREADS) {
      const long i = start + threadIdx.x, count = min((long)PLAIN_THREADS, end - start);
      if (i < end) {
        const long row = p.query_row(batch, i, head), at = (batch * heads + head) * queries + i;
        const float weight = plain_weight(p, q + row * dim, k + key * dim,
                                          slopes ? slopes[head] : 0.0f, offset + i - j,
                                          log_sum[at]);
        const float product = dot(d_o + row * value_dim, v + key * value_dim, value_dim);
        weights[threadIdx.x] = weight;
        gradients[threadIdx.x] = weight * (product - deltas[at]) * scale;
      }
      __syncthreads();
      for (long c = threadIdx.x; c < dim; c += PLAIN_THREADS) {
        float x = dk[key * dim + c];
        for (long n = 0; n < count; n++)
          x = fmaf(gradients[n], q[p.query_row(batch, start + n, head) * dim + c], x);
        dk[key * dim + c] = x;
      }
      for (long c = threadIdx.x; c < value_dim; c += PLAIN_THREADS) {
        float x = dv[key * value_dim + c];
        for (long n = 0; n < count; n++)
          x = fmaf(weights[n], d_o[p.query_row(batch, start + n, head) * value_dim + c], x);
        dv[key * value_dim + c] = x;
      }
      __syncthreads();
    }
}
