// The weights of the layer of mlp_parts.cuh as halves.

/// Both times 16, at their places; `up` is [WIDTH, hidden], `down` [hidden, WIDTH].
KERNEL mlp_halves(int hidden, const float *up, const float *down, Half *halves) {
  begin_kernel();
  constexpr float SCALE = 1 << WEIGHT_BITS;
  const int quads = hidden * (WIDTH / 4);
  for (int i = (int)thread_index(); i < 2 * quads; i += (int)thread_count()) {
    const bool is_down = i >= quads;
    const int quad = is_down ? i - quads : i;
    // Lanes read what lies side by side.
    const int row = is_down ? quad / (WIDTH / 4) : quad % hidden;
    const int column = (is_down ? quad % (WIDTH / 4) : quad / hidden) * 4;
    Pack<4> x;
#pragma unroll
    for (int j = 0; j < 4; j++)
      x.at[j] = is_down ? down[row * WIDTH + column + j] : up[(column + j) * hidden + row];
    *(uint2 *)(halves + weight_place(is_down, row, column)) =
        uint2{two_halves(x.at[0] * SCALE, x.at[1] * SCALE),
              two_halves(x.at[2] * SCALE, x.at[3] * SCALE)};
  }
}
