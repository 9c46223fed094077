// The block-diagonal queries, keys and values of the mLSTM and the gates that are made from them
// (Beck et al. 2024), in one pass each way: every number is used a few times only, so that the whole
// is bound by memory. After fold.cuh.
//
// A thread has a block of four channels of the queries, the keys or the values, with its weights;
// BLOCKS of them have a row. Constants: BLOCKS, a multiple of 32; COLUMNS, of the gates, a power of
// two, at most 8; VECTOR, 4 where all rows and weights begin at multiples of 16 bytes, else 1.

typedef Pack<4> pack;
/// Rows that are at work at once: as many as there is room for while others are on their way, and a
/// number for each thread of a warp with the columns.
__device__ constexpr int least(int a, int b) { return a < b ? a : b; }
constexpr int ROWS = least(COLUMNS < 8 ? 8 : 4, 256 / BLOCKS), CHUNKS = ROWS * COLUMNS;
constexpr int THREADS = 3 * BLOCKS, CHANNELS = 4 * BLOCKS, WARPS = THREADS / 32;
/// Rows at once on the way back, where there are more numbers for each.
constexpr int FEW = least(4, 128 / BLOCKS);
/// Groups of rows in shared memory: one at work, the others on their way.
constexpr int STAGES = 4;
/// The gradients of a kind's weights: of its blocks, and of its part in the gates.
constexpr int OWN = 16 * BLOCKS + CHANNELS * COLUMNS;

#define EACH(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

struct Weights {
  float block[4][4], gate[4][COLUMNS];
};

/// Which of queries, keys and values the thread has, and which block of it.
DEVICE int kind() { return threadIdx.x / BLOCKS; }
DEVICE int place() { return threadIdx.x % BLOCKS; }
template <typename T>
DEVICE T of_kind(T query, T key, T value) {
  return kind() == 0 ? query : kind() == 1 ? key : value;
}

/// N neighbouring floats of a weight: lanes lie far apart, so that the fewer loads the better.
template <int N>
DEVICE void load_weight(float *x, const float *from) {
  constexpr int wide = VECTOR == 4 ? 4 : 1;
  EACH(i, N / wide) {
    const Pack<wide> some = load_pack<wide>(from + i * wide);
    EACH(j, wide) x[i * wide + j] = some.at[j];
  }
}
DEVICE Weights load_weights(const float *block, const float *gate) {
  Weights w;
  load_weight<16>(w.block[0], block + place() * 16);
  load_weight<4 * COLUMNS>(w.gate[0], gate + place() * 4 * COLUMNS);
  return w;
}
/// Likewise to the sums, whose rows have an even number of floats.
template <int N>
DEVICE void store_weight(float *to, const float *x) {
  constexpr int wide = COLUMNS % 4 == 0 ? 4 : 2;
  EACH(i, N / wide) {
    Pack<wide> some;
    EACH(j, wide) some.at[j] = x[i * wide + j];
    store_pack(to + i * wide, some);
  }
}

/// Brings this thread's four numbers of a row to shared memory, in the background where it can.
DEVICE void fetch_four(pack *to, const float *from, long row, bool is_there) {
  from += (is_there ? row : 0) * CHANNELS + place() * 4;
  if constexpr (VECTOR == 4) copy_async(to + place(), from, is_there);
  else to[place()] = is_there ? load_floats<4>(from) : pack{};
}
DEVICE pack load_four(const float *row) {
  if constexpr (VECTOR == 4) return load_pack<4>(row + place() * 4);
  else return load_floats<4>(row + place() * 4);
}
DEVICE void put_four(float *row, const pack &x) {
  row += place() * 4;
  if constexpr (VECTOR == 4) store_pack(row, x);
  else EACH(i, 4) row[i] = x.at[i];
}

/// Likewise a float for each gate of each row of a group on the way back.
DEVICE void fetch_gates(float (&to)[FEW * COLUMNS], const float *from, long base, long rows) {
  constexpr int wide = VECTOR == 4 && COLUMNS % 4 == 0 ? 4 : 1;
  const int at = threadIdx.x * wide;
  if (at >= FEW * COLUMNS) return;
  const bool is_there = base + at / COLUMNS < rows;
  from += is_there ? base * COLUMNS + at : 0;
  if constexpr (wide == 4) copy_async(to + at, from, is_there);
  else to[at] = is_there ? *from : 0.0f;
}

/// x times a block, in the order of its rows.
DEVICE pack mapped(const pack &x, const Weights &w) {
  pack y = {};
  EACH(i, 4) EACH(j, 4) y.at[j] += x.at[i] * w.block[i][j];
  return y;
}

/// q and k are maps of x, v is one of z, [rows, CHANNELS]; gates = q wq + k wk + v wv + bias.
KERNEL __launch_bounds__(THREADS, THREADS <= 192 ? 2 : 1) gated_blocks(
    long rows, const float *x, const float *z, const float *query, const float *key,
    const float *value, const float *gate_query, const float *gate_key, const float *gate_value,
    const float *bias, float *q, float *k, float *v, float *gates) {
  begin_kernel();
  __shared__ pack inputs[STAGES][2][ROWS][BLOCKS];
  __shared__ float sums[2][WARPS][CHUNKS];
  const Weights w = load_weights(of_kind(query, key, value),
                                 of_kind(gate_query, gate_key, gate_value));
  float *to = of_kind(q, k, v);
  const int lane = threadIdx.x & 31, input = of_kind(0, 0, 1);
  const int first = fold_first<CHUNKS, 1, 32>(lane);
  constexpr int left = CHUNKS > 32 ? CHUNKS / 32 : 1;
  const float shift = bias[threadIdx.x % COLUMNS];
  const long stride = (long)gridDim.x * ROWS;
  const auto request = [&](long base, int stage) {
    if (kind() < 2) EACH(r, ROWS)
      fetch_four(inputs[stage][kind()][r], of_kind(x, z, z), base + r, base + r < rows);
    copy_commit();
  };
  // The gates of a group of rows, of what the warps left.
  const auto put_gates = [&](long base, int turn) {
    if (threadIdx.x >= CHUNKS || base + threadIdx.x / COLUMNS >= rows) return;
    float sum = shift;
    EACH(i, WARPS) sum += sums[turn][i][threadIdx.x];
    gates[base * COLUMNS + threadIdx.x] = sum;
  };
  long base = (long)blockIdx.x * ROWS;
  EACH(i, STAGES - 1) request(base + i * stride, i);
  int stage = 0, turn = 0;
  for (; base < rows; base += stride, turn ^= 1) {
    copy_wait<STAGES - 2>();
    __syncthreads();
    if (base >= stride) put_gates(base - stride, turn ^ 1);
    request(base + (STAGES - 1) * stride, (stage + STAGES - 1) % STAGES);
    float parts[CHUNKS];
    EACH(r, ROWS) {
      const pack y = mapped(inputs[stage][input][r][place()], w);
      if (base + r < rows) put_four(to + (base + r) * CHANNELS, y);
      EACH(c, COLUMNS) {
        float sum = 0;
        EACH(i, 4) sum += y.at[i] * w.gate[i][c];
        parts[r * COLUMNS + c] = sum;
      }
    }
    fold<CHUNKS, 1, 1, 32>(parts, lane);
    EACH(i, left) if (first + i < CHUNKS) sums[turn][threadIdx.x / 32][first + i] = parts[i];
    stage = (stage + 1) % STAGES;
  }
  __syncthreads();
  if (base >= stride) put_gates(base - stride, turn ^ 1);
  copy_wait<0>();
}

/// The gradients: with e = dq + dgates wq', and likewise for keys and values, dx (+)= the sum of e
/// times the transposed blocks. Each block of threads leaves its sums for the weights in a row of
/// `partial`: for each kind its blocks and its part in the gates, then those for the bias.
KERNEL __launch_bounds__(THREADS, THREADS <= 192 ? 2 : 1) gated_blocks_backward(
    long rows, const float *x, const float *z, const float *query, const float *key,
    const float *value, const float *gate_query, const float *gate_key, const float *gate_value,
    const float *dq, const float *dk, const float *dv, const float *dgates, float *dx,
    int accumulate_x, float *dz, int accumulate_z, float *partial) {
  begin_kernel();
  __shared__ struct {
    pack x[FEW][BLOCKS], z[FEW][BLOCKS], dy[3][FEW][BLOCKS];
    float gates[FEW * COLUMNS];
  } ring[STAGES];
  // What keys add to dx.
  __shared__ pack shared[2][FEW][BLOCKS];
  const Weights w = load_weights(of_kind(query, key, value),
                                 of_kind(gate_query, gate_key, gate_value));
  Weights dw = {};
  float dbias = 0;
  const float *gradient = of_kind(dq, dk, dv);
  const long stride = (long)gridDim.x * FEW;
  const auto request = [&](long base, int stage) {
    auto &to = ring[stage];
    EACH(r, FEW) {
      const bool there = base + r < rows;
      fetch_four(to.dy[kind()][r], gradient, base + r, there);
      if (kind() < 2) fetch_four(kind() ? to.z[r] : to.x[r], kind() ? z : x, base + r, there);
    }
    fetch_gates(to.gates, dgates, base, rows);
    copy_commit();
  };
  // Of queries and values, with what they are added to, which is on its way while they are made.
  pack outputs[FEW], old[FEW];
  float *const to = of_kind(dx, (float *)nullptr, dz);
  const bool adds = of_kind(accumulate_x, 0, accumulate_z);
  // The rows of a group, once the keys' part is there.
  const auto put_rows = [&](long base, int turn) {
    if (!to) return;
    EACH(r, FEW) {
      if (kind() == 0) EACH(i, 4) outputs[r].at[i] += shared[turn][r][place()].at[i];
      EACH(i, 4) outputs[r].at[i] += old[r].at[i];
      if (base + r < rows) put_four(to + (base + r) * CHANNELS, outputs[r]);
    }
  };
  long base = (long)blockIdx.x * FEW;
  EACH(i, STAGES - 1) request(base + i * stride, i);
  int stage = 0, turn = 0;
  for (; base < rows; base += stride, turn ^= 1) {
    copy_wait<STAGES - 2>();
    __syncthreads();
    if (base >= stride) put_rows(base - stride, turn ^ 1);
    request(base + (STAGES - 1) * stride, (stage + STAGES - 1) % STAGES);
    EACH(r, FEW) {
      const bool reads = adds && base + r < rows;
      old[r] = reads ? load_four(to + (base + r) * CHANNELS) : pack{};
    }
    const auto &at = ring[stage];
    if (threadIdx.x < COLUMNS) EACH(r, FEW) dbias += at.gates[r * COLUMNS + threadIdx.x];
    EACH(r, FEW) {
      const pack input = kind() == 2 ? at.z[r][place()] : at.x[r][place()];
      pack e = at.dy[kind()][r][place()];
      float gate[COLUMNS];
      EACH(c, COLUMNS) gate[c] = at.gates[r * COLUMNS + c];
      const pack y = mapped(input, w);
      EACH(i, 4) EACH(c, COLUMNS) {
        e.at[i] += gate[c] * w.gate[i][c];
        dw.gate[i][c] += y.at[i] * gate[c];
      }
      EACH(i, 4) {
        float sum = 0;
        EACH(j, 4) {
          sum += e.at[j] * w.block[i][j];
          dw.block[i][j] += input.at[i] * e.at[j];
        }
        outputs[r].at[i] = sum;
      }
      if (kind() == 1) shared[turn][r][place()] = outputs[r];
    }
    stage = (stage + 1) % STAGES;
  }
  __syncthreads();
  if (base >= stride) put_rows(base - stride, turn ^ 1);
  copy_wait<0>();
  float *row = partial + blockIdx.x * (3L * OWN + COLUMNS), *own = row + kind() * OWN;
  store_weight<16>(own + place() * 16, dw.block[0]);
  store_weight<4 * COLUMNS>(own + 16 * BLOCKS + place() * 4 * COLUMNS, dw.gate[0]);
  if (threadIdx.x < COLUMNS) row[3 * OWN + threadIdx.x] = dbias;
}
