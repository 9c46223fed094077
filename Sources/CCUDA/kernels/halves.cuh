// Products of 16-bit floats, for the kernels that need them. A factor of 16 bits has the mantissa of
// TF32, 11 bits, at half the shared memory and twice the rate, but a small range: each kernel says
// what keeps its factors in it. Sums are 32-bit floats.

typedef unsigned short Half;

/// Two numbers as 16-bit floats, the first in the lower half; those beyond the range become
/// infinite.
DEVICE uint two_halves(float low, float high) {
  uint both;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
/// The same, but those beyond the range become the greatest there is; NaN stays.
DEVICE uint two_bounded_halves(float low, float high) {
  uint both;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}
DEVICE Half bounded_half(float x) {
  Half half;
  asm("cvt.rn.satfinite.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
  return half;
}

/// The products of two pairs.
DEVICE uint half_products(uint x, uint y) {
  uint both;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(both) : "r"(x), "r"(y));
  return both;
}
/// The numbers of a pair.
DEVICE float2 two_floats(uint halves) {
  float2 x;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
      : "=f"(x.x), "=f"(x.y)
      : "r"(halves));
  return x;
}

/// c += a b for one warp, 16x16 by 16x8. With g = lane / 4 and t = lane % 4, in pairs of columns:
/// a holds A[g][2t], A[g+8][2t], A[g][2t+8], A[g+8][2t+8]; b0 and b1 are, in pairs of rows, B[2t][g]
/// and B[2t+8][g]; c is as in mma_tf32.
DEVICE void mma_half(float (&c)[4], const uint (&a)[4], uint b0, uint b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// Four 8x8 matrices of shared memory, the rows of the n-th at the addresses of lanes 8n ... 8n + 7:
/// elements [g][2t] and [g][2t+1] of each.
DEVICE void load_halves(uint (&x)[4], const Half *row) { load_matrices(x, (const float *)row); }

/// The same of their transposes.
DEVICE void load_transposes(uint (&x)[4], const Half *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"((uint)__cvta_generic_to_shared(row))
               : "memory");
}
