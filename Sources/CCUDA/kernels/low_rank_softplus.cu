// softplus(x W + bias) for a few terms, as Mamba makes its steps (Gu and Dao 2023, section 3.6): the
// product is so small that its result should pass through memory once. After fold.cuh.
//
// A thread has four neighbouring columns with their weights; QUADS threads have a row, GROUPS rows
// are beside each other. Constants: RANK, the terms, a power of two, at most 16; QUADS, a power of
// two from 32 to 256; VECTOR, 4 where all rows begin at multiples of 16 bytes, else 1.

typedef Pack<4> pack;
constexpr int THREADS = 256, GROUPS = THREADS / QUADS, COLUMNS = 4 * QUADS;
/// Rows of a group at a time: with the terms, a number for each lane.
constexpr int ROWS = 32 / RANK < 8 ? 32 / RANK : 8, SUMS = ROWS * RANK;

#define EACH(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

DEVICE int group() { return threadIdx.x / QUADS; }
DEVICE int column() { return threadIdx.x % QUADS * 4; }

DEVICE pack load_four(const float *row, bool is_there) {
  if (!is_there) return pack{};
  if constexpr (VECTOR == 4) return load_pack<4>(row + column());
  else return load_floats<4>(row + column());
}
DEVICE void load_weight(pack (&w)[RANK], const float *weight) {
  EACH(k, RANK) w[k] = load_floats<4>(weight + k * COLUMNS + column());
}
DEVICE void load_terms(float (&x)[RANK], const float *row, bool is_there) {
  constexpr int wide = VECTOR == 4 && RANK % 4 == 0 ? 4 : 1;
  EACH(k, RANK / wide) {
    const Pack<wide> some = is_there ? load_pack<wide>(row + k * wide) : Pack<wide>{};
    EACH(i, wide) x[k * wide + i] = some.at[i];
  }
}

KERNEL __launch_bounds__(THREADS) low_rank_softplus(long rows, const float *x, const float *weight,
                                                    const float *bias, float *y) {
  begin_kernel();
  pack w[RANK];
  load_weight(w, weight);
  const pack shift = load_floats<4>(bias + column());
  const long stride = (long)gridDim.x * GROUPS;
#pragma unroll 2
  for (long row = (long)blockIdx.x * GROUPS + group(); row < rows; row += stride) {
    float terms[RANK];
    load_terms(terms, x + row * RANK, true);
    pack sum = shift;
    EACH(k, RANK) EACH(i, 4) sum.at[i] += terms[k] * w[k].at[i];
    EACH(i, 4) sum.at[i] = softplus(sum.at[i]);
    float *to = y + row * COLUMNS + column();
    if constexpr (VECTOR == 4) store_pack(to, sum);
    else EACH(i, 4) to[i] = sum.at[i];
  }
}

/// With d = dy (1 - e^-y), the gradient of the argument: dx (+)= d W'. Each block leaves its sums of
/// x' d and of d in a row of `partial`.
KERNEL __launch_bounds__(THREADS) low_rank_softplus_backward(
    long rows, const float *x, const float *weight, const float *y, const float *dy, float *dx,
    int accumulate, float *partial) {
  begin_kernel();
  __shared__ float sums[2][THREADS / 32][SUMS];
  __shared__ pack shared[THREADS];
  pack w[RANK], dw[RANK] = {}, dbias = {};
  load_weight(w, weight);
  const int lane = threadIdx.x & 31;
  const int first = fold_first<SUMS, 1, 32>(lane);
  constexpr int WARPS = QUADS / 32, BESIDE = GROUPS * ROWS;
  int turn = 0;
  for (long start = (long)blockIdx.x * BESIDE; start < rows;
       start += (long)gridDim.x * BESIDE, turn ^= 1) {
    const long base = start + group() * ROWS;
    pack outputs[ROWS], gradients[ROWS];
    EACH(r, ROWS) {
      const bool there = base + r < rows;
      outputs[r] = load_four(y + (base + r) * COLUMNS, there);
      gradients[r] = load_four(dy + (base + r) * COLUMNS, there);
    }
    float parts[SUMS];
    EACH(r, ROWS) {
      float terms[RANK];
      load_terms(terms, x + (base + r) * RANK, base + r < rows);
      pack d;
      EACH(i, 4) d.at[i] = -gradients[r].at[i] * expm1f(-outputs[r].at[i]);
      EACH(i, 4) dbias.at[i] += d.at[i];
      EACH(k, RANK) {
        float sum = 0;
        EACH(i, 4) {
          dw[k].at[i] += terms[k] * d.at[i];
          sum += d.at[i] * w[k].at[i];
        }
        parts[r * RANK + k] = sum;
      }
    }
    fold<SUMS, 1, 1, 32>(parts, lane);
    sums[turn][threadIdx.x / 32][first] = parts[0];
    __syncthreads();
    const int at = threadIdx.x % QUADS;
    if (at < SUMS && base + at / RANK < rows) {
      float sum = 0;
      EACH(i, WARPS) sum += sums[turn][group() * WARPS + i][at];
      put(dx + base * RANK + at, sum, accumulate);
    }
  }
  // The groups' sums, one term after the other.
  float *row = partial + blockIdx.x * (RANK + 1L) * COLUMNS + column();
  EACH(k, RANK + 1) {
    __syncthreads();
    shared[threadIdx.x] = k < RANK ? dw[k < RANK ? k : 0] : dbias;
    __syncthreads();
    if (group() > 0) continue;
    pack sum = shared[threadIdx.x];
    EACH(g, GROUPS - 1) EACH(i, 4) sum.at[i] += shared[(g + 1) * QUADS + threadIdx.x].at[i];
    store_pack(row + k * COLUMNS, sum);
  }
}
