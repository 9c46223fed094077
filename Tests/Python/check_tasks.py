#!/usr/bin/env python3
"""An independent check of every task: Python and numpy, nothing of the program but what it writes.

    python3 Tests/Python/check_tasks.py .build/release/hysteresis

For every task and several settings of each, every example that `generate` writes is parsed and
solved again by an oracle that was written from the tasks' definitions and not from their sources
(the folder oracles beside this file): ids, layout, targets, what is scored, slices, choices. How
often things are drawn is compared with the exact odds, the splits with each other, the line of
chance and the baselines of `score` with what they must be. Each oracle must also see what was
wronged on purpose. Exits with status 1 at the first thing that is wrong.
"""

import argparse
import collections
import concurrent.futures
import copy
import json
import sys
import tempfile

from oracles import copying, expressions, groups, icll, languages, recall, retrieval, state, words
from oracles.common import SEED, SPLITS, Example, Program, Wrong, hold

TASKS = [
    task
    for module in (recall, copying, retrieval, words, icll, expressions, state, languages, groups)
    for task in module.TASKS
]


def same(found, wanted, what):
    hold(found == wanted, f"{what} {found}, not {wanted}")


def check_example(task, example):
    """Everything that one example must be."""
    size = task.vocabulary_size
    hold(all(0 <= token < size for token in example.tokens), f"a token is not below {size}")
    hold(all(0 <= token < size for token in example.targets.values()), "a target is no id")
    hold(bool(example.targets), "nothing is scored")
    answer = task.answer(example.once(task.repeats))
    shift = (task.repeats - 1) * answer.start
    wanted = {place + shift: token for place, token in answer.targets.items()}
    same(sorted(example.targets), sorted(wanted), "scored are")
    for place, token in wanted.items():
        same(example.targets[place], token, f"the target at {place} is")
    same(example.start, answer.start * task.repeats, "the question starts at")
    same(example.slices, answer.slices, "the slices are")


def check_refused(kind, settings, example):
    """Wronged examples must not pass, or the check says nothing."""
    size = kind(settings).vocabulary_size
    place = max(example.targets)
    wronged = []
    if size > 1:
        other = copy.deepcopy(example)
        other.targets[place] = (other.targets[place] + 1) % size
        wronged.append(("another target", other))
    without = copy.deepcopy(example)
    del without.targets[place]
    wronged.append(("a target too few", without))
    unscored = [at for at in range(example.start, len(example.tokens)) if at not in example.targets]
    if unscored:
        more = copy.deepcopy(example)
        more.targets[unscored[-1]] = 0
        wronged.append(("a target too many", more))
    for what, one in wronged:
        try:
            check_example(kind(settings), one)
        except Wrong:
            continue
        raise Wrong(f"the oracle does not see {what}")


def check_bytes(program, name, given, count, lines):
    """The same seed, other jobs and another start give the same bytes, and another seed others."""
    first = count // 3
    again = program.lines(
        name, given, "train", count // 3, "--seed", SEED, "--first", first, "--jobs", 2
    )
    hold(again == lines[first : first + count // 3], "the same seed gives other bytes")
    other = program.lines(name, given, "train", count, "--seed", SEED + 1)
    few = len(set(lines)) < count // 2
    hold(few or len(set(other) & set(lines)) < count // 2, "another seed gives the same examples")


def check_splits(task, data):
    """No word in two splits; where all were seen, validation and test have a tenth each."""
    seen = {split: collections.defaultdict(collections.Counter) for split in SPLITS}
    totals = {}
    for split, examples in data.items():
        for example in examples:
            word = task.word(example.once(task.repeats))
            if word is not None:
                kind, value, total = word
                seen[split][kind][value] += 1
                totals[kind] = total
    for kind, total in totals.items():
        counts = [seen[split][kind] for split in SPLITS]
        train, validation, test = map(set, counts)
        hold(
            not (train & validation or train & test or validation & test),
            f"a word of {kind} is in two splits",
        )
        if total and min(count.total() for count in counts) >= 14 * total:
            share = max(1, total / 10)
            sizes = len(train), len(validation), len(test)
            hold(
                sum(sizes) == total and abs(sizes[1] - share) <= 1 and abs(sizes[2] - share) <= 1,
                f"of {total} words of {kind}, {sizes} are in the splits",
            )


def near(found, wanted, deviation, what):
    hold(abs(found - wanted) <= 5 * deviation + 1e-9, f"{what} is {found}, not {wanted}")


def check_scores(program, task, given, examples):
    """The lines of chance and the baselines, on the test examples."""
    record = program.score(task.name, given, SEED, task.truths(examples))
    summary = record["task"]
    examples = examples[:500]  # those that what has no formula is scored on
    task.check_truth(record["testOverall"])
    same(summary["vocabulary"], task.vocabulary_size, "the vocabulary is")
    chances = {summary["metric"]: summary["chance"]}
    chances |= {entry["metric"]: entry["chance"] for entry in summary.get("further", [])}
    wanted = task.chances(examples)
    same(set(chances), set(wanted), "chance is stated of")
    for metric, value in wanted.items():
        if value is None:
            continue  # the task's own check follows
        if isinstance(value, list):
            deviation = sum(p * (1 - p) for p in value) ** 0.5 / len(value)
            near(chances[metric], sum(value) / len(value), deviation, f"chance of {metric}")
        else:
            exact = abs(chances[metric] - value) <= 1e-6 * value
            hold(exact, f"chance of {metric} is {chances[metric]}, not {value}")
    baselines = {entry["name"]: entry["scores"] for entry in summary["baselines"]}
    expected = task.baselines(examples)
    if expected is not None:
        same(set(baselines), set(expected), "the baselines are")
    for name, rows in (expected or {}).items():
        places = [p for row in rows for p in row]
        deviation = sum(p * (1 - p) for p in places) ** 0.5 / len(places)
        near(baselines[name]["tokenAccuracy"], sum(places) / len(places), deviation, name)
        means = sum(sum(row) / len(row) for row in rows) / len(rows)
        deviation = sum(sum(p * (1 - p) for p in row) / len(row) ** 2 for row in rows) ** 0.5 / len(
            rows
        )
        near(baselines[name]["exampleAccuracy"], means, deviation, f"{name}, by example,")
    task.check_summary(summary, examples)


def check_case(program, kind, defaults, given):
    count = given.get("examples", kind.examples)
    given = {name: value for name, value in given.items() if name != "examples"}
    settings = defaults | given
    task = kind(settings)
    texts = {
        split: program.lines(kind.name, given, split, count, "--seed", SEED) for split in SPLITS
    }
    data = {split: [Example(line) for line in lines] for split, lines in texts.items()}
    for split, examples in data.items():
        for index, example in enumerate(examples):
            example.split = split
            try:
                check_example(task, example)
            except Wrong as wrong:
                raise Wrong(f"{split} example {index}: {wrong}") from None
    check_refused(kind, settings, data["train"][0])
    check_bytes(program, kind.name, given, count, texts["train"])
    check_splits(task, data)
    task.tally.check()
    task.finish(program, data)
    check_scores(program, task, given, data["test"])
    return sum(len(examples) for examples in data.values())


def check_task(path, kind, listed):
    """A line about the task, and whether all is well."""
    total = 0
    defaults = {entry["name"]: entry["default"] for entry in listed["settings"]}
    with tempfile.TemporaryDirectory() as folder:
        program = Program(path, folder)
        for given in kind.cases:
            try:
                total += check_case(program, kind, defaults, given)
            except Wrong as wrong:
                return False, f"{kind.name} {json.dumps(given)}: {wrong}"
            except Exception as error:  # what an oracle cannot even read
                return False, f"{kind.name} {json.dumps(given)}: {type(error).__name__}: {error}"
    return True, f"{kind.name}: {total} examples, {len(kind.cases)} settings"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built hysteresis")
    parser.add_argument("--only", help="one task")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = Program(options.program, folder).call("list", "tasks", "--format", "json")
    listed = {entry["name"]: entry for entry in json.loads(text)}
    kinds = [kind for kind in TASKS if options.only in (None, kind.name)]
    missing = sorted(set(listed) - {kind.name for kind in TASKS})
    if missing or not kinds:
        print(f"no oracle for {', '.join(missing) or options.only}", file=sys.stderr)
        return 1
    with concurrent.futures.ProcessPoolExecutor() as pool:
        # The slowest one first, so that no process is left alone with it.
        waiting = {
            kind.name: pool.submit(check_task, options.program, kind, listed[kind.name])
            for kind in sorted(kinds, key=lambda kind: -kind.effort)
        }
        for kind in kinds:
            well, line = waiting[kind.name].result()
            if not well:
                print(line, file=sys.stderr)
                pool.shutdown(cancel_futures=True)
                return 1
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
