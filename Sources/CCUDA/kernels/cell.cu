// Recurrent cells: Elman, GRU, LSTM and sLSTM with block-diagonal recurrence (architectures.md P6;
// the cells and the shapes stand in CKernels.h). Shared parts; cell_forward.cu and cell_backward.cu
// follow for small and for large heads, cell_tensor.cuh for those between. What is said here of R
// and of products is true of the first two.
//
// Time steps depend on each other, sequences and heads do not: a block takes SEQUENCES sequences of
// one head through all steps, with one barrier a step. The recurrent matrix R stays on the chip:
// every thread keeps the part of R that it multiplies with, HELD quads of it in registers, STORED
// quads in shared memory; only what fits neither place is read again at every step. Lanes that
// share a sum add up by shuffles so that each of them is left with some of the sequences, whose
// cells it then computes. Sums are 32-bit floats throughout, because errors of a state add up over
// thousands of steps.
//
// What a lane reads from global memory at a step depends on no other step, so it is fetched
// DEPTH - 1 steps ahead, each lane for itself.
//
// Constants: KIND, DIM, SEQUENCES (1, 2, 4 or 8), THREADS, HELD, STORED, DEPTH.

enum { ELMAN, GRU, LSTM, SLSTM };

constexpr int gates = KIND == ELMAN ? 1 : KIND == GRU ? 3 : 4;
/// Planes of what is carried beside h: the LSTM's c; the sLSTM's c and n, divided by e^m, and m.
constexpr int memories = KIND == SLSTM ? 3 : KIND == LSTM ? 1 : 0;
/// Vectors that the forward pass leaves. GRU: r, z, n and the recurrent part of n. LSTM: i, f, g,
/// o and c. sLSTM: one number for the scaled i and f (`joined_gates`), z, o, the slope of
/// the log forget gate, c and n.
constexpr int kept = KIND == ELMAN ? 0 : KIND == GRU ? 4 : KIND == LSTM ? 5 : 6;
/// The memories that are kept, behind all else.
constexpr int kept_memories = KIND == SLSTM ? 2 : KIND == LSTM ? 1 : 0;
/// Rounds that the threads make over the head's units.
constexpr int rounds = (DIM * 4 + THREADS - 1) / THREADS;
constexpr int resident = THREADS >= 512 ? 1 : 512 / THREADS;

extern __shared__ float4 memory[];

DEVICE void copy_async_float(float *shared, const float *global) {
  uint address = (uint)__cvta_generic_to_shared(shared);
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(address), "l"(global));
}

/// The sigmoid and tanh of the gates, to 2e-7 and without branches: they lie on the path from step to
/// step.
DEVICE float squash(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }
DEVICE float squash_both(float x) { return 1.0f - 2.0f * squash(-2.0f * x); }

/// sum += x . y
DEVICE void add_dot(float &sum, const float4 &x, const float4 &y) {
  sum += x.x * y.x;
  sum += x.y * y.y;
  sum += x.z * y.z;
  sum += x.w * y.w;
}

/// The block's head and its first sequence.
struct Place {
  long batch, length, heads, head, first, width;
  DEVICE Place(long batch, long length, long heads)
      : batch(batch), length(length), heads(heads), head(blockIdx.y),
        first((long)blockIdx.x * SEQUENCES), width(heads * DIM) {}
  /// Where a unit stands in a row of all heads.
  DEVICE long column(int unit) const { return head * DIM + unit; }
  /// Where a plane of a sequence's memories has a unit.
  DEVICE long memory(int sequence, int plane, int unit) const {
    return ((first + sequence) * memories + plane) * width + column(unit);
  }
  DEVICE long position(int sequence, long t) const { return (first + sequence) * length + t; }
  DEVICE bool has(int sequence, int unit) const {
    return unit < DIM && first + sequence < batch;
  }
};

/// A ring of the values that each lane fetches ahead: a slot holds one step.
template <int values>
struct Ring {
  static constexpr int slot = values * THREADS;
  static constexpr int size = DEPTH * slot;
  float *base;
  DEVICE float *at(long step, int value) const {
    return base + (uint)step % DEPTH * slot + value * THREADS + threadIdx.x;
  }
  /// Fetches a number, or puts 0 where there is none.
  DEVICE void fetch(long step, int value, const float *from) const {
    if (from) copy_async_float(at(step, value), from);
    else *at(step, value) = 0;
  }
};

/// Waits for what a lane fetched for the present step. Nobody else reads it, so there is no barrier
/// that would keep the compiler from reading it before.
DEVICE void wait_for_step() {
  copy_wait<DEPTH - 1>();
  asm volatile("" ::: "memory");
}

/// The sLSTM's e^i and sigmoid(f), both divided by the greater of e^i and sigmoid(f) e^m, in one
/// number, because one of the two is 1: f where i is, and -i where only f is.
DEVICE float joined_gates(float i, float f) { return i == 1.0f ? f : -i; }
DEVICE void split_gates(float joined, float &i, float &f) {
  const bool keeps = __float_as_int(joined) < 0;
  i = keeps ? -joined : 1.0f, f = keeps ? 1.0f : joined;
}

/// What is carried beside h; one number too many where nothing is.
struct Memory {
  float of[memories + 1];
};

DEVICE void clear_shared(float *values, int count) {
  for (int i = threadIdx.x; i < count; i += THREADS) values[i] = 0;
}
