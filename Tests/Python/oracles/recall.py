"""Recall: multi-query recall, induction, pairs that return, a map in the weights."""

import numpy as np

from .common import Answer, Task, binomial, bounds, hold, span
from .motifs import FuzzyRecall


class MultiQueryRecall(Task):
    name = "mqar"
    cases = [
        {},
        {"filler": "zero", "pairs": 16},
        {"filler": "random", "vocabulary": 40, "pairs": 8},
        {"length": 16, "gapExponent": 1, "updates": 0},
        {"vocabulary": 4, "length": 4, "pairs": 1},
        {"updates": 5, "length": 48},
        {"composition": 2, "pairs": 9, "length": 101, "updates": 3},
        {
            "repeats": 3,
            "updates": 2,
            "pairs": 3,
            "length": 60,
            "vocabulary": 22,
            "gapExponent": 2.5,
        },
        {"length": 512, "pairs": 64, "vocabulary": 600, "examples": 120},
        {"vocabulary": 9, "pairs": 3, "length": 12},
    ]

    def answer(self, example):
        # The ids are a pool for each part of a key and one for values, of equal sizes.
        tokens, pairs, width = example.tokens, self.pairs, self.composition + 1
        entries, edges = (
            pairs + self.updates,
            [part * self.vocabulary // width for part in range(width + 1)],
        )
        edges[0], half = 1, edges[-2]
        start, shown = width * entries, width * entries * (self.repeats - 1)
        hold(len(tokens) + shown == self.length, "the length")
        rows = [tokens[at : at + width] for at in range(0, start, width)]
        keys, values = [tuple(row[:-1]) for row in rows], [row[-1] for row in rows]
        order = keys[:pairs]
        hold(len(set(order)) == pairs and len(set(values)) == entries, "keys or values return")
        hold(
            all(
                low <= part < high
                for key in keys
                for part, low, high in zip(key, edges, edges[1:], strict=False)
            ),
            "a key's id is none",
        )
        hold(min(values) >= half, "a value's id is none")
        hold(set(keys) == set(order), "an update of a key that was not given")
        for key in keys[pairs:]:
            self.tally.uniform("updated", order.index(key), pairs)
        self.tally.uniform("values", [value - half for value in values], self.vocabulary - half)
        for part in range(width - 1):
            parts = {key[part] for key in order}
            hold(len(parts) ** (width - 1) == pairs, "the keys are no square grid")
            self.tally.uniform(
                f"part {part} of keys",
                [one - edges[part] for one in parts],
                edges[part + 1] - edges[part],
            )
        table = dict(zip(keys, values, strict=True))  # the latest value of a key is right

        slots = (len(tokens) - start) // width
        spots = [start + slot * width for slot in range(slots)]
        at_key = {spot + width - 2: slot for slot, spot in enumerate(spots)}
        if self.filler == "random":
            hold(set(example.targets) <= set(at_key), "a target stands at no key's place")
            asked = [at_key[place] for place in example.targets]
        else:
            asked = [
                slot
                for slot, spot in enumerate(spots)
                if tuple(tokens[spot : spot + width - 1]) in table
            ]
        slot_of = {tuple(tokens[spots[slot] : spots[slot] + width - 1]): slot for slot in asked}
        hold(len(asked) == pairs and set(slot_of) == set(order), "not every key is asked for once")
        self.check_slots([slot_of[key] for key in order], slots)

        used = {place for slot in asked for place in range(spots[slot], spots[slot] + width - 1)}
        filler = np.array([tokens[at] for at in range(start, len(tokens)) if at not in used])
        if self.filler == "zero":
            hold(not filler.any(), "the filler is not 0")
        elif self.filler == "random":
            self.tally.uniform("filler", filler, self.vocabulary)
        else:
            taken = np.array(sorted({part for key in keys for part in key} | set(values)))
            hold(not np.isin(filler, taken).any(), "the filler is a key or a value")
            self.tally.uniform(
                "filler", filler - np.searchsorted(taken, filler), self.vocabulary - len(taken)
            )
        targets = {spots[slot] + width - 2: table[key] for key, slot in slot_of.items()}
        return Answer(targets, start, pairs=pairs, length=self.length)

    def check_slots(self, drawn, slots):
        """Slots are drawn one after the other, those left with weights i^(a-1)."""
        weights = np.arange(1, slots + 1) ** (self.gapExponent - 1.0)
        for number, slot in enumerate(drawn[:4]):
            odds = weights / weights.sum()
            self.tally.odds(f"slot of key {number + 1}", slot, dict(enumerate(odds.tolist())))
            weights[slot] = 0

    def word(self, example):
        return None if self.vocabulary < 1000 else super().word(example)

    def chances(self, examples):
        return {"exampleAccuracy": 1 / self.pairs, "tokenAccuracy": 1 / self.pairs}

    def baselines(self, examples):
        return {"random value of the context": [[1 / self.pairs] * self.pairs for _ in examples]}


class Induction(Task):
    name = "induction"
    cases = [
        {},
        {"trigger": "any"},
        {"length": {"from": 3, "to": 40}, "repeats": 2},
        {"vocabulary": 3, "length": 3},
        {"vocabulary": 500, "length": 20, "trigger": "any", "repeats": 4},
    ]

    def answer(self, example):
        tokens, lengths = example.tokens, span(self.length)
        length, last = len(tokens), len(tokens) - 1
        hold(length in lengths, "the length")
        self.tally.uniform("length", length - lengths[0], len(lengths))
        trigger = tokens[-1]
        if self.trigger == "special":
            hold(trigger == 0, "the trigger is not 0")
        else:
            self.tally.uniform("trigger", trigger, self.vocabulary)
        hold(tokens[:last].count(trigger) == 1, "the trigger does not stand in the text once")
        place = tokens.index(trigger)
        hold(place < last - 1, "the trigger stands at the text's end")
        self.tally.uniform("place", place, last - 1)
        others = np.array([token for token in tokens if token != trigger])
        self.tally.uniform("text", others - (others > trigger), self.vocabulary - 1)
        distance = 1
        while distance < last - place:
            distance *= 2
        return Answer({last: tokens[place + 1]}, last, distance=distance, length=length)

    def word(self, example):
        return None if min(bounds(self.length)) < 20 else super().word(example)

    def chances(self, examples):
        return {"tokenAccuracy": 1 / (self.vocabulary - 1)}


def power_of_two(number):
    return 1 << (number - 1).bit_length()


class AssociativeRecall(Task):
    name = "associative-recall"
    effort = 4
    cases = [
        {},
        {"scored": "repeats"},
        {"vocabulary": 5, "length": 6},
        {"repeats": 3, "length": 40},
        {"vocabulary": 4, "length": 6, "scored": "repeats"},
        {"vocabulary": 300, "length": 64},
        {"vocabulary": 301, "length": 64, "scored": "repeats"},
    ]
    noise = None
    noiseVocabulary = 0

    def answer(self, example):
        tokens, last = example.tokens, self.scored == "last"
        hold(len(tokens) == self.length, "the length")
        content = self.vocabulary - self.noiseVocabulary - last
        nk = content // 2
        nv = content - nk
        body = tokens[:-2] if last else tokens
        table, targets, pairs, noise = {}, {}, 0, 0
        slots = len(body) // 2
        for at in range(0, len(body), 2):
            one, two = body[at : at + 2]
            if one >= content:
                ids = range(content, content + self.noiseVocabulary)
                hold(one in ids and two in ids, f"noise at {at} is none")
                self.tally.uniform("noise", [one - content, two - content], self.noiseVocabulary)
                noise += 1
                continue
            hold(one < nk <= two < content, f"no pair at {at}")
            pairs += 1
            if at < len(body) - 2:
                self.tally.uniform("keys", one, nk)
            if one in table:
                hold(two == table[one], "a key's value changed")
                targets[at] = two
            else:
                table[one] = two
                self.tally.uniform("values", two - nk, nv)
        hold(pairs > 0, "no pair")
        if self.noise is not None:
            # One slot, anywhere, holds a pair in any case, and so does the last one of 'repeats'.
            free = [body[at] < content for at in range(0, 2 * (slots - (not last)), 2)]
            self.tally.odds("noise", noise, binomial(len(free) - 1, self.noise))
            if sum(free) == 1:
                self.tally.uniform("the only pair", free.index(True), len(free))
        start = 0
        if last:
            start = len(body)
            hold(tokens[start] == self.vocabulary - 1, "no marker")
            hold(tokens[-1] in table, "a key is asked for that was not shown")
            self.tally.uniform("asked for", sorted(table).index(tokens[-1]), len(table))
            targets = {len(tokens) - 1: table[tokens[-1]]}
        else:
            hold(len(body) - 2 in targets, "the last slot is not a pair that returns")
        slices = {"keys": power_of_two(len(table)), "length": self.length}
        if self.noise is not None:
            slices["noise"] = round(100 * self.noise)
        return Answer(targets, start, **slices)

    def word(self, example):
        return None if self.vocabulary < 300 else super().word(example)

    def odds(self, example):
        """For each scored position: the share of the keys shown whose value is the answer."""
        tokens, table, rows = example.once(self.repeats).tokens, {}, []
        content = self.vocabulary - self.noiseVocabulary - (self.scored == "last")
        targets = example.once(self.repeats).targets
        for at in range(0, len(tokens), 2):
            if at in targets:
                rows.append(sum(value == targets[at] for value in table.values()) / len(table))
            if tokens[at] < content:
                table[tokens[at]] = tokens[at + 1]
        if self.scored == "last":
            answer = targets[len(tokens) - 1]
            rows = [sum(value == answer for value in table.values()) / len(table)]
        return rows

    def chances(self, examples):
        return {"tokenAccuracy": None}

    def baselines(self, examples):
        return {"random value of the context": [self.odds(example) for example in examples]}

    def check_summary(self, summary, examples):
        rows = [self.odds(example) for example in examples]
        means = np.array([sum(row) for row in rows]), np.array([len(row) for row in rows])
        ratio = means[0].sum() / means[1].sum()
        deviation = ((means[0] - ratio * means[1]) ** 2).sum() ** 0.5 / means[1].sum()
        chance = summary["chance"]
        hold(abs(chance - ratio) < 5 * deviation + 1e-9, f"chance is {chance}, not {ratio:.4f}")


class NoisyRecall(AssociativeRecall):
    name = "noisy-recall"
    effort = 5
    cases = [
        {},
        {"scored": "last"},
        {"noise": 0.0, "scored": "last", "length": 20},
        {"noise": 0.7, "length": 60},
        {"noise": 0.95, "length": 12, "vocabulary": 12, "noiseVocabulary": 4, "scored": "last"},
        {"noise": 0.99, "length": 6, "vocabulary": 11, "noiseVocabulary": 1},
        {"repeats": 2, "scored": "last", "vocabulary": 400, "noiseVocabulary": 50},
    ]

    @property
    def noise(self):
        return self.settings["noise"]

    @property
    def noiseVocabulary(self):
        return self.settings["noiseVocabulary"]


class Memorization(Task):
    """The map must be one, whatever the case: it depends on its seed and the vocabulary alone."""

    name = "memorization"
    cases = [
        {},
        {"length": 200, "examples": 60},
        {"vocabulary": 5, "length": 2},
        {"vocabulary": 8, "length": 8},
        {"vocabulary": 5, "length": 20, "mapSeed": 7},
    ]
    maps = {}

    def answer(self, example):
        tokens = example.tokens
        nk, insert = (self.vocabulary - 1) // 2, self.vocabulary - 1
        hold(len(tokens) == self.length, "the length")
        hold(
            set(tokens[1::2]) == {insert} and max(tokens[::2]) < nk,
            "a key or an insert token is none",
        )
        self.tally.uniform("keys", tokens[::2], nk)
        known = self.maps.setdefault((self.vocabulary, self.mapSeed), {})
        targets = {}
        for at in range(0, len(tokens), 2):
            # The map is nowhere in the tokens; what was seen first must hold everywhere.
            value = example.targets.get(at + 1)
            hold(value is not None and nk <= value < insert, f"no value at {at + 1}")
            targets[at + 1] = known.setdefault(tokens[at], value)
        hold(len(set(known.values())) == len(known), "two keys have one value")
        return Answer(targets, keys=nk, length=self.length)

    def word(self, example):
        return None

    def chances(self, examples):
        return {"tokenAccuracy": 1 / (self.vocabulary - 1 - (self.vocabulary - 1) // 2)}


TASKS = [MultiQueryRecall, Induction, AssociativeRecall, NoisyRecall, FuzzyRecall, Memorization]
