// Matrix-state scan in chunks of tokens, for updates that add and decays that are a vector a token
// (gated linear attention, Yang et al. 2023, arXiv 2312.06635); after fold.cuh, scan_chunk.cu, which
// is compiled for no decay, halves.cuh and scan_vector_states.cuh.
//
// Within a chunk of C = 16 tokens, with S the state before it, p_i = d_0 ... d_i,
// s_j = d_{j+1} ... d_last and L[i,j] = d_{j+1} ... d_i, all of them vectors over the keys:
//   O = scale (p Q) S + A V,  A[i,j] = scale sum over keys of q_i L[i,j] k_j for j <= i
//   S = p_last S + (s K)' V
// L does not split into a factor of i and one of j without division, which could overflow and must
// not meet a decay of 0; but it does across the middle of any stretch of tokens:
//   L[i,j] = x_i y_j,  x_i = d_mid ... d_i,  y_j = d_{j+1} ... d_{mid-1}
// so that the pairs across the middles of stretches of 16, 8, 4 and 2 tokens are one product of
// matrices each, and every pair but i = j is in one of them.
//
// Warps take turns at two things. What a chunk's tokens are to each other and to the state does not
// depend on the state: each warp prepares 32 keys of a chunk, one a lane. Then each warp takes its
// 16 columns of the state, which stay in registers, through all prepared chunks; no warp waits for
// another there. Backward in time the gradient of the state goes the same way, with queries and keys
// in each other's place and A transposed.
//
// WARPS is VALUE_TILE / 16. BACKWARD says which pass it is.

constexpr int write_step = C + 4, part_step = 36;
constexpr int key_parts = (keys + 31) / 32;
/// Chunks that are prepared at a time.
constexpr int ROUND = WARPS > key_parts ? WARPS / key_parts : 1;

/// Calls f(chunk, part of the keys) for the warp's share of some chunks.
template <class F>
DEVICE void each_part(int chunks, F f) {
  const int tasks = chunks * key_parts;
  if constexpr (WARPS >= key_parts) {
    const int task = own_thread() >> 5;
    if (task < tasks) f(task / key_parts, task % key_parts);
  } else {
#pragma unroll 1
    for (int task = own_thread() >> 5; task < tasks; task += WARPS)
      f(task / key_parts, task % key_parts);
  }
}

/// A prepared chunk. Forward: scale p Q, with the keys of each eight in the order 0, 2, 4, 6, 1, 3,
/// 5, 7; s K, transposed; each part's share of scale A; p_last. Backward s K and p Q are in each
/// other's place, and A is transposed.
struct Chunk {
  static constexpr int pairs_size = C * token_step;
  static constexpr int size =
      C * key_step + keys * write_step + key_parts * pairs_size + keys;
  float *reads, *writes, *pairs, *total;
  DEVICE Chunk(int n) {
    reads = (float *)memory + n * size;
    writes = reads + C * key_step;
    pairs = writes + keys * write_step;
    total = pairs + key_parts * pairs_size;
  }
};
/// The warp's room for [C][32 keys]: factors of products, and on the way back two more.
DEVICE float *room_of_warp(int n) {
  constexpr int rooms = BACKWARD ? 3 : 1;
  return (float *)memory + ROUND * Chunk::size + ((own_thread() >> 5) * rooms + n) * (C * part_step);
}

/// What the tokens of a chunk have at a key.
struct Column {
  float q[C], k[C], d[C];

  /// Behind the last token nothing is read or written, nothing decays.
  DEVICE Column(const float *all_q, const float *all_k, const float *all_decays, const Head &x,
                int t, int count, int n) {
    const bool present = n < KEY_DIM;
    get(q, all_q + x.shared_row(t) * KEY_DIM + n, x.key_distance(), present ? count : 0, 0);
    get(k, all_k + x.shared_row(t) * KEY_DIM + n, x.key_distance(), present ? count : 0, 0);
    get(d, all_decays + x.row(t) * KEY_DIM + n, x.heads * KEY_DIM, present ? count : 0, 1);
  }
  DEVICE static void get(float (&to)[C], const float *from, int step, int count, float filler) {
#pragma unroll
    for (int i = 0; i < C; i++, from += step) to[i] = i < count ? *from : filler;
  }

  /// x Q and y K across the middles of stretches of 2 `half` tokens.
  template <int half>
  DEVICE void put_factors(float *to) const {
#pragma unroll
    for (int first = 0; first < C; first += 2 * half) {
      float product = 1;
#pragma unroll
      for (int i = first + half; i < first + 2 * half; i++) {
        product *= d[i];
        to[i * part_step] = rounded(product * q[i]);
      }
      product = 1;
#pragma unroll
      for (int j = first + half - 1; j >= first; j--) {
        to[j * part_step] = rounded(product * k[j]);
        product *= d[j];
      }
    }
  }

  /// Leaves p Q and s K in the place of Q and K.
  DEVICE void put(const Chunk &chunk, int n, float scale) {
    float product = scale, all = 1;
#pragma unroll
    for (int i = 0; i < C; i++) {
      product *= d[i], all *= d[i];
      q[i] = rounded(product * q[i]);
    }
    product = 1;
#pragma unroll
    for (int i = C - 1; i >= 0; i--) {
      k[i] = rounded(product * k[i]);
      product *= d[i];
    }
    if (n >= keys) return;
    chunk.total[n] = all;
    const float *read = BACKWARD ? k : q, *written = BACKWARD ? q : k;
    float *reads = chunk.reads + ((n & ~7) | (n & 1) << 2 | (n >> 1 & 3));
#pragma unroll
    for (int i = 0; i < C; i++) reads[i * key_step] = read[i];
#pragma unroll
    for (int i = 0; i < C; i += 4)
      *(Pack<4> *)(chunk.writes + n * write_step + i) = load_floats<4>(written + i);
  }
};

/// A but for i = j, on the way: the rows i of a lane's group g with columns 2t and 2t + 1, the rows
/// g + 8 with these, and the same with columns 8 further on.
struct Pairs {
  float low[2], across[2], high[2];

  /// Adds the products across the middles of stretches of 2 `half` tokens.
  template <int half>
  DEVICE void add(const float *factors, int lane) {
    const int g = lane >> 2, t = lane & 3;
    factors += (lane & 15) * part_step + (lane >> 4) * 4;
    float left[4] = {}, right[4] = {};
#pragma unroll 2
    for (int n = 0; n < 4; n++) {
      uint a[4];
      load_matrices(a, factors + n * 8);
      // The rows of the second factor are the same as the first's.
      const uint b[2] = {a[0], a[2]}, c[2] = {a[1], a[3]};
      mma_tf32(left, a, b);
      if (half < 8) mma_tf32(right, a, c);
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const int j = 2 * t + m;
      const bool inside = g > j && (g ^ j) / half == 1;
      if (half == 8) across[m] += left[2 + m];
      else if (inside) low[m] += left[m], high[m] += right[2 + m];
    }
  }

  DEVICE void put(float *to, float scale) const {
    const int lane = own_thread() & 31, g = lane >> 2, t = lane & 3;
    const auto put_one = [&](int i, int j, float x) {
      to[BACKWARD ? j * token_step + i : i * token_step + j] = scale * x;
    };
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const int j = 2 * t + m;
      put_one(g, j, low[m]), put_one(g, j + 8, 0);
      put_one(g + 8, j, across[m]), put_one(g + 8, j + 8, high[m]);
    }
  }
};

template <int half>
DEVICE void relate(Pairs &pairs, const Column &column, float *factors, int lane) {
  __syncwarp();
  column.put_factors<half>(factors + lane);
  __syncwarp();
  pairs.add<half>(factors, lane);
}

/// One warp prepares a part of the keys of a chunk.
DEVICE void prepare(const float *q, const float *k, const float *decays, const Head &x, int t,
                    int part, const Chunk &chunk, float scale) {
  const int count = min(C, x.length - t), lane = own_thread() & 31, n = part * 32 + lane;
  float *factors = room_of_warp(0), *to = chunk.pairs + part * Chunk::pairs_size;
  Pairs pairs = {};
  Column column(q, k, decays, x, t, count, n);
  float own[C];
#pragma unroll
  for (int i = 0; i < C; i++) own[i] = column.q[i] * column.k[i];
  fold<C, 1, 1, 32>(own, lane);
  relate<8>(pairs, column, factors, lane);
  relate<4>(pairs, column, factors, lane);
  relate<2>(pairs, column, factors, lane);
  relate<1>(pairs, column, factors, lane);
  pairs.put(to, scale);
  __syncwarp();
  to[fold_first<C, 1, 32>(own_thread() & 31) * (token_step + 1)] = scale * own[0];
  column.put(chunk, n, scale);
}

