// sigmoid(x W + bias)^exponent for a few terms, as gated linear attention makes its decays (Yang et
// al. 2023, arXiv 2312.06635, section 4.2): the product is so small that its result should pass
// through memory once.
//
// A warp takes 16 rows at a time through products on the tensor cores. The way back makes the product
// again, which is cheaper than to read it.
//
// Constants: RANK, the terms, at most 16; COLUMNS, a multiple of 8, at most 128; VECTOR, 4 where all
// rows begin at multiples of 16 bytes, else 1.

constexpr int THREADS = 256, WARPS = THREADS / 32, TILES = COLUMNS / 8;
/// Tiles of 8 columns whose numbers a warp fetches at once.
constexpr int BESIDE = TILES % 4 == 0 ? 4 : TILES % 2 == 0 ? 2 : 1;
/// The gradients of 16 rows, or a warp's sums of weights and biases, in shared memory.
constexpr int STEP = (COLUMNS + 31) / 32 * 32 + 8, STAGE = 16 * STEP;
static_assert(STAGE >= (RANK + 1) * COLUMNS, "a warp's sums do not fit");

extern __shared__ float4 memory[];

#define EACH(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

/// The weights as the products' second factors, four for each tile and lane: of x W, then of d W'. Term
/// 4t + 2s + i is at place t + 4i of step s of the sum over terms, and column 2t + i of a tile at t + 4i.
/// Then the biases.
DEVICE float *weights_for_output() { return (float *)memory; }
DEVICE float *weights_for_terms() { return weights_for_output() + TILES * 128; }
DEVICE float *biases() { return weights_for_terms() + TILES * 128; }
DEVICE float *stage_of_warp(int warp) { return biases() + COLUMNS + warp * STAGE; }

DEVICE float rounded(float x) { return __uint_as_float(to_tf32(x)); }

DEVICE void load_weights(const float *weight, const float *bias) {
  for (int n = threadIdx.x; n < TILES * 128; n += THREADS) {
    const int i = n & 3, lane = n >> 2 & 31, g = lane >> 2, t = lane & 3, first = n >> 7 << 3;
    const int term = 4 * t + i, other = g + i / 2 * 8;
    weights_for_output()[n] = term < RANK ? rounded(weight[term * COLUMNS + first + g]) : 0.0f;
    weights_for_terms()[n] =
        other < RANK ? rounded(weight[other * COLUMNS + first + 2 * t + i % 2]) : 0.0f;
  }
  for (int n = threadIdx.x; n < COLUMNS; n += THREADS) biases()[n] = bias[n];
  __syncthreads();
}
DEVICE void weights_of_tile(uint (&w)[4], const float *weights, int tile) {
  const Pack<4> own = *(const Pack<4> *)(weights + tile * 128 + (threadIdx.x & 31) * 4);
  EACH(i, 4) w[i] = __float_as_uint(own.at[i]);
}

/// Two numbers of a row.
DEVICE Pack<2> load_pair(const float *x, bool is_there) {
  if (!is_there) return Pack<2>{};
  if constexpr (VECTOR == 4) return load_pack<2>(x);
  else return load_floats<2>(x);
}

/// The terms of 16 rows from `row` on as the first factor.
struct Terms {
  uint at[2][4];

  DEVICE Terms(const float *x, long row, long rows) {
    const int term = lane_in_group() * 4;
    EACH(half, 2) {
      const long own = row + lane_group() + half * 8;
      Pack<4> some = {};
      if constexpr (VECTOR == 4 && RANK % 4 == 0) {
        if (own < rows && term < RANK) some = load_pack<4>(x + own * RANK + term);
      } else {
        EACH(i, 4) if (own < rows && term + i < RANK) some.at[i] = x[own * RANK + term + i];
      }
      EACH(i, 4) at[i / 2][half + i % 2 * 2] = to_tf32(some.at[i]);
    }
  }
  /// z: rows g and g + 8, columns 2t and 2t + 1 of a tile.
  DEVICE void multiply(float (&z)[4], int tile) const {
    const float *shift = biases() + tile * 8 + lane_in_group() * 2;
    uint w[4];
    weights_of_tile(w, weights_for_output(), tile);
    EACH(i, 4) z[i] = shift[i % 2];
    EACH(s, 2) {
      const uint own[2] = {w[2 * s], w[2 * s + 1]};
      mma_tf32(z, at[s], own);
    }
  }
};

/// e^-|z|, of which both functions are made without overflow.
DEVICE float small_exponential(float z) { return __expf(-fabsf(z)); }
/// sigmoid(z)^exponent
DEVICE float power(float z, float exponent) {
  return __expf(exponent * (fminf(z, 0.0f) - __logf(1.0f + small_exponential(z))));
}
/// sigmoid(-z)
DEVICE float complement(float z) {
  const float e = small_exponential(z);
  return __fdividef(z > 0 ? e : 1.0f, 1.0f + e);
}

DEVICE long first_row() { return ((long)blockIdx.x * WARPS + threadIdx.x / 32) * 16; }
DEVICE long row_stride() { return (long)gridDim.x * WARPS * 16; }

KERNEL __launch_bounds__(THREADS) low_rank_power(long rows, float exponent, const float *x,
                                                 const float *weight, const float *bias,
                                                 float *y) {
  begin_kernel();
  load_weights(weight, bias);
  for (long row = first_row(); row < rows; row += row_stride()) {
    const Terms terms(x, row, rows);
    EACH(tile, TILES) {
      float z[4];
      terms.multiply(z, tile);
      EACH(half, 2) {
        const long own = row + lane_group() + half * 8;
        float *to = y + own * COLUMNS + tile * 8 + lane_in_group() * 2;
        const Pack<2> pair = {power(z[2 * half], exponent), power(z[2 * half + 1], exponent)};
        if (own >= rows) continue;
        if constexpr (VECTOR == 4) store_pack(to, pair);
        else EACH(i, 2) to[i] = pair.at[i];
      }
    }
  }
}

/// The sums of a warp: x' d as rows g and g + 8, columns 2t and 2t + 1 of each tile, and d of column g
/// and tokens t and t + 4 of each eight.
struct Sums {
  float weights[TILES][4], biases[TILES];

  /// Adds 16 rows; `staged` are their d.
  DEVICE void add(const float *x, long row, long rows, const float *staged) {
    const int g = lane_group(), t = lane_in_group();
    EACH(s, 2) {
      uint terms[4];
      EACH(i, 4) {
        const int token = s * 8 + t + i / 2 * 4, term = g + i % 2 * 8;
        const bool there = row + token < rows && term < RANK;
        terms[i] = to_tf32(there ? x[(row + token) * RANK + term] : 0.0f);
      }
      EACH(tile, TILES) {
        const float *place = staged + (s * 8 + t) * STEP + tile * 8 + g;
        const float d[2] = {place[0], place[4 * STEP]};
        const uint own[2] = {to_tf32(d[0]), to_tf32(d[1])};
        mma_tf32(weights[tile], terms, own);
        biases[tile] += d[0] + d[1];
      }
    }
  }
  /// To [terms and one, columns].
  DEVICE void put(float *to) const {
    const int g = lane_group(), t = lane_in_group();
    EACH(tile, TILES) {
      EACH(i, 4) {
        const int term = g + i / 2 * 8;
        if (term < RANK) to[term * COLUMNS + tile * 8 + 2 * t + i % 2] = weights[tile][i];
      }
      const float sum = group_sum<4>(biases[tile]);
      if (!t) to[RANK * COLUMNS + tile * 8 + g] = sum;
    }
  }
};

/// Gradients of terms: rows g and g + 8, terms 2t and 2t + 1 of each eight.
DEVICE void put_terms(float *dx, const float (&sums)[2][4], long row, long rows, int accumulate) {
  EACH(n, 2) EACH(half, 2) {
    const long own = row + lane_group() + half * 8;
    const int term = n * 8 + lane_in_group() * 2;
    float *to = dx + own * RANK + term;
    if (own >= rows) continue;
    if constexpr (VECTOR == 4 && RANK % 2 == 0) {
      const Pack<2> pair = {sums[n][2 * half], sums[n][2 * half + 1]};
      if (term < RANK) put_pack(to, pair, accumulate);
    } else {
      EACH(i, 2) if (term + i < RANK) put(to + i, sums[n][2 * half + i], accumulate);
    }
  }
}

/// With d = dy exponent y sigmoid(-z), the gradient of the product z: dx (+)= d W'. Each block leaves
/// its sums of x' d and of d in a row of `partial`.
KERNEL __launch_bounds__(THREADS, COLUMNS > 64 ? 1 : 2) low_rank_power_backward(
    long rows, float exponent, const float *x, const float *weight, const float *bias,
    const float *y, const float *dy, float *dx, int accumulate, float *partial) {
  begin_kernel();
  load_weights(weight, bias);
  const int g = lane_group(), t = lane_in_group();
  float *staged = stage_of_warp(threadIdx.x / 32);
  Sums sums = {};
#pragma unroll 1
  for (long row = first_row(); row < rows; row += row_stride()) {
    const Terms terms(x, row, rows);
    float of_terms[2][4] = {};
#pragma unroll 1
    for (int first = 0; first < TILES; first += BESIDE) {
      Pack<2> outputs[BESIDE][2], gradients[BESIDE][2];
      EACH(n, BESIDE) EACH(half, 2) {
        const long own = row + g + half * 8;
        const long place = own * COLUMNS + (first + n) * 8 + 2 * t;
        outputs[n][half] = load_pair(y + place, own < rows);
        gradients[n][half] = load_pair(dy + place, own < rows);
      }
      EACH(n, BESIDE) {
        const int tile = first + n;
        float z[4];
        terms.multiply(z, tile);
        EACH(half, 2) {
          Pack<2> d;
          EACH(i, 2) {
            d.at[i] = gradients[n][half].at[i] * outputs[n][half].at[i] * exponent *
                      complement(z[2 * half + i]);
            z[2 * half + i] = d.at[i];
          }
          *(Pack<2> *)(staged + (g + half * 8) * STEP + tile * 8 + 2 * t) = d;
        }
        const uint d[4] = {to_tf32(z[0]), to_tf32(z[2]), to_tf32(z[1]), to_tf32(z[3])};
        uint w[4];
        weights_of_tile(w, weights_for_terms(), tile);
        EACH(m, 2) {
          const uint own[2] = {w[2 * m], w[2 * m + 1]};
          mma_tf32(of_terms[m], d, own);
        }
      }
    }
    __syncwarp();
    sums.add(x, row, rows, staged);
    __syncwarp();
    put_terms(dx, of_terms, row, rows, accumulate);
  }
  sums.put(staged);
  __syncthreads();
  for (int n = threadIdx.x; n < (RANK + 1) * COLUMNS; n += THREADS) {
    float sum = 0;
    EACH(warp, WARPS) sum += stage_of_warp(warp)[n];
    partial[blockIdx.x * (RANK + 1L) * COLUMNS + n] = sum;
  }
}
