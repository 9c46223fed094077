"""Modular arithmetic: a recursive-descent parser and the grammar of the bracketed form."""

from .common import Answer, Task, between, hold, span


class ModularArithmetic(Task):
    name = "modular-arithmetic"
    cases = [
        {},
        {"brackets": True},
        {"brackets": True, "multiplication": False, "length": 40},
        {"multiplication": False, "modulus": 7},
        {"length": 3, "modulus": 3},
        {"length": 5, "modulus": 3, "examples": 800},
        {"length": between(3, 7), "brackets": True, "modulus": 4},
        {"length": between(40, 256), "brackets": True, "examples": 60},
    ]

    @property
    def vocabulary_size(self):
        return self.modulus + (6 if self.brackets else 4)

    def answer(self, example):
        tokens, m = example.tokens, self.modulus
        lengths = [n for n in span(self.length) if self.brackets or n % 2]
        length = len(tokens) + 1
        hold(length in lengths, f"the length is {length}")
        self.tally.uniform("length", lengths.index(length), len(lengths))
        hold(
            tokens[-1] == m + 3 and m + 3 not in tokens[:-1],
            "there is not one equals sign at the end",
        )
        expression = tokens[:-1]
        self.operators = range(m, m + 2 + self.multiplication)
        if self.brackets:
            value, depth, end = self.grammar(expression, 0)
            hold(end == len(expression), "the expression goes on")
        else:
            depth = 0
            hold(all(digit < m for digit in expression[::2]), "no digit")
            hold(all(sign in self.operators for sign in expression[1::2]), "no operator")
            if len(expression) > 20:
                self.tally.uniform("digits", expression[::2], m)
                self.tally.uniform(
                    "operators", [sign - m for sign in expression[1::2]], len(self.operators)
                )
            value = None
        plain = self.precedence(expression)
        hold(value is None or (value - plain) % m == 0, "the oracle contradicts itself")
        return Answer({len(tokens) - 1: plain % m}, length=length, depth=depth)

    def grammar(self, tokens, at):
        """d, -d, (d), (-d) and (left operator right): the value, the depth of brackets, the end."""
        m = self.modulus
        if tokens[at] < m:
            return tokens[at], 0, at + 1
        if tokens[at] == m + 1:
            hold(tokens[at + 1] < m, "a sign before no digit")
            return -tokens[at + 1], 0, at + 2
        hold(tokens[at] == m + 4, f"no expression at {at}")
        left, deep, end = self.grammar(tokens, at + 1)
        if tokens[end] == m + 5:
            hold(
                end - at <= 3 and tokens[at + 1] != m + 4,
                "brackets around an expression that has them",
            )
            return left, deep + 1, end + 1
        sign = tokens[end] - m
        hold(tokens[end] in self.operators, f"no operator at {end}")
        right, deeper, close = self.grammar(tokens, end + 1)
        hold(tokens[close] == m + 5, f"no closing bracket at {close}")
        size = close + 1 - at
        if len(tokens) > 20:
            self.tally.uniform("operators", sign, len(self.operators))
        # The left part of one of n tokens has 1 ... n - 4, each as likely.
        if 20 < len(tokens) and size < 60:
            self.tally.uniform(f"left part of {size}", end - at - 2, size - 4)
        value = (left + right, left - right, left * right)[sign]
        return value % m, max(deep, deeper) + 1, close + 1

    def precedence(self, tokens):
        """The value by the rules of precedence alone."""
        m, end = self.modulus, 0

        def factor():
            nonlocal end
            token = tokens[end]
            end += 1
            if token == m + 1:
                return -factor()
            if token == m + 4:
                value = total()
                hold(tokens[end] == m + 5, "a bracket is not closed")
                end += 1
                return value
            return token

        def product():
            nonlocal end
            value = factor()
            while end < len(tokens) and tokens[end] == m + 2:
                end += 1
                value = value * factor() % m
            return value

        def total():
            nonlocal end
            value = product()
            while end < len(tokens) and tokens[end] in (m, m + 1):
                sign = tokens[end]
                end += 1
                value += product() if sign == m else -product()
            return value

        value = total()
        hold(end == len(tokens), "no expression")
        return value % m

    def word(self, example):
        size = len(example.tokens) - 1
        operators = 2 + self.multiplication
        total = (
            None if self.brackets else self.modulus ** (size // 2 + 1) * operators ** (size // 2)
        )
        return f"length {size}", tuple(example.tokens), total

    def chances(self, examples):
        return {"tokenAccuracy": 1 / self.modulus}


TASKS = [ModularArithmetic]
