// Normalisation of rows that a group of threads holds in registers; after held_rows.cuh.

/// y = (x - mean) rstd weight + bias with rstd = (factor sum (x - mean)^2 + epsilon)^(-1/2);
/// without `layer` there is no mean.
template <bool layer>
DEVICE void norm(long rows, long columns, float factor, float epsilon, const float *x,
                 const float *weight, const float *bias, float *y, float *mean, float *rstd) {
  pack w[PACKS], b[PACKS], v[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  load_parameter(b, columns, bias, 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, x + row * columns, row < rows);
    float level = 0.0f, squares = 0.0f;
    if (layer) {
      EACH_PACK(columns, EACH_FLOAT(level += v[part].at[i];))
      level = factor * group_sum<LANES>(level);
    }
    EACH_PACK(columns, EACH_FLOAT(const float d = v[part].at[i] - level; squares += d * d;))
    const float scale = rsqrtf(factor * group_sum<LANES>(squares) + epsilon);
    if (row >= rows) continue;
    EACH_PACK(columns, {
      EACH_FLOAT(v[part].at[i] = (v[part].at[i] - level) * scale * w[part].at[i] + b[part].at[i];)
      store_pack(y + row * columns + column, v[part]);
    })
    if (lane_of_row()) continue;
    rstd[row] = scale;
    if (layer) mean[row] = level;
  }
}

KERNEL rms_norm(long rows, long columns, float factor, float epsilon, const float *x,
                const float *weight, float *y, float *rstd) {
  begin_kernel();
  norm<false>(rows, columns, factor, epsilon, x, weight, nullptr, y, nullptr, rstd);
}

KERNEL layer_norm(long rows, long columns, float factor, float epsilon, const float *x,
                  const float *weight, const float *bias, float *y, float *mean, float *rstd) {
  begin_kernel();
  norm<true>(rows, columns, factor, epsilon, x, weight, bias, y, mean, rstd);
}

/// dx = rstd (g - mean of g - (x - mean) rstd^2 mean of g (x - mean)) with g = dy weight; without
/// `layer` there is no mean, of x or of g. Each block leaves its sums of dy (x - mean) rstd and of
/// dy, of those that are wanted, in a row of `partial`.
template <bool layer>
DEVICE void norm_backward(long rows, long columns, const float *x, const float *weight,
                          const float *mean, const float *rstd, const float *dy, float *dx,
                          int accumulate, int wants_weight, int wants_bias, float *partial) {
  __shared__ float shared[SHARED];
  const float factor = 1.0f / (float)columns;
  pack w[PACKS], dw[PACKS] = {}, db[PACKS] = {}, v[PACKS], g[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    const bool present = row < rows;
    load_row(v, columns, x + row * columns, present);
    load_row(g, columns, dy + row * columns, present);
    const float scale = present ? rstd[row] : 0.0f, middle = layer && present ? mean[row] : 0.0f;
    float level = 0.0f, slope = 0.0f;
    EACH_PACK(columns, EACH_FLOAT({
      const float distance = v[part].at[i] - middle;
      v[part].at[i] = distance;
      dw[part].at[i] += g[part].at[i] * distance * scale;
      if (layer) db[part].at[i] += g[part].at[i];
      g[part].at[i] *= w[part].at[i];
      level += g[part].at[i];
      slope += g[part].at[i] * distance;
    }))
    if (!dx) continue;
    slope = group_sum<LANES>(slope) * factor * scale * scale * scale;
    level = layer ? group_sum<LANES>(level) * factor * scale : 0.0f;
    if (present)
      EACH_PACK(columns, {
        EACH_FLOAT(g[part].at[i] = scale * g[part].at[i] - (level + slope * v[part].at[i]);)
        put_pack(dx + row * columns + column, g[part], accumulate);
      })
  }
  float *out = partial + (long)blockIdx.x * (wants_weight + wants_bias) * columns;
  if (wants_weight) write_sums(dw, shared, columns, out);
  if (wants_bias) write_sums(db, shared, columns, out + wants_weight * columns);
}

KERNEL rms_norm_backward(long rows, long columns, const float *x, const float *weight,
                         const float *rstd, const float *dy, float *dx, int accumulate,
                         int wants_weight, float *partial) {
  begin_kernel();
  norm_backward<false>(rows, columns, x, weight, nullptr, rstd, dy, dx, accumulate, wants_weight, 0,
                       partial);
}

KERNEL layer_norm_backward(long rows, long columns, const float *x, const float *weight,
                           const float *mean, const float *rstd, const float *dy, float *dx,
                           int accumulate, int wants_weight, int wants_bias, float *partial) {
  begin_kernel();
  norm_backward<true>(rows, columns, x, weight, mean, rstd, dy, dx, accumulate, wants_weight,
                      wants_bias, partial);
}

/// dx (+)= scale (dy - y (y . dy))
KERNEL l2_norm_backward(long rows, long columns, const float *y, const float *scale,
                        const float *dy, float *dx, int accumulate) {
  begin_kernel();
  pack v[PACKS], g[PACKS];
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, y + row * columns, row < rows);
    load_row(g, columns, dy + row * columns, row < rows);
    float dot = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(dot += v[part].at[i] * g[part].at[i];))
    dot = group_sum<LANES>(dot);
    if (row >= rows) continue;
    const float factor = scale[row];
    EACH_PACK(columns, {
      EACH_FLOAT(g[part].at[i] = factor * (g[part].at[i] - v[part].at[i] * dot);)
      put_pack(dx + row * columns + column, g[part], accumulate);
    })
  }
}
