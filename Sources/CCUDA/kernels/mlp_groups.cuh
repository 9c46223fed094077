// What groups of four warps have of the layer of mlp_parts.cuh, for compute capability 9.0 and 128
// columns; after mlp_parts.cuh and groups.cuh.
//
// Both weights and rows come in tiles of 64 rows, in panels. The groups of a block take turns:
// while the tensor cores make the products of one, the others make left factors of their last ones.

enum {
  GROUPS = WARPS / 4, TILE = 64, SLABS = TILE / SLAB, PANELS = WIDTH / 64, PANEL = TILE * 128,
  FACTOR = PANELS * PANEL,  // bytes of a tile
  STAGE = 2 * FACTOR,
};

/// The warp's number, which is the same in all its lanes, and known to be.
DEVICE int own_warp() { return __shfl_sync(FULL_WARP, (int)threadIdx.x >> 5, 0); }

/// The first place from `memory` on where panels can begin, a multiple of 1024 bytes.
DEVICE char *aligned(char *memory) {
  const uint begin = shared_address(memory);
  return memory + (((begin + 1023) & ~1023u) - begin);
}

/// Starts c = a b' for tiles a and b.
DEVICE void start_products(float (&c)[TILE / 8][4], uint a, uint b) {
#pragma unroll
  for (int k = 0; k < STEPS; k++) {
    const int offset = (k / 4 * PANEL + k % 4 * 32) / 16;
    group_product<false>(c, describe(a) + offset, describe(b) + offset, k > 0);
  }
}
/// Starts sums += a b for a tile b.
DEVICE void add_products(float (&sums)[WIDTH / 8][4], const uint (&a)[SLABS][4], uint b) {
#pragma unroll
  for (int k = 0; k < SLABS; k++)
#pragma unroll
    for (int panel = 0; panel < PANELS; panel++)
      group_product<true>(sums + panel * 8, a[k], describe(b) + (panel * PANEL + k * 2048) / 16,
                          true);
}

/// A group's turn begins when the one before has ended its own, and all its warps are there; barriers
/// are numbered from 1 on.
DEVICE void begin_turn(int group) { barrier_sync(1 + group, GROUPS > 1 ? 256 : 128); }
DEVICE void end_turn(int group) {
  if (GROUPS > 1) barrier_arrive(1 + (group + 1) % GROUPS, 256);
}
DEVICE void start_turns(int group) {
  if (group == GROUPS - 1) end_turn(group);
}
/// Ends the last turn, so that no barrier is left half full.
DEVICE void end_turns(int group) {
  if (group < GROUPS - 1) end_turn(group);
}

/// Parts of the weights, of 64 hidden columns each, on their way through shared memory, up to STAGES
/// at once.
template <int STAGES>
struct WeightParts {
  const Half *weights;
  int count;
  char *memory;

  DEVICE uint up(int part) const { return shared_address(memory) + part % STAGES * STAGE; }
  DEVICE uint down(int part) const { return up(part) + FACTOR; }
  DEVICE uint barrier(int part) const {
    return shared_address(memory) + STAGES * STAGE + part % STAGES * 8;
  }

  /// Asks for the first ones.
  DEVICE void start() const {
    for (int i = 0; i < STAGES; i++) barrier_start(barrier(i));
    barrier_start_done();
    for (int i = 0; i < STAGES; i++) fetch(i);
  }
  DEVICE void fetch(int part) const {
    if (part >= count) return;
    barrier_expect(barrier(part), STAGE);
    copy_bulk(up(part), weights + (long)part * (STAGE / 2), STAGE, barrier(part));
  }
  DEVICE void wait(int part) const { barrier_wait(barrier(part), part / STAGES & 1); }
};
