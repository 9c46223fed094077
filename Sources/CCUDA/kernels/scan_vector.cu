// Matrix-state scan in chunks of tokens, for updates that add and decays that are a vector a token
// (gated linear attention, Yang et al. 2023, arXiv 2312.06635); after fold.cuh and scan_chunk.cu,
// which is compiled for no decay, and whose chunks are of C = 16 tokens.
//
// Within a chunk, with S the state before it, p_i = d_0 ... d_i, s_j = d_{j+1} ... d_last and
// L[i,j] = d_{j+1} ... d_i, all of them vectors over the keys:
//   O = scale (p Q) S + A V,  A[i,j] = scale sum over keys of q_i L[i,j] k_j for j <= i
//   S = p_last S + (s K)' V
// L does not split in a factor of i and one of j without division, which could overflow and must
// not meet a decay of 0: A is summed pair by pair in 32-bit floats. The rest are products on the
// tensor cores. Forward, going token by token is faster still: one block's tokens are then fetched
// ahead, and nothing waits for A.

constexpr int key_rows = C * key_step, value_rows = C * value_step, pairs = C * token_step;

/// What the chunk's tokens bring, and what is made of it: [C][keys] each, with distances key_step.
struct Rows {
  float *q, *k, *decays;
  /// p Q, s K and p_last.
  float *from_start, *to_end, *total;

  static constexpr int size = 5 * key_rows + keys;
  DEVICE void place(float *base) {
    q = base, k = q + key_rows, decays = k + key_rows;
    from_start = decays + key_rows, to_end = from_start + key_rows, total = to_end + key_rows;
  }

  DEVICE void fetch(const float *all_q, const float *all_k, const float *all_decays, const Head &x,
                    long t, int count) const {
    fetch_rows(q, key_step, all_q + x.shared_row(t) * KEY_DIM, x.key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(k, key_step, all_k + x.shared_row(t) * KEY_DIM, x.key_heads * KEY_DIM, count, C,
               KEY_DIM);
    fetch_rows(decays, key_step, all_decays + x.row(t) * KEY_DIM, x.heads * KEY_DIM, count, C,
               KEY_DIM);
  }

  /// Behind the last token nothing decays.
  DEVICE void fill(int count) const {
    for (int i = threadIdx.x; i < (C - count) * keys; i += threads)
      decays[(count + i / keys) * key_step + i % keys] = 1;
  }

  /// A thread goes through the tokens of a key.
  DEVICE void multiply() const {
    for (int n = threadIdx.x; n < keys; n += threads) {
      float product = 1;
#pragma unroll
      for (int i = 0; i < C; i++) {
        product *= decays[i * key_step + n];
        from_start[i * key_step + n] = product * q[i * key_step + n];
      }
      total[n] = product;
      product = 1;
#pragma unroll
      for (int i = C - 1; i >= 0; i--) {
        to_end[i * key_step + n] = product * k[i * key_step + n];
        product *= decays[i * key_step + n];
      }
    }
  }

  /// A: a warp takes a token j at a time, its lanes the keys.
  DEVICE void relate(float *reads, float scale) const {
    const int lane = threadIdx.x & 31;
    for (int j = threadIdx.x >> 5; j < C; j += WARPS) {
      float sums[C] = {};
      for (int n = lane; n < keys; n += 32) {
        float product = k[j * key_step + n];
#pragma unroll
        for (int i = 0; i < C; i++) {
          if (i < j) continue;
          if (i > j) product *= decays[i * key_step + n];
          sums[i] += product * q[i * key_step + n];
        }
      }
      fold<C, 1, 1, 32>(sums, lane);
      if (lane < C) reads[fold_first<C, 1, 32>(lane) * token_step + j] = scale * sums[0];
    }
  }
};
