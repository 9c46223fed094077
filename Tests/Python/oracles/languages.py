"""Membership in regular languages, each defined here by a predicate or a pattern of its own."""

import functools
import re

from .common import Answer, Task, between, hold, span

DEAD = None


def counting(low, high):
    """Brackets a and b, balanced and never deeper than `high`."""

    def step(state, symbol):
        state += 1 if symbol == "a" else -1
        return state if low <= state <= high else DEAD

    return step


def table(text):
    """Steps written as FROM SYMBOLS TO; what is missing is dead."""
    rows = {}
    for clause in text.split(";"):
        source, symbols, target = clause.split()
        rows |= {(source, symbol): target for symbol in symbols}
    return lambda state, symbol: rows.get((state, symbol), DEAD)


# Symbols, the start, the step, the accepting states, and a pattern that must say the same.
LANGUAGES = {
    "tomita-1": ("01", "s", table("s 1 s"), "s", "1*"),
    "tomita-2": ("01", "s", table("s 1 t; t 0 s"), "s", "(10)*"),
    "tomita-3": (
        "01",
        "s",
        table("s 0 s; s 1 o; o 1 s; o 0 z; z 0 e; e 0 z; e 1 o"),
        "soe",
        "(?!(.*0)?1(11)*0(00)*(1|$)).*",
    ),
    "tomita-4": (
        "01",
        0,
        lambda q, c: 0 if c == "1" else q + 1 if q < 2 else DEAD,
        (0, 1, 2),
        "(?!.*000).*",
    ),
    "tomita-5": (
        "01",
        (0, 0),
        lambda q, c: (q[0] ^ (c == "0"), q[1] ^ (c == "1")),
        ((0, 0),),
        "(00|11|(01|10)(00|11)*(01|10))*",
    ),
    "tomita-6": ("01", 0, lambda q, c: (q + (1 if c == "0" else -1)) % 3, (0,), None),
    "tomita-7": (
        "01",
        0,
        lambda q, c: (q if c == "01"[q % 2] else q + 1) if q < 3 or c == "1" else DEAD,
        (0, 1, 2, 3),
        "0*1*0*1*",
    ),
    "parity": ("01", 0, lambda q, c: q ^ (c == "1"), (0,), "(0*10*1)*0*"),
    "aa-star": ("a", 0, lambda q, c: 1 - q, (0,), "(aa)*"),
    "abab-star": ("ab", 0, lambda q, c: (q + 1) % 4 if c == "abab"[q] else DEAD, (0,), "(abab)*"),
    "abcde": (
        "abcde",
        "s",
        table("s a a; a a a; a b b; b b b; b c c; c c c; c d d; d d d; d e e; e e e"),
        "e",
        "a+b+c+d+e+",
    ),
    "ab-d-bc": ("abcd", "s", table("s ab s; s d t; t bc t"), "t", "[ab]*d[bc]*"),
    "012-02": (
        "012",
        "s",
        table("s 12 s; s 0 t; t 0 t; t 2 u; t 1 s; u 0 t; u 1 s; u 2 u"),
        "tu",
        "[012]*02*",
    ),
    "custom": ("ab", 0, lambda q, c: (q + 1) % 2 if c == "ab"[q] else DEAD, (0,), "(ab)*"),
} | {f"depth-{n}": ("ab", 0, counting(0, n), (0,), None) for n in (2, 3, 4, 12)}


class RegularLanguageMembership(Task):
    name = "regular-language"
    effort = 5
    examples = 150
    cases = [
        {},
        *(
            {
                "language": name,
                **({"automaton": "0 a 1; 1 b 0; accept 0"} if name == "custom" else {}),
            }
            for name in LANGUAGES
            if name != "tomita-3"
        ),
        {"language": "tomita-4", "target": "final"},
        {"language": "tomita-1", "target": "final", "length": 7},
        {"language": "tomita-5", "target": "final", "length": 6, "examples": 900},
        {"language": "tomita-7", "length": 5, "examples": 900},
        {"language": "depth-2", "target": "final"},
        {"language": "tomita-6", "length": between(100, 300), "examples": 40},
        {"language": "depth-12", "length": 1500, "examples": 6},
    ]

    def __init__(self, settings):
        super().__init__(settings)
        self.symbols, self.begin, self.step, self.accepting, self.pattern = LANGUAGES[self.language]
        counts = {
            n: (self.counts(self.begin, n), len(self.symbols) ** n) for n in span(self.length)
        }
        both = [n for n, (accepted, total) in counts.items() if 0 < accepted < total]
        self.lengths = both if self.target == "final" else list(counts)
        self.both = set(both)

    @functools.cached_property
    def counts(self):
        """The number of words that are accepted from a state with so many symbols."""
        memory = {}

        def count(state, size):
            # From the shortest words on, so that no call is deep.
            for length in range(size + 1):
                self.fill(memory, length)
            return memory[state, size]

        return count

    @functools.cached_property
    def states(self):
        states = [self.begin]
        for state in states:
            for symbol in self.symbols:
                following = DEAD if state is DEAD else self.step(state, symbol)
                if following not in states:
                    states.append(following)
        return states

    def fill(self, memory, length):
        for state in self.states:
            if (state, length) not in memory:
                if state is DEAD:
                    memory[state, length] = 0
                elif length == 0:
                    memory[state, 0] = int(state in self.accepting)
                else:
                    memory[state, length] = sum(
                        memory[self.step(state, s), length - 1] for s in self.symbols
                    )

    @property
    def vocabulary_size(self):
        return max(2, len(self.symbols))

    def answer(self, example):
        tokens, state, memberships = example.tokens, self.begin, []
        size = len(tokens)
        hold(size in self.lengths, f"the length is {size}")
        self.tally.uniform("length", self.lengths.index(size), len(self.lengths))
        hold(max(tokens) < len(self.symbols), "a token is no symbol")
        word = "".join(self.symbols[token] for token in tokens)
        for symbol in word:
            state = DEAD if state is DEAD else self.step(state, symbol)
            memberships.append(int(state is not DEAD and state in self.accepting))
        if self.pattern and size < 60:
            hold(
                bool(re.fullmatch(self.pattern, word)) == memberships[-1],
                "the oracle contradicts itself on",
                word,
            )
        accepted = memberships[-1]
        if size in self.both:
            self.tally.uniform("accepted", accepted, 2)
        self.sample(word, accepted)
        places = range(size) if self.target == "running" else [size - 1]
        return Answer({at: memberships[at] for at in places}, length=size, accepted=accepted)

    def sample(self, word, accepted):
        """Each word of its half is as likely: of many, the odds of the first symbol are exact."""
        size, count = len(word), self.counts
        total = count(self.begin, size)
        total = total if accepted else len(self.symbols) ** size - total
        if total < 10_000:
            return
        state = self.begin
        for at in (0, 1):
            rest = size - at - 1
            odds = {}
            for symbol in self.symbols:
                following = DEAD if state is DEAD else self.step(state, symbol)
                ways = count(following, rest)
                odds[symbol] = ways if accepted else len(self.symbols) ** rest - ways
            every = sum(odds.values())
            self.tally.odds(
                f"symbol {at} where the answer is {accepted}",
                word[at],
                {symbol: ways / every for symbol, ways in odds.items()},
            )
            state = DEAD if state is DEAD else self.step(state, word[at])

    def word(self, example):
        size, accepted = len(example.tokens), example.slices["accepted"]
        total = self.counts(self.begin, size)
        total = total if accepted else len(self.symbols) ** size - total
        return (f"length {size}, {accepted}", tuple(example.tokens), total) if total >= 3 else None

    def chances(self, examples):
        if self.target == "final":
            return {"tokenAccuracy": 0.5, "sequenceAccuracy": 0.5}
        member = places = 0.0
        for size in self.lengths:
            total, words = self.counts(self.begin, size), len(self.symbols) ** size
            weights = {1: 0.5, 0: 0.5} if 0 < total < words else {int(total > 0): 1.0}
            prefixes = {self.begin: 1}  # by state, how many
            for at in range(1, size + 1):
                following = {}
                for state, number in prefixes.items():
                    for symbol in self.symbols:
                        to = DEAD if state is DEAD else self.step(state, symbol)
                        following[to] = following.get(to, 0) + number
                prefixes = following
                for state, number in prefixes.items():
                    if state is not DEAD and state in self.accepting:
                        ways = self.counts(state, size - at)
                        others = len(self.symbols) ** (size - at) - ways
                        for label, weight in weights.items():
                            half = total if label else words - total
                            member += weight * (number * (ways if label else others) / half)
            places += size
        share = member / places
        common = int(share > 0.5)
        whole = [float(set(e.targets.values()) == {common}) for e in examples]
        return {"tokenAccuracy": max(share, 1 - share), "sequenceAccuracy": whole}


TASKS = [RegularLanguageMembership]
