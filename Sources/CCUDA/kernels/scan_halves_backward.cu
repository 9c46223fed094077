// The backward pass of the scan with factors of 16 bits; after scan_halves_gradients.cuh.

/// Starts to copy what the forward pass kept of a chunk: its answers and the state before it.
DEVICE void fetch_kept(const Frame &x, const Kept &kept, const Head &head, int n, bool has_state) {
  const long chunk = head.chunk(n);
  if (delta)
    copy_halves<VALUE_DIM, C, false, true>(
        x.w, value_pitch, kept.answers + chunk * (C * VALUE_DIM), head.length - n * C);
  if (has_state)
    copy_halves<VALUE_DIM, KEY_DIM, false>(x.state, value_pitch,
                                           kept.states + chunk * (KEY_DIM * VALUE_DIM));
  copy_commit();
}

/// Starts to copy the inverse to where the copy of the state's gradient was, with zeros above the
/// diagonal and behind the last of `count` tokens.
DEVICE void fetch_inverse(const Frame &x, const float *inverse, int count) {
  each_four([&](int i, int j) {
    copy_async(x.inverse + i * token_step + j, inverse + i * C + j, i < count && j <= i);
  });
  copy_commit();
}

/// The gradients of the state that a warp has, with what they have been multiplied by.
struct StateGradient : State {
  float unit = 1;
};

/// A chunk, in the order of time.
struct Chunk {
  int number, t, count;
  /// Which states are not all zeros, and whether somebody wants the gradient of the one before.
  States are;
  bool returns_state;
};

/// Asks for what the chunk before will read.
DEVICE void announce_before(const Inputs &in, const Kept &kept, const Head &head,
                            const Chunk &chunk) {
  const int t = chunk.t - C, number = chunk.number - 1;
  const long value = head.row(t) * VALUE_DIM, before = head.chunk(number);
  announce_rows(in.q + head.shared_row(t) * KEY_DIM, head.key_distance(), C, KEY_DIM);
  announce_rows(in.k + head.shared_row(t) * KEY_DIM, head.key_distance(), C, KEY_DIM);
  announce_rows(in.gain + value, head.value_distance(), C, VALUE_DIM);
  if (!delta) announce_rows(in.v + value, head.value_distance(), C, VALUE_DIM);
  if (number > 0 || in.initial)
    announce(kept.states + before * (KEY_DIM * VALUE_DIM), KEY_DIM * VALUE_DIM * 2);
  if (delta) {
    announce(kept.answers + before * (C * VALUE_DIM), C * VALUE_DIM * 2);
    announce(kept.inverses + before * (C * C), C * C * 4);
  }
}

/// Brings the chunk's rows, and a copy of the state's gradient, to shared memory.
DEVICE void fetch(const Frame &x, const Inputs &in, const Kept &kept, const Head &head,
                  const Chunk &chunk, StateGradient &gradient, Scales &by, float scale) {
  const int t = chunk.t, count = chunk.count;
  const long value = head.row(t) * VALUE_DIM;
  KeyRows q, k;
  ValueRows v, gain;
  [[maybe_unused]] float sum_gain = 0;
  q.load(in.q + head.shared_row(t) * KEY_DIM, head.key_distance(), count);
  k.load(in.k + head.shared_row(t) * KEY_DIM, head.key_distance(), count);
  gain.load(in.gain + value, head.value_distance(), count);
  if (!delta) v.load(in.v + value, head.value_distance(), count);
  if (delta && threadIdx.x < C)
    x.beta[threadIdx.x] =
        threadIdx.x < count ? step_of(in.beta[head.row(t + threadIdx.x)]) : 0.0f;
  x.products.fetch(in.decay, head, t, count);
  if constexpr (normalised) {
    k.weigh(in.strength + head.row(t), head.heads, count);
    sum_gain = fabsf(x.sums.fetch(in.slope, in.d_factor, head, t, count));
    if (chunk.are.before) x.sums.fetch_state(kept.sums + head.chunk(chunk.number) * KEY_DIM);
  }
  const float *scales = kept.scales + 2 * head.chunk(chunk.number);
  by.state = chunk.are.before ? scales[0] : 1.0f;
  Greatest<delta ? 4 : 5> greatest;
  greatest.most[0] = fabsf(scale) * q.greatest(), greatest.most[1] = k.greatest();
  greatest.most[2] = greater(gain.greatest(), sum_gain);
  const float of_gradient = inverse_of(gradient.unit);
  if (chunk.are.after) greatest.most[3] = of_gradient * gradient.greatest();
  // The ones that a normaliser has beside the values.
  if constexpr (!delta) greatest.most[4] = greater(v.greatest(), normalised ? 1 : 0);
  greatest.leave(x.greatest);
  __syncthreads();
  greatest.collect(x.greatest);
  by.q = scale_of(greatest.most[0]), by.k = scale_of(greatest.most[1]);
  by.gain = scale_of(greatest.most[2]), by.gradient = scale_of(greatest.most[3]);
  if constexpr (delta) by.w = scales[1];
  else by.w = scale_of(greatest.most[4]);
  q.store(x.q, scale * by.q), k.store(x.k, by.k), gain.store(x.gain, by.gain);
  if (!delta) v.store(x.w, by.w);
  if (chunk.are.after) gradient.store(x.gradient, by.gradient * of_gradient);
  x.products.multiply();
  copy_wait<0>();
  __syncthreads();
}

/// What a warp keeps of the products of tokens: those of keys, and gradients of L.
struct Related {
  Sums<1> keys_keys = Sums<1>(0, 0), part = Sums<1>(0, 0);
};

/// The warp's products of tokens; also leaves A and dA L.
DEVICE Related relate(const Frame &x, const Scales &by) {
  Related own;
#pragma unroll
  for (int round = 0; round < TokenTiles::rounds; round++) {
    if (!TokenTiles::is_one(round)) continue;
    const int row = TokenTiles::row(round), column = TokenTiles::column(round);
    if (delta && TokenTiles::is_second(round)) {
      own.keys_keys = Sums<1>(row, column);
      if (row >= column) own.keys_keys.add<keys, false, true>(x.k, key_pitch, x.k, key_pitch);
    } else {
      relate_queries(x, by, row, column, own.part);
    }
  }
  return own;
}

/// What comes to what is written from the state after the chunk.
DEVICE void start_writes(const Frame &x, const Scales &by, States are, ValueTile &du) {
  if (!are.after || !Cut<values>::has_one()) return;
  const int low = du.row + lane_group();
  du.template add<keys, false, false>(x.k, key_pitch, x.gradient, value_pitch);
  const float unit = by.relations() * by.gain * inverse_of(by.k * by.gradient);
  du.times(unit * x.products.suffix(low), unit * x.products.suffix(low + 8));
}
/// What comes to the keys from the state after the chunk.
DEVICE void start_keys(const Frame &x, const Scales &by, States are, KeyTile &dk) {
  if (!Cut<keys>::has_one()) return;
  const int low = dk.row + lane_group(), high = low + 8;
  const float betas[2] = {delta ? x.beta[low] : 1, delta ? x.beta[high] : 1};
  const float of_state = inverse_of(by.w * by.gradient);
  if (are.after)
    dk.template add<values, false, true>(x.w, value_pitch, x.gradient, value_pitch);
  if constexpr (normalised)
    if (are.after) x.sums.return_keys(dk, by.w * by.gradient);
  if (decays) {
    float2 dots = dot_rows(dk, x.k, key_pitch);
    dots.x *= betas[0], dots.y *= betas[1];
    put_dots(dk, x.sums_e + Cut<keys>::part() * C, dots, of_state * inverse_of(by.k));
  }
  if (!are.after) return;
  const float unit = of_state * by.returned() * by.q;
  dk.times(unit * betas[0] * x.products.suffix(low), unit * betas[1] * x.products.suffix(high));
}

/// The gradients of what is written, which are those of the values where updates add.
DEVICE void return_writes(const Frame &x, const Scales &by, ValueTile &du, float *to, int distance,
                          int count) {
  if (!Cut<values>::has_one()) return;
  du.template add<C, true, false>(x.relations, token_pitch, x.gain, value_pitch);
  const float unit = inverse_of(by.relations() * by.gain);
  if constexpr (delta) {
    put_dots(du, x.beta_rows + Cut<values>::part() * C, dot_rows(du, x.w, value_pitch),
             unit * inverse_of(by.w));
    du.each([&](int i, int j, float a, float b) {
      *(float2 *)(x.du + i * value_step + j) = float2{unit * a, unit * b};
    });
  } else if (to) {
    du.template store<VALUE_DIM>(to, distance, count, unit);
  }
}

/// The gradients of the queries, and what comes off the keys from the state before.
DEVICE void return_queries(const Frame &x, const Scales &by, States are, KeyTile &dk, float *to,
                           int distance, int count, float scale) {
  if (!Cut<keys>::has_one()) return;
  auto dq = Cut<keys>::tile();
  const int g = lane_group();
  const float c[2] = {x.products.prefix(dq.row + g), x.products.prefix(dq.row + g + 8)};
  const float down = by.returned() * by.q * inverse_of(by.p * by.state);
  // Without decays what comes off the keys is added up where the keys' gradients are.
  [[maybe_unused]] auto apart = Cut<keys>::tile();
  auto &old = one_of<decays>(apart, dk);
  if (are.before) {
    if (delta && !decays) dk.times(-inverse_of(down));
    look_back(x, dq, old);
    if constexpr (normalised) x.sums.return_queries(dq, by.gain * by.state);
    if (delta && !decays) dk.times(-down);
  }
  if (decays) {
    const float of_q = inverse_of(by.q * by.gain), of_k = inverse_of(by.k * by.p);
    float2 dots = dot_rows(dq, x.q, key_pitch);
    dots.x *= of_q, dots.y *= of_q;
    if constexpr (delta) {
      const float2 more = dot_rows(old, x.k, key_pitch);
      dots.x -= of_k * more.x, dots.y -= of_k * more.y;
    }
    put_dots(dq, x.sums_c + Cut<keys>::part() * C, dots, inverse_of(by.state));
  }
  if (are.before) {
    const float unit = by.returned() * by.k * inverse_of(by.gain * by.state);
    dq.times(unit * c[0], unit * c[1]);
    if constexpr (delta && decays) dk.subtract(old, down * c[0], down * c[1]);
  }
  dq.template add<C, false, false>(x.returned, token_pitch, x.k, key_pitch);
  if (to) dq.template store<KEY_DIM>(to, distance, count, scale * inverse_of(by.returned() * by.k));
}

/// Takes the state's gradient through the chunk. Of the two products the one in smaller units gives
/// the units of both, so that no factor grows.
DEVICE void return_state(const Frame &x, const Scales &by, States are, StateGradient &gradient) {
  if (decays) {
    float total = 0;
    if (are.before)
      gradient.each([&](int i, int j, float a, float b) {
        const float2 pair = pair_of(x.state, value_pitch, i, j);
        total += a * pair.x + b * pair.y;
      });
    total *= inverse_of(by.state * gradient.unit);
    if constexpr (normalised)
      if (are.before && are.after) total += x.sums.product();
    total = warp_sum(total);
    if (threadIdx.x % 32 == 0) x.totals[threadIdx.x / 32] = total;
  }
  const float of_q = by.q * by.gain, of_k = by.k * by.p;
  const float unit = delta ? fminf(of_q, of_k) : of_q;
  const float for_q = unit * inverse_of(of_q), for_k = unit * inverse_of(of_k);
  gradient.times(unit * inverse_of(gradient.unit) * x.products.prefix(C - 1));
  gradient.template add<!decays>(x.q, x.gain,
                                 [&](int i) { return for_q * x.products.prefix(i); });
  if constexpr (delta)
    gradient.template add<!decays>(x.k, x.p, [&](int i) { return -for_k * x.products.prefix(i); });
  gradient.unit = unit;
}

/// The rest of the gradients of the keys.
DEVICE void return_keys(const Frame &x, const Inputs &in, const Scales &by, const Head &head,
                        const Chunk &chunk, KeyTile &dk, float *to, int distance) {
  if (!Cut<keys>::has_one()) return;
  [[maybe_unused]] UnweighedKeys<Cut<keys>::pairs> unweighed;
  if constexpr (normalised)
    unweighed.load(in.k, in.strength, head, chunk.t, chunk.count, dk);
  dk.template add<C, true, false>(x.returned, token_pitch, x.q, key_pitch);
  float unit = by.returned() * by.q;
  if constexpr (delta) {
    const float of_keys = by.p * by.w * Scales::values_bound * by.k;
    dk.times(of_keys * inverse_of(unit));
    dk.template add<C, false, false>(x.dn, token_pitch, x.k, key_pitch);
    unit = of_keys;
  }
  if constexpr (normalised) unweighed.take_back(dk, x.sums, inverse_of(unit));
  if (to) dk.template store<KEY_DIM>(to, distance, chunk.count, inverse_of(unit));
}

/// The gradients of beta, or of the logits, from the parts that warps have left.
DEVICE void return_beta(const Frame &x, const Head &head, float *to, const Chunk &chunk) {
  const int i = threadIdx.x;
  if (i >= chunk.count) return;
  float sum = 0;
#pragma unroll
  for (int part = 0; part < value_parts; part++) sum += x.beta_rows[part * C + i];
#pragma unroll
  for (int band = 0; band < C / 16; band++) sum += x.beta_columns[band * C + i];
  to[head.row(chunk.t + i)] = sum * slope_at(x.beta[i]);
}

/// The gradients of the decays; returns the thread's token's for that of the head.
DEVICE float return_decays(const Frame &x, const Head &head, float *to, const Chunk &chunk) {
  collect_products(x, chunk.returns_state);
  __syncthreads();
  return_products(x);
  __syncthreads();
  const int i = threadIdx.x;
  if (i >= chunk.count) return 0;
  float sum = 0;
#pragma unroll
  for (int part = 0; part < C / 16; part++) sum += x.decay_parts[part * C + i];
  if (DECAY == SCALAR) to[head.row(chunk.t + i)] = sum;
  return sum;
}

/// A block for each head. `v` are the values where updates add. `initial` is only looked at for
/// whether there is one: without, what the first chunk's state would do is left out, as is what the
/// last one's gradient would. With a normaliser all gradients are wanted.
KERNEL __launch_bounds__(threads, RESIDENT) scan_halves_backward(
    const float *q, const float *k, const float *v, const float *decay, const float *beta,
    const float *initial, Half *kept_states, Half *kept_answers, const float *kept_inverses,
    const float *kept_scales, const float *d_o, const float *d_final, float *dq, float *dk,
    float *dv, float *d_decay, float *d_beta, float *d_initial, long heads, long key_heads,
    long length, float scale, const float *strength, const float *slope, const float *kept_sums,
    const float *d_factor, float *d_strength) {
  begin_kernel();
  const Head head(heads, key_heads, length);
  const Frame frame;
  const Inputs in = {q, k, v, decay, beta, initial, d_o, strength, slope, d_factor};
  const Kept kept = {kept_states, kept_answers, kept_inverses, kept_scales, kept_sums};
  const int chunks = alone ? 1 : (head.length + C - 1) / C, distance = head.heads * KEY_DIM;
  float head_decay = 0;
  StateGradient gradient;
  if (!alone) gradient.load(d_final ? d_final + head.state() : nullptr);
  if (keys > KEY_DIM || values > VALUE_DIM) {
    if (!alone) clear_halves(frame.state, keys * value_pitch);
    clear_halves(frame.w, C * value_pitch);
    __syncthreads();
  }
  fetch_kept(frame, kept, head, chunks - 1, !alone && (chunks > 1 || initial));
  for (int n = chunks - 1; n >= 0; n--) {
    const Chunk chunk = {n, n * C, min(C, head.length - n * C),
                         {!alone && (n > 0 || initial), !alone && (n < chunks - 1 || d_final)},
                         !alone && (n > 0 || initial || d_initial)};
    const long row = head.row(chunk.t);
    float *values_to = dv ? dv + row * VALUE_DIM : nullptr;
    Scales by;
    fetch(frame, in, kept, head, chunk, gradient, by, scale);
    if (!alone && n > 0) announce_before(in, kept, head, chunk);
    const Related related = relate(frame, by);
    auto du = Cut<values>::tile();
    auto new_k = Cut<keys>::tile();
    start_writes(frame, by, chunk.are, du);
    start_keys(frame, by, chunk.are, new_k);
    __syncthreads();
    if constexpr (delta)
      fetch_inverse(frame, kept.inverses + head.chunk(n) * (C * C), chunk.count);
    return_writes(frame, by, du, values_to, head.value_distance(), chunk.count);
    if constexpr (delta) {
      copy_wait<0>();
      __syncthreads();
      return_values(frame, by, values_to, head.value_distance(), chunk.count);
      constexpr int last = TokenTiles::rounds - 1;
      if (TokenTiles::is_one(last) && TokenTiles::is_second(last))
        relate_keys(frame, by, related.keys_keys, related.part);
    }
    return_queries(frame, by, chunk.are, new_k, dq ? dq + row * KEY_DIM : nullptr, distance,
                   chunk.count, scale);
    if (chunk.returns_state) return_state(frame, by, chunk.are, gradient);
    float sum = 0;
    if constexpr (normalised)
      if (chunk.returns_state)
        sum = frame.sums.before(frame.q, inverse_of(by.q), frame.products, chunk.are.after);
    __syncthreads();
    if (!alone && n > 0) fetch_kept(frame, kept, head, n - 1, n > 1 || initial);
    if constexpr (normalised && !alone) frame.sums.put(sum);
    return_keys(frame, in, by, head, chunk, new_k, dk ? dk + row * KEY_DIM : nullptr, distance);
    if (delta && d_beta) return_beta(frame, head, d_beta, chunk);
    if (decays && d_decay) head_decay += return_decays(frame, head, d_decay, chunk);
    if constexpr (normalised) frame.sums.put_strengths(head, chunk.t, chunk.count, d_strength);
  }
  if (!alone && d_initial) {
    gradient.times(inverse_of(gradient.unit));
    gradient.store(d_initial + head.state());
  }
  if (DECAY == PER_HEAD && d_decay && threadIdx.x < 32) {
    // The tokens of a chunk are those of the first warp.
    head_decay = warp_sum(head_decay);
    if (threadIdx.x == 0) d_decay[blockIdx.x] = head_decay;
  }
}
