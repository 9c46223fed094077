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

/// Puts down the sums over the warp's channels of a token's numbers, [2, padded].
DEVICE void sum_channels(float *to, float (&x)[pair], const Place &place) {
  auto put_down = [&](int number, float sum) {
    const int half = number / own;
    if (number < pair) to[half * padded + place.state(number - half * own)] = sum;
  };
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
    // Numbers 4 q, 4 q + 2, 4 q + 1, 4 q + 3 of the groups, for the q-th lane in a group.
    constexpr int times = halvings(4, 4);
    fold<4, 1, 4, lanes>(sums, place.lane);
    const int first = fold_first<4, 4, lanes>(place.lane);
    const bool puts = place.lane % lanes >> (2 + times) == 0;
#pragma unroll
    for (int i = 0; i < 4 >> times; i++) {
      const int at = first + i, number = 4 * lane_in_group() + (at >> 1 | (at & 1) << 1);
      if (puts) put_down(number, sums[i]);
    }
  } else {
    constexpr int times = halvings(pair, 1);
    fold<pair, 1, 1, lanes>(x, place.lane);
    const int first = fold_first<pair, 1, lanes>(place.lane);
    const bool puts = place.lane % lanes >> times == 0;
#pragma unroll
    for (int i = 0; i < pair >> times; i++)
      if (puts) put_down(first + i, x[i]);
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
  /// Copies row number `row` of `from` in the background; zeros where that is null.
  DEVICE void fetch(int slot, const float *from, long row, const Place &x) const {
    const bool there = from && x.inside;
    from += x.states(row);
#pragma unroll
    for (int i = 0; i < own; i++, from += x.channels)
      copy_number(place(slot, i), from, there && x.state(i) < STATES);
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

/// A block for each tile of channels and strip of sequences. write and read of `out` are [tiles,
/// batch, length, states]; `sums` is [strips, rates and skips that are wanted].
KERNEL __launch_bounds__(threads, SPLIT == 1 ? 1 : 2) selective_backward(
    const float *__restrict__ x, const float *__restrict__ step, const float *__restrict__ rate,
    const float *__restrict__ write, const float *__restrict__ read,
    const float *__restrict__ skip, const float *__restrict__ initial,
    const float *__restrict__ kept, const float *__restrict__ dy,
    const float *__restrict__ d_final, float *dx, float *dstep, float *dwrite, float *dread,
    float *d_initial, float *sums, int wants_rate, int wants_skip, long batch, long channels,
    long length, long tiles) {
  begin_kernel();
  const long strips = gridDim.x / tiles;
  Place place(channels, length, tiles), next = place;
  const int chunks = (length + TOKENS - 1) / TOKENS;
  const float *const from[3] = {x, step, dy};
  constexpr int stage_size = 3 * series + 2 * numbers;
  float *warp_sums = memory_of(2, stage_size);
  const History history = {warp_sums + WARPS * 2 * numbers};
  const float direct = skip && place.inside && place.part == 0 ? skip[place.channel()] : 0.0f;
  // What this lane puts down of dx and dstep: both where a channel has one lane.
  float *mine = place.part & 1 ? dstep : dx;
  const bool puts = place.inside && place.part < 2;

  /// Copies what the chunk of a place needs.
  auto get = [&](const Place &x, int chunk, int turn) {
    const int slot = History::before(0, turn);
    if (chunk) history.fetch(slot, kept, x.batch * (chunks - 1) + chunk - 1, x);
    else history.fetch(slot, initial, x.batch, x);
    fetch(memory_of(turn, stage_size), from, write, read, x, (long)chunk * TOKENS);
  };
  int turn = 0;
  get(place, chunks - 1, turn);
  float rates[own], lambda[own], drates[own], dskip = 0;
  load_rates(rates, rate, place);
#pragma unroll
  for (int n = 0; n < own; n++) drates[n] = 0;

  int chunk = chunks - 1;
  while (place.batch < batch) {
    const long t = (long)chunk * TOKENS;
    const float *stage = memory_of(turn, stage_size), *of = stage + place.column;
    const float *written = stage + 3 * series, *given = written + numbers;
    copy_wait<0>();
    __syncthreads();
    const int chunk_after = chunk ? chunk - 1 : chunks - 1;
    next.batch = place.batch + (chunk ? 0 : strips);
    if (next.batch < batch) get(next, chunk_after, turn ^ 1);
    if (chunk == chunks - 1) load_states(lambda, d_final, place, place.batch);

    // The states once more.
    float state[own];
    history.load(History::before(0, turn), state);
#pragma unroll 2
    for (int i = 0; i < TOKENS; i++) {
      float writes[own];
      load_own(writes, written, i, place);
      const float span = of[series + i * tile], u = span * of[i * tile];
#pragma unroll
      for (int n = 0; n < own; n++)
        state[n] = factor_of(slope_of(span, rates[n])) * state[n] + writes[n] * u;
      if (i + 1 < TOKENS) history.put_down(i, state);
    }

    long at = place.token(t + TOKENS) + place.column;
#pragma unroll 2
    for (int i = TOKENS - 1; i >= 0; i--) {
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
      sum_channels(warp_sums + (threadIdx.x / 32 * TOKENS + i) * 2 * padded, products, place);
      float both[2] = {direct * gain + du * span, ln_2 * drift_sum + du * input};
      fold<2, 1, lanes, 32>(both, place.lane);
      at -= channels;
      if (!puts || t + i >= length) continue;
      if (mine) mine[at] = both[0];
      if (SPLIT == 1 && dstep) dstep[at] = both[1];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 2 * numbers; i += threads) {
      const int state = i % padded, which = i / padded % 2;
      const long token = t + i / (2 * padded);
      float *to = which ? dread : dwrite;
      if (!to || state >= STATES || token >= length) continue;
      float sum = 0;
#pragma unroll
      for (int warp = 0; warp < WARPS; warp++) sum += warp_sums[warp * 2 * numbers + i];
      const long part = blockIdx.x % (uint)tiles * batch + place.batch;
      to[(part * length + token) * STATES + state] = sum;
    }
    if (d_initial && !chunk) store_states(d_initial, lambda, place, place.batch);
    place.batch = next.batch;
    chunk = chunk_after;
    turn ^= 1;
  }
  if (!sums) return;
  float *row = sums + blockIdx.x / (uint)tiles * ((wants_rate * STATES + wants_skip) * channels);
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
