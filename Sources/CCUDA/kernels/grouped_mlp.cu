// The layer of mlp.cu for compute capability 9.0 and 128 columns; after mlp_clusters.cuh. Elsewhere
// the file is empty.
//
// A block has 64 rows for each group of four warps, whose hidden columns go past them in parts of
// 64. Where rows are few, the blocks of a cluster share these parts and, in the end, the rows.

// Those that share have no more parts than stages.
enum { STAGES = CLUSTER == 1 ? 5 : CLUSTER == 2 ? 4 : 2 };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

constexpr float INVERSE = 1.0f / (1 << (WEIGHT_BITS + HIDDEN_BITS));

/// Puts down a warp's rows of `out`, which is there once `wait` has returned, with the bias and the
/// rows of x, if there are.
template <typename Wait>
DEVICE void put_rows(const float (&out)[WIDTH / 8][4], Wait wait, long first, long rows,
                     const float *x, const float *down_bias, float *y) {
  const int g = lane_group(), t = lane_in_group();
  // What is read waits for what was stored: many columns at a time, the first ones before `out`.
  constexpr int BATCH = WIDTH / 16;
#pragma unroll
  for (int start = 0; start < WIDTH / 8; start += BATCH) {
    float2 own[BATCH][2], bias[BATCH];
#pragma unroll
    for (int j = 0; j < BATCH; j++) {
      const int column = 8 * (start + j) + 2 * t;
      bias[j] = {down_bias[column], down_bias[column + 1]};
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const long row = first + g + 8 * r;
        own[j][r] = x && row < rows ? *(const float2 *)(x + row * WIDTH + column) : float2{0, 0};
      }
    }
    if (start == 0) wait();
#pragma unroll
    for (int j = 0; j < BATCH; j++)
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const long row = first + g + 8 * r;
        const float *sum = out[start + j] + 2 * r;
        if (row < rows)
          store_pack<2>(y + row * WIDTH + 8 * (start + j) + 2 * t,
                        {own[j][r].x + fmaf(sum[0], INVERSE, bias[j].x),
                         own[j][r].y + fmaf(sum[1], INVERSE, bias[j].y)});
      }
  }
}

/// The same as mlp.
extern "C" __global__ void CLUSTERS_OF(CLUSTER, 1) __launch_bounds__(THREADS, 1)
    grouped_mlp(long rows, long hidden, const float *x, const float *norm, float epsilon,
                float *scales, const Half *weights, const float *up_bias, const float *down_bias,
                int is_added, float *y) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const int warp = own_warp(), group = warp / 4, t = lane_in_group();
  // The groups' rows, then the parts and their barriers, then the bias.
  char *const tile = aligned(shared_bytes) + group * FACTOR;
  const int share = blockIdx.x % CLUSTER, count = (int)hidden / TILE / CLUSTER;
  const WeightParts<STAGES> parts = {weights + share * count * (STAGE / 2), count,
                                     aligned(shared_bytes) + GROUPS * FACTOR};
  float *const bias = (float *)(parts.memory + STAGES * STAGE + 64);
  start_copies(parts, group);

  const long first = ((long)(blockIdx.x / CLUSTER) * WARPS + warp) * SLAB;
  float scale;
  {
    Slab own;
    follow(LOADING, group);
    own.load(x + first * WIDTH, rows - first);
    let_next(LOADING, group);
    // The others' first products are behind the first group's.
    if (group == 0)
      for (int i = threadIdx.x; i < count * TILE; i += 128)
        bias[i] = up_bias[share * count * TILE + i] * (1 << HIDDEN_BITS);
    if (norm) own.normalise(norm, epsilon, scales + first, share ? 0 : rows - first);
    const int exponent = own.store<true>((Half *)tile, INPUT_BITS, nullptr, first);
    scale = two_to(HIDDEN_BITS - WEIGHT_BITS - exponent);
  }
  const uint x_at = shared_address(tile);
  written_for_products();
  copies_started(group);

  float out[WIDTH / 8][4] = {};
  uint h[SLABS][4];
#pragma unroll 1
  for (int part = 0; part < parts.count; part++) {
    if (part == 0) follow(MULTIPLYING, group);
    parts.wait(part);
    float c[TILE / 8][4];
    group_fence();
    if (part > 0) add_products(out, h, parts.down(part - 1));
    start_products(c, x_at, parts.up(part));
    group_commit();
    group_wait<0>();
    group_done(out), group_done(c);
    if (part == 0) {
      let_next(MULTIPLYING, group);
    } else {
      parts.release(part - 1);
    }
#pragma unroll
    for (int k = 0; k < SLABS; k++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = 2 * k + (i >> 1), e = 2 * (i & 1);
        const float2 b = *(const float2 *)(bias + part * TILE + 8 * j + 2 * t);
        h[k][i] =
            two_halves(gelu(fmaf(c[j][e], scale, b.x)), gelu(fmaf(c[j][e + 1], scale, b.y)));
      }
  }
  group_fence();
  add_products(out, h, parts.down(parts.count - 1));
  group_commit();
  const auto end = [&] {
    group_wait<0>();
    group_done(out);
  };
  if (CLUSTER == 1) {
    put_rows(out, end, first, rows, is_added ? x : nullptr, down_bias, y);
  } else {
    end();
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
  }
}

#endif
