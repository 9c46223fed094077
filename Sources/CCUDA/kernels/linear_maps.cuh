// Several linear maps of the same rows, y_i = x W_i, whose weights lie in shared memory, side by side
// and each padded to a multiple of 16 columns.
//
// Weights are halves, scaled by 16: those below 4e-6 lose bits, as do the smallest that a sum with
// usual ones would keep, and those above 4094 become infinite. NaN and infinity stay what they are.

/// Waits for the threads of a group.
DEVICE void group_barrier(int group, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(group + 1), "r"(threads) : "memory");
}

/// Up to six maps: their weights [inputs, columns] and outputs [rows, columns], or the gradients of
/// these. Those that are not there have no columns.
enum { MOST = 6 };
struct Maps {
  const float *w0, *w1, *w2, *w3, *w4, *w5;
  float *y0, *y1, *y2, *y3, *y4, *y5;
  int n0, n1, n2, n3, n4, n5;

#define OF_MAP(name, i) \
  ((i) == 0 ? name##0 : (i) == 1 ? name##1 : (i) == 2 ? name##2 : (i) == 3 ? name##3 \
   : (i) == 4 ? name##4 : name##5)
  DEVICE const float *weight(int i) const { return OF_MAP(w, i); }
  DEVICE float *output(int i) const { return OF_MAP(y, i); }
  DEVICE int columns(int i) const { return OF_MAP(n, i); }
  /// The first column of a map among all.
  DEVICE int start(int i) const {
    int sum = 0;
#pragma unroll
    for (int before = 0; before < MOST - 1; before++)
      if (before < i) sum += (OF_MAP(n, before) + 15) / 16 * 16;
    return sum;
  }
  /// The columns of the maps before a map, without what is between them.
  DEVICE int before(int i) const {
    int sum = 0;
#pragma unroll
    for (int before = 0; before < MOST; before++)
      if (before < i) sum += OF_MAP(n, before);
    return sum;
  }
  DEVICE int all() const { return before(MOST); }
  /// The map of a column among all.
  DEVICE int map(int column) const {
    int map = 0;
#pragma unroll
    for (int i = 1; i < MOST; i++) map += column >= start(i);
    return map;
  }
};
#define MAPS_PARAMETERS                                                                      \
  const float *w0, const float *w1, const float *w2, const float *w3, const float *w4,      \
      const float *w5, float *y0, float *y1, float *y2, float *y3, float *y4, float *y5,    \
      long n0, long n1, long n2, long n3, long n4, long n5
#define MAPS                                                                                  \
  Maps {                                                                                      \
    w0, w1, w2, w3, w4, w5, y0, y1, y2, y3, y4, y5, (int)n0, (int)n1, (int)n2, (int)n3,       \
        (int)n4, (int)n5                                                                      \
  }

/// Four numbers of a row; zeros where there are none. `count` are left of the row, which begins at
/// a multiple of 16 bytes where its stride is one.
DEVICE float4 load_four(const float *from, int count, bool is_aligned) {
  if (is_aligned) return count > 0 ? *(const float4 *)from : float4{0, 0, 0, 0};
  return {count > 0 ? from[0] : 0, count > 1 ? from[1] : 0, count > 2 ? from[2] : 0,
          count > 3 ? from[3] : 0};
}

/// Where one of 16 neighbours goes so that a lane's two pairs, which the tensor cores take from places 8
/// apart, are neighbours in memory.
DEVICE int spread(int i) { return (i & ~15) | (i & 2) << 2 | (i >> 1 & 6) | (i & 1); }

/// Where the first of four neighbours of 32 goes so that what a lane gets of four products by 8 columns
/// are 8 neighbours, spread.
DEVICE int spread_of_32(int i) { return (i & ~31) | (i & 12) << 1 | (i >> 2 & 4); }

/// A thread's place among four numbers each of the rows of a matrix, which goes on by THREADS places:
/// a division for each would take as long as the numbers are on their way.
template <int THREADS>
struct FourPlace {
  int fours, row, four;

  DEVICE FourPlace(int fours, int first) : fours(fours), row(first / fours), four(first % fours) {}
  DEVICE void go_on() {
    row += THREADS / fours, four += THREADS % fours;
    if (four >= fours) four -= fours, row++;
  }
};

/// The weights' rows from `first_input` on as halves, [ROWS, PITCH]; zeros between and behind them, and
/// where there are no more of the `inputs`. Rows and columns may be spread, columns also of 32. A thread
/// has AT_ONCE times four numbers under way.
template <int ROWS, int PITCH, int THREADS, bool SPREAD = false, bool OF_32 = false, int AT_ONCE = 8>
DEVICE void put_weights(const Maps &maps, int first_input, int inputs, Half *weights) {
  for (int map = 0; map < MOST; map++) {
    const int n = maps.columns(map), fours = (n + 15) / 16 * 4;
    if (n == 0) continue;
    const float *from = maps.weight(map) + (long)first_input * n;
    Half *to = weights + maps.start(map);
    const bool is_aligned = n % 4 == 0;
    for (int first = threadIdx.x; first < ROWS * fours; first += THREADS * AT_ONCE) {
      float4 w[AT_ONCE];
      FourPlace<THREADS> ahead(fours, first), place = ahead;
#pragma unroll
      for (int i = 0; i < AT_ONCE; i++, ahead.go_on()) {
        const int row = ahead.row, column = ahead.four * 4;
        w[i] = load_four(from + row * n + column, row < inputs - first_input ? n - column : 0,
                         is_aligned);
      }
#pragma unroll
      for (int i = 0; i < AT_ONCE; i++, place.go_on()) {
        const int row = place.row, column = place.four * 4;
        if (row >= ROWS) break;
        const uint2 four = {two_halves(w[i].x * 16, w[i].y * 16),
                            two_halves(w[i].z * 16, w[i].w * 16)};
        if (OF_32) {
          *(uint2 *)(to + spread(row) * PITCH + spread_of_32(column)) = four;
        } else if (SPREAD) {
          Half *const own = to + spread(row) * PITCH + spread(column);
          *(uint *)own = four.x, *(uint *)(own + 8) = four.y;
        } else {
          *(uint2 *)(to + row * PITCH + column) = four;
        }
      }
    }
  }
}
