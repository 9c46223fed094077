// The root-mean-square norm of rows, times a function of a gate, in one pass; after held_rows.cuh.
// Constants: those of that file, and FUNCTION, the gate's.

/// y = x rstd weight f(gate) with rstd = (mean of x^2 + epsilon)^(-1/2)
KERNEL gated_norm(long rows, long columns, float epsilon, const float *x, const float *weight,
                  const float *gate, float *y, float *rstd) {
  begin_kernel();
  const float factor = 1.0f / (float)columns;
  pack w[PACKS], v[PACKS], g[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, x + row * columns, row < rows);
    load_row(g, columns, gate + row * columns, row < rows);
    float squares = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(squares += v[part].at[i] * v[part].at[i];))
    const float scale = rsqrtf(factor * group_sum<LANES>(squares) + epsilon);
    if (row >= rows) continue;
    EACH_PACK(columns, {
      EACH_FLOAT(v[part].at[i] *= scale * w[part].at[i] * unary_value(FUNCTION, g[part].at[i]);)
      store_pack(y + row * columns + column, v[part]);
    })
    if (!lane_of_row()) rstd[row] = scale;
  }
}

/// With n = x rstd weight and e = dy f(gate), the gradient of n: dgate (+)= dy n f'(gate) and
/// dx (+)= rstd (e weight - x rstd^2 mean of e weight x). Each block leaves its sums of e x rstd in
/// a row of `partial`, unless that is null.
KERNEL gated_norm_backward(long rows, long columns, const float *x, const float *weight,
                           const float *rstd, const float *gate, const float *dy, float *dx,
                           int accumulate_x, float *dgate, int accumulate_gate, float *partial) {
  begin_kernel();
  __shared__ float shared[SHARED];
  const float factor = 1.0f / (float)columns;
  pack w[PACKS], dw[PACKS] = {}, v[PACKS], g[PACKS], e[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(g, columns, gate + row * columns, present);
    load_row(e, columns, dy + row * columns, present);
    const float scale = present ? rstd[row] : 0.0f;
    float slope = 0.0f;
    EACH_PACK(columns, {
      EACH_FLOAT({
        const float opened = unary_value(FUNCTION, g[part].at[i]), from = e[part].at[i];
        const float scaled = v[part].at[i] * scale;
        g[part].at[i] =
            from * (unary_slope(FUNCTION, g[part].at[i], opened) * (scaled * w[part].at[i]));
        e[part].at[i] = from * opened;
        dw[part].at[i] += e[part].at[i] * scaled;
        e[part].at[i] *= w[part].at[i];
        slope += e[part].at[i] * v[part].at[i];
      })
      if (present) put_pack(dgate + row * columns + column, g[part], accumulate_gate);
    })
    slope = group_sum<LANES>(slope) * factor * scale * scale * scale;
    if (present)
      EACH_PACK(columns, {
        EACH_FLOAT(e[part].at[i] = scale * e[part].at[i] - slope * v[part].at[i];)
        put_pack(dx + row * columns + column, e[part], accumulate_x);
      })
  }
  if (partial) write_sums(dw, shared, columns, partial + (long)blockIdx.x * columns);
}
