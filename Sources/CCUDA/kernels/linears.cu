// The gradients of several linear maps of the same rows, y_i = x W_i, which share one reading or
// writing for x. They are products with few columns and many rows, bounded by memory: one kernel
// for all maps reads and writes each large tensor about once.
//
// Constants: KIND, which of the products; LEFT and RIGHT, the extents of a block's output tile.
//
// A block of 8 warps makes output tiles, one after the other. The sum is over chunks of DEPTH = 32,
// which wait in registers until the chunk before is multiplied, and are rounded to TF32 when they
// are put into shared memory (two buffers, so one barrier for each chunk). The loads of a tile's
// first chunk are under way while the tile before is finished.
//
// A factor lies in shared memory as it does in global memory: "along" has the columns of the sum
// side by side, "across" below one another. Along: `ldmatrix` reads fragments from rows of 36
// floats (9, an odd number, of 16 bytes each). Across: from rows of the extent + 4 floats, each lane
// reads rows 2 t and 2 t + 1 of 8, which lie 8 banks apart for the four t: as the left factor at
// columns 2 g and 2 g + 1, which become the product's rows g and g + 8; as the right one at column
// g.

enum { INPUT_GRADIENT, WEIGHT_GRADIENT };
constexpr int THREADS = 256, DEPTH = 32;
constexpr bool ALONG = KIND == INPUT_GRADIENT;  // both factors
constexpr int LEFT_STRIDE = ALONG ? 36 : LEFT + 4, RIGHT_STRIDE = ALONG ? 36 : RIGHT + 4;
constexpr int LEFT_SIZE = (ALONG ? LEFT : DEPTH) * LEFT_STRIDE;
constexpr int RIGHT_SIZE = (ALONG ? RIGHT : DEPTH) * RIGHT_STRIDE;
// A warp's part of the tile: MT times 16 by NT times 8.
constexpr int LEFT_WARPS = LEFT > RIGHT ? 4 : 2, RIGHT_WARPS = 8 / LEFT_WARPS;
constexpr int MT = LEFT / LEFT_WARPS / 16, NT = RIGHT / RIGHT_WARPS / 8;

/// Chunks of a factor, one after the other, on their way to shared memory.
template <int ROWS, int COLUMNS, int STRIDE>
struct Chunks {
  static constexpr int COUNT = ROWS * COLUMNS / 4 / THREADS, STEP = THREADS / (COLUMNS / 4);
  /// This thread's first four numbers of the next chunk, and what is left of the matrix from there.
  const float *from;
  int stride, rows, columns;
  float4 x[COUNT];

  static DEVICE int row() { return threadIdx.x / (COLUMNS / 4); }
  static DEVICE int column() { return threadIdx.x % (COLUMNS / 4) * 4; }

  /// Goes to a matrix of some rows and columns, which are a multiple of 4; zeros lie behind them.
  DEVICE void begin(const float *matrix, int matrix_stride, long matrix_rows, int matrix_columns) {
    stride = matrix_stride;
    from = matrix + (long)row() * stride + column();
    rows = (int)min(matrix_rows, 0x40000000L) - row();
    columns = matrix_columns - column();
  }
  DEVICE void load() {
    const int count = columns > 0 ? rows : 0;
#pragma unroll
    for (int i = 0; i < COUNT; i++)
      x[i] = i * STEP < count ? *(const float4 *)(from + (long)(i * STEP) * stride)
                              : float4{0, 0, 0, 0};
    from += ALONG ? (long)DEPTH : (long)DEPTH * stride;
    (ALONG ? columns : rows) -= DEPTH;
  }
  DEVICE void store(float *tile) const {
#pragma unroll
    for (int i = 0; i < COUNT; i++)
      *(uint4 *)(tile + (row() + i * STEP) * STRIDE + column()) =
          uint4{to_tf32(x[i].x), to_tf32(x[i].y), to_tf32(x[i].z), to_tf32(x[i].w)};
  }
};

/// Up to four maps: the weights [inputs, columns] (or their gradients) and outputs [rows, columns]
/// (or their gradients). Those that are not there have no columns.
struct Maps {
  float *w0, *w1, *w2, *w3, *y0, *y1, *y2, *y3;
  int n0, n1, n2, n3;

  DEVICE float *weight(int i) const { return i == 0 ? w0 : i == 1 ? w1 : i == 2 ? w2 : w3; }
  DEVICE float *output(int i) const { return i == 0 ? y0 : i == 1 ? y1 : i == 2 ? y2 : y3; }
  DEVICE int columns(int i) const { return i == 0 ? n0 : i == 1 ? n1 : i == 2 ? n2 : n3; }
};
#define MAPS_PARAMETERS                                                                     \
  float *w0, float *w1, float *w2, float *w3, float *y0, float *y1, float *y2, float *y3, \
      long n0, long n1, long n2, long n3
#define MAPS \
  Maps { w0, w1, w2, w3, y0, y1, y2, y3, (int)n0, (int)n1, (int)n2, (int)n3 }

DEVICE int parts(int n, int size) { return (n + size - 1) / size; }

/// A part of one map: some of its columns, or some of the sum over them.
struct Part {
  int map, start;

  /// Part `index` of all maps, each cut into parts of `size`.
  DEVICE Part(const Maps &maps, int index, int size) {
    map = 0;
    while (map < 3 && index >= parts(maps.columns(map), size))
      index -= parts(maps.columns(map++), size);
    start = index * size;
  }
};

DEVICE int all_parts(const Maps &m, int size) {
  return parts(m.n0, size) + parts(m.n1, size) + parts(m.n2, size) + parts(m.n3, size);
}

/// c += the product of two chunks in shared memory.
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
        y[j][0] = pair[0], y[j][1] = pair[1], y[j + 1][0] = pair[2], y[j + 1][1] = pair[3];
        continue;
      }
#pragma unroll
      for (int i = j; i < j + 2; i++) {
        y[i][0] = __float_as_uint(right[k * RIGHT_STRIDE + i * 8]);
        y[i][1] = __float_as_uint(right[(k + 1) * RIGHT_STRIDE + i * 8]);
      }
    }
    uint x[2][4];
    const auto read = [&](int i) {
      uint(&to)[4] = x[i & 1];
      if (ALONG) {
        load_matrices(to, left + i * 16 * LEFT_STRIDE + k);
        return;
      }
      const uint2 upper = *(const uint2 *)(left + k * LEFT_STRIDE + i * 16);
      const uint2 lower = *(const uint2 *)(left + (k + 1) * LEFT_STRIDE + i * 16);
      to[0] = upper.x, to[1] = upper.y, to[2] = lower.x, to[3] = lower.y;
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

/// Writes a warp's part of a tile; `rows` and `columns` are what is there of the tile.
DEVICE void write_tile(float *to, long stride, int rows, int columns, int accumulate,
                       const float (&c)[MT][NT][4]) {
  const int warp = threadIdx.x >> 5, g = lane_group(), t = lane_in_group();
  const int m = warp % LEFT_WARPS * (MT * 16), n = warp / LEFT_WARPS * (NT * 8);
#pragma unroll
  for (int i = 0; i < MT; i++)
#pragma unroll
    for (int j = 0; j < NT; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        // The product's rows g and g + 8 are columns 2 g and 2 g + 1 of a left factor across.
        const int row = m + 16 * i + (ALONG ? g + 8 * e : 2 * g + e);
        const int column = n + 8 * j + 2 * t;
        const Pack<2> x = {c[i][j][2 * e], c[i][j][2 * e + 1]};
        if (row < rows && column < columns)
          put_pack(to + row * stride + column, x, accumulate);
      }
}

/// `out`: the gradient of x, written or added to; or what `WEIGHT_GRADIENT` leaves, [splits,
/// inputs x all columns], each map's gradient after the other's. A split is of `split` rows.
extern "C" __global__ void __launch_bounds__(THREADS, 2)
    linears(const float *x, float *out, MAPS_PARAMETERS, long rows, long inputs, long items,
            long split, int accumulate) {
  extern __shared__ __align__(16) float shared[];
  constexpr int BUFFER = LEFT_SIZE + RIGHT_SIZE;
  const Maps maps = MAPS;
  const int across = ALONG ? 0 : all_parts(maps, RIGHT);
  const int input_parts = parts(inputs, KIND == INPUT_GRADIENT ? RIGHT : LEFT);
  const int first = blockIdx.x * items / gridDim.x, end = (blockIdx.x + 1) * items / gridDim.x;

  Chunks<ALONG ? LEFT : DEPTH, ALONG ? DEPTH : LEFT, LEFT_STRIDE> left;
  Chunks<ALONG ? RIGHT : DEPTH, ALONG ? DEPTH : RIGHT, RIGHT_STRIDE> right;
  // Goes to an item, and to a map where the sum is over maps; returns the number of chunks there.
  const auto begin = [&](int item, int map) {
    if (KIND == INPUT_GRADIENT) {
      const long row = (long)(item / input_parts) * LEFT;
      const int n = maps.columns(map), column = item % input_parts * RIGHT;
      left.begin(maps.output(map) + row * n, n, rows - row, n);
      right.begin(maps.weight(map) + (long)column * n, n, inputs - column, n);
      return parts(n, DEPTH);
    }
    const Part part(maps, item % across, RIGHT);
    const int column = item / across % input_parts * LEFT, n = maps.columns(part.map);
    const long row = item / across / input_parts * split;
    const int count = (int)min(split, rows - row);
    left.begin(x + row * inputs + column, (int)inputs, count, (int)inputs - column);
    right.begin(maps.output(part.map) + row * n + part.start, n, count, n - part.start);
    return parts(count, DEPTH);
  };

  if (first >= end) return;
  // The chunk that is loaded next: of `map` of `next`, where `left_there` are left.
  int next = first, map = 0, left_there = begin(first, 0);
  const auto load = [&]() {
    while (left_there == 0) {
      if (KIND == INPUT_GRADIENT && map < 3)
        map++;
      else
        next++, map = 0;
      if (next >= end) return;
      left_there = begin(next, map);
    }
    left.load();
    right.load();
    left_there--;
  };
  load();
  int buffer = 0;
  for (int item = first; item < end; item++) {
    float c[MT][NT][4] = {};
    bool more = true;
    while (more) {
      float *const tile = shared + buffer * BUFFER;
      left.store(tile);
      right.store(tile + LEFT_SIZE);
      load();
      // Whether the chunk just asked for is of this item too.
      more = next == item;
      __syncthreads();
      multiply_chunk(c, tile, tile + LEFT_SIZE);
      buffer ^= 1;
    }
    if (KIND == INPUT_GRADIENT) {
      const long row = (long)(item / input_parts) * LEFT;
      const int column = item % input_parts * RIGHT;
      write_tile(out + row * inputs + column, inputs, (int)min(rows - row, (long)LEFT),
                        (int)inputs - column, accumulate, c);
    } else {
      const Part part(maps, item % across, RIGHT);
      const int column = item / across % input_parts * LEFT, n = maps.columns(part.map);
      const int before = (part.map > 0 ? maps.n0 : 0) + (part.map > 1 ? maps.n1 : 0) +
                         (part.map > 2 ? maps.n2 : 0);
      float *const to = out + item / across / input_parts * inputs * (n0 + n1 + n2 + n3) +
                        inputs * before;
      write_tile(to + (long)column * n + part.start, n, (int)inputs - column,
                        n - part.start, 0, c);
    }
  }
}
