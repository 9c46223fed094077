// The forward pass of the recurrent cells; after cell.cu.
//
// Four lanes share a unit: each multiplies a quarter of h, in quads 16 numbers apart, with the
// unit's columns of R for all gates.

constexpr int parts = 4;
constexpr int quads = (DIM + 15) / 16;
constexpr int padded = quads * 16;
/// Sequences whose cells a lane computes.
constexpr int lane_sequences = SEQUENCES < parts ? 1 : SEQUENCES / parts;
using Inputs = Ring<gates * lane_sequences * rounds>;

/// Four rows of R from part * 4 + quad * 16 on, of one gate and unit.
DEVICE float4 weights(const float *recurrent, int quad, int gate, int unit) {
  const int k = quad * 16 + (threadIdx.x % parts) * 4;
  const float *from = recurrent + ((long)k * gates + gate) * DIM + unit;
  const long step = gates * DIM;
  const bool inside = unit < DIM;
  return make_float4(inside && k < DIM ? from[0] : 0.0f, inside && k + 1 < DIM ? from[step] : 0.0f,
                     inside && k + 2 < DIM ? from[2 * step] : 0.0f,
                     inside && k + 3 < DIM ? from[3 * step] : 0.0f);
}

DEVICE int unit_of(int round) { return round * (THREADS / parts) + threadIdx.x / parts; }

struct Sums {
  float of[rounds][SEQUENCES * gates];
};

/// Adds the products of one quad.
template <class Weights>
DEVICE void add_quad(Sums &sums, const float *h, int quad, Weights weights_of) {
  float4 state[SEQUENCES];
#pragma unroll
  for (int s = 0; s < SEQUENCES; s++)
    state[s] = *(const float4 *)(h + s * padded + quad * 16 + threadIdx.x % parts * 4);
#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int gate = 0; gate < gates; gate++) {
      const float4 w = weights_of(round, gate);
#pragma unroll
      for (int s = 0; s < SEQUENCES; s++) add_dot(sums.of[round][s * gates + gate], w, state[s]);
    }
}

/// h R for all gates: each lane gets the sums of its sequences.
DEVICE void multiply(Sums &sums, const float *h, const float4 (&held)[HELD + 1][rounds][gates],
                     const float4 *stored, const float *recurrent) {
#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int i = 0; i < SEQUENCES * gates; i++) sums.of[round][i] = 0;
#pragma unroll
  for (int quad = 0; quad < HELD; quad++)
    add_quad(sums, h, quad, [&](int round, int gate) { return held[quad][round][gate]; });
#pragma unroll 1
  for (int quad = HELD; quad < HELD + STORED; quad++)
    add_quad(sums, h, quad, [&](int round, int gate) {
      return stored[(((quad - HELD) * rounds + round) * gates + gate) * THREADS + threadIdx.x];
    });
#pragma unroll 1
  for (int quad = HELD + STORED; quad < quads; quad++)
    add_quad(sums, h, quad, [&](int round, int gate) {
      return weights(recurrent, quad, gate, unit_of(round));
    });
#pragma unroll
  for (int round = 0; round < rounds; round++)
    fold<SEQUENCES, gates, 1, parts>(sums.of[round], threadIdx.x);
}

/// A block for SEQUENCES sequences (x) and a head (y). `saved` is [batch, length, kept, heads, dim]
/// or null; so may be the bias, the states before and the states after.
KERNEL __launch_bounds__(THREADS, resident) cell_forward(
    const float *x, const float *recurrent, const float *bias, const float *h0, const float *c0,
    float *h, float *h_last, float *c_last, float *saved, long batch, long length, long heads) {
  begin_kernel();
  const Place place(batch, length, heads);
  recurrent += place.head * DIM * gates * DIM;
  float *states = (float *)memory;
  const Inputs inputs = {states + 2 * SEQUENCES * padded};
  float4 *stored = (float4 *)(inputs.base + Inputs::size);
  const int first = fold_first<SEQUENCES, 1, parts>(threadIdx.x);
  // Where sequences are fewer than lanes, some lanes compute the same cell.
  const bool writes = threadIdx.x % parts < SEQUENCES;
  float4 held[HELD + 1][rounds][gates];
  float state[rounds][lane_sequences], biases[rounds];
  Memory cell[rounds][lane_sequences];

  clear_shared(states, 2 * SEQUENCES * padded);
  __syncthreads();
#pragma unroll
  for (int round = 0; round < rounds; round++) {
    const int unit = unit_of(round);
#pragma unroll
    for (int gate = 0; gate < gates; gate++) {
#pragma unroll
      for (int quad = 0; quad < HELD; quad++)
        held[quad][round][gate] = weights(recurrent, quad, gate, unit);
      for (int quad = 0; quad < STORED; quad++)
        stored[((quad * rounds + round) * gates + gate) * THREADS + threadIdx.x] =
            weights(recurrent, HELD + quad, gate, unit);
    }
    biases[round] = bias && unit < DIM ? bias[place.column(unit)] : 0.0f;
#pragma unroll
    for (int s = 0; s < lane_sequences; s++) {
      const bool inside = place.has(first + s, unit);
      const long from = (place.first + first + s) * place.width + place.column(unit);
      state[round][s] = inside && h0 ? h0[from] : 0.0f;
      for (int n = 0; n < memories; n++)
        cell[round][s].of[n] = inside && c0 ? c0[place.memory(first + s, n, unit)] : 0.0f;
      // The sLSTM's empty memory weighs nothing.
      if constexpr (KIND == SLSTM)
        if (!c0) cell[round][s].of[2] = -1e30f;
      if (inside) states[(first + s) * padded + unit] = state[round][s];
    }
  }

  auto fetch = [&](long t) {
    if (t < length)
#pragma unroll
      for (int i = 0; i < gates * lane_sequences * rounds; i++) {
        const int gate = i % gates, s = i / gates % lane_sequences;
        const int unit = unit_of(i / gates / lane_sequences);
        if (place.has(first + s, unit))
          inputs.fetch(t, i, x + (place.position(first + s, t) * gates + gate) * place.width
                                 + place.column(unit));
      }
    copy_commit();
  };
  for (int t = 0; t < DEPTH - 1; t++) fetch(t);
  __syncthreads();

  for (long t = 0; t < length; t++) {
    const float *now = states + t % 2 * SEQUENCES * padded;
    float *next = states + (t + 1) % 2 * SEQUENCES * padded;
    fetch(t + DEPTH - 1);
    Sums sums;
    multiply(sums, now, held, stored, recurrent);
    wait_for_step();
#pragma unroll
    for (int round = 0; round < rounds; round++)
#pragma unroll
      for (int s = 0; s < lane_sequences; s++) {
        const int unit = unit_of(round);
        float in[gates], out[kept + 1];
#pragma unroll
        for (int gate = 0; gate < gates; gate++)
          in[gate] = *inputs.at(t, (round * lane_sequences + s) * gates + gate);
        step_cell(in, sums.of[round] + s * gates, biases[round], state[round][s], cell[round][s],
                  out);
        if (!writes || !place.has(first + s, unit)) continue;
        const long position = place.position(first + s, t);
        next[(first + s) * padded + unit] = state[round][s];
        h[position * place.width + place.column(unit)] = state[round][s];
        if (saved)
#pragma unroll
          for (int n = 0; n < kept; n++)
            saved[(position * kept + n) * place.width + place.column(unit)] = out[n];
      }
    __syncthreads();
  }

#pragma unroll
  for (int round = 0; round < rounds; round++)
#pragma unroll
    for (int s = 0; s < lane_sequences; s++) {
      const int unit = unit_of(round);
      if (!writes || !place.has(first + s, unit)) continue;
      const long to = (place.first + first + s) * place.width + place.column(unit);
      if (h_last) h_last[to] = state[round][s];
      for (int n = 0; c_last && n < memories; n++)
        c_last[place.memory(first + s, n, unit)] = cell[round][s].of[n];
    }
}
