// One step of a cell on the way back; after cell.cu.

/// What a cell reads at a step: the gradient of its output, the memories before it, what was kept and,
/// where it matters, the state before it.
constexpr int kept_read = kept - kept_memories;
constexpr bool reads_state = KIND == ELMAN || KIND == GRU;
enum {
  GRADIENT, MEMORY_BEFORE, KEPT = MEMORY_BEFORE + kept_memories, STATE_BEFORE = KEPT + kept_read,
};
constexpr int values = STATE_BEFORE + reads_state;

/// What a step on the way back needs of the cell's own memory, whatever the gradients are: the LSTM's
/// tanh c, the sLSTM's 1 / n.
DEVICE float memory_factor(const Memory &memory) {
  return KIND == LSTM ? squash_both(memory.of[0]) : KIND == SLSTM ? __fdividef(1.0f, memory.of[1]) : 0.0f;
}

/// The gradients of one cell: of the gates' recurrent parts (`delta`) and of its inputs (`dx`).
/// dh comes as the gradient of the cell's h and leaves as what reaches the h before directly;
/// so does `gain`, that of the memory. `h` and `memory` are the cell's own, and become those before;
/// `factor` is that of the memory.
/// For the sLSTM, `gain` is that of c and n with m fixed, and that of m with the unscaled c and n
/// fixed: the last is not 0 only where someone asks for the final m.
DEVICE void return_cell(const float (&in)[values], float &dh, Memory &gain, float &h,
                        Memory &memory, float factor, float (&delta)[gates],
                        float (&dx)[gates]) {
  if constexpr (KIND == ELMAN) {
    dx[0] = delta[0] = dh * (1.0f - h * h);
    dh = 0;
  } else if constexpr (KIND == GRU) {
    const float r = in[KEPT], z = in[KEPT + 1], n = in[KEPT + 2], part = in[KEPT + 3];
    const float dn = dh * (1.0f - z) * (1.0f - n * n), inner = dn * r;
    dx[0] = delta[0] = part * inner * (1.0f - r);
    dx[1] = delta[1] = dh * (in[STATE_BEFORE] - n) * z * (1.0f - z);
    dx[2] = dn;
    delta[2] = inner;
    dh *= z;
  } else if constexpr (KIND == LSTM) {
    const float i = in[KEPT], f = in[KEPT + 1], g = in[KEPT + 2], o = in[KEPT + 3];
    float &c = memory.of[0], &dc = gain.of[0];
    const float squashed = factor;
    dc += dh * o * (1.0f - squashed * squashed);
    dx[0] = delta[0] = dc * g * i * (1.0f - i);
    dx[1] = delta[1] = dc * in[MEMORY_BEFORE] * f * (1.0f - f);
    dx[2] = delta[2] = dc * i * (1.0f - g * g);
    dx[3] = delta[3] = dh * squashed * o * (1.0f - o);
    dc *= f;
    dh = 0;
    c = in[MEMORY_BEFORE];
  } else {
    float i, f;
    split_gates(in[KEPT], i, f);
    const float z = in[KEPT + 1], o = in[KEPT + 2], slope = in[KEPT + 3], inverse = factor;
    const float mean = memory.of[0] * inverse, reach = dh * o * inverse;
    const float dc = gain.of[0] + reach, dn = gain.of[1] - reach * mean, dm = gain.of[2];
    // m comes from the step before where nothing is forgotten, else from the input gate.
    const float dm_before = f >= 1.0f ? dm : 0.0f;
    const float kept_part = f * (dc * in[MEMORY_BEFORE] + dn * in[MEMORY_BEFORE + 1]);
    dx[0] = delta[0] = i * (dc * z + dn) + (dm - dm_before);
    dx[1] = delta[1] = (kept_part + dm_before) * slope;
    dx[2] = delta[2] = dc * i * (1.0f - z * z);
    dx[3] = delta[3] = dh * mean * o * (1.0f - o);
    gain.of[0] = dc * f, gain.of[1] = dn * f, gain.of[2] = dm_before;
    dh = 0;
    memory.of[0] = in[MEMORY_BEFORE], memory.of[1] = in[MEMORY_BEFORE + 1];
  }
  if constexpr (reads_state) h = in[STATE_BEFORE];
}
