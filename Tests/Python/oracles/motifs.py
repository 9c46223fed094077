"""Fuzzy recall: keys and values of several tokens."""

import math

from .common import Answer, Task, between, bounds, hold, span


class FuzzyRecall(Task):
    name = "fuzzy-recall"
    cases = [
        {},
        {"scored": "last"},
        {"keyLength": 1, "valueLength": 1, "vocabulary": 6, "length": 10},
        {
            "keyLength": 2,
            "valueLength": between(2, 4),
            "length": 60,
            "scored": "last",
            "repeats": 2,
        },
        {"keyLength": 3, "vocabulary": 40},
        {"keyLength": 1, "valueLength": 2, "vocabulary": 200, "length": 40},
    ]

    def answer(self, example):
        tokens, last = example.tokens, self.scored == "last"
        hold(len(tokens) == self.length, "the length")
        content = self.vocabulary - 1 - last
        nk, padding, marker = content // 2, content, self.vocabulary - 1
        end = len(tokens)
        if last:
            hold(tokens.count(marker) == 1, "there is not one marker")
            end = tokens.index(marker)
        at = 0
        while tokens[at] == padding:
            at += 1
        hold(padding not in tokens[at:], "padding stands in the stream")
        longest = bounds(self.keyLength)[1] + bounds(self.valueLength)[1]
        hold(at <= longest, f"{at} tokens of padding where another pair fits")
        runs = self.runs(tokens[at:end], nk)
        query = self.runs(tokens[end + 1 :], nk) if last else []
        place, table, targets = at, {}, {}
        for number in range(0, len(runs), 2):
            key = runs[number]
            value = runs[number + 1] if number + 1 < len(runs) else ()
            self.motif(key, self.keyLength)
            final = not last and number + 2 >= len(runs)
            if key in table:
                whole = table[key]
                hold(value == whole[:-1] if final else value == whole, "a key's value changed")
                if not last:
                    targets |= {
                        place + len(key) - 1 + one: token for one, token in enumerate(whole)
                    }
            else:
                hold(not final, "the key at the end was not shown before")
                self.motif(value, self.valueLength)
                table[key] = value
                self.tally.uniform("value tokens", value[0] - nk, content - nk)
            place += len(key) + len(value)
        start = 0
        if last:
            start, key, so_far = end, query[0], query[1] if len(query) > 1 else ()
            hold(key in table and table[key][:-1] == so_far, "the question is none")
            first = end + len(key)
            targets = {first + one: token for one, token in enumerate(table[key])}
        keys = 1 << (len(table) - 1).bit_length()
        return Answer(targets, start, keys=keys, length=self.length)

    def motif(self, tokens, lengths):
        hold(len(tokens) in span(lengths), f"a motif of {len(tokens)} tokens")
        hold(len(set(tokens)) == len(tokens), "a motif has a token twice")

    @staticmethod
    def runs(tokens, nk):
        """The motifs: keys' tokens and values' tokens take turns."""
        runs = []
        for token in tokens:
            if runs and (runs[-1][-1] < nk) == (token < nk):
                runs[-1].append(token)
            else:
                runs.append([token])
        hold(not runs or runs[0][0] < nk, "a value comes before a key")
        return [tuple(run) for run in runs]

    def word(self, example):
        motifs = math.perm((self.vocabulary - 2) // 2, bounds(self.keyLength)[0])
        return super().word(example) if motifs > 90 else None

    def chances(self, examples):
        content = self.vocabulary - 1 - (self.scored == "last")
        return {"tokenAccuracy": 1 / (content - content // 2)}


TASKS = [FuzzyRecall]
