// The forward pass of the recurrent cells on tensor cores; after cell_tensor.cuh and cell_step.cuh.

constexpr int together = warps % 2 ? 1 : 2;
using State = Vector<warps, together>;
using Inputs = Ring<gates * lane_cells>;
/// Sums of a row that are made beside each other, because a product waits for the one before it.
constexpr int chains = gates == 1 && warps > 3 ? 4 : 1;

/// h R for the lane's units and all gates, with the lane's duties beside it.
template <class Duties>
DEVICE void multiply(float (&sums)[gates][4], const Half *states, const Weights &weights,
                     Duties duties) {
  State::Right b[warps / together];
#pragma unroll
  for (int i = 0; i < warps / together; i++) State::load(b[i], states, i * together);
  float parts[chains][gates][4] = {};
#pragma unroll
  for (int tile = 0; tile < warps; tile++) {
#pragma unroll
    for (int gate = 0; gate < gates; gate++)
      add_tile(parts[tile % chains][gate], weights[tile * gates + gate],
               b[tile / together] + tile % together * 2);
    run_duties(tile, warps, duties);
  }
#pragma unroll
  for (int gate = 0; gate < gates; gate++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      sums[gate][i] = parts[0][gate][i];
#pragma unroll
      for (int chain = 1; chain < chains; chain++) sums[gate][i] += parts[chain][gate][i];
    }
}

/// The sum of a lane's cell i among those of its units and sequences.
DEVICE float sum_of(const float (&sums)[4], int i) {
  const int t = lane_in_group();
  if (SEQUENCES == 8) return sums[i];
  if (SEQUENCES == 4) return t & 2 ? sums[2 + i] : sums[i];
  const float even = t & 2 ? sums[2] : sums[0], odd = t & 2 ? sums[3] : sums[1];
  return t & 1 ? odd : even;
}

/// A block for SEQUENCES sequences (x) and a head (y); the arguments are those of cell_forward.
KERNEL __launch_bounds__(THREADS, RESIDENT) cell_tensor_forward(
    const float *x, const float *recurrent, const float *bias, const float *h0, const float *c0,
    float *h, float *h_last, float *c_last, float *saved, long batch, long length,
    long heads) {
  begin_kernel();
  const Cells cells(batch);
  Half *states = (Half *)memory;
  const Inputs inputs = {(float *)(states + 2 * State::size)};
  recurrent += blockIdx.y * (long)(DIM * gates * DIM);
  const Weights weights((Fragment *)(inputs.base + Inputs::size), [&](int f, int row, int slot) {
    const int k = State::element(f / gates) + slot, unit = threadIdx.x / 32 * 16 + row;
    return are_inside(k, unit) ? recurrent[(k * gates + f % gates) * DIM + unit] : 0.0f;
  });
  for (int i = threadIdx.x; i < State::size; i += THREADS) ((uint *)states)[i] = 0;
  __syncthreads();

  float state[lane_cells], biases[lane_cells], out[lane_cells][kept + 1];
  Memory cell[lane_cells];
  Half *vector = states + cells.sequence * State::pitch + cells.unit;
  auto publish = [&](int t) {
#pragma unroll
    for (int i = 0; i < lane_cells; i++)
      if (cells.inside(i))
        vector[t % 2 * State::size + i % 2 * State::pitch + Cells::shift(i)] =
            bounded_half(state[i]);
  };
#pragma unroll
  for (int i = 0; i < lane_cells; i++) {
    const bool has = cells.has(i);
    state[i] = has && h0 ? h0[cells.state(i)] : 0.0f;
    biases[i] = bias && cells.inside(i) ? bias[cells.column + Cells::shift(i)] : 0.0f;
#pragma unroll
    for (int m = 0; m < memories; m++)
      cell[i].of[m] = has && c0 ? c0[cells.memory(i, m)] : 0.0f;
    // The sLSTM's empty memory weighs nothing.
    if constexpr (KIND == SLSTM)
      if (!c0) cell[i].of[2] = -1e30f;
  }
  publish(0);

  // They go on with the steps.
  const float *from[lane_sequences];
  float *to[lane_sequences], *keep[lane_sequences];
#pragma unroll
  for (int s = 0; s < lane_sequences; s++) {
    from[s] = x + cells.at(s, length, 0, gates);
    to[s] = h + cells.at(s, length, 0), keep[s] = saved + cells.at(s, length, 0, kept);
  }
  auto fetch = [&](int t) {
    if (t < length)
#pragma unroll
      for (int i = 0; i < lane_cells; i++)
        if (cells.has(i))
#pragma unroll
          for (int gate = 0; gate < gates; gate++)
            copy_async_float(inputs.at(t, i * gates + gate),
                             from[i % 2] + gate * width + Cells::shift(i));
#pragma unroll
    for (int s = 0; s < lane_sequences; s++) from[s] += gates * width;
    copy_commit();
  };
  auto store = [&] {
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      if (!cells.has(i)) continue;
      to[i % 2][Cells::shift(i)] = state[i];
      if (kept > 0 && saved)
#pragma unroll
        for (int n = 0; n < kept; n++) keep[i % 2][n * width + Cells::shift(i)] = out[i][n];
    }
#pragma unroll
    for (int s = 0; s < lane_sequences; s++) to[s] += width, keep[s] += kept * width;
  };
  for (int t = 0; t < DEPTH - 1; t++) fetch(t);
  __syncthreads();

  for (int t = 0; t < length; t++) {
    float sums[gates][4], in[lane_cells][gates];
    multiply(sums, states + t % 2 * State::size, weights, [&](int duty) {
      if (duty == STORE && t > 0) store();
      if (duty == FETCH) fetch(t + DEPTH - 1);
      if (duty != READ) return;
      wait_for_step();
#pragma unroll
      for (int i = 0; i < lane_cells; i++)
#pragma unroll
        for (int gate = 0; gate < gates; gate++) in[i][gate] = *inputs.at(t, i * gates + gate);
    });
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      float own[gates];
#pragma unroll
      for (int gate = 0; gate < gates; gate++) own[gate] = sum_of(sums[gate], i);
      step_cell(in[i], own, biases[i], state[i], cell[i], out[i]);
    }
    publish(t + 1);
    __syncthreads();
  }

  store();
#pragma unroll
  for (int i = 0; i < lane_cells; i++) {
    if (!cells.has(i)) continue;
    if (h_last) h_last[cells.state(i)] = state[i];
    for (int m = 0; c_last && m < memories; m++) c_last[cells.memory(i, m)] = cell[i].of[m];
  }
}
