// The backward pass of the selective scan; after selective.cu.
//
// Sums over channels, for what is written and read, are added up in a block over its warps and left
// in a part of their own for each tile of channels; sums over time, for rates and skips, in a row
// for the sequences of a block, which it has one after the other. `selective_sums` and the sums over rows then add up the parts in order.

/// Numbers of a token that are summed over channels: the gradients of what is written, then read.
constexpr int pair = 2 * own;
/// The tensor cores add up the channels of four lanes, all with the same states, for sixteen numbers.
constexpr bool on_tensor_cores = SPLIT <= 8;
static_assert(!on_tensor_cores || pair <= 16, "the sums of a token have eight columns");

/// How often `count` numbers can be halved over the lanes from `distance` up to `lanes`.
__device__ constexpr int halvings(int count, int distance) {
  int times = 0;
  for (; count % 2 == 0 && distance << times < lanes; count /= 2) times++;
  return times;
}

/// Where a sum of a token's lies, in [2, padded].
DEVICE int sum_place(int number, const Place &place) {
  return number < own ? place.state(number) : padded + place.state(number - own);
}
/// Sums that a lane is left with, of four numbers that lanes four apart share; and whether it is the
/// one that puts them down.
constexpr int sums_left = 4 >> halvings(4, 4);
struct SumPlaces {
  int at[sums_left];
  bool puts;
  DEVICE SumPlaces(const Place &place) {
    // Numbers 4 q, 4 q + 2, 4 q + 1, 4 q + 3 of the groups, for the q-th lane in a group.
    const int first = fold_first<4, 4, lanes>(place.lane);
    puts = place.lane % lanes >> (2 + halvings(4, 4)) == 0;
#pragma unroll
    for (int i = 0; i < sums_left; i++) {
      const int n = first + i, number = 4 * lane_in_group() + (n >> 1 | (n & 1) << 1);
      at[i] = puts && number < pair ? sum_place(number, place) : -1;
    }
  }
};

/// Puts down the sums over the warp's channels of a token's numbers, [2, padded].
DEVICE void sum_channels(float *to, float (&x)[pair], const SumPlaces &places, const Place &place) {
  if constexpr (on_tensor_cores) {
    // Each quadruple of numbers is the left factor of a product that adds up the four lanes of a
    // group; ones in two columns of the right one leave the sums in these.
    float sums[4] = {0, 0, 0, 0};
    const int group = lane_group();
#pragma unroll
    for (int n = 0; n < pair; n += 4) {
      uint left[4];
#pragma unroll
      for (int i = 0; i < 4; i++) left[i] = n + i < pair ? to_tf32(x[n + i < pair ? n + i : 0]) : 0;
      const uint one = 0x3f800000;
      const uint right[2] = {group == n / 2 ? one : 0, group == n / 2 + 1 ? one : 0};
      mma_tf32(sums, left, right);
    }
    fold<4, 1, 4, lanes>(sums, place.lane);
#pragma unroll
    for (int i = 0; i < sums_left; i++)
      if (places.at[i] >= 0) to[places.at[i]] = sums[i];
  } else {
    constexpr int times = halvings(pair, 1);
    fold<pair, 1, 1, lanes>(x, place.lane);
    const int first = fold_first<pair, 1, lanes>(place.lane);
    const bool puts = place.lane % lanes >> times == 0;
#pragma unroll
    for (int i = 0; i < pair >> times; i++)
      if (puts && first + i < pair) to[sum_place(first + i, place)] = x[i];
  }
}

/// This thread's states before the tokens of a chunk, in shared memory; those before the first token
/// lie in the last place or the one before it, in turn.
struct History {
  float *at;
  DEVICE float *place(int token, int i) const {
    return at + ((token * (own / wide) + i / wide) * threads + threadIdx.x) * wide + i % wide;
  }
  DEVICE static int before(int token, int turn) { return token ? token - 1 : TOKENS - 1 + turn; }
  /// Copies kept row number `row` in the background.
  DEVICE void fetch_kept(int slot, const float *kept, int row, const Place &x) const {
    if constexpr (QUADS) {
      kept += x.inside ? x.quads(row) : 0;
#pragma unroll
      for (int i = 0; i < own; i += 4, kept += x.inside ? 4 * x.channels : 0)
        copy_async(place(slot, i), kept, x.inside);
    } else fetch(slot, kept, row, x);
  }
  /// Copies row number `row` of `from` in the background; zeros where that is null.
  DEVICE void fetch(int slot, const float *from, int row, const Place &x) const {
    if (!from) return put_down(slot, 0.0f);
    const bool there = x.inside;
    from += x.states(row);
#pragma unroll
    for (int i = 0; i < own; i++, from += x.channels)
      copy_number(place(slot, i), from, there && x.state(i) < STATES);
  }
  DEVICE void put_down(int slot, float x) const {
#pragma unroll
    for (int i = 0; i < own; i++) *place(slot, i) = x;
  }
  DEVICE void put_down(int token, const float (&x)[own]) const {
#pragma unroll
    for (int i = 0; i < own; i += wide) {
      Pack<wide> some;
#pragma unroll
      for (int j = 0; j < wide; j++) some.at[j] = x[i + j];
      *(Pack<wide> *)place(token, i) = some;
    }
  }
  DEVICE void load(int token, float (&x)[own]) const {
#pragma unroll
    for (int i = 0; i < own; i += wide) {
      const Pack<wide> some = load_pack<wide>(place(token, i));
#pragma unroll
      for (int j = 0; j < wide; j++) x[i + j] = some.at[j];
    }
  }
};

/// Tokens whose gradients are under way together, as many as there are registers for.
constexpr int at_once = SPLIT > 4 || TOKENS == 1 ? 1 : 2;

/// What the gate needs of a chunk, in registers: there is no room for more in shared memory.
struct Gate {
  Pack<VECTOR> argument[copies], output[copies];
  DEVICE void load(const float *gate, const float *y, const Place &x, int t) {
    each_copied(x, t, [&](int n, int, long at, bool there) {
      argument[n] = output[n] = {};
      if (there) argument[n] = load_pack<VECTOR>(gate + at), output[n] = load_pack<VECTOR>(y + at);
    });
  }
  /// Makes of a gated output's gradient, which this thread copied, that of the output, and puts down
  /// the gate's.
  DEVICE void open(float *dy, float *dgate, const Place &x, int t) const {
    each_copied(x, t, [&](int n, int i, long at, bool there) {
      const Pack<VECTOR> given = load_pack<VECTOR>(dy + i);
      Pack<VECTOR> passed, own;
#pragma unroll
      for (int j = 0; j < VECTOR; j++) {
        const float z = argument[n].at[j], s = opening(z), scaled = given.at[j] * s;
        passed.at[j] = scaled * z;
        own.at[j] = scaled * output[n].at[j] * fmaf(z, 1.0f - s, 1.0f);
      }
      *(Pack<VECTOR> *)(dy + i) = passed;
      if (there && dgate) store_pack(dgate + at, own);
    });
  }
};

/// A block for each tile of channels and strip of sequences. write and read of `out` are [tiles,
/// batch, length, states]; `gate` and y, the output before it, are null where there is none; `sums` is [strips, rates and skips that are wanted].
KERNEL __launch_bounds__(threads, SPLIT == 1 ? 1 : 2) selective_backward(
    const float *__restrict__ x, const float *__restrict__ step, const float *__restrict__ rate,
    const float *__restrict__ write, const float *__restrict__ read,
    const float *__restrict__ skip, const float *__restrict__ initial,
    const float *__restrict__ gate, const float *__restrict__ y, const float *__restrict__ kept,
    const float *__restrict__ dy, const float *__restrict__ d_final, float *dx, float *dstep,
    float *dwrite, float *dread, float *d_initial, float *dgate, float *sums, int wants_rate,
    int wants_skip, long sequences, long channels, long length, long tiles) {
  begin_kernel();
  const int strips = gridDim.x / (uint)tiles, batch = sequences;
  Place place(channels, length, tiles), next = place;
  const int chunks = (place.length + TOKENS - 1) / TOKENS;
  const float *const from[3] = {x, step, dy};
  constexpr int stage_size = 3 * series + 2 * numbers;
  float *warp_sums = memory_of(2, stage_size);
  const History history = {warp_sums + WARPS * 2 * numbers};
  const float direct = skip && place.inside && place.part == 0 ? skip[place.channel()] : 0.0f;
  // What this lane puts down of dx and dstep: both where a channel has one lane.
  float *mine = place.part & 1 ? dstep : dx;
  const bool puts = place.inside && place.part < 2 && (SPLIT == 1 || mine);
  const SumPlaces places(place);
  float *const own_sums = warp_sums + threadIdx.x / 32 * 2 * numbers;

  /// Copies what the chunk of a place needs.
  auto get = [&](const Place &x, int chunk, int turn) {
    const int slot = History::before(0, turn);
    if (chunk) history.fetch_kept(slot, kept, x.batch * (chunks - 1) + chunk - 1, x);
    else history.fetch(slot, initial, x.batch, x);
    fetch(memory_of(turn, stage_size), from, write, read, x, chunk * TOKENS);
  };
  int turn = 0;
  get(place, chunks - 1, turn);
  float rates[own], lambda[own], drates[own], dskip = 0;
  load_rates(rates, rate, place);
  Gate gates;
  if constexpr (GATED) gates.load(gate, y, place, (chunks - 1) * TOKENS);
#pragma unroll
  for (int n = 0; n < own; n++) drates[n] = 0;

  int chunk = chunks - 1;
  while (place.batch < batch) {
    const int t = chunk * TOKENS, here = place.tokens(t);
    float *stage = memory_of(turn, stage_size);
    const float *of = stage + place.column;
    const float *written = stage + 3 * series, *given = written + numbers;
    copy_wait<0>();
    if constexpr (GATED) gates.open(stage + 2 * series, dgate, place, t);
    __syncthreads();
    const int chunk_after = chunk ? chunk - 1 : chunks - 1;
    next.batch = place.batch + (chunk ? 0 : strips);
    if (next.batch < batch) get(next, chunk_after, turn ^ 1);
    if (chunk == chunks - 1) {
      if (d_final) load_states(lambda, d_final, place, place.batch);
      else
#pragma unroll
        for (int n = 0; n < own; n++) lambda[n] = 0;
    }

    // The states once more.
    float state[own];
    history.load(History::before(0, turn), state);
#pragma unroll 1
    for (int begin = 0; begin < here; begin += ahead)
#pragma unroll
    for (int j = 0; j < ahead; j++) {
      const int i = begin + j;
      float writes[own];
      load_own(writes, written, i, place);
      const float span = of[series + i * tile], u = span * of[i * tile];
#pragma unroll
      for (int n = 0; n < own; n++)
        state[n] = step_of(slope_of(span, rates[n]), state[n], writes[n], u);
      if (i + 1 < TOKENS) history.put_down(i, state);
    }

    const int left = puts ? here : 0, end = (here + at_once - 1) / at_once * at_once;
    float *to = mine + (place.token(t + end) + place.column), *also = to + (dstep - mine);
#pragma unroll 1
    for (int begin = end - at_once; begin >= 0; begin -= at_once)
#pragma unroll
    for (int j = at_once - 1; j >= 0; j--) {
      const int i = begin + j;
      float writes[own], reads[own], before[own], products[pair];
      load_own(writes, written, i, place);
      load_own(reads, given, i, place);
      history.load(History::before(i, turn), before);
      const float input = of[i * tile], span = of[series + i * tile], gain = of[2 * series + i * tile];
      const float u = span * input;
      float du = 0, drift_sum = 0;
#pragma unroll
      for (int n = 0; n < own; n++) {
        const float l = lambda[n] + reads[n] * gain;
        const float falling = l * slope_of(span, rates[n]), drift = falling * before[n];
        du += writes[n] * l;
        drift_sum += drift * rates[n];
        drates[n] += drift * span;
        products[n] = l * u;
        products[own + n] = gain * state[n];
        lambda[n] = BOTH_SIGNS ? falling - l : falling;
        state[n] = before[n];
      }
      dskip += gain * input;
      sum_channels(own_sums + i * 2 * padded, products, places, place);
      float both[2] = {direct * gain + du * span, ln_2 * drift_sum + du * input};
      fold<2, 1, lanes, 32>(both, place.lane);
      to -= place.channels, also -= place.channels;
      if (i >= left) continue;
      if (SPLIT > 1 || dx) *to = both[0];
      if (SPLIT == 1 && dstep) *also = both[1];
    }
    if constexpr (GATED)
      if (next.batch < batch) gates.load(gate, y, next, chunk_after * TOKENS);
    __syncthreads();
    const int part = blockIdx.x % (uint)tiles * batch + place.batch;
    const long row = (long)(part * place.length + t) * STATES;
    const int thread = own_thread();
#pragma unroll 4
    for (int begin = 0; begin < 2 * numbers; begin += threads * fours) {
      const int i = begin + thread * fours;
      if (begin + threads * fours > 2 * numbers && i >= 2 * numbers) continue;
      const int state = i % padded, token = i / (2 * padded);
      float *to = i / padded % 2 ? dread : dwrite;
      if (!to || state >= STATES || token >= here) continue;
      Pack<fours> sum = {};
#pragma unroll
      for (int warp = 0; warp < WARPS; warp++) {
        const Pack<fours> some = load_pack<fours>(warp_sums + warp * 2 * numbers + i);
#pragma unroll
        for (int j = 0; j < fours; j++) sum.at[j] += some.at[j];
      }
      store_pack(to + row + (token * STATES + state), sum);
    }
    if (d_initial && !chunk) store_states(d_initial, lambda, place, place.batch);
    place.batch = next.batch;
    chunk = chunk_after;
    turn ^= 1;
  }
  if (!sums) return;
  float *row = sums + blockIdx.x / (uint)tiles * ((wants_rate * STATES + wants_skip) * channels);
#pragma unroll
  for (int n = 0; LOG_RATES && n < own; n++) drates[n] *= rates[n] * ln_2;
  if (wants_rate) store_states(row, drates, place, 0);
  if (wants_skip && place.inside && place.part == 0)
    row[wants_rate * STATES * channels + place.channel()] = dskip;
}

/// Adds up the tiles' parts, [tiles, count] each.
KERNEL selective_sums(long tiles, long count, const float *__restrict__ write_parts,
                      const float *__restrict__ read_parts, float *dwrite, float *dread) {
  begin_kernel();
  for (long i = thread_index(); i < 2 * count; i += thread_count()) {
    const float *parts = i < count ? write_parts : read_parts;
    float *to = i < count ? dwrite : dread;
    const long at = i < count ? i : i - count;
    if (!to) continue;
    float sum = 0;
    for (long n = 0; n < tiles; n++) sum += parts[n * count + at];
    to[at] = sum;
  }
}
