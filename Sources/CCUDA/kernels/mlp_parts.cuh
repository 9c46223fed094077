// The layer y = gelu(x U + b) D + c of `width` inputs and outputs, whose hidden numbers never come
// to memory: each warp has 16 rows or 16 hidden columns, and what one product leaves in its registers
// is the left factor of the next.
//
// Constants: WIDTH, a multiple of 16, at most 128; WARPS of a block.
//
// Products are of halves, with sums in 32-bit floats. Weights are multiplied by 16: up to 4094 they
// keep all their bits down to 4e-6. Hidden numbers are multiplied by 4: up to 16376, down to 2e-5.
// Greater ones become infinite, so that a run that diverges is seen to. Each 16 rows of x and of the gradient dy get a power of two of their own,
// which brings their greatest number to a place of the range: what lies 2^-27, for dy 2^-21, below it
// loses bits. From there on, gradients may grow by a factor of 256 before they are bounded.

constexpr int THREADS = 32 * WARPS, SLAB = 16, STEPS = WIDTH / 16;
// Rows in shared memory are odd multiples of 16 bytes, so that the 8 rows of a matrix lie in
// different banks.
constexpr int PITCH = WIDTH + 8;
// Whether the lanes that share a row are a power of two, as its norm needs.
constexpr bool CAN_NORMALISE = (WIDTH & (WIDTH - 1)) == 0;
constexpr int WEIGHT_BITS = 4, HIDDEN_BITS = 2, INPUT_BITS = 13, GRADIENT_BITS = 7;

/// 2^exponent, for -126 ... 127.
DEVICE float two_to(int exponent) { return __uint_as_float((uint)(127 + exponent) << 23); }

/// Where a number of 64 rows is in panels of 64 columns: rows of 128 bytes, whose eight pieces of 16
/// bytes are exchanged by the row's number.
DEVICE int panel_place(int row, int column) {
  return column / 64 * 64 * 64 + row * 64 + (column % 64 / 8 ^ row & 7) * 8 + column % 8;
}
/// Where a number is in the copies of x and dy as halves, in panels where columns fill them.
DEVICE long copy_place(long row, int column) {
  if (WIDTH % 64) return row * WIDTH + column;
  return row / 64 * (64 * WIDTH) + panel_place((int)(row % 64), column);
}

/// Where a number of the weights as halves is: `up` comes before `down` for each 64 hidden columns,
/// which are the rows of both, in panels as above.
DEVICE int weight_place(bool is_down, int row, int column) {
  const int own = WIDTH % 64 ? row % 64 * WIDTH + column : panel_place(row % 64, column);
  return (row / 64 * 2 + is_down) * (64 * WIDTH) + own;
}

/// The powers of two that 16 rows of x and of dy were multiplied by.
struct alignas(8) Exponents {
  int x, dy;
};

DEVICE float exp2_approximate(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
/// |x|, or `most` where that is less; NaN stays.
DEVICE float bounded_size(float x, float most) {
  float size;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(size) : "f"(fabsf(x)), "f"(most));
  return size;
}

/// The Gaussian error linear unit, of and as a number times 2^HIDDEN_BITS.
///
/// Of a normal distribution, what lies beyond |x| is two to the power of a polynomial, so that one
/// approximate function does. The coefficients are a weighted minimax fit of this project: the
/// greatest error of the unit is 6.5e-7, far below what the halves keep.
DEVICE float gelu(float x) {
  constexpr float ONE = 1.0f / (1 << HIDDEN_BITS), TWO = ONE * ONE, FOUR = TWO * TWO;
  const float size = fabsf(x);
  float power = fmaf(size, -5.0025931e-4f * FOUR * ONE, 7.2823763e-3f * FOUR);
  power = fmaf(size, power, -5.2343236e-2f * TWO * ONE);
  power = fmaf(size, power, -0.45941408f * TWO);
  power = fmaf(size, power, -1.1510520f * ONE);
  power = fmaf(size, power, -1.0000019f);
  return fmaf(-size, exp2_approximate(power), fmaxf(x, 0.0f));
}

/// What the numbers before the unit are multiplied by where its slope is wanted, so that the bell of
/// the normal distribution is 2^(-x^2): the root of log2(e) / 2.
constexpr float BELL = 0.84932180f;

/// The unit, times BELL, and its slope less 1/2, of a number times BELL.
///
/// At -|x| the slope is the bell times a polynomial, a weighted minimax fit with a greatest error of
/// 2e-5; beyond the bound the bell is 0.
struct Gelu {
  float value, slope;

  DEVICE Gelu(float x) {
    const float size = bounded_size(x, 14.0f), bell = exp2_approximate(-(size * size));
    float sum = fmaf(size, 1.7052984e-3f, -1.7137958e-2f);
    sum = fmaf(size, sum, 7.3898928e-2f);
    sum = fmaf(size, sum, -0.18860104f);
    sum = fmaf(size, sum, 0.33789443f);
    sum = fmaf(size, sum, -0.93843692f);
    sum = fmaf(size, sum, 0.49998122f);
    // What lies beyond |x| is the slope there and the bell times |x|.
    const float tail = bell * fmaf(size, 0.46971864f, sum);
    value = fmaf(-size, tail, fmaxf(x, 0.0f));
    slope = copysignf(fmaf(-bell, sum, 0.5f), x);
  }
  /// The slope itself, times 2^-`bits`.
  DEVICE float slope_shifted(int bits) const {
    return fmaf(slope, two_to(-bits), two_to(-bits - 1));
  }
};

/// 16 rows of a warp on their way from global memory to their places as left factors.
struct Slab {
  static constexpr int COUNT = WIDTH / 8;
  float4 x[COUNT];

  /// `count` rows, and zeros behind them.
  DEVICE void load(const float *rows, long count) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const int quad = lane + 32 * i;
      x[i] = quad / (WIDTH / 4) < count ? ((const float4 *)rows)[quad] : float4{0, 0, 0, 0};
    }
  }

  /// Multiplies each row by its number and each column by its own.
  DEVICE void multiply(const float (&rows)[COUNT], const float *columns) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const float *own = columns + (lane + 32 * i) % (WIDTH / 4) * 4;
      x[i].x *= rows[i] * own[0], x[i].y *= rows[i] * own[1];
      x[i].z *= rows[i] * own[2], x[i].w *= rows[i] * own[3];
    }
  }

  /// The root-mean-square norm of each row, times a weight; the roots' inverses are left in `scales`.
  DEVICE void normalise(const float *weight, float epsilon, float *scales, long count) {
    constexpr int LANES = CAN_NORMALISE ? WIDTH / 4 : 1;
    const int lane = threadIdx.x & 31;
    float rows[COUNT];
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const float own = x[i].x * x[i].x + x[i].y * x[i].y + x[i].z * x[i].z + x[i].w * x[i].w;
      rows[i] = rsqrtf(group_sum<LANES>(own) * (1.0f / WIDTH) + epsilon);
      const int row = (lane + 32 * i) / LANES;
      if (lane % LANES == 0 && row < count) scales[row] = rows[i];
    }
    multiply(rows, weight);
  }
  /// The same with inverses that are known.
  DEVICE void scale(const float *weight, const float *scales, long count) {
    float rows[COUNT];
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const int row = (int)((threadIdx.x & 31) + 32 * i) / (WIDTH / 4);
      rows[i] = row < count ? scales[row] : 0.0f;
    }
    multiply(rows, weight);
  }

  /// Writes halves to the warp's part of shared memory, or to panels of 64 rows, and, if it is there,
  /// to a copy, whose row `first` the first becomes; the greatest gets `bits` bits before the point.
  ///
  /// Returns the exponent of what all were multiplied by.
  template <bool in_panels = false>
  DEVICE int store(Half *tile, int bits, Half *copy = nullptr, long first = 0) const {
    const int lane = threadIdx.x & 31;
    float most = 0;
#pragma unroll
    for (int i = 0; i < COUNT; i++)
      most = fmaxf(most, fmaxf(fmaxf(fabsf(x[i].x), fabsf(x[i].y)),
                               fmaxf(fabsf(x[i].z), fabsf(x[i].w))));
    // Bounded from below so that the power, and its inverse, are there.
    const int exponent = bits + 127 - max((int)(__float_as_uint(warp_max(most)) >> 23), 18);
    const float scale = two_to(exponent);
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
      const int quad = lane + 32 * i;
      const uint2 halves = {two_halves(x[i].x * scale, x[i].y * scale),
                            two_halves(x[i].z * scale, x[i].w * scale)};
      const int row = quad / (WIDTH / 4), column = quad % (WIDTH / 4) * 4;
      const int place =
          in_panels ? panel_place((int)(first % 64) + row, column) : row * PITCH + column;
      *(uint2 *)(tile + place) = halves;
      if (copy) *(uint2 *)(copy + copy_place(first + row, column)) = halves;
    }
    return exponent;
  }
};

/// Adds up what NEIGHBOURS warps have for the same rows, in a fixed order, in the first of
/// them; false in the others. `shared` is no longer used for anything else.
template <int NEIGHBOURS>
DEVICE bool join(float (&sum)[WIDTH / 8][4], float *shared) {
  if (NEIGHBOURS == 1) return true;
  constexpr int COUNT = WIDTH / 2 * 32;
  const int warp = threadIdx.x >> 5;
  float *own = shared + warp * COUNT + (threadIdx.x & 31);
  __syncthreads();
  if (warp % NEIGHBOURS)
#pragma unroll
    for (int i = 0; i < WIDTH / 2; i++) own[32 * i] = sum[i / 4][i % 4];
  __syncthreads();
  if (warp % NEIGHBOURS) return false;
#pragma unroll
  for (int other = 1; other < NEIGHBOURS; other++)
#pragma unroll
    for (int i = 0; i < WIDTH / 2; i++) sum[i / 4][i % 4] += own[other * COUNT + 32 * i];
  return true;
}

/// All columns of the 16 rows that a warp has in shared memory.
DEVICE void load_factor(uint (&a)[STEPS][4], const Half *tile) {
  const int lane = threadIdx.x & 31;
  __syncwarp();
#pragma unroll
  for (int k = 0; k < STEPS; k++)
    load_halves(a[k], tile + (lane & 15) * PITCH + (lane >> 4) * 8 + 16 * k);
  __syncwarp();
}

/// Parts of the weights, of HIDDEN columns, which come to shared memory while those before are used.
template <int HIDDEN>
struct Weights {
  static_assert(HIDDEN == 64, "as they lie in memory");
  static constexpr int SIZE = 2 * HIDDEN * PITCH;
  const Half *up, *down;

  DEVICE static void expect(Half *to, const Half *all, int first) {
    constexpr int PACKS = WIDTH / 8;
#pragma unroll 1
    for (int i = threadIdx.x; i < 2 * HIDDEN * PACKS; i += THREADS) {
      const int place = i / PACKS, column = i % PACKS * 8;
      copy_async(to + place * PITCH + column,
                 all + first * 2 * WIDTH + weight_place(place >= HIDDEN, place % HIDDEN, column));
    }
    copy_commit();
  }

  DEVICE Weights(const Half *tile) : up(tile), down(tile + HIDDEN * PITCH) {}

  /// c += x U, or dy D', for 16 hidden columns from `n` on.
  DEVICE static void multiply(float (&c)[2][4], const uint (&x)[STEPS][4], const Half *weight,
                              int n) {
    const int lane = threadIdx.x & 31;
    const Half *from = weight + (n + (lane & 7) + (lane >> 4) * 8) * PITCH + (lane >> 3 & 1) * 8;
#pragma unroll
    for (int k = 0; k < STEPS; k++) {
      uint b[4];
      load_halves(b, from + 16 * k);
      mma_half(c[0], x[k], b[0], b[1]), mma_half(c[1], x[k], b[2], b[3]);
    }
  }
  /// y += h D, or dh U', for the 16 hidden columns from `n` on.
  DEVICE static void add(float (&y)[WIDTH / 8][4], const uint (&h)[4], const Half *weight, int n) {
    const int lane = threadIdx.x & 31;
    const Half *from = weight + (n + (lane & 15)) * PITCH + (lane >> 4) * 8;
#pragma unroll
    for (int j = 0; j < STEPS; j++) {
      uint b[4];
      load_transposes(b, from + 16 * j);
      mma_half(y[2 * j], h, b[0], b[1]), mma_half(y[2 * j + 1], h, b[2], b[3]);
    }
  }
};
