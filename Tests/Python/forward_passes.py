#!/usr/bin/env python3
"""Every architecture again in PyTorch: forward passes, gradients, and training step by step.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy safetensors
    swift build -c release --product hysteresis
    /tmp/torch/bin/python Tests/Python/forward_passes.py .build/release/hysteresis

1. Tiny models of every mixer, in several settings (models.py), are trained until no parameter is
   what it was; `predict`'s logits are compared with those of mixers.py in double precision, on
   sequences as long as those of training and much longer.
2. Parameters and floats of state are counted again, and the operations of a training step are
   counted in PyTorch.
3. training_steps.py: gradients and training.

Exits with status 1 at the first thing that is wrong.
"""

import argparse
import json
import tempfile

import torch
from models import MODELS, hidden, labelled, logits, mixer_of, model_of, read, state_floats, train
from roundtrip import Program
from training_steps import check_gradients, check_training

LENGTHS = (16, 40)
LONG = 300
TASK = {
    "name": "mqar", "vocabulary": 24, "pairs": 3, "train": {"length": 16},
    "validation": {"length": 16, "examples": 16},
    "test": [{"length": length, "examples": 4} for length in LENGTHS],
}
GRID = {
    "name": "trained",
    "baseline": {
        "task": TASK, "model": {"width": 16, "layers": 2, "initialScale": 0.1},
        "training": {"steps": 200, "batch": 16, "learningRate": 1e-2, "schedule": "constant",
                     "evaluateEvery": 200, "weightDecay": 0.1},
    },
    "product": {"model": labelled(MODELS)},
}


def check_models(program):
    trained = train(program, GRID)
    initial = train(program, {**GRID, "name": "initial"}, "--set", "training.steps=1",
                    "--set", "training.learningRate=0", "--set", "training.evaluateEvery=1")
    assert len(trained) == len(MODELS)
    worst = 0
    for label in sorted(trained, key=lambda label: int(label.split()[0])):
        record, path = trained[label]
        metadata, weights = read(path)
        assert metadata["key"] == record["key"]
        assert json.loads(metadata["configuration"]) == record["configuration"]
        check_moved(label, weights, read(initial[label][1])[1])
        check_counts(label, record, weights)
        difference = compare_logits(program, label, path)
        print(f"{difference:.1e}  {label}")
        worst = max(worst, difference)
    print(f"{len(trained)} models: logits within {worst:.1e} of the largest one\n")


def check_moved(label, trained, initial):
    """No parameter has stayed where it may be 0 or 1 and hide what is done with it."""
    for name, tensor in trained.items():
        moved = ((tensor - initial[name]).abs() > 1e-4).double().mean()
        # Training does not reach the later positions.
        assert moved > (0.3 if name == "positions" else 0.9), (label, name, moved.item())


def compare_logits(program, label, path):
    """The largest difference, as a part of the largest logit."""
    metadata, weights = read(path)
    model = model_of(metadata)
    random = torch.Generator().manual_seed(1)
    lengths = LENGTHS if model["positions"] == "learned" else (*LENGTHS, LONG)
    worst = 0
    for length in lengths:
        tokens = torch.randint(0, TASK["vocabulary"], (3, length), generator=random)
        lines = "".join(f"{row}\n" for row in tokens.tolist())
        expected = logits(model, weights, hidden(model, weights, tokens))
        for level in ((), ("--cpu", "baseline")):
            answer = program.call("predict", path, "--tokens", "-", "--logits", "--quiet",
                                  "--longest", length, "--device", "cpu", *level, stdin=lines)
            ours = torch.tensor([json.loads(line)["logits"] for line in answer.splitlines()])
            difference = ((ours - expected).abs().max() / expected.abs().max()).item()
            assert difference < 2e-5, (label, length, level, difference)
            worst = max(worst, difference)
    return worst


def check_counts(label, record, weights):
    model, facts = record["configuration"]["model"], record["model"]
    assert facts["parameters"] == sum(t.numel() for t in weights.values()), label
    state = sum(
        state_floats(mixer_of(model, layer), weights.below(f"layer{layer}.mixer"), model["width"],
                     max(LENGTHS))
        for layer in range(model["layers"]))
    assert facts["stateFloats"] == state and facts["stateBytes"] == 4 * state, (label, facts, state)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built hysteresis")
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(parser.parse_args().program, folder)
        check_models(program)
        check_gradients(program)
        check_training(program)
    print(f"every architecture, again in PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
