// Blocks that work together on gradients or on few rows of the layer of mlp_parts.cuh, as clusters,
// which only compute capability 9.0 has; after mlp_groups.cuh.
//
// The blocks of a cluster run at the same time and see each other's shared memory.
//
// Constants: CLUSTER, the blocks of a cluster.

#if CLUSTER > 1
#define CLUSTERS_OF(x, y) __cluster_dims__(x, y, 1)
#else
#define CLUSTERS_OF(x, y)
#endif

/// Says that this thread has come here, with all that it did before.
DEVICE void cluster_arrive() {
  __syncwarp();
  if (CLUSTER > 1) asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
}
/// Waits until all threads of the cluster have said so.
DEVICE void cluster_wait() {
  __syncwarp();
  if (CLUSTER > 1) asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/// Four floats at this place of a block's shared memory.
DEVICE Pack<4> cluster_load(uint address, int block) {
  Pack<4> x;
  asm volatile(
      "{\n.reg .b32 place;\nmapa.shared::cluster.u32 place, %4, %5;\n"
      "ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [place];\n}"
      : "=f"(x.at[0]), "=f"(x.at[1]), "=f"(x.at[2]), "=f"(x.at[3])
      : "r"(address), "r"(block)
      : "memory");
  return x;
}

/// The sum over the cluster's blocks of what each has at this place, in their order.
DEVICE Pack<4> cluster_sum(const float *place) {
  if constexpr (CLUSTER == 1) return load_pack<4>(place);
  const uint address = shared_address(place);
  Pack<4> terms[CLUSTER];
#pragma unroll
  for (int block = 0; block < CLUSTER; block++) terms[block] = cluster_load(address, block);
#pragma unroll
  for (int block = 1; block < CLUSTER; block++)
#pragma unroll
    for (int i = 0; i < 4; i++) terms[0].at[i] += terms[block].at[i];
  return terms[0];
}

/// Of each warp's 16 rows, those that a block ends up with.
constexpr int SHARE = SLAB / CLUSTER;

/// The sums, times `scale`, over the blocks of a cluster that share the hidden columns of the same
/// rows: a block gets SHARE rows of each warp, from `share()` on, and a lane four columns.
///
/// What is in `shared` is no longer used for anything else, and is read by other blocks until
/// `cluster_wait` returns.
DEVICE void share_rows(const float (&out)[WIDTH / 8][4], float scale, float *shared,
                       Pack<4> (&sums)[SHARE]) {
  static_assert(WIDTH == 128, "a lane has four columns");
  // Rows of a multiple of 16 bytes, so that those of a half-warp's pairs lie in different banks.
  constexpr int ROW = WIDTH + 8;
  const int g = lane_group(), t = lane_in_group(), lane = threadIdx.x & 31;
  float *const own = shared + own_warp() * SLAB * ROW;
  __syncthreads();
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
    for (int r = 0; r < 2; r++)
      *(float2 *)(own + (g + 8 * r) * ROW + 8 * j + 2 * t) = {out[j][2 * r] * scale,
                                                             out[j][2 * r + 1] * scale};
  cluster_arrive();
  cluster_wait();
#pragma unroll
  for (int i = 0; i < SHARE; i++)
    sums[i] = cluster_sum(own + (blockIdx.x % CLUSTER * SHARE + i) * ROW + 4 * lane);
  cluster_arrive();
}
/// The floats that `share_rows` has in shared memory.
constexpr int SHARED_ROWS = WARPS * SLAB * (WIDTH + 8);
