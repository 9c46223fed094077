// The pass over the rows of a head with a large vocabulary: what each part of the vocabulary leaves
// of losses, arg-maxima and the gradients of the hidden rows. It comes after head_tiles.cuh.

/// Blocks (BLOCK_ROWS hidden rows, `each` tiles of the vocabulary). In each part of the vocabulary:
/// stats[part] gets the exponent of each row's ceiling less PROBABILITY_BITS, the sum of the powers
/// relative to that, without the target's, and the greatest logit's column and value; partial[part], unless it is
/// null, the sum of the rows of the weight, weighted alike. `right` gets the targets' exponents.
KERNEL __launch_bounds__(THREADS, RESIDENT)
head_rows(long rows, int vocabulary, int width, int each, const Half *hidden, const Half *weight,
          const float *bias, const int *target, float *right, float *stats, float *partial) {
  begin_kernel();
  const int lane = threadIdx.x & 31, g = lane >> 2;
  const long row = (long)blockIdx.x * BLOCK_ROWS + threadIdx.x / 32 * WARP_ROWS + g;
  Rows own;
  own.load(hidden + (row - g) * DEPTH);
  Softmax state[SLABS];
  float sums[SLABS][OUTPUTS][4] = {};
#pragma unroll
  for (int slab = 0; slab < SLABS; slab++) state[slab].start(target, row + slab * 16, rows);

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
          float greatest[2];
          state[slab].look(c[slab], greatest);
          state[slab].raise(greatest, sums[slab], [] {});
          state[slab].note(c[slab], greatest, base);
          state[slab].make_powers(c[slab], base, right + row + slab * 16);
        }
        if (partial) add_tile(sums, c, tile);
      });

#pragma unroll
  for (int slab = 0; slab < SLABS; slab++)
    state[slab].store(sums[slab], row + slab * 16, rows, width, stats, partial);
}
