// What a warp knows of its hidden rows while it goes through the vocabulary; after head_numbers.cuh.

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

/// Bits by which the ceiling is set above the greatest logit so far, so that it seldom has to rise.
#define ROOM_BITS 4

/// What a thread knows of its two rows of a slab; the four threads of a row agree but for `sum`.
/// Powers are relative to the ceiling, which is never below the greatest.
struct Softmax {
  float greatest[2], ceiling[2], sum[2];
  int best[2], label[2];

  /// `row` is the thread's first, the other is 8 behind it.
  DEVICE void start(const int *target, long row, long rows) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      greatest[i] = ceiling[i] = -INFINITE, sum[i] = 0.0f, best[i] = 0x7fffffff;
      label[i] = row + 8 * i < rows ? target[row + 8 * i] : -1;
    }
  }

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

  /// The greatest of the thread's own logits of a tile.
  DEVICE void look(const float c[COLUMNS][4], float own[2]) const {
#pragma unroll
    for (int side = 0; side < 2; side++) {
      float odd = c[0][2 * side + 1];
      own[side] = c[0][2 * side];
#pragma unroll
      for (int n = 1; n < COLUMNS; n++)
        own[side] = fmaxf(own[side], c[n][2 * side]), odd = fmaxf(odd, c[n][2 * side + 1]);
      own[side] = fmaxf(own[side], odd);
    }
  }

  /// Raises the ceiling above them, and makes the sums, which `ready()` waits for, relative to it.
  template <class Ready>
  DEVICE void raise(const float own[2], float sums[OUTPUTS][4], Ready ready) {
    if (!__any_sync(FULL_WARP, own[0] > ceiling[0] || own[1] > ceiling[1])) return;
    ready();
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float now = quad_max(own[i]);
      const bool higher = now > ceiling[i];
      const float next = higher ? now + ROOM_BITS / TO_BITS : ceiling[i];
      const float factor = higher ? power_of_two((ceiling[i] - next) * TO_BITS) : 1.0f;
      ceiling[i] = next;
      sum[i] *= factor;
#pragma unroll
      for (int n = 0; n < OUTPUTS; n++) sums[n][2 * i] *= factor, sums[n][2 * i + 1] *= factor;
    }
  }

  /// The greatest logits so far, and their columns.
  DEVICE void note(const float c[COLUMNS][4], const float own[2], int base) {
    const float now[2] = {quad_max(own[0]), quad_max(own[1])};
    if (!__any_sync(FULL_WARP, now[0] > greatest[0] || now[1] > greatest[1])) return;
    find_best(c, now, base);
    greatest[0] = fmaxf(greatest[0], now[0]), greatest[1] = fmaxf(greatest[1], now[1]);
  }

  /// Logits of a tile become powers relative to the ceiling, times 2^PROBABILITY_BITS, so that
  /// small ones keep their precision as 16-bit floats.
  DEVICE void make_powers(float c[COLUMNS][4], int base, float *right) {
    if ((uint)(label[0] - base) < TILE || (uint)(label[1] - base) < TILE)
      take_target(c, base, right);
    const float level[2] = {ceiling[0] * TO_BITS - PROBABILITY_BITS,
                            ceiling[1] * TO_BITS - PROBABILITY_BITS};
#pragma unroll
    for (int n = 0; n < COLUMNS; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        c[n][i] = power_of_two(c[n][i] * TO_BITS - level[i >> 1]);
        sum[i >> 1] += c[n][i];
      }
  }

  /// What the block's part of the vocabulary leaves of the rows.
  DEVICE void store(const float sums[OUTPUTS][4], long row, long rows, int width, float *stats,
                    float *partial) const {
    const int t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float all = group_sum<4>(sum[i]);
      const long at = row + 8 * i;
      if (at >= rows) continue;
      if (!t) {
        float *out = stats + blockIdx.y * STATS * rows + at;
        out[0] = ceiling[i] * TO_BITS - PROBABILITY_BITS, out[rows] = all;
        out[2 * rows] = __int_as_float(best[i]), out[3 * rows] = greatest[i];
      }
      if (partial) store_columns(partial + (blockIdx.y * rows + at) * width, sums, i, 1, width);
    }
  }
};
