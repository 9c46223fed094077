// Four block-diagonal maps side by side, two of each of two inputs, with a bias: the gates of the
// sLSTM (Beck et al. 2024), y = [x W0, x W1, z W2, z W3] + bias. Blocks are heads of DIM channels.
//
// A warp has one input's part of one head, with both its weights as fragments in registers, and
// walks through the rows: the products are small, and every row is read and written once. Columns
// are dealt to the lanes of a group so that each has neighbours, which move at once; a product does
// not depend on the order of its columns, nor on that of its terms, as long as both factors agree.
//
// Constants: KIND, which of the products: 0 forward, 1 the
// gradient of the inputs, 2 that of the weights; HEADS, at most 8; DIM, 16 or 32; VECTOR, 4 where all rows
// and weights begin at multiples of 16 bytes, else 1.

constexpr int WARPS = 2 * HEADS, THREADS = 32 * WARPS, WIDTH = HEADS * DIM;
/// Blocks of a multiprocessor: sixteen warps, with 128 registers for each thread.
constexpr int BLOCKS = 512 / THREADS;
/// Steps of eight terms, and tiles of eight columns; columns of a lane, of rows and of sums over them.
constexpr int STEPS = DIM / 8, PART = DIM / 4, SLICE = DIM / 8;
/// Rows that sums over rows take at a time.
constexpr int ROWS = 8;

#define EACH(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

DEVICE int part_of_warp() { return threadIdx.x / 32 / HEADS; }
DEVICE int head_of_warp() { return threadIdx.x / 32 % HEADS; }
/// Where column `column` of a warp's gate lies in a row of all gates.
DEVICE int place(int gate, int column) {
  return (2 * part_of_warp() + gate) * WIDTH + head_of_warp() * DIM + column;
}

/// N floats of a row, zeros where there is none.
template <int N>
DEVICE void load(float (&x)[N], const float *from, bool is_there) {
  constexpr int wide = VECTOR == 1 ? 1 : N % 4 == 0 ? 4 : 2;
  EACH(i, N / wide) {
    const Pack<wide> some = is_there ? load_pack<wide>(from + i * wide) : Pack<wide>{};
    EACH(j, wide) x[i * wide + j] = some.at[j];
  }
}
template <int N>
DEVICE void store(float *to, const float (&x)[N], int accumulate) {
  constexpr int wide = VECTOR == 1 ? 1 : 4;
  EACH(i, N / wide) {
    Pack<wide> some;
    EACH(j, wide) some.at[j] = x[i * wide + j];
    put_pack(to + i * wide, some, accumulate);
  }
}

/// A tile of sixteen rows as the left factor: this lane's columns of rows g and g + 8.
struct Left {
  float rows[2][PART];

  DEVICE void load_rows(const float *from, int stride, int row, int count) {
    EACH(i, 2) {
      const int at = row + lane_group() + 8 * i;
      load(rows[i], from + (long)at * stride + lane_in_group() * PART, at < count);
    }
  }
  DEVICE void fragment(uint (&a)[4], int step) const {
    EACH(i, 4) a[i] = to_tf32(rows[i % 2][2 * step + i / 2]);
  }
};

/// A weight as the right factor. Its column of a tile that is this lane's for the product, and its
/// first row: the same numbers say which columns of the product and of the left factor a lane has.
struct Right {
  uint at[STEPS][STEPS][2];

  DEVICE static int column() { return lane_group() / 2 * PART + lane_group() % 2; }
  DEVICE static int term() { return lane_in_group() * PART; }

  DEVICE void load_weight(const float *w) {
    EACH(step, STEPS) EACH(tile, STEPS) EACH(i, 2)
      at[step][tile][i] = to_tf32(w[(term() + 2 * step + i) * DIM + column() + 2 * tile]);
  }
  /// The same of the transposed weight, whose terms are neighbours.
  DEVICE void load_transposed(const float *w) {
    EACH(tile, STEPS) {
      float terms[PART];
      load(terms, w + (column() + 2 * tile) * DIM + term(), true);
      EACH(step, STEPS) EACH(i, 2) at[step][tile][i] = to_tf32(terms[2 * step + i]);
    }
  }
};

/// This lane's columns of the product's rows g and g + 8.
DEVICE void columns_of(float (&y)[PART], const float (&sums)[STEPS][4], int half) {
  EACH(tile, STEPS) EACH(i, 2) y[2 * tile + i] = sums[tile][2 * half + i];
}

#if KIND == 0
KERNEL __launch_bounds__(THREADS, BLOCKS) head_maps(long rows, const float *x, const float *z,
                                            const float *w0, const float *w1, const float *w2,
                                            const float *w3, const float *bias, float *y) {
  begin_kernel();
  const int head = head_of_warp(), part = part_of_warp();
  Right right[2];
  right[0].load_weight((part ? w2 : w0) + head * DIM * DIM);
  right[1].load_weight((part ? w3 : w1) + head * DIM * DIM);
  __syncwarp();
  const float *from = (part ? z : x) + head * DIM;
  const int column = lane_in_group() * PART;
  const float *shift = bias + place(0, column);
  y += place(0, column);
  const int count = (int)rows, stride = (int)gridDim.x * 16;
#pragma unroll 1
  for (int row = (int)blockIdx.x * 16; row < count; row += stride) {
    Left left;
    left.load_rows(from, WIDTH, row, count);
    uint fragments[STEPS][4];
    EACH(step, STEPS) left.fragment(fragments[step], step);
    EACH(gate, 2) {
      float sums[STEPS][4] = {}, own[PART];
      EACH(step, STEPS)
        EACH(tile, STEPS) mma_tf32(sums[tile], fragments[step], right[gate].at[step][tile]);
      EACH(half, 2) {
        const int at = row + lane_group() + 8 * half;
        columns_of(own, sums, half);
        EACH(i, PART) own[i] += shift[gate * WIDTH + i];
        if (at < count) store(y + (long)at * (4 * WIDTH) + gate * WIDTH, own, 0);
      }
      // Both gates at a time would not fit into the registers.
      __syncwarp();
    }
  }
}

#elif KIND == 1
/// dx (+)= dy0 W0' + dy1 W1', and likewise dz.
KERNEL __launch_bounds__(THREADS, BLOCKS) head_maps_inputs(long rows, const float *w0, const float *w1,
                                                   const float *w2, const float *w3,
                                                   const float *dy, float *dx, int accumulate_x,
                                                   float *dz, int accumulate_z) {
  begin_kernel();
  const int head = head_of_warp(), part = part_of_warp();
  Right right[2];
  right[0].load_transposed((part ? w2 : w0) + head * DIM * DIM);
  right[1].load_transposed((part ? w3 : w1) + head * DIM * DIM);
  float *to = (part ? dz : dx) + head * DIM + lane_in_group() * PART;
  const int accumulate = part ? accumulate_z : accumulate_x;
  const int count = (int)rows, stride = (int)gridDim.x * 16;
  for (int row = (int)blockIdx.x * 16; row < count; row += stride) {
    Left left[2];
    EACH(gate, 2) left[gate].load_rows(dy + place(gate, 0), 4 * WIDTH, row, count);
    float sums[STEPS][4] = {}, own[PART];
    EACH(gate, 2) EACH(step, STEPS) {
      uint a[4];
      left[gate].fragment(a, step);
      EACH(tile, STEPS) mma_tf32(sums[tile], a, right[gate].at[step][tile]);
    }
    EACH(half, 2) {
      const int at = row + lane_group() + 8 * half;
      columns_of(own, sums, half);
      if (at < count) store(to + (long)at * WIDTH, own, accumulate);
    }
  }
}

#else
/// The sums over rows of x' dy, of the warp's head and gates, and of dy for the bias. Each block
/// leaves its own in a row of `partial`: the four weights, then the bias.
KERNEL __launch_bounds__(THREADS, BLOCKS) head_maps_weights(long rows, const float *x, const float *z,
                                                    const float *dy, float *partial) {
  begin_kernel();
  const int head = head_of_warp(), part = part_of_warp();
  const float *from = (part ? z : x) + head * DIM + lane_group() * SLICE;
  float sums[2][DIM / 16][STEPS][4] = {}, bias[2][SLICE] = {};
  for (long row = blockIdx.x * (long)ROWS; row < rows; row += gridDim.x * (long)ROWS) {
    // Rows t and t + 4 of each eight.
    float inputs[ROWS / 4][SLICE], gradients[2][ROWS / 4][SLICE];
    EACH(r, ROWS / 4) {
      const long at = row + 4 * r + lane_in_group();
      load(inputs[r], from + at * WIDTH, at < rows);
      EACH(gate, 2)
        load(gradients[gate][r], dy + at * 4 * WIDTH + place(gate, lane_group() * SLICE),
             at < rows);
    }
    EACH(eight, ROWS / 8) EACH(tile, DIM / 16) {
      uint a[4];
      EACH(i, 4) a[i] = to_tf32(inputs[2 * eight + i / 2][2 * tile + i % 2]);
      EACH(gate, 2) EACH(j, STEPS) {
        uint b[2];
        EACH(i, 2) b[i] = to_tf32(gradients[gate][2 * eight + i][j]);
        mma_tf32(sums[gate][tile][j], a, b);
      }
    }
    EACH(gate, 2) EACH(r, ROWS / 4) EACH(j, SLICE) bias[gate][j] += gradients[gate][r][j];
  }
  float *row = partial + blockIdx.x * (4L * HEADS * DIM * DIM + 4 * WIDTH);
  EACH(gate, 2) {
    float *to = row + ((2 * part + gate) * HEADS + head) * DIM * DIM;
    EACH(tile, DIM / 16) EACH(i, 4) {
      const int input = lane_group() * SLICE + 2 * tile + i / 2;
      const int output = (2 * lane_in_group() + i % 2) * SLICE;
      Pack<SLICE> some;
      EACH(j, SLICE) some.at[j] = sums[gate][tile][j][i];
      store_pack(to + input * DIM + output, some);
    }
    EACH(j, SLICE) {
      const float sum = group_sum<4>(bias[gate][j]);
      if (!lane_in_group()) row[4 * HEADS * DIM * DIM + place(gate, lane_group() * SLICE + j)] = sum;
    }
  }
}
#endif
