#!/usr/bin/env python3
"""Writes a store of made-up records: what a large grid leaves behind, without training it.

Usage: synthetic_store.py FOLDER [--tasks 20] [--models 25] [--rates 5] [--seeds 4] [--compact]

The defaults give 10,000 cells. Every record has what a real one has: complete settings, a learning
curve of 10 to 20 points, three test segments with slices by depth, baselines and times; keys and
checksums are the true ones. The same arguments give the same bytes. It needs nothing but Python.
"""

import argparse
import hashlib
import json
import math
import pathlib
import random

LENGTHS = [64, 128, 256]
DEPTHS = [(0, 24), (25, 49), (50, 74), (75, 100)]
RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
SCHEDULE_STEPS = 1000


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def laid_out(value, column=0, level=0):
    """The layout of the program's files: on one line what fits into 100 characters."""
    inline = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if column + len(inline) < 100 or not isinstance(value, (dict, list)) or not value:
        return inline
    indent = "  " * (level + 1)
    if isinstance(value, dict):
        heads = [json.dumps(name) + ": " for name in sorted(value)]
        values = [value[name] for name in sorted(value)]
    else:
        heads, values = [""] * len(value), value
    members = [
        indent + head + laid_out(member, len(indent) + len(head), level + 1)
        for head, member in zip(heads, values)
    ]
    ends = "{}" if isinstance(value, dict) else "[]"
    return ends[0] + "\n" + ",\n".join(members) + "\n" + "  " * level + ends[1]


def pretty(value):
    return (laid_out(value) + "\n").encode()


def scores(accuracy, examples, tokens_each):
    accuracy = round(min(1.0, max(0.0, accuracy)) * examples) / examples
    return {
        "tokenAccuracy": accuracy, "exampleAccuracy": accuracy,
        "sequenceAccuracy": round(accuracy ** tokens_each * examples) / examples, "loss": 3.5 * (1 - accuracy) + 0.01,
        "tokens": examples * tokens_each, "examples": examples,
    }


def combined(parts):
    total = sum(part["examples"] for part in parts)
    mean = {
        name: sum(part[name] * part["examples"] for part in parts) / total
        for name in ("tokenAccuracy", "exampleAccuracy", "sequenceAccuracy", "loss")
    }
    return mean | {"tokens": sum(part["tokens"] for part in parts), "examples": total}


def task_settings(pairs, length):
    return {
        "composition": 1, "filler": "zero", "gapExponent": 0.01, "length": length, "pairs": pairs,
        "repeats": 1, "updates": 0, "vocabulary": 128,
    }


def configuration(task, model, rate, seed):
    pairs = 2 + task
    return {
        "task": {
            "name": "mqar",
            "train": [{"settings": task_settings(pairs, 64)}],
            "validation": [{"settings": task_settings(pairs, 64), "examples": 256}],
            "test": [
                {"settings": task_settings(pairs, length), "examples": 1000} for length in LENGTHS
            ],
        },
        "model": {
            "channelMixer": "none", "channelRatio": 4, "initialScale": 0.06, "layers": 2,
            "mixers": [{
                "name": "delta-net",
                "settings": {"convolution": 4, "eigenvalues": "signed", "gate": False, "heads": 2},
            }],
            "norm": "rms", "positions": "none", "tiedHead": True, "width": 16 * (model + 1),
        },
        "training": {
            "batch": 64, "beta1": 0.9, "beta2": 0.999, "clip": 1, "epsilon": 1e-08,
            "evaluateEvery": 50, "finalFraction": 0, "learningRate": rate, "schedule": "cosine",
            "steps": SCHEDULE_STEPS, "stopAt": 0.995, "warmup": 50, "weightDecay": 0,
        },
        "seed": seed,
    }


def curve(draw, rate, final):
    points = []
    for place in range(1, draw.randint(10, 20) + 1):
        progress = min(1.0, place / 12)
        accuracy = final * progress * progress * (3 - 2 * progress)
        points.append({
            "step": 50 * place, "loss": 4.8 * (1 - accuracy) + 0.1 * draw.random(),
            "learningRate": rate * 0.5 * (1 + math.cos(math.pi * place / 20)),
            "validation": scores(accuracy + 0.02 * draw.random(), 256, 8),
        })
    return points


def segment(draw, task, length, accuracy, chance):
    slices = []
    for first, last in DEPTHS:
        slices.append({
            "name": "depth", "from": first, "to": last,
            "scores": scores(accuracy + 0.1 * (draw.random() - 0.5), 250, 8),
        })
    guess = scores(chance, 500, 8)
    return {
        "settings": task_settings(2 + task, length), "examples": 1000, "chance": chance,
        "scores": combined([part["scores"] for part in slices]), "slices": slices,
        "baselines": [{
            "name": "random value of the context", "scores": guess,
            "slices": [{"name": "depth", "from": a, "to": b, "scores": guess} for a, b in DEPTHS],
        }],
    }


def record(task, model, rate, seed):
    cell = configuration(task, model, rate, seed)
    versions = {"program": "1", "task": 1, "mixers": {"delta-net": 1}}
    key = hashlib.sha256(compact({"configuration": cell, "versions": versions})).hexdigest()[:16]
    draw = random.Random(key)
    chance = 1 / (2 + task)
    distance = abs(math.log10(rate) + 2.5 - 0.02 * model)
    skill = max(0.05, 1 - 0.4 * distance) * (1 - 0.02 * task) * (0.7 + 0.3 * draw.random())
    diverged = rate > 0.009 and draw.random() < 0.02
    width = 16 * (model + 1)
    points = curve(draw, rate, skill)
    result = {
        "schema": 1, "key": key, "configuration": cell, "tuned": ["training.learningRate"],
        "labels": {"task": f"recall {2 + task} pairs", "model": f"delta-net d={width}"},
        "versions": versions, "status": "diverged" if diverged else "finished",
        "task": {
            "metric": "exampleAccuracy", "chance": chance, "vocabulary": 128,
            "baselines": [{
                "name": "random value of the context", "value": chance,
                "scores": scores(chance, 3000, 8),
            }],
            "further": [{"metric": "tokenAccuracy", "chance": chance}],
        },
        "model": {
            "parameters": 420 * width, "stateFloats": 100 * width, "stateBytes": 400 * width,
            "flopsPerToken": 2600.0 * width,
            "mixers": [{"name": "delta-net", "eigenvalues": "(-1, 1)"}],
        },
        "training": {
            "steps": points[-1]["step"], "selectedStep": points[-1]["step"],
            "examples": 64 * points[-1]["step"], "tokens": 4096 * points[-1]["step"],
            "stoppedEarly": False, "curve": points,
        },
        "test": [],
    }
    if diverged:
        result["reason"] = "the loss is not a number at step %d" % points[-1]["step"]
        return result
    result["validation"] = points[-1]["validation"]
    result["test"] = [
        segment(draw, task, length, skill / (1 + place / 4), chance)
        for place, length in enumerate(LENGTHS)
    ]
    result["testOverall"] = combined([part["scores"] for part in result["test"]])
    return result


def sealed(content):
    """The record with its checksum in front."""
    checksum = hashlib.sha256(compact(content)).hexdigest()
    return {"checksum": checksum} | content


def timing(content):
    draw = random.Random("time of " + content["key"])
    seconds = 5 + 10 * draw.random()
    return {
        "key": content["key"], "wallSeconds": seconds + 0.4, "trainSeconds": seconds,
        "evaluateSeconds": 0.4, "tokensPerSecond": content["training"]["tokens"] / seconds,
        "stepsPerSecond": content["training"]["steps"] / seconds, "host": "somewhere",
        "cpu": "a processor", "cpuLevel": "x86-64-v4", "device": "cpu", "jobs": 2,
        "startedAt": "2024-05-06T07:08:09Z", "program": "1",
    }


def write(folder, tasks, models, rates, seeds, in_one_file):
    folder.mkdir(parents=True)
    cells, lines = [], []
    if not in_one_file:
        (folder / "cells").mkdir()
        (folder / "timings").mkdir()
    for task in range(tasks):
        for model in range(models):
            for rate in RATES[:rates]:
                for seed in range(seeds):
                    content = record(task, model, rate, seed)
                    key = content["key"]
                    cells.append({"key": key, "labels": content["labels"]})
                    if in_one_file:
                        lines.append((key, compact(sealed(content)) + b"\n"))
                        continue
                    (folder / "cells" / f"{key}.json").write_bytes(pretty(sealed(content)))
                    (folder / "timings" / f"{key}.json").write_bytes(pretty(timing(content)))
    if in_one_file:
        (folder / "records.jsonl").write_bytes(b"".join(line for _, line in sorted(lines)))
    (folder / "grid.json").write_bytes(pretty({
        "schema": 1, "name": "synthetic", "description": "Made-up results.",
        "tuned": ["training.learningRate"], "cells": cells,
    }))
    return len(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path)
    for name, default in (("tasks", 20), ("models", 25), ("rates", 5), ("seeds", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--compact", action="store_true", help="one file, records.jsonl")
    given = parser.parse_args()
    count = write(
        given.folder, given.tasks, given.models, given.rates, given.seeds, given.compact)
    print(f"{count} cells in {given.folder}")


if __name__ == "__main__":
    main()
