"""Whole models in PyTorch, and those of every architecture that are compared with the program.

The residual stream around the mixers of mixers.py, from the documentation of a model's file.
"""

import json

import torch
from mixers import MIXERS, linear, rms
from safetensors import safe_open
from torch.nn import functional as F


class Scope(dict):
    """Tensors by name."""

    def below(self, name):
        """Those whose names begin with a name and a dot, without it."""
        return Scope({key[len(name) + 1 :]: value for key, value in self.items()
                      if key.startswith(name + ".")})


def read(path):
    """A file's metadata and its tensors, in double precision."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        assert metadata["format"] == "hysteresis-model"
        return metadata, Scope({k: file.get_tensor(k).double() for k in file.keys()})


def model_of(metadata):
    return json.loads(metadata["configuration"])["model"]


def norm(w, x, name, kind):
    if kind == "layer":
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)
    return rms(x) * w[f"{name}.weight"]


def channel_mixer(w, x, kind):
    if kind == "mlp":
        return linear(w, F.gelu(linear(w, x, "up")), "down")
    return linear(w, linear(w, x, "up") * F.silu(linear(w, x, "gate")), "down")


def mixer_of(model, layer):
    return model["mixers"][layer % len(model["mixers"])]


def hidden(model, w, tokens):
    """The head's input: [batch, length] to [batch, length, width]."""
    x = w["embedding"][tokens]
    if model["positions"] == "learned":
        x = x + w["positions"][: tokens.shape[1]]
    for layer in range(model["layers"]):
        mixer, part = mixer_of(model, layer), w.below(f"layer{layer}")
        y = norm(part, x, "norm", model["norm"])
        further = [model["positions"]] if mixer["name"] in ("attention", "sliding-window") else []
        x = x + MIXERS[mixer["name"]](part.below("mixer"), y, mixer["settings"], *further)
        if model["channelMixer"] != "none":
            y = norm(part, x, "channelNorm", model["norm"])
            x = x + channel_mixer(part.below("channel"), y, model["channelMixer"])
    return norm(w, x, "finalNorm", model["norm"])


def logits(model, w, x):
    """What the head makes of its input."""
    return x @ (w["embedding"] if model["tiedHead"] else w["head"]).T


def state_floats(mixer, w, width, length):
    """What a mixer carries from a token to the next, after a number of positions."""
    s, name = mixer["settings"], mixer["name"]
    filters = sum((len(taps) - 1) * taps.shape[1]
                  for key, taps in w.items() if key.endswith("convolution"))
    channels = {part: w[f"{part}.weight"].shape[1] for part in ("query", "key", "value", "input")
                if f"{part}.weight" in w}
    if name in ("attention", "sliding-window"):
        kept = min(length, s.get("window", length))
        return filters + kept * (channels["key"] + channels["value"])
    if name == "based":
        d, heads = s["featureDim"], s["heads"]
        return filters + (1 + d + d * (d + 1) // 2) * (channels["value"] + heads)
    if name == "mlstm":
        inner = channels["input"]
        dim = inner // s["heads"]
        return filters + s["heads"] * (dim * dim + dim + 1)
    if name == "mamba":
        return filters + w["logRate"].numel()
    if name == "mamba-2":
        return filters + channels["input"] * s["stateSize"]
    if name in ("lstm", "gru", "slstm"):
        return filters + {"lstm": 2, "gru": 1, "slstm": 4}[name] * width
    if name == "base-conv":
        return filters if filters else (s["kernel"] - 1) * width
    return filters + channels["key"] * channels["value"] // s["heads"]


def m(name, model=None, **settings):
    """A mixer in a model of its own."""
    return {"mixer": {"name": name, **settings}, **(model or {})}


MODELS = [
    m("attention"),
    m("attention", {"positions": "rotary"}, heads=2, queryKeyNorm=True, convolution=4),
    m("attention", {"positions": "alibi", "channelMixer": "mlp"}, heads=4, keyHeads=2),
    m("attention", {"positions": "learned", "norm": "layer", "channelMixer": "swiglu",
                    "tiedHead": False}, heads=2, keyHeads=1),
    m("sliding-window", window=5),
    m("sliding-window", {"positions": "rotary"}, window=7, heads=4, keyHeads=2, convolution=3),
    m("sliding-window", {"positions": "alibi"}, window=3, heads=2, queryKeyNorm=True),
    m("linear-attention", heads=2),
    m("linear-attention", {"norm": "layer"}, heads=4, feature="relu", convolution=4),
    m("linear-attention", {"positions": "learned"}, feature="identity"),
    m("based", heads=2, featureDim=4),
    m("based", {"channelMixer": "swiglu", "channelRatio": 1.5}, featureDim=3, convolution=4),
    m("retention"),
    m("retention", {"tiedHead": False}, heads=4, valueExpansion=1, convolution=4),
    m("gated-linear-attention"),
    m("gated-linear-attention", heads=4, keyExpansion=1, rank=3, temperature=2, convolution=4),
    m("mlstm"),
    m("mlstm", {"channelMixer": "mlp"}, heads=2, expansion=1, blockSize=8, convolution=0),
    m("mamba", stateSize=4),
    m("mamba", eigenvalues="signed", expansion=1, stateSize=5, stepRank=3, convolution=0),
    m("mamba-2", stateSize=6, headDim=8),
    m("mamba-2", eigenvalues="signed", expansion=1, stateSize=4, headDim=4, convolution=2),
    m("mamba-2", {"norm": "layer"}, stateSize=4, headDim=16, convolution=0),
    m("delta-net"),
    m("delta-net", eigenvalues="signed", heads=4, convolution=0, gate=True),
    m("delta-net", {"layers": 3, "norm": "layer"}, eigenvalues="signed", heads=1, convolution=3),
    m("gated-delta-net"),
    m("gated-delta-net", eigenvalues="signed", valueExpansion=2, heads=4, convolution=0),
    m("gated-delta-net", {"tiedHead": False}, eigenvalues="signed", gate=False, heads=1),
    m("lstm"),
    m("lstm", {"layers": 3}, heads=4),
    m("gru"),
    m("gru", {"channelMixer": "mlp", "norm": "layer"}, heads=2),
    m("slstm"),
    m("slstm", {"channelMixer": "swiglu"}, heads=2, convolution=0),
    m("base-conv"),
    m("base-conv", {"positions": "learned"}, kernel=8),
    {"mixer": [{"name": "base-conv", "kernel": 2}, {"name": "based", "featureDim": 4}], "layers": 4},
    {"mixer": ["base-conv", {"name": "attention", "heads": 2}, {"name": "mamba", "stateSize": 3}],
     "layers": 5, "positions": "rotary", "norm": "layer", "tiedHead": False, "channelMixer": "swiglu"},
]


def labelled(models):
    return [{**model, "label": f"{number} {summary(model)}"[:64].strip()}
            for number, model in enumerate(models)]


def summary(model):
    mixers = model["mixer"] if isinstance(model["mixer"], list) else [model["mixer"]]
    parts = []
    for mixer in mixers:
        mixer = {"name": mixer} if isinstance(mixer, str) else mixer
        parts.append(" ".join(str(v) if k in ("name", "eigenvalues", "feature") else f"{k} {v}"
                              for k, v in mixer.items()))
    others = [str(v) for k, v in model.items() if k in ("positions", "norm", "channelMixer")]
    return ", ".join(parts + others)


def train(program, grid, *arguments):
    """The records of a grid by model, each with its model's file; in a store of the grid's name."""
    name = grid["name"]
    (program.folder / f"{name}.yaml").write_text(json.dumps(grid), encoding="utf-8")
    program.call("run", f"{name}.yaml", "--checkpoints", "--quiet", "--device", "cpu",
                 "--out", name, *arguments)
    records = {}
    for path in (program.folder / name / "cells").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record["status"] == "finished", record
        model = program.folder / name / "models" / f"{record['key']}.safetensors"
        records[record["labels"]["model"]] = record, model
    return dict(sorted(records.items(), key=lambda item: int(item[0].split()[0])))
