// The gradients of causal softmax attention, as in attention_halves_backward.cu, for compute
// capability 9.0 and 128 columns; after attention_group_gradients.cuh. Elsewhere the file is empty.
//
// A block goes through the keys of a sequence, 128 at a time from the last to the first, and for
// each through the tiles of 64 queries that see them. Each of two groups of warps has 64 keys: it
// computes the transposes of P and dS, with which, from registers, it adds to its dV and dK, which
// stay in registers as well (Shah et al. 2024, "FlashAttention-3"). dQ is a sum over both groups'
// keys, so that dS goes through shared memory, and each group makes half of the columns; what keys
// of other blocks give is added in memory, in their order.
//
// Tensor cores make dO V' while the weights are made, and add to dV while dS is made. Weights are
// halves until then: there are no registers for more.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Adds to four numbers in memory, and does not wait for them.
///
/// Only one thread adds to a place, in the order of its blocks of keys: the order is not left to
/// chance, as it is where many add.
DEVICE void add_in_memory(float *to, const Pack<4> &x) {
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(
                   __cvta_generic_to_global(to)),
               "f"(x.at[0]), "f"(x.at[1]), "f"(x.at[2]), "f"(x.at[3])
               : "memory");
}

/// What a group has of one tile of queries: rows are its keys, columns the queries.
typedef float ScoreTile[TILE / 8][4];

/// Two numbers of shared memory. They are read where this stands, and not before: there are no
/// registers to keep them in.
DEVICE int2 read_now(const void *x) {
  int2 y;
  asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];" : "=r"(y.x), "=r"(y.y) : "r"(shared_address(x)));
  return y;
}
DEVICE float2 read_floats_now(const float *x) {
  const int2 y = read_now(x);
  return {__int_as_float(y.x), __int_as_float(y.y)};
}

/// What the weights and dS of queries are multiplied by in sums over queries, 2^(least - e) with
/// their exponents e, as pairs of halves.
DEVICE void share_scales(uint (&scales)[TILE / 8], const int *exponents, int least) {
#pragma unroll
  for (int n = 0; n < TILE / 8; n++) {
    const int2 e = read_now(exponents + 8 * n + 2 * lane_in_group());
    scales[n] = two_halves(exact_power(least - e.x), exact_power(least - e.y));
  }
}
/// A left factor with columns multiplied by them.
DEVICE void to_shared_factor(uint (&a)[TILE / 16][4], const uint (&x)[TILE / 16][4],
                             const uint (&scales)[TILE / 8]) {
#pragma unroll
  for (int k = 0; k < TILE / 16; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) a[k][i] = half_products(x[k][i], scales[2 * k + (i >> 1)]);
}

/// Products of keys and queries become weights, times 2^WEIGHT_BITS.
DEVICE void make_weights(ScoreTile &s, const TileNumbers &numbers, const Attention &p, float slope,
                         int distance, bool whole) {
  const int t = lane_in_group();
  const float factor = p.scale * LOG2_E / (OPERAND_SCALE * OPERAND_SCALE);
  const auto behind = [&](int n, int i) {
    return distance + 8 * n + 2 * t + (i & 1) - (i & 2) * 4;
  };
#pragma unroll
  for (int n = 0; n < TILE / 8; n++) {
    const float2 log_sum = read_floats_now(numbers.log_sums + 8 * n + 2 * t);
#pragma unroll
    for (int i = 0; i < 4; i++) s[n][i] = s[n][i] * factor - (i & 1 ? log_sum.y : log_sum.x);
  }
  if (slope != 0) {
#pragma unroll
    for (int n = 0; n < TILE / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) s[n][i] = fmaf(-slope, (float)behind(n, i), s[n][i]);
  }
  // The rounding of a large sum must not make a weight greater than 1.
#pragma unroll
  for (int n = 0; n < TILE / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      s[n][i] = power_of_2(s[n][i] > WEIGHT_BITS ? (float)WEIGHT_BITS : s[n][i]);
  if (whole) return;
#pragma unroll
  for (int n = 0; n < TILE / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (!is_seen(behind(n, i), p.window)) s[n][i] = 0;
}

/// A group of warps that multiplies.
struct Maker {
  const GroupMemory memory;
  const Attention p;
  const int group;

  /// This lane's first key of the group's.
  DEVICE int key() const { return threadIdx.x % GROUP / 32 * 16 + lane_group(); }

  /// Makes dS of the weights, which are times 2^WEIGHT_BITS, and dO V', times `fit`: for both
  /// groups in shared memory, where rows are keys and columns queries, and as a left factor, with
  /// columns multiplied by `scales`.
  DEVICE void make_gradients(uint (&a)[TILE / 16][4], const uint (&weights)[TILE / 16][4],
                             const ScoreTile &products, const TileNumbers &numbers, float fit,
                             const uint (&scales)[TILE / 8]) const {
    const int g = lane_group(), t = lane_in_group();
    char *to = memory.scores + (group * TILE + key()) * 128 + 4 * t;
    const float part = fit * exact_power(-WEIGHT_BITS);
    uint both[TILE / 16][4];
#pragma unroll
    for (int n = 0; n < TILE / 8; n++) {
      const float2 delta = read_floats_now(numbers.deltas + 8 * n + 2 * t);
      // Powers of two: nothing is rounded but the difference.
      const float left = delta.x * part, right = delta.y * part;
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const float2 w = two_floats(weights[n / 2][n % 2 * 2 + r]);
        const float *d = products[n] + 2 * r;
        both[n / 2][n % 2 * 2 + r] = two_bounded_halves(w.x * fmaf(d[0], part, -left),
                                                        w.y * fmaf(d[1], part, -right));
      }
    }
#pragma unroll
    for (int n = 0; n < TILE / 8; n++)
#pragma unroll
      for (int r = 0; r < 2; r++)
        *(uint *)(to + 1024 * r + (n ^ g) * 16) = both[n / 2][n % 2 * 2 + r];
    written_for_products();
    to_shared_factor(a, both, scales);
  }

  /// Starts c = dS K for all queries of the tile, all keys of the block and the group's columns.
  DEVICE void start_sum(float (&c)[8][4]) const {
    const uint a = shared_address(memory.scores), b = shared_address(memory.k) + group * KEY_PANEL;
    group_fence();
#pragma unroll
    for (int k = 0; k < BLOCK_KEYS / 16; k++)
      group_product<true>(c, describe(a) + k * 2048 / 16, describe(b) + k * 2048 / 16, k > 0);
    group_commit();
  }
};

template <int COUNT>
DEVICE int greatest_of(const int (&x)[COUNT]) {
  int y = x[0];
#pragma unroll
  for (int i = 1; i < COUNT; i++) y = max(y, x[i]);
  return y;
}
DEVICE int least_of(const int (&x)[BRINGERS]) {
  int y = x[0];
#pragma unroll
  for (int i = 1; i < BRINGERS; i++) y = min(y, x[i]);
  return y;
}

DEVICE void scale_sums(float (&c)[PANELS * 8][4], float factor) {
#pragma unroll
  for (int n = 0; n < PANELS * 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) c[n][i] *= factor;
}

/// The least n with |v| < 2^n for all values of the block of keys, which are halves.
DEVICE int value_magnitude(const GroupMemory &memory) {
  int most = 0;
  const uint4 *from = (const uint4 *)memory.v + threadIdx.x;
#pragma unroll
  for (int i = 0; i < PANELS * KEY_PANEL / 16; i += MAKERS) {
    const uint4 x = from[i];
    const uint words[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
    for (int j = 0; j < 4; j++)
      most = max(most, max((int)(words[j] & 0x7fff), (int)(words[j] >> 16 & 0x7fff)));
  }
  const int warps = __reduce_max_sync(FULL_WARP, most);
  if (threadIdx.x % 32 == 0) (*memory.greatest_value)[threadIdx.x / 32] = warps;
  barrier_sync(USED, MAKERS);
  // The exponent's 5 bits, and that of OPERAND_SCALE. Those of NaN are as great as any.
  return (greatest_of(*memory.greatest_value) >> 10) - 14 - 4;
}

/// Writes the rows of a group's keys.
DEVICE void write_keys(const Maker &maker, float *target, const float (&c)[PANELS * 8][4],
                       int stride, int count, float unit) {
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const int row = maker.key() + 8 * r;
    if (row >= count) continue;
    float *to = target + (long)row * stride + 4 * lane_in_group();
#pragma unroll
    for (int m = 0; m < PANELS * 4; m++) store_pack(to + 16 * m, columns_of(c, m, r, unit));
  }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    grouped_attention_backward(const float *q, const float *k, const float *v, const float *slopes,
                              const float *o, const float *log_sum, const float *d_o, float *dq,
                              float *dk, float *dv, int blocks, ATTENTION_PARAMETERS) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const GroupMemory memory(shared_bytes);
  const Attention p = ATTENTION;
#if HALVES
  if (threadIdx.x == 0) {
    barrier_start(memory.key_barrier());
    for (int i = 0; i < 2; i++) barrier_start(memory.query_barrier(i));
    barrier_start_done();
  }
  __syncthreads();
#endif
  if (threadIdx.x >= MAKERS) {
    fewer_registers<HALVES ? 56 : 32>();
    const int lane = threadIdx.x & 31, warp = (int)(threadIdx.x - MAKERS) >> 5;
    const Bringer bringer = {memory, p, q, k, v, o, log_sum, d_o, lane, warp, blocks};
    bringer.run();
    return;
  }
  more_registers<224>();
  const int t = lane_in_group();
  // The same in all lanes of a warp, and known to be.
  const Maker maker = {memory, p, __shfl_sync(FULL_WARP, (int)threadIdx.x / GROUP, 0)};
  const uint group_rows = maker.group * TILE * 128;
  const uint keys_at = shared_address(memory.k) + group_rows;
  const uint values_at = shared_address(memory.v) + group_rows;
  barrier_arrive(KEYS_EMPTY, KEY_THREADS);
  barrier_arrive(TILE_EMPTY, THREADS);
  barrier_arrive(TILE_EMPTY + 1, THREADS);
  int tiles = 0;
  // Of the barriers that wait for bytes, whose turn it is: those of the tiles, then that of the keys.
  uint turns = 0;
#pragma unroll 1
  for (int block = blockIdx.x; block < blocks; block += gridDim.x) {
#pragma unroll 1
    for (int key = (p.keys - 1) / BLOCK_KEYS * BLOCK_KEYS; key >= 0; key -= BLOCK_KEYS) {
      float v_sum[PANELS * 8][4] = {}, k_sum[PANELS * 8][4] = {};
      const Pass pass(p, key), next(p, key - BLOCK_KEYS);
      int magnitude;
      if (HALVES) {
        barrier_wait(memory.key_barrier(), turns >> 2);
        turns ^= 4;
        magnitude = value_magnitude(memory);
      } else {
        barrier_sync(KEYS_FULL, THREADS);
        magnitude = min(100, bits_before_point(greatest_of(*memory.greatest_value)));
      }
      int least = NO_ROW;
      const int sequence = block / p.key_heads, key_head = block % p.key_heads;
      const int own_key = key + maker.group * TILE;
      const int group = pass.is_empty() ? 0 : p.heads / p.key_heads;
      int start = pass.begin, head = key_head * group;
      int left = group * ((pass.end - pass.first + TILE - 1) / TILE), kept = pass.kept;
      const int for_next = key > 0 ? next.kept : 0;
#pragma unroll 1
      for (; left > 0; tiles++) {
        const int half = tiles & 1;
        const int position = p.offset + start;
        const int last = position + min(TILE, p.queries - start) - 1;
        const TileNumbers &numbers = memory.numbers[half];
        const uint q_at = shared_address(memory.q) + half * PANELS * PANEL;
        const uint gradients_at = shared_address(memory.gradients) + half * PANELS * PANEL;
        if (kept > 0) {
          kept--;
        } else {
          barrier_sync(TILE_FULL + half, THREADS);
          if (HALVES) barrier_wait(memory.query_barrier(half), turns >> half & 1);
          turns ^= 1 << half;
        }

        const int greater =
            min(100, max(magnitude, bits_before_point(greatest_of(numbers.greatest))));
        const int less = min(least, least_of(numbers.least));
        if (greater != magnitude || less != least) {
          const float factor = exact_power(less - least);
          scale_sums(v_sum, factor);
          scale_sums(k_sum, factor * exact_power(magnitude - greater));
          magnitude = greater, least = less;
        }
        ScoreTile s, d;
        group_fence();
        start_scores(s, keys_at, KEY_PANEL, q_at, PANEL);
        group_commit();
        start_scores(d, values_at, KEY_PANEL, gradients_at, PANEL);
        group_commit();
        group_wait<1>();
        group_done(s);
        const int distance = position - own_key - maker.key();
        const bool whole = own_key + TILE - 1 <= position && last - own_key < p.window;
        const float slope = slopes ? slopes[head] * LOG2_E : 0.0f;
        make_weights(s, numbers, p, slope, distance, whole);
        uint weights[TILE / 16][4], shared_weights[TILE / 16][4], parts[TILE / 8];
        share_scales(parts, numbers.exponents, least);
        to_factor(weights, s);
        to_shared_factor(shared_weights, weights, parts);
        group_fence();
        add_products(v_sum, shared_weights, gradients_at);
        group_commit();
        group_wait<1>();
        group_done(d);
        // |dO V' - delta| < 2^(14 + magnitude), times OPERAND_SCALE as it stands here.
        const float fit = exact_power(1 - magnitude) / OPERAND_SCALE;
        barrier_sync(USED, MAKERS);
        uint score_gradients[TILE / 16][4];
        maker.make_gradients(score_gradients, weights, d, numbers, fit, parts);
        group_fence();
        add_products(k_sum, score_gradients, q_at);
        group_commit();
        barrier_sync(MADE, MAKERS);
        float c[8][4];
        maker.start_sum(c);
        group_wait<0>();
        group_done(v_sum);
        group_done(k_sum);
        group_done(c);
        int exponents[2];
#pragma unroll
        for (int r = 0; r < 2; r++) exponents[r] = numbers.exponents[maker.key() + 8 * r];
        if (left > for_next) barrier_arrive(TILE_EMPTY + half, THREADS);
        // Of the keys that a tile sees, the last come first.
        const bool is_first = min(last, p.keys - 1) < key + BLOCK_KEYS;
        float *target = dq + maker.group * 64 + 4 * t +
                        row_of(sequence, p.queries, start + maker.key(), p.heads, head) * DIM;
        const long below = (long)8 * p.heads * DIM;
#pragma unroll
        for (int r = 0; r < 2; r++) {
          if (start + maker.key() + 8 * r >= p.queries) continue;
          const float unit = exact_power(-exponents[r]) * p.scale * exact_power(magnitude - 1) /
                             OPERAND_SCALE;
#pragma unroll
          for (int m = 0; m < 4; m++) {
            const Pack<4> x = columns_of(c, m, r, unit);
            if (is_first) store_pack(target + r * below + 16 * m, x);
            else add_in_memory(target + r * below + 16 * m, x);
          }
        }
        start = pass.next(start);
        if (start == pass.begin) head++;
        left--;
      }
      barrier_arrive(KEYS_EMPTY, KEY_THREADS);
      const float unit = exact_power(-least);
      const long row = row_of(sequence, p.keys, own_key, p.key_heads, key_head);
      const int stride = p.key_heads * DIM;
      write_keys(maker, dv + row * DIM, v_sum, stride, p.keys - own_key,
                 unit * exact_power(-WEIGHT_BITS));
      write_keys(maker, dk + row * DIM, k_sum, stride, p.keys - own_key,
                 unit * p.scale * exact_power(magnitude - 1) / OPERAND_SCALE);
    }
  }
}

#endif
