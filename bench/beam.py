#!/usr/bin/env python3
"""Times the beam search of a model like that of examples/pronunciation: Rondo beside PyTorch, in turns.

    beam.py BUILD [--python PYTHON] [--words N] [--rounds N] [--threads N]

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch. Words are random letters, the weights are untrained, and each
hypothesis gets STEPS symbols, so that all programs take as many steps. Rondo is `rondo predict`, whose start is subtracted: the time
for FEW words. PyTorch (torch_beam.py) reads the words in batches, and one after the other. Run it on a quiet machine.
"""
import argparse
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

import beam_model as model
from turns import Peer, build_with, interpreter, median_of, positive, threads

HERE = pathlib.Path(__file__).resolve().parent
BEAMS, STEPS, BATCH, FEW = 5, 7, 256, 16  # a word of the dictionary has 6.3 phones, and the end
EXPERIMENT = f"""\
rondo: 1
name: pronounce
architecture: "N:N"
data:
  reader: pairs
  train: {{source: words.txt, target: phones.txt}}
  tokens: {{source: characters, target: words}}
  min_count: 1
model:
  feedback: true
  embedding: {{size: {model.EMBEDDING}}}
  encoder: [{{cell: gru, hidden: {model.ENCODER}, direction: both}}]
  bridge: learnt
  layers: [{{cell: gru_bahdanau, hidden: {model.HIDDEN}}}]
loss: {{plugin: softmax_cross_entropy}}
optimizer: {{plugin: sgd, lr: 0}}
schedule: {{epochs: 1, batch: 64, seed: 1}}
"""


def write_words(folder, count):
    """Lengths as in the dictionary: 7.5 letters on average, most between 4 and 12."""
    rng = random.Random(1)
    words = ["".join(rng.choices(model.LETTERS, k=min(16, max(3, round(rng.gauss(7.5, 2.3)))))) for _ in range(count)]
    phones = [" ".join(f"P{(7 * i + k) % model.PHONES}" for k in range(6)) for i in range(count)]
    (folder / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "phones.txt").write_text("\n".join(phones) + "\n", encoding="utf-8")
    (folder / "few.txt").write_text("\n".join(words[:FEW]) + "\n", encoding="utf-8")
    (folder / "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")


class Rondo:
    def __init__(self, options, folder):
        self.folder, self.words = folder, options.words
        threads = ["--threads", str(options.threads)]
        program = options.build / "rondo"
        subprocess.run([program, "train", folder / "experiment.yaml", "--out", folder / "run", "--quiet", *threads], check=True,
                       stdout=subprocess.DEVNULL)
        self.command = [program, "predict", folder / "run", *threads, "--beam", str(BEAMS), "--min-length", str(STEPS),
                        "--max-length", str(STEPS)]

    def seconds(self, name):
        start = time.perf_counter()
        subprocess.run([*self.command, self.folder / name], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    def time(self, _seconds):
        few = statistics.median(self.seconds("few.txt") for _ in range(3))
        return {"seconds": (self.seconds("words.txt") - few) * self.words / (self.words - FEW)}

    def close(self):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("rondo"))
    parser.add_argument("--python", type=interpreter, help="interpreter that has torch", default=os.environ.get("RONDO_BENCH_PYTHON"))
    parser.add_argument("--words", type=positive, default=1024)
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--threads", type=threads, default=1)
    options = parser.parse_args()
    os.environ.setdefault("RONDO_PLUGIN_PATH", str(options.build / "plugins"))
    os.environ.setdefault("RONDO_CELL_PATH", str(HERE.parent / "configs" / "cells"))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_words(folder, options.words)
        programs = {"Rondo": Rondo(options, folder)}
        try:
            for batch in (BATCH, 1) if options.python else ():
                command = [options.python, HERE / "torch_beam.py", folder / "words.txt", batch, BEAMS, STEPS, options.threads]
                programs[f"PyTorch, {batch} word{'s' * (batch > 1)} at a time"] = Peer(command, 120)
            turns = {title: [] for title in programs}
            for turn in range(options.rounds):
                for title, program in programs.items():
                    if turn == 0 or "1 word " not in title:
                        turns[title].append(program.time(0))
        finally:
            for program in programs.values():
                program.close()
    results = {title: median_of(own) for title, own in turns.items()}
    print(f"Beam of {BEAMS}, {STEPS} symbols, {options.threads} thread{'s' * (options.threads > 1)}\n")
    print("| program | words per second | / Rondo |\n|---|---|---|")
    for title, result in results.items():
        if "seconds" not in result:
            print(f"| {title} | {result['missing']} | |")
            continue
        ratio = "" if title == "Rondo" else f"{result['seconds'] / results['Rondo']['seconds']:.2f}"
        print(f"| {title} | {options.words / result['seconds']:,.0f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
