"""Gradients and training again in PyTorch, for every architecture; forward_passes.py calls it.

A single step of AdamW goes by rate g / (|g| + epsilon) for a gradient g, so that it tells the
gradient: that of large elements where epsilon is large, and that of small ones where it is small.

From the initial parameters of `run`, with gradients by PyTorch's autograd through the forward
passes of models.py in double precision, and with AdamW, clipping and schedules written out here,
the parameters are those that `run` ends with.

Examples come as `generate` writes them, in pools of sixteen batches that are sorted by length. In
which order a pool's batches are used is told by the losses of a training whose learning rate is 0.
"""

import json
import math

import torch
from models import MODELS, Scope, hidden, labelled, logits, model_of, read, train
from operations import Operations, check_operations
from torch.nn import functional as F

POOL = 16
STEPS = 6
BATCH = 12
TASKS = {
    "recall": {"name": "mqar", "vocabulary": 16, "pairs": 3, "train": {"length": 20}},
    "parity": {"name": "parity", "train": {"length": {"from": 3, "to": 24}}},
    "long": {"name": "mqar", "vocabulary": 16, "pairs": 3, "repeats": 8, "train": {"length": 150}},
}
PADDED = ("parity",)
WIDTHS = {"long": 48}  # kernels work in blocks of positions and of channels
FEW = {"validation": {"examples": 8}, "test": {"examples": 8}}
TRAINING = [
    {"schedule": "cosine", "warmup": 2, "finalFraction": 0.1, "weightDecay": 0.3, "clip": 0.05},
    {"schedule": "linear", "beta1": 0.8, "beta2": 0.9, "weightDecay": 0, "clip": 0},
]
# What has no weight decay although it is a table of two axes.
RATES = ("logRate", "skip")


def rate(training, step):
    """The learning rate of a step, counted from 0."""
    if step < training["warmup"]:
        return training["learningRate"] * (step + 1) / training["warmup"]
    last = training["steps"] - 1
    progress = (step - training["warmup"]) / max(1, last - training["warmup"])
    share = {"constant": 1, "linear": 1 - progress,
             "cosine": (1 + math.cos(math.pi * progress)) / 2}[training["schedule"]]
    floor = training["finalFraction"]
    return training["learningRate"] * (floor + (1 - floor) * share)


def decays(name, tensor):
    """Weight decay is for maps, filters and tables, not for biases, norms, skips and time scales."""
    return tensor.dim() > 1 and not name.endswith(RATES)


def batches_of(program, grid, task):
    """The batches of the first pool: tokens and targets, padded at the end."""
    text = program.call("generate", "--grid", grid, "--task", task, "--split", "train",
                        "--examples", POOL * BATCH)
    lines = sorted(map(json.loads, text.splitlines()), key=lambda line: len(line["tokens"]))
    batches = []
    for first in range(0, len(lines), BATCH):
        batch = lines[first : first + BATCH]
        tokens, targets = (
            [[filler if x is None else x for x in line[part]]
             + [filler] * (len(batch[-1]["tokens"]) - len(line[part])) for line in batch]
            for part, filler in (("tokens", 0), ("targets", -100)))
        batches.append((torch.tensor(tokens), torch.tensor(targets)))
    return batches


def loss_of(model, weights, tokens, targets):
    """The mean cross-entropy of the scored positions, at which alone there are logits."""
    scored = targets >= 0
    outputs = logits(model, weights, hidden(model, weights, tokens)[scored])
    return F.cross_entropy(outputs, targets[scored])


def in_order(batches, record, model, weights):
    """The batches as they were used by a training in which nothing changed."""
    losses = torch.tensor([loss_of(model, weights, *batch) for batch in batches])
    seen = torch.tensor([point["loss"] for point in record["training"]["curve"]])
    distance = (seen[:, None] - losses).abs()
    assert distance.min(1).values.max() < 1e-5, distance.min(1)
    order = distance.argmin(1).tolist()
    assert len(set(order)) == len(order), order
    return [batches[i] for i in order[:STEPS]]


def trained_again(model, weights, training, batches):
    """The parameters after a step of AdamW with each batch, and the losses."""
    names = list(weights)
    first, second = ({name: torch.zeros_like(weights[name]) for name in names} for _ in range(2))
    losses = []
    for step, batch in enumerate(batches):
        for name in names:
            weights[name] = weights[name].detach().requires_grad_()
        loss = loss_of(model, weights, *batch)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, [weights[name] for name in names])
        length = sum(gradient.square().sum() for gradient in gradients).sqrt()
        clip = training["clip"]
        scale = min(1, clip / length.item()) if clip else 1
        pace, b1, b2 = rate(training, step), training["beta1"], training["beta2"]
        for name, gradient in zip(names, gradients, strict=True):
            gradient, weight = gradient * scale, weights[name].detach()
            first[name] = b1 * first[name] + (1 - b1) * gradient
            second[name] = b2 * second[name] + (1 - b2) * gradient.square()
            size = (second[name] / (1 - b2 ** (step + 1))).sqrt() + training["epsilon"]
            move = first[name] / (1 - b1 ** (step + 1)) / size
            if decays(name, weight):
                move = move + training["weightDecay"] * weight
            weights[name] = weight - pace * move
    return weights, losses


def grid_of(name, task, training):
    return {
        "name": f"{name}-{task}",
        "baseline": {
            "task": {**TASKS[task], **FEW, "label": task},
            "model": {"width": WIDTHS.get(task, 16), "layers": 2, "initialScale": 0.2},
            "training": {"batch": BATCH, **training},
        },
        "product": {"model": labelled(MODELS)},
    }


def check_gradients(program):
    """The gradients of every model for the first batch of each task."""
    for task in TASKS:
        still = train(program, grid_of("start", task, {"steps": 1, "learningRate": 0}))
        # For gradients of any size: epsilon, learning rate.
        stepped = [
            train(program, grid_of(f"gradient{i}", task, {
                "steps": 1, "schedule": "constant", "clip": 0, "epsilon": epsilon,
                "learningRate": pace}))
            for i, (epsilon, pace) in enumerate(((1, 1), (1e-6, 0.05)))]
        batch, worst = None, 0
        for label, (record, path) in still.items():
            metadata, weights = read(path)
            model = model_of(metadata)
            if batch is None:
                batches = batches_of(program, f"start-{task}.yaml", task)
                (batch,) = in_order(batches, record, model, weights)
            with Operations() as operations:
                expected = gradients_of(model, weights, batch)
            if task not in PADDED:
                check_operations((label, task), record["model"], weights, operations.count,
                                 batch[0].numel())
            runs = [(runs[label][0]["configuration"]["training"], read(runs[label][1])[1])
                    for runs in stepped]
            difference = max(compare_gradient((label, task, name), weights[name], gradient,
                                              [(training, after[name]) for training, after in runs])
                             for name, gradient in expected.items())
            print(f"{difference:.1e}  {label}, gradients of {task}")
            worst = max(worst, difference)
        print(f"{task}: gradients within {worst:.1e} of each tensor's largest\n")


def gradients_of(model, weights, batch):
    weights = Scope({name: tensor.clone().requires_grad_() for name, tensor in weights.items()})
    loss = loss_of(model, weights, *batch)
    return dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))


def compare_gradient(what, before, gradient, runs):
    """How far a gradient is off, as a part of the tensor's largest; what rounding hides is not."""
    largest = gradient.abs().max()
    off = []
    for training, after in runs:
        epsilon, pace = training["epsilon"], training["learningRate"]
        move = (before - after) / pace
        # The optimiser's scalars are floats too.
        rounding = 1.2e-7 * (before.abs() + after.abs()).max() / pace + 1e-5 * move.abs()

        def by(gradient, epsilon=epsilon):
            return gradient / (gradient.abs() + epsilon)

        # A larger gradient makes a larger move.
        for slack in (1e-5, 3e-5, 1e-4, 3e-4, torch.inf):
            low, high = (by(gradient + sign * min(slack, 9) * largest) for sign in (-1, 1))
            if (move >= low - rounding).all() and (move <= high + rounding).all():
                break
        assert slack < 1e-3, (what, training["epsilon"], largest.item())
        # An error of a hundredth would have been seen.
        if by(largest) - by(0.99 * largest) > rounding.max():
            off.append(slack)
    assert off, (what, largest.item())
    return max(off)


def check_training(program):
    """Every model on both tasks, which are trained in two ways."""
    worst = 0
    for task, training in zip(TASKS, TRAINING):
        training = {"steps": STEPS, "learningRate": 2e-2, "epsilon": 1e-2, "evaluateEvery": STEPS,
                    **training}
        still = train(program, grid_of("still", task, training), "--set", "training.learningRate=0",
                      "--set", f"training.steps={POOL}", "--set", "training.evaluateEvery=1")
        batches = None
        for label, (record, path) in train(program, grid_of("steps", task, training)).items():
            metadata, initial = read(still[label][1])
            model = model_of(metadata)
            if batches is None:
                batches = batches_of(program, f"still-{task}.yaml", task)
                batches = in_order(batches, still[label][0], model, initial)
            difference = compare_training(record, model, initial, read(path)[1], batches)
            worst = max(worst, difference)
            print(f"{difference:.1e}  {label} after {STEPS} steps of {task}")
    print(f"{STEPS} steps: parameters within {worst:.1e} of how far each tensor came\n")


def compare_training(record, model, initial, ours, batches):
    training = record["configuration"]["training"]
    expected, losses = trained_again(model, Scope(initial), training, batches)
    (point,), loss = record["training"]["curve"], sum(losses) / STEPS
    assert abs(point["loss"] - loss) < 1e-4 * loss, (record["labels"], point, loss)
    assert math.isclose(point["learningRate"], rate(training, STEPS - 1), rel_tol=1e-9), point
    worst = 0
    for name, tensor in ours.items():
        largest = (expected[name] - initial[name]).abs().max().item()
        rounding = 1e-7 * STEPS * tensor.abs().max().item()
        difference = (tensor - expected[name]).abs().max().item()
        assert difference < 5e-3 * largest + rounding, (record["labels"], name, difference, largest)
        if largest > 100 * rounding:
            worst = max(worst, difference / largest)
    return worst
