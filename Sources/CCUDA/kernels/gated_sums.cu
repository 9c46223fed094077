// A sum with a direct path, a gate over it and the root-mean-square norm of the rows after that, as
// at the end of Mamba-2 (Dao and Gu 2024), in one pass; after held_rows.cuh. Constants: those of that
// file; FUNCTION, the gate's.

/// y = p rstd weight with p = (x + direct skip) f(gate) and rstd = (mean of p^2 + epsilon)^(-1/2)
KERNEL gated_sum(long rows, long columns, float epsilon, const float *x, const float *direct,
                 const float *skip, const float *gate, const float *weight, float *y, float *rstd) {
  begin_kernel();
  const float factor = 1.0f / (float)columns;
  pack w[PACKS], u[PACKS], v[PACKS], a[PACKS], g[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  load_parameter(u, columns, skip, 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, x + row * columns, row < rows);
    load_row(a, columns, direct + row * columns, row < rows);
    load_row(g, columns, gate + row * columns, row < rows);
    float squares = 0.0f;
    EACH_PACK(columns, EACH_FLOAT({
      const float sum = v[part].at[i] + a[part].at[i] * u[part].at[i];
      v[part].at[i] = sum * unary_value(FUNCTION, g[part].at[i]);
      squares += v[part].at[i] * v[part].at[i];
    }))
    const float scale = rsqrtf(factor * group_sum<LANES>(squares) + epsilon);
    if (row >= rows) continue;
    EACH_PACK(columns, {
      EACH_FLOAT(v[part].at[i] *= scale * w[part].at[i];)
      store_pack(y + row * columns + column, v[part]);
    })
    if (!lane_of_row()) rstd[row] = scale;
  }
}

/// With s = x + direct skip, p = s f(gate) and e = dy weight: the gradient of p is
/// rstd (e - p rstd^2 mean of e p); with d that times f(gate), dx (+)= d, ddirect (+)= d skip and
/// dgate (+)= the gradient of p times s f'(gate). Each block leaves its sums of dy p rstd and of
/// d direct in a row of `partial`.
KERNEL gated_sum_backward(long rows, long columns, const float *x, const float *direct,
                          const float *skip, const float *gate, const float *weight,
                          const float *rstd, const float *dy, float *dx, int accumulate_x,
                          float *ddirect, int accumulate_direct, float *dgate,
                          int accumulate_gate, float *partial) {
  begin_kernel();
  __shared__ float shared[SHARED];
  const float factor = 1.0f / (float)columns;
  pack dw[PACKS] = {}, du[PACKS] = {}, v[PACKS], a[PACKS], g[PACKS], e[PACKS];
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(a, columns, direct + row * columns, present);
    load_row(g, columns, gate + row * columns, present);
    load_row(e, columns, dy + row * columns, present);
    const float scale = present ? rstd[row] : 0.0f;
    float slope = 0.0f;
    // The parameters are read for every row, from the cache: there is no room to hold them.
    EACH_PACK(columns, {
      const pack w = load_floats<VECTOR>(weight + column), u = load_floats<VECTOR>(skip + column);
      EACH_FLOAT({
        v[part].at[i] += a[part].at[i] * u.at[i];
        const float p = v[part].at[i] * unary_value(FUNCTION, g[part].at[i]);
        dw[part].at[i] += e[part].at[i] * p * scale;
        e[part].at[i] *= w.at[i];
        slope += e[part].at[i] * p;
      })
    })
    slope = group_sum<LANES>(slope) * factor * scale * scale * scale;
    if (!present) continue;
    EACH_PACK(columns, {
      const pack u = load_floats<VECTOR>(skip + column);
      EACH_FLOAT({
        const float opened = unary_value(FUNCTION, g[part].at[i]), sum = v[part].at[i];
        const float dp = scale * e[part].at[i] - slope * sum * opened;
        g[part].at[i] = dp * (unary_slope(FUNCTION, g[part].at[i], opened) * sum);
        v[part].at[i] = dp * opened;
        du[part].at[i] += v[part].at[i] * a[part].at[i];
        a[part].at[i] = v[part].at[i] * u.at[i];
      })
      put_pack(dx + row * columns + column, v[part], accumulate_x);
      put_pack(ddirect + row * columns + column, a[part], accumulate_direct);
      put_pack(dgate + row * columns + column, g[part], accumulate_gate);
    })
  }
  float *out = partial + (long)blockIdx.x * 2 * columns;
  write_sums(dw, shared, columns, out);
  write_sums(du, shared, columns, out + columns);
}
