// Four block-diagonal maps side by side, two of each of two inputs, with a bias: the gates of the
// sLSTM (Beck et al. 2024), y = [x W0, x W1, z W2, z W3] + bias. Blocks are heads of DIM channels.
//
// A warp has one input's part of one head, with both its weights as fragments in registers, and
// walks through the rows: the products are small, and every row is read and written once. Columns
// are dealt to the lanes of a group so that each has neighbours, which move at once; a product does
// not depend on the order of its columns, nor on that of its terms, as long as both factors agree.
//
// Constants: KIND, which of the products: 0 forward, 1 the
// gradient of the inputs, 2 that of the weights, 3 that and the gradient of the recurrent weight of a
// cell whose gates the maps make; HEADS, at most 8 (KIND 3: 4); DIM, 16 or 32; VECTOR, 4 where all
// rows and weights begin at multiples of 16 bytes, else 1.

/// Of a head: a warp for each input. The states of a cell are an input of all four gates, so that two
/// warps have two gates each.
constexpr int PARTS = KIND == 3 ? 4 : 2;
constexpr int WARPS = PARTS * HEADS, THREADS = 32 * WARPS, WIDTH = HEADS * DIM;
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
  return (2 * part_of_warp() + gate) % 4 * WIDTH + head_of_warp() * DIM + column;
}

/// Column number i of a lane of its PART columns. Four follow each other; the next four are behind
/// those of the other lanes, so that the lanes of a group write whole sectors of memory.
DEVICE constexpr int nth(int lane, int i) { return i / 4 * 16 + lane * 4 + i % 4; }

/// A lane's columns of a row, zeros where there is none.
DEVICE void load_columns(float (&x)[PART], const float *row, bool is_there) {
  const float *from = row + nth(lane_in_group(), 0);
  constexpr int wide = VECTOR == 1 ? 1 : 4;
  EACH(i, PART / wide) {
    const Pack<wide> some = is_there ? load_pack<wide>(from + nth(0, i * wide)) : Pack<wide>{};
    EACH(j, wide) x[i * wide + j] = some.at[j];
  }
}
/// Those of them that one product of two tiles makes, of the product's rows g + 8 half.
DEVICE void store_four(float *row, int four, const float (&sums)[2][4], int half,
                       int accumulate) {
  const int column = nth(lane_in_group(), 4 * four);
  constexpr int wide = VECTOR == 1 ? 1 : 4;
  EACH(i, 4 / wide) {
    Pack<wide> some;
    EACH(j, wide) some.at[j] = sums[(i * wide + j) / 2][2 * half + (i * wide + j) % 2];
    put_pack(row + column + i * wide, some, accumulate);
  }
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

/// A tile of sixteen rows as the left factor: this lane's columns of rows g and g + 8.
struct Left {
  float rows[2][PART];

  DEVICE void load_rows(const float *from, int stride, int row, int count) {
    EACH(i, 2) {
      const int at = row + lane_group() + 8 * i;
      load_columns(rows[i], from + (long)at * stride, at < count);
    }
  }
  DEVICE void fragment(uint (&a)[4], int step) const {
    EACH(i, 4) a[i] = to_tf32(rows[i % 2][2 * step + i / 2]);
  }
};

/// A weight as the right factor: its columns are dealt as those of the product are, its rows as the
/// columns of the left factor.
struct Right {
  uint at[STEPS][STEPS][2];

  DEVICE static int column(int tile) { return nth(lane_group() / 2, 2 * tile + lane_group() % 2); }

  DEVICE void load_weight(const float *w) {
    EACH(step, STEPS) EACH(tile, STEPS) EACH(i, 2)
      at[step][tile][i] = to_tf32(w[nth(lane_in_group(), 2 * step + i) * DIM + column(tile)]);
  }
  /// The same of the transposed weight, whose terms are neighbours.
  DEVICE void load_transposed(const float *w) {
    EACH(tile, STEPS) {
      float terms[PART];
      load_columns(terms, w + column(tile) * DIM, true);
      EACH(step, STEPS) EACH(i, 2) at[step][tile][i] = to_tf32(terms[2 * step + i]);
    }
  }
};

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
  const float *shift = bias + place(0, 0);
  y += place(0, 0);
  const int count = (int)rows, stride = (int)gridDim.x * 16;
  Left left;
  left.load_rows(from, WIDTH, (int)blockIdx.x * 16, count);
#pragma unroll 1
  for (int row = (int)blockIdx.x * 16; row < count; row += stride) {
    uint fragments[STEPS][4];
    EACH(step, STEPS) left.fragment(fragments[step], step);
    // The next rows come while these are multiplied.
    left.load_rows(from, WIDTH, row + stride, count);
    EACH(gate, 2) EACH(four, PART / 4) {
      const float *own = shift + gate * WIDTH + nth(lane_in_group(), 4 * four);
      float sums[2][4];
      EACH(tile, 2) EACH(i, 4) sums[tile][i] = own[2 * tile + i % 2];
      EACH(step, STEPS) EACH(tile, 2)
        mma_tf32(sums[tile], fragments[step], right[gate].at[step][2 * four + tile]);
      EACH(half, 2) {
        const int at = row + lane_group() + 8 * half;
        if (at < count)
          store_four(y + (long)at * (4 * WIDTH) + gate * WIDTH, four, sums, half, 0);
      }
      // More at a time would not fit into the registers.
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
  float *to = (part ? dz : dx) + head * DIM;
  const int accumulate = part ? accumulate_z : accumulate_x;
  const int count = (int)rows, stride = (int)gridDim.x * 16;
  for (int row = (int)blockIdx.x * 16; row < count; row += stride) {
    Left left[2];
    EACH(gate, 2) left[gate].load_rows(dy + place(gate, 0), 4 * WIDTH, row, count);
    float sums[PART / 4][2][4] = {};
    EACH(gate, 2) EACH(step, STEPS) {
      uint a[4];
      left[gate].fragment(a, step);
      EACH(tile, STEPS) mma_tf32(sums[tile / 2][tile % 2], a, right[gate].at[step][tile]);
    }
    EACH(half, 2) {
      const int at = row + lane_group() + 8 * half;
      if (at < count)
        EACH(four, PART / 4)
          store_four(to + (long)at * WIDTH, four, sums[four], half, accumulate);
    }
  }
}

#else
/// The sums over rows of x' dy, of the warp's head and gates, and of dy for the bias. Each block
/// leaves its own in a row of `partial`: the four weights, then the bias.
///
/// KIND 3: then the sums of h' dy, [HEADS, DIM, 4, DIM]. h are the states of sequences of `length`
/// rows after each step; a step meets the state before it, which is that of the row before, and 0
/// before the first. They may be null otherwise.
KERNEL __launch_bounds__(THREADS, BLOCKS) head_maps_weights(
    long rows, const float *x, const float *z, const float *h, long length, const float *dy,
    float *partial) {
  begin_kernel();
  const int head = head_of_warp(), part = part_of_warp();
  const bool is_recurrent = KIND == 3 && part >= 2;
  const float *from =
      (is_recurrent ? h - WIDTH : part ? z : x) + head * DIM + lane_group() * SLICE;
  // Numbers of rows are below 2^28.
  auto has_input = [=](long row) {
    return row < rows && !(is_recurrent && (uint)row % (uint)length == 0);
  };
  float sums[2][DIM / 16][STEPS][4] = {}, bias[2][SLICE] = {};
  for (long row = blockIdx.x * (long)ROWS; row < rows; row += gridDim.x * (long)ROWS) {
    // Rows t and t + 4 of each eight.
    float inputs[ROWS / 4][SLICE], gradients[2][ROWS / 4][SLICE];
    EACH(r, ROWS / 4) {
      const long at = row + 4 * r + lane_in_group();
      load(inputs[r], from + at * WIDTH, has_input(at));
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
  constexpr int weights = 4 * HEADS * DIM * DIM, biases = 4 * WIDTH;
  float *row = partial + blockIdx.x * (long)((KIND == 3 ? 2 : 1) * weights + biases);
  // From one term of a weight to the next.
  const int pitch = is_recurrent ? 4 * DIM : DIM;
  EACH(gate, 2) {
    float *to = is_recurrent
                    ? row + weights + biases + head * 4 * DIM * DIM + (2 * part + gate) % 4 * DIM
                    : row + ((2 * part + gate) * HEADS + head) * DIM * DIM;
    EACH(tile, DIM / 16) EACH(i, 4) {
      const int input = lane_group() * SLICE + 2 * tile + i / 2;
      const int output = (2 * lane_in_group() + i % 2) * SLICE;
      Pack<SLICE> some;
      EACH(j, SLICE) some.at[j] = sums[gate][tile][j][i];
      store_pack(to + input * pitch + output, some);
    }
    if (is_recurrent) continue;
    EACH(j, SLICE) {
      const float sum = group_sum<4>(bias[gate][j]);
      if (!lane_in_group()) row[weights + place(gate, lane_group() * SLICE + j)] = sum;
    }
  }
}
#endif
