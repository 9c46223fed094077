// What groups of four warps have of the layer of mlp_parts.cuh, for compute capability 9.0 and 128
// columns; after mlp_parts.cuh and groups.cuh.
//
// Both weights and rows come in tiles of 64 rows, in panels. The groups of a block begin one after
// another and then go on without waiting for each other: while the tensor cores make the products of
// one, the others make left factors of their last ones, and while the first put down what they have,
// the last ones still compute.

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

/// What groups do one after another, the first time: barriers with numbers from these on.
enum { LOADING = 0, MULTIPLYING = GROUPS, ALONE = 2 * GROUPS, STARTED = 3 * GROUPS + 1 };

/// Waits until the group before has said `let_next`.
DEVICE void follow(int what, int group) {
  if (group > 0) barrier_sync(what + group, 256);
}
DEVICE void let_next(int what, int group) {
  if (group < GROUPS - 1) barrier_arrive(what + group + 1, 256);
}
/// Waits for the warps of the own group.
DEVICE void group_barrier(int group) { barrier_sync(1 + ALONE + group, 128); }

/// The last group, which loads its rows behind the others, asks for the first stages of `copies`.
template <typename Copies>
DEVICE void start_copies(const Copies &copies, int group) {
  if (threadIdx.x == THREADS - 128) copies.start();
  __syncwarp();
  if (GROUPS > 1 && group == GROUPS - 1) barrier_arrive(STARTED, 256);
}
/// Waits for it in the first group, which the others' first products follow.
DEVICE void copies_started(int group) {
  if (GROUPS > 1 && group == 0) barrier_sync(STARTED, 256);
  group_barrier(group);
}

/// Says that a warp is done with a stage of shared memory, which has a counter that is 0 at first.
/// True in one lane of the last warp that says so, which may fill the stage again.
DEVICE bool is_last_warp(uint *counter) {
  __syncwarp();
  if (threadIdx.x & 31) return false;
  __threadfence_block();
  const bool is_last = atomicInc(counter, WARPS - 1) == WARPS - 1;
  __threadfence_block();
  return is_last;
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
  /// Behind the barriers.
  DEVICE uint *counter(int part) const {
    return (uint *)(memory + STAGES * STAGE + STAGES * 8) + part % STAGES;
  }

  /// Asks for the first ones.
  DEVICE void start() const {
    for (int i = 0; i < STAGES; i++) barrier_start(barrier(i)), *counter(i) = 0;
    barrier_start_done();
    for (int i = 0; i < STAGES; i++) fetch(i);
  }
  DEVICE void fetch(int part) const {
    if (part >= count) return;
    barrier_expect(barrier(part), STAGE);
    copy_bulk(up(part), weights + (long)part * (STAGE / 2), STAGE, barrier(part));
  }
  DEVICE void wait(int part) const { barrier_wait(barrier(part), part / STAGES & 1); }
  /// This warp is done with a part; the last one asks for what takes its place.
  DEVICE void release(int part) const {
    if (part + STAGES < count && is_last_warp(counter(part))) fetch(part + STAGES);
    __syncwarp();
  }
};
