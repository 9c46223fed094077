#!/usr/bin/env python3
"""Reports a store of ten thousand made-up cells twice: the same bytes, and how long it takes.

Usage: large_report.py PROGRAM [--cells N]

Prints the time and the greatest memory of each run. It fails where a run fails, where the bytes
differ, or where cells are missing from the tables; never for being slow, because machines differ.
It needs nothing but Python.
"""

import argparse
import csv
import os
import pathlib
import sys
import tempfile
import time

import synthetic_store

RATES, SEEDS, TASKS = 5, 4, 20


def run(command):
    """Runs a command; returns its seconds and its greatest memory in MB."""
    start = time.monotonic()
    child = os.posix_spawn(
        command[0], command, os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"FAILED: {' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return seconds, usage.ru_maxrss / unit


def measured(title, command):
    seconds, memory = run(command)
    print(f"{title}: {seconds:.2f} s, at most {memory:.0f} MB")


def files(store):
    return {path.name: path.read_bytes() for path in sorted(store.iterdir()) if path.is_file()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program")
    parser.add_argument("--cells", type=int, default=10_000)
    given = parser.parse_args()
    models = max(1, given.cells // (RATES * SEEDS * TASKS))
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "large"
        count = synthetic_store.write(store, TASKS, models, RATES, SEEDS, in_one_file=False)
        print(f"{count} cells")
        measured("report", [given.program, "report", str(store)])
        first = files(store)
        measured("report again", [given.program, "report", str(store)])
        second = files(store)
        measured("compare", [given.program, "compare", str(store), "--format", "csv"])
        different = [name for name in first | second if first.get(name) != second.get(name)]
        if different:
            sys.exit(f"FAILED: other bytes the second time: {', '.join(different)}")
        rows = list(csv.DictReader((store / "summary.csv").open(encoding="utf-8", newline="")))
        whole = [row for row in rows if row["part"] == "all"]
        seeds = sum(int(row["finished"]) + int(row["diverged"]) for row in whole)
        tried = sum(int(row["candidates"]) for row in whole)
        if (len(whole), seeds, tried) != (TASKS * models, TASKS * models * SEEDS, count // SEEDS):
            sys.exit(f"FAILED: {len(whole)} rows of {seeds} seeds and {tried} settings")
    print(f"the same bytes twice, {len(first)} files, {len(whole)} rows")


if __name__ == "__main__":
    main()
