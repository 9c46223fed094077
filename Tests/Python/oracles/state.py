"""State that tokens change: flip-flops, brackets, programs."""

import itertools

import numpy as np

from .common import Answer, Task, between, hold, span


def binary(rights):
    """Rows of what is right as rows of probabilities."""
    return [[float(right) for right in row] for row in rights]


class FlipFlop(Task):
    name = "flip-flop"
    examples = 200
    cases = [
        {},
        {"ignore": 0.1, "registers": 3, "length": between(40, 101)},
        {"ignore": 0.98},
        {"length": 8, "ignore": 0.5, "examples": 600},
        {"length": 4},
        {"ignore": 0, "length": 20},
        {"ignore": 1, "length": 60},
        {"registers": 2, "length": between(8, 12), "examples": 600},
        {"length": between(100, 160), "ignore": 0.5},
    ]

    @property
    def vocabulary_size(self):
        return 3 + 2 * self.registers

    def answer(self, example):
        tokens, r = example.tokens, self.registers
        lengths = [n for n in span(self.length) if n % 2 == 0]
        length = len(tokens) + 1
        hold(length in lengths, f"the length is {length}")
        self.tally.uniform("length", lengths.index(length), len(lengths))
        steps, bits = tokens[::2], tokens[1::2]
        hold(max(bits) < 2 and min(steps) >= 2, "bits and instructions do not take turns")
        hold(sorted(steps[:r]) == list(range(3, 3 + r)), "not every register is written at first")
        hold(steps[-1] >= 3 + r, "the last instruction is no read")
        registers, targets, long = {}, {}, length > 30
        for at, step in enumerate(steps):
            middle = r <= at < len(steps) - 1
            kind = 0 if step == 2 else 1 if step < 3 + r else 2
            if middle and long:
                self.tally.odds(
                    "instruction", kind, [self.ignore, (1 - self.ignore) / 2, (1 - self.ignore) / 2]
                )
                if kind:
                    self.tally.uniform("register", (step - 3) % r, r)
            if kind == 2:
                targets[2 * at] = registers[step - r]
                hold(at == len(bits) or bits[at] == targets[2 * at], f"the bit read at {2 * at}")
            else:
                if long:
                    self.tally.uniform(f"bits after {kind}", bits[at], 2)
                if kind == 1:
                    registers[step] = bits[at]
        return Answer(targets, length=length)

    def word(self, example):
        # One write and one read have two sequences only, too few for three splits.
        if len(example.tokens) == 3:
            return None
        return f"length {len(example.tokens)}", tuple(example.tokens), None

    def chances(self, examples):
        return {"tokenAccuracy": 0.5, "sequenceAccuracy": [0.5 ** len(e.targets) for e in examples]}

    def baselines(self, examples):
        return {
            "latest bit": binary(
                [[e.tokens[at - 1] == e.targets[at] for at in sorted(e.targets)] for e in examples]
            )
        }


class Dyck(Task):
    name = "dyck"
    effort = 3
    examples = 300
    cases = [
        {},
        {"target": "balanced"},
        {"kinds": 20, "depth": 3, "length": between(5, 50)},
        {"kinds": 1, "depth": 1, "target": "balanced", "length": 9},
        {"kinds": 1, "target": "balanced", "depth": 2},
        {"length": 6, "examples": 500},
        {"length": 300, "depth": 40, "examples": 60},
        {"length": 12, "kinds": 3, "target": "balanced"},
        {"length": 40, "depth": 1},
        {"length": between(100, 160)},
    ]

    @property
    def vocabulary_size(self):
        return 2 * self.kinds

    def answer(self, example):
        tokens, k, lengths = example.tokens, self.kinds, span(self.length)
        hold(len(tokens) in lengths, "the length")
        self.tally.uniform("length", len(tokens) - lengths[0], len(lengths))
        stack, targets, deepest = [], {}, 0
        for at, token in enumerate(tokens):
            opens = token < k
            if 0 < len(stack) < self.depth and len(tokens) > 20:
                self.tally.uniform("opens", int(opens), 2)
            if opens:
                hold(len(stack) < self.depth, "too deep")
                stack.append(token)
                if len(tokens) > 20:
                    self.tally.uniform("kinds", token, k)
            else:
                hold(stack and stack.pop() == token - k, f"the bracket at {at} closes none")
            deepest = max(deepest, len(stack))
            if self.target == "balanced":
                targets[at] = int(not stack)
            elif stack:
                targets[at] = stack[-1] + k
        return Answer(targets, length=len(tokens), depth=deepest)

    def word(self, example):
        if self.kinds == self.depth == 1 or len(example.tokens) > 128:
            return None
        return f"length {len(example.tokens)}", tuple(example.tokens), None

    def chances(self, examples):
        if self.target == "closing":
            return {
                "tokenAccuracy": 1 / self.kinds,
                "sequenceAccuracy": [self.kinds ** -len(e.targets) for e in examples],
            }
        open_places = places = 0.0
        for length in span(self.length):
            odds = np.zeros(self.depth + 1)
            odds[0] = 1
            for _ in range(length):
                following = np.zeros_like(odds)
                for depth, chance in enumerate(odds):
                    up = 1.0 if depth == 0 else 0.0 if depth == self.depth else 0.5
                    if up:
                        following[depth + 1] += chance * up
                    if up < 1:
                        following[depth - 1] += chance * (1 - up)
                odds = following
                open_places, places = open_places + 1 - odds[0], places + 1
        # Its sequences are right where the one answer given always is.
        common = int(open_places / places < 0.5)
        whole = [float(set(e.targets.values()) == {common}) for e in examples]
        return {"tokenAccuracy": open_places / places, "sequenceAccuracy": whole}

    def baselines(self, examples):
        if self.target == "balanced":
            return {}
        rights = []
        for example in examples:
            latest, row = None, []
            for at, token in enumerate(example.tokens):
                latest = token if token < self.kinds else latest
                if at in example.targets:
                    row.append(example.targets[at] == latest + self.kinds)
            rights.append(row)
        return {"bracket opened last": binary(rights)}


class ReplTrace(Task):
    name = "repl-trace"
    examples = 200
    cases = [
        {},
        {"hidden": 0.5},
        {"action": "assign", "variables": 3},
        {"action": "assign", "hidden": 0.3, "variables": 4},
        {"variables": 20, "reveal": 0.6, "statements": 50, "examples": 60},
        {"reveal": 0, "statements": 2, "variables": 3},
        {"variables": 3, "hidden": 1, "reveal": 0.1},
        {"variables": 2, "statements": between(4, 7)},
    ]

    def __init__(self, settings):
        super().__init__(settings)
        self.scored = {}

    @property
    def vocabulary_size(self):
        return 2 * self.variables + 4

    def answer(self, example):
        tokens, n = example.tokens, self.variables
        print_id, swap, maybe, assign = range(2 * n, 2 * n + 4)
        first = tuple(tokens[:n])
        hold(sorted(first) == list(range(n)), "the first values are no permutation")
        worlds, at, statements, targets, seen, right = (
            {first},
            n,
            [],
            {},
            dict(enumerate(first)),
            [],
        )

        def variable(place):
            hold(place < len(tokens) and n <= tokens[place] < 2 * n, f"no variable at {place}")
            return tokens[place] - n

        while at < len(tokens):
            kind = tokens[at]
            if kind == print_id:
                one, last = variable(at + 1), at + 2 == len(tokens)
                values = {world[one] for world in worlds}
                if len(values) == 1:
                    targets[at + 1] = next(iter(values))
                    right.append(float(seen[one] == targets[at + 1]))
                    hold(
                        last or tokens[at + 2] == targets[at + 1], f"the value printed at {at + 2}"
                    )
                else:
                    hold(
                        not last and tokens[at + 2] in values,
                        f"the value printed at {at + 2} cannot be",
                    )
                if not last:
                    worlds = {world for world in worlds if world[one] == tokens[at + 2]}
                    seen[one] = tokens[at + 2]
                statements.append(0)
                at += 3
            elif kind in (swap, maybe):
                one, two = variable(at + 1), variable(at + 2)
                hold(one != two, "a variable is swapped with itself")
                hold(
                    kind == maybe or self.action == "swap" or self.hidden > 0,
                    "a swap among assignments",
                )
                exchanged = {
                    tuple(world[two if v == one else one if v == two else v] for v in range(n))
                    for world in worlds
                }
                if len(tokens) > 30:
                    self.tally.uniform("swapped", one * (n - 1) + two - (two > one), n * (n - 1))
                if kind == maybe:
                    exchanged |= worlds
                    hold(
                        any(len(set(values)) == 1 for values in zip(*exchanged, strict=True)),
                        "no value is known",
                    )
                worlds = exchanged
                statements.append(1 + (kind == maybe))
                at += 3
            else:
                hold(kind == assign and self.action == "assign", f"no statement at {at}")
                sources = [variable(place) for place in range(at + 1, at + 1 + n)]
                hold(sorted(sources) == list(range(n)), "an assignment is no permutation")
                if n < 5 and len(tokens) > 30:
                    self.tally.uniform(
                        "assignment",
                        list(itertools.permutations(range(n))).index(tuple(sources)),
                        len(list(itertools.permutations(range(n)))),
                    )
                worlds = {tuple(world[source] for source in sources) for world in worlds}
                statements.append(1)
                at += 1 + n
        hold(
            statements[-1] == 0 and len(tokens) - 1 in targets,
            "the last statement is no reveal that is scored",
        )
        counts = span(self.statements)
        hold(len(statements) in counts, f"{len(statements)} statements")
        self.tally.uniform("statements", len(statements) - counts[0], len(counts))
        if len(tokens) > 60:
            for kind in statements[:-1]:
                self.tally.odds("reveal or action", int(kind > 0), [self.reveal, 1 - self.reveal])
                if kind and not self.hidden:
                    hold(kind == 1, "a hidden action")
        self.scored[id(example)] = right
        return Answer(targets, length=len(tokens) + 1)

    def word(self, example):
        return f"length {len(example.tokens)}", tuple(example.tokens), None

    def chances(self, examples):
        return {
            "tokenAccuracy": 1 / self.variables,
            "sequenceAccuracy": [self.variables ** -len(e.targets) for e in examples],
        }

    def baselines(self, examples):
        return {"value last seen": [self.scored[id(example)] for example in examples]}


TASKS = [FlipFlop, Dyck, ReplTrace]
