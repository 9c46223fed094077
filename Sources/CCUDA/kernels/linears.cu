// The gradients of several linear maps of the same rows, y_i = x W_i, which share one reading or
// writing for x. They are products with few columns and many rows, bounded by memory: one kernel
// for all maps reads and writes each large tensor about once.
//
// Constants: KIND, which of the products; LEFT and RIGHT, the extents of a block's output tile; STAGES,
// the chunks in shared memory; NARROW, whether there are narrow maps. Where the maps are of a norm's
// result, the gradient goes on through the norm before it is written: then a tile has whole rows.
//
// A block of 8 warps makes output tiles, one after the other. The sum is over chunks of DEPTH: one
// is multiplied while the next ones are copied to shared memory, to the other STAGES. Factors are rounded
// to TF32 when they are read from there.
//
// A factor lies in shared memory as it does in global memory: "along" has the columns of the sum
// side by side, "across" below one another. Along: `ldmatrix` reads fragments from rows of 36 or 20
// floats (9 or 5, odd numbers, of 16 bytes each). Across: from rows of the extent + 4 floats, each lane
// reads rows 2 t and 2 t + 1 of 8, which lie 8 banks apart for the four t: as the left factor at
// columns 2 g and 2 g + 1, which become the product's rows g and g + 8; as the right one at column
// g.
//
// Wide maps have a multiple of 4 columns. Narrow ones have up to 16 columns together, any number each,
// and move by single floats. In a sum over columns they are a last chunk of 16. Where no
// map has more than 16 columns, all chunks are no deeper. In a product
// with the rows, the blocks of a split's first tile have a panel for them beside it: a tile of its own
// would read the rows once more.

/// Calls f(place, sums) for each pair of sums of a warp's part of a tile, with their place in a matrix;
/// `rows` and `columns` are what is there of the tile.
template <typename Function>
DEVICE void each_pair(long stride, int rows, int columns, float (&c)[MT][NT][4], Function f) {
  const int warp = threadIdx.x >> 5, g = lane_group(), t = lane_in_group();
  const int m = warp % LEFT_WARPS * (MT * 16), n = warp / LEFT_WARPS * (NT * 8);
#pragma unroll
  for (int i = 0; i < MT; i++)
#pragma unroll
    for (int j = 0; j < NT; j++)
#pragma unroll
      for (int e = 0; e < 2; e++) {
        const int row = m + 16 * i + g + 8 * e, column = n + 8 * j + 2 * t;
        if (row < rows && column < columns) f(row * stride + column, c[i][j] + 2 * e);
      }
}

/// Writes a warp's part of the wide maps' gradients, each of which lies behind the one before. The tile
/// begins at an input, and at one of the columns of all.
DEVICE void write_weights(float *to, const Maps &maps, int wide, int first, int column, int inputs,
                          const float (&c)[MT][NT][4]) {
  const int warp = threadIdx.x >> 5;
  first += warp % LEFT_WARPS * (MT * 16) + 2 * lane_group();
  column += warp / LEFT_WARPS * (NT * 8) + 2 * lane_in_group();
#pragma unroll
  for (int j = 0; j < NT; j++) {
    const Place place(maps, 0, wide, column + 8 * j);
    if (place.map == wide) break;
    const int n = maps.columns(place.map);
    float *const own = to + (long)inputs * maps.before(place.map) + place.column;
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
      for (int e = 0; e < 2; e++)
        // The product's rows g and g + 8 are columns 2 g and 2 g + 1 of a left factor across.
        if (first + 16 * i + e < inputs)
          store_pack(own + (long)(first + 16 * i + e) * n,
                     Pack<2>{c[i][j][2 * e], c[i][j][2 * e + 1]});
  }
}

/// A norm, y = (x - mean) scale weight + bias, of rows with `inputs` columns; without a mean, of x
/// alone. On the way back, `dx` is written or added to, and each block leaves the sums for the weight
/// and the bias, those of them that are wanted, in a row of `partial`.
struct Norm {
  static constexpr int LANES = RIGHT / 4, GROUPS = THREADS / LANES, BATCH = RIGHT / 32;
  /// 8 more than the columns: a quarter of a warp writes two floats to all banks.
  static constexpr int PITCH = RIGHT + 8;
  const float *x, *weight, *mean, *scale;
  float *dx, *partial;
  int inputs, accumulate, wants_weight, wants_bias;
  /// This thread's sums of its columns.
  Pack<4> dw, db;

  static DEVICE int column() { return threadIdx.x % LANES * 4; }
  static DEVICE int group() { return threadIdx.x / LANES; }

  /// Puts a warp's part of a tile, the gradient of y, into shared memory.
  static DEVICE void put(float *tile, const float (&c)[MT][NT][4]) {
    const int warp = threadIdx.x >> 5;
    tile += (warp % LEFT_WARPS * (MT * 16) + lane_group()) * PITCH + warp / LEFT_WARPS * (NT * 8) +
            2 * lane_in_group();
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
      for (int j = 0; j < NT; j++)
#pragma unroll
        for (int e = 0; e < 2; e++)
          *(Pack<2> *)(tile + (16 * i + 8 * e) * PITCH + 8 * j) =
              Pack<2>{c[i][j][2 * e], c[i][j][2 * e + 1]};
  }

  /// Goes back through the `rows` rows from `first` on whose gradients lie in shared memory, up to a
  /// tile of them: as `norm_backward` of norms.cu.
  DEVICE void go_back(const float *tile, long first, long rows) {
    const bool is_there = column() < inputs;
    // What is left of the tensors from this thread's columns of the tile on.
    const int count = is_there ? (int)min(rows - first, (long)LEFT) : 0;
    const float *const from = x + first * inputs + column();
    float *const to = dx + first * inputs + column();
    const float factor = 1.0f / (float)inputs;
    Pack<4> w = {1, 1, 1, 1};
    if (weight && is_there) w = load_floats<4>(weight + column());
#pragma unroll 1
    for (int start = group(); start < LEFT; start += GROUPS * BATCH) {
      Pack<4> v[BATCH], old[BATCH];
      float scales[BATCH], means[BATCH];
#pragma unroll
      for (int i = 0; i < BATCH; i++) {
        const int row = start + i * GROUPS;
        v[i] = old[i] = Pack<4>{};
        if (row < count) v[i] = load_pack<4>(from + row * inputs);
        if (row < count && accumulate) old[i] = load_pack<4>(to + row * inputs);
        scales[i] = row < count ? scale[first + row] : 0.0f;
        means[i] = mean && row < count ? mean[first + row] : 0.0f;
      }
#pragma unroll
      for (int i = 0; i < BATCH; i++) {
        Pack<4> g = *(const Pack<4> *)(tile + (start + i * GROUPS) * PITCH + column());
        float level = 0.0f, slope = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const float distance = v[i].at[j] - means[i];
          v[i].at[j] = distance;
          dw.at[j] += g.at[j] * distance * scales[i];
          db.at[j] += g.at[j];
          g.at[j] *= w.at[j];
          level += g.at[j];
          slope += g.at[j] * distance;
        }
        slope = group_sum<LANES>(slope) * factor * scales[i] * scales[i] * scales[i];
        level = mean ? group_sum<LANES>(level) * factor * scales[i] : 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++)
          g.at[j] = old[i].at[j] + (scales[i] * g.at[j] - (level + slope * v[i].at[j]));
        const int row = start + i * GROUPS;
        if (row < count) store_pack(to + row * inputs, g);
      }
    }
  }

  /// Leaves the sums over all groups of threads, which meet in shared memory.
  DEVICE void write(float *all_sums) const {
    ((Pack<4> *)all_sums)[threadIdx.x] = dw, ((Pack<4> *)all_sums)[THREADS + threadIdx.x] = db;
    __syncthreads();
    float *out = partial + (long)blockIdx.x * (wants_weight + wants_bias) * inputs;
    for (int which = 0; which < 2; which++) {
      if (!(which ? wants_bias : wants_weight)) continue;
      for (int i = threadIdx.x; i < inputs; i += THREADS) {
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < GROUPS; j++) sum += all_sums[(which * GROUPS + j) * RIGHT + i];
        out[i] = sum;
      }
      out += inputs;
    }
  }
};

/// The maps: `wide` wide ones, then the narrow ones. `out`: the gradient of x, written or added to; or
/// what `WEIGHT_GRADIENT` leaves, [splits, inputs x all columns], each map's gradient after the other's.
/// A split is of `split` rows. For `NORM_GRADIENT`, x, `out` and the last parameters are those of a
/// `Norm`.
extern "C" __global__ void __launch_bounds__(THREADS, 2)
    linears(const float *x, float *out, MAPS_PARAMETERS, int wide, long rows, long inputs, long items,
            long split, int accumulate, const float *weight, const float *mean, const float *scale,
            float *partial, int wants_weight, int wants_bias) {
  begin_kernel();
  extern __shared__ __align__(16) float shared[];
  constexpr int BUFFER = LEFT_SIZE + RIGHT_SIZE + PANEL_SIZE;
  const Maps maps = MAPS;
  const int across = ALONG ? 1 : parts(maps.before(wide), RIGHT);
  const int input_parts = parts(inputs, ALONG ? RIGHT : LEFT);
  const int first = ALONG ? blockIdx.x * items / gridDim.x : blockIdx.x;
  const int end = ALONG ? (blockIdx.x + 1) * items / gridDim.x : first + 1;

  Chunks<ALONG ? LEFT : DEPTH, ALONG ? DEPTH : LEFT, LEFT_STRIDE> left;
  Chunks<ALONG ? RIGHT : DEPTH, ALONG ? DEPTH : RIGHT, RIGHT_STRIDE> right;
  Panel panel;
  // One item for each block.
  const bool has_panel = NARROW && !ALONG && first % across == 0;
  Source *const sources = (Source *)(shared + STAGES * BUFFER);
  // Goes to an item, and to a map where the sum is over maps; returns the number of chunks there.
  const auto begin = [&](int item, int map) {
    if (ALONG) {
      const long row = (long)(item / input_parts) * LEFT;
      const int n = maps.columns(map), column = item % input_parts * RIGHT, own = left.column();
      left.begin(maps.output(map) + row * n + own, n, rows - row, n - own);
      right.begin(maps.weight(map) + (long)column * n + own, n, inputs - column, n - own);
      return parts(n, DEPTH);
    }
    const Place place(maps, 0, wide, item % across * RIGHT + right.column());
    const int column = item / across % input_parts * LEFT + left.column();
    const int n = place.map < wide ? maps.columns(place.map) : 0;
    const long row = item / across / input_parts * split;
    const int count = (int)min(split, rows - row);
    left.begin(x + row * inputs + column, (int)inputs, count, (int)inputs - column);
    right.begin(maps.output(n > 0 ? place.map : 0) + row * n + place.column, n, count,
                n - place.column);
    if (has_panel) panel.begin(maps, wide, row, count);
    return parts(count, DEPTH);
  };

  if (first >= end) return;
  if (NARROW && ALONG) {
    NarrowChunk::put_sources(maps, wide, sources);
    __syncthreads();
  }
  // Of the item that is loaded: where the next chunk goes, its map, and how many are left there.
  int stage, map, left_there;
  const auto go_to = [&](int item) { stage = STAGES - 1, map = 0, left_there = begin(item, 0); };
  const auto load = [&](int item) {
    if (ALONG && left_there == 0 && map < wide && ++map < wide) left_there = begin(item, map);
    float *const tile = shared + stage * BUFFER;
    stage = stage + 1 < STAGES ? stage + 1 : 0;
    if (left_there > 0) {
      left_there--;
      left.load(tile, maps.y0);
      right.load(tile + LEFT_SIZE, maps.y0);
      if (has_panel) panel.load(tile + LEFT_SIZE + RIGHT_SIZE, maps.y0);
    } else if (NARROW && ALONG && map == wide) {
      map++;
      NarrowChunk::load(tile, sources, (long)(item / input_parts) * LEFT, rows,
                        (long)(item % input_parts) * RIGHT, inputs);
    }
    copy_commit();
  };
  // Calls f(place, sums) for each pair of an item's sums.
  const auto each_out = [&](int item, float(&c)[MT][NT][4], auto f) {
    const long row = (long)(item / input_parts) * LEFT;
    const int column = item % input_parts * RIGHT;
    float *const to = out + row * inputs + column;
    each_pair(inputs, (int)min(rows - row, (long)LEFT), (int)inputs - column, c,
              [&](long at, float *sums) { f(to + at, sums); });
  };
  int chunks = NARROW;
  if (ALONG)
    for (int i = 0; i < wide; i++) chunks += parts(maps.columns(i), DEPTH);
  Norm norm{x, weight, mean, scale, out, partial, (int)inputs, accumulate, wants_weight,
            wants_bias};
  // A norm's way back takes the first stages, where there are more than two all but the last: there the
  // first chunk of the next item arrives meanwhile.
  constexpr int EARLY = KIND != NORM_GRADIENT ? STAGES - 1 : STAGES > 2 ? 1 : 0;
  go_to(first);
  if (!ALONG) chunks = left_there;
#pragma unroll
  for (int i = 0; i < EARLY; i++) load(first);
  for (int item = first; item < end; item++) {
#pragma unroll
    for (int i = EARLY; i < STAGES - 1; i++) load(item);
    float c[MT][NT][4] = {};
    // The sums begin with what is there: all of it comes at once, and beside the first chunks.
    if (ALONG && KIND != NORM_GRADIENT && accumulate)
      each_out(item, c, [](const float *at, float *sums) {
        const Pack<2> old = load_pack<2>(at);
        sums[0] = old.at[0], sums[1] = old.at[1];
      });
    int current = STAGES - 1;
    for (int chunk = 0; chunk < chunks; chunk++) {
      copy_wait<STAGES - 2>();
      // The chunk is there for all, and the one before was multiplied by all.
      __syncthreads();
      load(item);
      const float *const tile = shared + current * BUFFER;
      current = current + 1 < STAGES ? current + 1 : 0;
      if (NARROW && ALONG && chunk + 1 == chunks)
        multiply_chunk<NARROW_COLUMNS>(c, tile, tile + LEFT_SIZE);
      else
        multiply_chunk<DEPTH>(c, tile, tile + LEFT_SIZE);
      if (has_panel) panel.multiply(tile, tile + LEFT_SIZE + RIGHT_SIZE);
    }
    if (ALONG) {
      __syncthreads();
      if (item + 1 < end) {
        go_to(item + 1);
#pragma unroll
        for (int i = 0; i < EARLY; i++) load(item + 1);
      }
    }
    if (KIND == NORM_GRADIENT) {
      Norm::put(shared, c);
      __syncthreads();
      norm.go_back(shared, (long)item * LEFT, rows);
      __syncthreads();
    } else if (ALONG) {
      each_out(item, c, [](float *at, const float *sums) {
        store_pack(at, Pack<2>{sums[0], sums[1]});
      });
    } else {
      float *const to = out + item / across / input_parts * inputs * maps.all();
      const int input = item / across % input_parts * LEFT;
      write_weights(to, maps, wide, input, item % across * RIGHT, (int)inputs, c);
      if (has_panel) panel.write(to, maps, wide, input, (int)inputs);
    }
  }
  if (KIND == NORM_GRADIENT && partial) norm.write(shared);
}
