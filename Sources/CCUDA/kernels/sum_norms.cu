// The sum of two residual streams and its norm in one pass; after held_rows.cuh.

/// total = x + other; y = (total - mean) rstd weight + bias with
/// rstd = (factor sum (total - mean)^2 + epsilon)^(-1/2); without `layer` there is no mean.
template <bool layer>
DEVICE void sum_norm(long rows, long columns, float factor, float epsilon, const float *x,
                     const float *other, const float *weight, const float *bias, float *total,
                     float *y, float *mean, float *rstd) {
  pack w[PACKS], b[PACKS], v[PACKS], more[PACKS];
  load_parameter(w, columns, weight, 1.0f);
  load_parameter(b, columns, bias, 0.0f);
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += (long)gridDim.x * GROUPS) {
    const long row = base + group_of_row();
    load_row(v, columns, x + row * columns, row < rows);
    load_row(more, columns, other + row * columns, row < rows);
    float level = 0.0f, squares = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(v[part].at[i] += more[part].at[i]; level += v[part].at[i];))
    if (layer) level = factor * group_sum<LANES>(level);
    else level = 0.0f;
    EACH_PACK(columns, EACH_FLOAT(const float d = v[part].at[i] - level; squares += d * d;))
    const float scale = rsqrtf(factor * group_sum<LANES>(squares) + epsilon);
    if (row >= rows) continue;
    EACH_PACK(columns, {
      store_pack(total + row * columns + column, v[part]);
      EACH_FLOAT(v[part].at[i] = (v[part].at[i] - level) * scale * w[part].at[i] + b[part].at[i];)
      store_pack(y + row * columns + column, v[part]);
    })
    if (lane_of_row()) continue;
    rstd[row] = scale;
    if (layer) mean[row] = level;
  }
}

KERNEL sum_rms_norm(long rows, long columns, float factor, float epsilon, const float *x,
                    const float *other, const float *weight, float *total, float *y, float *rstd) {
  begin_kernel();
  sum_norm<false>(rows, columns, factor, epsilon, x, other, weight, nullptr, total, y, nullptr,
                  rstd);
}

KERNEL sum_layer_norm(long rows, long columns, float factor, float epsilon, const float *x,
                      const float *other, const float *weight, const float *bias, float *total,
                      float *y, float *mean, float *rstd) {
  begin_kernel();
  sum_norm<true>(rows, columns, factor, epsilon, x, other, weight, bias, total, y, mean, rstd);
}
