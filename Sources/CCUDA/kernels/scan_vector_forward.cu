// The forward pass of the chunked scan with decays of vectors (see scan_vector.cu for the
// equations); after fold.cuh, scan_chunk.cu, halves.cuh and scan_vector_states.cuh.
//
// Warps take turns at two things. What a chunk's tokens are to each other and to the state does not
// depend on the state: each warp prepares a chunk of its own, its lanes the keys. Then each warp
// takes its 16 columns of the state, which stay in registers, through all prepared chunks; no warp
// waits for another there.
//
// A splits into factors of i and j across the middle of any stretch of tokens:
//   L[i,j] = x_i y_j,  x_i = d_mid ... d_i,  y_j = d_{j+1} ... d_{mid-1}
// so that the pairs across the middles of stretches of 16, 8, 4 and 2 tokens are one product of
// matrices each, and every pair but i = j is in one of them. Nothing is divided.
//
// WARPS is at least VALUE_TILE / 16; the warps beyond that only prepare. Where they are half of the
// warps or more, they do so while the others take the state through the chunks before.

constexpr int write_step = C + 4, part_step = 36;

/// A prepared chunk: scale p Q, with the keys of each eight in the order 0, 2, 4, 6, 1, 3, 5, 7; s K,
/// transposed; scale A; p_last.
struct Chunk {
  static constexpr int size = C * key_step + keys * write_step + C * token_step + keys;
  float *reads, *writes, *pairs, *total;
  DEVICE Chunk(int n) {
    reads = (float *)memory + n * size;
    writes = reads + C * key_step;
    pairs = writes + keys * write_step;
    total = pairs + C * token_step;
  }
};
/// Where a warp puts the factors of a product for A: [C][32 keys].
DEVICE float *factors_of_warp() {
  return (float *)memory + WARPS * Chunk::size + (own_thread() >> 5) * (C * part_step);
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

  DEVICE void put(const Chunk &chunk, int n, float scale) const {
    float product = scale, all = 1;
    float *reads = chunk.reads + ((n & ~7) | (n & 1) << 2 | (n >> 1 & 3));
#pragma unroll
    for (int i = 0; i < C; i++) {
      product *= d[i], all *= d[i];
      if (n < keys) reads[i * key_step] = rounded(product * q[i]);
    }
    if (n < keys) chunk.total[n] = all;
    __syncwarp();
    product = 1;
#pragma unroll
    for (int i = C - 4; i >= 0; i -= 4) {
      Pack<4> four;
#pragma unroll
      for (int m = 3; m >= 0; m--) {
        four.at[m] = rounded(product * k[i + m]);
        product *= d[i + m];
      }
      if (n < keys) *(Pack<4> *)(chunk.writes + n * write_step + i) = four;
    }
  }
};

/// A but for i = j, on the way: the rows i of a lane's group g with columns 2t and 2t + 1, the rows
/// g + 8 with these, and the same with columns 8 further on.
struct Pairs {
  float low[2], across[2], high[2];

  /// Adds the products of `eights` times 8 keys across the middles of stretches of 2 `half` tokens.
  template <int half, int eights>
  DEVICE void add(const float *factors, int lane) {
    const int g = lane >> 2, t = lane & 3;
    factors += (lane & 15) * part_step + (lane >> 4) * 4;
    float left[4] = {}, right[4] = {};
#pragma unroll 2
    for (int n = 0; n < eights; n++) {
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
    const int lane = own_thread() & 31, g = lane >> 2, j = 2 * (lane & 3);
    const auto put_two = [&](int row, int column, float x, float y) {
      put_pair(to + row * token_step + column, {rounded(scale * x), rounded(scale * y)});
    };
    put_two(g, j, low[0], low[1]), put_two(g, j + 8, 0, 0);
    put_two(g + 8, j, across[0], across[1]), put_two(g + 8, j + 8, high[0], high[1]);
  }
};

template <int half, int eights>
DEVICE void relate(Pairs &pairs, const Column &column, float *factors, int lane) {
  __syncwarp();
  column.put_factors<half>(factors + lane);
  __syncwarp();
  pairs.add<half, eights>(factors, lane);
}

/// One warp prepares a chunk.
DEVICE void prepare(const float *q, const float *k, const float *decays, const Head &x, int t,
                    const Chunk &chunk, float scale) {
  constexpr int eights = keys < 32 ? key_tiles : 4;
  const int count = min(C, x.length - t), lane = own_thread() & 31;
  float *factors = factors_of_warp();
  Pairs pairs = {};
  float same = 0;
#pragma unroll 1
  for (int n = lane; n < (keys + 31) / 32 * 32; n += 32) {
    const Column column(q, k, decays, x, t, count, n);
    float own[C];
#pragma unroll
    for (int i = 0; i < C; i++) own[i] = column.q[i] * column.k[i];
    fold<C, 1, 1, 32>(own, lane);
    same += own[0];
    relate<8, eights>(pairs, column, factors, lane);
    relate<4, eights>(pairs, column, factors, lane);
    relate<2, eights>(pairs, column, factors, lane);
    relate<1, eights>(pairs, column, factors, lane);
    __syncwarp();
    column.put(chunk, n, scale);
  }
  pairs.put(chunk.pairs, scale);
  __syncwarp();
  const int i = fold_first<C, 1, 32>(own_thread() & 31);
  chunk.pairs[i * (token_step + 1)] = rounded(scale * same);
}

/// Where a chunk's values and what its tokens read are, for the block's first column, and the state
/// before it. They are the same for all threads, whose registers are scarce.
struct Places {
  long values;
  float *kept;

  DEVICE Places(float *all_kept, const Head &x, int chunk) {
    values = x.row(chunk * C) * VALUE_DIM + x.first;
    kept = all_kept ? all_kept + state_place(x, chunk) : nullptr;
  }
  /// To the next chunk.
  DEVICE void move(const Head &x) {
    values += C * x.value_distance();
    if (kept) kept += (long)gridDim.y * state_size;
  }
};

/// The values of a chunk in a warp's columns: tokens t and t + 4 of each eight, columns g and g + 8.
struct Values {
  float at[2][4];

  /// `from` is the place of the block's first column for token t.
  DEVICE void load(const float *from, const Head &x, int t) {
    const int lane = own_thread() & 31, column = Strip::first() + (lane >> 2);
    from += (lane & 3) * x.value_distance() + column;
#pragma unroll
    for (int k = 0; k < 2; k++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int token = k * 8 + i / 2 * 4;
        const bool there =
            t + (lane & 3) + token < x.length && column + i % 2 * 8 < x.columns;
        at[k][i] = there ? from[token * x.value_distance() + i % 2 * 8] : 0.0f;
      }
  }
};

/// What the tokens of a chunk read: scale (p Q S + A V). `o` is the place of the block's first column
/// for the first.
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
    uint a[4];
    load_matrices(a, chunk.pairs + row * token_step + k * 8 + part);
    const uint b[2] = {v[k][0], v[k][2]}, c[2] = {v[k][1], v[k][3]};
    mma_tf32(left[k], a, b);
    mma_tf32(right[k], a, c);
  }
  const int column = state.first() + (lane & 3) * 2;
  o += (lane >> 2) * x.value_distance();
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    if (t + (lane >> 2) + 4 * i >= x.length) continue;
    float *to = o + 4 * i * x.value_distance();
    store_pair(to, column, x.columns, {left[0][i] + left[1][i], left[0][i + 1] + left[1][i + 1]});
    store_pair(to, column + 8, x.columns,
               {right[0][i] + right[1][i], right[0][i + 1] + right[1][i + 1]});
  }
}

/// S = p_last S + (s K)' V
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

/// The tensors of the tokens.
struct Tokens {
  const float *q, *k, *v, *decay;
  float *o;

  /// The caller's warp prepares a chunk, if there is one.
  DEVICE void prepare_chunk(int chunk, const Head &x, float scale) const {
    if (chunk * C < x.length) prepare(q, k, decay, x, chunk * C, Chunk(chunk % WARPS), scale);
  }
  /// Asks for some chunks from token t on; called by the warps without columns.
  DEVICE void announce(int t, int chunks, const Head &x) const {
    const int end = min(t + chunks * C, x.length);
#pragma unroll 1
    for (t += own_thread() - strips * 32; t < end; t += threads - strips * 32) {
      announce_row(q + x.shared_row(t) * KEY_DIM, KEY_DIM);
      announce_row(k + x.shared_row(t) * KEY_DIM, KEY_DIM);
      announce_row(decay + x.row(t) * KEY_DIM, KEY_DIM);
      announce_row(v + x.row(t) * VALUE_DIM + x.first, x.columns);
    }
  }

  /// Takes a warp's columns of the state through the chunk of token t.
  DEVICE void pass(Strip &state, Values &values, Places &places, const Chunk &chunk,
                   const Head &x, int t, bool loads_next) const {
    uint now[2][4];
#pragma unroll
    for (int i = 0; i < 8; i++) now[i / 4][i % 4] = to_tf32(values.at[i / 4][i % 4]);
    const Places here = places;
    places.move(x);
    if (loads_next) values.load(v + places.values, x, t + C);
    if (here.kept) state.keep(here.kept);
    read(state, chunk, now, o + here.values, x, t);
    write(state, chunk, now);
  }
};

/// All warps prepare, then those with columns go on.
DEVICE void alternate(const Tokens &tokens, Strip &state, float *kept, const Head &x, float scale) {
  const int warp = own_thread() >> 5, chunks = (x.length + C - 1) / C;
  for (int base = 0; base < chunks; base += WARPS) {
    const int count = min(WARPS, chunks - base);
    __syncthreads();
    tokens.prepare_chunk(base + warp, x, scale);
    Places places(kept, x, base);
    Values values;
    values.load(tokens.v + places.values, x, base * C);
    __syncthreads();
    if (WARPS > strips && warp >= strips) {
      tokens.announce((base + WARPS) * C, WARPS, x);
      continue;
    }
#pragma unroll 1
    for (int n = 0; n < count; n++)
      tokens.pass(state, values, places, Chunk(n), x, (base + n) * C, n + 1 < count);
  }
}

/// Whether the last half of the warps prepare chunks while the first ones go on, as many chunks at a
/// time. All meet before each turn, from two places of the program.
constexpr bool apart = WARPS >= 2 * strips;
constexpr int turn = WARPS / 2;
DEVICE void meet() { asm volatile("bar.sync 1, %0;" ::"n"(threads) : "memory"); }

DEVICE void prepare_on(const Tokens &tokens, const Head &x, float scale) {
  const int warp = own_thread() >> 5;
  for (int base = 0; base * C < x.length; base += turn) {
    meet();
    // Those of the first two turns are there.
    if (base && warp >= turn) tokens.prepare_chunk(base + warp, x, scale);
    tokens.announce((base + 2 * turn) * C, turn, x);
  }
}
DEVICE void go_on(const Tokens &tokens, Strip &state, float *kept, const Head &x) {
  Places places(kept, x, 0);
  Values values;
  values.load(tokens.v + places.values, x, 0);
#pragma unroll 1
  for (int n = 0; n * C < x.length; n++) {
    if (n % turn == 0) meet();
    tokens.pass(state, values, places, Chunk(n % WARPS), x, n * C, (n + 1) * C < x.length);
  }
}

/// A block for each head (x) and tile of columns (y). `kept_states` may be null.
KERNEL __launch_bounds__(threads, (keys > 64 ? 256 : 512) / threads) scan_vector_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *initial,
    float *o, float *final_state, float *kept_states, long heads, long key_heads, long length,
    float scale) {
  begin_kernel();
  const Head x(heads, key_heads, length);
  const Tokens tokens = {q, k, v, decay, o};
  if constexpr (apart) {
    const int warp = own_thread() >> 5;
    tokens.prepare_chunk(warp, x, scale);
    if (warp >= strips) {
      prepare_on(tokens, x, scale);
      return;
    }
  }
  Strip state;
#pragma unroll
  for (int n = 0; n < key_tiles; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) state.at[n][i] = 0;
  if (initial)
    state.each(x, [&](int key, int column, float &entry) {
      entry = initial[x.state() + key * VALUE_DIM + x.first + column];
    });
  if constexpr (apart) go_on(tokens, state, kept_states, x);
  else alternate(tokens, state, kept_states, x, scale);
  if (final_state)
    state.each(x, [&](int key, int column, float &entry) {
      final_state[x.state() + key * VALUE_DIM + x.first + column] = entry;
    });
}
