// The gradients of mlp_inputs.cu for compute capability 9.0 and 128 columns; after mlp_clusters.cuh.
// Elsewhere the file is empty.
//
// Blocks and clusters as in grouped_mlp.cu; their rows of x and dy stay in shared memory.

enum { STAGES = CLUSTER == 1 ? 3 : CLUSTER == 2 ? 4 : 2 };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Brings 16 rows to their places in a group's tiles and, in a cluster's first block, to the copies.
DEVICE Exponents bring(int group, char *tiles, long first, long rows, const float *x,
                       const float *norm, const float *scales, const float *dy, Half *halves,
                       Exponents *exponents) {
  const long slab = first / SLAB, slabs = (rows + TILE - 1) / TILE * SLABS;
  const bool is_there = slab < slabs && blockIdx.x % CLUSTER == 0;
  Exponents exponent;
  Slab own, after;
  follow(LOADING, group);
  own.load(x + first * WIDTH, rows - first);
  after.load(dy + first * WIDTH, rows - first);
  let_next(LOADING, group);
  if (norm) own.scale(norm, scales + first, rows - first);
  exponent.x = own.store<true>((Half *)tiles, INPUT_BITS, is_there ? halves : nullptr, first);
  exponent.dy = after.store<true>((Half *)(tiles + FACTOR), GRADIENT_BITS,
                                is_there ? halves + slabs * SLAB * WIDTH : nullptr, first);
  if (is_there && (threadIdx.x & 31) == 0) exponents[slab] = exponent;
  return exponent;
}

/// Puts down the way back through the norm and around the layer, of what lies behind the norm, `out`
/// times `inverse`: dx (+)= scale (e - n mean of e n) + dy for a row n = x scale, with e = out weight.
/// A block leaves its sums of out n in a row of `sums`. The groups' `tiles` are no longer used for
/// anything else.
DEVICE void put_through_norm(float (&out)[WIDTH / 8][4], float inverse, char *tiles, long first,
                             long rows, const float *x, const float *norm, const float *scales,
                             const float *dy, float *dx, int accumulate, float *sums) {
  const int warp = own_warp(), g = lane_group(), t = lane_in_group();
  // Each warp's sums are in its group's tiles.
  const auto shared = [&](int warp) {
    return (float *)(tiles + warp / 4 * STAGE) + warp % 4 * WIDTH;
  };
  float own[2], along[2] = {}, parts[WIDTH / 8][2] = {};
#pragma unroll
  for (int r = 0; r < 2; r++) own[r] = first + g + 8 * r < rows ? scales[first + g + 8 * r] : 0;
  // The numbers of a row in two neighbouring columns.
  const auto load = [&](const float *from, int j, int r) {
    const long row = first + g + 8 * r;
    return row < rows ? *(const float2 *)(from + row * WIDTH + 8 * j + 2 * t) : float2{0, 0};
  };
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++) {
    const float weight[2] = {norm[8 * j + 2 * t], norm[8 * j + 2 * t + 1]};
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const float2 row = load(x, j, r);
      const float n[2] = {row.x * own[r], row.y * own[r]};
#pragma unroll
      for (int c = 0; c < 2; c++) {
        const float behind = out[j][2 * r + c] * inverse, e = behind * weight[c];
        parts[j][c] += behind * n[c];
        along[r] += e * n[c];
        out[j][2 * r + c] = e;
      }
    }
  }
#pragma unroll
  for (int r = 0; r < 2; r++) along[r] = group_sum<4>(along[r]) * own[r] * (1.0f / WIDTH);
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
    for (int c = 0; c < 2; c++)
#pragma unroll
      for (int d = 4; d < 32; d *= 2) parts[j][c] += __shfl_xor_sync(FULL_WARP, parts[j][c], d);
  group_barrier(warp / 4);
  if (g == 0)
#pragma unroll
    for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
      for (int c = 0; c < 2; c++) shared(warp)[8 * j + 2 * t + c] = parts[j][c];
  // What is read waits for what was stored: many columns at a time.
  constexpr int BATCH = WIDTH / 16;
#pragma unroll
  for (int start = 0; start < WIDTH / 8; start += BATCH) {
    float2 n[BATCH][2], around[BATCH][2];
#pragma unroll
    for (int i = 0; i < BATCH; i++)
#pragma unroll
      for (int r = 0; r < 2; r++)
        n[i][r] = load(x, start + i, r), around[i][r] = load(dy, start + i, r);
#pragma unroll
    for (int i = 0; i < BATCH; i++)
#pragma unroll
      for (int r = 0; r < 2; r++) {
        const long row = first + g + 8 * r;
        const float *e = out[start + i] + 2 * r;
        if (row < rows)
          put_pack(dx + row * WIDTH + 8 * (start + i) + 2 * t,
                   Pack<2>{own[r] * (e[0] - n[i][r].x * along[r]) + around[i][r].x,
                           own[r] * (e[1] - n[i][r].y * along[r]) + around[i][r].y},
                   accumulate);
      }
  }
  __syncthreads();
  if (threadIdx.x >= WIDTH) return;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < WARPS; i++) sum += shared(i)[threadIdx.x];
  sums[(long)blockIdx.x * WIDTH + threadIdx.x] = sum;
}

/// The same for the rows that a block of a cluster has in the end, `sums`.
DEVICE void put_through_norm(const Pack<4> (&behind)[SHARE], float *shared, long first, long rows,
                             const float *x, const float *norm, const float *scales,
                             const float *dy, float *dx, int accumulate, float *sums) {
  const int warp = own_warp(), column = 4 * (threadIdx.x & 31);
  const Pack<4> weight = load_floats<4>(norm + column);
  Pack<4> parts = {};
#pragma unroll
  for (int i = 0; i < SHARE; i++) {
    const long row = first + i, at = row * WIDTH + column;
    if (row >= rows) break;
    const float own = scales[row];
    const Pack<4> n = load_pack<4>(x + at), around = load_pack<4>(dy + at);
    Pack<4> e;
    float along = 0;
#pragma unroll
    for (int c = 0; c < 4; c++) {
      e.at[c] = behind[i].at[c] * weight.at[c];
      parts.at[c] += behind[i].at[c] * (n.at[c] * own);
      along += e.at[c] * (n.at[c] * own);
    }
    along = warp_sum(along) * own * (1.0f / WIDTH);
#pragma unroll
    for (int c = 0; c < 4; c++) e.at[c] = own * (e.at[c] - n.at[c] * along) + around.at[c];
    put_pack(dx + at, e, accumulate);
  }
  *(Pack<4> *)(shared + warp * WIDTH + column) = parts;
  __syncthreads();
  if (threadIdx.x >= WIDTH) return;
  float sum = 0;
#pragma unroll
  for (int i = 0; i < WARPS; i++) sum += shared[i * WIDTH + threadIdx.x];
  sums[(long)blockIdx.x * WIDTH + threadIdx.x] = sum;
}

/// The same as mlp_inputs; with `norm_sums`, [blocks, WIDTH], dx is the gradient of x itself, also
/// around the layer, and the parts of the gradient of the norm's weight are left there.
extern "C" __global__ void CLUSTERS_OF(CLUSTER, 1) __launch_bounds__(THREADS, 1)
    grouped_mlp_inputs(long rows, long hidden, const float *x, const float *norm,
                       const float *scales, const float *dy, const Half *weights,
                       const float *up_bias, float *dx, int accumulate, Half *halves,
                       Exponents *exponents, float *norm_sums) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const int warp = own_warp(), group = warp / 4, g = lane_group(), t = lane_in_group();
  // The groups' rows, then the parts and their barriers, then the bias.
  char *const tiles = aligned(shared_bytes) + group * STAGE;
  const int share = blockIdx.x % CLUSTER, count = (int)hidden / TILE / CLUSTER;
  const WeightParts<STAGES> parts = {weights + share * count * (STAGE / 2), count,
                                     aligned(shared_bytes) + GROUPS * STAGE};
  float *const bias = (float *)(parts.memory + STAGES * STAGE + 64);
  start_copies(parts, group);

  const long first = ((long)(blockIdx.x / CLUSTER) * WARPS + warp) * SLAB;
  const Exponents exponent =
      bring(group, tiles, first, rows, x, norm, scales, dy, halves, exponents);
  // The others' first products are behind the first group's.
  if (group == 0)
    for (int i = threadIdx.x; i < count * TILE; i += 128)
      bias[i] = up_bias[share * count * TILE + i] * BELL;
  const float scale = two_to(-WEIGHT_BITS - exponent.x) * BELL;
  const uint x_at = shared_address(tiles), dy_at = x_at + FACTOR;
  written_for_products();
  copies_started(group);

  float out[WIDTH / 8][4] = {};
  uint dh[SLABS][4];
#pragma unroll 1
  for (int part = 0; part < parts.count; part++) {
    if (part == 0) follow(MULTIPLYING, group);
    parts.wait(part);
    float c[TILE / 8][4], dc[TILE / 8][4];
    group_fence();
    if (part > 0) {
      add_products(out, dh, parts.up(part - 1));
      group_commit();
      group_wait<0>();
      group_done(out);
      parts.release(part - 1);
    }
    group_fence();
    start_products(c, x_at, parts.up(part));
    start_products(dc, dy_at, parts.down(part));
    group_commit();
    group_wait<0>();
    group_done(c), group_done(dc);
    if (part == 0) let_next(MULTIPLYING, group);
#pragma unroll
    for (int k = 0; k < SLABS; k++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = 2 * k + (i >> 1), e = 2 * (i & 1);
        const float2 b = *(const float2 *)(bias + part * TILE + 8 * j + 2 * t);
        const float left = Gelu(fmaf(c[j][e], scale, b.x)).slope_shifted(WEIGHT_BITS);
        const float right = Gelu(fmaf(c[j][e + 1], scale, b.y)).slope_shifted(WEIGHT_BITS);
        dh[k][i] = two_bounded_halves(dc[j][e] * left, dc[j][e + 1] * right);
      }
  }
  group_fence();
  add_products(out, dh, parts.up(parts.count - 1));
  group_commit();
  group_wait<0>();
  group_done(out);

  const float inverse = two_to(-WEIGHT_BITS - exponent.dy);
  if (CLUSTER > 1) {
    Pack<4> sums[SHARE];
    float *const shared = (float *)aligned(shared_bytes);
    share_rows(out, inverse, shared, sums);
    const long own = first + share * SHARE;
    if (norm_sums) {
      put_through_norm(sums, shared + SHARED_ROWS, own, rows, x, norm, scales, dy, dx, accumulate,
                       norm_sums);
    } else {
#pragma unroll
      for (int i = 0; i < SHARE; i++)
        if (own + i < rows)
          put_pack(dx + (own + i) * WIDTH + 4 * (threadIdx.x & 31), sums[i], accumulate);
    }
    return cluster_wait();
  }
  if (norm_sums)
    return put_through_norm(out, inverse, aligned(shared_bytes), first, rows, x, norm, scales, dy,
                            dx, accumulate, norm_sums);
#pragma unroll
  for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const long row = first + g + 8 * r;
      if (row < rows)
        put_pack(dx + row * WIDTH + 8 * j + 2 * t,
                 Pack<2>{out[j][2 * r] * inverse, out[j][2 * r + 1] * inverse}, accumulate);
    }
}

#endif
