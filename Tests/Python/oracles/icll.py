"""In-context regular languages: the true distributions are learned anew, from the data alone."""

import collections

import numpy as np

from .common import SPLITS, Answer, Task, between, bounds, hold, span


class Machine:
    """The automaton that explains strings in which every prefix is labelled by what may follow.

    Prefixes make a tree; its nodes are merged, nearest to the root first, wherever no two labels
    contradict (Oncina and García 1992, "Inferring regular languages in polynomial updated time").
    With enough strings of a language this is its minimal automaton.
    """

    def __init__(self, strings):
        self.edges, self.labels = [{}], [None]
        for string, labels in strings:
            node = 0
            for letter, label in zip([None, *string], labels, strict=True):
                if letter is not None:
                    if letter not in self.edges[node]:
                        self.edges[node][letter] = len(self.edges)
                        self.edges.append({})
                        self.labels.append(None)
                    node = self.edges[node][letter]
                if label is not None:
                    hold(
                        self.labels[node] in (None, label),
                        "a prefix is followed by different letters",
                    )
                    self.labels[node] = label
        self.merge_all()

    def merge_all(self):
        red = [0]
        while True:
            blue = [
                (node, letter)
                for node in red
                for letter in sorted(self.edges[node])
                if self.edges[node][letter] not in red
            ]
            if not blue:
                break
            parent, letter = blue[0]
            child = self.edges[parent][letter]
            for node in red:
                undo = []
                if self.labels[child] is not None and self.fold(node, child, undo):
                    undo.append((self.edges[parent], letter, child))
                    self.edges[parent][letter] = node
                    break
                for table, key, value in reversed(undo):
                    if value is None and isinstance(table, dict):
                        del table[key]
                    else:
                        table[key] = value
            else:
                red.append(child)
        self.red = red

    def fold(self, into, node, undo):
        stack = [(into, node)]
        while stack:
            into, node = stack.pop()
            one, two = self.labels[into], self.labels[node]
            if one is not None and two is not None and one != two:
                return False
            if one is None and two is not None:
                undo.append((self.labels, into, None))
                self.labels[into] = two
            for letter, child in self.edges[node].items():
                other = self.edges[into].get(letter)
                if other is None:
                    undo.append((self.edges[into], letter, None))
                    self.edges[into][letter] = child
                else:
                    stack.append((other, child))
        return True

    def canonical(self):
        """The same for the same language, breadth first; none where not every edge was seen."""
        order, rows = [0], []
        for node in order:
            label = self.labels[node]
            if label is None or set(self.edges[node]) != set(label):
                return None
            for letter in label:
                if self.edges[node][letter] not in order:
                    order.append(self.edges[node][letter])
            rows.append(tuple((letter, order.index(self.edges[node][letter])) for letter in label))
        return tuple(rows)


class NGrams:
    """Katz's back-off without discounts over the strings so far.

    A letter has its share of a context's occurrences, whose present one has no follower yet; what
    is left goes to the others in the proportions of the shorter context. What nobody is there to
    take is shared by all.
    """

    def __init__(self, n, symbols):
        self.n, self.symbols = n, symbols
        self.occurrences = collections.Counter()
        self.followers = collections.defaultdict(collections.Counter)

    def see(self, history, letter=None):
        """A place with these letters before it, and what came there, once that is known."""
        for size in range(self.n):
            context = tuple(history[len(history) - size :])
            if letter is None:
                self.occurrences[context] += 1
            else:
                self.followers[context][letter] += 1

    def distribution(self, history):
        row, mass = np.zeros(self.symbols), 1.0
        for size in reversed(range(self.n)):
            context = tuple(history[len(history) - size :])
            counts = self.followers[context]
            new = {letter: count for letter, count in counts.items() if row[letter] == 0}
            free = self.occurrences[context] - counts.total() if size else 0
            if new:
                total = sum(new.values()) + free
                for letter, count in new.items():
                    row[letter] = mass * count / total
                mass *= free / total
        return row / row.sum() if row.any() else np.full(self.symbols, 1 / self.symbols)


class RegularLanguages(Task):
    name = "icll"
    examples = 30
    effort = 9
    cases = [
        {},
        {"problems": 4, "examples": 64, "stringLength": between(5, 30)},
        {
            "states": 3,
            "symbols": 4,
            "alphabet": between(2, 4),
            "edges": 1,
            "strings": between(3, 5),
            "stringLength": between(6, 9),
            "examples": 200,
        },
        {
            "states": between(3, 4),
            "symbols": 3,
            "alphabet": between(2, 3),
            "edges": between(1, 2),
            "stringLength": 12,
            "strings": 30,
            "examples": 70,
        },
        {
            "states": between(8, 12),
            "strings": 60,
            "stringLength": 30,
            "examples": 8,
            "edges": between(2, 3),
        },
        {"strings": 2, "stringLength": 1, "examples": 100},
    ]

    def __init__(self, settings):
        super().__init__(settings)
        self.strings = collections.defaultdict(list)

    @property
    def vocabulary_size(self):
        return self.symbols + 1

    def answer(self, example):
        tokens, bar, choices = example.tokens, self.symbols, example.choices
        hold(choices is not None and len(choices) == len(tokens), "no choices")
        strings, string, start = [], [], None
        targets, labelled, labels = {}, [], [None]
        for at, token in enumerate(tokens):
            if token == bar:
                hold(choices[at] is not None, f"no choices after the separator at {at}")
                first = tuple(choices[at])
                hold(start in (None, first), "strings do not start alike")
                start = first
                strings.append(string)
                labelled.append((string, labels))
                string, labels = [], [first]
            else:
                string = [*string, token]
                labels = [*labels, None if choices[at] is None else tuple(choices[at])]
            follower = tokens[at + 1] if at + 1 < len(tokens) else bar
            hold((choices[at] is None) == (follower == bar), f"choices at {at}")
            if follower != bar:
                hold(
                    choices[at] == sorted(set(choices[at])) and follower in choices[at],
                    f"the choices at {at}",
                )
                targets[at] = follower
                few, most = bounds(self.edges)
                hold(1 <= len(choices[at]) <= most, f"{len(choices[at])} choices at {at}")
                hold(len(choices[at]) >= min(few, bounds(self.states)[0] - 1), "too few edges")
                self.tally.uniform(
                    f"letter of {len(choices[at])}", choices[at].index(follower), len(choices[at])
                )
        strings.append(string)
        labelled.append((string, labels))
        counts, sizes = span(self.settings["strings"]), span(self.stringLength)
        hold(len(strings) in counts, f"{len(strings)} strings")
        self.tally.uniform("strings", len(strings) - counts[0], len(counts))
        for one in strings:
            hold(len(one) in sizes, f"a string of {len(one)} letters")
            self.tally.uniform("string length", len(one) - sizes[0], len(sizes))
        letters = {letter for row in choices if row for letter in row} | {tokens[0]}
        hold(len(letters) <= bounds(self.alphabet)[1], f"{len(letters)} letters")
        example.labelled = labelled
        states = example.slices["states"]
        hold(states <= bounds(self.states)[1], f"{states} states")
        return Answer(targets, states=states, length=len(tokens))

    def word(self, example):
        return None

    def finish(self, program, data):
        """Languages are learned from all examples of a problem; none is in two splits."""
        found = {split: set() for split in SPLITS}
        known = 0
        for split, examples in data.items():
            groups = [[example] for example in examples]
            if self.problems:
                groups = [examples[one :: self.problems] for one in range(self.problems)]
            languages = []
            for group in groups:
                strings = [pair for example in group[:40] for pair in example.labelled]
                language = Machine(strings).canonical()
                if language is None:
                    continue
                stated = {example.slices["states"] for example in group}
                # With few strings a smaller automaton may explain them; never with many.
                if (
                    len(strings) >= 60
                    or self.symbols <= 4
                    and len(strings) >= 30
                    or self.edges == 1
                ):
                    hold(
                        stated == {len(language)},
                        f"{split}: {stated} states stated, {len(language)} learned",
                    )
                    languages.append(language)
            known += len(languages)
            if self.problems:
                hold(
                    len(languages) == len(set(languages)) == self.problems,
                    "problems share a language",
                )
            found[split] = set(languages)
        sets = list(found.values())
        hold(
            not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2]),
            "two splits share a language",
        )
        hold(known > 0 or len(data["train"]) * self.problems == 0, "no language could be learned")

    def truths(self, examples):
        lines = []
        for example in examples:
            rows = []
            for allowed in example.choices:
                row = np.zeros(self.symbols + 1)
                if allowed:
                    row[allowed] = 1 / len(allowed)
                rows.append(row.tolist() if allowed else None)
            lines.append({"probabilities": rows})
        return lines

    def check_truth(self, scores):
        hold(
            scores["totalVariation"] < 1e-9 and scores["grammarAccuracy"] == 1,
            "the truth scores",
            scores,
        )

    def chances(self, examples):
        return {
            "tokenAccuracy": 1 / self.symbols,
            "totalVariation": None,
            "grammarAccuracy": None,
            "loss": float(np.log(self.symbols)),
        }

    def baselines(self, examples):
        return None

    def check_summary(self, summary, examples):
        shares = np.array([len(e.choices[at]) / self.symbols for e in examples for at in e.targets])
        chances = {entry["metric"]: entry["chance"] for entry in summary["further"]}
        hold(
            abs(summary["chance"] - 1 + shares.mean()) < 1e-6,
            f"chance is {summary['chance']}, not {1 - shares.mean()}",
        )
        deviation = (shares * (1 - shares)).sum() ** 0.5 / len(shares)
        hold(
            abs(chances["grammarAccuracy"] - shares.mean()) < 5 * deviation,
            "chance of grammarAccuracy",
        )
        scores = {entry["name"]: entry["scores"] for entry in summary["baselines"]}
        hold(set(scores) == {"2-gram", "3-gram"}, "the baselines are", set(scores))
        for n in (2, 3):
            distance, right = self.score_ngrams(n, examples)
            found = scores[f"{n}-gram"]["totalVariation"], scores[f"{n}-gram"]["grammarAccuracy"]
            hold(
                abs(found[0] - distance) < 1e-6,
                f"the {n}-gram's distance is {found[0]}, not {distance}",
            )
            hold(
                abs(found[1] - right) < 2e-3,
                f"the {n}-gram's grammar accuracy is {found[1]}, not {right}",
            )

    def score_ngrams(self, n, examples):
        distances, right = [], 0
        for example in examples:
            model, history = NGrams(n, self.symbols), [-1] * (n - 1)
            model.see(history)
            for at, token in enumerate(example.tokens):
                if token == self.symbols:
                    history = [-1] * (n - 1)
                else:
                    model.see(history, token)
                    history.append(token)
                model.see(history)
                if at in example.targets:
                    row, true = model.distribution(history), np.zeros(self.symbols)
                    true[example.choices[at]] = 1 / len(example.choices[at])
                    distances.append(abs(row - true).sum() / 2)
                    right += true[row.argmax()] > 0
        return np.mean(distances), right / len(distances)


TASKS = [RegularLanguages]
