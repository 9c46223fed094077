// Tiles of the head's products for groups of four warps, with the tensor cores' asynchronous
// instructions that only compute capability 9.0 has; after groups.cuh and head_numbers.cuh, whose
// DEPTH is 64 or 128 here. The numbers of a warp lie in its registers as in head_tiles.cuh.
//
// In memory, and in shared memory, a tile is panels of 64 columns: rows of 128 bytes, whose eight
// pieces of 16 bytes are exchanged by the row's number, so that the tensor cores' accesses fall into
// different banks. A tile is one run of bytes, which one instruction fetches.

enum {
  GROUPS = 2, THREADS = GROUPS * 128, BLOCK_ROWS = GROUPS * 64,
  STAGES = 8,  // tiles in shared memory
  LAG = 2,     // tiles by which a group may be behind the first before that waits for it
  WIDE = DEPTH == 128,  // whether one product has both panels
  PANEL_BYTES = TILE * 128, PANELS = DEPTH / 64, TILE_BYTES = PANELS * PANEL_BYTES,
};

/// The place `bytes` behind another in shared memory.
DEVICE ulong64 further(ulong64 place, int bytes) {
  return (place & ~0xffffffffull) | ((uint)place + (uint)(bytes >> 4));
}

/// The place where panels follow each other after `bytes`.
DEVICE ulong64 panels_apart(ulong64 place, int bytes) {
  return (place & ~(0x3fffull << 16)) | (ulong64)(bytes >> 4) << 16;
}

/// A barrier that opens when so many threads have come there.
DEVICE void barrier_start(uint barrier, int threads) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(threads) : "memory");
}
DEVICE void barrier_come(uint barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

#define WIDE_SUMS                                                                          \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22," \
  "%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43," \
  "%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}"
#define WIDE_OUTPUTS(n) \
  "+f"(c[n][0]), "+f"(c[n][1]), "+f"(c[n][2]), "+f"(c[n][3]), "+f"(c[n + 1][0]), \
      "+f"(c[n + 1][1]), "+f"(c[n + 1][2]), "+f"(c[n + 1][3])
/// c += a b for a group of warps, 64 x 16 by 16 x 128, whose rows are rows of two panels.
DEVICE void wide_product(float (*c)[4], const uint a[4], ulong64 b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 " WIDE_SUMS
      ", {%64,%65,%66,%67}, %68, 1, 1, 1, 1;"
      : WIDE_OUTPUTS(0), WIDE_OUTPUTS(2), WIDE_OUTPUTS(4), WIDE_OUTPUTS(6), WIDE_OUTPUTS(8),
        WIDE_OUTPUTS(10), WIDE_OUTPUTS(12), WIDE_OUTPUTS(14)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

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
    const ulong64 place = describe(tile);
#pragma unroll
    for (int k = 0; k < STEPS; k++)
      group_product<false>(c, at[k], further(place, k / 4 * PANEL_BYTES + k % 4 * 32),
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
    const ulong64 place = describe(tile);
    if constexpr (WIDE) {
      const ulong64 both = panels_apart(place, PANEL_BYTES);
#pragma unroll
      for (int k = 0; k < COLUMNS / 2; k++) wide_product(sums, at[k], further(both, k * 2048));
    } else {
#pragma unroll
      for (int k = 0; k < COLUMNS / 2; k++)
#pragma unroll
        for (int panel = 0; panel < PANELS; panel++)
          group_product<true>(sums + panel * 8, at[k],
                              further(place, panel * PANEL_BYTES + k * 2048), true);
    }
  }
};

/// Tiles first ..< last on their way through shared memory, each with `more` bytes of another
/// tensor. The block has STAGES of both, 16 bytes a stage for barriers, and 1 KiB to align them.
///
/// The groups do not wait for each other: a stage has a barrier that its bytes open, and one that
/// the warps open that are done with it.
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
      for (int i = 0; i < STAGES; i++) {
        barrier_start(barrier(first + i));
        barrier_start(emptied(first + i), THREADS / 32);
      }
      barrier_start_done();
      for (int i = 0; i < STAGES; i++) fetch(first + i);
    }
  }

  DEVICE int stage(int number) const { return (number - first) % STAGES; }
  DEVICE uint tile(int number) const { return base + stage(number) * TILE_BYTES; }
  DEVICE const float *other(int number) const {
    return (const float *)(other_base + stage(number) * more);
  }
  DEVICE uint barrier(int number) const {
    return base + STAGES * (TILE_BYTES + more) + stage(number) * 8;
  }
  DEVICE uint emptied(int number) const { return barrier(number) + STAGES * 8; }

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

  /// This warp is done with a tile.
  DEVICE void release(int number) const {
    if ((threadIdx.x & 31) == 0) barrier_come(emptied(number));
  }
  /// The tile that follows in the stage of one that all are done with; none that is waited for before.
  DEVICE void refill(int number) const {
    static_assert(STAGES >= LAG + 4, "of the tile before the last, while the next is waited for");
    if (threadIdx.x != 0 || number < first || number + STAGES >= last) return;
    barrier_wait(emptied(number), (number - first) / STAGES & 1);
    fetch(number + STAGES);
  }

  /// Goes through the tiles. `start(c, number)` starts the products of one, `look(c, number)` sees
  /// them, while the sums of the tile before are under way, and `use(c, number)` makes powers, while
  /// these and the products of the next tile are; powers times the tile are added to the sums where
  /// `adds`. So the tensor cores always have work of each group before them.
  template <bool adds, class Start, class Look, class Use>
  DEVICE void each(float (&sums)[OUTPUTS][4], Start start, Look look, Use use) const {
    __syncthreads();  // the barriers are there
    if (first >= last) return;
    float even[COLUMNS][4], odd[COLUMNS][4];
    wait(first);
    start(even, first);
    group_commit();
    group_wait<0>();
    group_done(even);
    GroupPowers powers[2];  // of the tile before they are still read while this one's are made
    const auto add = [&](float (&c)[COLUMNS][4], GroupPowers &mine, int number) {
      use(c, number);
      mine.load(c);
      group_fence();
      if constexpr (adds) mine.add(sums, tile(number));
      group_commit();
    };
    const auto step = [&](float (&c)[COLUMNS][4], float (&ahead)[COLUMNS][4], GroupPowers &mine,
                          int number) {
      look(c, number);
      if (number + 1 == last) {
        add(c, mine, number);
        return false;
      }
      wait(number + 1);
      start(ahead, number + 1);
      group_commit();
      // The sums of the tile before the last have been waited for.
      if (number - 2 >= first) release(number - 2);
      refill(number - 2 - LAG);
      __syncwarp();
      add(c, mine, number);
      group_wait<1>();
      group_done(ahead);
      return true;
    };
    for (int number = first;; number += 2) {
      if (!step(even, odd, powers[0], number)) break;
      if (!step(odd, even, powers[1], number + 1)) break;
    }
    group_wait<0>();
    group_done(sums);
  }
};
