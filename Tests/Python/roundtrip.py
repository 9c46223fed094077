#!/usr/bin/env python3
"""The way out of the suite and back in: models in both directions, with PyTorch on the other side.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy safetensors
    swift build -c release --product hysteresis
    /tmp/torch/bin/python Tests/Python/roundtrip.py .build/release/hysteresis

1. `run --checkpoints` keeps models; `predict` gives the record's accuracy on the test set that
   `generate` writes; `score` makes the record's scores out of its logits.
2. The files are read with `safetensors`, and forward passes in PyTorch give `predict`'s logits and
   its most probable tokens; forward_passes.py does so for every architecture.
3. A PyTorch model is trained on `generate`d data and scored: its row stands beside ours, with the
   accuracy that is counted here.
4. Distributions of another program are scored by distance, and hostile input is refused in one line.

Exits with status 1 at the first thing that is wrong.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile

import torch
from models import hidden, logits, model_of, read
from torch import nn
from torch.nn import functional as F

UNSCORED = -100
GRID = """
name: outside
baseline:
  task:
    name: mqar
    label: recall
    vocabulary: 32
    pairs: 2
    train: {length: 16}
    validation: {length: 16, examples: 64}
    test:
      - {length: 16, examples: 150}
      - {length: 24, examples: 100}
  model: {width: 16, layers: 2}
  training: {steps: 60, batch: 16, learningRate: 1e-2}
product:
  task:
    - {label: recall}
    - name: parity
      label: parity
      train: {length: {from: 3, to: 16}}
      validation: {length: {from: 3, to: 16}, examples: 64}
      test: {length: {from: 12, to: 40}, examples: 200}
  model:
    - {mixer: {name: attention, convolution: 4, heads: 2}, positions: learned, channelMixer: swiglu, label: attention}
    - {mixer: {name: linear-attention, heads: 2}, norm: layer, channelMixer: mlp, tiedHead: false, label: linear}
    - {mixer: lstm, label: lstm}
"""


class Program:
    """The command line, in a folder of its own."""

    def __init__(self, path, folder):
        self.path, self.folder = str(pathlib.Path(path).resolve()), pathlib.Path(folder)

    def call(self, *arguments, stdin=None):
        result = self.attempt(*arguments, stdin=stdin)
        assert result.returncode == 0, (arguments, result.stderr)
        return result.stdout

    def attempt(self, *arguments, stdin=None):
        return subprocess.run(
            [self.path, *map(str, arguments)], input=stdin, capture_output=True, text=True,
            cwd=self.folder, check=False
        )

    def refuse(self, *arguments, status=65, said="", stdin=None):
        """Checks that a call ends with one line that says what is wrong."""
        result = self.attempt(*arguments, stdin=stdin)
        assert result.returncode == status, (arguments, result)
        assert not result.stdout and result.stderr.count("\n") == 1, result
        assert result.stderr.startswith("error: ") and said in result.stderr, result.stderr

    def lines(self, name):
        with open(self.folder / name, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def write(self, name, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.folder / name).write_text(text, encoding="utf-8")

    def records(self):
        paths = sorted((self.folder / "results/outside/cells").glob("*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    def table(self):
        """The rows of whole tasks in summary.csv, by task and model."""
        self.call("report", "results/outside")
        with open(self.folder / "results/outside/summary.csv", encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return {(row["task"], row["model"]): row for row in rows if row["part"] == "all"}


# 1: our models, out and in again


def same(ours, scored):
    """The same scores; those that pass through logits differ by the rounding of floats."""
    assert ours.keys() == scored.keys(), (ours, scored)
    for name, value in ours.items():
        close = abs(value - scored[name]) < 1e-5 if name == "loss" else value == scored[name]
        assert close, (name, value, scored[name])


def check_own_models(program):
    program.call("run", "outside.yaml", "--checkpoints", "--quiet")
    records = program.records()
    assert len(records) == 6
    for task in ("recall", "parity"):
        program.call(
            "generate", "--grid", "outside.yaml", "--task", task, "--split", "test",
            "--out", f"{task}.jsonl",
        )
    for record in records:
        check_own_model(program, record)
    print(f"{len(records)} models predict what their records say")


def check_own_model(program, record):
    task, name = record["labels"]["task"], record["labels"]["model"]
    path = f"results/outside/models/{record['key']}.safetensors"
    predicted = f"{record['key']}.jsonl"
    program.call("predict", path, "--tokens", f"{task}.jsonl", "--logits", "--out", predicted)
    lines, examples = program.lines(predicted), program.lines(f"{task}.jsonl")
    right = total = 0
    for line, example in zip(lines, examples, strict=True):
        for answer, target in zip(line["predictions"], example["targets"], strict=True):
            assert (answer is None) == (target is None)
            right += target is not None and answer == target
            total += target is not None
    assert total == record["testOverall"]["tokens"]
    assert right / total == record["testOverall"]["tokenAccuracy"], (name, right / total)

    scored = json.loads(
        program.call(
            "score", "--grid", "outside.yaml", "--task", task, "--predictions", predicted,
            "--name", f"{name} again", "--format", "json",
        )
    )
    same(record["testOverall"], scored["testOverall"])
    assert record["task"] == scored["task"] and scored["versions"]["program"] == "external"
    for ours, theirs in zip(record["test"], scored["test"], strict=True):
        assert ours["settings"] == theirs["settings"]
        assert ours.get("baselines") == theirs.get("baselines")
        same(ours["scores"], theirs["scores"])
        for mine, other in zip(ours["slices"], theirs["slices"], strict=True):
            assert (mine["name"], mine["from"], mine["to"]) == (
                other["name"], other["from"], other["to"])
            same(mine["scores"], other["scores"])


# 2: forward passes of our models


def check_forward_passes(program):
    worst = 0
    for record in program.records():
        if "external" in record:
            continue
        path = program.folder / f"results/outside/models/{record['key']}.safetensors"
        metadata, weights = read(path)
        model = model_of(metadata)
        sequences = [line["tokens"] for line in program.lines(f"{record['labels']['task']}.jsonl")]
        program.write("some.jsonl", sequences[::40])
        answers = program.call("predict", path, "--tokens", "some.jsonl", "--logits", "--top", 2)
        for line, tokens in zip(answers.splitlines(), sequences[::40], strict=True):
            line = json.loads(line)
            (expected,) = logits(model, weights, hidden(model, weights, torch.tensor([tokens])))
            difference = (torch.tensor(line["logits"]) - expected).abs().max().item()
            assert difference < 1e-4, (record["labels"], difference)
            worst = max(worst, difference)
            for top, row in zip(line["top"], expected, strict=True):
                value, token = row.log_softmax(-1).max(-1)
                assert abs(top[0][1] - value) < 1e-4 and row[top[0][0]] > row[token] - 1e-4
    print(f"forward passes in PyTorch agree, logits within {worst:.1e}")


# 3: a model of another framework


class LSTM(nn.Module):
    def __init__(self, vocabulary, width=32):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.cell = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.head(self.cell(self.embedding(tokens))[0])


def trained_on(lines, vocabulary, steps=300):
    torch.manual_seed(0)
    model = LSTM(vocabulary)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0)
    longest = max(len(line["tokens"]) for line in lines)
    tokens = torch.zeros(len(lines), longest, dtype=torch.long)
    targets = torch.full((len(lines), longest), UNSCORED)
    for row, line in enumerate(lines):
        tokens[row, : len(line["tokens"])] = torch.tensor(line["tokens"])
        wanted = [UNSCORED if target is None else target for target in line["targets"]]
        targets[row, : len(wanted)] = torch.tensor(wanted)
    for _ in range(steps):
        rows = torch.randint(len(lines), (64,))
        loss = F.cross_entropy(model(tokens[rows]).flatten(0, 1), targets[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def check_elsewhere(program):
    of_grid = ("--grid", "outside.yaml", "--task", "parity")
    program.call("generate", *of_grid, "--examples", 4000, "--out", "train.jsonl")
    model = trained_on(program.lines("train.jsonl"), vocabulary=2)
    predictions, right = [], 0
    examples = program.lines("parity.jsonl")
    with torch.no_grad():
        for index, example in enumerate(examples):
            scores = model(torch.tensor([example["tokens"]]))[0].log_softmax(-1)
            places = [i for i, target in enumerate(example["targets"]) if target is not None]
            answers = scores[places].argmax(-1).tolist()
            right += answers == [example["targets"][place] for place in places]
            predictions.append({"index": index, "predictions": answers,
                                "logProbabilities": scores[places].tolist()})
    # In any order: the index says which example a line answers.
    program.write("elsewhere.jsonl", predictions[::-1])
    program.call(
        "score", *of_grid, "--predictions", "elsewhere.jsonl", "--name", "PyTorch LSTM",
        "--parameters", sum(p.numel() for p in model.parameters()), "--state-bytes", 2 * 32 * 4,
    )
    table = program.table()
    row = table["parity", "PyTorch LSTM"]
    assert float(row["mean"]) == right / len(examples), (row, right)
    assert row["stateBytes"] == "256" and row["finished"] == "1" and float(row["loss"]) > 0
    assert float(row["mean"]) > 0.9, f"it did not learn: {row['mean']}"
    assert ("parity", "lstm") in table and ("recall", "lstm again") in table
    print(f"PyTorch LSTM: {row['mean']} on parity, beside {len(table) - 1} other rows")


# 4: distributions, and what is refused


def check_distributions(program):
    """The true distribution is at distance 0 from itself, whatever it is written as."""
    program.call("generate", "icll", "--split", "test", "-e", 20, "--out", "icll.jsonl")
    size = int(json.loads(program.call("list", "tasks", "icll", "--format", "json"))[0]
               ["defaults"]["vocabulary"])
    lines = []
    for line in program.lines("icll.jsonl"):
        rows = []
        for choices in line["choices"]:
            row = [0.0] * size
            for token in choices or []:
                row[token] = 1 / len(choices)
            rows.append(row if choices else None)
        lines.append({"probabilities": rows})
    program.write("truth.jsonl", lines)
    record = json.loads(program.call(
        "score", "icll", "--predictions", "truth.jsonl", "--name", "truth", "--format", "json"))
    scores = record["testOverall"]
    assert scores["totalVariation"] < 1e-9 and scores["grammarAccuracy"] == 1
    program.write("bare.jsonl", [{"predictions": [0]}])
    program.refuse("score", "icll", "--predictions", "bare.jsonl", "--name", "x",
                   said="bare.jsonl:1: task icll is judged by total variation")
    print("true distributions have distance 0")


def check_refusals(program):
    key = next(r["key"] for r in program.records() if r["labels"]["model"] == "lstm")
    path = program.folder / f"results/outside/models/{key}.safetensors"
    whole = path.read_bytes()
    torn = program.folder / "torn.safetensors"
    for size in (0, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        torn.write_bytes(whole[:size])
        program.refuse("predict", torn, "--tokens", "-", said="torn.safetensors", stdin="[1]")
    torn.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    program.refuse("predict", torn, "--tokens", "-", said="checksum", stdin="[1]")
    for text in ("[1, 2", '{"tokens": 3}', "[1.5]", "[99]", "[-1]", "[" * 1000, '{"tokens":[]}'):
        program.refuse("predict", path, "--tokens", "-", said="standard input:2:", stdin="[1]\n" + text)
    hostile = "<b>&\"' $(x) ../..|%"
    common = ("--grid", "outside.yaml", "--task", "parity", "--predictions", "elsewhere.jsonl")
    program.call("score", *common, "--name", hostile)
    assert ("parity", hostile) in program.table()
    for name in ("", " x", "a\nb", "\x1b[31m", "x" * 500):
        program.refuse("score", *common, "--name", name, said="--name")
    program.refuse("score", *common, "--name", "lstm", said="a model 'lstm' of its own")
    print("what is wrong is refused in one line")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built hysteresis")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(parser.parse_args().program, folder)
        (program.folder / "outside.yaml").write_text(GRID, encoding="utf-8")
        check_own_models(program)
        check_forward_passes(program)
        check_elsewhere(program)
        check_distributions(program)
        check_refusals(program)
    print(f"all the way out and back, with PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
