// A warp's columns of the state, or of its gradient, through prepared chunks; after scan_vector.cu.

/// A warp's 16 columns of the state, transposed: columns g and g + 8, keys 2t and 2t + 1 of each
/// eight. Either of the two is as products want their second factor.
struct Strip {
  float at[key_tiles][4];

  DEVICE static int first() { return (own_thread() >> 5) * 16; }

  DEVICE void clear() {
#pragma unroll
    for (int n = 0; n < key_tiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) at[n][i] = 0;
  }

  /// Calls f(key, column, entry) for the entries that are there.
  template <class F>
  DEVICE void each(const Head &x, F f) {
    const int lane = own_thread() & 31;
#pragma unroll
    for (int n = 0; n < key_tiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int key = n * 8 + (lane & 3) * 2 + i % 2;
        const int column = first() + (lane >> 2) + i / 2 * 8;
        if (key < KEY_DIM && column < x.columns) f(key, column, at[n][i]);
      }
  }

  /// From and to the head's state in memory, [KEY_DIM, VALUE_DIM].
  DEVICE void load(const float *from, const Head &x) {
    clear();
    if (!from) return;
    each(x, [&](int key, int column, float &entry) {
      entry = from[x.state() + key * VALUE_DIM + x.first + column];
    });
  }
  DEVICE void store(float *to, const Head &x) {
    if (!to) return;
    each(x, [&](int key, int column, float &entry) {
      to[x.state() + key * VALUE_DIM + x.first + column] = entry;
    });
  }

  /// Keeps it, as scan_vector_states.cuh says.
  DEVICE void keep(float *to) const {
    const int lane = own_thread() & 31, strip = first() / 16;
    float most = 0;
#pragma unroll
    for (int n = 0; n < key_tiles; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) most = fmaxf(most, fabsf(at[n][i]));
    const float scale = state_scale(warp_max(most));
    if (!lane) to[state_words + strip] = inverse_power(scale);
    // Columns 4t ... 4t + 3 of a key go to one lane: first neighbouring columns, which lanes 4 apart
    // have for two keys, then the two pairs of a key.
    const bool odd = lane & 4, second = lane & 8;
    const uint order = odd ? 0x7632 : 0x5410;
    const int place = ((lane & 3) * 2 + odd) * 4 + (lane >> 4) + second * 2;
    const auto exchange = [&](float x, float y) {
      const uint own = two_halves(scale * x, scale * y);
      const uint other = __shfl_xor_sync(FULL_WARP, (int)own, 4);
      return __byte_perm(odd ? other : own, odd ? own : other, order);
    };
#pragma unroll
    for (int n = 0; n < key_tiles; n++) {
      const uint left = exchange(at[n][0], at[n][1]), right = exchange(at[n][2], at[n][3]);
      const uint other = __shfl_xor_sync(FULL_WARP, (int)(second ? left : right), 8);
      const Pack<2> words = {__uint_as_float(second ? other : left),
                             __uint_as_float(second ? right : other)};
      store_pack(to + state_word(n, strip, place), words);
    }
  }
};

/// The values of a chunk in a warp's columns: tokens t and t + 4 of each eight, columns g and g + 8.
struct Values {
  float at[2][4];

  DEVICE void load(const float *v, const Head &x, int t) {
    const int lane = own_thread() & 31, column = Strip::first() + (lane >> 2);
    const float *from = v + x.row(t) * VALUE_DIM + x.first + column;
#pragma unroll
    for (int k = 0; k < 2; k++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int token = k * 8 + (lane & 3) + i / 2 * 4;
        const bool there = t + token < x.length && column + i % 2 * 8 < x.columns;
        at[k][i] = there ? from[token * x.value_distance() + i % 2 * 8] : 0.0f;
      }
  }
  DEVICE void round(uint (&to)[2][4]) const {
#pragma unroll
    for (int i = 0; i < 8; i++) to[i / 4][i % 4] = to_tf32(at[i / 4][i % 4]);
  }
};

/// What the tokens of a chunk read: scale (p Q S + A V); or backward, s K E + A' G.
DEVICE void read(const Strip &state, const Chunk &chunk, const uint (&v)[2][4], float *o,
                 const Head &x, int t) {
  const int lane = own_thread() & 31, row = lane & 15, part = (lane >> 4) * 4;
  float left[2][4] = {}, right[2][4] = {};
#pragma unroll
  for (int n = 0; n < key_tiles; n++) {
    uint a[4];
    load_matrices(a, chunk.reads + row * key_step + n * 8 + part);
    const uint b[2] = {to_tf32(state.at[n][0]), to_tf32(state.at[n][1])};
    const uint c[2] = {to_tf32(state.at[n][2]), to_tf32(state.at[n][3])};
    mma_tf32(left[n % 2], a, b);
    mma_tf32(right[n % 2], a, c);
  }
#pragma unroll
  for (int k = 0; k < 2; k++) {
    float sums[4] = {};
#pragma unroll
    for (int n = 0; n < key_parts; n++) {
      uint own[4];
      load_matrices(own, chunk.pairs + n * Chunk::pairs_size + row * token_step + k * 8 + part);
#pragma unroll
      for (int i = 0; i < 4; i++) sums[i] += __uint_as_float(own[i]);
    }
    const uint a[4] = {to_tf32(sums[0]), to_tf32(sums[1]), to_tf32(sums[2]), to_tf32(sums[3])};
    const uint b[2] = {v[k][0], v[k][2]}, c[2] = {v[k][1], v[k][3]};
    mma_tf32(left[k], a, b);
    mma_tf32(right[k], a, c);
  }
  const int column = state.first() + (lane & 3) * 2;
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const int token = (lane >> 2) + 4 * i;
    if (t + token >= x.length) continue;
    float *to = o + x.row(t + token) * VALUE_DIM + x.first;
    store_pair(to, column, x.columns, {left[0][i] + left[1][i], left[0][i + 1] + left[1][i + 1]});
    store_pair(to, column + 8, x.columns,
               {right[0][i] + right[1][i], right[0][i + 1] + right[1][i + 1]});
  }
}

/// S = p_last S + (s K)' V; or backward, E = p_last E + (scale p Q)' G.
DEVICE void write(Strip &state, const Chunk &chunk, const uint (&v)[2][4]) {
  const int lane = own_thread() & 31;
  const float *row = chunk.writes + (lane & 7) * write_step + (lane >> 3) * 4;
#pragma unroll
  for (int n = 0; n < key_tiles; n++) {
    const Pack<2> total = *(const Pack<2> *)(chunk.total + n * 8 + (lane & 3) * 2);
#pragma unroll
    for (int i = 0; i < 4; i++) state.at[n][i] *= total.at[i % 2];
    uint k[4];
    load_matrices(k, row + n * 8 * write_step);
    const uint b[2] = {k[0], k[1]}, c[2] = {k[2], k[3]};
    mma_tf32(state.at[n], v[0], b);
    mma_tf32(state.at[n], v[1], c);
  }
}
