// The layer of mlp.cu for compute capability 9.0 and 128 columns; after mlp_clusters.cuh. Elsewhere
// the file is empty.
//
// A block has 64 rows for each group of four warps, whose hidden columns go past them in parts of
// 64. Where rows are few, the blocks of a cluster share these parts and, in the end, the rows.

// Those that share have no more parts than stages.
enum { STAGES = CLUSTER == 1 ? 5 : CLUSTER == 2 ? 4 : 2 };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// The same as mlp.
extern "C" __global__ void CLUSTERS_OF(CLUSTER, 1) __launch_bounds__(THREADS, 1)
    grouped_mlp(long rows, long hidden, const float *x, const float *norm, float epsilon,
                float *scales, const Half *weights, const float *up_bias, const float *down_bias,
                int is_added, float *y) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const int warp = own_warp(), group = warp / 4, g = lane_group(), t = lane_in_group();
  // The groups' rows, then the parts and their barriers, then the bias.
  char *const tile = aligned(shared_bytes) + group * FACTOR;
  const int share = blockIdx.x % CLUSTER, count = (int)hidden / TILE / CLUSTER;
  const WeightParts<STAGES> parts = {weights + share * count * (STAGE / 2), count,
                                     aligned(shared_bytes) + GROUPS * FACTOR};
  float *const bias = (float *)(parts.memory + STAGES * STAGE + 64);
  if (threadIdx.x == 0) parts.start();
  for (int i = threadIdx.x; i < count * TILE; i += THREADS)
    bias[i] = up_bias[share * count * TILE + i];

  const long first = ((long)(blockIdx.x / CLUSTER) * WARPS + warp) * SLAB;
  float scale;
  {
    Slab own;
    own.load(x + first * WIDTH, rows - first);
    if (norm) own.normalise(norm, epsilon, scales + first, share ? 0 : rows - first);
    const int exponent = own.store<true>((Half *)tile, INPUT_BITS, nullptr, first);
    scale = two_to(-WEIGHT_BITS - exponent);
  }
  const uint x_at = shared_address(tile);
  written_for_products();
  __syncthreads();

  start_turns(group);
  float out[WIDTH / 8][4] = {};
  uint h[SLABS][4];
#pragma unroll 1
  for (int part = 0; part < parts.count; part++) {
    begin_turn(group);
    // All groups have started the part before, and are done with what those before it needed.
    if (part > 2 && threadIdx.x == 0) parts.fetch(part - 3 + STAGES);
    parts.wait(part);
    float c[TILE / 8][4];
    group_fence();
    if (part > 0) add_products(out, h, parts.down(part - 1));
    start_products(c, x_at, parts.up(part));
    group_commit();
    end_turn(group);
    group_wait<0>();
    group_done(out), group_done(c);
#pragma unroll
    for (int k = 0; k < SLABS; k++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = 2 * k + (i >> 1), e = 2 * (i & 1);
        const float2 b = *(const float2 *)(bias + part * TILE + 8 * j + 2 * t);
        h[k][i] = two_halves(Gelu(fmaf(c[j][e], scale, b.x)).value * (1 << HIDDEN_BITS),
                             Gelu(fmaf(c[j][e + 1], scale, b.y)).value * (1 << HIDDEN_BITS));
      }
  }
  begin_turn(group);
  group_fence();
  add_products(out, h, parts.down(parts.count - 1));
  group_commit();
  end_turns(group);
  group_wait<0>();
  group_done(out);

  constexpr float INVERSE = 1.0f / (1 << (WEIGHT_BITS + HIDDEN_BITS));
  if (CLUSTER > 1) {
    Pack<4> sums[SHARE];
    share_rows(out, INVERSE, (float *)aligned(shared_bytes), sums);
    const int column = 4 * (threadIdx.x & 31);
    const Pack<4> b = load_floats<4>(down_bias + column);
#pragma unroll
    for (int i = 0; i < SHARE; i++) {
      const long row = first + share * SHARE + i, at = row * WIDTH + column;
      if (row >= rows) break;
      const Pack<4> own = is_added ? load_pack<4>(x + at) : Pack<4>{};
#pragma unroll
      for (int e = 0; e < 4; e++) sums[i].at[e] = own.at[e] + (sums[i].at[e] + b.at[e]);
      store_pack<4>(y + at, sums[i]);
    }
    cluster_wait();
  } else {
#pragma unroll
    for (int j = 0; j < WIDTH / 8; j++) {
      const int column = 8 * j + 2 * t;
      const float2 b = {down_bias[column], down_bias[column + 1]};
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const long row = first + g + 8 * r;
        if (row >= rows) continue;
        const long at = row * WIDTH + column;
        const float2 own = is_added ? *(const float2 *)(x + at) : float2{0, 0};
        store_pack<2>(y + at, {own.x + fmaf(out[j][2 * r], INVERSE, b.x),
                               own.y + fmaf(out[j][2 * r + 1], INVERSE, b.y)});
      }
    }
  }
}

#endif
