// Matrix-state scan in chunks of tokens, for updates that add and decays that are a vector a token
// (gated linear attention, Yang et al. 2023, arXiv 2312.06635); after fold.cuh and scan_chunk.cu,
// which is compiled for no decay, and whose chunks are of C = 16 tokens.
//
// Within a chunk, with S the state before it, p_i = d_0 ... d_i, s_j = d_{j+1} ... d_last and
// L[i,j] = d_{j+1} ... d_i, all of them vectors over the keys:
//   O = scale (p Q) S + A V,  A[i,j] = scale sum over keys of q_i L[i,j] k_j for j <= i
//   S = p_last S + (s K)' V
// L does not split in a factor of i and one of j without division, which could overflow and must
// not meet a decay of 0; but it does where i is in the chunk's second half and j in the first:
//   L[i,j] = x_i y_j,  x_i = d_mid ... d_i,  y_j = d_{j+1} ... d_{mid-1}
// On the way back, A is summed pair by pair in 32-bit floats within a half. The rest are products on
// the tensor cores.

constexpr int key_rows = C * key_step, value_rows = C * value_step, pairs = C * token_step;
constexpr int H = C / 2;

/// Gives the warps four roles, and each of the warps of a role some of the keys, one a lane.
template <class F>
DEVICE void each_role(int count, F f) {
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  for (int n = warp / 4 * 32 + lane; n < count; n += WARPS / 4 * 32) f(warp % 4, n);
}

/// What the chunk's tokens bring, and what is made of it: [C][keys] each, with distances key_step.
struct Rows {
  float *q, *k, *decays;
  /// p Q, s K, p_last, and the factors across the halves: y K of the first and x Q of the second.
  float *from_start, *to_end, *cross, *total;

  static constexpr int size = 6 * key_rows + keys;
  DEVICE void place(float *base) {
    q = base, k = q + key_rows, decays = k + key_rows;
    from_start = decays + key_rows, to_end = from_start + key_rows;
    cross = to_end + key_rows, total = cross + key_rows;
  }

  DEVICE void fetch(const float *all_q, const float *all_k, const float *all_decays, const Head &x,
                    int t, int count) const {
    fetch_rows(q, key_step, all_q + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(k, key_step, all_k + x.shared_row(t) * KEY_DIM, x.key_distance(), count, C,
               KEY_DIM);
    fetch_rows(decays, key_step, all_decays + x.row(t) * KEY_DIM, x.heads * KEY_DIM, count, C,
               KEY_DIM);
  }

  /// Behind the last token nothing decays.
  DEVICE void fill(int count) const {
    for (int i = threadIdx.x; i < (C - count) * keys; i += threads)
      decays[(count + i / keys) * key_step + i % keys] = 1;
  }

  /// `to` = the products of the decays of the tokens from `first` up to each, times `by`.
  template <int first, int end>
  DEVICE float go_up(float *to, const float *by, int n) const {
    float product = 1;
#pragma unroll
    for (int i = first; i < end; i++) {
      product *= decays[i * key_step + n];
      to[i * key_step + n] = product * by[i * key_step + n];
    }
    return product;
  }
  /// The same with those behind each up to `end`.
  template <int end>
  DEVICE void go_down(float *to, const float *by, int n) const {
    float product = 1;
#pragma unroll
    for (int i = end - 1; i >= 0; i--) {
      to[i * key_step + n] = product * by[i * key_step + n];
      product *= decays[i * key_step + n];
    }
  }
  DEVICE void multiply() const {
    each_role(keys, [&](int role, int n) {
      if (role == 0) total[n] = go_up<0, C>(from_start, q, n);
      else if (role == 1) go_down<C>(to_end, k, n);
      else if (role == 2) go_up<H, C>(cross, q, n);
      else go_down<H>(cross, k, n);
    });
  }

  /// A: a warp takes some of the tokens j of a half, its lanes the keys.
  DEVICE void relate(float *reads, float scale) const {
    constexpr int parts = WARPS / 2, own = H / parts;
    const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
    const int first = warp / parts * H, part = warp % parts;
    float sums[own * H] = {};
    for (int n = lane; n < keys; n += 32) {
      const int place = first * key_step + n;
      float d[H], own_q[H];
#pragma unroll
      for (int i = 0; i < H; i++)
        d[i] = decays[place + i * key_step], own_q[i] = q[place + i * key_step];
#pragma unroll
      for (int m = 0; m < own; m++) {
        const float key = k[place + (m * parts + part) * key_step];
        float product = 0;
#pragma unroll
        for (int i = m * parts; i < H; i++) {
          product = i - m * parts < parts && i - m * parts == part ? key : product * d[i];
          sums[m * H + i] += product * own_q[i];
        }
      }
    }
    fold<own * H, 1, 1, 32>(sums, lane);
    const int place = fold_first<own * H, 1, 32>(lane), i = place % H;
    const int j = place / H * parts + part;
    if (lane < own * H && j <= i) reads[(first + i) * token_step + first + j] = scale * sums[0];
    if (warp) return;
    // Across the halves.
    Tile<1> tile(0, 0);
    tile.template add_rows<keys>(cross, key_step,
                                 [&](int n, int j) { return cross[j * key_step + n]; });
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      if (i >= H) put_pair(reads + i * token_step + j, {scale * pair.at[0], scale * pair.at[1]});
    });
  }
};
