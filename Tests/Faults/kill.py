#!/usr/bin/env python3
"""Kills running grids with SIGKILL again and again; what they leave must come to the same bytes.

Usage: kill.py PROGRAM [--device DEVICE] [--seed SEED] [--kills N]

Fifty kills of one process at random moments, a third of them while a file is being written; then
three processes on one store, of which some are killed and come back.
"""

import argparse
import collections
import random
import re
import tempfile
import time

from store import CELLS, DIVERGING, Program, check, kill, same, unfinished

# So often that writing checkpoints takes a good part of the time.
OPTIONS = ["--jobs", "2", "--checkpoint-every", "0.002"]


def wait_for_write(store, process):
    """Waits until some file is being written."""
    while process.poll() is None:
        if unfinished(store):
            return
        time.sleep(0.0005)


def one_process(program, expected, chance, wanted, longest):
    kills = stores = writing = 0
    while kills < wanted:
        store = program.folder / f"killed-{stores}"
        while True:
            process = program.start(store, *OPTIONS)
            if chance.random() < 0.33:
                time.sleep(chance.uniform(0, longest / 5))
                wait_for_write(store, process)
            else:
                time.sleep(chance.uniform(0, longest))
            if not kill(process):
                check(process.returncode == 0, f"a run ends with {process.returncode}")
                break
            kills += 1
            writing += bool(unfinished(store))
            check(not (store / "damaged").exists(), "a kill left a torn file under its last name")
            if kills == wanted:
                program.finish(store, expected, "after the last kill")
                break
        same(store, expected, f"after {kills} kills")
        stores += 1
    check(writing > 0, "no kill came while a file was written")
    print(f"{kills} kills, {writing} of them in a write, in {stores} stores: the same bytes")


def several_processes(program, expected, chance, longest, count=3, kills=12):
    store = program.folder / "shared"
    logs = []

    def start():
        log = open(program.folder / f"log-{len(logs)}", "wb+")
        logs.append(log)
        return program.start(store, "--jobs", "1", "--checkpoint-every", "0.01", errors=log)

    processes = [start() for _ in range(count)]
    killed = 0
    while killed < kills and any(process.poll() is None for process in processes):
        time.sleep(chance.uniform(longest / 20, longest / 2))
        place = chance.randrange(count)
        if kill(processes[place]):
            killed += 1
            processes[place] = start()
    for process in processes:
        check(process.wait(timeout=120) == 0, f"a worker ends with {process.returncode}")
    same(store, expected, "three processes")
    said = "".join(path.read_text() for path in sorted(program.folder.glob("log-*")))
    ended = collections.Counter(re.findall(r"^\[\d+/\d+\] (.*?): ", said, re.MULTILINE))
    check(all(times == 1 for times in ended.values()), f"a cell was finished twice: {ended}")
    check(len(ended) <= len(expected) - 1, f"more cells than there are: {ended}")
    # A worker that is killed between a record and its line leaves the line out.
    check(len(ended) >= len(expected) - 1 - killed, f"cells were lost: {ended}")
    check(killed > 0, "no worker was killed")
    taken = len(re.findall("taken over from process", said))
    resumed = len(re.findall("goes on at step", said))
    print(
        f"{count} processes, {killed} killed, {taken} cells taken over, {resumed} resumed: "
        f"each of {len(expected) - 1} cells once, the same bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(arguments.program, folder, arguments.device)
        program.grid.write_text(DIVERGING)
        program.undisturbed("warm-up")
        start = time.monotonic()
        expected = program.undisturbed()
        # Long enough for a killed run to come further than the one before.
        longest = max(0.4, (time.monotonic() - start) / 2)
        check(len(expected) == 2 * CELLS + 1, f"{len(expected)} files")
        one_process(program, expected, chance, arguments.kills, longest)
        several_processes(program, expected, chance, longest)


if __name__ == "__main__":
    main()
