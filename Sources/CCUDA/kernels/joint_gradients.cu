// All gradients of linear maps of a norm's result, y_i = n W_i with n = norm(x), in one pass over the
// rows: dx, what the norm makes of dn = sum_i dy_i W_i' (Ba, Kiros and Hinton, 2016; Zhang and
// Sennrich, 2019), and of each weight n' dy_i. For compute capability 9.0; elsewhere the file is empty.
//
// Constants: PANELS, the panels of 64 columns of a block; NARROW, whether there are narrow maps behind the
// wide ones, of up to 8 columns for each block.
//
// Two blocks, a cluster, share tiles of 64 rows: each has half of the maps' columns, of which it keeps
// the weights in shared memory and the weights' gradients in registers. What each has of dn goes to
// the block that takes its rows back through the norm, of a tile the first half or the second.
//
// Products are of halves, with the mantissa of TF32. Each row of dy is scaled by the power of two that
// brings its greatest element to 2^13 ... 2^14, and what dn is made of is scaled back by the row. In the
// weights' gradients rows are added up: there each row of n is scaled by what is left of the greatest
// product of a row's two scales so far, and when that changes, so does the scale of the sums: what lies
// 2^-24 below the greatest is lost, beneath what a sum would keep of it.
//
// The columns of narrow maps have a panel of their own, whose first 16 columns are those of dy, the
// next ones their weights, for the first 64 inputs and the others. What the tensor cores make of these
// in the weights' gradients is not used.
//
// A warp copies its rows of the next tile to shared memory in the background as soon as it has read
// those of this one: some are always under way.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

/// Of dn: a group of warps has 64 rows by 32 inputs, and of the weights' gradients half the inputs by
/// panels of columns, every second one.
struct Sums {
  float dn[4][4];
  float weights[JOBS][8][4];
  /// The greatest of `both_exponents` so far.
  int greatest;

  static DEVICE int group() { return threadIdx.x >> 7; }
  /// Where there is an odd number of panels, the last one is in two groups' sums.
  static DEVICE int panel(int job) { return min(2 * job + (group() >> 1), ALL_PANELS - 1); }

  /// Fits the sums of the weights' gradients to what the rows are scaled with from now on.
  DEVICE void rescale(const int *both_exponents) {
    const int lane = own_lane();
    const int most = __reduce_max_sync(
        FULL_WARP, (uint)max(both_exponents[lane], both_exponents[lane + 32]));
    if (most <= greatest) return;
    const float ratio = small_power(greatest - most);
    greatest = most;
#pragma unroll
    for (int job = 0; job < JOBS; job++)
#pragma unroll
      for (int j = 0; j < 8; j++)
#pragma unroll
        for (int e = 0; e < 4; e++) weights[job][j][e] *= ratio;
  }

  /// Starts the products with a tile: first those for dn, then those for the weights' gradients.
  DEVICE void start(uint dy, uint n, uint panels) {
    group_fence();
#pragma unroll
    for (int k = 0; k < PANELS * 4; k++)
      group_product_32(dn, describe(dy + k / 4 * DY_PANEL) + k % 4 * 2,
                       describe(panels + k / 4 * WEIGHT_PANEL + group() * 32 * LINE) + k % 4 * 2,
                       k > 0);
    if (NARROW)
      group_product_32(dn, describe(dy + PANELS * DY_PANEL),
                       describe(dy + PANELS * DY_PANEL + (group() & 1) * 32 * LINE) +
                           (1 + (group() >> 1)) * 2,
                       true);
    group_commit();
    const ulong64 left = describe(n + (group() & 1) * DY_PANEL);
#pragma unroll
    for (int job = 0; job < JOBS; job++)
#pragma unroll
      for (int k = 0; k < ROWS / 16; k++)
        group_product<true>(weights[job], left + k * 16 * LINE / 16,
                            describe(dy + panel(job) * DY_PANEL) + k * 16 * LINE / 16, true);
    group_commit();
  }

  /// Leaves what this block has of dn with the block that takes the rows.
  DEVICE void send(Shared &shared) const {
    const int warp = own_warp() & 3, t = lane_in_group();
    float *const to = shared.dn[own_rank()] + group() * 32 + 2 * t;
#pragma unroll
    for (int e = 0; e < 2; e++) {
      const int row = warp * 16 + lane_group() + 8 * e;
      const float scale = small_power(shared.exponents[row] - 144);
#pragma unroll
      for (int j = 0; j < 4; j++)
        cluster_store(shared_address(to + row % SHARE * PITCH + 8 * j), warp >> 1,
                      dn[j][2 * e] * scale, dn[j][2 * e + 1] * scale);
    }
  }

  static DEVICE void write_narrow(const Maps &maps, float *to, const float (&sums)[8][4], int input,
                                  float scale, float rest) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const MapColumn own = narrow_column(maps, 2 * lane_in_group() + i);
      if (!is_there(maps, own)) continue;
      const int n = maps.columns(own.map);
      float *const from = to + INPUTS * maps.before(own.map) + own.column;
#pragma unroll
      for (int e = 0; e < 2; e++) from[(input + 8 * e) * n] = sums[0][2 * e + i] * scale * rest;
    }
  }

  /// Leaves the weights' gradients, each map's behind that of the map before.
  DEVICE void write(const Maps &maps, float *to) const {
    // Twice, because the whole power may be out of range.
    const int exponent = greatest - 280, half = exponent / 2;
    const float scale = small_power(half), rest = small_power(exponent - half);
    const int input = (group() & 1) * 64 + (own_warp() & 3) * 16 + lane_group();
#pragma unroll
    for (int job = 0; job < JOBS; job++) {
      if (2 * job + (group() >> 1) >= PANELS) continue;
      const MapColumn own(maps, panel_column(2 * job + (group() >> 1)));
      const int n = maps.columns(own.map);
      float *const from = to + INPUTS * maps.before(own.map) + own.column + 2 * lane_in_group();
#pragma unroll
      for (int e = 0; e < 2; e++)
#pragma unroll
        for (int j = 0; j < 8; j++)
          store_pack(from + (input + 8 * e) * n + 8 * j,
                     Pack<2>{weights[job][j][2 * e] * scale * rest,
                             weights[job][j][2 * e + 1] * scale * rest});
    }
    if (NARROW && group() >> 1 == (PANELS & 1))
      write_narrow(maps, to, weights[PANELS / 2 % JOBS], input, scale, rest);
  }
};

/// The way back through the norm, of two rows of a warp; a lane has four columns.
struct WayBack {
  float *dx;
  int rows;
  bool has_mean, accumulate;
  /// What is added to: sums for the norm's weight and bias.
  Pack<4> dw, db;
  /// The distances from the mean.
  Pack<4> distance[2];

  DEVICE void run(const Shared &shared, int first, const Pack<4> (&old)[2]) {
    const int lane = own_lane(), warp = own_warp();
    const Pack<4> w = shared.weight[lane];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int place = (2 * warp + i) * PITCH + 4 * lane;
      Pack<4> g = *(const Pack<4> *)(shared.dn[0] + place);
      const Pack<4> other = *(const Pack<4> *)(shared.dn[1] + place);
      const float scale = shared.scale[warp][i];
      float level = 0, slope = 0;
#pragma unroll
      for (int j = 0; j < 4; j++) {
        g.at[j] += other.at[j];
        dw.at[j] += g.at[j] * distance[i].at[j] * scale;
        db.at[j] += g.at[j];
        g.at[j] *= w.at[j];
        level += g.at[j];
        slope += g.at[j] * distance[i].at[j];
      }
      slope = warp_sum(slope) * (1.0f / INPUTS) * scale * scale * scale;
      level = has_mean ? warp_sum(level) * (1.0f / INPUTS) * scale : 0.0f;
#pragma unroll
      for (int j = 0; j < 4; j++)
        g.at[j] = old[i].at[j] + (scale * g.at[j] - (level + slope * distance[i].at[j]));
      const int row = first + 2 * warp + i;
      if (row < rows) store_pack(dx + (long)row * INPUTS + 4 * lane, g);
    }
  }

  /// Brings the rows' gradient so far to the cache of the second level.
  DEVICE void bring_near(int first) const {
    const int lane = own_lane(), row = first + 2 * own_warp() + lane / 4;
    if (accumulate && lane < 8 && row < rows)
      prefetch(dx + (long)row * INPUTS + lane % 4 * 32);
  }
  /// The same, where it is added to.
  DEVICE void load(int first, Pack<4> (&old)[2]) const {
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int row = first + 2 * own_warp() + i;
      old[i] = accumulate && row < rows ? load_pack<4>(dx + (long)row * INPUTS + 4 * own_lane())
                                        : Pack<4>{};
    }
  }

  /// Leaves the sums over the warps, those that are wanted.
  DEVICE void write(Shared &shared, float *partial, int wants_weight, int wants_bias) const {
    Pack<4> *const all = (Pack<4> *)shared.arriving_dy;
    all[threadIdx.x] = dw, all[THREADS + threadIdx.x] = db;
    __syncthreads();
    if (threadIdx.x >= 2 * INPUTS) return;
    const int which = threadIdx.x / INPUTS, column = threadIdx.x % INPUTS;
    if (!(which ? wants_bias : wants_weight)) return;
    const float *const from = (const float *)(all + which * THREADS) + column;
    float sum = 0;
#pragma unroll
    for (int i = 0; i < WARPS; i++) sum += from[i * INPUTS];
    partial[((int)blockIdx.x * (wants_weight + wants_bias) + (which ? wants_weight : 0)) * INPUTS +
            column] = sum;
  }
};

/// A warp's rows of a tile as factors: of dy they are made at once, of n when the scale is known.
struct Factors {
  uint dy[4][PANELS];
  /// The norm's result for the last two rows; the others are made again of what is kept for the way back.
  Pack<4> others[2];

  /// The norm's result.
  DEVICE static Pack<4> result(const Shared &shared, const Pack<4> &distance, float scale) {
    const Pack<4> w = shared.weight[own_lane()], b = shared.bias[own_lane()];
    Pack<4> n;
#pragma unroll
    for (int j = 0; j < 4; j++) n.at[j] = distance.at[j] * scale * w.at[j] + b.at[j];
    return n;
  }

  DEVICE void take(Shared &shared, WayBack &back, bool has_mean) {
    const int warp = own_warp(), lane = anew(own_lane());
    const float narrow = NARROW ? fabsf(shared.arriving_narrow[warp][lane]) : 0.0f;
#pragma unroll
    for (int slot = 0; slot < 4; slot++) {
      float2 x[PANELS];
      float most = NARROW && lane / NARROW_COLUMNS == slot ? narrow : 0.0f;
#pragma unroll
      for (int panel = 0; panel < PANELS; panel++) {
        x[panel] = *(const float2 *)(shared.arriving_dy[warp][panel][slot] + 2 * lane);
        most = fmaxf(most, fmaxf(fabsf(x[panel].x), fabsf(x[panel].y)));
      }
      const int exponent = greatest_exponent(most);
      const float up = __uint_as_float((uint)(267 - exponent) << 23);  // 2^(140 - exponent)
#pragma unroll
      for (int panel = 0; panel < PANELS; panel++)
        dy[slot][panel] = two_halves(x[panel].x * up, x[panel].y * up);

      Pack<4> distance = *(const Pack<4> *)(shared.arriving_x[warp][slot] + 4 * lane);
      const float scale = shared.arriving_scale[warp][slot];
      const float mean = has_mean ? shared.arriving_mean[warp][slot] : 0.0f;
#pragma unroll
      for (int j = 0; j < 4; j++) distance.at[j] -= mean;
      const Pack<4> n = result(shared, distance, scale);
      most = fmaxf(fmaxf(fabsf(n.at[0]), fabsf(n.at[1])), fmaxf(fabsf(n.at[2]), fabsf(n.at[3])));
      if (slot < 2)
        back.distance[slot] = distance;
      else
        others[slot - 2] = n;
      const int both_exponents = exponent + greatest_exponent(most);
      if (lane > 0) continue;
      if (slot < 2) shared.scale[warp][slot] = scale;
      shared.exponents[own_row(slot)] = exponent;
      shared.both_exponents[own_row(slot)] = both_exponents;
    }
  }
  DEVICE void put_dy(Shared &shared) const {
    const int lane = NARROW ? anew(own_lane()) : own_lane();
#pragma unroll
    for (int slot = 0; slot < 4; slot++) {
      const int row = own_row(slot);
#pragma unroll
      for (int panel = 0; panel < PANELS; panel++)
        *(uint *)(shared.dy + panel * DY_PANEL + place(row, 2 * lane)) = dy[slot][panel];
    }
    if (!NARROW) return;
    const int row = own_row(lane / NARROW_COLUMNS), column = lane % NARROW_COLUMNS;
    const float up = __uint_as_float((uint)(267 - shared.exponents[row]) << 23);
    *(Half *)(shared.dy + PANELS * DY_PANEL + place(row, column)) =
        (Half)two_halves(shared.arriving_narrow[own_warp()][lane] * up, 0);
  }
  DEVICE void put_n(Shared &shared, const WayBack &back, int greatest) const {
    const int column = 4 * anew(own_lane());
    char *const to = shared.n + column / 64 * DY_PANEL;
#pragma unroll
    for (int slot = 0; slot < 4; slot++) {
      const float scale = small_power(140 + shared.exponents[own_row(slot)] - greatest);
      const Pack<4> x = slot < 2 ? result(shared, back.distance[slot & 1], shared.scale[own_warp()][slot & 1])
                                 : others[slot & 1];
      *(uint2 *)(to + place(own_row(slot), column % 64)) =
          uint2{two_halves(x.at[0] * scale, x.at[1] * scale),
                two_halves(x.at[2] * scale, x.at[3] * scale)};
    }
  }
};

/// `weight`, `bias`, `mean`, `scale`: the norm's, as in norms.cu. dx is written or added to. `parts`: a
/// cluster leaves the weights' gradients, each map's behind that of the map before. `partial`: a block
/// leaves the sums for the norm's weight and bias, those of them that are wanted.
extern "C" __global__ void CLUSTERS_OF(2, 1) __launch_bounds__(THREADS, 1)
    joint_gradients(const float *x, const float *weight, const float *bias, const float *mean,
                    const float *scale, float *dx, float *parts, float *partial, MAPS_PARAMETERS,
                    int rows, int accumulate, int wants_weight, int wants_bias) {
  begin_kernel();
  extern __shared__ __align__(1024) char shared_bytes[];
  Shared &shared = *(Shared *)(shared_bytes + (-shared_address(shared_bytes) & 1023));
  const Maps maps = MAPS;
  const int step = (int)gridDim.x / 2 * ROWS;
  int first = (int)blockIdx.x / 2 * ROWS;
  if (threadIdx.x < PANELS) {
    const MapColumn own(maps, panel_column(threadIdx.x));
    shared.sources[threadIdx.x] = {maps.output(own.map) + own.column, maps.columns(own.map)};
  }
  if (NARROW && threadIdx.x < NARROW_COLUMNS) {
    const MapColumn own = narrow_column(maps, threadIdx.x);
    shared.sources[PANELS + threadIdx.x] =
        is_there(maps, own) ? Source{maps.output(own.map) + own.column, maps.columns(own.map)}
                            : Source{nullptr, 0};
  }
  if (threadIdx.x < INPUTS / 4) {
    const int column = 4 * threadIdx.x;
    shared.weight[threadIdx.x] = weight ? load_floats<4>(weight + column) : Pack<4>{1, 1, 1, 1};
    shared.bias[threadIdx.x] = bias ? load_floats<4>(bias + column) : Pack<4>{};
  }
  __syncthreads();
  const NormRows norm_rows{x, mean, scale, rows};
  norm_rows.load(shared, first);
  norm_rows.load_narrow(shared, first);
  put_panels(maps, shared);
  if (NARROW) put_narrow_panel(maps, shared);

  WayBack back = {dx, rows, mean != nullptr, accumulate != 0};
  Sums sums = {};
  sums.greatest = 36;
  cluster_arrive();
#pragma unroll 1
  for (; first < rows; first += step) {
    Factors factors;
    copy_wait<0>();
    __syncwarp();
    factors.take(shared, back, mean != nullptr);
    norm_rows.load(shared, first + step);
    back.bring_near(first + own_rank() * SHARE);
    // Both blocks have gone back with the last tile, and its products are made.
    cluster_wait();
    factors.put_dy(shared);
    norm_rows.load_narrow(shared, first + step);
    __syncthreads();
    sums.rescale(shared.both_exponents);
    factors.put_n(shared, back, sums.greatest);
    written_for_products();
    __syncthreads();
    sums.start(shared_address(shared.dy), shared_address(shared.n), shared_address(shared.weights));
    group_wait<1>();
    group_done(sums.dn);
    sums.send(shared);
    cluster_arrive();
    Pack<4> old[2];
    back.load(first + own_rank() * SHARE, old);
    cluster_wait();
    back.run(shared, first + own_rank() * SHARE, old);
    group_wait<0>();
#pragma unroll
    for (int job = 0; job < JOBS; job++) group_done(sums.weights[job]);
    cluster_arrive_read();
  }
  cluster_wait();
  sums.write(maps, parts + (long)(blockIdx.x / 2) * INPUTS * maps.all());
  copy_wait<0>();
  __syncthreads();
  if (partial) back.write(shared, partial, wants_weight, wants_bias);
}

#endif
