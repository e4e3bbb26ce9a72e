#!/usr/bin/env python3
"""Measures `rondo runs ls` on a thousand runs: seconds, and, where strace is installed, calls of the system per run.

    python3 bench/runs.py [BUILD] [RUNS]

The runs are 50 variants with 20 seeds each: copies of one run in which the learning rate and the seed are edited. Run it on a quiet
machine.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time

from turns import build_with, positive

SEEDS = 20
EXPERIMENT = """rondo: 1
name: bench
architecture: "N:1"
data: {reader: synthetic, task: adding, length: 10, train: 60, valid: 20}
model: {layers: [{cell: gru, hidden: 16}]}
loss: {plugin: squared_error}
optimizer: {plugin: adam, lr: 0.5}
schedule: {epochs: 20, batch: 20, seed: 1}
"""


def make_runs(rondo, folder, count):
    with open(os.path.join(folder, "e.yaml"), "w", encoding="utf-8") as file:
        file.write(EXPERIMENT)
    subprocess.run([rondo, "train", "e.yaml", "--quiet", "--out", "one"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(folder, "one", "experiment.yaml"), encoding="utf-8") as file:
        text = file.read()
    for i in range(count):
        run = os.path.join(folder, "runs", f"bench-{i + 1}")
        shutil.copytree(os.path.join(folder, "one"), run)
        with open(os.path.join(run, "experiment.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace("lr: 0.5", f"lr: {0.001 * (i // SEEDS + 1):g}").replace("  seed: 1\n", f"  seed: {i % SEEDS + 1}\n"))


def measure(command, folder):
    """The shortest of five times, in seconds."""
    times = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - start)
    return min(times)


def count_calls(command, folder):
    counted = os.path.join(folder, "calls.txt")
    subprocess.run(["strace", "-c", "-o", counted, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with open(counted, encoding="utf-8") as file:
        return int(next(line for line in file if line.rstrip().endswith(" total")).split()[3])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("rondo"), nargs="?", default="build")
    parser.add_argument("count", type=positive, nargs="?", default=1000, metavar="RUNS")
    options = parser.parse_args()
    count, rondo = options.count, str(options.build / "rondo")
    with tempfile.TemporaryDirectory() as folder:
        make_runs(rondo, folder, count)
        for arguments in (["ls"], ["ls", "--each", "--sort", "-valid.loss"], ["export"]):
            command = [rondo, "runs", *arguments]
            line = f"rondo runs {' '.join(arguments):34} {count} runs: {measure(command, folder):.3f} s"
            if shutil.which("strace"):
                line += f", {count_calls(command, folder) / count:.1f} calls of the system per run"
            print(line)


if __name__ == "__main__":
    main()
