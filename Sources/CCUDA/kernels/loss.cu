// Softmax cross-entropy over rows of logits in memory. Constants: VECTOR, the floats that are
// loaded at once; TEAM, the threads of a row: a warp or a block; PACKS, the vectors that each of
// them keeps in registers, or 0 for rows that are too long for that.

typedef Pack<VECTOR> pack;

/// The greatest logit and its column, the first of equals.
struct Best {
  float value;
  int column;
};

DEVICE Best better(Best a, Best b) {
  return b.value > a.value || (b.value == a.value && b.column < a.column) ? b : a;
}

DEVICE Best warp_best(Best best) {
#pragma unroll
  for (int d = 16; d; d >>= 1)
    best = better(best, Best{__shfl_xor_sync(FULL_WARP, best.value, d),
                             __shfl_xor_sync(FULL_WARP, best.column, d)});
  return best;
}

struct TeamMemory {
  float sums[32], values[32];
  int columns[32];
};

DEVICE Best team_best(Best best, TeamMemory &memory) {
  best = warp_best(best);
  if (TEAM == 32) return best;
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  if (!lane) memory.values[warp] = best.value, memory.columns[warp] = best.column;
  __syncthreads();
  if (lane < TEAM / 32) best = Best{memory.values[lane], memory.columns[lane]};
  best = warp_best(best);
  __syncthreads();
  return best;
}

DEVICE float team_sum(float x, TeamMemory &memory) {
  return TEAM == 32 ? warp_sum(x) : block_sum(x, memory.sums);
}

enum { HELD = PACKS ? PACKS : 1 };

/// The packs that this thread has of a row: in registers, or read from memory again and again.
struct RowPart {
  pack held[HELD];
  float *row;
  const float *bias;
  long columns;
  int rank;

  DEVICE pack read(long column) {
    pack value = load_pack<VECTOR>(row + column);
    if (bias) {
      pack shift = load_floats<VECTOR>(bias + column);
#pragma unroll
      for (int i = 0; i < VECTOR; i++) value.at[i] += shift.at[i];
    }
    return value;
  }

  template <typename Function>
  DEVICE void each(Function f) {
    if (PACKS) {
#pragma unroll
      for (int part = 0; part < HELD; part++) {
        long column = (long)(part * TEAM + rank) * VECTOR;
        if (column < columns) f(column, held[part]);
      }
    } else {
      for (long column = rank * VECTOR; column < columns; column += TEAM * VECTOR) {
        pack value = read(column);
        f(column, value);
      }
    }
  }

  DEVICE void load() {
    if (PACKS) each([this](long column, pack &value) { value = read(column); });
  }
};

/// The loss and the first arg-max of each row; the first is row first_row of the targets and of the
/// results. `bias` is yet to be added to the logits. With `scale` they become the gradient
/// scale (softmax - onehot), zeros in rows with target -1.
KERNEL __launch_bounds__(TEAM > 128 ? TEAM : 128)
cross_entropy(long rows, long columns, float *logits, const float *bias, const int *target,
              long first_row, const float *scale, float *loss, int *best) {
  begin_kernel();
  __shared__ TeamMemory memory;
  const int teams = blockDim.x / TEAM, rank = threadIdx.x % TEAM;
  const long row = (long)blockIdx.x * teams + threadIdx.x / TEAM;
  if (row >= rows) return;  // a whole team
  target += first_row, loss += first_row, best += first_row;
  RowPart part;
  part.row = logits + row * columns, part.bias = bias, part.columns = columns, part.rank = rank;
  const int label = target[row];
  if (label < 0) {
    if (scale)
      part.each([&](long column, pack &) { store_pack(part.row + column, pack{}); });
    if (!rank) loss[row] = 0.0f, best[row] = -1;
    return;
  }
  const float right = part.row[label] + (bias ? bias[label] : 0.0f);
  part.load();
  Best first = {-__int_as_float(0x7f800000), 0x7fffffff};
  part.each([&](long column, pack &value) {
#pragma unroll
    for (int i = 0; i < VECTOR; i++)
      if (value.at[i] > first.value) first = Best{value.at[i], (int)column + i};
  });
  first = team_best(first, memory);
  float sum = 0.0f;
  part.each([&](long column, pack &value) {
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
      value.at[i] = expf(value.at[i] - first.value);
      sum += value.at[i];
    }
  });
  sum = team_sum(sum, memory);
  if (!rank) {
    loss[row] = logf(sum) + (first.value - right);
    best[row] = first.column == 0x7fffffff ? 0 : first.column;  // only NaN is never the greatest
  }
  if (!scale) return;
  __syncwarp();  // nobody writes before all have read the target's logit
  const float whole = *scale, factor = whole / sum;
  part.each([&](long column, pack &value) {
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
      float term = PACKS ? value.at[i] : expf(value.at[i] - first.value);
      value.at[i] = factor * term - (column + i == label ? whole : 0.0f);
    }
    store_pack(part.row + column, value);
  });
}
