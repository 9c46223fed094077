// The backward pass of the recurrent cells; after cell.cu.
//
// Eight lanes share two units: each multiplies an eighth of the gates' gradients, in quads 32
// numbers apart, with the units' rows of R. The gradient of h that a lane is left with is that of
// the cell which it computes next. The gradient of R is a product over all steps, made elsewhere
// from the gradients of the gates and the states before each step.

constexpr int parts = 8;
constexpr int units = 2;
constexpr int quads = (DIM + 31) / 32;
constexpr int padded = quads * 32;
constexpr int sums_count = units * SEQUENCES;
/// Cells of a lane.
constexpr int lane_cells = sums_count < parts ? 1 : sums_count / parts;

using Inputs = Ring<values * lane_cells * rounds>;

/// Four columns of R from part * 4 + quad * 32 on, of one gate and row.
DEVICE float4 weights(const float *recurrent, int quad, int gate, int unit) {
  const int j = quad * 32 + (threadIdx.x % parts) * 4;
  const float *from = recurrent + ((long)unit * gates + gate) * DIM + j;
  const bool inside = unit < DIM;
  return make_float4(inside && j < DIM ? from[0] : 0.0f, inside && j + 1 < DIM ? from[1] : 0.0f,
                     inside && j + 2 < DIM ? from[2] : 0.0f,
                     inside && j + 3 < DIM ? from[3] : 0.0f);
}

DEVICE int unit_of(int round, int which) {
  return round * (THREADS / 4) + threadIdx.x / parts * units + which;
}

struct Sums {
  float of[rounds][sums_count];
};

template <class Weights>
DEVICE void add_quad(Sums &sums, const float *deltas, int quad, Weights weights_of) {
#pragma unroll
  for (int gate = 0; gate < gates; gate++) {
    float4 delta[SEQUENCES];
#pragma unroll
    for (int s = 0; s < SEQUENCES; s++)
      delta[s] = *(const float4 *)(deltas + (s * gates + gate) * padded + quad * 32 +
                                   threadIdx.x % parts * 4);
#pragma unroll
    for (int round = 0; round < rounds; round++)
#pragma unroll
      for (int which = 0; which < units; which++) {
        const float4 w = weights_of(round, which, gate);
#pragma unroll
        for (int s = 0; s < SEQUENCES; s++)
          add_dot(sums.of[round][which * SEQUENCES + s], w, delta[s]);
      }
  }
}

/// deltas R': each lane gets the sums of its cells.
DEVICE void multiply(Sums &sums, const float *deltas,
                     const float4 (&held)[HELD + 1][rounds][units][gates], const float4 *stored,
                     const float *recurrent) {
#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int i = 0; i < sums_count; i++) sums.of[round][i] = 0;
#pragma unroll
  for (int quad = 0; quad < HELD; quad++)
    add_quad(sums, deltas, quad, [&](int round, int which, int gate) {
      return held[quad][round][which][gate];
    });
#pragma unroll 1
  for (int quad = HELD; quad < HELD + STORED; quad++)
    add_quad(sums, deltas, quad, [&](int round, int which, int gate) {
      return stored[((((quad - HELD) * rounds + round) * units + which) * gates + gate) * THREADS +
                    threadIdx.x];
    });
#pragma unroll 1
  for (int quad = HELD + STORED; quad < quads; quad++)
    add_quad(sums, deltas, quad, [&](int round, int which, int gate) {
      return weights(recurrent, quad, gate, unit_of(round, which));
    });
#pragma unroll
  for (int round = 0; round < rounds; round++)
    fold<sums_count, 1, 1, parts>(sums.of[round], threadIdx.x);
}

/// A block for SEQUENCES sequences (x) and a head (y). `inner` (GRU) becomes the gradients of the
/// candidates' recurrent parts, like h; it, the bounds' states and their gradients may be null.
KERNEL __launch_bounds__(THREADS, resident) cell_backward(
    const float *recurrent, const float *h0, const float *c0, const float *h, const float *saved,
    const float *dh, const float *dh_last, const float *dc_last, float *dx, float *inner,
    float *dh0, float *dc0, long batch, long length, long heads) {
  begin_kernel();
  const Place place(batch, length, heads);
  recurrent += place.head * DIM * gates * DIM;
  float *deltas = (float *)memory;
  constexpr int step_size = SEQUENCES * gates * padded;
  const Inputs inputs = {deltas + 2 * step_size};
  float4 *stored = (float4 *)(inputs.base + Inputs::size);
  const int first = fold_first<sums_count, 1, parts>(threadIdx.x);
  const bool writes = threadIdx.x % parts < sums_count;
  float4 held[HELD + 1][rounds][units][gates];

  clear_shared(deltas, 2 * step_size);
#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int which = 0; which < units; which++)
#pragma unroll
      for (int gate = 0; gate < gates; gate++) {
        const int unit = unit_of(round, which);
#pragma unroll
        for (int quad = 0; quad < HELD; quad++)
          held[quad][round][which][gate] = weights(recurrent, quad, gate, unit);
        for (int quad = 0; quad < STORED; quad++)
          stored[(((quad * rounds + round) * units + which) * gates + gate) * THREADS +
                 threadIdx.x] = weights(recurrent, HELD + quad, gate, unit);
      }

  // Cell number i of this lane.
  auto sequence_of = [&](int i) { return (first + i) % SEQUENCES; };
  auto cell_unit = [&](int round, int i) { return unit_of(round, (first + i) / SEQUENCES); };
  auto fetch = [&](long t) {
    if (t >= 0)
#pragma unroll
      for (int n = 0; n < lane_cells * rounds; n++) {
        const int s = sequence_of(n % lane_cells), unit = cell_unit(n / lane_cells, n % lane_cells);
        if (!place.has(s, unit)) continue;
        const long position = place.position(s, t), column = place.column(unit);
        const long at = position * place.width + column;
        const long start = (place.first + s) * place.width + column;
        if constexpr (reads_state)
          inputs.fetch(t, n * values + STATE_BEFORE,
                       t > 0 ? h + at - place.width : h0 ? h0 + start : nullptr);
        inputs.fetch(t, n * values + GRADIENT, dh + at);
#pragma unroll
        for (int m = 0; m < kept_memories; m++) {
          const float *own = c0 ? c0 + place.memory(s, m, unit) : nullptr;
          if (t > 0) own = saved + ((position - 1) * kept + kept_read + m) * place.width + column;
          inputs.fetch(t, n * values + MEMORY_BEFORE + m, own);
        }
#pragma unroll
        for (int m = 0; m < kept_read; m++)
          inputs.fetch(t, n * values + KEPT + m,
                       saved + (position * kept + m) * place.width + column);
      }
    copy_commit();
  };

  float dstate[rounds][lane_cells], state[rounds][lane_cells];
  Memory dmemory[rounds][lane_cells], cell[rounds][lane_cells];
#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      const int s = sequence_of(i), unit = cell_unit(round, i);
      const bool inside = place.has(s, unit);
      const long at = (place.first + s) * place.width + place.column(unit);
      const long last = place.position(s, length - 1);
      dstate[round][i] = inside && dh_last ? dh_last[at] : 0.0f;
      Memory &own = cell[round][i], &gain = dmemory[round][i];
#pragma unroll
      for (int m = 0; m < kept_memories; m++)
        own.of[m] = inside ? saved[(last * kept + kept_read + m) * place.width +
                                   place.column(unit)] : 0.0f;
#pragma unroll
      for (int m = 0; m < memories; m++)
        gain.of[m] = inside && dc_last ? dc_last[place.memory(s, m, unit)] : 0.0f;
      if constexpr (KIND == SLSTM)
        gain.of[2] -= own.of[0] * gain.of[0] + own.of[1] * gain.of[1];
      state[round][i] =
          inside && KIND == ELMAN ? h[last * place.width + place.column(unit)] : 0.0f;
    }
  for (int i = 0; i < DEPTH - 1; i++) fetch(length - 1 - i);
  __syncthreads();

  for (long t = length - 1; t >= 0; t--) {
    float *now = deltas + t % 2 * step_size;
    fetch(t - (DEPTH - 1));
    wait_for_step();
#pragma unroll
    for (int n = 0; n < lane_cells * rounds; n++) {
      const int i = n % lane_cells, round = n / lane_cells, s = sequence_of(i);
      const int unit = cell_unit(round, i);
      float in[values], delta[gates], out[gates];
#pragma unroll
      for (int m = 0; m < values; m++) in[m] = *inputs.at(t, n * values + m);
      dstate[round][i] += in[GRADIENT];
      return_cell(in, dstate[round][i], dmemory[round][i], state[round][i], cell[round][i],
                  memory_factor(cell[round][i]), delta, out);
      if (!writes || !place.has(s, unit)) continue;
      const long position = place.position(s, t), column = place.column(unit);
#pragma unroll
      for (int gate = 0; gate < gates; gate++) {
        now[(s * gates + gate) * padded + unit] = delta[gate];
        dx[(position * gates + gate) * place.width + column] = out[gate];
      }
      if (KIND == GRU && inner) inner[position * place.width + column] = delta[gates - 1];
    }
    __syncthreads();
    Sums sums;
    multiply(sums, now, held, stored, recurrent);
#pragma unroll
    for (int round = 0; round < rounds; round++)
#pragma unroll
      for (int i = 0; i < lane_cells; i++) dstate[round][i] += sums.of[round][i];
  }

#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int i = 0; i < lane_cells; i++) {
      const int s = sequence_of(i), unit = cell_unit(round, i);
      if (!writes || !place.has(s, unit)) continue;
      const long to = (place.first + s) * place.width + place.column(unit);
      if (dh0) dh0[to] = dstate[round][i];
      Memory &own = cell[round][i], &gain = dmemory[round][i];
      if constexpr (KIND == SLSTM)
        gain.of[2] += own.of[0] * gain.of[0] + own.of[1] * gain.of[1];
      for (int m = 0; dc0 && m < memories; m++) dc0[place.memory(s, m, unit)] = gain.of[m];
    }
}
