// Rows of a table by their numbers and their norms in one pass, as a residual stream begins; after
// held_rows.cuh.

/// Rows of a group of threads that are under way at once: an element waits for its row's number.
enum { FLOATS = PACKS * VECTOR, AHEAD = FLOATS <= 8 ? 2 : 1 };

/// total[r,:] = table[index[r],:], zeros where the index is -1, plus added[r % period,:] where it is
/// there; y = (total - mean) rstd weight + bias with
/// rstd = (factor sum (total - mean)^2 + epsilon)^(-1/2); without `layer` there is no mean.
template <bool layer>
DEVICE void gather_norm(long rows, long columns, float factor, float epsilon,
                        const int *__restrict__ index, const float *__restrict__ table,
                        const float *__restrict__ added, long period, const float *weight,
                        const float *bias, float *total, float *y, float *mean, float *rstd) {
  pack w[PACKS], b[PACKS], v[AHEAD][PACKS];
  load_parameter(w, columns, weight, 1.0f);
  load_parameter(b, columns, bias, 0.0f);
  const long step = (long)gridDim.x * GROUPS;
  for (long base = (long)blockIdx.x * GROUPS; base < rows; base += AHEAD * step) {
    const long first = base + group_of_row();
    long number[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++)
      number[j] = first + j * step < rows ? index[first + j * step] : -1;
#pragma unroll
    for (int j = 0; j < AHEAD; j++)
      load_row(v[j], columns, table + number[j] * columns, number[j] >= 0);
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
      const long row = first + j * step;
      pack more[PACKS] = {};
      if (added)
        load_row(more, columns, added + (int)row % (int)period * columns, row < rows);
      float level = 0.0f, squares = 0.0f;
      EACH_PACK(columns, EACH_FLOAT(v[j][part].at[i] += more[part].at[i];
                                    level += v[j][part].at[i];))
      if (layer) level = factor * group_sum<LANES>(level);
      else level = 0.0f;
      EACH_PACK(columns, EACH_FLOAT(const float d = v[j][part].at[i] - level; squares += d * d;))
      const float scale = rsqrtf(factor * group_sum<LANES>(squares) + epsilon);
      if (row >= rows) continue;
      EACH_PACK(columns, {
        pack out;
        EACH_FLOAT(out.at[i] = (v[j][part].at[i] - level) * scale * w[part].at[i] + b[part].at[i];)
        store_pack(total + row * columns + column, v[j][part]);
        store_pack(y + row * columns + column, out);
      })
      if (lane_of_row()) continue;
      rstd[row] = scale;
      if (layer) mean[row] = level;
    }
  }
}

KERNEL gather_rms_norm(long rows, long columns, float factor, float epsilon, const int *index,
                       const float *table, const float *added, long period, const float *weight,
                       float *total, float *y, float *rstd) {
  begin_kernel();
  gather_norm<false>(rows, columns, factor, epsilon, index, table, added, period, weight, nullptr,
                     total, y, nullptr, rstd);
}

KERNEL gather_layer_norm(long rows, long columns, float factor, float epsilon, const int *index,
                         const float *table, const float *added, long period, const float *weight,
                         const float *bias, float *total, float *y, float *mean, float *rstd) {
  begin_kernel();
  gather_norm<true>(rows, columns, factor, epsilon, index, table, added, period, weight, bias, total,
                    y, mean, rstd);
}
