// Attention for compute capability 9.0 and 128 columns: what the blocks are made of; after
// groups.cuh and attention_factors.cuh.
//
// A block has two groups of four warps that multiply, and eight warps that bring rows: with copies
// that go on in the background, to a ring of their own in shared memory, from where they become
// halves. No registers hold what is on its way, so that much can be. A multiprocessor has one
// block, which goes on with rows of the next sequence while the last products of one are made.

enum {
  GROUP = 128, GROUPS = 2, MAKERS = GROUPS * GROUP, BRINGERS = HALVES ? 4 : 8,
  THREADS = MAKERS + BRINGERS * 32,
  TILE = 64, PANELS = DIM / 64, PANEL = TILE * 128,
  // Rows that a warp brings at a time, of each of some tensors; lanes of a row, and what each has
  // of it, four columns at a time.
  BATCH = HALVES ? 4 : 2, BATCH_ROWS = BRINGERS * BATCH, LANES = 32 / BATCH, PIECES = DIM / 4 / LANES,
};
static_assert(DIM == 128 && VALUE_DIM == 128 && VECTORS, "two panels, and four columns a lane");

/// Where queries, keys and values are halves already (HALVES), as linear_outputs.cu leaves them, one
/// thread asks for them: they are [head, panel, token of all sequences], with the rows of panels as they
/// stand in shared memory. Sequences are multiples of two tiles.
///
/// Copies rows of a head from `row` on to its panels; the barrier counts the bytes.
DEVICE void copy_panels(uint to, int panel_bytes, const float *from, long rows, long row, int head,
                        int count, uint barrier) {
#pragma unroll
  for (int panel = 0; panel < PANELS; panel++)
    copy_bulk(to + panel * panel_bytes,
              (const char *)from + (((long)head * PANELS + panel) * rows + row) * 128, count * 128,
              barrier);
}

/// Registers of a thread: of the 128 that each of the block has, the four groups of warps may have
/// 512 together; three groups, with 168 each, 504.
template <int count>
DEVICE void more_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
}
template <int count>
DEVICE void fewer_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
}
/// Copies 4 bytes from global to shared memory in the background.
DEVICE void copy_float_async(float *shared, const float *global) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(
                   (uint)__cvta_generic_to_shared(shared)),
               "l"(global));
}

DEVICE float greatest(const float4 &x) {
  return fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
}

/// Where a row of a tensor with `heads` rows a token is.
DEVICE long row_of(long sequence, long tokens, int token, int heads, int head) {
  return (sequence * tokens + token) * heads + head;
}

/// Puts four columns of a row, which lane `lane` has as its i-th, to panels of so many bytes.
///
/// Of each 16 columns, 4 t ... 4 t + 3 become 2 t, 2 t + 1, 2 t + 8 and 2 t + 9: sums over columns
/// do not see it, and of products a lane has four columns that lie next to each other in memory.
DEVICE void put_columns(char *panels, int panel_bytes, int row, int lane, int i, const uint2 &x) {
  const int four = lane % LANES + LANES * i, piece = four % 16 / 4 * 2;
  char *to = panels + four / 16 * panel_bytes + row * 128 + four % 4 * 4;
  *(uint *)(to + (piece ^ (row & 7)) * 16) = x.x;
  *(uint *)(to + (piece + 1 ^ (row & 7)) * 16) = x.y;
}

/// Four columns of a product's row, times a factor: the m-th of a lane's, of row r of its two.
template <int N>
DEVICE Pack<4> columns_of(const float (&c)[N][4], int m, int r, float factor) {
  const float *x = c[2 * m] + 2 * r, *y = c[2 * m + 1] + 2 * r;
  return {x[0] * factor, x[1] * factor, y[0] * factor, y[1] * factor};
}

/// Asks for the lane's columns of a row, or zeros.
DEVICE void ask_row(float *to, const float *from, bool is_there) {
#pragma unroll
  for (int i = 0; i < PIECES; i++) copy_async(to + 4 * LANES * i, from + 4 * LANES * i, is_there);
}

/// Starts c = a b', 64 rows by 64, where rows lie in panels of so many bytes.
DEVICE void start_scores(float (&c)[TILE / 8][4], uint a, int a_panel, uint b, int b_panel) {
#pragma unroll
  for (int k = 0; k < DIM / 16; k++)
    group_product<false>(c, describe(a) + (k / 4 * a_panel + k % 4 * 32) / 16,
                         describe(b) + (k / 4 * b_panel + k % 4 * 32) / 16, k > 0);
}

/// Starts c += a b for the TILE rows of b.
DEVICE void add_products(float (&c)[PANELS * 8][4], const uint (&a)[TILE / 16][4], uint b) {
#pragma unroll
  for (int k = 0; k < TILE / 16; k++)
#pragma unroll
    for (int panel = 0; panel < PANELS; panel++)
      group_product<true>(c + panel * 8, a[k], describe(b) + (panel * PANEL + k * 2048) / 16, true);
}
