// Products of groups of four warps, with the tensor cores' asynchronous instructions that only
// compute capability 9.0 has; after halves.cuh.
//
// Matrices lie in shared memory as panels of 64 columns: rows of 128 bytes, whose eight pieces of
// 16 bytes are exchanged by the row's number, so that the tensor cores' accesses fall into
// different banks. A panel begins at a multiple of 1 KiB.

typedef unsigned long long ulong64;

DEVICE uint shared_address(const void *x) { return (uint)__cvta_generic_to_shared(x); }

#define GROUP_SUMS                                                                               \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24," \
  "%25,%26,%27,%28,%29,%30,%31}"
#define GROUP_OUTPUTS                                                                              \
  "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), "+f"(c[1][0]), "+f"(c[1][1]),        \
      "+f"(c[1][2]), "+f"(c[1][3]), "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]),    \
      "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3]), "+f"(c[4][0]), "+f"(c[4][1]),    \
      "+f"(c[4][2]), "+f"(c[4][3]), "+f"(c[5][0]), "+f"(c[5][1]), "+f"(c[5][2]), "+f"(c[5][3]),    \
      "+f"(c[6][0]), "+f"(c[6][1]), "+f"(c[6][2]), "+f"(c[6][3]), "+f"(c[7][0]), "+f"(c[7][1]),    \
      "+f"(c[7][2]), "+f"(c[7][3])

/// c (+)= a b for a group of warps, 64 x 16 by 16 x 64, when it is waited for; `b` describes where
/// the factor lies, whose rows are rows of b where `rows`, else its columns.
template <bool rows>
DEVICE void group_product(float (*c)[4], const uint a[4], ulong64 b, bool add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " GROUP_SUMS
      ", {%32,%33,%34,%35}, %36, p, 1, 1, %38;\n}"
      : GROUP_OUTPUTS
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"((int)add), "n"(rows ? 1 : 0));
}
/// The same where both factors lie in shared memory: their rows are rows of a and columns of b, or
/// with `columns` columns of a and rows of b.
template <bool columns>
DEVICE void group_product(float (*c)[4], ulong64 a, ulong64 b, bool add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 " GROUP_SUMS
      ", %32, %33, p, 1, 1, %35, %35;\n}"
      : GROUP_OUTPUTS
      : "l"(a), "l"(b), "r"((int)add), "n"(columns ? 1 : 0));
}
/// Registers that products are about to use are written.
DEVICE void group_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void group_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
/// Waits until at most `groups` of the committed products are under way.
template <int groups>
DEVICE void group_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(groups) : "memory");
}
/// Keeps what reads the sums behind the wait for them.
template <int count>
DEVICE void group_done(float (&c)[count][4]) {
#pragma unroll
  for (int n = 0; n < count; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) asm volatile("" : "+f"(c[n][i])::"memory");
}

/// A place of a panel: groups of 8 rows of 128 bytes follow each other.
DEVICE ulong64 describe(uint address) {
  const ulong64 group = 1024 >> 4, exchanged = 1ull << 62;
  return (ulong64)((address & 0x3ffff) >> 4) | group << 16 | group << 32 | exchanged;
}

/// Barriers by number, for so many threads.
DEVICE void barrier_sync(int number, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
DEVICE void barrier_arrive(int number, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
/// What this thread wrote to shared memory is there for the tensor cores.
DEVICE void written_for_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

/// Barriers in shared memory, which wait for bytes.
DEVICE void barrier_start(uint barrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(barrier) : "memory");
}
DEVICE void barrier_start_done() {
  asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async;" ::: "memory");
}
/// The barrier opens when `bytes` have come.
DEVICE void barrier_expect(uint barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}
DEVICE void barrier_wait(uint barrier, int turn) {
  asm volatile(
      "{\n.reg .pred p;\nagain:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
      "@p bra done;\nbra again;\ndone:\n}" ::"r"(barrier),
      "r"(turn)
      : "memory");
}
/// Copies from global to shared memory; the barrier counts the bytes.
DEVICE void copy_bulk(uint shared, const void *global, int bytes, uint barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared), "l"(__cvta_generic_to_global(global)), "r"(bytes), "r"(barrier)
      : "memory");
}
