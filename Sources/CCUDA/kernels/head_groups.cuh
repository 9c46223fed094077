// Tiles of the head's products for groups of four warps, with the tensor cores' asynchronous
// instructions that only compute capability 9.0 has; after groups.cuh and head_numbers.cuh, whose
// DEPTH is 64 or 128 here. The numbers of a warp lie in its registers as in head_tiles.cuh.
//
// In memory, and in shared memory, a tile is panels of 64 columns: rows of 128 bytes, whose eight
// pieces of 16 bytes are exchanged by the row's number, so that the tensor cores' accesses fall into
// different banks. A tile is one run of bytes, which one instruction fetches.

enum {
  GROUPS = 2, THREADS = GROUPS * 128, BLOCK_ROWS = GROUPS * 64,
  STAGES = 6,  // tiles in shared memory
  PANEL_BYTES = TILE * 128, PANELS = DEPTH / 64, TILE_BYTES = PANELS * PANEL_BYTES,
};

/// A warp's 16 rows of one factor.
struct GroupRows {
  uint at[STEPS][4];

  DEVICE void load(const Half *factor, long row) {
    const int g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3;
#pragma unroll
    for (int k = 0; k < STEPS; k++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        at[k][i] = *(const uint *)(factor + half_place(row + g + (i & 1) * 8,
                                                       16 * k + 2 * t + (i >> 1) * 8));
  }

  /// Starts c (+)= the products of these rows with those of a tile.
  DEVICE void multiply(float c[COLUMNS][4], uint tile, bool add) const {
#pragma unroll
    for (int k = 0; k < STEPS; k++)
      group_product<false>(c, at[k], describe(tile + k / 4 * PANEL_BYTES + k % 4 * 32),
                           add || k > 0);
  }
};

/// A tile's logits as a factor.
struct GroupPowers {
  uint at[COLUMNS / 2][4];

  DEVICE void load(const float p[COLUMNS][4]) {
#pragma unroll
    for (int k = 0; k < COLUMNS / 2; k++) to_factor(at[k], p, k);
  }
  /// Starts sums += p tile.
  DEVICE void add(float sums[OUTPUTS][4], uint tile) const {
#pragma unroll
    for (int k = 0; k < COLUMNS / 2; k++)
#pragma unroll
      for (int panel = 0; panel < PANELS; panel++)
        group_product<true>(sums + panel * 8, at[k],
                            describe(tile + panel * PANEL_BYTES + k * 2048), true);
  }
};

/// Tiles first ..< last on their way through shared memory, each with `more` bytes of another
/// tensor. The block has STAGES of both, 8 bytes a stage for barriers, and 1 KiB to align them.
template <int more>
struct GroupTiles {
  int first, last;
  const Half *tiles;
  const float *others;
  uint base;
  const char *other_base;

  DEVICE GroupTiles(int first, int last, const Half *tiles, const float *others)
      : first(first), last(last), tiles(tiles), others(others) {
    extern __shared__ __align__(1024) char memory[];
    const uint start = shared_address(memory);
    base = (start + 1023) & ~1023u;
    other_base = memory + (base - start) + STAGES * TILE_BYTES;
    if (threadIdx.x == 0) {
      for (int i = 0; i < STAGES; i++) barrier_start(barrier(first + i));
      barrier_start_done();
      for (int i = 0; i < STAGES - 1; i++) fetch(first + i);
    }
    __syncthreads();
  }

  DEVICE int stage(int number) const { return (number - first) % STAGES; }
  DEVICE uint tile(int number) const { return base + stage(number) * TILE_BYTES; }
  DEVICE const float *other(int number) const {
    return (const float *)(other_base + stage(number) * more);
  }
  DEVICE uint barrier(int number) const {
    return base + STAGES * (TILE_BYTES + more) + stage(number) * 8;
  }

  DEVICE void fetch(int number) const {
    if (number >= last) return;
    barrier_expect(barrier(number), TILE_BYTES + more);
    copy_bulk(tile(number), tiles + (long)number * (TILE_BYTES / 2), TILE_BYTES, barrier(number));
    if constexpr (more > 0)
      copy_bulk(shared_address(other(number)), others + (long)number * (more / 4), more,
                barrier(number));
  }
  DEVICE void wait(int number) const {
    barrier_wait(barrier(number), (number - first) / STAGES & 1);
  }

  /// Goes through the tiles. `start(c, number)` starts the products of one, `look(c, number)` sees
  /// them, `settle(c, number)` may change the sums, and `use(c, number)` makes powers, which times
  /// the tile are added to the sums where `adds`. The last happens while the products of the next
  /// tile are under way, and `look` while the sums are.
  template <bool adds, class Start, class Look, class Settle, class Use>
  DEVICE void each(float (&sums)[OUTPUTS][4], Start start, Look look, Settle settle,
                   Use use) const {
    if (first >= last) return;
    float c[COLUMNS][4];
    wait(first);
    start(c, first);
    group_commit();
    group_wait<0>();
    group_done(c);
    for (int number = first; number < last; number++) {
      look(c, number);
      group_wait<0>();
      group_done(sums);
      settle(c, number);
      __syncthreads();  // all are done with the tile before
      if (threadIdx.x == 0) fetch(number + STAGES - 1);
      // Behind the last one it once more: products that nobody takes are no branch.
      const int next = min(number + 1, last - 1);
      float ahead[COLUMNS][4];
      wait(next);
      start(ahead, next);
      group_commit();
      use(c, number);
      GroupPowers powers;
      powers.load(c);
      group_fence();
      if constexpr (adds) powers.add(sums, tile(number));
      group_commit();
      group_wait<1>();
      group_done(ahead);
#pragma unroll
      for (int n = 0; n < COLUMNS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) c[n][i] = ahead[n][i];
    }
    group_wait<0>();
    group_done(sums);
  }
};
