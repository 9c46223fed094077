// The normaliser of a memory with weighed keys (Beck et al. 2024), as a part of its scan; after
// scan_halves_tiles.cuh. Keys are multiplied by their strengths as they come, and with these
//
//     z_t = decay_t z_{t-1} + k_t
//     factor_t = 1 / (max(|scale q_t . z_t|, e^-m_t) + epsilon)
//
// so that z is what a column of the state would be whose values are all ones. It is kept as 32-bit
// floats in shared memory; what a query reads of its chunk is the sum of its row of A.

/// Neighbouring threads that have a token together.
constexpr int team = threads / C;
static_assert(team <= 32 && keys <= threads, "a token's threads are in a warp, a key has one");

/// The thread's key's sum over the chunk's rows, those of token n times factor(n).
template <class F>
DEVICE float sum_rows(const Half *rows, F factor) {
  float sum = 0;
#pragma unroll 8
  for (int n = 0; n < C; n++)
    sum += factor(n) * floats_of((uint)rows[n * key_pitch + threadIdx.x]).x;
  return sum;
}

/// The sums z before a chunk, and what the chunk's queries read of its keys, in parts of 16 columns
/// of A.
struct KeySums {
  static constexpr int size = normalised ? keys + C / 16 * C : 0;
  float *base;
  DEVICE float *read(int column) const { return base + keys + column / 16 * C; }

  DEVICE void keep(float *to) const {
    if (threadIdx.x < KEY_DIM) to[threadIdx.x] = base[threadIdx.x];
  }

  /// What the thread's token reads of the chunk, as A is.
  DEVICE float read_of_chunk() const {
    float sum = 0;
#pragma unroll
    for (int column = 0; column < C; column += 16) sum += read(column)[threadIdx.x / team];
    return sum;
  }
  /// What it reads of the sums before the chunk, in the queries' unit.
  DEVICE float read_of_state(const Half *queries, const Decays &products) const {
    const int i = threadIdx.x / team;
    float sum = 0;
#pragma unroll
    for (int key = threadIdx.x % team * 2; key < keys; key += 2 * team) {
      const float2 q = floats_of(*(const uint *)(queries + i * key_pitch + key));
      const float2 z = *(const float2 *)(base + key);
      sum += q.x * z.x + q.y * z.y;
    }
    return products.prefix(i) * group_sum<team>(sum);
  }

  /// The thread's key's sum after the chunk, to be `put` when nobody reads the old ones any more.
  DEVICE float after(const Half *rows, float unit, const Decays &products, bool has_state) const {
    if (threadIdx.x >= keys) return 0;
    const float sum = unit * sum_rows(rows, [&](int n) { return products.suffix(n); });
    return has_state ? products.prefix(C - 1) * base[threadIdx.x] + sum : sum;
  }
  DEVICE void put(float sum) const {
    if (threadIdx.x < keys) base[threadIdx.x] = sum;
  }
};

/// One over the divisor of the thread's token, and its derivative for the token's answer, which may
/// have no place.
DEVICE void put_divisor(float answer, const Head &head, int t, int count, const float *stabiliser,
                        float epsilon, float *factor, float *slope) {
  const int i = threadIdx.x / team;
  if (threadIdx.x % team || i >= count) return;
  const long row = head.row(t + i);
  const float floor = expf(-stabiliser[row]), size = fabsf(answer);
  const float inverse = 1.0f / ((size < floor ? floor : size) + epsilon);
  factor[row] = inverse;
  if (slope) slope[row] = size < floor ? 0.0f : answer < 0 ? inverse * inverse : -inverse * inverse;
}

/// The gradient of the sums after a chunk, the sums before it, the gradients of its answers, and
/// those of its strengths in parts.
struct SumGradients {
  static constexpr int size = normalised ? 2 * keys + C + Cut<keys>::across * C : 0;
  float *base;
  DEVICE float *sums() const { return base + keys; }
  DEVICE float *gains() const { return base + 2 * keys; }
  DEVICE float *strengths(int part) const { return gains() + C + part * C; }
  DEVICE float gain(int i) const { return gains()[i]; }

  /// Returns the gradient of the answer of the thread's token, in the first threads.
  DEVICE float fetch(const float *slope, const float *d_factor, const Head &head, int t,
                     int count) const {
    if (threadIdx.x >= C) return 0;
    const long row = head.row(t + threadIdx.x);
    const float own = threadIdx.x < count ? slope[row] * d_factor[row] : 0.0f;
    return gains()[threadIdx.x] = own;
  }
  DEVICE void fetch_state(const float *kept) const {
    if (threadIdx.x < keys) sums()[threadIdx.x] = threadIdx.x < KEY_DIM ? kept[threadIdx.x] : 0.0f;
  }

  /// Adds what comes to the keys from the sums after the chunk, and to the queries from those before.
  template <int pairs>
  DEVICE void return_keys(Sums<pairs> &dk, float unit) const {
    dk.each([&](int, int j, float &a, float &b) { a += unit * base[j], b += unit * base[j + 1]; });
  }
  template <int pairs>
  DEVICE void return_queries(Sums<pairs> &dq, float unit) const {
    dq.each([&](int i, int j, float &a, float &b) {
      const float own = unit * gain(i);
      a += own * sums()[j], b += own * sums()[j + 1];
    });
  }
  /// The thread's part of what the chunk's decays get together.
  DEVICE float product() const {
    return threadIdx.x < keys ? base[threadIdx.x] * sums()[threadIdx.x] : 0.0f;
  }

  /// The gradient of the sums before the chunk, as `KeySums::after`.
  DEVICE float before(const Half *queries, float unit, const Decays &products,
                      bool has_after) const {
    if (threadIdx.x >= keys) return 0;
    const float sum =
        unit * sum_rows(queries, [&](int n) { return products.prefix(n) * gain(n); });
    return has_after ? products.prefix(C - 1) * base[threadIdx.x] + sum : sum;
  }
  DEVICE void put(float sum) const {
    if (threadIdx.x < keys) base[threadIdx.x] = sum;
  }

  DEVICE void put_strengths(const Head &head, int t, int count, float *to) const {
    const int i = threadIdx.x;
    if (i >= count) return;
    float sum = 0;
#pragma unroll
    for (int part = 0; part < Cut<keys>::across; part++) sum += strengths(part)[i];
    to[head.row(t + i)] = sum;
  }
};

/// The keys before they are weighed, where a tile of their gradients is, and the strengths.
template <int pairs>
struct UnweighedKeys {
  Pack<2> at[2][2 * pairs];
  float strengths[2];

  DEVICE void load(const float *k, const float *strength, const Head &head, int t, int count,
                   const Sums<pairs> &tile) {
    const int left = tile.column + 2 * lane_in_group();
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = tile.row + lane_group() + 8 * half;
      const bool is_there = row < count;
      strengths[half] = is_there ? strength[head.row(t + row)] : 0.0f;
      const float *from = k + head.shared_row(t + row) * KEY_DIM + left;
#pragma unroll
      for (int n = 0; n < 2 * pairs; n++) {
        at[half][n] = Pack<2>{};
        if (!is_there || left + n * 8 >= KEY_DIM) continue;
        if constexpr (WIDE) at[half][n] = load_pack<2>(from + n * 8);
        else at[half][n] = load_floats<2>(from + n * 8);
      }
    }
  }

  /// Takes gradients of weighed keys, times `unit`, to those of the keys and of the strengths.
  DEVICE void take_back(Sums<pairs> &dk, const SumGradients &to, float unit) const {
    float2 dots = {0, 0};
#pragma unroll
    for (int n = 0; n < 2 * pairs; n++) {
      dots.x += dk.at[n][0] * at[0][n].at[0] + dk.at[n][1] * at[0][n].at[1];
      dots.y += dk.at[n][2] * at[1][n].at[0] + dk.at[n][3] * at[1][n].at[1];
    }
    put_dots(dk, to.strengths(Cut<keys>::part()), dots, unit);
    dk.times(strengths[0], strengths[1]);
  }
};
