"""Bit strings and other words that a small automaton reads: parity and its kin."""

from .common import Answer, Task, between, hold, span


class WordTask(Task):
    """A word of independent uniform letters; a length s counts the answer."""

    letters = 2
    answers = 2

    def lengths(self):
        return list(span(self.length))

    def states(self, tokens):
        """The answer after every letter; none where it is not scored."""
        raise NotImplementedError

    @property
    def running(self):
        return self.target == "running"

    @property
    def vocabulary_size(self):
        return max(self.letters, self.answers)

    def answer(self, example):
        tokens, length = example.tokens, len(example.tokens) + 1
        lengths = self.lengths()
        hold(length in lengths, f"the length is {length}")
        self.tally.uniform("length", lengths.index(length), len(lengths))
        hold(max(tokens) < self.letters, "a token is no letter")
        if length > 16:
            self.tally.uniform("letters", tokens, self.letters)
        states = self.states(tokens)
        places = range(len(tokens)) if self.running else [len(tokens) - 1]
        return Answer({at: states[at] for at in places if states[at] is not None}, length=length)

    def word(self, example):
        size = len(example.tokens)
        return f"length {size}", tuple(example.tokens), self.letters**size

    def chances(self, examples):
        chance, sizes = 1 / self.answers, [length - 1 for length in self.lengths()]
        whole = sum(chance ** (size if self.running else 1) for size in sizes) / len(sizes)
        return {"tokenAccuracy": chance, "sequenceAccuracy": whole}


class Parity(WordTask):
    name = "parity"
    cases = [
        {},
        {"mode": "running", "length": between(3, 90)},
        {"length": 2},
        {"length": 3},
        {"length": 4},
        {"length": 6, "examples": 600},
        {"length": between(40, 200)},
        {"length": 400, "mode": "running", "examples": 60},
    ]

    @property
    def running(self):
        return self.mode == "running"

    def states(self, tokens):
        return [sum(tokens[: end + 1]) % 2 for end in range(len(tokens))]

    def word(self, example):
        # What comes before the last bit is dealt out; one or two bits are too few for that.
        prefix = example.tokens[:-1]
        self.tally.uniform("last bit", example.tokens[-1], 2)
        if len(prefix) < 2:
            return None
        return f"length {len(prefix)}", tuple(prefix), 2 ** len(prefix)

    def chances(self, examples):
        return {"tokenAccuracy": 0.5}


class ModularCounting(WordTask):
    name = "modular-counting"
    cases = [
        {},
        {"target": "running"},
        {"mode": "sum", "modulus": 5, "target": "running"},
        {"modulus": 7, "alphabet": 4, "length": 30},
        {"modulus": 2, "length": between(3, 6)},
        {"mode": "sum", "modulus": 6, "length": 3, "examples": 600},
        {"alphabet": 3, "length": 4, "examples": 600},
    ]

    @property
    def letters(self):
        return self.modulus if self.mode == "sum" else self.alphabet

    @property
    def answers(self):
        return self.modulus

    def states(self, tokens):
        numbers = tokens if self.mode == "sum" else [int(token == 1) for token in tokens]
        return [sum(numbers[: end + 1]) % self.modulus for end in range(len(tokens))]


class CycleNavigation(WordTask):
    name = "cycle-navigation"
    letters = 3
    cases = [
        {},
        {"target": "running"},
        {"cycle": 2, "target": "running", "length": 12},
        {"cycle": 9, "length": between(30, 60)},
        {"length": 4, "examples": 500},
    ]

    @property
    def answers(self):
        return self.cycle

    def states(self, tokens):
        return [
            sum(move - 1 for move in tokens[: end + 1]) % self.cycle for end in range(len(tokens))
        ]


class EvenPairs(WordTask):
    name = "even-pairs"
    cases = [
        {},
        {"target": "running"},
        {"length": between(3, 5)},
        {"length": 6, "examples": 600},
        {"length": between(41, 256)},
    ]

    def states(self, tokens):
        changes = [int(a != b) for a, b in zip(tokens, tokens[1:], strict=False)]
        return [sum(changes[:end]) % 2 for end in range(len(tokens))]


class Majority(WordTask):
    name = "majority"
    cases = [
        {},
        {"target": "running"},
        {"length": 4},
        {"length": 6, "examples": 600},
        {"length": between(41, 256), "target": "running", "examples": 200},
    ]

    def lengths(self):
        return [length for length in span(self.length) if length % 2 == 0]

    def states(self, tokens):
        leads = [2 * sum(tokens[: end + 1]) - end - 1 for end in range(len(tokens))]
        return [int(lead > 0) if lead else None for lead in leads]

    def chances(self, examples):
        return {"tokenAccuracy": 0.5}


TASKS = [Parity, ModularCounting, CycleNavigation, EvenPairs, Majority]
