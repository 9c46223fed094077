// The backward pass of attention with factors of 16 bits: what a block of it has in shared memory,
// how queries arrive there, the gradients of the scores, and sums over queries; after
// attention_halves_tiles.cuh.
//
// Ranges. Each row of dO is multiplied by the power of two 2^e that brings the sum of its absolute
// values to 2^12 … 2^13. All |V| so far, and all |O|, are below 2^r, so that |dO V' - delta| < 2^(13
// + 1 + r) whatever the numbers are; dS is divided by 2^(r - 1) and fits. (r grows as values
// arrive, and sums are divided then.) In sums over queries each row has another 2^(c - e) <= 1, with
// the least c of all e so far: what is lost lies 2^-25 and more below the greatest row.

constexpr int WEIGHT_PITCH = KEYS + 8;
constexpr int BACKWARD_BLOCKS = WARPS >= 16 ? 1 : WARPS == 8 ? 2 : DIM_PAD + VALUE_PAD <= 128 ? 4 : 2;

/// Whether the next keys and values may wait in registers, which dQ and sums leave free.
constexpr bool WAIT_IN_REGISTERS = DIM_PAD / 2 + (DIM_PAD + VALUE_PAD) / WARPS <=
                                    65536 / (THREADS * BACKWARD_BLOCKS) - 48;

// Scores, dO V' and dQ need most of the registers of blocks that are to share a multiprocessor.
constexpr int STAGES = DIM_PAD > 64 && WARPS > 4 ? 1 : 2;

/// What is known of the numbers that came so far.
struct Ranges {
  /// The bits of the greatest |v| or |o|; the least e.
  int greatest, least;

  /// Takes what the lanes of a warp have seen; of integers, so that the order does not matter.
  DEVICE void add(float number, int exponent) {
    const int bits = __reduce_max_sync(FULL_WARP, __float_as_int(number));
    exponent = __reduce_min_sync(FULL_WARP, exponent);
    if ((threadIdx.x & 31) != 0) return;
    atomicMax(&greatest, bits);
    atomicMin(&least, exponent);
  }
};

/// What a block has in shared memory; weights and their gradients are [query][key].
struct HalfTiles {
  Half *q, *gradients, *k, *v, *weights, *score_gradients;
  float *log_sums, *deltas;
  int *exponents;
  Ranges *ranges;

  DEVICE HalfTiles(float *shared) {
    q = (Half *)shared;
    gradients = q + QUERIES * DIM_PITCH;
    k = gradients + QUERIES * VALUE_PITCH;
    v = k + KEYS * DIM_PITCH;
    weights = v + KEYS * VALUE_PITCH;
    score_gradients = weights + QUERIES * WEIGHT_PITCH;
    log_sums = (float *)(score_gradients + QUERIES * WEIGHT_PITCH);
    deltas = log_sums + QUERIES;
    exponents = (int *)(deltas + QUERIES);
    ranges = (Ranges *)(exponents + QUERIES);
  }
};

/// Where the queries of a part are in memory: in rows `row`, `row + heads` … of q, o and d_o.
struct Part {
  const float *q, *o, *d_o, *log_sum;
  long row;
  int heads, position, count;

  DEVICE const float *query(int r) const { return q + (row + (long)r * heads) * DIM; }
  DEVICE long value(int r) const { return (row + (long)r * heads) * VALUE_DIM; }

  /// The first slab of queries that see a tile of keys, and the slab behind the last.
  DEVICE int first(int key) const { return max(0, key - position) / SLAB; }
  DEVICE int end(int key, int window) const {
    const long last = (long)key + KEYS - 1 + window - position;
    return ((int)min((long)count, last) + SLAB - 1) / SLAB;
  }
};

/// How a warp brings queries: lanes for each row, rows at once, rows of a pass.
constexpr int WIDEST = DIM_PAD > VALUE_PAD ? DIM_PAD : VALUE_PAD;
constexpr int LANES = WIDEST <= 32 ? 8 : WIDEST <= 64 ? 16 : 32;
constexpr int AT_ONCE = 32 / LANES, BATCH = 2, PASS_ROWS = AT_ONCE * BATCH;
/// Passes of an idle warp in the time that others need for a tile of keys. (Requests of the
/// second-level cache before them cost more than they save: 142 against 128 us at 256 sequences of
/// 256 on an H200.)
constexpr int PASSES = 2;

/// Brings the rows `first` ..< `end` of Q and dO, whole passes, and what else is known of each
/// query; `worker` is this warp among so many.
DEVICE void bring_queries(const HalfTiles &tiles, const Part &part, int first, int end, int worker,
                          int workers, Ranges *ranges) {
  const int lane = threadIdx.x & 31, column = lane % LANES * 4;
  float greatest = 0;
  int least = NO_ROW;
  for (int i = first + worker * PASS_ROWS; i < end; i += workers * PASS_ROWS) {
    float4 x[BATCH], y[BATCH], z[BATCH];
    float log_sums[BATCH];
#pragma unroll
    for (int b = 0; b < BATCH; b++) {
      const int r = i + b * AT_ONCE + lane / LANES;
      x[b] = y[b] = z[b] = float4{0, 0, 0, 0};
      log_sums[b] = INFINITE;
      if (r >= part.count) continue;
      x[b] = read_columns<DIM>(part.query(r), column);
      y[b] = read_columns<VALUE_DIM>(part.d_o + part.value(r), column);
      z[b] = read_columns<VALUE_DIM>(part.o + part.value(r), column);
      log_sums[b] = part.log_sum[r] * LOG2_E;
    }
#pragma unroll
    for (int b = 0; b < BATCH; b++) {
      const int r = i + b * AT_ONCE + lane / LANES;
      const float size = group_sum<LANES>(fabsf(y[b].x) + fabsf(y[b].y) + fabsf(y[b].z) +
                                          fabsf(y[b].w));
      const int exponent = min(NO_ROW, 13 - bits_before_point(__float_as_int(size)));
      // dO is rounded as it is in dO V', because where a row sees one key only, or nearly so, the
      // two cancel, and a difference of their roundings would be all that remained.
      const uint2 halves = four_halves(y[b], exact_power(exponent));
      const float2 upper = two_floats(halves.x), lower = two_floats(halves.y);
      const float delta = group_sum<LANES>(z[b].x * upper.x + z[b].y * upper.y +
                                           z[b].z * lower.x + z[b].w * lower.y);
      if (column < VALUE_PAD) *(uint2 *)(tiles.gradients + r * VALUE_PITCH + column) = halves;
      if (column < DIM_PAD)
        *(uint2 *)(tiles.q + r * DIM_PITCH + column) = four_halves(x[b], OPERAND_SCALE);
      if (lane % LANES == 0) {
        tiles.log_sums[r] = log_sums[b];
        tiles.deltas[r] = delta * OPERAND_SCALE;
        tiles.exponents[r] = exponent;
      }
      greatest = fmaxf(greatest, fmaxf(fmaxf(fabsf(z[b].x), fabsf(z[b].y)),
                                       fmaxf(fabsf(z[b].z), fabsf(z[b].w))));
      least = min(least, exponent);
    }
  }
  ranges->add(greatest, least);
}

/// P and dS of one slab, for sums over queries to shared memory; dS K is added to dQ. `distance` is
/// the position of the slab's first query minus that of the first key.
DEVICE void make_gradients(float (&q_sum)[DIM_PAD / 8][4], const HalfTiles &tiles,
                           const Attention &p, int slab, float slope, int distance, int magnitude,
                           int least) {
  const int g = lane_group(), t = lane_in_group(), row = slab * SLAB + g;
  Half *weights = tiles.weights + row * WEIGHT_PITCH + 2 * t;
  Half *score_gradients = tiles.score_gradients + row * WEIGHT_PITCH + 2 * t;
  const float factor = p.scale * LOG2_E / (OPERAND_SCALE * OPERAND_SCALE);
  float s[KEYS / 8][4] = {}, d[KEYS / 8][4] = {};
  multiply_halves<KEYS / 8, DIM_PAD>(s, tiles.q + slab * SLAB * DIM_PITCH, tiles.k);
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const float log_sum = tiles.log_sums[row + 8 * r];
    const float share = exact_power(WEIGHT_BITS + least - tiles.exponents[row + 8 * r]);
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++) {
      float *x = s[n] + 2 * r;
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int behind = distance + g + 8 * r - 8 * n - 2 * t - e;
        x[e] = weight_of(x[e] * factor - slope * behind - log_sum, behind, p.window);
      }
      *(uint *)(weights + 8 * r * WEIGHT_PITCH + 8 * n) = two_bounded_halves(x[0] * share, x[1] * share);
    }
  }
  multiply_halves<KEYS / 8, VALUE_PAD, STAGES>(d, tiles.gradients + slab * SLAB * VALUE_PITCH, tiles.v);
  // |dO V' - delta| < 2^(14 + magnitude), times OPERAND_SCALE as it stands here.
  const float fit = exact_power(1 - magnitude) / OPERAND_SCALE;
#pragma unroll
  for (int r = 0; r < 2; r++) {
    const float delta = tiles.deltas[row + 8 * r];
    const float share = exact_power(least - tiles.exponents[row + 8 * r]);
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++) {
      float *x = d[n] + 2 * r;
#pragma unroll
      for (int e = 0; e < 2; e++) x[e] = s[n][2 * r + e] * (x[e] - delta) * fit;
      *(uint *)(score_gradients + 8 * r * WEIGHT_PITCH + 8 * n) =
          two_bounded_halves(x[0] * share, x[1] * share);
    }
  }
  uint factors[KEYS / 16][4];
  to_factor(factors, d);
  add_products<DIM_PAD>(q_sum, factors, tiles.k);
}

/// One warp's part of dV or dK for a tile of keys: MT times 16 keys and 16 columns.
template <int COLUMNS, int MT>
DEVICE void sum_queries(float *target, int stride, int count, bool is_first, float unit,
                        const Half *weights, const Half *rows, int column, int first, int end) {
  constexpr int PITCH = padded(COLUMNS) + 8;
  const int lane = threadIdx.x & 31, g = lane_group(), t = lane_in_group();
  weights += ((lane & 7) + (lane >> 4) * 8) * WEIGHT_PITCH + (lane >> 3 & 1) * 8;
  rows += (lane & 15) * PITCH + (lane >> 4) * 8 + column;
  float c[MT][2][4] = {};
  uint a[2][MT][4], b[2][4];
  const auto load = [&](int i, int slab) {
#pragma unroll
    for (int m = 0; m < MT; m++)
      load_transposes(a[i][m], weights + slab * SLAB * WEIGHT_PITCH + 16 * m);
    load_transposes(b[i], rows + slab * SLAB * PITCH);
  };
  const auto multiply = [&](int i) {
#pragma unroll
    for (int m = 0; m < MT; m++) {
      mma_half(c[m][0], a[i][m], b[i][0], b[i][1]);
      mma_half(c[m][1], a[i][m], b[i][2], b[i][3]);
    }
  };
  load(0, first);
#pragma unroll 1
  for (int slab = first; slab < end; slab += 2) {
    load(1, min(slab + 1, end - 1));
    multiply(0);
    if (slab + 1 == end) break;
    load(0, min(slab + 2, end - 1));
    multiply(1);
  }
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const int row = 16 * m + 8 * r + g;
      if (row >= count) continue;
#pragma unroll
      for (int n = 0; n < 2; n++) {
        const int at = column + 8 * n + 2 * t;
        float2 old = {0, 0};
        if (!is_first) old = read_pair<COLUMNS>(target + (long)row * stride, at);
        write_pair<COLUMNS>(target + (long)row * stride, at, fmaf(c[m][n][2 * r], unit, old.x),
                            fmaf(c[m][n][2 * r + 1], unit, old.y));
      }
    }
}
