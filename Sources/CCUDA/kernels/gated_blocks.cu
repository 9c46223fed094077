// The block-diagonal queries, keys and values of the mLSTM and the gates that are made from them
// (Beck et al. 2024), in one pass each way: every number is used a few times only, so that the whole
// is bound by memory. After fold.cuh.
//
// A thread has a block of four channels of the queries, the keys or the values, with its weights;
// BLOCKS of them have a row. Constants: BLOCKS, a multiple of 32; COLUMNS, of the gates, a power of
// two, at most 8; VECTOR, 4 where all rows and weights begin at multiples of 16 bytes, else 1.

typedef Pack<4> pack;
/// Rows that are under way at once; with the columns, a number for each thread of a warp.
constexpr int ROWS = COLUMNS < 8 ? 8 : 4, CHUNKS = ROWS * COLUMNS;
constexpr int THREADS = 3 * BLOCKS, CHANNELS = 4 * BLOCKS, WARPS = THREADS / 32;
/// Rows at once where there are sums over all rows beside them.
constexpr int FEW = COLUMNS < 8 ? 4 : 3;
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

DEVICE pack load_four(const float *row) {
  if constexpr (VECTOR == 4) return load_pack<4>(row + place() * 4);
  else return load_floats<4>(row + place() * 4);
}
DEVICE void put_four(float *row, const pack &x, int accumulate) {
  row += place() * 4;
  if constexpr (VECTOR == 4) put_pack(row, x, accumulate);
  else EACH(i, 4) put(row + i, x.at[i], accumulate);
}

DEVICE void load_gates(float (&x)[COLUMNS], const float *row, bool is_there) {
  constexpr int wide = VECTOR == 4 && COLUMNS % 4 == 0 ? 4 : 1;
  EACH(c, COLUMNS / wide) {
    const Pack<wide> some = is_there ? load_pack<wide>(row + c * wide) : Pack<wide>{};
    EACH(i, wide) x[c * wide + i] = some.at[i];
  }
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
  __shared__ float sums[2][WARPS][CHUNKS];
  const Weights w = load_weights(of_kind(query, key, value),
                                 of_kind(gate_query, gate_key, gate_value));
  const float *from = of_kind(x, x, z);
  float *to = of_kind(q, k, v);
  const int lane = threadIdx.x & 31;
  const int first = fold_first<CHUNKS, 1, 32>(lane);
  constexpr int left = CHUNKS > 32 ? CHUNKS / 32 : 1;
  int turn = 0;
  for (long base = (long)blockIdx.x * ROWS; base < rows; base += (long)gridDim.x * ROWS, turn ^= 1) {
    pack inputs[ROWS];
    EACH(r, ROWS) inputs[r] = base + r < rows ? load_four(from + (base + r) * CHANNELS) : pack{};
    float parts[CHUNKS];
    EACH(r, ROWS) {
      const pack y = mapped(inputs[r], w);
      if (base + r < rows) put_four(to + (base + r) * CHANNELS, y, 0);
      EACH(c, COLUMNS) {
        float sum = 0;
        EACH(i, 4) sum += y.at[i] * w.gate[i][c];
        parts[r * COLUMNS + c] = sum;
      }
    }
    fold<CHUNKS, 1, 1, 32>(parts, lane);
    EACH(i, left) if (first + i < CHUNKS) sums[turn][threadIdx.x / 32][first + i] = parts[i];
    __syncthreads();
    if (threadIdx.x < CHUNKS && base + threadIdx.x / COLUMNS < rows) {
      float sum = bias[threadIdx.x % COLUMNS];
      EACH(i, WARPS) sum += sums[turn][i][threadIdx.x];
      gates[base * COLUMNS + threadIdx.x] = sum;
    }
  }
}

/// The gradients: with e = dq + dgates wq', and likewise for keys and values, dx (+)= the sum of e
/// times the transposed blocks. Each block of threads leaves its sums for the weights in a row of
/// `partial`: for each kind its blocks and its part in the gates, then those for the bias.
KERNEL __launch_bounds__(THREADS, THREADS <= 192 ? 2 : 1) gated_blocks_backward(
    long rows, const float *x, const float *z, const float *query, const float *key,
    const float *value, const float *gate_query, const float *gate_key, const float *gate_value,
    const float *dq, const float *dk, const float *dv, const float *dgates, float *dx,
    int accumulate_x, float *dz, int accumulate_z, float *partial) {
  __shared__ pack shared[2][FEW][BLOCKS];
  const Weights w = load_weights(of_kind(query, key, value),
                                 of_kind(gate_query, gate_key, gate_value));
  Weights dw = {};
  float dbias = 0;
  const float *from = of_kind(x, x, z), *gradient = of_kind(dq, dk, dv);
  int turn = 0;
  for (long base = (long)blockIdx.x * FEW; base < rows; base += (long)gridDim.x * FEW, turn ^= 1) {
    pack inputs[FEW], gradients[FEW], outputs[FEW];
    EACH(r, FEW) {
      const bool there = base + r < rows;
      inputs[r] = there ? load_four(from + (base + r) * CHANNELS) : pack{};
      gradients[r] = there ? load_four(gradient + (base + r) * CHANNELS) : pack{};
    }
    EACH(r, FEW) {
      const bool there = base + r < rows;
      const float *row = dgates + (base + r) * COLUMNS;
      float gate[COLUMNS];
      load_gates(gate, row, there);
      if (there && threadIdx.x < COLUMNS) dbias += row[threadIdx.x];
      const pack y = mapped(inputs[r], w);
      pack &e = gradients[r];
      EACH(i, 4) EACH(c, COLUMNS) {
        e.at[i] += gate[c] * w.gate[i][c];
        dw.gate[i][c] += y.at[i] * gate[c];
      }
      EACH(i, 4) {
        float sum = 0;
        EACH(j, 4) {
          sum += e.at[j] * w.block[i][j];
          dw.block[i][j] += inputs[r].at[i] * e.at[j];
        }
        outputs[r].at[i] = sum;
      }
      if (kind() == 1) shared[turn][r][place()] = outputs[r];
    }
    __syncthreads();
    EACH(r, FEW) {
      if (base + r >= rows || kind() == 1) continue;
      if (kind() == 0) EACH(i, 4) outputs[r].at[i] += shared[turn][r][place()].at[i];
      float *to = kind() == 0 ? dx : dz;
      put_four(to + (base + r) * CHANNELS, outputs[r], kind() == 0 ? accumulate_x : accumulate_z);
    }
  }
  float *row = partial + blockIdx.x * (3L * OWN + COLUMNS), *own = row + kind() * OWN;
  store_weight<16>(own + place() * 16, dw.block[0]);
  store_weight<4 * COLUMNS>(own + 16 * BLOCKS + place() * 4 * COLUMNS, dw.gate[0]);
  if (threadIdx.x < COLUMNS) row[3 * OWN + threadIdx.x] = dbias;
}
