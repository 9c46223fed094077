#!/usr/bin/env python3
"""Writes a store whose names are markup, scripts, marks of writing direction and the like.

Usage: hostile_store.py FOLDER

The records are whole and have true keys and checksums; a report of them shows every name as text.
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "Python"))

import synthetic_store as made  # noqa: E402

TASKS = [
    "</script><script>window.hacked = 1</script>", "\"><img src=x onerror=window.hacked=2>", "length",
]
MODELS = [
    "<svg onload=window.hacked=3>", "'; window.hacked = 4; //", "\u202eturned\u202c מודל", "__proto__",
    "{{data}} <!-- \\u003c ${window.hacked=5}", "<a href=javascript:window.hacked=6>x</a>", "very" * 200,
    "&lt;b&gt; &amp;amp;", "\u0007bell \u001b[31mred\u2028line", "constructor", "\U0001f600" * 30,
]
TEXT = "--> </title></h1><script>window.hacked = 7</script> <img src=x onerror=window.hacked=8> {{script}}"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True)
    cells, lines = [], []
    for task, task_name in enumerate(TASKS):
        for model, model_name in enumerate(MODELS):
            for seed in range(2):
                content = made.record(task, model, 0.003, seed)
                content["labels"] = {"task": task_name, "model": model_name}
                content["task"]["baselines"][0]["name"] = TEXT
                for segment in content["test"]:
                    segment["baselines"][0]["name"] = TEXT
                    for part in segment["slices"] + segment["baselines"][0]["slices"]:
                        part["name"] = MODELS[0]
                content["model"]["mixers"][0]["eigenvalues"] = TEXT
                if (model, seed) == (1, 1):
                    content |= {"status": "failed", "reason": TEXT, "test": []}
                cells.append({"key": content["key"], "labels": content["labels"]})
                lines.append((content["key"], made.compact(made.sealed(content)) + b"\n"))
    cells.append({"key": "0" * 16, "labels": {"task": TASKS[0], "model": TEXT}})
    (folder / "records.jsonl").write_bytes(b"".join(line for _, line in sorted(lines)))
    (folder / "grid.json").write_bytes(made.pretty({
        "schema": 1, "name": TEXT, "description": TEXT, "tuned": ["training.learningRate"], "cells": cells,
    }))
    print(f"{len(cells) - 1} cells in {folder}")


if __name__ == "__main__":
    main()
