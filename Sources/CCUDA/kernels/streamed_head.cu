// What goes before and after the passes over tiles of a head with a large vocabulary; after
// head_numbers.cuh. Constants: those of that file, and VECTOR, the floats that are loaded at once.

/// Puts hidden rows and the weight's into rows of DEPTH 16-bit floats, with zeros around them.
KERNEL to_halves(long rows, long padded_rows, long vocabulary, long padded_vocabulary, int width,
                 const float *hidden, const float *weight, Half *hidden_halves,
                 Half *weight_halves) {
  begin_kernel();
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
    *(uint4 *)((second ? weight_halves : hidden_halves) + half_place(row, column)) = y;
  }
}

/// Puts the parts of the vocabulary, at most 32, together, a warp for each row: losses, arg-maxima,
/// the hidden rows' gradients, and for `head_weights` what it needs of a row, in `levels`.
KERNEL join_head(long rows, long padded_rows, int width, int parts, const float *weight,
                 const int *target, const float *scale, const float *right, const float *stats,
                 const float *partial, float *loss, int *best, float *dhidden, float *levels) {
  begin_kernel();
  const long row = thread_index() / 32;
  const int lane = threadIdx.x & 31;
  if (row >= padded_rows) return;
  const int label = row < rows ? target[row] : -1;
  float *level = levels + level_place(row);
  if (label < 0) {
    if (!lane) {
      if (row < rows) loss[row] = 0.0f, best[row] = -1;
      level[0] = INFINITE, level[TILE] = __int_as_float(-1), level[2 * TILE] = 0.0f;
    }
    if (dhidden && row < rows)
      for (int column = lane; column < width; column += 32) dhidden[row * width + column] = 0.0f;
    return;
  }
  // A part of the vocabulary for each lane.
  const float *own = stats + lane * STATS * rows + row;
  const bool present = lane < parts;
  const float height = present ? own[0] : -INFINITE, powers = present ? own[rows] : 0.0f;
  const float logit = present ? own[3 * rows] : -INFINITE;
  int column = present ? __float_as_int(own[2 * rows]) : 0x7fffffff;
  const float greatest = warp_max(height);
  if (logit != warp_max(logit)) column = 0x7fffffff;
#pragma unroll
  for (int d = 16; d; d >>= 1) column = min(column, __shfl_xor_sync(FULL_WARP, column, d));
  const float share = present ? power_of_two(height - greatest) : 0.0f;
  const float others = warp_sum(powers * share);
  const float ours = right[row] - greatest, power = power_of_two(ours), sum = others + power;
  if (!lane) {
    // Accurate where the target has almost all of the probability.
    loss[row] = ours > PROBABILITY_BITS - 20.0f ? log1pf(others / power) : logf(sum) - ours * LN_2;
    best[row] = column == 0x7fffffff ? 0 : column;  // only NaN is never the greatest
    level[0] = greatest + log2f(sum) - PROBABILITY_BITS;
    level[TILE] = __int_as_float(label);
    level[2 * TILE] = -others / sum;
  }
  if (!dhidden) return;
  const float factor = *scale / sum;
  for (int base = 0; base < width; base += 32 * VECTOR) {
    const int d = base + lane * VECTOR;
    const bool inside = d < width;
    Pack<VECTOR> total = {};
#pragma unroll 4
    for (int part = 0; part < parts; part++) {
      const float weighting = __shfl_sync(FULL_WARP, share, part);
      if (!inside) continue;
      const Pack<VECTOR> some = load_pack<VECTOR>(partial + (part * rows + row) * width + d);
#pragma unroll
      for (int i = 0; i < VECTOR; i++) total.at[i] += some.at[i] * weighting;
    }
    if (!inside) continue;
    const Pack<VECTOR> target_row = load_pack<VECTOR>(weight + (long)label * width + d);
#pragma unroll
    for (int i = 0; i < VECTOR; i++)
      total.at[i] = factor * (total.at[i] * (1.0f / WEIGHT_SCALE) - others * target_row.at[i]);
    store_pack(dhidden + row * width + d, total);
  }
}
