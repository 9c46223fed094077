#!/usr/bin/env python3
"""What goes wrong around a run: full disks, lost permissions, clocks that jump, torn files.

Usage: faults.py PROGRAM

Each time: a clear message of one line, the right exit status, no corrupt record, and no lost cell
once the fault is gone. Some faults need Linux, root or a C compiler; what cannot be tried is said.
"""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from store import CELLS, Program, check, records, same, unfinished

INPUT_OUTPUT, CANNOT_CREATE = 74, 73
NOBODY = 65534


def skip(text):
    print(f"NOT TRIED: {text}", file=sys.stderr)


def refused(status, errors, expected, *words):
    """One line that says what is wrong, with the right status."""
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    check(status in expected, f"the status is {status}, not {expected}: {errors}")
    check(lines and all(word in lines[-1] for word in words), f"no clear message: {errors}")
    check("Fatal" not in errors and "crash" not in errors, errors)


def whole(store, expected):
    """All records that are there are whole."""
    for name, content in records(store).items():
        check(content == expected[name], f"{store}/{name} is not whole")


def full_disk(program, expected):
    if sys.platform != "linux" or os.getuid() != 0:
        return skip("a full disk, which needs Linux and root")
    disk = program.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk]).returncode:
        return skip("a full disk, because nothing can be mounted here")
    try:
        for kilobytes in (200, 260, 320):
            subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", disk], check=True)
            (disk / "ballast").write_bytes(b"0" * (kilobytes - 200 + 130) * 1024)
            store = disk / "store"
            status, errors = program.run(store, "--checkpoint-every", "0.01", "--jobs", "2")
            refused(status, errors, (INPUT_OUTPUT, CANNOT_CREATE), "No space left")
            whole(store, expected)
            check(len(records(store)) < CELLS + 1, "the disk was not full")
            (disk / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        program.finish(store, expected, "a full disk")
    finally:
        subprocess.run(["umount", disk], check=True)
    print("a full disk: said, nothing corrupt, nothing lost")


def small_files(program, expected):
    """A quota: no file may grow beyond a few kilobytes."""
    for limit in (1000, 3000):
        store = program.folder / f"limited-{limit}"
        status, errors = program.run(
            store, "--checkpoint-every", "0.01",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        refused(status, errors, (INPUT_OUTPUT, CANNOT_CREATE), "File too large")
        whole(store, expected)
        program.finish(store, expected, "a limit on files")
    print("a limit on files: said, nothing corrupt, nothing lost")


def drop_rights():
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def own(path):
    """Gives a folder to whom the program runs as."""
    if os.getuid() == 0:
        for place in [path, *path.rglob("*")]:
            os.chown(place, NOBODY, NOBODY)


def read_only_store(program, expected):
    parent = program.folder / "guarded"
    parent.mkdir()
    own(parent)
    parent.chmod(0o555)
    status, errors = program.run(parent / "store", preexec_fn=drop_rights)
    refused(status, errors, (CANNOT_CREATE,), "Permission denied", "store")
    parent.chmod(0o755)
    store = parent / "store"
    status, errors = program.run(store, "--limit", "1", preexec_fn=drop_rights)
    check(status == 0, errors)
    for folder in [store, *[path for path in store.iterdir() if path.is_dir()]]:
        folder.chmod(0o555)
    status, errors = program.run(store, preexec_fn=drop_rights)
    refused(status, errors, (CANNOT_CREATE, INPUT_OUTPUT), "Permission denied")
    whole(store, expected)
    for folder in [store, *[path for path in store.iterdir() if path.is_dir()]]:
        folder.chmod(0o755)
    status, errors = program.run(store, preexec_fn=drop_rights)
    check(status == 0, errors)
    same(store, expected, "a read-only store")
    print("a read-only store: said, nothing corrupt, nothing lost")


def lost_permission(program, expected):
    for part in ("cells", "claims", "checkpoints"):
        store = program.folder / f"revoked-{part}"
        store.mkdir()
        own(store)
        process = program.start(
            store, "--checkpoint-every", "0.01", "--jobs", "1", errors=subprocess.PIPE,
            preexec_fn=drop_rights)
        while process.poll() is None and not (
                any(store.glob("cells/*.json")) and (store / part).is_dir()):
            time.sleep(0.002)
        try:
            (store / part).chmod(0o555)
        except FileNotFoundError:
            pass
        errors = process.communicate(timeout=120)[1].decode()
        if part == "checkpoints":
            # Training goes on without them.
            check(process.returncode == 0, errors)
        else:
            refused(process.returncode, errors, (INPUT_OUTPUT,), "Permission denied", part)
        whole(store, expected)
        if (store / part).is_dir():
            (store / part).chmod(0o755)
        status, errors = program.run(store, preexec_fn=drop_rights)
        check(status == 0, errors)
        same(store, expected, f"no permission for {part}")
    print("a permission lost midway: said, nothing corrupt, nothing lost")


def jumping_clock(program, expected):
    clang = shutil.which("clang") or shutil.which("cc")
    if sys.platform != "linux" or not clang:
        return skip("a clock that jumps, which needs Linux and a C compiler")
    library = program.folder / "clock.so"
    source = pathlib.Path(__file__).with_name("jumping_clock.c")
    subprocess.run([clang, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    jumping = {**program.environment, "LD_PRELOAD": str(library)}
    store = program.folder / "jumping"
    workers = [
        program.start(store, "--checkpoint-every", "0.01", "--jobs", "1", env=jumping)
        for _ in range(2)
    ]
    # So do the times of files, as another machine's clock would set them.
    moments = [0, 4_000_000_000, 1, 2_000_000_000]
    while any(worker.poll() is None for worker in workers):
        for number, path in enumerate([*store.glob("claims/*"), *store.glob("checkpoints/*")]):
            try:
                os.utime(path, (moments[number % 4], moments[(number + 1) % 4]))
            except FileNotFoundError:
                pass
        time.sleep(0.005)
    check(all(worker.returncode == 0 for worker in workers), "a clock that jumps ends a run")
    same(store, expected, "a clock that jumps")
    started = {json.loads(path.read_text())["startedAt"][:4] for path in store.glob("timings/*")}
    check(len(started) > 1, f"the clock did not jump: {started}")
    print("a clock that jumps: no effect")


def damaged_files(program, expected):
    store = program.folder / "damaged-files"
    check(program.run(store)[0] == 0, "a run fails")
    names = sorted(name for name in records(store) if name.startswith("cells/"))
    for name, content in zip(names, [b"", b"\0" * 4000, b"{}", b"[" * 100_000]):
        (store / name).write_bytes(content)
    torn = store / names[4]
    torn.write_bytes(torn.read_bytes()[:-200])
    status, errors = program.run(store)
    check(status == 0, errors)
    check(errors.count("was trained again") == 5, f"damage is not reported: {errors}")
    check(len([*(store / "damaged").iterdir()]) == 5, "damaged files are not kept")
    shutil.rmtree(store / "damaged")
    same(store, expected, "damaged records")
    print("damaged records: set aside, said, and trained again")


def interruptions(program, expected):
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        store = program.folder / f"signal-{number}"
        saved = 0
        for delay in (0.05, 0.15, 0.3, 0.4):
            process = program.start(
                store, "--checkpoint-every", "0", "--jobs", "2", errors=subprocess.PIPE)
            time.sleep(delay)
            process.send_signal(number)
            errors = process.communicate(timeout=60)[1].decode()
            if process.returncode == 0:
                break
            # Before it listens, a signal ends the process as any other.
            if process.returncode != -number:
                refused(process.returncode, errors, (status,), "interrupted", "goes on from there")
                check(not (store / "claims").exists(), "claims are left behind")
                kept = [*store.glob("checkpoints/*.safetensors")]
                said = {0: "", 1: "1 cell is saved unfinished"}.get(
                    len(kept), f"{len(kept)} cells are saved unfinished")
                check(said in errors, errors)
                saved += len(kept)
        check(saved > 0, "nothing was saved")
        program.finish(store, expected, f"signal {number}")
    print("Ctrl-C and SIGTERM: saved, said, and the same bytes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = Program(sys.argv[1], folder)
        pathlib.Path(folder).chmod(0o755)
        if os.getuid() == 0:
            # Whoever has fewer rights must be able to run it too.
            copy = pathlib.Path(folder) / "hysteresis"
            shutil.copy(program.binary, copy)
            program.binary = str(copy)
        expected = program.undisturbed()
        check(len(expected) == CELLS + 1, f"{len(expected)} files")
        for fault in (
                full_disk, small_files, read_only_store, lost_permission, jumping_clock,
                damaged_files, interruptions):
            fault(program, expected)


if __name__ == "__main__":
    main()
