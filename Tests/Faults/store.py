"""What the fault tests share: a small grid, running the program, and comparing stores."""

import os
import pathlib
import signal
import subprocess
import sys

GRID = """
name: faults
description: A few cells that take a moment each.
baseline:
  task:
    name: mqar
    vocabulary: 32
    length: 24
    pairs: 3
    train: {examples: 500}
    validation: {examples: 64}
    test: {examples: 128}
  model: {width: 32, layers: 2}
  training: {steps: 400, batch: 8, learningRate: 3e-3, evaluateEvery: 50}
product:
  model.mixer: [lstm, attention, delta-net]
  seed: [0, 1]
"""
CELLS = 6
# The records of a cell that diverges must be the same too.
DIVERGING = GRID + """  training.learningRate: [3e-3, 1000]
"""


def fail(text):
    sys.exit(f"FAILED: {text}")


def check(condition, text):
    if not condition:
        fail(text)


class Program:
    """The program under test, with a folder for its stores."""

    def __init__(self, binary, folder, device="cpu"):
        self.binary = str(pathlib.Path(binary).resolve())
        self.folder = pathlib.Path(folder)
        self.device = device
        self.grid = self.folder / "grid.yaml"
        self.grid.write_text(GRID)
        # A store on a terminal-free machine without colours.
        self.environment = {**os.environ, "NO_COLOR": "1"}

    def arguments(self, store, *options):
        return [
            self.binary, "run", str(self.grid), "--out", str(store), "--device", self.device,
            *options]

    def start(self, store, *options, errors=subprocess.DEVNULL, **more):
        return subprocess.Popen(
            self.arguments(store, *options), stdout=subprocess.DEVNULL, stderr=errors,
            env=more.pop("env", self.environment), cwd=self.folder, **more)

    def run(self, store, *options, **more):
        """Runs to the end; returns the exit status and what was said."""
        result = subprocess.run(
            self.arguments(store, *options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=more.pop("env", self.environment), cwd=self.folder, timeout=300, **more)
        return result.returncode, result.stderr.decode()

    def undisturbed(self, name="undisturbed"):
        store = self.folder / name
        status, errors = self.run(store)
        check(status == 0, f"an undisturbed run ends with {status}: {errors}")
        return records(store)

    def finish(self, store, expected, what):
        """A last run must bring everything to the undisturbed bytes."""
        status, errors = self.run(store)
        check(status == 0, f"{what}: the run that goes on ends with {status}: {errors}")
        same(store, expected, what)


def records(store):
    """The bytes of all records and of the plan, by path."""
    store = pathlib.Path(store)
    paths = [*store.glob("cells/*"), store / "grid.json"]
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in paths if path.exists()}


def unfinished(store):
    """The files that are being written, or never were finished; others come and go meanwhile."""
    found = []
    for part in ("cells", "timings", "checkpoints", "."):
        try:
            found += [name for name in os.listdir(pathlib.Path(store) / part) if name.endswith(".part")]
        except FileNotFoundError:
            pass
    return found


def same(store, expected, what):
    found = records(store)
    check(found.keys() == expected.keys(), f"{what}: the files differ: {found.keys() ^ expected.keys()}")
    for name, content in found.items():
        check(content == expected[name], f"{what}: {store}/{name} has other bytes")
    for rest in ("checkpoints", "claims", "damaged"):
        check(not (pathlib.Path(store) / rest).exists(), f"{what}: {store}/{rest} is still there")
    parts = unfinished(store)
    check(not parts, f"{what}: unfinished files are still there: {parts}")


def kill(process):
    """Kills a process without warning; whether it still ran."""
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL
