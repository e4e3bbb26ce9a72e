#!/usr/bin/env python3
"""Trains an experiment with several seeds, and prints the figures of the test part: of each, their mean and spread.

    python3 examples/seeds.py examples/vowels/experiment.yaml [--seeds 5] [--metric accuracy] [--rondo build/rondo]

The spread is the standard deviation over the seeds, with n - 1. The runs are removed afterwards.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def rondo(*command):
    """What a command prints; ends the script if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"seeds.py: '{' '.join(command)}' failed")
    return done.stdout


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--metric", default="accuracy", help="figure of the test part (default: accuracy)")
    parser.add_argument("--rondo", default=os.path.join(root, "build", "rondo"))
    arguments = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, arguments.seeds + 1):
            start = time.monotonic()
            run = os.path.join(folder, str(seed))
            setting = f"schedule.seed={seed}"
            rondo(arguments.rondo, "train", arguments.experiment, "--set", setting, "--quiet", "--out", run)
            seconds = time.monotonic() - start
            found = json.loads(rondo(arguments.rondo, "eval", run, "--on", "test", "--json"))
            figures.append(found[arguments.metric])
            print(f"seed {seed}: {arguments.metric} {figures[-1]:.4f}, {seconds:.1f} s", flush=True)
    spread = statistics.stdev(figures) if len(figures) > 1 else 0
    print(f"{len(figures)} seeds: {arguments.metric} {statistics.mean(figures):.4f}, spread {spread:.4f}")


if __name__ == "__main__":
    main()
