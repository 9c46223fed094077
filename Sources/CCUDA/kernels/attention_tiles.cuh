// Tiles of attention: how matrices lie in shared memory and reach the tensor cores. This is put
// before the files of the tiled kernels.
//
// Constants: DIM and VALUE_DIM, the columns of keys and of values; VECTORS, whether rows may be
// read and written 16 bytes at a time.
//
// Tiles in shared memory are rounded to TF32 once, when they are put there, and have STRIDE =
// columns + 4 floats from row to row, where the columns are padded with zeros to a multiple of 16.
// With g = lane / 4 and t = lane % 4, products read them in two ways:
//
// * along the rows (scores: the sum is over columns): both factors as `ldmatrix` gives them, 8 rows
//   of 16 bytes at a time. STRIDE / 4 is odd, so 8 rows lie in 8 different groups of 4 banks.
// * across the rows (outputs: the sum is over rows): the tile is the factor from the left,
//   transposed. The lane reads rows 2 t and 2 t + 1 of 8, as rows t and t + 4 of the product (the
//   order within a sum is free, if both factors have the same), at columns 2 g and 2 g + 1, as rows
//   g and g + 8. STRIDE is 4 or 20 modulo 32, so the four pairs of rows lie 8 banks apart.
//
// Either way what is read is a fragment, register by register. The columns 2 t and 2 t + 1 that a
// lane holds of a product of scores are what it must hold, as a factor from the right, of a product
// across the rows: so weights go from one product to the next in registers.

__device__ constexpr int padded(int n) {
  return n <= 16 ? 16 : n <= 32 ? 32 : n <= 48 ? 48 : n <= 64 ? 64 : n <= 96 ? 96 : n <= 128 ? 128
         : n <= 192 ? 192 : 256;
}
constexpr int DIM_PAD = padded(DIM), VALUE_PAD = padded(VALUE_DIM);
constexpr int DIM_STRIDE = DIM_PAD + 4, VALUE_STRIDE = VALUE_PAD + 4;
constexpr float LOG2_E = 1.4426950408889634f, LN_2 = 0.6931471805599453f;
#define INFINITE __int_as_float(0x7f800000)

/// What a launch is about; `window` is the greatest int where there is none.
struct Attention {
  int queries, keys, heads, key_heads, offset, window;
  float scale;
};
#define ATTENTION_PARAMETERS \
  long queries, long keys, long heads, long key_heads, long offset, long window, float scale
#define ATTENTION                                                                   \
  Attention {                                                                       \
    (int)queries, (int)keys, (int)heads, (int)key_heads, (int)offset,               \
        window > 0 && window < 0x7fffffff ? (int)window : 0x7fffffff, scale         \
  }

/// 2^x
DEVICE float power_of_2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// Whether a query sees a key this far behind it.
DEVICE bool is_seen(int distance, int window) { return (uint)distance < (uint)window; }

/// The first key that a query at this position sees.
DEVICE int first_key(const Attention &p, int position) { return max(0, position - p.window + 1); }

/// The weight of a key, from the logarithm.
DEVICE float weight_of(float x, int behind, int window) {
  // The rounding of a large sum must not make a weight greater than 1.
  return is_seen(behind, window) ? power_of_2(x > 0 ? 0 : x) : 0.0f;
}

// Rows between global and shared memory.

/// Columns c ..< c + 4 of a row; zeros behind the last.
template <int COLUMNS>
DEVICE float4 read_columns(const float *row, int c) {
  if (VECTORS) return c < COLUMNS ? *(const float4 *)(row + c) : float4{0, 0, 0, 0};
  float4 x;
  x.x = c < COLUMNS ? row[c] : 0.0f;
  x.y = c + 1 < COLUMNS ? row[c + 1] : 0.0f;
  x.z = c + 2 < COLUMNS ? row[c + 2] : 0.0f;
  x.w = c + 3 < COLUMNS ? row[c + 3] : 0.0f;
  return x;
}

/// Rows on their way to shared memory, in the registers of a block: they are asked for long before
/// they are needed.
template <int ROWS, int COLUMNS, int THREADS>
struct Rows {
  static constexpr int PAD = padded(COLUMNS), CHUNKS = PAD / 4;
  static constexpr int COUNT = (ROWS * CHUNKS + THREADS - 1) / THREADS;
  /// Whether no thread is left over.
  static constexpr bool is_full = ROWS * CHUNKS % THREADS == 0;
  float4 x[COUNT];

  static DEVICE int row(int i) {
    if (THREADS % CHUNKS == 0) return threadIdx.x / CHUNKS + i * (THREADS / CHUNKS);
    return (threadIdx.x + i * THREADS) / CHUNKS;
  }
  static DEVICE int column(int i) {
    if (THREADS % CHUNKS == 0) return threadIdx.x % CHUNKS * 4;
    return (threadIdx.x + i * THREADS) % CHUNKS * 4;
  }

  /// Asks for `count` rows, which may be fewer or more than a tile's; those behind become zeros.
  DEVICE void load(const float *from, long stride, int count) {
#pragma unroll
    for (int i = 0; i < COUNT; i++)
      x[i] = row(i) < min(count, ROWS) ? read_columns<COLUMNS>(from + row(i) * stride, column(i))
                                       : float4{0, 0, 0, 0};
  }
  DEVICE void store(float *tile) const {
#pragma unroll
    for (int i = 0; i < COUNT; i++)
      if (is_full || row(i) < ROWS)
        *(uint4 *)(tile + row(i) * (PAD + 4) + column(i)) =
            uint4{to_tf32(x[i].x), to_tf32(x[i].y), to_tf32(x[i].z), to_tf32(x[i].w)};
  }
};

/// Brings rows to shared memory without registers between; `round_rows` is to follow. Each thread
/// rounds what it brought itself, so that no barrier is needed between the two.
template <int ROWS, int COLUMNS, int THREADS>
DEVICE void bring_rows(float *tile, const float *from, long stride, int count) {
  using Place = Rows<ROWS, COLUMNS, THREADS>;
#pragma unroll
  for (int i = 0; i < Place::COUNT; i++) {
    const int r = Place::row(i), c = Place::column(i);
    float *to = tile + r * (Place::PAD + 4) + c;
    if (!Place::is_full && r >= ROWS) break;
    if (VECTORS) {
      const bool is_there = r < count && c < COLUMNS;
      copy_async(to, is_there ? from + r * stride + c : from, is_there);
    } else {
      *(float4 *)to = r < count ? read_columns<COLUMNS>(from + r * stride, c) : float4{0, 0, 0, 0};
    }
  }
  copy_commit();
}

template <int ROWS, int COLUMNS, int THREADS>
DEVICE void round_rows(float *tile) {
  using Place = Rows<ROWS, COLUMNS, THREADS>;
  copy_wait<0>();
#pragma unroll
  for (int i = 0; i < Place::COUNT; i++) {
    float4 *at = (float4 *)(tile + Place::row(i) * (Place::PAD + 4) + Place::column(i));
    if (Place::is_full || Place::row(i) < ROWS)
      *(uint4 *)at = uint4{to_tf32(at->x), to_tf32(at->y), to_tf32(at->z), to_tf32(at->w)};
  }
}

// Products of one warp.

/// Where the lane points for the left factor of `multiply_rows`, whose first row is given.
template <int STRIDE>
DEVICE const float *left_rows(const float *row) {
  const int lane = threadIdx.x & 31;
  return row + (lane & 15) * STRIDE + (lane >> 4) * 4;
}

/// Where the lane points for the right factor.
template <int NT, int STRIDE>
DEVICE const float *right_rows(const float *row) {
  const int lane = threadIdx.x & 31;
  if (NT == 1) return row + (lane & 7) * STRIDE + (lane >> 3) * 4;
  return row + ((lane & 7) + (lane >> 4) * 8) * STRIDE + (lane >> 3 & 1) * 4;
}

/// c += a b', 16 rows of a by NT times 8 rows of b, both DEPTH wide; NT is 1 or even. The pointers
/// are those of `left_rows` and `right_rows`. Each step's fragments are read while the step before
/// is multiplied: the compiler keeps the order of reads and products as it is written here.
template <int NT, int DEPTH>
DEVICE void multiply_rows(float (&c)[NT][4], const float *a, const float *b) {
  constexpr int STRIDE = DEPTH + 4, COUNT = (NT + 1) / 2;
  uint x[2][4], y[2][COUNT][4];
  const auto load = [&](int step) {
    load_matrices(x[step & 1], a + 8 * step);
    if (NT == 1 && step % 2 == 0) load_matrices(y[step >> 1 & 1][0], b + 8 * step);
    if (NT > 1)
#pragma unroll
      for (int n = 0; n < COUNT; n++)
        load_matrices(y[step & 1][n], b + n * 16 * STRIDE + 8 * step);
  };
  load(0);
#pragma unroll
  for (int step = 0; step < DEPTH / 8; step++) {
    if (step + 1 < DEPTH / 8) load(step + 1);
    if constexpr (NT == 1) {
      mma_tf32(c[0], x[step & 1], (const uint(&)[2])y[step >> 1 & 1][0][step % 2 * 2]);
    } else {
#pragma unroll
      for (int n = 0; n < NT; n++)
        mma_tf32(c[n], x[step & 1], (const uint(&)[2])y[step & 1][n / 2][n % 2 * 2]);
    }
  }
}

/// Products of queries and keys become scores in units of log2(e), as which `factor` and `slope`
/// are given. `distance` is the position of the lane's first query minus that of the first key.
template <int NT>
DEVICE void scale_scores(float (&c)[NT][4], float factor, float slope, int distance) {
  const int t = lane_in_group();
#pragma unroll
  for (int n = 0; n < NT; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) c[n][e] *= factor;
  if (slope == 0) return;
#pragma unroll
  for (int n = 0; n < NT; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int behind = distance + (e & 2) * 4 - 8 * n - 2 * t - (e & 1);
      c[n][e] = fmaf(-slope, (float)behind, c[n][e]);
    }
}

/// Scores of keys that a query does not see become minus infinity.
template <int NT>
DEVICE void hide_keys(float (&c)[NT][4], int window, int distance) {
  const int t = lane_in_group();
#pragma unroll
  for (int n = 0; n < NT; n++)
#pragma unroll
    for (int e = 0; e < 4; e++)
      if (!is_seen(distance + (e & 2) * 4 - 8 * n - 2 * t - (e & 1), window)) c[n][e] = -INFINITE;
}

/// A left factor across the rows: 8 rows and MT times 16 columns of a tile. `a` is at row 2 t and
/// column 2 g of it.
template <int MT, int STRIDE>
DEVICE void read_across(uint (&x)[MT][4], const float *a) {
#pragma unroll
  for (int m = 0; m < MT; m++) {
    const uint2 upper = *(const uint2 *)(a + 16 * m);
    const uint2 lower = *(const uint2 *)(a + 16 * m + STRIDE);
    x[m][0] = upper.x, x[m][1] = upper.y, x[m][2] = lower.x, x[m][3] = lower.y;
  }
}

/// c += a' b for what `read_across` read and NT times 8 columns of b, of which the lane holds rows
/// 2 t and 2 t + 1 at column g. c has columns 2 g and 2 g + 1 of each 16 of a, as its rows g and
/// g + 8, and 2 t and 2 t + 1 of each 8 of b.
template <int MT, int NT>
DEVICE void multiply_across(float (&c)[MT][NT][4], const uint (&a)[MT][4], const uint (&b)[NT][2]) {
#pragma unroll
  for (int m = 0; m < MT; m++)
#pragma unroll
    for (int n = 0; n < NT; n++) mma_tf32(c[m][n], a[m], b[n]);
}

/// Writes what the lane has of an output row, times a factor: the products of `multiply_across`
/// for one column of b, `odd` of the two that the lane has. `column` is the first.
template <int COLUMNS, int MT, int NT>
DEVICE void write_row(float *row, int column, const float (&c)[MT][NT][4], int n, int odd,
                      float factor) {
#pragma unroll
  for (int m = 0; m < MT; m++) {
    const int at = column + 16 * m + 2 * lane_group();
    const float x = c[m][n][odd] * factor, y = c[m][n][2 + odd] * factor;
    if (VECTORS) {
      if (at < COLUMNS) store_pack<2>(row + at, {x, y});
    } else {
      if (at < COLUMNS) row[at] = x;
      if (at + 1 < COLUMNS) row[at + 1] = y;
    }
  }
}

/// Reads what `write_row` wrote.
template <int COLUMNS, int MT, int NT>
DEVICE void read_row(const float *row, int column, float (&c)[MT][NT][4], int n, int odd) {
#pragma unroll
  for (int m = 0; m < MT; m++) {
    const int at = column + 16 * m + 2 * lane_group();
    if (VECTORS) {
      const float2 x = at < COLUMNS ? *(const float2 *)(row + at) : float2{0, 0};
      c[m][n][odd] = x.x, c[m][n][2 + odd] = x.y;
    } else {
      c[m][n][odd] = at < COLUMNS ? row[at] : 0.0f;
      c[m][n][2 + odd] = at + 1 < COLUMNS ? row[at + 1] : 0.0f;
    }
  }
}
