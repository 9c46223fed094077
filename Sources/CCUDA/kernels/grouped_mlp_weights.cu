// The gradients of mlp_weights.cu for compute capability 9.0, 128 columns and multiples of 128
// hidden ones; after mlp_sums.cuh and mlp_groups.cuh. Elsewhere the file is empty.
//
// A block has two groups of four warps with 64 hidden columns each, whose weights are left factors
// in shared memory, and a part of the rows, which go past them in tiles of 64.

enum { STAGES = 4 };

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

static_assert(GROUPS == 2, "as the plan has it");

/// A block's tiles of x and dy, of `all`, on their way through shared memory.
struct Tiles {
  const Half *halves;
  const Exponents *exponents;
  long all, first;
  int count;
  char *memory;

  DEVICE const char *stage(int number) const { return memory + number % STAGES * STAGE; }
  DEVICE uint x(int number) const { return shared_address(stage(number)); }
  DEVICE uint dy(int number) const { return x(number) + FACTOR; }
  /// Of the weights of a group of warps.
  DEVICE uint weights(int group) const {
    return shared_address(memory + (STAGES + group) * STAGE);
  }
  DEVICE const Exponents *exponents_of(int number) const {
    return (const Exponents *)(memory + (STAGES + GROUPS) * STAGE) + number % STAGES * SLABS;
  }
  DEVICE uint barrier(int number) const {
    return weights_barrier() + 8 + number % STAGES * 8;
  }
  DEVICE uint weights_barrier() const {
    return shared_address(exponents_of(STAGES - 1) + SLABS);
  }
  DEVICE uint *counter(int number) const {
    return (uint *)(exponents_of(STAGES - 1) + SLABS + STAGES + 2) + number % STAGES;
  }
  DEVICE float *sums() const { return (float *)counter(0) + STAGES; }

  /// Asks for the weights, and for the first tiles.
  DEVICE void start(const Half *all_weights) const {
    barrier_start(weights_barrier());
    for (int i = 0; i < STAGES; i++) barrier_start(barrier(i)), *counter(i) = 0;
    barrier_start_done();
    barrier_expect(weights_barrier(), GROUPS * STAGE);
    for (int i = 0; i < GROUPS; i++)
      copy_bulk(weights(i), all_weights + (long)(blockIdx.x * GROUPS + i) * (STAGE / 2), STAGE,
                weights_barrier());
    for (int i = 0; i < STAGES; i++) fetch(i);
  }

  DEVICE void fetch(int number) const {
    if (number >= count) return;
    constexpr int SIZE = SLABS * sizeof(Exponents);
    const uint own = barrier(number);
    const long tile = first + number;
    barrier_expect(own, STAGE + SIZE);
    copy_bulk(x(number), halves + tile * (FACTOR / 2), FACTOR, own);
    copy_bulk(dy(number), halves + (all + tile) * (FACTOR / 2), FACTOR, own);
    copy_bulk(shared_address(exponents_of(number)), exponents + tile * SLABS, SIZE, own);
  }
  DEVICE void wait(int number) const { barrier_wait(barrier(number), number / STAGES & 1); }
  /// This warp is done with a tile; the last one asks for what takes its place.
  DEVICE void release(int number) const {
    if (number + STAGES < count && is_last_warp(counter(number))) fetch(number + STAGES);
    __syncwarp();
  }
};

/// The sums of dy over the block's rows; blocks side by side have 32 columns each by turns.
DEVICE void sum_gradients(const Tiles &tiles, float *to) {
  constexpr int COLUMNS = 32, PIECES = COLUMNS / 8;
  static_assert(THREADS == TILE * PIECES, "a thread for each row and 8 columns");
  const int row = threadIdx.x / PIECES, piece = threadIdx.x % PIECES, warp = threadIdx.x >> 5;
  float *const shared = tiles.sums();
  for (int start = blockIdx.x * COLUMNS; start < WIDTH; start += gridDim.x * COLUMNS) {
    float sums[8] = {};
    const Half *from =
        tiles.halves + (tiles.all + tiles.first) * (FACTOR / 2) + panel_place(row, start + 8 * piece);
    const Exponents *exponents = tiles.exponents + tiles.first * SLABS + row / SLAB;
#pragma unroll 4
    for (int tile = 0; tile < tiles.count; tile++) {
      const uint4 x = *(const uint4 *)(from + (long)tile * (FACTOR / 2));
      const float scale = two_to(-exponents[tile * SLABS].dy);
      const uint pairs[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float2 two = two_floats(pairs[i]);
        sums[2 * i] = fmaf(two.x, scale, sums[2 * i]);
        sums[2 * i + 1] = fmaf(two.y, scale, sums[2 * i + 1]);
      }
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
#pragma unroll
      for (int lanes = PIECES; lanes < 32; lanes *= 2)
        sums[i] += __shfl_xor_sync(FULL_WARP, sums[i], lanes);
      if ((threadIdx.x & 31) < PIECES) shared[warp * COLUMNS + 8 * piece + i] = sums[i];
    }
    __syncthreads();
    if (threadIdx.x < COLUMNS) {
      float sum = 0;
#pragma unroll
      for (int i = 0; i < WARPS; i++) sum += shared[i * COLUMNS + threadIdx.x];
      to[start + threadIdx.x] = sum;
    }
    __syncthreads();
  }
}

/// The sums of a thread, of rows `row` and `row` + 8 of its group's hidden columns.
struct GroupSums {
  float bias[2], bias_sum[2] = {};
  Sum up, down;
  uint h[SLABS][4], dh[SLABS][4];

  /// The left factors, from the products c of a tile with `up` and dc with `down`.
  DEVICE void make_factors(const float (&c)[TILE / 8][4], const float (&dc)[TILE / 8][4],
                           const Exponents *exponents) {
    int least = exponents[0].x + exponents[0].dy, least_down = exponents[0].dy;
#pragma unroll
    for (int k = 1; k < SLABS; k++) {
      least = min(least, exponents[k].x + exponents[k].dy);
      least_down = min(least_down, exponents[k].dy);
    }
    up.meet(least), down.meet(least_down + HIDDEN_BITS);
#pragma unroll
    for (int k = 0; k < SLABS; k++) {
      const Exponents own = exponents[k];
      const float scale = two_to(-WEIGHT_BITS - own.x) * BELL;
      const float to_up = two_to(max(up.exponent - own.x - own.dy, -126));
      const float to_hidden = two_to(max(down.exponent - own.dy, -126)) * (1 / BELL);
      float sums[2] = {};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int j = 2 * k + (i >> 1), r = i & 1;
        const Gelu left(fmaf(c[j][2 * r], scale, bias[r]));
        const Gelu right(fmaf(c[j][2 * r + 1], scale, bias[r]));
        const float dleft = dc[j][2 * r] * left.slope_shifted(WEIGHT_BITS);
        const float dright = dc[j][2 * r + 1] * right.slope_shifted(WEIGHT_BITS);
        h[k][i] = two_halves(left.value * to_hidden, right.value * to_hidden);
        dh[k][i] = two_bounded_halves(dleft * to_up, dright * to_up);
        sums[r] += dleft + dright;
      }
#pragma unroll
      for (int r = 0; r < 2; r++) bias_sum[r] = fmaf(sums[r], two_to(-own.dy), bias_sum[r]);
    }
  }
  /// Starts to add the products of the left factors with a tile.
  DEVICE void add(uint x, uint dy) {
    add_products(down.at, h, dy), add_products(up.at, dh, x);
  }
  /// Waits for them.
  DEVICE void wait() {
    group_wait<0>();
    group_done(down.at), group_done(up.at);
  }

  DEVICE void store(float *parts, int row, long hidden) const {
    float *const up_bias = parts + WIDTH * hidden, *const down_part = up_bias + hidden;
    const float2 up_inverse = up.inverse(), down_inverse = down.inverse();
    const int t = lane_in_group();
#pragma unroll
    for (int j = 0; j < WIDTH / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i += 2) {
        const int own = row + 4 * i, column = 8 * j + 2 * t;
        const auto up_at = [&](int e) { return up.at[j][i + e] * up_inverse.x * up_inverse.y; };
        const auto down_at = [&](int e) {
          return down.at[j][i + e] * down_inverse.x * down_inverse.y;
        };
        parts[column * hidden + own] = up_at(0), parts[(column + 1) * hidden + own] = up_at(1);
        store_pack<2>(down_part + (long)own * WIDTH + column, {down_at(0), down_at(1)});
      }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      const float sum = group_sum<4>(bias_sum[r]);
      if (t == 0) up_bias[row + 8 * r] = sum;
    }
  }
};

/// The same as mlp_weights.
extern "C" __global__ void __launch_bounds__(THREADS, 1)
    grouped_mlp_weights(long slabs, long hidden, long split, const Half *halves,
                        const Exponents *exponents, const Half *weights, const float *up_bias,
                        float *parts) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  const long all = slabs / SLABS, first = blockIdx.y * split;
  const Tiles tiles = {halves, exponents, all, first, (int)min(split, all - first),
                       aligned(shared_bytes)};
  if (threadIdx.x == 0) tiles.start(weights);
  parts += blockIdx.y * (2 * WIDTH * hidden + hidden + WIDTH);
  sum_gradients(tiles, parts + (2 * WIDTH * hidden + hidden));
  __syncthreads();

  const int warp = own_warp(), group = warp / 4;
  const int row = (blockIdx.x * WARPS + warp) * SLAB + lane_group();
  const uint up = tiles.weights(group), down = up + FACTOR;
  GroupSums sums;
  sums.bias[0] = up_bias[row] * BELL, sums.bias[1] = up_bias[row + 8] * BELL;
  float c[TILE / 8][4], dc[TILE / 8][4];
  barrier_wait(tiles.weights_barrier(), 0);
#pragma unroll 1
  for (int tile = 0; tile < tiles.count; tile++) {
    if (tile == 0) follow(MULTIPLYING, group);
    tiles.wait(tile);
    group_fence();
    if (tile > 0) sums.add(tiles.x(tile - 1), tiles.dy(tile - 1));
    start_products(c, up, tiles.x(tile));
    start_products(dc, down, tiles.dy(tile));
    group_commit();
    sums.wait();
    group_done(c), group_done(dc);
    if (tile == 0) {
      let_next(MULTIPLYING, group);
    } else {
      tiles.release(tile - 1);
    }
    sums.make_factors(c, dc, tiles.exponents_of(tile));
  }
  group_fence();
  sums.add(tiles.x(tiles.count - 1), tiles.dy(tiles.count - 1));
  group_commit();
  sums.wait();
  sums.store(parts, row, hidden);
}

#endif
