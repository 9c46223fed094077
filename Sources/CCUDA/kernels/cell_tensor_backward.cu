// The backward pass of the recurrent cells on tensor cores; after cell_tensor.cuh and
// cell_return.cuh. The gradient of R is made elsewhere, as after cell_backward.cu.
//
// Gradients have no known range: at each step, those of a sequence that one warp makes are multiplied
// by the power of two that brings their greatest to 2^14 ... 2^15, so that 28 binary orders below it
// keep their precision. The products with one warp's gradients are therefore summed for themselves,
// and the sum is multiplied by the inverse. So gradients that vanish over time, or in one sequence,
// lose nothing; those that are infinite or no numbers are not hidden.

constexpr int together = gates == 4 ? 2 : 1;
constexpr int tiles = warps * gates;
using Deltas = Vector<tiles, together>;
/// Warps whose gradients are multiplied side by side, because a product waits for the one before it;
/// a group takes some turns.
constexpr int chains = warps < 4 ? warps : 4;
constexpr int group_turns = gates / together;
constexpr int turns = (warps + chains - 1) / chains * group_turns;
using Inputs = Ring<values * lane_cells>;
/// Shared memory for the inverse scales of a step's gradients.
constexpr int scales = warps * SEQUENCES;

/// Right factors of the present and the next turn. Lanes whose column is another lane's sequence
/// load nothing, which saves most of the traffic of shared memory; nobody reads their columns.
struct Factors {
  Deltas::Right b[2][chains];

  DEVICE static int tile(int turn, int chain) {
    return (turn / group_turns * chains + chain) * gates + turn % group_turns * together;
  }
  DEVICE void load(const Half *deltas, int turn) {
#pragma unroll
    for (int i = 0; i < chains; i++)
      if (turn < turns && tile(turn, i) < tiles)
        Deltas::load(b[turn % 2][i], deltas, tile(turn, i), lane_group() < SEQUENCES);
  }
};

/// sums += the products of a group, with their scales undone.
DEVICE void add_group(float (&sums)[4], const float (&parts)[chains][4], int group,
                      const float *inverses) {
#pragma unroll
  for (int i = 0; i < chains; i++) {
    const int warp = group * chains + i;
    if (warp >= warps) continue;
    const float2 inverse =
        *(const float2 *)(inverses + warp * SEQUENCES + lane_in_group() * 2 % SEQUENCES);
    sums[0] += parts[i][0] * inverse.x, sums[1] += parts[i][1] * inverse.y;
    sums[2] += parts[i][2] * inverse.x, sums[3] += parts[i][3] * inverse.y;
  }
}

/// deltas R' for the lane's cells, with its duties beside it.
template <class Duties>
DEVICE void multiply(float (&sums)[4], Factors &factors, const Half *deltas,
                     const float *inverses, const Weights &weights, Duties duties) {
  float parts[2][chains][4];
  factors.load(deltas, 0);
  factors.load(deltas, 1);
#pragma unroll
  for (int turn = 0; turn < turns; turn++) {
    const int group = turn / group_turns;
#pragma unroll
    for (int i = 0; i < chains; i++)
#pragma unroll
      for (int n = 0; n < 4; n++)
        if (turn % group_turns == 0) parts[group % 2][i][n] = 0;
#pragma unroll
    for (int n = 0; n < together; n++)
#pragma unroll
      for (int i = 0; i < chains; i++)
        if (Factors::tile(turn, i) < tiles)
          add_tile(parts[group % 2][i], weights[Factors::tile(turn, i) + n],
                   factors.b[turn % 2][i] + 2 * n);
    factors.load(deltas, turn + 2);
    run_duties(turn, turns, duties);
    if (group > 0 && turn % group_turns == 0)
      add_group(sums, parts[(group - 1) % 2], group - 1, inverses);
  }
  add_group(sums, parts[(turns / group_turns - 1) % 2], turns / group_turns - 1, inverses);
}

/// What lanes t of a group take from those that have columns of their own.
DEVICE void deal(float (&sums)[4]) {
  const int lane = threadIdx.x & 31;
  if (SEQUENCES == 8) return;
  if (SEQUENCES == 4) {
    const float low = __shfl_sync(FULL_WARP, sums[2], lane & ~2);
    const float high = __shfl_sync(FULL_WARP, sums[3], lane & ~2);
    if (lane & 2) sums[0] = low, sums[1] = high;
  } else {
    float dealt[4];
#pragma unroll
    for (int i = 0; i < 4; i++) dealt[i] = __shfl_sync(FULL_WARP, sums[i], lane & ~3);
    const float even = lane & 2 ? dealt[2] : dealt[0], odd = lane & 2 ? dealt[3] : dealt[1];
    sums[0] = lane & 1 ? odd : even;
  }
}

/// The power of two for numbers up to the one with these bits, and its inverse.
struct Scale {
  float factor, inverse;
  DEVICE Scale(uint greatest) {
    const int exponent = max(15, (int)(greatest >> 23));
    factor = __int_as_float((268 - exponent) << 23);
    inverse = __int_as_float((exponent - 14) << 23);
  }
};

/// The scales of a lane's sequences from its cells' gradients. The first lanes write the inverse
/// scales of the warp.
DEVICE void find_scales(float (&factors)[2], const float (&delta)[lane_cells][gates],
                        int sequence, float *inverses) {
  auto is_mine = [=](int s) { return s / lane_sequences == sequence / lane_sequences; };
  uint own[2] = {};
#pragma unroll
  for (int i = 0; i < lane_cells; i++)
#pragma unroll
    for (int gate = 0; gate < gates; gate++)
      own[i % 2] = max(own[i % 2], __float_as_uint(delta[i][gate]) & 0x7fffffffu);
  uint greatest[SEQUENCES];
#pragma unroll
  for (int s = 0; s < SEQUENCES; s++)
    greatest[s] = __reduce_max_sync(FULL_WARP, is_mine(s) ? own[s % lane_sequences] : 0);
#pragma unroll
  for (int s = 0; s < SEQUENCES; s++) {
    const Scale scale(greatest[s]);
    if (is_mine(s)) factors[s % lane_sequences] = scale.factor;
    if ((threadIdx.x & 31) == s) inverses[threadIdx.x / 32 * SEQUENCES + s] = scale.inverse;
  }
}

/// Where a unit's gradients begin: four gates follow each other, so that they move at once; of other
/// cells, each gate has a tile of 16 units.
DEVICE int place_of(int unit) {
  return gates == 4 ? unit * 4 : unit / 16 * 16 * gates + unit % 16;
}

/// The gradients of a cell's gates, scaled, as right factors.
DEVICE void write_deltas(Half *to, const float (&delta)[gates], float factor) {
  if constexpr (gates == 4) {
    *(uint2 *)to = {two_bounded_halves(delta[0] * factor, delta[1] * factor),
                    two_bounded_halves(delta[2] * factor, delta[3] * factor)};
  } else {
#pragma unroll
    for (int gate = 0; gate < gates; gate++) to[gate * 16] = bounded_half(delta[gate] * factor);
  }
}

/// A block for SEQUENCES sequences (x) and a head (y); the arguments are those of cell_backward.
KERNEL __launch_bounds__(THREADS, RESIDENT) cell_tensor_backward(
    const float *recurrent, const float *h0, const float *c0, const float *h, const float *saved,
    const float *dh, const float *dh_last, const float *dc_last, float *dx, float *inner,
    float *dh0, float *dc0, long batch, long length, long heads) {
  begin_kernel();
  const Cells cells(batch);
  Half *deltas = (Half *)memory;
  float *inverses = (float *)(deltas + 2 * Deltas::size);
  const Inputs inputs = {inverses + 2 * scales};
  recurrent += blockIdx.y * (long)(DIM * gates * DIM);
  const Weights weights((Fragment *)(inputs.base + Inputs::size), [&](int f, int row, int slot) {
    const int unit = threadIdx.x / 32 * 16 + row, element = Deltas::element(f) + slot;
    const int k = gates == 4 ? element / 4 : f / gates * 16 + element % 16;
    const int gate = gates == 4 ? element % 4 : f % gates;
    return are_inside(k, unit) ? recurrent[(unit * gates + gate) * DIM + k] : 0.0f;
  });
  Half *vector = deltas + cells.sequence * Deltas::pitch + place_of(cells.unit);
  Factors right = {};

  float dstate[lane_cells], state[lane_cells], in[lane_cells][values];
  float delta[lane_cells][gates], out[lane_cells][gates], factor[lane_cells];
  Memory dmemory[lane_cells], cell[lane_cells];
  // They go back with the steps, and `fetched` and `incoming` ahead of the others.
  const float *states[lane_sequences], *incoming[lane_sequences], *fetched[lane_sequences];
  float *to[lane_sequences], *to_inner[lane_sequences];
#pragma unroll
  for (int s = 0; s < lane_sequences; s++) {
    const long last = cells.at(s, length, length - 1);
    states[s] = h + last, incoming[s] = dh + last, to_inner[s] = inner + last;
    fetched[s] = saved + cells.at(s, length, length - 1, kept);
    to[s] = dx + cells.at(s, length, length - 1, gates);
  }
#pragma unroll
  for (int i = 0; i < lane_cells; i++) {
    const bool has = cells.has(i);
    dstate[i] = has && dh_last ? dh_last[cells.state(i)] : 0.0f;
    state[i] = has && KIND == ELMAN ? states[i % 2][Cells::shift(i)] : 0.0f;
    Memory &own = cell[i], &gain = dmemory[i];
#pragma unroll
    for (int m = 0; m < kept_memories; m++)
      own.of[m] = has ? fetched[i % 2][(kept_read + m) * width + Cells::shift(i)] : 0.0f;
#pragma unroll
    for (int m = 0; m < memories; m++)
      gain.of[m] = has && dc_last ? dc_last[cells.memory(i, m)] : 0.0f;
    if constexpr (KIND == SLSTM)
      gain.of[2] -= own.of[0] * gain.of[0] + own.of[1] * gain.of[1];
  }

  auto fetch = [&](int t) {
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      if (t < 0 || !cells.has(i)) continue;
      const int slot = i * values, shift = Cells::shift(i);
      auto get = [&](int value, const float *source) {
        copy_async_float(inputs.at(t, slot + value), source);
      };
      get(GRADIENT, incoming[i % 2] + shift);
#pragma unroll
      for (int n = 0; n < kept_read; n++) get(KEPT + n, fetched[i % 2] + n * width + shift);
      if (t > 0) {
#pragma unroll
        for (int m = 0; m < kept_memories; m++)
          get(MEMORY_BEFORE + m, fetched[i % 2] + (kept_read + m - kept) * width + shift);
        if (reads_state) get(STATE_BEFORE, states[i % 2] - width + shift);
      } else {
        for (int m = 0; m < kept_memories; m++)
          inputs.fetch(t, slot + MEMORY_BEFORE + m, c0 ? c0 + cells.memory(i, m) : nullptr);
        if (reads_state)
          inputs.fetch(t, slot + STATE_BEFORE, h0 ? h0 + cells.state(i) : nullptr);
      }
    }
#pragma unroll
    for (int s = 0; s < lane_sequences; s++)
      states[s] -= width, incoming[s] -= width, fetched[s] -= kept * width;
    copy_commit();
  };
  auto read = [&](int t) {
    wait_for_step();
#pragma unroll
    for (int i = 0; i < lane_cells; i++)
#pragma unroll
      for (int n = 0; n < values; n++)
        in[i][n] = *inputs.at(t, i * values + n);
  };
  auto store = [&] {
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      if (!cells.has(i)) continue;
#pragma unroll
      for (int gate = 0; gate < gates; gate++)
        to[i % 2][gate * width + Cells::shift(i)] = out[i][gate];
      if (KIND == GRU && inner) to_inner[i % 2][Cells::shift(i)] = delta[i][gates - 1];
    }
#pragma unroll
    for (int s = 0; s < lane_sequences; s++) to[s] -= gates * width, to_inner[s] -= width;
  };
  auto find_factors = [&] {
#pragma unroll
    for (int i = 0; i < lane_cells; i++) factor[i] = memory_factor(cell[i]);
  };
  for (int i = 0; i < DEPTH; i++) fetch((int)length - 1 - i);
  read((int)length - 1);
  find_factors();

  for (int t = (int)length - 1; t >= 0; t--) {
    float *inverse = inverses + t % 2 * scales, factors[2], sums[4] = {};
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      dstate[i] += in[i][GRADIENT];
      return_cell(in[i], dstate[i], dmemory[i], state[i], cell[i], factor[i], delta[i], out[i]);
#pragma unroll
      for (int gate = 0; gate < gates; gate++)
        if (!cells.inside(i)) delta[i][gate] = 0;
    }
    find_scales(factors, delta, cells.sequence, inverse);
#pragma unroll
    for (int i = 0; i < lane_cells; i++)
      write_deltas(vector + t % 2 * Deltas::size + i % 2 * Deltas::pitch +
                       place_of(Cells::shift(i)),
                   delta[i], factors[i % 2]);
    __syncthreads();
    multiply(sums, right, deltas + t % 2 * Deltas::size, inverse, weights, [&](int duty) {
      if (duty == STORE) store(), find_factors();
      if (duty == FETCH) fetch(t - DEPTH);
      if (duty == READ && t > 0) read(t - 1);
    });
    deal(sums);
#pragma unroll
    for (int i = 0; i < lane_cells; i++) dstate[i] += sums[i];
  }

#pragma unroll
  for (int i = 0; i < lane_cells; i++) {
    if (!cells.has(i)) continue;
    if (dh0) dh0[cells.state(i)] = dstate[i];
    Memory &own = cell[i], &gain = dmemory[i];
    if constexpr (KIND == SLSTM)
      gain.of[2] += own.of[0] * gain.of[0] + own.of[1] * gain.of[1];
    for (int m = 0; dc0 && m < memories; m++) dc0[cells.memory(i, m)] = gain.of[m];
  }
}
