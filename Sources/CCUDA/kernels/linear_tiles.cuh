// The tiles of `linears.cu`: how chunks of the factors come to shared memory, and how these are
// multiplied.

enum { INPUT_GRADIENT, WEIGHT_GRADIENT, NORM_GRADIENT, SHALLOW_INPUT_GRADIENT };
constexpr int THREADS = 256, DEPTH = KIND == SHALLOW_INPUT_GRADIENT ? 16 : 32;
constexpr bool ALONG = KIND != WEIGHT_GRADIENT;  // both factors
/// The columns of the narrow maps, side by side, and those of a panel of them across.
constexpr int NARROW_COLUMNS = 16, PANEL_STRIDE = NARROW_COLUMNS + 4;
constexpr int LEFT_STRIDE = ALONG ? DEPTH + 4 : LEFT + 4;
constexpr int RIGHT_STRIDE = ALONG ? DEPTH + 4 : RIGHT + 4;
constexpr int LEFT_SIZE = (ALONG ? LEFT : DEPTH) * LEFT_STRIDE;
constexpr int RIGHT_SIZE = (ALONG ? RIGHT : DEPTH) * RIGHT_STRIDE;
constexpr int PANEL_SIZE = NARROW && !ALONG ? DEPTH * PANEL_STRIDE : 0;
// A warp's part of the tile: MT times 16 by NT times 8.
constexpr int LEFT_WARPS = LEFT > RIGHT ? 4 : 2, RIGHT_WARPS = 8 / LEFT_WARPS;
constexpr int MT = LEFT / LEFT_WARPS / 16, NT = RIGHT / RIGHT_WARPS / 8;

DEVICE int parts(int n, int size) { return (n + size - 1) / size; }

/// A float's bits, rounded to TF32.
DEVICE uint rounded(uint bits) { return to_tf32(__uint_as_float(bits)); }

/// A column of several maps side by side: those from `map` on, up to the map before `end`.
struct Place {
  int map, column;

  DEVICE Place(const Maps &maps, int first, int end, int among) : map(first), column(among) {
    while (map < end && column >= maps.columns(map)) column -= maps.columns(map++);
  }
};

/// Copies a float from global to shared memory in the background, or puts a zero where there is none;
/// the address is good in either case.
DEVICE void copy_float(float *shared, const float *global, bool is_there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(
                   (uint)__cvta_generic_to_shared(shared)),
               "l"(global), "r"(is_there ? 4 : 0));
}

/// Where a column of the narrow maps begins, in their outputs or their weights; without a stride it is
/// not there.
struct alignas(16) Source {
  const float *from;
  long stride;
};

/// The chunk of the narrow maps: of both factors, each thread has a row.
struct NarrowChunk {
  /// The sources of the left factor, then those of the right one.
  static DEVICE void put_sources(const Maps &maps, int wide, Source *sources) {
    if (threadIdx.x >= 2 * NARROW_COLUMNS) return;
    const Place place(maps, wide, MOST, threadIdx.x % NARROW_COLUMNS);
    const bool is_there = place.map < MOST, is_weight = threadIdx.x >= NARROW_COLUMNS;
    const int map = is_there ? place.map : 0;
    const float *const matrix = is_weight ? maps.weight(map) : maps.output(map);
    sources[threadIdx.x] =
        Source{matrix + (is_there ? place.column : 0), is_there ? maps.columns(map) : 0};
  }
  /// Loads the rows from `left_first` and from `right_first` on.
  static DEVICE void load(float *tile, const Source *sources, long left_first, long rows,
                          long right_first, long inputs) {
    const bool is_right = threadIdx.x >= LEFT;
    const int own = threadIdx.x - (is_right ? LEFT : 0);
    if (own >= (is_right ? RIGHT : LEFT)) return;
    const long row = (is_right ? right_first : left_first) + own;
    const bool is_there = row < (is_right ? inputs : rows);
    sources += is_right ? NARROW_COLUMNS : 0;
    tile += is_right ? LEFT_SIZE + own * RIGHT_STRIDE : own * LEFT_STRIDE;
#pragma unroll 4
    for (int i = 0; i < NARROW_COLUMNS; i++) {
      const Source source = sources[i];
      copy_float(tile + i, source.from + (is_there ? row * source.stride : 0),
                 is_there && source.stride > 0);
    }
  }
};

/// Chunks of a factor, one after the other, on their way to shared memory.
template <int ROWS, int COLUMNS, int STRIDE>
struct Chunks {
  static constexpr int COUNT = ROWS * COLUMNS / 4 / THREADS, STEP = THREADS / (COLUMNS / 4);
  /// This thread's first four numbers of the next chunk, and what is left of the matrix from there.
  const float *from;
  int stride, rows, columns;

  static DEVICE int row() { return threadIdx.x / (COLUMNS / 4); }
  static DEVICE int column() { return threadIdx.x % (COLUMNS / 4) * 4; }

  /// Goes to this thread's columns of a matrix of some rows; `left` are left from the first of them on,
  /// a multiple of 4, and zeros lie behind them.
  DEVICE void begin(const float *matrix, int matrix_stride, long matrix_rows, int left) {
    stride = matrix_stride;
    from = matrix + (long)row() * stride;
    rows = (int)min(matrix_rows, 0x40000000L) - row();
    columns = left;
  }
  /// Loads a chunk; `good` is an address that may be read.
  DEVICE void load(float *tile, const float *good) {
    const int count = columns > 0 ? rows : 0;
    tile += row() * STRIDE + column();
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const bool is_there = i * STEP < count;
      copy_async(tile + i * STEP * STRIDE, is_there ? from + i * STEP * stride : good,
                 is_there);
    }
    from += ALONG ? DEPTH : DEPTH * stride;
    (ALONG ? columns : rows) -= DEPTH;
  }
};

/// The narrow maps' part of a chunk of rows, and the sums of their products with a tile's inputs: each
/// warp has 16 of these.
struct Panel {
  const float *from;
  int stride, rows;
  float c[2][4];

  static DEVICE int row() { return threadIdx.x / NARROW_COLUMNS; }

  /// Goes to `count` rows, of which a thread has one column of every sixteenth.
  DEVICE void begin(const Maps &maps, int wide, long first, int count) {
    const Place place(maps, wide, MOST, threadIdx.x % NARROW_COLUMNS);
    const bool is_there = place.map < MOST;
    stride = is_there ? maps.columns(place.map) : 0;
    from = maps.output(is_there ? place.map : 0);
    if (is_there) from += (first + row()) * stride + place.column;
    rows = is_there ? count - row() : 0;
#pragma unroll
    for (int i = 0; i < 8; i++) c[i / 4][i % 4] = 0;
  }
  DEVICE void load(float *panel, const float *good) {
    panel += row() * PANEL_STRIDE + threadIdx.x % NARROW_COLUMNS;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const bool is_there = rows > i * (DEPTH / 2);
      copy_float(panel + i * (DEPTH / 2) * PANEL_STRIDE,
                 is_there ? from + i * (DEPTH / 2) * stride : good, is_there);
    }
    from += DEPTH * stride, rows -= DEPTH;
  }
  DEVICE void multiply(const float *left, const float *panel) {
    const int g = lane_group(), t = lane_in_group(), m = (threadIdx.x >> 5) * 16;
    if (m >= LEFT) return;
    left += 2 * t * LEFT_STRIDE + m + 2 * g;
    panel += 2 * t * PANEL_STRIDE + g;
#pragma unroll
    for (int k = 0; k < DEPTH; k += 8) {
      const uint2 upper = *(const uint2 *)(left + k * LEFT_STRIDE);
      const uint2 lower = *(const uint2 *)(left + (k + 1) * LEFT_STRIDE);
      const uint a[4] = {rounded(upper.x), rounded(upper.y), rounded(lower.x), rounded(lower.y)};
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const uint b[2] = {to_tf32(panel[k * PANEL_STRIDE + 8 * j]),
                           to_tf32(panel[(k + 1) * PANEL_STRIDE + 8 * j])};
        mma_tf32(c[j], a, b);
      }
    }
  }
  /// Leaves the sums: each map's gradient, of all inputs, lies behind that of the map before. `first`:
  /// the tile's first input.
  DEVICE void write(float *to, const Maps &maps, int wide, int first, int inputs) const {
    const int m = (threadIdx.x >> 5) * 16;
    if (m >= LEFT) return;
#pragma unroll
    for (int j = 0; j < 2; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const Place place(maps, wide, MOST, 8 * j + 2 * lane_in_group() + e);
        if (place.map == MOST) continue;
        float *const column = to + (long)inputs * maps.before(place.map) + place.column;
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const int input = first + m + 2 * lane_group() + i;
          if (input < inputs) column[(long)input * maps.columns(place.map)] = c[j][2 * i + e];
        }
      }
  }
};

/// c += the product of two chunks in shared memory.
template <int DEPTH>
DEVICE void multiply_chunk(float (&c)[MT][NT][4], const float *left, const float *right) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, g = lane_group();
  const int t = lane_in_group();
  const int m = warp % LEFT_WARPS * (MT * 16), n = warp / LEFT_WARPS * (NT * 8);
  if (ALONG)
    left += (m + (lane & 15)) * LEFT_STRIDE + (lane >> 4) * 4;
  else
    left += 2 * t * LEFT_STRIDE + m + 2 * g;
  if (ALONG)
    right += (n + (lane & 7) + (lane >> 4) * 8) * RIGHT_STRIDE + (lane >> 3 & 1) * 4;
  else
    right += 2 * t * RIGHT_STRIDE + n + g;
#pragma unroll
  for (int k = 0; k < DEPTH; k += 8) {
    uint y[NT][2];
#pragma unroll
    for (int j = 0; j < NT; j += 2) {
      if (ALONG) {
        uint pair[4];
        load_matrices(pair, right + j * 8 * RIGHT_STRIDE + k);
        y[j][0] = rounded(pair[0]), y[j][1] = rounded(pair[1]);
        y[j + 1][0] = rounded(pair[2]), y[j + 1][1] = rounded(pair[3]);
        continue;
      }
#pragma unroll
      for (int i = j; i < j + 2; i++) {
        y[i][0] = to_tf32(right[k * RIGHT_STRIDE + i * 8]);
        y[i][1] = to_tf32(right[(k + 1) * RIGHT_STRIDE + i * 8]);
      }
    }
    uint x[2][4];
    const auto read = [&](int i) {
      uint(&to)[4] = x[i & 1];
      if (ALONG) {
        load_matrices(to, left + i * 16 * LEFT_STRIDE + k);
#pragma unroll
        for (int e = 0; e < 4; e++) to[e] = rounded(to[e]);
        return;
      }
      const uint2 upper = *(const uint2 *)(left + k * LEFT_STRIDE + i * 16);
      const uint2 lower = *(const uint2 *)(left + (k + 1) * LEFT_STRIDE + i * 16);
      to[0] = rounded(upper.x), to[1] = rounded(upper.y);
      to[2] = rounded(lower.x), to[3] = rounded(lower.y);
    };
    read(0);
#pragma unroll
    for (int i = 0; i < MT; i++) {
      if (i + 1 < MT) read(i + 1);
#pragma unroll
      for (int j = 0; j < NT; j++) mma_tf32(c[i][j], x[i & 1], y[j]);
    }
  }
}
