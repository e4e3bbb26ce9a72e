#!/usr/bin/env python3
"""Judges the words that the model writes: are they taken for words of their language, and are they new?

    python3 judge.py [--rondo PROGRAM] [--names RUN] [--judge RUN] [--count N] [--data FOLDER]

For each language, the run of this example writes N words (default: 500), and the run of the example language-of-a-word names
the language of each. The last columns are the shares of words that the chosen words of the language have, in the training part
and in all three, and of words that were written more than once.
"""

import argparse
import collections
import csv
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, text=""):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode != 0:
        sys.exit(f"judge.py: {' '.join(command)}: exit status {done.returncode}")
    return done.stdout


def read(folder, name):
    """The words of each language in a file."""
    found = collections.defaultdict(set)
    with open(os.path.join(folder, name), encoding="utf-8", newline="") as stream:
        for word, language in list(csv.reader(stream, "excel-tab"))[1:]:
            found[language].add(word)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rondo", default=os.path.join("build", "rondo"), help="the program (default: build/rondo)")
    parser.add_argument("--names", default=os.path.join("runs", "names"), help="the run that writes words")
    parser.add_argument("--judge", default=os.path.join("runs", "language-of-a-word"), help="the run that judges them")
    parser.add_argument("--count", type=int, default=500, help="words of each language (default: 500)")
    parser.add_argument("--data", default=os.path.join(HERE, "data"), help="the folder of train.tsv (default: data, here)")
    arguments = parser.parse_args()
    parts = [read(arguments.data, name) for name in ("train.tsv", "valid.tsv", "test.tsv")]
    total = collections.Counter()
    print("language     right  longest  in training  in the dictionary  repeated")
    for language in sorted(parts[0]):
        generate = [arguments.rondo, "generate", arguments.names, "--input", language, "--count", str(arguments.count)]
        words = run([*generate, "--seed", "1"]).splitlines()
        judged = run([arguments.rondo, "predict", arguments.judge, "--json"], "".join(f"{word}\n" for word in words))
        named = [json.loads(line)["label"] for line in judged.splitlines()]
        if len(words) != arguments.count or len(named) != len(words):
            sys.exit(f"judge.py: {len(words)} words and {len(named)} labels, expected {arguments.count}")
        row = collections.Counter(
            right=sum(name == language for name in named),
            known=sum(word in parts[0][language] for word in words),
            real=sum(any(word in part[language] for part in parts) for word in words),
            repeated=len(words) - len(set(words)),
            words=len(words),
        )
        longest = max(len(word) for word in words)
        total += row
        report(language, row, longest)
        total["longest"] = max(total["longest"], longest)
    report("all", total, total["longest"])


def report(name, row, longest):
    shares = [100 * row[key] / row["words"] for key in ("right", "known", "real", "repeated")]
    print(f"{name:<11} {shares[0]:5.1f} %  {longest:7} {shares[1]:10.1f} % {shares[2]:16.1f} % {shares[3]:7.1f} %")


if __name__ == "__main__":
    main()
