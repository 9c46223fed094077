"""Every sequence mixer in PyTorch, token by token, from its recurrence in the literature.

Written from what `hysteresis list architectures NAME` prints, the papers named there, and the
tensors' names (Sources/Harness/Models/ModelFile.swift says what they are); none of it comes from the
program's own code. Sums over time are loops and exponential gates are not stabilised, so that
double precision is wanted.

A mixer is a function of its tensors (by their names behind `layerI.mixer.`), the normed stream
[batch, length, width], and its settings.
"""

import torch
from torch.nn import functional as F


def rms(x, dims=1):
    """Divides by the root of the mean square over the last axes."""
    axes = tuple(range(-dims, 0))
    return x * torch.rsqrt(x.square().mean(axes, keepdim=True) + 1e-5)


def l2(x):
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-6)


def causal(x, taps):
    """A causal filter along the positions; row 0 of the taps meets the present one."""
    padded = F.pad(x, (0, 0, len(taps) - 1, 0))
    length = x.shape[1]
    starts = range(len(taps) - 1, -1, -1)
    parts = (padded[:, start : start + length] for start in starts)
    return sum(tap * part for tap, part in zip(taps, parts, strict=True))


def linear(w, x, name):
    y = x @ w[f"{name}.weight"]
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def convolved(w, y, name, always=False):
    """A short convolution and SiLU, where there is one; some mixers keep SiLU without it."""
    if f"{name}.convolution" not in w:
        return F.silu(y) if always else y
    y = causal(y, w[f"{name}.convolution"])
    bias = f"{name}.convolutionBias"
    return F.silu(y + w[bias] if bias in w else y)


def heads_of(w, x, name, heads, always=False):
    """A projection in heads: [batch, length, heads, dim]."""
    return convolved(w, linear(w, x, name), name, always).unflatten(-1, (heads, -1))


def query_key_value(w, x, heads, always=False):
    return (heads_of(w, x, part, heads, always) for part in ("query", "key", "value"))


def scan(step, state, *inputs):
    """Carries a state over the positions: step(state, inputs at t) is the new one and an output."""
    outputs = []
    for t in range(inputs[0].shape[1]):
        state, output = step(state, *(x[:, t] for x in inputs))
        outputs.append(output)
    return torch.stack(outputs, 1)


def matrix_scan(q, k, v, decay):
    """S = D S + k v', o = S' q, in heads; the decay is a factor on the keys' axis."""
    def step(state, q, k, v, decay):
        state = decay[..., None] * state + k[..., :, None] * v[..., None, :]
        return state, torch.einsum("bhk,bhkv->bhv", q, state)

    empty = q.new_zeros(len(q), *k.shape[2:], v.shape[-1])
    return scan(step, empty, q, k, v, decay.expand(k.shape))


def delta_scan(q, k, v, decay, strength):
    """S = D (I - b k k') S + b k v', o = S' q / sqrt(K)."""
    def step(state, q, k, v, decay, strength):
        state = decay[..., None, None] * state
        error = v - torch.einsum("bhk,bhkv->bhv", k, state)
        state = state + k[..., :, None] * (strength[..., None] * error)[..., None, :]
        return state, torch.einsum("bhk,bhkv->bhv", q, state) / q.shape[-1] ** 0.5

    empty = q.new_zeros(len(q), *k.shape[2:], v.shape[-1])
    return scan(step, empty, q, k, v, decay, strength)


# Softmax attention


def rotated(x):
    """Rotary positions: channel pair m of position t turns by t 10000^(-2m/K)."""
    half = x.shape[-1] // 2
    rate = 10000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
    angle = (torch.arange(x.shape[1], dtype=x.dtype)[:, None] * rate)[:, None, :]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], -1)


def attention(w, x, s, positions="none"):
    heads = s["heads"]
    groups = s["keyHeads"] or heads
    q = heads_of(w, x, "query", heads)
    k, v = (heads_of(w, x, part, groups) for part in ("key", "value"))
    if s["queryKeyNorm"]:
        q, k = rms(q) * w["queryNorm"], rms(k) * w["keyNorm"]
    if positions == "rotary":
        q, k = rotated(q), rotated(k)
    k, v = (part.repeat_interleave(heads // groups, 2) for part in (k, v))
    scores = torch.einsum("bihd,bjhd->bhij", q, k) / q.shape[-1] ** 0.5
    place = torch.arange(x.shape[1])
    distance = place[:, None] - place
    if positions == "alibi":
        slope = 2.0 ** (-8 * torch.arange(1, heads + 1, dtype=x.dtype) / heads)
        scores = scores - slope[:, None, None] * distance
    hidden = (distance < 0) | (distance >= s.get("window", len(place) + 1))
    weight = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    return linear(w, torch.einsum("bhij,bjhd->bihd", weight, v).flatten(2), "output")


# Linear attention


FEATURES = {"elu": lambda x: F.elu(x) + 1, "relu": F.relu, "identity": lambda x: x}


def linear_attention(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"])
    q, k = FEATURES[s["feature"]](q), FEATURES[s["feature"]](k)
    return linear(w, (rms(matrix_scan(q, k, v, x.new_ones(1))) * w["norm"]).flatten(2), "output")


def taylor(x):
    """Features whose products are 1 + s + s^2 / 2 with s = q . k / sqrt(d)."""
    x = x / x.shape[-1] ** 0.25
    square = (x[..., :, None] * x[..., None, :]).flatten(-2) / 2**0.5
    return torch.cat([torch.ones_like(x[..., :1]), x, square], -1)


def based(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"])
    v = torch.cat([v, torch.ones_like(v[..., :1])], -1)
    y = matrix_scan(taylor(q), taylor(k), v, x.new_ones(1))
    return linear(w, (y[..., :-1] / y[..., -1:]).flatten(2), "output")


def retention(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"])
    decay = 1 - 2.0 ** (-5 - torch.arange(s["heads"], dtype=x.dtype))
    y = rms(matrix_scan(rotated(q), rotated(k), v, decay[:, None]) / q.shape[-1] ** 0.5)
    return linear(w, y.flatten(2) * F.silu(linear(w, x, "gate")), "output")


def gated_linear_attention(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"])
    logit = linear(w, linear(w, x, "decay.narrow"), "decay.wide").view(k.shape)
    decay = (F.logsigmoid(logit) / s["temperature"]).exp()
    y = rms(matrix_scan(q / q.shape[-1] ** 0.5, k, v, decay)) * w["norm"]
    return linear(w, y.flatten(2) * F.silu(linear(w, x, "gate")), "output")


def blocks(x, weight):
    """A block-diagonal map: [blocks, inputs, outputs]."""
    return torch.einsum("...bi,bio->...bo", x.unflatten(-1, (len(weight), -1)), weight).flatten(-2)


def mlstm(w, x, s):
    heads = s["heads"]
    inner = linear(w, x, "input")
    smooth = convolved(w, inner, "filter")
    q, k, v = blocks(smooth, w["query"]), blocks(smooth, w["key"]), blocks(inner, w["value"])
    gates = q @ w["gateOfQuery"] + k @ w["gateOfKey"] + v @ w["gateOfValue"] + w["gateBias"]
    put, keep = gates[..., :heads].exp(), gates[..., heads:].sigmoid()
    q, k, v = (part.unflatten(-1, (heads, -1)) for part in (q, k, v))
    k = k / k.shape[-1] ** 0.5 * put[..., None]
    y = matrix_scan(q, k, torch.cat([v, torch.ones_like(v[..., :1])], -1), keep[..., None])
    y = y[..., :-1] / y[..., -1:].abs().clamp(min=1)
    y = F.layer_norm(y, y.shape[-1:]).flatten(2) * w["norm"] + w["skip"] * smooth
    return linear(w, y * F.silu(linear(w, x, "outputGate")), "output")


# State-space models


def factor(s, exponent):
    """The transition's eigenvalue: e^x, or for signed ones 2 e^x - 1."""
    return exponent.exp() if s["eigenvalues"] == "unit" else 2 * exponent.exp() - 1


def mamba(w, x, s):
    u = convolved(w, linear(w, x, "input"), "input", always=True)
    step = F.softplus(linear(w, u, "step.narrow") @ w["step.wide"] + w["step.timeBias"])
    rate = -w["logRate"].exp()

    def move(state, u, step, b, c):
        state = factor(s, step[:, None] * rate) * state + b[:, :, None] * (step * u)[:, None]
        return state, (c[:, :, None] * state).sum(1)

    empty = u.new_zeros(len(u), *rate.shape)
    y = scan(move, empty, u, step, linear(w, u, "write"), linear(w, u, "read")) + w["skip"] * u
    return linear(w, y * F.silu(linear(w, x, "gate")), "output")


def mamba_2(w, x, s):
    u = convolved(w, linear(w, x, "input"), "input", always=True)
    u = u.unflatten(-1, (len(w["step.logRate"]), -1))
    b, c = (convolved(w, linear(w, x, part), part, always=True) for part in ("key", "query"))
    step = F.softplus(linear(w, x, "step") + w["step.timeBias"])
    decay = factor(s, -step * w["step.logRate"].exp())
    b, c = (part[:, :, None].expand(*u.shape[:3], -1) for part in (b, c))
    y = matrix_scan(c, b, step[..., None] * u, decay[..., None]) + w["skip"] * u
    return linear(w, rms(y.flatten(2) * F.silu(linear(w, x, "gate"))) * w["norm"], "output")


# Delta rules


def strength(w, x, s):
    return linear(w, x, "strength").sigmoid() * (2 if s["eigenvalues"] == "signed" else 1)


def delta_output(w, x, s, y):
    y = (rms(y) * w["norm"]).flatten(2)
    return linear(w, y * F.silu(linear(w, x, "gate")) if s["gate"] else y, "output")


def delta_net(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"], always=True)
    b = strength(w, x, s)
    return delta_output(w, x, s, delta_scan(l2(q), l2(k), v, torch.ones_like(b), b))


def gated_delta_net(w, x, s):
    q, k, v = query_key_value(w, x, s["heads"], always=True)
    decay = (-w["step.logRate"].exp() * F.softplus(linear(w, x, "step") + w["step.timeBias"])).exp()
    return delta_output(w, x, s, delta_scan(l2(q), l2(k), v, decay, strength(w, x, s)))


# Cells


def recurrence(hidden, recurrent):
    """The block-diagonal recurrent map, [heads, inputs, gates, outputs]: [batch, gates, width]."""
    parts = hidden.unflatten(-1, (len(recurrent), -1))
    return torch.einsum("bhi,higo->bgho", parts, recurrent).flatten(-2)


def lstm(w, x, _):
    """Gates in the order input, forget, candidate, output."""
    gates = (x @ w["input"] + w["bias"]).unflatten(-1, (4, -1))

    def step(state, gates):
        hidden, memory = state
        i, f, g, o = (gates + recurrence(hidden, w["recurrent"])).unbind(1)
        memory = f.sigmoid() * memory + i.sigmoid() * g.tanh()
        hidden = o.sigmoid() * memory.tanh()
        return (hidden, memory), hidden

    empty = x.new_zeros(len(x), gates.shape[-1])
    return scan(step, (empty, empty), gates)


def gru(w, x, _):
    """Gates in the order reset, update, candidate."""
    gates = (x @ w["input"] + w["bias"]).unflatten(-1, (3, -1))

    def step(hidden, gates):
        reset, update, candidate = recurrence(hidden, w["recurrent"]).unbind(1)
        r, z = (gates[:, 0] + reset).sigmoid(), (gates[:, 1] + update).sigmoid()
        n = (gates[:, 2] + r * (candidate + w["recurrentBias"])).tanh()
        hidden = z * hidden + (1 - z) * n
        return hidden, hidden

    return scan(step, x.new_zeros(len(x), gates.shape[-1]), gates)


def slstm(w, x, s):
    """Gates in the order input, forget, candidate, output; the first two see the convolution."""
    smooth = convolved(w, x, "filter")
    parts = ((smooth, "inputGate"), (smooth, "forgetGate"), (x, "candidate"), (x, "outputGate"))
    gates = torch.stack([blocks(y, w[name]) for y, name in parts], 2)
    gates = gates + w["bias"].view(4, -1)

    def step(state, gates):
        hidden, memory, weight = state
        i, f, z, o = (gates + recurrence(hidden, w["recurrent"])).unbind(1)
        i, f = i.exp(), f.sigmoid()
        memory, weight = f * memory + i * z.tanh(), f * weight + i
        hidden = o.sigmoid() * memory / weight
        return (hidden, memory, weight), hidden

    empty = x.new_zeros(len(x), x.shape[-1])
    y = scan(step, (empty, empty, empty), gates).unflatten(-1, (s["heads"], -1))
    return F.layer_norm(y, y.shape[-1:]).flatten(2) * w["norm"]


def base_conv(w, x, _):
    return (causal(x, w["convolution"]) + w["convolutionBias"]) * linear(w, x, "gate") + x


MIXERS = {
    "attention": attention, "sliding-window": attention, "linear-attention": linear_attention,
    "based": based, "retention": retention, "gated-linear-attention": gated_linear_attention,
    "mlstm": mlstm, "mamba": mamba, "mamba-2": mamba_2, "delta-net": delta_net,
    "gated-delta-net": gated_delta_net, "lstm": lstm, "gru": gru, "slstm": slstm,
    "base-conv": base_conv,
}
