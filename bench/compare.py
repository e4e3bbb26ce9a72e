#!/usr/bin/env python3
"""Measures a comparison of 30 small runs against 30 trainings one after the other.

    python3 bench/compare.py [BUILD]

Prints how long the comparison takes and how busy it keeps the processors, the time of the same trainings by `rondo train`
with as many at the same time, the time from the start of the command to its first update, and the size of the report.
Run it on a quiet machine.
"""

import argparse
import concurrent.futures
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from turns import build_with

SEEDS = 6
CELLS = ["rnn_tanh", "lstm", "gru", "mgu", "min_gru"]
EXPERIMENT = """rondo: 1
name: bench
architecture: "N:1"
data: {{reader: text, train: train.tsv, valid: valid.tsv, test: test.tsv}}
model: {{embedding: {{size: 32}}, layers: [{{cell: gru, hidden: 32}}]}}
loss: {{plugin: softmax_cross_entropy}}
optimizer: {{plugin: adam, lr: 0.003}}
schedule: {{epochs: 4, batch: 32}}
compare: {{model.layers.0.cell: [{cells}], seeds: {seeds}}}
"""


def write_texts(name, count, first):
    """Texts of a few words, of which the last decides."""
    words = ["soup", "tea", "the pie", "my bread", "all of it"]
    ends = [["awful", "cold", "bland"], ["lovely", "great", "tasty"]]
    with open(name, "w", encoding="utf-8") as file:
        for i in range(first, first + count):
            file.write(f"{words[i % 5]} {words[i // 5 % 5]} {ends[i % 2][i % 3]}\t{'other' if i % 2 == 0 else 'great'}\n")


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def first_update(rondo, folder):
    """Seconds from the start of the command until an update is reported."""
    start = time.monotonic()
    command = [rondo, "compare", "e.yaml", "--json", "--out", "first"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line)["event"] == "progress":
                seconds = time.monotonic() - start
                process.terminate()
                return seconds
    sys.exit("compare.py: no update was reported")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("rondo"), nargs="?",
                        default=os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "build"))
    rondo = str(parser.parse_args().build / "rondo")
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "e.yaml"), "w", encoding="utf-8") as file:
            file.write(EXPERIMENT.format(cells=", ".join(CELLS), seeds=SEEDS))
        for name, count, first in (("train", 20000, 0), ("valid", 500, 7), ("test", 500, 3)):
            write_texts(os.path.join(folder, f"{name}.tsv"), count, first)
        before, start = children_seconds(), time.monotonic()
        subprocess.run([rondo, "compare", "e.yaml", "--quiet", "--out", "all"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        wall, busy = time.monotonic() - start, children_seconds() - before
        print(f"comparison of {SEEDS * len(CELLS)} runs: {wall:.1f} s, processors busy {100 * busy / wall / jobs:.0f} %")

        def train(cell, seed):
            subprocess.run([rondo, "train", "e.yaml", "--set", "compare=null", "--set", f"model.layers.0.cell={cell}", "--set",
                            f"schedule.seed={seed}", "--threads", "1", "--quiet", "--out", f"alone/{cell}-{seed}"],
                           cwd=folder, check=True, stdout=subprocess.DEVNULL)

        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(lambda run: train(*run), [(cell, seed) for cell in CELLS for seed in range(1, SEEDS + 1)]))
        alone = time.monotonic() - start
        print(f"the same by rondo train, {jobs} at the same time: {alone:.1f} s, {alone / wall:.2f} times as long")
        times = sorted(first_update(rondo, folder) for _ in range(1))
        print(f"from the start to the first update: {1000 * times[0]:.0f} ms")
        size = os.path.getsize(os.path.join(folder, "all", "report.html"))
        print(f"report: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
