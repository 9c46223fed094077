// States that the scan with decays of vectors keeps for its way back; after scan_chunk.cu and
// halves.cuh.
//
// A kept state is only a factor of products whose factors are TF32, so 16-bit floats hold it as well
// at half the bytes, given the range: each strip of 16 columns is scaled by the power of two that
// brings its greatest entry below 2^15. It lies as the backward pass reads it: for each eight keys
// and each strip, lane (g, t) has key g and columns t, t + 4 and t + 8, t + 12, in two words.

constexpr int strips = values / 16, key_tiles = keys / 8;
/// Floats of a block's part of a state: words, then a scale for each strip.
constexpr int state_words = keys * values / 2, state_size = state_words + (strips + 3) / 4 * 4;

DEVICE long state_place(const Head &x, int chunk) {
  const long chunks = (x.length + C - 1) / C;
  return (((x.batch * (long)x.heads + x.head) * chunks + chunk) * gridDim.y + blockIdx.y) *
         state_size;
}
DEVICE int state_word(int key_tile, int strip, int lane) {
  return ((key_tile * strips + strip) * 32 + lane) * 2;
}

/// The numbers of a pair of 16-bit floats.
DEVICE Pack<2> from_halves(uint both) {
  Pack<2> two;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
      : "=f"(two.at[0]), "=f"(two.at[1])
      : "r"(both));
  return two;
}

/// The power of two that brings numbers up to `most` below 2^15, as far as there is one.
DEVICE float state_scale(float most) {
  const uint exponent = max(__float_as_uint(most) & 0x7f800000u, 20u << 23);
  return __uint_as_float((268u << 23) - exponent);
}
/// 1 / x for a power of two.
DEVICE float inverse_power(float x) { return __uint_as_float((254u << 23) - __float_as_uint(x)); }

/// A warp's 16 columns of the state, transposed: columns g and g + 8, keys 2t and 2t + 1 of each
/// eight. Either of the two is as products want their second factor.
struct Strip {
  float at[key_tiles][4];

  DEVICE static int first() { return (own_thread() >> 5) * 16; }

  /// Calls f(key, column, entry) for the entries that are there.
  template <class F>
  DEVICE void each(const Head &x, F f) {
    const int lane = own_thread() & 31;
#pragma unroll
    for (int n = 0; n < key_tiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int key = n * 8 + (lane & 3) * 2 + i % 2;
        const int column = first() + (lane >> 2) + i / 2 * 8;
        if (key < KEY_DIM && column < x.columns) f(key, column, at[n][i]);
      }
  }

  /// Keeps it, as said above.
  DEVICE void keep(float *to) const {
    const int lane = own_thread() & 31, strip = first() / 16;
    float most = 0;
#pragma unroll
    for (int n = 0; n < key_tiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) most = fmaxf(most, fabsf(at[n][i]));
    // Numbers that are not negative are in the order of their bits.
    most = __uint_as_float(__reduce_max_sync(FULL_WARP, __float_as_uint(most)));
    const float scale = state_scale(most);
    if (!lane) to[state_words + strip] = inverse_power(scale);
    // Lanes 16 apart have the columns of a word, each for two keys; they get one key each.
    const bool upper = lane >> 4;
    const uint order = upper ? 0x7632 : 0x5410;
    const int place = ((lane & 3) * 2 + upper) * 4 + (lane >> 2 & 3);
    const auto exchange = [&](float x, float y) {
      const uint own = two_halves(scale * x, scale * y);
      const uint other = __shfl_xor_sync(FULL_WARP, (int)own, 16);
      return __uint_as_float(__byte_perm(upper ? other : own, upper ? own : other, order));
    };
#pragma unroll
    for (int n = 0; n < key_tiles; n++) {
      const Pack<2> words = {exchange(at[n][0], at[n][1]), exchange(at[n][2], at[n][3])};
      store_pack(to + state_word(n, strip, place), words);
    }
  }
};
