// The head and its cross-entropy for a large vocabulary, whose logits never come to memory: tiles of
// them are made on the tensor cores, used, and made again for the weight's gradient, as attention
// does (Dao, "FlashAttention-2", arXiv 2307.08691). What all its kernels share. Constants: DEPTH, the
// width rounded up to a multiple of 16, or of 64 where SWIZZLED.
//
// Factors of products are 16-bit floats, whose 11 bits of mantissa are those of TF32, multiplied by
// powers of two that keep them in range: a hidden value may be up to 4094, a weight up to 1023, and
// probabilities keep their precision down to 2e-9, or 3e-8 of the greatest in the pass over the rows.
// Sums are 32-bit floats. Exponents are to base 2.
//
// A row's own target never goes through those products: its part of the gradient is
// -scale (1 - probability), and the difference is the sum of all other probabilities.

enum {
  TILE = 64,  // rows of a tile, which goes through shared memory
  STEPS = DEPTH / 16,
  COLUMNS = TILE / 8, OUTPUTS = DEPTH / 8,  // 8-wide tiles of logits and of sums
};
#define HIDDEN_SCALE 16.0f
#define WEIGHT_SCALE 64.0f
#define PROBABILITY_BITS 15
#define LOG2_E 1.44269504f
#define LN_2 0.69314718f
// Of a logit as the products give it, and of its exponent to base 2.
#define RAW_SCALE (HIDDEN_SCALE * WEIGHT_SCALE)
#define TO_BITS (LOG2_E / RAW_SCALE)
#define INFINITE __int_as_float(0x7f800000)

// What a row needs in the pass over the vocabulary lies in memory tile by tile: the exponents to
// take off, the targets, and minus the sums of the other probabilities.
enum { LEVELS = 3 * TILE };
// Numbers that a part of the vocabulary leaves of a row: the exponent of its ceiling, the sum of the
// powers relative to that, the column of the greatest logit, and that.
enum { STATS = 4 };
DEVICE long level_place(long row) { return row / TILE * LEVELS + row % TILE; }

/// Where a factor's element lies in memory: rows of DEPTH, or tiles as the kernels of groups of
/// warps have them in shared memory (see head_groups.cuh).
DEVICE long half_place(long row, int column) {
  if constexpr (!SWIZZLED) return row * DEPTH + column;
  const int in_tile = (int)(row % TILE), piece = (column % 64 / 8) ^ (in_tile & 7);
  return row / TILE * (TILE * DEPTH) + column / 64 * (TILE * 64) + in_tile * 64 + piece * 8 +
         column % 8;
}

/// 2^x, to 2 units in the last place.
DEVICE float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// Sixteen columns of a warp's 16 rows of powers, as a factor of a product.
DEVICE void to_factor(uint a[4], const float p[COLUMNS][4], int k) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float *pair = p[2 * k + (i >> 1)] + 2 * (i & 1);
    a[i] = two_halves(pair[0], pair[1]);
  }
}

/// A thread's columns of one of its two rows of sums, times a factor.
DEVICE void store_columns(float *row, const float sums[OUTPUTS][4], int side, float factor,
                          int width) {
#pragma unroll
  for (int n = 0; n < OUTPUTS; n++) {
    const int column = n * 8 + 2 * (threadIdx.x & 3);
    const float a = factor * sums[n][2 * side], b = factor * sums[n][2 * side + 1];
    if (width % 2 == 0 && column < width) {
      store_pack(row + column, Pack<2>{a, b});
    } else {
      if (column < width) row[column] = a;
      if (column + 1 < width) row[column + 1] = b;
    }
  }
}

/// Adds the same to a row, all of whose columns are read at once.
DEVICE void add_columns(float *row, const float sums[OUTPUTS][4], int side, float factor, int width) {
  float old[OUTPUTS][2];
#pragma unroll
  for (int n = 0; n < OUTPUTS; n++)
#pragma unroll
    for (int j = 0; j < 2; j++) {
      const int column = n * 8 + 2 * (threadIdx.x & 3) + j;
      old[n][j] = column < width ? row[column] : 0.0f;
    }
#pragma unroll
  for (int n = 0; n < OUTPUTS; n++)
#pragma unroll
    for (int j = 0; j < 2; j++) {
      const int column = n * 8 + 2 * (threadIdx.x & 3) + j;
      if (column < width) row[column] = old[n][j] + factor * sums[n][2 * side + j];
    }
}

/// Where the sums of blocks with the same rows go that have parts of the work: rows of weights and
/// biases, which begin at multiples of 16 bytes.
struct WeightParts {
  float *sums;
  long weights, stride;

  DEVICE WeightParts(float *sums, int vocabulary, int width, bool weights, bool biases)
      : sums(sums), weights(weights ? (long)vocabulary * width : 0),
        stride((this->weights + (biases ? vocabulary : 0) + 3) & ~3L) {}
  DEVICE float *weight(int part) const { return sums + part * stride; }
  DEVICE float *bias(int part) const { return weight(part) + weights; }
};

/// The sums of gradients of a thread's two rows of the weight, 8 apart, and of the bias: into rows
/// of `out`, a part's of each; or added to `dweight` and `dbias` where `out` is null.
DEVICE void put_weight_rows(const float sums[OUTPUTS][4], const float bias_sums[2], int row,
                            int vocabulary, int width, float scale, float *dweight, float *dbias,
                            float *out) {
  const float factor = scale / (float)(1 << PROBABILITY_BITS);
  const WeightParts parts(out, vocabulary, width, dweight, dbias);
  float *bias_to = out ? parts.bias(blockIdx.y) : dbias;
#pragma unroll
  for (int i = 0; i < 2; i++) {
    const int at = row + 8 * i;
    const float sum = group_sum<4>(bias_sums[i]);
    if (at >= vocabulary) continue;
    if (dbias && !(threadIdx.x & 3)) put(bias_to + at, factor * sum, !out);
    if (!dweight) continue;
    const long from = (long)at * width;
    if (out) {
      store_columns(parts.weight(blockIdx.y) + from, sums, i, factor / HIDDEN_SCALE, width);
    } else {
      add_columns(dweight + from, sums, i, factor / HIDDEN_SCALE, width);
    }
  }
}

/// Adds the sums of all parts for the `rows` rows of this block, which is the last that has made its
/// own, in the order of the parts.
DEVICE void add_weight_parts(int rows, int vocabulary, int width, float *dweight, float *dbias,
                             float *out) {
  const WeightParts parts(out, vocabulary, width, dweight, dbias);
  const int first = blockIdx.x * rows, last = min(first + rows, vocabulary);
  const int count = gridDim.y;
  if (dbias)
    for (int row = first + threadIdx.x; row < last; row += blockDim.x) {
      float sum = 0.0f;
      for (int part = 0; part < count; part++) sum += __ldcg(parts.bias(part) + row);
      dbias[row] += sum;
    }
  if (!dweight) return;
  const long begin = (long)first * width, end = (long)last * width;
  if (width % 4) {
    for (long at = begin + threadIdx.x; at < end; at += blockDim.x) {
      float sum = 0.0f;
      for (int part = 0; part < count; part++) sum += __ldcg(parts.weight(part) + at);
      dweight[at] += sum;
    }
    return;
  }
  // So many are under way at once that two parts take little longer than one.
  enum { AT_ONCE = 8 };
  const int step = blockDim.x * 4;
  for (long base = begin + threadIdx.x * 4; base < end; base += AT_ONCE * step) {
    float4 sum[AT_ONCE] = {};
    Pack<4> old[AT_ONCE];
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++)
      if (base + j * step < end) old[j] = load_floats<4>(dweight + base + j * step);
#pragma unroll 2
    for (int part = 0; part < count; part++)
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++)
        if (base + j * step < end) {
          const float4 x = __ldcg((const float4 *)(parts.weight(part) + base + j * step));
          sum[j].x += x.x, sum[j].y += x.y, sum[j].z += x.z, sum[j].w += x.w;
        }
#pragma unroll
    for (int j = 0; j < AT_ONCE; j++) {
      if (base + j * step >= end) continue;
      float *to = dweight + base + j * step;
      to[0] = old[j].at[0] + sum[j].x, to[1] = old[j].at[1] + sum[j].y;
      to[2] = old[j].at[2] + sum[j].z, to[3] = old[j].at[3] + sum[j].w;
    }
  }
}
