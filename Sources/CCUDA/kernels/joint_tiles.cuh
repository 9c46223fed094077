// The tiles of `joint_gradients.cu`: how rows come to shared memory, and weights, and how the two blocks
// of a cluster meet; after groups.cuh.

enum {
  WARPS = 16, THREADS = WARPS * 32, ROWS = 64, INPUTS = 128, SHARE = ROWS / 2,
  // Panels of a weight's gradient that a group of warps has the sums for.
  ALL_PANELS = PANELS + NARROW, JOBS = (ALL_PANELS + 1) / 2,
  NARROW_COLUMNS = 8,
  // So that the pairs of a half-warp lie in different banks.
  PITCH = INPUTS + 8,
  LINE = 128, DY_PANEL = ROWS * LINE, WEIGHT_PANEL = INPUTS * LINE,
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

#define CLUSTERS_OF(x, y) __cluster_dims__(x, y, 1)

/// Where a panel of dy comes from, or a column of a narrow map; without a stride there is none.
struct Source {
  const float *from;
  long stride;
};

/// What lies in shared memory. Factors are panels as in groups.cuh.
struct Shared {
  char weights[PANELS * WEIGHT_PANEL];
  char dy[ALL_PANELS * DY_PANEL];
  char n[INPUTS / 64 * DY_PANEL];
  /// What either block has of dn, of the rows that this one goes back with.
  float dn[2][SHARE * PITCH];
  /// Each warp's rows on their way.
  float arriving_dy[WARPS][PANELS][4][64];
  float arriving_x[WARPS][4][INPUTS];
  float arriving_narrow[WARPS][NARROW ? 4 * NARROW_COLUMNS : 1];
  float arriving_scale[WARPS][4], arriving_mean[WARPS][4];
  float scale[WARPS][2];  // of the rows that this block goes back with
  Pack<4> weight[INPUTS / 4], bias[INPUTS / 4];  // the norm's
  Source sources[PANELS + NARROW * NARROW_COLUMNS];
  /// Of rows, plus 127: the exponents of dy, and these plus those of n.
  int exponents[ROWS], both_exponents[ROWS];
};

/// A number of which the compiler does not know it: what is made of it takes no register from
/// one tile to the next.
DEVICE int anew(int x) {
  asm volatile("" : "+r"(x));
  return x;
}

/// The block's number in its cluster.
DEVICE int own_rank() { return blockIdx.x & 1; }
DEVICE int own_warp() { return threadIdx.x >> 5; }
DEVICE int own_lane() { return threadIdx.x & 31; }
/// A warp's rows of a tile: two of those that the block goes back with, then two others.
DEVICE int own_row(int slot) {
  return 2 * own_warp() + (slot & 1) + ((slot >> 1) ^ own_rank()) * SHARE;
}

/// Says that this thread has come here, with all that it wrote before.
DEVICE void cluster_arrive() {
  __syncwarp();
  asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
/// Says that this thread has read what others may overwrite; that waits for no store.
DEVICE void cluster_arrive_read() {
  __syncwarp();
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}
/// Waits until all threads of the cluster have said so.
DEVICE void cluster_wait() {
  __syncwarp();
  asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}
/// Puts two floats at a place of a block's shared memory.
DEVICE void cluster_store(uint address, int block, float first, float second) {
  asm volatile(
      "{\n.reg .b32 place;\nmapa.shared::cluster.u32 place, %0, %1;\n"
      "st.shared::cluster.v2.f32 [place], {%2, %3};\n}" ::"r"(address),
      "r"(block), "f"(first), "f"(second)
      : "memory");
}

/// Copies a float from global to shared memory in the background, or puts a zero where there is none.
DEVICE void copy_float(float *shared, const float *global, bool is_there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(shared)),
               "l"(global), "r"(is_there ? 4 : 0));
}

/// Brings a line of memory to the cache of the second level.
DEVICE void prefetch(const float *line) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(line)));
}

/// c (+)= a b for a group of warps, 64 x 16 by 16 x 32, both in shared memory: their rows are rows of a
/// and columns of b.
DEVICE void group_product_32(float (*c)[4], ulong64 a, ulong64 b, bool add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %18, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, %16, %17, p, 1, 1, 0, 0;\n}"
      : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), "+f"(c[1][0]), "+f"(c[1][1]),
        "+f"(c[1][2]), "+f"(c[1][3]), "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]),
        "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3])
      : "l"(a), "l"(b), "r"((int)add));
}

/// 2^exponent, or 0 where that is too small.
DEVICE float small_power(int exponent) { return __uint_as_float((uint)max(127 + exponent, 0) << 23); }

/// The exponent of the greatest of a warp's numbers that are not negative, plus 127; of very small
/// ones, one that has a scale.
DEVICE int greatest_exponent(float x) {
  return max((int)(__reduce_max_sync(FULL_WARP, __float_as_uint(x)) >> 23), 18);
}

/// The place of a column in a row of a panel, in bytes.
DEVICE int place(int row, int column) {
  return row * LINE + ((column >> 3 ^ (row & 7)) << 4) + (column & 7) * 2;
}

/// The map of a column among all, and the column there.
struct MapColumn {
  int map = 0, column;
  DEVICE MapColumn(const Maps &maps, int among) : column(among) {
    while (map < MOST - 1 && column >= maps.columns(map)) column -= maps.columns(map++);
  }
};

/// The first column of a block's panel, among all.
DEVICE int panel_column(int panel) { return (own_rank() * PANELS + panel) * 64; }

/// Puts the block's part of the weights into its panels, scaled by 16 as in linear_maps.cuh.
DEVICE void put_panels(const Maps &maps, Shared &shared) {
#pragma unroll 1
  for (int panel = 0; panel < PANELS; panel++) {
    const MapColumn own(maps, panel_column(panel));
    const int n = maps.columns(own.map);
    const float *const from = maps.weight(own.map) + own.column;
    char *const to = shared.weights + panel * WEIGHT_PANEL;
#pragma unroll
    for (int i = threadIdx.x; i < INPUTS * 8; i += THREADS) {
      const int row = i / 8, column = i % 8 * 8;
      const Pack<4> a = load_pack<4>(from + row * n + column);
      const Pack<4> b = load_pack<4>(from + row * n + column + 4);
      *(uint4 *)(to + place(row, column)) =
          uint4{two_halves(a.at[0] * 16, a.at[1] * 16), two_halves(a.at[2] * 16, a.at[3] * 16),
                two_halves(b.at[0] * 16, b.at[1] * 16), two_halves(b.at[2] * 16, b.at[3] * 16)};
    }
  }
}

/// A block's column of narrow maps.
DEVICE MapColumn narrow_column(const Maps &maps, int own) {
  return MapColumn(maps, PANELS * 128 + own_rank() * NARROW_COLUMNS + own);
}
DEVICE bool is_there(const Maps &maps, const MapColumn &column) {
  return column.column < maps.columns(column.map);
}

/// Puts the weights of the narrow maps beside the place of dy.
DEVICE void put_narrow_panel(const Maps &maps, Shared &shared) {
  char *const to = shared.dy + PANELS * DY_PANEL;
  for (int i = threadIdx.x; i < DY_PANEL / 16; i += THREADS) ((uint4 *)to)[i] = uint4{0, 0, 0, 0};
  __syncthreads();
  for (int i = threadIdx.x; i < INPUTS * NARROW_COLUMNS; i += THREADS) {
    const int row = i / NARROW_COLUMNS, column = i % NARROW_COLUMNS;
    const MapColumn own = narrow_column(maps, column);
    if (!is_there(maps, own)) continue;
    const float w = maps.weight(own.map)[row * maps.columns(own.map) + own.column];
    *(Half *)(to + place(row % 64, 16 + row / 64 * 16 + column)) = (Half)two_halves(w * 16, 0);
  }
}

/// The norm's rows: [rows, INPUTS], and of each the mean, if any, and the scale.
struct NormRows {
  const float *x, *mean, *scale;
  int rows;

  /// Loads the warp's rows of the tile from row `first` on, of x and of dy; zeros behind the last one.
  DEVICE void load(Shared &shared, int first) const {
    const int warp = own_warp(), lane = own_lane();
    __syncwarp();  // what lies there has been read
#pragma unroll
    for (int panel = 0; panel < PANELS; panel++) {
      const Source source = shared.sources[panel];
      const float *const from = source.from + lane % 16 * 4;
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int slot = lane / 16 + 2 * i, row = first + own_row(slot);
        copy_async(shared.arriving_dy[warp][panel][slot] + lane % 16 * 4,
                   from + (row < rows ? row * source.stride : 0), row < rows);
      }
    }
#pragma unroll
    for (int slot = 0; slot < 4; slot++) {
      const int row = first + own_row(slot);
      copy_async(shared.arriving_x[warp][slot] + lane * 4,
                 x + (row < rows ? (long)row * INPUTS : 0) + lane * 4, row < rows);
    }
    const int row = min(first + own_row(lane & 3), rows - 1);
    if (lane < 4) copy_float(shared.arriving_scale[warp] + lane, scale + row, true);
    if (mean && lane < 4) copy_float(shared.arriving_mean[warp] + lane, mean + row, true);
    copy_commit();
  }
  /// The same for the columns of narrow maps, of which a lane has one in one row.
  DEVICE void load_narrow(Shared &shared, int first) const {
    if (!NARROW) return;
    const int lane = anew(own_lane()), row = first + own_row(lane / NARROW_COLUMNS);
    const Source source = shared.sources[PANELS + lane % NARROW_COLUMNS];
    const bool is_there = row < rows && source.stride > 0;
    __syncwarp();  // what lies there has been read
    copy_float(shared.arriving_narrow[own_warp()] + lane,
               is_there ? source.from + row * source.stride : scale, is_there);
    copy_commit();
  }
};

#endif
