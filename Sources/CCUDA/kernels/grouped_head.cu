// The passes over the rows and over the vocabulary of a head with a large one, as
// streamed_head_rows.cu and streamed_head_weights.cu have them, for compute capability 9.0; after
// head_softmax.cuh and head_groups.cuh. Elsewhere the file is empty.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// The first of a thread's two rows, 8 apart.
DEVICE int group_row() {
  return blockIdx.x * BLOCK_ROWS + threadIdx.x / 32 * 16 + (threadIdx.x & 31) / 4;
}

/// Blocks (BLOCK_ROWS hidden rows, `each` tiles of the vocabulary); the same as in
/// streamed_head_rows.cu.
KERNEL __launch_bounds__(THREADS, 1)
head_rows(long rows, int vocabulary, int width, int each, const Half *hidden, const Half *weight,
          const float *bias, const int *target, float *right, float *stats, float *partial) {
  begin_kernel();
  const long row = group_row();
  const int all = (vocabulary + TILE - 1) / TILE, first = blockIdx.y * each;
  const GroupTiles<0> tiles(first, min(first + each, all), weight, nullptr);
  GroupRows own;
  own.load(hidden, row - (threadIdx.x & 31) / 4);
  Softmax state;
  state.start(target, row, rows);
  float sums[OUTPUTS][4] = {};
  const auto start = [&](float (&c)[COLUMNS][4], int number) {
    if (bias) {
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) c[n][i] = 0.0f;
      add_bias(c, bias, number * TILE, vocabulary);
    }
    group_fence();
    own.multiply(c, tiles.tile(number), bias != nullptr);
  };
  float greatest[2];
  const auto look = [&](float (&c)[COLUMNS][4], int number) {
    if (number * TILE + TILE > vocabulary) hide_padding(c, number * TILE, vocabulary);
    state.look(c, greatest);
    state.raise(greatest, sums, [&] {
      group_wait<0>();
      group_done(sums);
    });
  };
  const auto use = [&](float (&c)[COLUMNS][4], int number) {
    state.note(c, greatest, number * TILE);
    state.make_powers(c, number * TILE, right + row);
  };
  if (partial) tiles.each<true>(sums, start, look, use);
  else tiles.each<false>(sums, start, look, use);
  state.store(sums, row, rows, width, stats, partial);
}

/// Blocks (BLOCK_ROWS rows of the weight, `each` tiles of hidden rows); the same as in
/// streamed_head_weights.cu.
KERNEL __launch_bounds__(THREADS, 1)
head_weights(long padded_rows, int vocabulary, int width, int each, const Half *hidden,
             const Half *weight, const float *bias, const float *levels, const float *scale,
             float *dweight, float *dbias, float *out, uint *arrived) {
  begin_kernel();
  const int lane = threadIdx.x & 31, t = lane & 3, row = group_row(), warp_row = row - lane / 4;
  const int all = (int)(padded_rows / TILE), first = blockIdx.y * each;
  const GroupTiles<LEVELS * 4> tiles(first, min(first + each, all), hidden, levels);
  GroupRows own;
  own.load(weight, warp_row);
  float shift[2], bias_sums[2] = {}, sums[OUTPUTS][4] = {};
#pragma unroll
  for (int i = 0; i < 2; i++)
    shift[i] = bias && row + 8 * i < vocabulary ? bias[row + 8 * i] * TO_BITS * RAW_SCALE : 0.0f;
  const auto start = [&](float (&c)[COLUMNS][4], int number) {
    group_fence();
    own.multiply(c, tiles.tile(number), false);
  };
  const auto use = [&](float (&c)[COLUMNS][4], int number) {
    const float *level = tiles.other(number), *missing = level + 2 * TILE;
    const int *label = (const int *)level + TILE;
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
      const Pack<2> own_level = load_pack<2>(level + n * 8 + 2 * t);
#pragma unroll
      for (int i = 0; i < 4; i++)
        c[n][i] = power_of_two(c[n][i] * TO_BITS - (own_level.at[i & 1] - shift[i >> 1]));
    }
    const bool found =
        (uint)(label[lane] - warp_row) < 16 || (uint)(label[lane + 32] - warp_row) < 16;
    if (__any_sync(FULL_WARP, found)) {
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int place = n * 8 + 2 * t + (i & 1);
          if (label[place] == row + (i >> 1) * 8)
            c[n][i] = missing[place] * (float)(1 << PROBABILITY_BITS);
        }
    }
    if (dbias) {
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) bias_sums[i >> 1] += c[n][i];
    }
  };
  const auto none = [](float (&)[COLUMNS][4], int) {};
  if (dweight) tiles.each<true>(sums, start, none, use);
  else tiles.each<false>(sums, start, none, use);
  put_weight_rows(sums, bias_sums, row, vocabulary, width, *scale, dweight, dbias, out);
  if (out && is_last_block(arrived + blockIdx.x, gridDim.y))
    add_weight_parts(BLOCK_ROWS, vocabulary, width, dweight, dbias, out);
}

#endif
