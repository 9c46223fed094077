"""Strings to be written again: copying, selective copying, compression."""

import functools
import math

from .common import Answer, Task, between, binomial, hold, span


class StringTask(Task):
    """Chance is a random symbol of the string's at every scored position."""

    def chances(self, examples):
        return {
            "tokenAccuracy": 1 / self.string_ids,
            "sequenceAccuracy": [self.string_ids ** -len(e.targets) for e in examples],
        }


class Copying(StringTask):
    name = "copying"
    cases = [
        {},
        {"answer": "blank"},
        {"order": "reverse"},
        {"answer": "blank", "order": "reverse", "repeats": 3, "length": between(5, 90)},
        {"symbols": 2, "length": between(2, 5), "examples": 1200},
        {"symbols": 3, "length": 3, "repeats": 2, "examples": 600},
    ]

    @property
    def string_ids(self):
        return self.symbols

    @property
    def vocabulary_size(self):
        return self.symbols + 3

    def split_up(self, tokens):
        hold(tokens[0] == 1 and 2 in tokens, "no start or copy marker")
        at = tokens.index(2)
        return tokens[1:at], tokens[at + 1 :], at

    def answer(self, example):
        string, rest, at = self.split_up(example.tokens)
        n = len(string)
        lengths = span(self.length)
        hold(n in lengths, f"the length is {n}")
        self.tally.uniform("length", n - lengths[0], len(lengths))
        hold(min(string) >= 3, "a symbol is none")
        if n > 8:
            self.tally.uniform("symbols", [symbol - 3 for symbol in string], self.symbols)
        wanted = string[::-1] if self.order == "reverse" else string
        if self.answer_form == "blank":
            hold(rest == [0] * n, "blanks must follow the marker")
            targets = {at + 1 + place: symbol for place, symbol in enumerate(wanted)}
        else:
            hold(rest == wanted[:-1], "the answer so far must follow the marker")
            targets = {at + place: symbol for place, symbol in enumerate(wanted)}
        return Answer(targets, at, length=n)

    @property
    def answer_form(self):
        return self.settings["answer"]

    def word(self, example):
        string = self.split_up(example.tokens)[0]
        return f"length {len(string)}", tuple(string), self.symbols ** len(string)


@functools.cache
def first_of(size, count):
    """The odds of the first of so many different places."""
    return {
        at: math.comb(size - at - 1, count - 1) / math.comb(size, count)
        for at in range(size - count + 1)
    }


class SelectiveCopying(StringTask):
    name = "selective-copying"
    examples = 200
    effort = 3
    cases = [
        {},
        {"placement": "before"},
        {"fillers": 4},
        {"fillers": 3, "placement": "before", "repeats": 2},
        {"copied": 1, "length": 4, "vocabulary": 5},
        {"copied": 2, "length": 9, "vocabulary": 6, "examples": 600},
        {"copied": 5, "length": 20, "vocabulary": 40, "examples": 1500},
    ]

    @property
    def string_ids(self):
        return self.vocabulary - 1 - self.fillers

    def answer(self, example):
        tokens, c = example.tokens, self.copied
        hold(len(tokens) == self.length, "the length")
        size = self.length - 1 - c
        context = tokens[:size]
        hold(tokens[size] == self.vocabulary - 1, "no copy marker")
        hold(self.vocabulary - 1 not in context, "a copy marker in the context")
        places = [at for at, token in enumerate(context) if token < self.string_ids]
        data = [context[at] for at in places]
        hold(len(data) == c, f"{len(data)} data")
        hold(tokens[size + 1 :] == [self.vocabulary - 2] * c, "blanks must follow the marker")
        noise = [token - self.string_ids for token in context if token >= self.string_ids]
        self.tally.uniform("filler", noise, self.fillers)
        if self.string_ids**c > 1_000_000:  # of few strings, those of a split are no fair sample
            self.tally.uniform("data", data, self.string_ids)
        if self.placement == "anywhere":
            self.tally.uniform("places", places, size)
            self.tally.odds("first place", places[0], first_of(size, c))
        else:
            hold(places[-1] == size - 1, "the last datum must stand before the marker")
            gaps = [
                after - before - 1 for before, after in zip([-1, *places], places, strict=False)
            ]
            odds = binomial(size - c, 1 / c)
            self.tally.odds("blanks before the first", gaps[0], odds)
            self.tally.odds("blanks before the last", gaps[-1], odds)
        targets = {size + 1 + place: token for place, token in enumerate(data)}
        return Answer(targets, size, copied=c, length=self.length)

    def word(self, example):
        data = tuple(
            token
            for token in example.tokens[: self.length - 1 - self.copied]
            if token < self.string_ids
        )
        return "data", data, self.string_ids**self.copied


class Compression(StringTask):
    name = "compression"
    cases = [
        {},
        {"order": "random"},
        {"order": "random", "length": 5, "repeats": 3},
        {"length": 3, "vocabulary": 3, "examples": 200},
        {"length": 4, "vocabulary": 4, "order": "random", "examples": 600},
    ]

    @property
    def string_ids(self):
        return self.vocabulary - 1

    @property
    def vocabulary_size(self):
        return self.vocabulary + self.length - 1

    def answer(self, example):
        tokens, n = example.tokens, self.length - 1
        hold(len(tokens) == 2 * n + 1 and tokens[n] == self.vocabulary - 1, "no compression token")
        string, places = tokens[:n], [token - self.vocabulary for token in tokens[n + 1 :]]
        hold(max(string) < self.string_ids, "an id of the string is none")
        hold(sorted(places) == list(range(n)), "not every place is asked for once")
        if self.order == "ascending":
            hold(places == list(range(n)), "the places do not ascend")
        else:
            self.tally.uniform("first place", places[0], n)
            self.tally.uniform("last place", places[-1], n)
        if n > 8:
            self.tally.uniform("string", string, self.string_ids)
        targets = {n + 1 + at: string[place] for at, place in enumerate(places)}
        return Answer(targets, n, length=self.length)

    def word(self, example):
        n = self.length - 1
        return "strings", tuple(example.tokens[:n]), self.string_ids**n


TASKS = [Copying, SelectiveCopying, Compression]
