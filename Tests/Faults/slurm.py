#!/usr/bin/env python3
"""A grid on Slurm with a worker killed midway gives the same bytes as on this machine alone.

Usage: .ci/slurm python3 Tests/Faults/slurm.py PROGRAM

Runs tasks/smoke.yaml as a job array of two workers in a store with a hostile name, kills one of
them with SIGKILL while it trains, and follows the store until the other has done everything.
"""

import filecmp
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GRID = ROOT / "tasks" / "smoke.yaml"
# Enough steps for a worker to be caught in the middle of a cell.
OPTIONS = ["--set", "training.steps=150", "--checkpoint-every", "0.05"]
HOSTILE = "it's a store; $(touch pwned) `touch pwned` %A"
PATIENCE = 60


def same(one, two):
    """The files that differ between two folders."""
    names = {p.name for p in one.iterdir()} | {p.name for p in two.iterdir()}
    return filecmp.cmpfiles(one, two, sorted(names), shallow=False)[1:]


def wait(question, what):
    """Asks again and again until the answer is yes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    sys.exit(f"slurm: no {what} within {PATIENCE} s")


def records(store):
    folder = store / "cells"
    return len(list(folder.glob("*.json"))) if folder.is_dir() else 0


def state(job, task):
    """What Slurm knows of a task of the array."""
    command = ["scontrol", "--oneliner", "show", "job", f"{job}_{task}"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def kill_first_worker(job, store):
    """Ends a worker as a failing node would: no chance to save anything."""
    wait(lambda: "JobState=RUNNING" in state(job, 0), "running worker")
    wait(lambda: records(store) >= 4, "four records")
    subprocess.run(["scancel", "--signal=KILL", "--batch", f"{job}_0"], check=True)
    done = records(store)
    ended = wait(lambda: re.search(r"ExitCode=\S*9\b", state(job, 0)), "death of the worker")
    print(f"worker 0 killed after {done} cells: {ended[0]}")


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        local, shared = scratch / "local", scratch / HOSTILE
        run = [program, "run", str(GRID), *OPTIONS]
        subprocess.run([*run, "--out", local, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        print(f"{records(local)} cells on this machine alone")

        follower = subprocess.Popen(
            [*run, "--out", shared, "--launcher", "slurm", "--workers", "2", "--watch"],
            cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = follower.stderr.readline()
        job = re.match(r"submitted job (\d+),", first)
        if not job:
            sys.exit(f"slurm: {first}{follower.stderr.read()}")
        kill_first_worker(job[1], shared)
        table, errors = follower.communicate(timeout=PATIENCE)
        if follower.returncode != 0:
            sys.exit(f"slurm: status {follower.returncode}\n{errors}")
        wait(lambda: not (shared / "claims").exists(), "end of the last worker")

        differing = same(local / "cells", shared / "cells")
        if any(differing):
            sys.exit(f"slurm: the records differ: {differing}")
        for name in ["report.json", "report.md", "summary.csv", "grid.json"]:
            if not filecmp.cmp(local / name, shared / name, shallow=False):
                sys.exit(f"slurm: {name} differs")
        if (scratch / "pwned").exists() or (shared / "pwned").exists():
            sys.exit("slurm: the store's name was run as a command")
        if not table.startswith("model"):
            sys.exit(f"slurm: no table: {table}")
        print(f"{records(shared)} cells by two workers, the same bytes")


if __name__ == "__main__":
    main()
