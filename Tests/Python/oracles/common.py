"""What all checks of tasks share: the program, an example, tallies against exact odds."""

import collections
import functools
import json
import math
import pathlib
import subprocess

import numpy as np

SEED = 3
SPLITS = ("train", "validation", "test")


class Wrong(Exception):
    """Something in the data is not what the task says."""


def hold(condition, *what):
    if not condition:
        raise Wrong(" ".join(map(str, what)))


def between(low, high):
    """A range as a setting."""
    return {"from": low, "to": high}


def bounds(value):
    """Both ends of a setting that is a number or a range."""
    return (value["from"], value["to"]) if isinstance(value, dict) else (value, value)


def span(value):
    low, high = bounds(value)
    return range(low, high + 1)


@functools.cache
def binomial(count, chance):
    return {
        n: math.comb(count, n) * chance**n * (1 - chance) ** (count - n) for n in range(count + 1)
    }


class Example:
    """A line of `generate`."""

    def __init__(self, line):
        self.line = json.loads(line)
        hold(set(self.line) <= {"tokens", "targets", "slices", "questionStart", "choices"}, "keys")
        self.tokens, self.slices = self.line["tokens"], self.line["slices"]
        self.start, self.choices = self.line["questionStart"], self.line.get("choices")
        targets = self.line["targets"]
        hold(len(targets) == len(self.tokens), "there are not as many targets as tokens")
        self.targets = {place: t for place, t in enumerate(targets) if t is not None}
        self.split = None

    def once(self, repeats):
        """The same with its context shown once, which must stand there `repeats` times."""
        if repeats == 1:
            return self
        hold(self.start > 0 and self.start % repeats == 0, "the context is not repeated")
        size = self.start // repeats
        copies = {tuple(self.tokens[at : at + size]) for at in range(0, self.start, size)}
        hold(len(copies) == 1, "the copies of the context differ")
        short = object.__new__(Example)
        short.__dict__ |= self.__dict__
        short.tokens = self.tokens[:size] + self.tokens[self.start :]
        short.start = size
        hold(all(place >= self.start for place in self.targets), "a target in the context")
        short.targets = {place - self.start + size: t for place, t in self.targets.items()}
        return short


class Answer:
    """What an oracle says: the targets by position, where the question starts, the slices."""

    def __init__(self, targets, start=0, **slices):
        self.targets, self.start, self.slices = targets, start, slices


class Program:
    """The command line, with a folder for what it writes."""

    def __init__(self, path, folder):
        self.path, self.folder = str(pathlib.Path(path).resolve()), pathlib.Path(folder)
        self.scored = 0

    def call(self, *arguments):
        done = subprocess.run(
            [self.path, *map(str, arguments)], capture_output=True, cwd=self.folder, text=True
        )
        hold(done.returncode == 0, f"'{' '.join(map(str, arguments))}': {done.stderr.strip()}")
        return done.stdout

    @staticmethod
    def options(settings):
        for name, value in settings.items():
            yield from ("--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}")

    def lines(self, task, settings, split, examples, *more):
        """What `generate` writes, a text for each example."""
        text = self.call(
            "generate",
            task,
            "--split",
            split,
            "--examples",
            examples,
            *self.options(settings),
            *more,
        )
        return text.splitlines()

    def score(self, task, settings, seed, answers):
        """The record of a model that answered so; its baselines are scored on the same test."""
        self.scored += 1
        path = self.folder / "answers.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in answers), encoding="utf-8")
        text = self.call(
            "score",
            task,
            "--seed",
            seed,
            *self.options(settings),
            "--predictions",
            path,
            "--name",
            "truth",
            "--format",
            "json",
            "--out",
            f"s{self.scored}",
        )
        return json.loads(text)


class Tally:
    """How often which of some outcomes came, beside how often it should have."""

    BINS = 16

    def __init__(self):
        self.seen = collections.defaultdict(collections.Counter)
        self.expected = collections.defaultdict(collections.Counter)

    def odds(self, label, outcome, odds):
        """One draw, whose odds are a list or a dictionary."""
        self.seen[label][outcome] += 1
        pairs = odds.items() if isinstance(odds, dict) else enumerate(odds)
        for other, probability in pairs:
            self.expected[label][other] += probability

    def uniform(self, label, values, count):
        """Draws from 0 ..< count, as a number or many; put into bins where there are many."""
        values = np.atleast_1d(np.asarray(values, dtype=np.int64))
        if not len(values):
            return
        hold(0 <= values.min() and values.max() < count, f"{label}: not within 0 ..< {count}")
        bins = min(count, self.BINS)
        edges = [-(-one * count // bins) for one in range(bins + 1)]
        seen = np.bincount(values * bins // count, minlength=bins)
        for one in range(bins):
            self.seen[label][one] += int(seen[one])
            self.expected[label][one] += len(values) * (edges[one + 1] - edges[one]) / count

    def check(self):
        for label, seen in self.seen.items():
            expected = self.expected[label]
            hold(set(seen) <= set(expected), f"{label}: outcomes that cannot be")
            rest_seen = rest_expected = chi = 0.0
            degrees = -1
            for outcome, wanted in expected.items():
                if wanted < 5:
                    rest_seen, rest_expected = rest_seen + seen[outcome], rest_expected + wanted
                    continue
                chi += (seen[outcome] - wanted) ** 2 / wanted
                degrees += 1
            if rest_expected >= 5:
                chi += (rest_seen - rest_expected) ** 2 / rest_expected
                degrees += 1
            elif rest_seen > rest_expected + 6 * rest_expected**0.5 + 6:
                hold(False, f"{label}: {rest_seen} rare outcomes, {rest_expected:.1f} expected")
            # Wide enough for the hundreds of tests of a run; the seeds are fixed in any case.
            limit = degrees + 6 * (2 * max(degrees, 1)) ** 0.5 + 6
            hold(
                chi <= limit,
                f"{label}: chi-square {chi:.1f} of {degrees} degrees of freedom;",
                dict(seen.most_common(8)),
                "instead of",
                {key: round(value, 1) for key, value in expected.most_common(8)},
            )


class Task:
    """A task's oracle. One object for each case, which is a choice of settings."""

    name = ""
    # The settings that are tried; the number of examples of each split may stand among them.
    cases = [{}]
    examples = 400
    # About how many seconds its cases take.
    effort = 1

    def __init__(self, settings):
        self.settings, self.tally = settings, Tally()
        self.repeats = settings.get("repeats", 1)

    def __getattr__(self, name):
        if name != "settings" and name in self.settings:
            return self.settings[name]
        raise AttributeError(name)

    # What a task says.

    @property
    def vocabulary_size(self):
        return self.vocabulary

    def answer(self, example):
        """Checks the tokens of an example whose context is shown once, and answers it."""
        raise NotImplementedError

    def word(self, example):
        """What may occur in one split only: its kind, itself, and how many there are of the kind
        (none if that is not to be counted)."""
        return "tokens", tuple(example.tokens), None

    def chances(self, examples):
        """The chance of each metric: a number, or the probability of each example in turn where
        the program measures it."""
        raise NotImplementedError

    def baselines(self, examples):
        """By name the probability that it is right, for each example a list of its positions."""
        return {}

    def check_summary(self, summary, examples):
        """What the above does not say."""

    def finish(self, program, data):
        """What is to be seen only over all examples."""

    def truths(self, examples):
        """The predictions that must score 1."""
        return [{"predictions": list(example.targets.values())} for example in examples]

    def check_truth(self, scores):
        hold(scores["tokenAccuracy"] == scores["exampleAccuracy"] == 1, "the truth scores", scores)
