#!/usr/bin/env python3
"""The speed of a training step beside PyTorch's, on the CPU, one thread each.

A step is forward, backward and AdamW on a batch of multi-query associative recall: an embedding
(with learned positions for attention), two pre-norm blocks with a layer norm and a mixer, a final
norm and a tied head. The PyTorch side is written as its users write it: the head at every position
with `ignore_index`, `scaled_dot_product_attention`, `nn.LSTM`, and a loop over time for the delta
rules, which have no kernel of their own on the CPU. Both take turns, round by round, so that a
busy moment of the machine meets both; the minimum of each counts. On a machine that is busy all
the while the longer steps, PyTorch's, are interrupted more: such rows are marked.

    python3 -m venv /tmp/yardstick && . /tmp/yardstick/bin/activate
    pip install torch
    swift build -c release --product hysteresis
    python3 Tests/Yardstick/yardstick.py .build/release/hysteresis --json yardstick.json

It is a measurement, not a test: nothing fails where a goal is missed.
"""

import argparse
import json
import platform
import subprocess
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 64
LAYERS = 2
UNSCORED = -100

# (vocabulary, length, batch)
ROWS = [(256, 64, 64), (256, 256, 32), (8192, 64, 64)]


def goal(architecture, vocabulary):
    """How many times faster than PyTorch the step should be."""
    if architecture in ("delta-net", "gated-delta-net"):
        return 40
    if vocabulary == 8192:
        return 20
    return {"attention": 4, "lstm": 3}[architecture]


def recall_batch(vocabulary, length, pairs, batch, generator):
    """Pairs of keys and values, then each key once more where its value is asked for."""

    def distinct(count, bound):
        return torch.rand(batch, bound, generator=generator).argsort(1)[:, :count]

    half = vocabulary // 2
    keys, values = 1 + distinct(pairs, half - 1), half + distinct(pairs, half)
    places = 2 * pairs + 2 * distinct(pairs, (length - 2 * pairs) // 2)
    tokens = torch.zeros(batch, length, dtype=torch.long)
    tokens[:, 0 : 2 * pairs : 2] = keys
    tokens[:, 1 : 2 * pairs : 2] = values
    tokens.scatter_(1, places, keys)
    targets = torch.full((batch, length), UNSCORED).scatter_(1, places, values)
    return tokens, targets


class Attention(nn.Module):
    """Causal softmax attention with one head."""

    uses_positions = True

    def __init__(self):
        super().__init__()
        self.projection = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        q, k, v = self.projection(x).unsqueeze(1).chunk(3, -1)
        return self.output(F.scaled_dot_product_attention(q, k, v, is_causal=True).squeeze(1))


class LSTM(nn.Module):
    uses_positions = False

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


class DeltaNet(nn.Module):
    """The delta rule with short convolutions, two heads and, where it is gated, a decay per head
    and an output gate."""

    uses_positions = False
    heads = 2
    taps = 4
    loop = "einsum"

    def __init__(self, gated=False):
        super().__init__()
        self.projection = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.convolution = nn.Conv1d(
            3 * WIDTH, 3 * WIDTH, self.taps, groups=3 * WIDTH, padding=self.taps - 1, bias=False
        )
        self.strength = nn.Linear(WIDTH, self.heads, bias=False)
        self.norm = nn.RMSNorm(WIDTH // self.heads)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gated = gated
        if gated:
            self.step = nn.Linear(WIDTH, self.heads)
            self.log_rate = nn.Parameter(torch.rand(self.heads).mul(16).log())
            self.gate = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        batch, length, _ = x.shape
        mixed = self.convolution(self.projection(x).transpose(1, 2))[..., :length]
        # [length, batch * heads, dim], so that a token of all heads is one matrix product.
        mixed = F.silu(mixed).reshape(batch, 3, self.heads, WIDTH // self.heads, length)
        q, k, v = mixed.permute(1, 4, 0, 2, 3).reshape(3, length, batch * self.heads, -1)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        beta = self.per_head(self.strength(x).sigmoid())
        decay = None
        if self.gated:
            decay = self.per_head((-self.log_rate.exp() * F.softplus(self.step(x))).exp())
        y = self.scan(q, k, v, beta, decay)
        y = y.reshape(length, batch, self.heads, -1).transpose(0, 1)
        y = self.norm(y).reshape(batch, length, WIDTH)
        if self.gated:
            y = y * F.silu(self.gate(x))
        return self.output(y)

    def per_head(self, x):
        batch, length, heads = x.shape
        return x.transpose(0, 1).reshape(length, batch * heads, 1, 1)

    def scan(self, q, k, v, beta, decay):
        """The loop over time; the state is [batch * heads, dim, dim]."""
        state, q = q.new_zeros(q.shape[1], q.shape[2], v.shape[2]), q * q.shape[2] ** -0.5
        outputs = []
        for t in range(q.shape[0]):
            if decay is not None:
                state = state * decay[t]
            state = self.write(state, k[t], v[t], beta[t])
            outputs.append(self.read(state, q[t]))
        return torch.stack(outputs)

    # The two ways to write a token: as the formula stands, and with fused batched products.

    def write(self, state, k, v, beta):
        if self.loop == "einsum":
            error = beta[..., 0] * (v - torch.einsum("nkv,nk->nv", state, k))
            return state + torch.einsum("nk,nv->nkv", k, error)
        error = torch.baddbmm(v.unsqueeze(1), k.unsqueeze(1), state, alpha=-1)
        return torch.baddbmm(state, k.unsqueeze(2) * beta, error)

    def read(self, state, q):
        if self.loop == "einsum":
            return torch.einsum("nkv,nk->nv", state, q)
        return torch.bmm(q.unsqueeze(1), state)


MIXERS = {
    "attention": Attention,
    "lstm": LSTM,
    "delta-net": DeltaNet,
    "gated-delta-net": lambda: DeltaNet(gated=True),
}


class Model(nn.Module):
    def __init__(self, architecture, vocabulary, length):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.mixers = nn.ModuleList(MIXERS[architecture]() for _ in range(LAYERS))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LAYERS))
        self.final_norm = nn.LayerNorm(WIDTH)
        self.positions = None
        if self.mixers[0].uses_positions:
            self.positions = nn.Parameter(0.02 * torch.randn(length, WIDTH))

    def forward(self, tokens):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions
        for norm, mixer in zip(self.norms, self.mixers):
            x = x + mixer(norm(x))
        return F.linear(self.final_norm(x), self.embedding.weight)


class Theirs:
    """A training step in PyTorch."""

    def __init__(self, architecture, vocabulary, length, batch):
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.batch = recall_batch(vocabulary, length, length // 8, batch, generator)
        self.model = Model(architecture, vocabulary, length)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, weight_decay=0.1, fused=True
        )
        self.step()

    def step(self):
        tokens, targets = self.batch
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(tokens)
        F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=UNSCORED).backward()
        self.optimizer.step()

    def milliseconds(self, seconds):
        """The fastest step, by the clock and on the processor.

        The two are one number where nothing else runs, since there is one thread.
        """
        best, busy, begin = float("inf"), float("inf"), time.perf_counter()
        while best == float("inf") or time.perf_counter() - begin < seconds:
            start, start_busy = time.perf_counter(), time.process_time()
            self.step()
            best = min(best, time.perf_counter() - start)
            busy = min(busy, time.process_time() - start_busy)
        return best * 1e3, busy * 1e3


def ours(binary, architecture, vocabulary, length, batch, seconds):
    """The milliseconds of our step, as `bench train` measures them."""
    command = [binary, "bench", "train", "--architecture", architecture, "--format", "json"]
    options = {
        "vocabulary": vocabulary, "length": length, "pairs": length // 8, "batch": batch,
        "width": WIDTH, "seconds": seconds,
    }
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)[0]["millisecondsPerStep"]


def measure(binary, architecture, row, rounds, seconds):
    theirs = Theirs(architecture, *row)
    best = busy = best_ours = float("inf")
    for _ in range(rounds):
        found, found_busy = theirs.milliseconds(seconds)
        best, busy = min(best, found), min(busy, found_busy)
        best_ours = min(best_ours, ours(binary, architecture, *row, seconds))
    return {
        "architecture": architecture, "vocabulary": row[0], "length": row[1], "batch": row[2],
        "pytorch": best, "pytorchProcessor": busy, "hysteresis": best_ours,
        "ratio": best / best_ours, "goal": goal(architecture, row[0]),
    }


HEADING = f"{'vocabulary':>10} {'L':>4} {'batch':>5}  {'architecture':<16}" \
    f"{'PyTorch ms':>11} {'ours ms':>9} {'ratio':>7} {'goal':>5}"


def line(result):
    verdict = "" if result["ratio"] >= result["goal"] else "  missed"
    if result["pytorch"] > 1.1 * result["pytorchProcessor"]:
        verdict += f"  (machine busy: {result['pytorchProcessor']:.2f} ms on the processor)"
    return (
        f"{result['vocabulary']:>10} {result['length']:>4} {result['batch']:>5}  "
        f"{result['architecture']:<16}{result['pytorch']:>11.2f} {result['hysteresis']:>9.2f} "
        f"{result['ratio']:>7.1f} {result['goal']:>5}{verdict}"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("binary", help="the hysteresis program, built in release")
    parser.add_argument("--architecture", choices=MIXERS, action="append", help="only these")
    parser.add_argument(
        "--loop", choices=["einsum", "bmm"], default=DeltaNet.loop,
        help="the delta rules' loop: as the formula stands (the goals' measure), or fused products",
    )
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each side in each round")
    parser.add_argument("--json", metavar="FILE", help="also write the results there")
    arguments = parser.parse_args()

    DeltaNet.loop = arguments.loop
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    print(f"PyTorch {torch.__version__}, {platform.machine()}, one thread each, width {WIDTH}, "
          f"{LAYERS} layers", file=sys.stderr)
    print(HEADING, flush=True)
    results = []
    for row in ROWS:
        for architecture in arguments.architecture or MIXERS:
            results.append(
                measure(arguments.binary, architecture, row, arguments.rounds, arguments.seconds)
            )
            print(line(results[-1]), flush=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(
                {"torch": torch.__version__, "loop": arguments.loop, "results": results},
                file, indent=2,
            )
            file.write("\n")


if __name__ == "__main__":
    main()
