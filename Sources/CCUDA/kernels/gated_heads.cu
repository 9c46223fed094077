// The norm of each head, a direct path beside it and a gate over both, in one pass; after
// held_rows.cuh. Constants: those of that file; FUNCTION, the gate's; HEADS, a divisor of the groups
// of a block, so that each group meets one head only. And the same with neither path nor gate.
//
// Rows are heads of tokens: x and its like are [rows, columns], weight and skip [HEADS, columns].

/// The part of a parameter that belongs to this group's head.
DEVICE const float *of_head(const float *parameter, long columns) {
  return parameter + group_of_row() % HEADS * columns;
}

/// y = (h weight + direct skip) f(gate), with h = (x factor - mean) rstd the layer norm of a row.
KERNEL gated_heads(long rows, long columns, float epsilon, const float *x, const float *factor,
                   const float *weight, const float *direct, const float *skip, const float *gate,
                   float *y, float *mean, float *rstd) {
  begin_kernel();
  const float part_of_mean = 1.0f / (float)columns;
  pack w[PACKS], u[PACKS], v[PACKS], a[PACKS], g[PACKS];
  load_parameter(w, columns, of_head(weight, columns), 0.0f);
  load_parameter(u, columns, of_head(skip, columns), 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(a, columns, direct + row * columns, present);
    load_row(g, columns, gate + row * columns, present);
    const float own = present ? factor[row] : 0.0f;
    float level = 0.0f, squares = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(v[part].at[i] *= own; level += v[part].at[i];))
    level = part_of_mean * group_sum<LANES>(level);
    EACH_PACK(columns, EACH_FLOAT(const float d = v[part].at[i] - level; squares += d * d;))
    const float scale = rsqrtf(part_of_mean * group_sum<LANES>(squares) + epsilon);
    if (!present) continue;
    EACH_PACK(columns, {
      EACH_FLOAT({
        const float h = (v[part].at[i] - level) * scale;
        v[part].at[i] = (h * w[part].at[i] + a[part].at[i] * u[part].at[i]) *
                        unary_value(FUNCTION, g[part].at[i]);
      })
      store_pack(y + row * columns + column, v[part]);
    })
    if (!lane_of_row()) mean[row] = level, rstd[row] = scale;
  }
}

/// With e = dy f(gate): dgate (+)= dy (h weight + direct skip) f'(gate), ddirect (+)= e skip,
/// dz = rstd (e weight - its mean - h mean of e weight h), dx (+)= dz factor, dfactor (+)= the row's
/// sum of dz x. Each block leaves its sums of e h and of e direct in a row of `partial`.
KERNEL gated_heads_backward(long rows, long columns, const float *x, const float *factor,
                            const float *weight, const float *direct, const float *skip,
                            const float *gate, const float *mean, const float *rstd,
                            const float *dy, float *dx, int accumulate_x, float *dfactor,
                            int accumulate_factor, float *ddirect, int accumulate_direct,
                            float *dgate, int accumulate_gate, float *partial) {
  begin_kernel();
  __shared__ float shared[SHARED];
  const float part_of_mean = 1.0f / (float)columns;
  pack w[PACKS], u[PACKS], dw[PACKS] = {}, du[PACKS] = {}, v[PACKS], a[PACKS], g[PACKS], e[PACKS];
  load_parameter(w, columns, of_head(weight, columns), 0.0f);
  load_parameter(u, columns, of_head(skip, columns), 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(a, columns, direct + row * columns, present);
    load_row(g, columns, gate + row * columns, present);
    load_row(e, columns, dy + row * columns, present);
    const float own = present ? factor[row] : 0.0f, level = present ? mean[row] : 0.0f;
    const float scale = present ? rstd[row] : 0.0f;
    float middle = 0.0f, slope = 0.0f, sum = 0.0f;
    EACH_PACK(columns, {
      EACH_FLOAT({
        const float h = (v[part].at[i] * own - level) * scale, from = e[part].at[i];
        const float opened = unary_value(FUNCTION, g[part].at[i]), open = from * opened;
        const float mixed = h * w[part].at[i] + a[part].at[i] * u[part].at[i];
        g[part].at[i] = from * (unary_slope(FUNCTION, g[part].at[i], opened) * mixed);
        du[part].at[i] += open * a[part].at[i];
        dw[part].at[i] += open * h;
        a[part].at[i] = open * u[part].at[i];
        e[part].at[i] = open * w[part].at[i];
        middle += e[part].at[i];
        slope += e[part].at[i] * h;
      })
      if (present) {
        put_pack(dgate + row * columns + column, g[part], accumulate_gate);
        put_pack(ddirect + row * columns + column, a[part], accumulate_direct);
      }
    })
    middle = group_sum<LANES>(middle) * part_of_mean;
    slope = group_sum<LANES>(slope) * part_of_mean;
    EACH_PACK(columns, {
      EACH_FLOAT({
        const float h = (v[part].at[i] * own - level) * scale;
        const float dz = scale * (e[part].at[i] - middle - h * slope);
        sum += dz * v[part].at[i];
        e[part].at[i] = dz * own;
      })
      if (present) put_pack(dx + row * columns + column, e[part], accumulate_x);
    })
    sum = group_sum<LANES>(sum);
    if (present && !lane_of_row()) put(dfactor + row, sum, accumulate_factor);
  }
  float *out = partial + (long)blockIdx.x * 2 * HEADS * columns;
  write_sums(dw, shared, columns, out, HEADS);
  write_sums(du, shared, columns, out + HEADS * columns, HEADS);
}

/// y = h weight, with h = (x - mean) rstd the layer norm of a row.
KERNEL weighted_heads(long rows, long columns, float epsilon, const float *x, const float *weight,
                      float *y, float *mean, float *rstd) {
  begin_kernel();
  const float part_of_mean = 1.0f / (float)columns;
  pack w[PACKS], v[PACKS];
  load_parameter(w, columns, of_head(weight, columns), 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, x + row * columns, row < rows);
    float level = 0.0f, squares = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(level += v[part].at[i];))
    level = part_of_mean * group_sum<LANES>(level);
    EACH_PACK(columns, EACH_FLOAT(const float d = v[part].at[i] - level; squares += d * d;))
    const float scale = rsqrtf(part_of_mean * group_sum<LANES>(squares) + epsilon);
    if (row >= rows) continue;
    EACH_PACK(columns, {
      EACH_FLOAT(v[part].at[i] = (v[part].at[i] - level) * scale * w[part].at[i];)
      store_pack(y + row * columns + column, v[part]);
    })
    if (!lane_of_row()) mean[row] = level, rstd[row] = scale;
  }
}

/// With e = dy weight: dx (+)= rstd (e - its mean - h mean of e h). Each block leaves its sums of dy h
/// in a row of `partial`.
KERNEL weighted_heads_backward(long rows, long columns, const float *x, const float *weight,
                               const float *mean, const float *rstd, const float *dy, float *dx,
                               int accumulate, float *partial) {
  begin_kernel();
  __shared__ float shared[SHARED];
  const float part_of_mean = 1.0f / (float)columns;
  pack w[PACKS], dw[PACKS] = {}, v[PACKS], e[PACKS];
  load_parameter(w, columns, of_head(weight, columns), 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(e, columns, dy + row * columns, present);
    const float level = present ? mean[row] : 0.0f, scale = present ? rstd[row] : 0.0f;
    float middle = 0.0f, slope = 0.0f;
    EACH_PACK(columns, EACH_FLOAT({
      const float h = (v[part].at[i] - level) * scale;
      dw[part].at[i] += e[part].at[i] * h;
      e[part].at[i] *= w[part].at[i];
      v[part].at[i] = h;
      middle += e[part].at[i];
      slope += e[part].at[i] * h;
    }))
    middle = group_sum<LANES>(middle) * part_of_mean;
    slope = group_sum<LANES>(slope) * part_of_mean;
    if (!present) continue;
    EACH_PACK(columns, {
      EACH_FLOAT(e[part].at[i] = scale * (e[part].at[i] - middle - v[part].at[i] * slope);)
      put_pack(dx + row * columns + column, e[part], accumulate);
    })
  }
  write_sums(dw, shared, columns, partial + (long)blockIdx.x * HEADS * columns, HEADS);
}
