// One step of a cell; after cell.cu.

/// The sLSTM's forget gate sigmoid(x) on a logarithmic scale: softplus(-x) = -log sigmoid(x), and
/// sigmoid(-x), its slope. Without branches, so that the cells of a lane go side by side.
struct Forgetting {
  float loss, slope;
  DEVICE Forgetting(float x) {
    const float part = __expf(-fabsf(x)), sum = 1.0f + part, inverse = __fdividef(1.0f, sum);
    // log(1 + part), with what the sum has lost.
    loss = fmaxf(-x, 0.0f) + (logf(sum) + (part - (sum - 1.0f)) * inverse);
    slope = x < 0.0f ? inverse : part * inverse;
  }
};

/// One cell: x are its inputs, sums the recurrent parts; h and the memory go one step on. `out`
/// becomes what is kept.
DEVICE void step_cell(const float (&x)[gates], const float *sums, float bias, float &h,
                      Memory &memory, float (&out)[kept + 1]) {
  float &c = memory.of[0];
  if constexpr (KIND == ELMAN) {
    h = squash_both(x[0] + sums[0]);
  } else if constexpr (KIND == GRU) {
    const float r = squash(x[0] + sums[0]), z = squash(x[1] + sums[1]), inner = sums[2] + bias;
    const float n = squash_both(x[2] + r * inner);
    h = n + z * (h - n);
    out[0] = r, out[1] = z, out[2] = n, out[3] = inner;
  } else if constexpr (KIND == LSTM) {
    const float i = squash(x[0] + sums[0]), f = squash(x[1] + sums[1]);
    const float g = squash_both(x[2] + sums[2]), o = squash(x[3] + sums[3]);
    c = f * c + i * g;
    h = o * squash_both(c);
    out[0] = i, out[1] = f, out[2] = g, out[3] = o, out[4] = c;
  } else {
    float &n = memory.of[1], &m = memory.of[2];
    const float input = x[0] + sums[0], forget = x[1] + sums[1];
    const float z = squash_both(x[2] + sums[2]), o = squash(x[3] + sums[3]);
    const Forgetting forgetting(forget);
    const float carried = m - forgetting.loss;
    m = fmaxf(carried, input);
    const float i = expf(input - m), f = expf(carried - m);
    c = f * c + i * z;
    n = f * n + i;
    h = __fdividef(o * c, n);
    out[0] = joined_gates(i, f), out[1] = z, out[2] = o, out[3] = forgetting.slope;
    out[4] = c, out[5] = n;
  }
}
