#!/usr/bin/env python3
"""Compares the pool of threads with OpenMP's: a training step of an LSTM in two builds, quiet and beside a busy process.

    python3 bench/threads.py BUILD_WITH_POOL BUILD_WITH_OPENMP [SECONDS]

The builds take turns. Prints a table for docs/performance.md: medians of the medians of a turn, in milliseconds.
"""
import argparse
import os
import statistics
import subprocess
import sys

from turns import build_with, run_json, seconds as seconds_of

SHAPES = [(35, 20, 200, 200), (128, 32, 64, 64), (35, 64, 256, 256)]
TURNS = 5


def measure(builds, shape, threads, seconds):
    cell = os.path.join(os.path.dirname(__file__), "..", "configs", "cells", "lstm.yaml")
    found = [[] for _ in builds]
    for _ in range(TURNS):
        for build, times in zip(builds, found):
            answer = run_json([f"{build}/bench/bench_step", cell, *shape, threads, seconds])
            if "missing" in answer:
                sys.exit(f"{build}: {answer['missing']}")
            times.append(answer["seconds"])
    return [1e3 * statistics.median(times) for times in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pool", "openmp"):
        parser.add_argument(name, type=build_with("bench/bench_step"), metavar=f"BUILD_WITH_{name.upper()}")
    parser.add_argument("seconds", type=seconds_of, nargs="?", default=1.0, metavar="SECONDS")
    options = parser.parse_args()
    builds, seconds = [options.pool, options.openmp], options.seconds
    for name, build in zip(("pool", "openmp"), builds):
        if run_json([build / "bench" / "bench_step", "build"]).get("threads") != name:
            parser.error(f"the threads of {build} are not those of '{name}' (meson's option threads)")
    threads = len(os.sched_getaffinity(0))
    print(f"{threads} threads; LSTM; medians of {TURNS} turns of {seconds:g} s; load before: {os.getloadavg()[0]:.1f}\n")
    print("| T, B, I, H | pool, quiet ms | OpenMP, quiet ms | pool, busy ms | OpenMP, busy ms |\n|---|---|---|---|---|")
    for shape in SHAPES:
        row = measure(builds, shape, threads, seconds)
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            row += measure(builds, shape, threads, seconds)
        finally:
            busy.kill()
            busy.wait()
        print("| " + ", ".join(map(str, shape)) + " | " + " | ".join(f"{number:.2f}" for number in row) + " |", flush=True)


if __name__ == "__main__":
    main()
