// Recurrent cells on tensor cores, for heads of 16 units and more; after cell.cu.
//
// A warp owns 16 units. Its part of R is the left factor of 16x8x16 products and never moves: HELD
// fragments of it stay in registers, the others in shared memory. The right factor is the vector
// that all units need, of SEQUENCES sequences: h on the way forward, the gradients of the gates on
// the way back. It goes from the warps that make it to all warps through shared memory, in two
// buffers, so that one barrier a step is enough.
//
// Rows of R are dealt so that a lane gets the sums of all gates of its cells: the rest of a step
// happens in its registers. While the tensor cores work, it stores what the last step left, fetches
// what a later one needs and reads what the next one needs.
//
// Factors are 16-bit floats, with the 11 bits of mantissa of TF32; sums and states are 32-bit
// floats. Elements of R and h below 6e-5 are rounded to multiples of 6e-8, which no gate can see;
// gradients have scales of their own (cell_tensor_backward.cu).
//
// Constants: those of cell.cu with SEQUENCES at least 2, THREADS = 32 for each 16 units, HELD and
// STORED in fragments, HEADS, and RESIDENT, the blocks of a multiprocessor.

constexpr int warps = THREADS / 32;
constexpr int width = HEADS * DIM;
/// Fragments of R that a warp multiplies with.
constexpr int fragments = warps * gates;
static_assert(warps == (DIM + 15) / 16 && HELD + STORED == fragments && SEQUENCES >= 2, "");
/// Cells of a lane, and their sequences.
constexpr int lane_cells = SEQUENCES / 2;
constexpr int lane_sequences = lane_cells < 2 ? 1 : 2;
/// What a lane does beside the products of a step, in the order of its turns.
enum { STORE, FETCH, READ, DUTIES };

/// The left factor of a product: with g = `lane_group()` and t = `lane_in_group()`, the pairs
/// A[g][2t], A[g+8][2t], A[g][2t+8], A[g+8][2t+8].
struct alignas(16) Fragment {
  uint at[4];
};

/// c += a b, with the pairs B[2t][g] and B[2t+8][g] in b, and c as in mma_tf32.
DEVICE void add_tile(float (&c)[4], const Fragment &a, const uint *b) {
  mma_half(c, a.at, b[0], b[1]);
}

/// 8 or 16 bytes of shared memory, where there is something to load.
DEVICE void load_shared(uint (&x)[2], const void *from, bool there) {
  if (!there) return;
  const uint2 value = *(const uint2 *)from;
  x[0] = value.x, x[1] = value.y;
}
DEVICE void load_shared(uint (&x)[4], const void *from, bool there) {
  if (!there) return;
  const uint4 value = *(const uint4 *)from;
  x[0] = value.x, x[1] = value.y, x[2] = value.z, x[3] = value.w;
}

/// How a vector of `tiles` x 16 elements lies in shared memory, loaded `together` (1 or 2, which
/// divides `tiles`) tiles at once. The order of a product's inner dimension is free, so a lane takes
/// elements that follow each other.
template <int tiles, int together>
struct Vector {
  /// Halves from one sequence to the next, such that their elements lie in different banks.
  static constexpr int pitch = together == 2 ? (tiles * 16 + 31) / 64 * 64 + 32
                                             : (tiles * 16 + 47) / 64 * 64 + 16;
  static constexpr int size = SEQUENCES * pitch;
  using Right = uint[2 * together];

  /// The first of a lane's four elements of a tile.
  DEVICE static int element(int tile) {
    return tile / together * together * 16 + lane_in_group() * 4 * together +
           tile % together * 4;
  }
  /// Right factors of the tiles from a multiple of `together` on; column g is sequence g %
  /// SEQUENCES. Lanes that are not `there` keep what they have.
  DEVICE static void load(Right &b, const Half *vector, int tile, bool there = true) {
    load_shared(b, vector + lane_group() % SEQUENCES * pitch + element(tile), there);
  }
};

/// Whether a head has these units.
DEVICE bool are_inside(int unit, int other) {
  return DIM % 16 == 0 || (unit < DIM && other < DIM);
}

/// A warp's part of R.
struct Weights {
  Fragment held[HELD + 1];
  const Fragment *stored;

  /// Takes R's elements from `element(fragment, row, slot)`; row is one of the warp's 16 units.
  template <class Element>
  DEVICE Weights(Fragment *store, Element element) : stored(store) {
#pragma unroll 1
    for (int f = HELD; f < HELD + STORED; f++)
      store[(f - HELD) * THREADS + threadIdx.x] = fragment(f, element);
#pragma unroll
    for (int f = 0; f < HELD; f++) held[f] = fragment(f, element);
  }
  DEVICE Fragment operator[](int f) const {
    return f < HELD ? held[f] : stored[(f - HELD) * THREADS + threadIdx.x];
  }

 private:
  template <class Element>
  DEVICE static Fragment fragment(int f, Element element) {
    Fragment a;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int row = lane_group() + i % 2 * 8, slot = i / 2 * 2;
      a.at[i] = two_bounded_halves(element(f, row, slot), element(f, row, slot + 1));
    }
    return a;
  }
};

/// Runs the duties whose turn comes in one of the turns of a step's products.
template <class Duties>
DEVICE void run_duties(int turn, int turns, Duties duties) {
#pragma unroll
  for (int duty = 0; duty < DUTIES; duty++)
    if (duty * turns / DUTIES == turn) duties(duty);
}

/// The cells of a lane. Products leave it with units g and g + 8 and sequences 2t and 2t + 1,
/// counted modulo SEQUENCES; where lanes would compute the same cells, they divide them.
struct Cells {
  long first, column;
  int unit, sequence, there;

  DEVICE Cells(long batch) : first((long)blockIdx.x * SEQUENCES) {
    const int g = lane_group(), t = lane_in_group();
    unit = threadIdx.x / 32 * 16 + g + (SEQUENCES < 8 ? t / 2 * 8 : 0);
    sequence = SEQUENCES == 8 ? 2 * t : SEQUENCES == 4 ? t % 2 * 2 : t % 2;
    column = (long)blockIdx.y * DIM + unit;
    there = 0;
    for (int i = 0; i < lane_cells; i++)
      if (inside(i) && first + sequence_of(i) < batch) there |= 1 << i;
  }
  /// Of cell i: its unit's distance from `unit`, its sequence, whether its head has such a unit and
  /// whether there is such a cell.
  DEVICE static int shift(int i) { return i / 2 * 8; }
  DEVICE int sequence_of(int i) const { return sequence + i % 2; }
  DEVICE bool inside(int i) const { return DIM % 16 == 0 || unit + shift(i) < DIM; }
  DEVICE bool has(int i) const { return there >> i & 1; }
  /// Where the lane's sequence number s has step t in h; in a tensor of several planes, its first.
  DEVICE long at(int s, long length, long t, int planes = 1) const {
    return ((first + sequence + s) * length + t) * planes * width + column;
  }
  /// Where cell i stands in the states before and after all steps, and in plane m of the memories.
  DEVICE long state(int i) const { return at(i % 2, 1, 0) + shift(i); }
  DEVICE long memory(int i, int m) const { return at(i % 2, 1, 0, memories) + m * width + shift(i); }
};
