// Matrix-state scan in chunks of tokens, for updates that add and decays that are a vector a token
// (gated linear attention, Yang et al. 2023, arXiv 2312.06635): what a chunk has on the way back, and
// how it comes; after fold.cuh, scan_chunk.cu, which is compiled for no decay and whose chunks are of
// C = 16 tokens, scan_tiles.cuh, halves.cuh and scan_vector_states.cuh.
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

/// Gives the warps four roles, the last warp the first, and each of the warps of a role some of the
/// keys, one a lane.
template <class F>
DEVICE void each_role(int count, F f) {
  const int thread = own_thread(), warp = WARPS - 1 - (thread >> 5), lane = thread & 31;
  for (int n = warp / 4 * 32 + lane; n < count; n += WARPS / 4 * 32) f(warp % 4, n);
}

/// What the chunk's tokens bring, and what is made of it: [C][keys] each, with distances key_step.
struct Rows {
  float *q, *k, *decays;
  /// p Q, s K, p_last, and the factors across the halves: y K of the first and x Q of the second.
  float *from_start, *to_end, *cross, *total;

  static constexpr int fetched = 3 * key_rows, made = 3 * key_rows + keys;
  DEVICE void place(float *brought, float *base) {
    q = brought, k = q + key_rows, decays = k + key_rows;
    from_start = base, to_end = from_start + key_rows;
    cross = to_end + key_rows, total = cross + key_rows;
  }

  /// Fetches `count` tokens from the rows of the first.
  DEVICE void fetch(const float *from_q, const float *from_k, const float *from_decays,
                    const Head &x, int count) const {
    fetch_rows(q, key_step, from_q, x.key_distance(), count, C, KEY_DIM);
    fetch_rows(k, key_step, from_k, x.key_distance(), count, C, KEY_DIM);
    fetch_rows(decays, key_step, from_decays, x.heads * KEY_DIM, count, C, KEY_DIM);
  }

  /// Behind the last token nothing decays.
  DEVICE void fill(int count) const {
    for (int i = threadIdx.x; i < (C - count) * keys; i += threads)
      decays[(count + i / keys) * key_step + i % keys] = 1;
  }

  /// `to` = the products of the decays of the tokens from `first` up to each, times `by`, as products
  /// of matrices want them.
  template <int first, int end>
  DEVICE float go_up(float *to, const float *by, int n) const {
    float product = 1;
#pragma unroll
    for (int i = first; i < end; i++) {
      product *= decays[i * key_step + n];
      to[i * key_step + n] = rounded(product * by[i * key_step + n]);
    }
    return product;
  }
  /// The same with those behind each up to `end`.
  template <int end>
  DEVICE void go_down(float *to, const float *by, int n) const {
    float product = 1;
#pragma unroll
    for (int i = end - 1; i >= 0; i--) {
      to[i * key_step + n] = rounded(product * by[i * key_step + n]);
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

  /// A, rounded: a warp takes some of the tokens j of a half, its lanes the keys.
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
    if (lane < own * H && j <= i) reads[(first + i) * token_step + first + j] = rounded(scale * sums[0]);
    if (warp < WARPS - 1) return;
    // Across the halves.
    Tile<1> tile(0, 0);
    const Rounded factors = {cross};
    tile.template add_rows<keys>(factors, key_step,
                                 [&](int n, int j) { return factors[j * key_step + n]; });
    tile.each_pair([&](int i, int j, const Pack<2> &pair) {
      if (i >= H)
        put_pair(reads + i * token_step + j,
                 {rounded(scale * pair.at[0]), rounded(scale * pair.at[1])});
    });
  }
};

/// The lanes that have a key each, parts of the keys, and groups of lanes that share the tokens j of a
/// half and part.
constexpr int lanes = keys < 32 ? keys : 32, groups = threads / lanes;
constexpr int key_parts = (keys + 31) / 32;
constexpr int token_parts = groups >= 2 * key_parts ? groups / (2 * key_parts) : 1;

/// Buffers of what changes from chunk to chunk. With two, a chunk's rows come while the one after it is
/// worked on, and the state's gradient is left in another place than it was taken from.
constexpr int buffers = AHEAD ? 2 : 1;
/// The buffer of a chunk; that of chunk -1 is where the gradient of the first state is left.
DEVICE int buffer_of(int chunk) { return AHEAD ? chunk & 1 : 0; }

/// Shared memory, as a chunk has it.
struct Frame {
  float *gradient, *next_gradient, *v, *gain, *kept, *reads, *relations;
  Rows rows;
  /// scale G S' and V E', the gradients of `rows.cross`, the rowwise sum of E S, and what pairs of
  /// tokens leave: of k by token, of q and of the decays by part and token.
  float *read_back, *written_back, *cross_back, *states, *pair_k, *pair_q, *pair_decays;

  static constexpr int parts_size = token_parts * key_rows;
  /// V is done with before pairs leave anything, and lies in the same place as what they leave of k.
  static constexpr int shared = value_rows > key_rows ? value_rows : key_rows;
  static constexpr int state = keys * value_step;
  /// What is fetched for a chunk: of the state before it only where the next chunk's is fetched too.
  static constexpr int fetched = shared + value_rows + Rows::fetched + (AHEAD ? state_size : 0);
  static constexpr int size = buffers * (state + fetched) + 2 * pairs + Rows::made + 3 * key_rows +
                              keys + 2 * parts_size;
  DEVICE explicit Frame(int chunk) {
    const int buffer = buffer_of(chunk);
    gradient = (float *)memory + buffer * state;
    next_gradient = (float *)memory + buffer_of(chunk - 1) * state;
    v = pair_k = (float *)memory + buffers * state + buffer * fetched;
    gain = v + shared;
    kept = gain + value_rows + Rows::fetched;
    reads = (float *)memory + buffers * (state + fetched);
    relations = reads + pairs;
    rows.place(gain + value_rows, relations + pairs);
    read_back = relations + pairs + Rows::made;
    written_back = read_back + key_rows;
    cross_back = written_back + key_rows;
    states = cross_back + key_rows;
    pair_q = states + keys;
    pair_decays = pair_q + parts_size;
  }
};

/// A warp's eights of the keys of the state before a chunk, as kept.
struct Kept {
  static constexpr int own = (key_tiles + WARPS - 1) / WARPS;
  Pack<2> words[own][strips];
  float scales[strips];

  DEVICE void load(const float *from) {
    const int warp = own_thread() >> 5, lane = own_thread() & 31;
#pragma unroll
    for (int m = 0; m < own; m++)
#pragma unroll
      for (int strip = 0; strip < strips; strip++)
        if (key_tiles % WARPS == 0 || warp + m * WARPS < key_tiles)
          words[m][strip] = load_pack<2>(from + state_word(warp + m * WARPS, strip, lane));
#pragma unroll
    for (int strip = 0; strip < strips; strip++) scales[strip] = from[state_words + strip];
  }
};

/// Rounds what this thread fetched for products alone.
DEVICE void round_fetched(const Frame &x, const Head &head) {
  round_rows(x.v, value_step, C, head.columns);
  round_rows(x.gain, value_step, C, head.columns);
}

/// Where a chunk's rows and the state before it are.
struct Sources {
  const float *q, *k, *v, *decay, *d_o, *kept;

  DEVICE void move(const Head &x, int chunks, long tiles) {
    const int keys_by = chunks * C * x.key_distance(), values_by = chunks * C * x.value_distance();
    q += keys_by, k += keys_by, decay += chunks * C * x.heads * KEY_DIM;
    v += values_by, d_o += values_by;
    kept += chunks * tiles * state_size;
  }

  DEVICE void fetch(const Frame &x, const Head &head, int count) const {
    x.rows.fetch(q, k, decay, head, count);
    fetch_rows(x.v, value_step, v, head.value_distance(), count, C, head.columns);
    fetch_rows(x.gain, value_step, d_o, head.value_distance(), count, C, head.columns);
    if constexpr (AHEAD) {
      const int first = own_thread() * 4;
#pragma unroll
      for (int i = 0; i < state_words; i += threads * 4)
        if (state_words % (threads * 4) == 0 || i + first < state_words)
          copy_async(x.kept + i + first, kept + i + first);
      if (first < state_size - state_words)
        copy_async(x.kept + state_words + first, kept + state_words + first);
    }
    copy_commit();
  }
  DEVICE void announce(const Head &x) const {
    announce_rows(q, x.key_distance(), C, KEY_DIM);
    announce_rows(k, x.key_distance(), C, KEY_DIM);
    announce_rows(decay, x.heads * KEY_DIM, C, KEY_DIM);
    announce_rows(v, x.value_distance(), C, x.columns);
    announce_rows(d_o, x.value_distance(), C, x.columns);
    announce_rows(kept, 0, 1, state_words + strips);
  }
};
