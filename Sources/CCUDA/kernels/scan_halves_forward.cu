// The forward pass of the scan with factors of 16 bits; after scan_halves_tiles.cuh,
// scan_normaliser.cuh and scan_inverse.cuh.

/// Shared memory.
struct Frame {
  static constexpr int state_floats = alone ? 0 : keys * value_pitch / 2;
  static constexpr int key_floats = C * key_pitch / 2;
  static constexpr int value_floats = C * value_pitch / 2, token_floats = C * token_pitch / 2;
  static constexpr int delta_floats = delta ? C * value_step + C * token_step + C : 0;
  static constexpr int size = state_floats + 2 * key_floats + value_floats + token_floats +
                              Decays::size + delta_floats + 4 * WARPS + KeySums::size;
  Half *state, *q, *k, *w, *reads;
  /// The values, less what is known of them; the system and its inverse.
  float *v, *inverse, *beta;
  uint *greatest;
  Decays products;
  KeySums sums;

  DEVICE Frame() {
    float *next = (float *)memory;
    const auto take = [&](int count) {
      float *place = next;
      next += count;
      return place;
    };
    state = (Half *)take(state_floats);
    q = (Half *)take(key_floats), k = (Half *)take(key_floats);
    w = (Half *)take(value_floats), reads = (Half *)take(token_floats);
    products.base = take(Decays::size);
    v = take(delta ? C * value_step : 0), inverse = take(delta ? C * token_step : 0);
    beta = take(delta ? C : 0);
    greatest = (uint *)take(4 * WARPS);
    sums.base = take(KeySums::size);
  }
};

/// What the backward pass wants kept; null where it is not wanted.
struct Kept {
  Half *states, *answers;
  float *inverses, *scales;
};

/// The powers of two that factors come with, queries times the scan's scale too, and the one that
/// keeps products of keys in the range.
struct Scales {
  float q, k, w, state;
  static constexpr float keys_bound = 1.0f / (1024 * keys);
};

/// A tile of what queries read of the chunk's writes: A, times beta where those are answers.
DEVICE void relate_queries(const Frame &x, int row, int column) {
  Sums<1> product(row, column);
  if (row >= column) product.add<keys, false, true>(x.q, key_pitch, x.k, key_pitch);
  float2 sums = {0, 0};
  product.each([&](int i, int j, float a, float b) {
    const auto read = [&](int j, float sum) {
      if (j > i) return 0.0f;
      return sum * Scales::keys_bound * x.products.pair(i, j) * (delta ? x.beta[j] : 1.0f);
    };
    const float first = read(j, a), second = read(j + 1, b);
    *(uint *)(x.reads + i * token_pitch + j) = two_halves(first, second);
    if (i == row + lane_group()) sums.x += first + second;
    else sums.y += first + second;
  });
  if constexpr (normalised) put_dots(product, x.sums.read(column), sums, 1);
}

/// A tile of the system: M.
DEVICE void relate_keys(const Frame &x, const Scales &by, int row, int column) {
  Sums<1> product(row, column);
  if (row >= column) product.add<keys, false, true>(x.k, key_pitch, x.k, key_pitch);
  const float unit = inverse_of(by.k * by.k);
  product.each([&](int i, int j, float a, float b) {
    const auto entry = [&](int j, float sum) {
      return j < i ? unit * sum * x.products.pair(i, j) * x.beta[j] : 0.0f;
    };
    *(float2 *)(x.inverse + i * token_step + j) = float2{entry(j, a), entry(j + 1, b)};
  });
}

/// What the queries read of the old state, and what the keys do.
template <int pairs>
DEVICE void look(const Frame &x, Sums<pairs> &read, Sums<pairs> &known) {
#pragma unroll
  for (int k = 0; k < keys; k += 16) {
    uint a[4], b[4], y[4];
    left_factor<false>(a, x.q, key_pitch, read.row, k);
    if (delta) left_factor<false>(b, x.k, key_pitch, read.row, k);
#pragma unroll
    for (int n = 0; n < pairs; n++) {
      right_factor<false>(y, x.state, value_pitch, k, read.column + 16 * n);
#pragma unroll
      for (int m = 0; m < 2; m++) {
        mma_half(read.at[2 * n + m], a, y[2 * m], y[2 * m + 1]);
        if (delta) mma_half(known.at[2 * n + m], b, y[2 * m], y[2 * m + 1]);
      }
    }
  }
}

/// The answers, from what the old state leaves of the values; those of tokens from `count` on, which
/// write nothing, are zeros.
DEVICE void answer(const Frame &x, Scales &by, int count) {
  auto tile = Cut<values>::tile();
  Greatest<1> greatest;
  if (Cut<values>::has_one()) {
    add_exact(
        tile, 0, min(tile.row + 16, terms_of(count)), [&](int i, int n) { return x.inverse[i * token_step + n]; },
        [&](int n, int j) { return x.v[n * value_step + j]; });
    tile.each([&](int, int, float a, float b) {
      greatest.most[0] = greater(greater(greatest.most[0], a), b);
    });
  }
  greatest.leave(x.greatest);
  __syncthreads();
  greatest.collect(x.greatest);
  by.w = scale_of(greatest.most[0]);
  if (Cut<values>::has_one())
    tile.each([&](int i, int j, float a, float b) {
      *(uint *)(x.w + i * value_pitch + j) = two_halves(by.w * a, by.w * b);
    });
}

/// Keeps the inverse's first `count` rows, each up to the four with the diagonal: what else there is
/// nobody reads.
DEVICE void store_inverse(float *to, const float *inverse, int count) {
  each_four([&](int i, int j) {
    if (i < count && j <= i)
      store_pack(to + i * C + j, load_pack<4>(inverse + i * token_step + j));
  });
}

/// A block for each head. `kept_states` are [batch, heads, chunks, key, value], `kept_answers` (w)
/// [batch, heads, chunks, C, value], both 16-bit floats times `kept_scales` [batch, heads, chunks,
/// 2], `kept_inverses` [batch, heads, chunks, C, C]; they may be null. Of answers and inverses there
/// are only the rows of tokens. Where no state comes in none
/// is kept before the first chunk: what would be made of its zeros, and the last one where nobody
/// wants it, are left out.
KERNEL __launch_bounds__(threads, RESIDENT) scan_halves_forward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *initial, float *o, float *final_state, Half *kept_states, Half *kept_answers,
    float *kept_inverses, float *kept_scales, long heads, long key_heads, long length, float scale,
    const float *strength, const float *stabiliser, float *factor, float *slope, float *kept_sums,
    float epsilon) {
  begin_kernel();
  const Head x(heads, key_heads, length);
  const Frame frame;
  const Kept kept = {kept_states, kept_answers, kept_inverses, kept_scales};
  const int chunks = alone ? 1 : (x.length + C - 1) / C, g = lane_group();
  State state;
  // What the state in registers has been multiplied by.
  float unit_of_state = 1;
  if (!alone) state.load(initial ? initial + x.state() : nullptr);
  for (int n = 0; n < chunks; n++) {
    const int t = n * C, count = min(C, x.length - t);
    const bool has_state = !alone && (n > 0 || initial);
    const long value = x.row(t) * VALUE_DIM, chunk = x.chunk(n);
    Scales by;
    // The chunk's rows, and the state before it.
    {
      KeyRows rows_q, rows_k;
      ValueRows rows_v;
      rows_q.load(q + x.shared_row(t) * KEY_DIM, x.key_distance(), count);
      rows_k.load(k + x.shared_row(t) * KEY_DIM, x.key_distance(), count);
      rows_v.load(v + value, x.value_distance(), count);
      if constexpr (normalised) rows_k.weigh(strength + x.row(t), x.heads, count);
      if (delta && threadIdx.x < C)
        frame.beta[threadIdx.x] =
            threadIdx.x < count ? step_of(beta[x.row(t + threadIdx.x)]) : 0.0f;
      frame.products.fetch(decay, x, t, count);
      Greatest<delta ? 3 : 4> greatest;
      greatest.most[0] = rows_q.greatest(), greatest.most[1] = rows_k.greatest();
      if (has_state) greatest.most[2] = inverse_of(unit_of_state) * state.greatest();
      if constexpr (!delta) greatest.most[3] = rows_v.greatest();
      greatest.leave(frame.greatest);
      __syncthreads();
      greatest.collect(frame.greatest);
      by.q = scale_of(fabsf(scale) * greatest.most[0]);
      by.k = scale_of(greatest.most[1]);
      by.state = scale_of(greatest.most[2]);
      rows_q.store(frame.q, scale * by.q), rows_k.store(frame.k, by.k);
      if constexpr (delta) rows_v.store(frame.v);
      else by.w = scale_of(greatest.most[3]), rows_v.store(frame.w, by.w);
    }
    if (has_state) state.store(frame.state, by.state * inverse_of(unit_of_state));
    frame.products.multiply();
    __syncthreads();
    if (!alone && t + C < x.length) {
      const int next = min(C, x.length - t - C);
      announce_rows(q + x.shared_row(t + C) * KEY_DIM, x.key_distance(), next, KEY_DIM);
      announce_rows(k + x.shared_row(t + C) * KEY_DIM, x.key_distance(), next, KEY_DIM);
      announce_rows(v + x.row(t + C) * VALUE_DIM, x.value_distance(), next, VALUE_DIM);
    }
    if (kept.states && has_state)
      copy_halves<VALUE_DIM, KEY_DIM, true>(frame.state, value_pitch,
                                            kept.states + chunk * (KEY_DIM * VALUE_DIM));
    if constexpr (normalised)
      if (kept_sums && has_state) frame.sums.keep(kept_sums + chunk * KEY_DIM);

    // What relates tokens, and what they read of the state.
#pragma unroll
    for (int round = 0; round < TokenTiles::rounds; round++) {
      if (!TokenTiles::is_one(round)) continue;
      const int row = TokenTiles::row(round), column = TokenTiles::column(round);
      if (delta && TokenTiles::is_second(round)) relate_keys(frame, by, row, column);
      else relate_queries(frame, row, column);
    }
    auto output = Cut<values>::tile();
    if (has_state && Cut<values>::has_one()) {
      auto known = Cut<values>::tile();
      look(frame, output, known);
      const float c[2] = {frame.products.prefix(output.row + g),
                          frame.products.prefix(output.row + g + 8)};
      if constexpr (delta) {
        const float unit = -inverse_of(by.k * by.state);
        known.times(unit * c[0], unit * c[1]);
        known.each([&](int i, int j, float a, float b) {
          float2 *place = (float2 *)(frame.v + i * value_step + j);
          *place = float2{place->x + a, place->y + b};
        });
      }
      const float unit = by.k * Scales::keys_bound;
      output.times(unit * c[0], unit * c[1]);
    }
    __syncthreads();
    if constexpr (delta) {
      invert(frame.inverse, count);
      __syncthreads();
      answer(frame, by, count);
      __syncthreads();
      if (kept.answers) {
        copy_halves<VALUE_DIM, C, true, true>(frame.w, value_pitch,
                                              kept.answers + chunk * (C * VALUE_DIM), count);
        store_inverse(kept.inverses + chunk * (C * C), frame.inverse, count);
      }
    }
    if (kept.scales && threadIdx.x == 0)
      kept.scales[2 * chunk] = by.state, kept.scales[2 * chunk + 1] = by.w;

    // What the queries read, and the state after the chunk.
    if (Cut<values>::has_one()) {
      if (has_state) output.times(by.w * inverse_of(by.state));
      output.template add<C, false, false>(frame.reads, token_pitch, frame.w, value_pitch);
      output.template store<VALUE_DIM>(o + value, x.value_distance(), count,
                                       inverse_of(by.q * by.k * Scales::keys_bound * by.w));
    }
    if constexpr (normalised) {
      const float of_q = inverse_of(by.q);
      const float answer =
          of_q * inverse_of(by.k * Scales::keys_bound) * frame.sums.read_of_chunk() +
          (has_state ? of_q * frame.sums.read_of_state(frame.q, frame.products) : 0.0f);
      put_divisor(answer, x, t, count, stabiliser, epsilon, factor, slope);
    }
    if (alone || (n == chunks - 1 && !final_state)) break;
    float sum = 0;
    if constexpr (normalised)
      sum = frame.sums.after(frame.k, inverse_of(by.k), frame.products, has_state);
    const float unit = by.k * by.w;
    state.times(unit * inverse_of(unit_of_state) * frame.products.prefix(C - 1));
    unit_of_state = unit;
    state.template add<!delta && !decays>(frame.k, frame.w, [&](int i) {
      return delta ? frame.beta[i] * frame.products.suffix(i) : frame.products.suffix(i);
    });
    // Decays and betas of the next chunk go where this one's are read.
    __syncthreads();
    if constexpr (normalised) frame.sums.put(sum);
  }
  if (!alone && final_state) {
    state.times(inverse_of(unit_of_state));
    state.store(final_state + x.state());
  }
}
