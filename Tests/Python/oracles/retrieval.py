"""One thing to be found in a long text: pass keys, what two sets share, phone books."""

import json

import numpy as np

from .common import SEED, Answer, Task, between, bounds, hold, span

DIGIT = 4  # the id of digit 0


class Passkey(Task):
    name = "passkey"
    examples = 300
    cases = [
        {},
        {"filler": "random", "distractors": 2},
        {"filler": "clean-text", "distractors": 1, "length": 300},
        {
            "length": between(40, 90),
            "digits": 3,
            "depth": between(10, 95),
            "depthStep": 20,
            "repeats": 2,
        },
        {"digits": 1, "length": 20},
        {"digits": 2, "length": 15, "depth": 50, "examples": 1500},
        {
            "length": 400,
            "depth": 100,
            "vocabulary": 40,
            "filler": "random",
            "digits": 8,
            "examples": 80,
        },
    ]
    blocks = {"repeat": 24, "random": 8, "clean-text": 8}

    def __init__(self, settings):
        super().__init__(settings)
        self.repeated = None
        self.words = [set() for _ in range(8)]

    def answer(self, example):
        tokens, lengths = example.tokens, span(self.length)
        hold(len(tokens) in lengths, "the length")
        self.tally.uniform("length", len(tokens) - lengths[0], len(lengths))
        start = len(tokens) - self.digits
        hold(tokens[0] == 0 and 0 not in tokens[1:], "there is not one header")
        hold(tokens[start] == 3 and tokens.count(3) == 1, "there is not one question marker")
        text, numbers, at = [], [], 1
        while at < start:
            token = tokens[at]
            if token >= DIGIT + 10:
                text.append(token)
                at += 1
                continue
            hold(token in (1, 2), f"a digit outside a number at {at}")
            size = self.digits + 1
            once, again = (tokens[at + shift + 1 : at + shift + size] for shift in (0, size))
            hold(
                tokens[at + size] == token and once == again,
                f"the number at {at} does not stand twice",
            )
            hold(all(DIGIT <= digit < DIGIT + 10 for digit in once), f"no digits at {at}")
            numbers.append((token, tuple(once), len(text)))
            at += 2 * size
        hold(at == start, "a number runs into the question")
        keys = [(number, before) for marker, number, before in numbers if marker == 1]
        others = [(number, before) for marker, number, before in numbers if marker == 2]
        hold(
            len(keys) == 1 and len(others) == self.distractors, "not one key, or other distractors"
        )
        (key, before), block = keys[0], self.blocks[self.filler]
        hold(all(number != key for number, _ in others), "a distractor is the key")
        hold(all(place % block == 0 for _, place in others), "a distractor within a block")
        count = len(text) // block + 1  # the last block is the rest, which may be empty
        for _, place in others:
            self.tally.uniform("distractor's block", place // block, count)
        low, high = bounds(self.depth)
        depths = list(range(low, high + 1, self.depthStep))
        depth = example.slices["depth"]
        hold(depth in depths, f"the depth {depth}")
        self.tally.uniform("depth", depths.index(depth), len(depths))
        hold(
            before == depth * (count - 1) // 100 * block,
            f"{before} tokens of text before the key at depth {depth}",
        )
        if self.digits > 4:
            self.tally.uniform("digits", [digit - DIGIT for digit in key], 10)
        self.check_text(text, block)
        answer = {start + place: digit for place, digit in enumerate(key)}
        hold(tuple(tokens[start + 1 :]) == key[:-1], "the answer so far is not in the input")
        return Answer(answer, start, length=len(tokens), depth=depth)

    def check_text(self, text, block):
        ids = [token - DIGIT - 10 for token in text]
        if self.filler == "random":
            self.tally.uniform("text", ids, self.vocabulary - DIGIT - 10)
        elif self.filler == "repeat":
            self.repeated = max(self.repeated or [], ids[:block], key=len)
            hold(
                all(one == self.repeated[at % block] for at, one in enumerate(ids)),
                "the text does not repeat",
            )
        else:
            for at, one in enumerate(ids):
                self.words[at % block].add(one)

    def finish(self, program, data):
        if self.filler == "clean-text":
            # The words that change are of three kinds.
            changing = {frozenset(words) for words in self.words if len(words) > 1}
            hold(
                len(changing) == 3 and sum(map(len, changing)) == len(frozenset().union(*changing)),
                "the kinds of words are",
                changing,
            )
        self.check_prompts(program, data["test"][:20])

    def check_prompts(self, program, examples):
        given = {key: self.settings[key] for key in self.settings if key != "examples"}
        for example, line in zip(
            examples,
            program.lines(
                self.name, given, "test", len(examples), "--seed", SEED, "--format", "text"
            ),
            strict=True,
        ):
            text = json.loads(line)
            number = "".join(str(token - DIGIT) for token in example.targets.values())
            hold(
                text["answers"] == [number],
                f"the prompt's answer is {text['answers']}, not {number}",
            )
            hold(
                text["prompt"].count(f"The pass key is {number}.") == self.repeats
                and text["prompt"].count(f"{number} is the pass key.") == self.repeats,
                "the prompt lacks the key",
            )
            hold(
                text["prompt"].count("door code") == 2 * self.distractors * self.repeats,
                "door codes",
            )

    def word(self, example):
        return "keys", tuple(example.targets.values()), 10**self.digits

    def chances(self, examples):
        return {"answerAccuracy": 10**-self.digits, "tokenAccuracy": 0.1}


class SetDisjointness(Task):
    name = "set-disjointness"
    cases = [
        {},
        {"mode": "decision"},
        {"first": 16, "second": 4, "vocabulary": 60},
        {"first": 1, "second": 1, "vocabulary": 6},
        {"first": 1, "second": 1, "vocabulary": 8, "mode": "decision"},
        {"first": 16, "second": 16, "repeats": 3, "vocabulary": 101},
        {"first": 7, "second": 100, "mode": "decision"},
    ]

    def answer(self, example):
        tokens, (a, b) = example.tokens, (self.first, self.second)
        decision = self.mode == "decision"
        hold(len(tokens) == a + b + 3, "the length")
        one, two = tokens[1 : a + 1], tokens[a + 2 : a + b + 2]
        hold(tokens[0] == 1 and tokens[a + 1] == 2 and tokens[-1] == 3, "a separator is missing")
        content = self.vocabulary - 4 - 2 * decision
        hold(len(set(one)) == a and len(set(two)) == b, "an element returns")
        common = set(one) & set(two)
        self.tally.uniform("elements", [token - 4 for token in one], content)
        if decision:
            hold(len(common) <= 1, "more than one common element")
            self.tally.uniform("decision", len(common), 2)
            answer = self.vocabulary - 2 + len(common)
        else:
            hold(len(common) == 1, "not one common element")
            answer = next(iter(common))
        for element in common:
            self.tally.uniform("place in A", one.index(element), a)
            self.tally.uniform("place in B", two.index(element), b)
        order = 0 if a < b else 1 if a > b else 2
        return Answer({len(tokens) - 1: answer}, len(tokens) - 1, first=a, second=b, order=order)

    def word(self, example):
        return super().word(example) if self.first + self.second > 10 else None

    def chances(self, examples):
        return {
            "tokenAccuracy": 0.5 if self.mode == "decision" else 1 / min(self.first, self.second)
        }

    def baselines(self, examples):
        if self.mode == "decision":
            return {}
        return {
            "random member of the smaller set": [[1 / min(self.first, self.second)]] * len(examples)
        }


class PhoneBook(Task):
    name = "phone-book"
    examples = 200
    cases = [
        {},
        {"question": "before", "entries": between(3, 20), "queries": between(1, 3), "digits": 2},
        {"question": "both", "repeats": 2, "digits": 4},
        {"entries": 1, "queries": 1, "digits": 1, "firstNames": 1, "lastNames": 1},
        {"entries": 12, "queries": 12, "firstNames": 3, "lastNames": 4, "digits": 3},
        {"entries": between(200, 300), "queries": between(1, 32), "examples": 12},
    ]

    @property
    def vocabulary_size(self):
        return 14 + self.firstNames + self.lastNames

    def is_name(self, first, last):
        return 14 <= first < 14 + self.firstNames <= last < self.vocabulary_size

    def answer(self, example):
        tokens, d, at, front, book = example.tokens, self.digits, 0, [], {}
        early, late = self.question != "after", self.question != "before"
        while early and tokens[at] == 2:
            hold(
                tokens[at + 3] == 1 and self.is_name(*tokens[at + 1 : at + 3]), "a question is none"
            )
            front.append(tuple(tokens[at + 1 : at + 3]))
            at += 4
        while at < len(tokens) and tokens[at] != 2:
            name, number = tuple(tokens[at : at + 2]), tokens[at + 3 : at + 3 + d]
            hold(
                self.is_name(*name) and tokens[at + 2] == 0 and tokens[at + 3 + d] == 1,
                "an entry is none",
            )
            hold(all(DIGIT <= digit < DIGIT + 10 for digit in number), "a number is none")
            hold(name not in book, "a name stands twice")
            self.tally.uniform("digits", [digit - DIGIT for digit in number], 10)
            book[name] = number
            at += d + 4
        start, targets, asked = at, {}, []
        while at < len(tokens):
            hold(tokens[at] == 2, f"no question at {at}")
            if late:
                asked.append(tuple(tokens[at + 1 : at + 3]))
                at += 2
            else:
                asked.append(front[len(asked)])
            hold(tokens[at + 1] == 3 and asked[-1] in book, "a question is none")
            number = book[asked[-1]]
            written = tokens[at + 2 : at + 2 + d]  # the last digit of all is never in the input
            hold(written in (number, number[:-1]), "the answer so far is not in the input")
            hold((len(written) < d) == (at + 2 + d > len(tokens)), "the answer ends elsewhere")
            targets |= {at + 1 + place: digit for place, digit in enumerate(number)}
            at += d + 2
        hold(not early or asked == front, "other names before than after the book")
        hold(len(set(asked)) == len(asked), "a name is asked for twice")
        names = list(book)
        entries, queries = span(self.entries), span(self.queries)
        hold(len(names) in entries and len(asked) in queries, "entries or queries")
        self.tally.uniform("entries", len(names) - entries[0], len(entries))
        self.tally.uniform("queries", len(asked) - queries[0], len(queries))
        self.tally.uniform("first question", names.index(asked[0]), len(names))
        self.tally.uniform("last question", names.index(asked[-1]), len(names))
        firsts, lasts = np.array(names).T
        self.tally.uniform("first names", firsts - 14, self.firstNames)
        self.tally.uniform("last names", lasts - 14 - self.firstNames, self.lastNames)
        return Answer(targets, start, entries=len(names), queries=len(asked))

    def finish(self, program, data):
        examples = data["test"][:10]
        given = {key: self.settings[key] for key in self.settings if key != "examples"}
        lines = program.lines(
            self.name, given, "test", len(examples), "--seed", SEED, "--format", "text"
        )
        for example, line in zip(examples, lines, strict=True):
            text, digits = (
                json.loads(line),
                [str(token - DIGIT) for token in example.targets.values()],
            )
            numbers = [
                "".join(digits[at : at + self.digits]) for at in range(0, len(digits), self.digits)
            ]
            hold(
                [one.replace("-", "") for one in text["answers"]] == numbers,
                f"the prompt's answers are {text['answers']}, not {numbers}",
            )
            rows = [
                row.replace("-", "").split(": ")
                for row in text["prompt"].splitlines()
                if ": " in row
            ]
            rows = [
                row
                for row in rows
                if len(row) == 2 and row[1].isdigit() and len(row[1]) == self.digits
            ]
            hold(
                len(rows) == self.repeats * example.slices["entries"],
                f"{len(rows)} entries in the prompt",
            )
            book = dict(rows)
            hold(len(book) == example.slices["entries"], "two entries of the prompt have one name")
            last = text["prompt"].splitlines()[-1]
            found = sorted(
                (last.index(name), number) for name, number in book.items() if name in last
            )
            if self.question != "before":
                hold(
                    [number for _, number in found] == numbers,
                    "the prompt asks for other names:",
                    last,
                )

    def word(self, example):
        return super().word(example) if self.digits * bounds(self.entries)[0] > 9 else None

    def chances(self, examples):
        return {
            "tokenAccuracy": 0.1,
            "answerAccuracy": 10**-self.digits,
            "sequenceAccuracy": [0.1 ** len(example.targets) for example in examples],
        }


TASKS = [Passkey, SetDisjointness, PhoneBook]
