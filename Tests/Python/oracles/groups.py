"""Word problems of groups: the multiplication table is gathered from the targets and judged."""

import collections
import itertools

import numpy as np

from .common import Answer, Task, between, hold, span


def permutations(n, even=False):
    def sign(p):
        return sum(p[i] > p[j] for i in range(n) for j in range(i + 1, n)) % 2

    return [p for p in itertools.permutations(range(n)) if not (even and sign(p))]


def product(groups):
    """The elements of a direct product and their multiplication, first one and then the other."""
    elements = list(itertools.product(*[group[0] for group in groups]))
    return elements, lambda a, b: tuple(
        group[1](x, y) for group, x, y in zip(groups, a, b, strict=True)
    )


def named(name):
    if "x" in name:
        return product([named(part) for part in name.split("x")])
    kind, n = name[0], int(name[1:])
    if kind == "Z":
        return list(range(n)), lambda a, b: (a + b) % n
    if kind == "D":  # rotation r^a, then flip^b

        def dihedral(one, two):
            return (one[0] + (-two[0] if one[1] else two[0])) % n, one[1] ^ two[1]

        return list(itertools.product(range(n), range(2))), dihedral
    return permutations(n, even=kind == "A"), lambda a, b: tuple(b[image] for image in a)


def invariants(elements, multiply):
    """How many elements there are of each order, and of how many others each is the square and
    with how many it commutes."""
    identity = next(e for e in elements if all(multiply(e, x) == x for x in elements[:20]))
    squares = collections.Counter(multiply(e, e) for e in elements)
    rows = []
    for element in elements:
        order, power = 1, element
        while power != identity:
            order, power = order + 1, multiply(power, element)
        commuting = sum(multiply(element, other) == multiply(other, element) for other in elements)
        rows.append((order, squares[element], commuting))
    return rows


class GroupWordProblem(Task):
    """Ids are elements in an order of the program's own. So the table is gathered from the targets
    of cases that show every product; it must never contradict itself and be the named group's."""

    name = "group-word-problem"
    effort = 3
    cases = [
        {"examples": 4000},
        {"alphabet": "swaps"},
        {"alphabet": "generators", "length": between(10, 30)},
        {"group": "S3", "length": 10},
        {"group": "S3", "length": 3, "target": "final", "examples": 3400},
        {"group": "A4xZ5", "examples": 800},
        {"group": "A4xZ5", "alphabet": "generators", "length": between(2, 40)},
        {"group": "S4", "examples": 300},
        {"group": "S4", "alphabet": "swaps", "target": "final", "length": between(2, 60)},
        {"group": "D4", "length": between(2, 6), "examples": 500},
        {"group": "Z2", "length": 30},
        {"group": "Z60", "examples": 800},
        {"group": "A5", "examples": 800},
    ]
    tables = collections.defaultdict(dict)

    def __init__(self, settings):
        super().__init__(settings)
        self.elements, self.multiply = named(self.group)
        self.order, self.letters = len(self.elements), collections.Counter()

    @property
    def vocabulary_size(self):
        return self.order

    def answer(self, example):
        tokens, sizes, table, state = example.tokens, span(self.length), self.tables[self.group], 0
        hold(len(tokens) in sizes, f"the length is {len(tokens)}")
        self.tally.uniform("length", len(tokens) - sizes[0], len(sizes))
        if len(tokens) >= 10:
            self.letters.update(tokens)
        targets = {}
        for at, token in enumerate(tokens):
            known = table.get((state, token))
            if known is None:
                hold(
                    self.target == "running" and at in example.targets,
                    "a product that was never shown",
                )
                known = table[state, token] = example.targets[at]
            state = known
            if self.target == "running" or at == len(tokens) - 1:
                targets[at] = state
        return Answer(targets, length=len(tokens))

    def word(self, example):
        total = self.order ** len(example.tokens) if self.alphabet == "all" else None
        return f"length {len(example.tokens)}", tuple(example.tokens), total

    def finish(self, program, data):
        table, n = self.tables[self.group], self.order
        if len(table) < n * n:
            hold(self.alphabet == "all", "the case with all elements must come first")
            hold(False, f"only {len(table)} of {n * n} products were seen")
        matrix = np.array([[table[a, b] for b in range(n)] for a in range(n)])
        every = np.arange(n)
        hold((matrix[0] == every).all() and (matrix[:, 0] == every).all(), "0 is not the identity")
        hold(
            all(len(set(row)) == n for row in [*matrix.tolist(), *matrix.T.tolist()]),
            "no Latin square",
        )
        for a in range(n):
            hold((matrix[matrix[a]] == matrix[a][matrix]).all(), "products are not associative")
        mine = invariants(list(range(n)), lambda a, b: int(matrix[a, b]))
        theirs = invariants(self.elements, self.multiply)
        hold(sorted(mine) == sorted(theirs), f"the group is not {self.group}")
        if self.group == "S3":  # the example of the documentation: first (12), then (23)
            hold((matrix[2, 1], matrix[4, 2]) == (4, 5), "the product is taken from right to left")
        letters = sorted(self.letters)
        if not letters:
            return
        expected = self.letters.total() / len(letters)
        chi = sum((count - expected) ** 2 / expected for count in self.letters.values())
        hold(
            chi < len(letters) + 6 * (2 * len(letters)) ** 0.5 + 6,
            f"letters are not equally likely: {chi:.0f}",
        )
        reached = {0}
        while len(reached) < len(
            more := reached | set(matrix[np.ix_(list(reached), letters)].ravel().tolist())
        ):
            reached = more
        hold(
            len(reached) == n and letters[0] == 0,
            "the letters and the identity do not generate the group",
        )
        if self.alphabet == "all":
            hold(len(letters) == n, "letters are missing")
        elif self.alphabet == "swaps":
            swaps = [
                row
                for row, p in zip(theirs, self.elements, strict=True)
                if sum(image != point for point, image in enumerate(p)) == 2
            ]
            hold(
                sorted(mine[letter] for letter in letters[1:]) == sorted(swaps),
                "the letters are not the swaps",
            )
        else:
            hold(len(letters) < 8, f"{len(letters)} generators")

    def chances(self, examples):
        sizes = span(self.length)
        powers = [size if self.target == "running" else 1 for size in sizes]
        return {
            "tokenAccuracy": 1 / self.order,
            "sequenceAccuracy": sum(self.order**-power for power in powers) / len(sizes),
        }


TASKS = [GroupWordProblem]
