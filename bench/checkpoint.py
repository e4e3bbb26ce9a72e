#!/usr/bin/env python3
"""Measures what checkpoints cost: the time that one takes from the training beside it, and the time of a resume.

    checkpoint.py BUILD [--write] [--rounds N] [--updates N] [--threads N]

The model has ten million parameters and the optimizer two slots for each. Trainings with a checkpoint every few updates and
with none but the last take turns. The difference of their times, divided by the number of checkpoints, is the cost of one;
it is shown as a share of a minute. With --write, the figures are put into docs/reliability.md.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import table
from turns import build_with, positive, threads

BEGIN = "<!-- python3 bench/checkpoint.py BUILD --write writes from here -->"
EXPERIMENT = """name: checkpoint
rondo: 1
architecture: "N:N"
data: {reader: characters, train: text.txt, window: 16}
model:
  feedback: true
  embedding: {size: 512}
  layers: [{cell: lstm, hidden: 840, count: 2}]
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.001}
schedule: {epochs: 1, batch: 16}
"""


def run(options, folder, words):
    start = time.perf_counter()
    done = subprocess.run([options.build / "rondo", "train", *words, "--threads", str(options.threads), "--json"],
                          cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, json.loads(done.stdout)["run"]


def training_seconds(folder, run_folder):
    """Of the updates and the checkpoints between them, without reading and initialisation."""
    lines = (folder / run_folder / "timings.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["seconds"]


def measure(options, folder):
    letters = "abcdefghijklmnopqrstuvwxyz "
    draw = random.Random(1)
    (folder / "text.txt").write_text("".join(draw.choices(letters, k=16 * 16 * options.updates)))
    (folder / "experiment.yaml").write_text(EXPERIMENT)
    every = {"with": options.every, "without": 0}  # 0: at the end only
    seconds = {"with": [], "without": []}
    resumes = []
    for _ in range(options.rounds):
        for name, steps in every.items():
            _, run_folder = run(options, folder, ["experiment.yaml", "--set",
                                                  f"schedule.checkpoint={{every: {{steps: {steps}}}, keep: 2}}"])
            seconds[name].append(training_seconds(folder, run_folder))
        resumes.append(run(options, folder, ["--resume", run_folder])[0])
        size = max(file.stat().st_size for file in (folder / run_folder / "checkpoints").iterdir())
    checkpoints = options.updates // options.every
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {"updates": options.updates, "checkpoints": checkpoints, "megabytes": size / 1e6, "resume": statistics.median(resumes),
            "cost": (medians["with"] - medians["without"]) / checkpoints} | medians


def text_of(found):
    share = 100 * found["cost"] / 60
    return f"""
| | |
|---|---|
| checkpoint of 10 million parameters with Adam | {found["megabytes"]:.0f} MB |
| {found["updates"]} updates without a checkpoint but the last | {found["without"]:.1f} s |
| the same with {found["checkpoints"]} checkpoints beside them | {found["with"]:.1f} s |
| cost of one checkpoint | {1e3 * found["cost"]:.0f} ms, of a minute {share:.2f} % |
| `rondo train --resume` of the finished run, whole process | {found["resume"]:.2f} s |
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=build_with("rondo"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--updates", type=positive, default=120)
    parser.add_argument("--every", type=positive, default=20)
    parser.add_argument("--threads", type=threads, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, pathlib.Path(folder))
    print(text_of(found))
    if options.write:
        table.write(pathlib.Path(__file__).resolve().parent.parent / "docs" / "reliability.md", text_of(found), BEGIN)


if __name__ == "__main__":
    main()
