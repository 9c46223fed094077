// Adds up the parts of gradients that blocks of a scan leave.

/// target[x, g, d] (+)= the sum over parts p and members m of
/// parts[p, x, g * members + m, d], in this order.
KERNEL __launch_bounds__(256) scan_fold(const float *parts, float *target, long count, long rows,
                                        long groups, long members, long dim, int accumulate) {
  begin_kernel();
  const long size = rows * groups * dim, part = size * members;
  for (long i = thread_index(); i < size; i += thread_count()) {
    const long d = i % dim, group = i / dim;
    const float *from = parts + group * members * dim + d;
    float sum = 0;
    for (long p = 0; p < count; p++)
      for (long m = 0; m < members; m++) sum += from[p * part + m * dim];
    put(target + i, sum, accumulate);
  }
}
