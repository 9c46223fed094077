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
