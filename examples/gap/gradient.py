#!/usr/bin/env python3
"""How far back the gradient reaches: a row for each state of each cell of a comparison, as `rondo inspect` measures it.

    rondo compare configs/papers/gap.yaml
    python3 examples/gap/gradient.py comparisons/gap --gap 100

Prints Markdown. All figures are those of the run with the first seed, on 200 validation examples.
"""

import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)


def inspect(rondo, run):
    command = [rondo, "inspect", run, "--examples", "200", "--json", "--no-write"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"gradient.py: '{' '.join(command)}' failed")
    return json.loads(done.stdout)


def steps(value):
    return "none" if value is None else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def percent(share):
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", help="the folder of configs/papers/gap.yaml")
    parser.add_argument("--gap", type=int, default=100)
    parser.add_argument("--rondo", default=os.path.join(ROOT, "build", "rondo"))
    arguments = parser.parse_args()
    with open(os.path.join(arguments.comparison, "comparison.json"), encoding="utf-8") as file:
        variants = json.load(file)["variants"]
    print("| cell | right | state | gradient halves every | is left at the first symbol |")
    print("|---|---|---|---|---|")
    for variant in variants:
        if not variant["name"].endswith(f", gap {arguments.gap}"):
            continue
        run = variant["runs"][0]
        figures = inspect(arguments.rondo, os.path.join(arguments.comparison, run["folder"]))
        for state in figures["layers"][0]["states"]:
            curve = state["curve"]
            share = curve["norm"][-1] / curve["norm"][0]
            print(f"| `{variant['name'].split(', ')[0]}` | {100 * run['score']:.1f} % | `{state['name']}` | "
                  f"{steps(curve['half_life'])} steps | {percent(share)} |")


if __name__ == "__main__":
    main()
