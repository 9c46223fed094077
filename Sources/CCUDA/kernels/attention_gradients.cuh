// Tiles of the backward pass of attention: what a block of it has in shared memory, the gradients of
// the scores, and the products that they enter; after attention_tiles.cuh.
//
// Blocks have 8 warps. TILE, 64 or 32, is the rows of a tile of either kind. Shared memory, in
// floats: 2 TILE (DIM_PAD + 4) + 2 TILE (VALUE_PAD + 4) for Q, K, V, dO, 2 TILE^2 for P and dS and
// 2 TILE for row sums; with tiles of 64, 101 KB where both dims are 64 and 165 KB at 128, with
// tiles of 32, 139 KB at 256.

constexpr int THREADS = 256, WARPS = 8;
constexpr int BACKWARD_BLOCKS = DIM_PAD + VALUE_PAD <= 128 ? 2 : 1;

/// How 8 warps share an output tile of TILE rows and PAD columns; in products it is transposed.
template <int PAD>
struct Share {
  /// Warps side by side, and below one another.
  static constexpr int ACROSS = PAD % 64 == 0 ? 4 : PAD % 32 == 0 ? 2 : 1;
  static constexpr int DOWN = WARPS / ACROSS;
  /// A warp's tiles: MT times 16 columns, NT times 8 rows.
  static constexpr int MT = PAD / 16 / ACROSS;
  static constexpr int NT = TILE / 8 >= DOWN ? TILE / 8 / DOWN : 1;

  static DEVICE int row() { return (threadIdx.x >> 5) / ACROSS * (8 * NT); }
  static DEVICE int column() { return (threadIdx.x >> 5) % ACROSS * (16 * MT); }
  static DEVICE bool has_one() { return row() < TILE; }
};

/// What a block has in shared memory. P and dS are [key][query], with TILE floats from row to row
/// and the column xor `swizzle(row)`. These patterns have no conflicts: pairs of columns 2 t of
/// 4 rows, half a warp at a time (how they are written, and read for dK and dV), and 8 columns of
/// rows 2 t or of rows 2 t + 1 (for dQ).
struct Tiles {
  float *q, *gradients, *k, *v, *weights, *score_gradients, *log_sums, *deltas;

  DEVICE Tiles(float *shared) {
    q = shared;
    k = q + TILE * DIM_STRIDE;
    gradients = k + TILE * DIM_STRIDE;
    v = gradients + TILE * VALUE_STRIDE;
    weights = v + TILE * VALUE_STRIDE;
    score_gradients = weights + TILE * TILE;
    log_sums = score_gradients + TILE * TILE;
    deltas = log_sums + TILE;
  }
};

/// What the tensor cores make of a number.
DEVICE float rounded(float x) { return __uint_as_float(to_tf32(x)); }

DEVICE int swizzle(int row) { return ((row >> 1 & 3) ^ (row & 1) << 1) * 8; }

/// P (where wanted) and dS of the tiles at hand, rounded to TF32. `distance` is the position of the
/// first query minus that of the first key.
template <bool WEIGHTS>
DEVICE void make_score_gradients(const Tiles &tiles, const Attention &p, float slope,
                                 int distance) {
  constexpr int GROUPS = TILE / 16, WIDTH = TILE * GROUPS / WARPS, NT = WIDTH / 8;
  const int g = lane_group(), t = lane_in_group(), warp = threadIdx.x >> 5;
  const int row = warp % GROUPS * 16, column = warp / GROUPS * WIDTH;
  float s[NT][4] = {}, d[NT][4] = {};
  if (distance + column + WIDTH - 1 >= row) {
    multiply_rows<NT, DIM_PAD>(s, left_rows<DIM_STRIDE>(tiles.k + row * DIM_STRIDE),
                               right_rows<NT, DIM_STRIDE>(tiles.q + column * DIM_STRIDE));
    multiply_rows<NT, VALUE_PAD>(
        d, left_rows<VALUE_STRIDE>(tiles.v + row * VALUE_STRIDE),
        right_rows<NT, VALUE_STRIDE>(tiles.gradients + column * VALUE_STRIDE));
  }
  const float factor = p.scale * LOG2_E;
#pragma unroll
  for (int n = 0; n < NT; n++) {
    const int c = column + 8 * n + 2 * t;
    const float2 log_sums = *(const float2 *)(tiles.log_sums + c);
    const float2 deltas = *(const float2 *)(tiles.deltas + c);
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int r = row + g + 8 * half, behind = distance + c - r;
      const int at = r * TILE + (c ^ swizzle(g));
      const float weight[2] = {
          weight_of(s[n][2 * half] * factor - slope * behind - log_sums.x, behind, p.window),
          weight_of(s[n][2 * half + 1] * factor - slope * (behind + 1) - log_sums.y, behind + 1,
                    p.window)};
      if (WEIGHTS)
        *(float2 *)(tiles.weights + at) = float2{rounded(weight[0]), rounded(weight[1])};
      *(float2 *)(tiles.score_gradients + at) =
          float2{rounded(weight[0] * (d[n][2 * half] - deltas.x) * p.scale),
                 rounded(weight[1] * (d[n][2 * half + 1] - deltas.y) * p.scale)};
    }
  }
}

/// c += y' x', for the keys of this warp's share and the queries from `first` on. x is P or dS, y a
/// tile of queries' rows.
template <int PAD>
DEVICE void add_transposed(float (&c)[Share<PAD>::MT][Share<PAD>::NT][4], const float *x,
                           const float *y, int first) {
  using S = Share<PAD>;
  const int g = lane_group(), t = lane_in_group(), turn = swizzle(g);
  x += (S::row() + g) * TILE;
  y += 2 * t * (PAD + 4) + S::column() + 2 * g;
  uint a[2][S::MT][4], b[2][S::NT][2];
  const auto read = [&](int i, int r) {
#pragma unroll
    for (int n = 0; n < S::NT; n++) {
      const uint2 pair = *(const uint2 *)(x + 8 * n * TILE + ((r + 2 * t) ^ turn));
      b[i][n][0] = pair.x, b[i][n][1] = pair.y;
    }
    read_across<S::MT, PAD + 4>(a[i], y + r * (PAD + 4));
  };
  // Fragments are read while those before are multiplied.
#pragma unroll 1
  for (int i = first; i < TILE; i += 32) {
    read(0, i);
#pragma unroll
    for (int r = 0; r < 32; r += 8) {
      if (r < 24) read(r / 8 + 1 & 1, i + r + 8);
      multiply_across(c, a[r / 8 & 1], b[r / 8 & 1]);
    }
  }
}

/// c += k' dS, for the queries of this warp's share and the keys before `end`.
DEVICE void add_keys(float (&c)[Share<DIM_PAD>::MT][Share<DIM_PAD>::NT][4], const float *x,
                     const float *k, int end) {
  using S = Share<DIM_PAD>;
  const int g = lane_group(), t = lane_in_group(), column = S::row() + g;
  const int turn = swizzle(2 * t), next_turn = swizzle(2 * t + 1);
  x += 2 * t * TILE;
  k += 2 * t * DIM_STRIDE + S::column() + 2 * g;
  uint a[2][S::MT][4], b[2][S::NT][2];
  const auto read = [&](int i, int j) {
#pragma unroll
    for (int n = 0; n < S::NT; n++) {
      b[i][n][0] = __float_as_uint(x[j * TILE + ((column + 8 * n) ^ turn)]);
      b[i][n][1] = __float_as_uint(x[(j + 1) * TILE + ((column + 8 * n) ^ next_turn)]);
    }
    read_across<S::MT, DIM_STRIDE>(a[i], k + j * DIM_STRIDE);
  };
#pragma unroll 1
  for (int i = 0; i < end; i += 32) {
    read(0, i);
#pragma unroll
    for (int j = 0; j < 32; j += 8) {
      if (j < 24) read(j / 8 + 1 & 1, i + j + 8);
      multiply_across(c, a[j / 8 & 1], b[j / 8 & 1]);
    }
  }
}

/// The sums over the columns of o dO, each row's by some lanes of a warp, for this block and for
/// others. dO is rounded as it is in dO V', because where a row sees one key only, or nearly so,
/// the two cancel, and a difference of their roundings would be all that remained.
DEVICE void make_deltas(float *deltas, const float *o, const float *d_o, long stride, int count,
                        float *kept) {
  constexpr int LANES = VALUE_PAD <= 32 ? 8 : VALUE_PAD <= 64 ? 16 : 32;
  constexpr int AT_ONCE = THREADS / LANES, CHUNKS = (VALUE_DIM + 4 * LANES - 1) / (4 * LANES);
  // Rows whose numbers are asked for together.
  constexpr int BATCH = TILE / AT_ONCE < 4 ? TILE / AT_ONCE : 4;
  const int lane = threadIdx.x % LANES, first = threadIdx.x / LANES;
#pragma unroll
  for (int i = 0; i < TILE; i += AT_ONCE * BATCH) {
    float sums[BATCH] = {};
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
      float4 x[BATCH], y[BATCH];
#pragma unroll
      for (int b = 0; b < BATCH; b++) {
        // Rows behind the last are the last again, and not kept.
        const long r = min(i + b * AT_ONCE + first, count - 1);
        x[b] = read_columns<VALUE_DIM>(o + r * stride, (c * LANES + lane) * 4);
        y[b] = read_columns<VALUE_DIM>(d_o + r * stride, (c * LANES + lane) * 4);
      }
#pragma unroll
      for (int b = 0; b < BATCH; b++) {
        sums[b] += x[b].x * rounded(y[b].x) + x[b].y * rounded(y[b].y);
        sums[b] += x[b].z * rounded(y[b].z) + x[b].w * rounded(y[b].w);
      }
    }
#pragma unroll
    for (int b = 0; b < BATCH; b++) {
      const int r = i + b * AT_ONCE + first;
      const float sum = group_sum<LANES>(sums[b]);
      if (lane == 0) {
        deltas[r] = sum;
        if (r < count) kept[r] = sum;
      }
    }
  }
}

/// Writes this warp's share of a gradient's tile.
template <int COLUMNS>
DEVICE void write_share(float *rows, long stride, int count,
                        const float (&c)[Share<padded(COLUMNS)>::MT]
                                        [Share<padded(COLUMNS)>::NT][4]) {
  using S = Share<padded(COLUMNS)>;
  if (!S::has_one()) return;
#pragma unroll
  for (int n = 0; n < S::NT; n++)
#pragma unroll
    for (int odd = 0; odd < 2; odd++) {
      const int r = S::row() + n * 8 + 2 * lane_in_group() + odd;
      if (r < count) write_row<COLUMNS>(rows + r * stride, S::column(), c, n, odd, 1);
    }
}

/// Reads what `write_share` wrote.
template <int COLUMNS>
DEVICE void read_share(const float *rows, long stride, int count,
                       float (&c)[Share<padded(COLUMNS)>::MT][Share<padded(COLUMNS)>::NT][4]) {
  using S = Share<padded(COLUMNS)>;
  if (!S::has_one()) return;
#pragma unroll
  for (int n = 0; n < S::NT; n++)
#pragma unroll
    for (int odd = 0; odd < 2; odd++) {
      const int r = S::row() + n * 8 + 2 * lane_in_group() + odd;
      if (r < count) read_row<COLUMNS>(rows + r * stride, S::column(), c, n, odd);
    }
}
