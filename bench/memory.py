#!/usr/bin/env python3
"""The memory that `rondo check` predicts, and that `rondo train` takes: the table of docs/reliability.md.

    python3 bench/memory.py [BUILD] [--only WORD] [--write]

The experiments are those of examples/ (their get_data.py must have been run; those without data are left out) with
settings that change what the memory consists of. A peak is the largest resident set that the system reports for the
process, VmHWM. --write replaces the table in docs/reliability.md.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from turns import build_with

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
PAGE = os.path.join(ROOT, "docs", "reliability.md")
BEGIN, END = "<!-- make bench-memory writes from here -->", "<!-- to here -->"
BOUND = 0.15

FEW = {"schedule.epochs": 2, "data.test": "{last: 0.9}"}  # a tenth of a long text is enough for the peak
LARGE_WORDS = {"data.carry": "null", "data.window": "null", "data.documents": "lines",
               "model.head.tie": "null", "model.layers.0.projection": "null", "model.layers.0.hidden": 64}
# What the row shows, the example, and settings as for --set; "flags" are those of the command line.
EXPERIMENTS = [
    ("texts of different lengths, 2 threads", "sentiment/experiment", {"schedule.epochs": 3}),
    ("the same, 1 thread", "sentiment/experiment", {"schedule.epochs": 3, "flags": "--threads 1"}),
    ("the same, engine tape", "sentiment/experiment", {"schedule.epochs": 2, "flags": "--engine tape"}),
    ("batches by steps", "language-of-a-word/experiment", {"schedule.epochs": 2, "schedule.batch": "{steps: 4000}"}),
    ("images as rows, both directions", "images/rows", {"schedule.epochs": 2, "schedule.batch": 256}),
    ("images as vectors, large batch", "images/vector", {"schedule.epochs": 2, "schedule.batch": 512}),
    ("characters, carried windows", "language-model/experiment", FEW),
    ("words, tied head", "words/experiment", FEW),
    ("words, all of them, gradients by rows, sampled head, ema", "words/experiment",
     dict(LARGE_WORDS, **FEW, **{"data.max_words": "null", "optimizer.wrappers": "[{plugin: ema}]",
                          "loss": "{plugin: sampled_softmax}", "model.embedding.lazy": "true"})),
    ("words, long validation lines", "words/experiment",
     dict(LARGE_WORDS, **FEW, **{"data.max_words": 4000, "optimizer.wrappers": "[{plugin: lookahead}]",
                          "schedule.batch": 32, "data.valid": "{last: 0.3}"})),
    ("series, forecasts of one step", "sales/experiment", {"schedule.epochs": 3}),
    ("series, forecasts at every step", "weather/experiment", {"schedule.epochs": 3, "schedule.batch": 256}),
    ("muon, 1024 units", "sentiment/experiment",
     {"schedule.epochs": 2, "optimizer": "{plugin: muon}", "model.layers.0.hidden": 512}),
    ("adafactor and swa, accumulated", "sentiment/experiment",
     {"schedule.epochs": 2, "optimizer": "{plugin: adafactor, wrappers: [{plugin: swa}]}",
      "model.layers.0.hidden": 512, "schedule.accumulate": 4}),
    ("sophia, sampled gradients", "sentiment/experiment",
     {"schedule.epochs": 2, "optimizer": "{plugin: sophia}", "model.layers.0.hidden": 256}),
    ("several metrics of early stopping", "table/experiment",
     {"schedule.epochs": 3, "schedule.early_stopping": "{metric: [valid.loss, valid.accuracy], patience: 2}"}),
    ("generated sequences, long", "gap/adding",
     {"schedule.epochs": 2, "data.length": 400, "schedule.batch": 64}),
    ("lists of targets, CTC", "morse/experiment", {"schedule.epochs": 2}),
]


def arguments_of(settings):
    words = settings.get("flags", "--threads 2").split()
    settings = {"schedule.checkpoint.every": "{steps: 20}", **settings}  # so that a copy of the best weights is in one
    words += [] if "--threads" in words else ["--threads", "2"]
    for key, value in settings.items():
        if key != "flags":
            words += ["--set", f"{key}={value}"]
    return words


def high_water(pid):
    """VmHWM of a process in bytes; 0 when it has ended. Not ru_maxrss: that begins with the size of this script."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            found = [line for line in status if line.startswith("VmHWM:")]
    except OSError:
        return 0
    return int(found[0].split()[1]) * 1024 if found else 0


def peak_of(command):
    """Megabytes of the largest resident set of a command; None if it failed."""
    most = 0
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            most = max(most, high_water(process.pid))  # it only grows
            time.sleep(0.005)
        if process.returncode != 0:
            errors.seek(0)
            print(errors.read()[-400:], file=sys.stderr)
            return None
    return most / 1e6


def measure(rondo, row):
    """The line of an experiment: name, what `rondo check` says, measured megabytes; None without data."""
    name, example, settings = row
    file = os.path.join(ROOT, "examples", example + ".yaml")
    checked = subprocess.run([rondo, "check", file, "--json", *arguments_of(settings)], capture_output=True, text=True)
    if checked.returncode != 0:
        print(f"{name}: {checked.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    predicted = json.loads(checked.stdout)
    with tempfile.TemporaryDirectory() as folder:
        measured = peak_of([rondo, "train", file, "--quiet", "--out", os.path.join(folder, "run"),
                            *arguments_of(settings)])
    return None if measured is None else (name, predicted, measured)


def table(lines):
    """Markdown: the parts in megabytes, their sum, and what was measured."""
    rows = ["| training | data | model | tapes | checkpoint | other | predicted MB | measured MB | difference |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name, predicted, measured in lines:
        part, total = predicted["memory"], predicted["memory_megabytes"]
        model = part["parameters"] + part["gradients"] + part["optimizer"]
        figures = [part["data"], model, part["tapes"], part["checkpoint"], part["other"], total, measured]
        rows.append(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) +
                    f" | {total / measured - 1:+.1%} |")
    worst = max(abs(predicted["memory_megabytes"] / measured - 1) for _, predicted, measured in lines)
    return "\n".join(rows) + f"\n\nThe largest difference of these {len(lines)} is {worst:.1%}."


def write_page(lines):
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END, text.index(BEGIN))
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(text[:begin] + "\n" + table(lines) + "\n" + text[end:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("rondo"), nargs="?", default=os.path.join(ROOT, "build"))
    parser.add_argument("--only", default="", help="rows with this word in their name or example")
    parser.add_argument("--write", action="store_true", help="replace the table in docs/reliability.md")
    arguments = parser.parse_args()
    rondo = os.path.join(arguments.build, "rondo")
    lines = []
    for row in EXPERIMENTS:
        line = measure(rondo, row) if arguments.only in row[0] + " " + row[1] else None
        if line is not None:
            lines.append(line)
            name, predicted, measured = line
            megabytes = predicted["memory_megabytes"]
            print(f"{name:58s} {megabytes:8.1f} {measured:8.1f} {megabytes / measured - 1:+7.1%}", flush=True)
    if arguments.write and lines:
        write_page(lines)
    missed = [name for name, predicted, measured in lines if abs(predicted["memory_megabytes"] / measured - 1) > BOUND]
    if missed:
        sys.exit(f"more than {BOUND:.0%} off: {', '.join(missed)}")


if __name__ == "__main__":
    main()
