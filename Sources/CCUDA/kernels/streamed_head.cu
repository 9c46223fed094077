// The pass over the rows of a head with a large vocabulary: losses, arg-maxima and the gradients of
// the hidden rows. It comes after head_tiles.cuh. Constants: those of that file, and VECTOR, the
// floats that are loaded at once.

/// Puts hidden rows and the weight's into [rows, DEPTH] 16-bit floats, with zeros around them.
KERNEL to_halves(long rows, long padded_rows, long vocabulary, long padded_vocabulary, int width,
                 const float *hidden, const float *weight, Half *hidden_halves,
                 Half *weight_halves) {
  const long count = (padded_rows + padded_vocabulary) * OUTPUTS;
  for (long i = thread_index(); i < count; i += thread_count()) {
    long row = i / OUTPUTS;
    const int column = (int)(i % OUTPUTS) * 8;
    const bool second = row >= padded_rows;
    if (second) row -= padded_rows;
    const float *from = (second ? weight : hidden) + row * width + column;
    const float scale = second ? WEIGHT_SCALE : HIDDEN_SCALE;
    const bool present = row < (second ? vocabulary : rows);
    float x[8] = {};
#pragma unroll
    for (int j = 0; j < 8; j += VECTOR) {
      if (!present || column + j >= width) break;
      const Pack<VECTOR> some = load_pack<VECTOR>(from + j);
#pragma unroll
      for (int k = 0; k < VECTOR; k++) x[j + k] = scale * some.at[k];
    }
    const uint4 y = {two_halves(x[0], x[1]), two_halves(x[2], x[3]), two_halves(x[4], x[5]),
                     two_halves(x[6], x[7])};
    *(uint4 *)((second ? weight_halves : hidden_halves) + row * DEPTH + column) = y;
  }
}

/// The largest of the four threads that share rows.
DEVICE float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(FULL_WARP, x, 1));
  return fmaxf(x, __shfl_xor_sync(FULL_WARP, x, 2));
}

DEVICE void add_bias(float c[COLUMNS][4], const float *bias, int base, int vocabulary) {
#pragma unroll
  for (int n = 0; n < COLUMNS; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int column = base + n * 8 + 2 * (threadIdx.x & 3) + (i & 1);
      if (column < vocabulary) c[n][i] = bias[column] * RAW_SCALE;
    }
}

DEVICE void hide_padding(float c[COLUMNS][4], int base, int vocabulary) {
#pragma unroll
  for (int n = 0; n < COLUMNS; n++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (base + n * 8 + 2 * (threadIdx.x & 3) + (i & 1) >= vocabulary) c[n][i] = -INFINITE;
}

/// What a thread knows of its two rows of a slab; the four threads of a row agree but for `sum`.
struct Softmax {
  float greatest[2], sum[2];
  int best[2], label[2];

  /// The first columns of the greatest; for warps in which that changed.
  DEVICE void find_best(const float c[COLUMNS][4], const float now[2], int base) {
    const int t = threadIdx.x & 3;
#pragma unroll
    for (int side = 0; side < 2; side++) {
      int column = 0x7fffffff;
#pragma unroll
      for (int n = COLUMNS - 1; n >= 0; n--)
#pragma unroll
        for (int i = 1; i >= 0; i--)
          if (c[n][2 * side + i] == now[side]) column = base + n * 8 + 2 * t + i;
      column = min(column, __shfl_xor_sync(FULL_WARP, column, 1));
      column = min(column, __shfl_xor_sync(FULL_WARP, column, 2));
      if (now[side] > greatest[side]) best[side] = column;
    }
  }

  /// Takes the target's logit out of a tile.
  DEVICE void take_target(float c[COLUMNS][4], int base, float *right) {
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (label[i >> 1] == base + n * 8 + 2 * (threadIdx.x & 3) + (i & 1)) {
          right[(i >> 1) * 8] = c[n][i] * TO_BITS;
          c[n][i] = -INFINITE;
        }
  }

  /// Logits of a tile become powers relative to the greatest so far, and `sums` become so; times
  /// 2^PROBABILITY_BITS, so that small ones keep their precision as 16-bit floats.
  DEVICE void add(float c[COLUMNS][4], float sums[OUTPUTS][4], int base, float *right) {
    float now[2] = {greatest[0], greatest[1]};
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) now[i >> 1] = fmaxf(now[i >> 1], c[n][i]);
    now[0] = quad_max(now[0]), now[1] = quad_max(now[1]);
    if (__any_sync(FULL_WARP, now[0] > greatest[0] || now[1] > greatest[1])) {
      find_best(c, now, base);
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const float factor =
            now[i] > greatest[i] ? power_of_two((greatest[i] - now[i]) * TO_BITS) : 1.0f;
        greatest[i] = now[i];
        sum[i] *= factor;
#pragma unroll
        for (int n = 0; n < OUTPUTS; n++) sums[n][2 * i] *= factor, sums[n][2 * i + 1] *= factor;
      }
    }
    if ((uint)(label[0] - base) < TILE || (uint)(label[1] - base) < TILE)
      take_target(c, base, right);
    const float level[2] = {now[0] * TO_BITS - PROBABILITY_BITS,
                            now[1] * TO_BITS - PROBABILITY_BITS};
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        c[n][i] = power_of_two(c[n][i] * TO_BITS - level[i >> 1]);
        sum[i >> 1] += c[n][i];
      }
  }
};

/// Blocks (BLOCK_ROWS hidden rows, `each` tiles of the vocabulary). In each part of the vocabulary:
/// stats[part] gets the greatest exponent of each row less PROBABILITY_BITS, its column and the sum
/// of the others' powers relative to the former, without the target's; partial[part], unless it is
/// null, the sum of the rows of the weight, weighted alike. `right` gets the targets' exponents.
KERNEL __launch_bounds__(THREADS, RESIDENT)
head_rows(long rows, int vocabulary, int width, int each, const Half *hidden, const Half *weight,
          const float *bias, const int *target, float *right, float *stats, float *partial) {
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const long row = (long)blockIdx.x * BLOCK_ROWS + threadIdx.x / 32 * WARP_ROWS + g;
  Rows own;
  own.load(hidden + (row - g) * DEPTH);
  Softmax state[SLABS];
  float sums[SLABS][OUTPUTS][4] = {};
#pragma unroll
  for (int i = 0; i < 2 * SLABS; i++) {
    Softmax &own = state[i >> 1];
    own.greatest[i & 1] = -INFINITE, own.sum[i & 1] = 0.0f, own.best[i & 1] = 0x7fffffff;
    own.label[i & 1] = row + 8 * i < rows ? target[row + 8 * i] : -1;
  }

  const int all = (vocabulary + TILE - 1) / TILE, first = blockIdx.y * each;
  each_tile(
      first, min(first + each, all), TILE_FLOATS,
      [=](int number, float *to) { copy_tile(to, weight + (long)number * TILE * DEPTH); },
      [&](int number, const float *memory) {
        const Half *tile = (const Half *)memory;
        const int base = number * TILE;
        float c[SLABS][COLUMNS][4] = {};
        if (bias)
#pragma unroll
          for (int slab = 0; slab < SLABS; slab++) add_bias(c[slab], bias, base, vocabulary);
        own.multiply(c, tile);
#pragma unroll
        for (int slab = 0; slab < SLABS; slab++) {
          if (base + TILE > vocabulary) hide_padding(c[slab], base, vocabulary);
          state[slab].add(c[slab], sums[slab], base, right + row + slab * 16);
        }
        if (partial) add_tile(sums, c, tile);
      });

#pragma unroll
  for (int i = 0; i < 2 * SLABS; i++) {
    const Softmax &own = state[i >> 1];
    const float sum = group_sum<4>(own.sum[i & 1]);
    const long at = row + 8 * i;
    if (at >= rows) continue;
    if (!t) {
      float *out = stats + blockIdx.y * 3 * rows + at;
      out[0] = own.greatest[i & 1] * TO_BITS - PROBABILITY_BITS, out[rows] = sum;
      out[2 * rows] = __int_as_float(own.best[i & 1]);
    }
    if (!partial) continue;
#pragma unroll
    for (int n = 0; n < OUTPUTS; n++)
#pragma unroll
      for (int j = 0; j < 2; j++)
        if (n * 8 + 2 * t + j < width)
          partial[(blockIdx.y * rows + at) * width + n * 8 + 2 * t + j] =
              sums[i >> 1][n][2 * (i & 1) + j];
  }
}

/// Puts the parts of the vocabulary, at most 32, together, a warp for each row: losses, arg-maxima, the hidden
/// rows' gradients, and for `head_weights` what it needs of a row, in levels [3, padded_rows]:
/// the exponent to take off, the target, and minus the sum of the other probabilities.
KERNEL join_head(long rows, long padded_rows, int width, int parts, const float *weight,
                 const int *target, const float *scale, const float *right, const float *stats,
                 const float *partial, float *loss, int *best, float *dhidden, float *levels) {
  const long row = thread_index() / 32;
  const int lane = threadIdx.x & 31;
  if (row >= padded_rows) return;
  const int label = row < rows ? target[row] : -1;
  if (label < 0) {
    if (!lane) {
      if (row < rows) loss[row] = 0.0f, best[row] = -1;
      levels[row] = INFINITE, levels[padded_rows + row] = __int_as_float(-1);
      levels[2 * padded_rows + row] = 0.0f;
    }
    if (dhidden && row < rows)
      for (int column = lane; column < width; column += 32) dhidden[row * width + column] = 0.0f;
    return;
  }
  // A part of the vocabulary for each lane.
  const float *own = stats + lane * 3 * rows + row;
  const float height = lane < parts ? own[0] : -INFINITE, greatest = warp_max(height);
  int column = height == greatest && lane < parts ? __float_as_int(own[2 * rows]) : 0x7fffffff;
#pragma unroll
  for (int d = 16; d; d >>= 1) column = min(column, __shfl_xor_sync(FULL_WARP, column, d));
  const float share = lane < parts ? power_of_two(height - greatest) : 0.0f;
  const float others = warp_sum(lane < parts ? own[rows] * share : 0.0f);
  const float ours = right[row] - greatest, power = power_of_two(ours), sum = others + power;
  if (!lane) {
    // Accurate where the target has almost all of the probability.
    loss[row] = ours > PROBABILITY_BITS - 20.0f ? log1pf(others / power) : logf(sum) - ours * LN_2;
    best[row] = column == 0x7fffffff ? 0 : column;  // only NaN is never the greatest
    levels[row] = greatest + log2f(sum) - PROBABILITY_BITS;
    levels[padded_rows + row] = __int_as_float(label);
    levels[2 * padded_rows + row] = -others / sum;
  }
  if (!dhidden) return;
  const float factor = *scale / sum;
  for (int d = lane; d - lane < width; d += 32) {
    const bool present = d < width;
    float total = 0.0f;
#pragma unroll 8
    for (int part = 0; part < parts; part++) {
      const float weighted = present ? partial[(part * rows + row) * width + d] : 0.0f;
      total += weighted * __shfl_sync(FULL_WARP, share, part);
    }
    if (!present) continue;
    total *= 1.0f / WEIGHT_SCALE;
    dhidden[row * width + d] = factor * (total - others * weight[(long)label * width + d]);
  }
}
