#!/usr/bin/env python3
"""The baseline of this example: naive Bayes on the runs of one to four letters of a word, its ends included.

    python3 baseline.py [FOLDER]

trains on FOLDER/train.tsv (default: data, here) and prints the accuracy on test.tsv. Probabilities are smoothed by adding
0.001 to every count, which was chosen on valid.tsv. Always naming one language is right for one word in nine.
"""

import collections
import csv
import math
import os
import sys

SMOOTHING = 0.001


def read(file):
    with open(file, encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, "excel-tab"))[1:]


def runs(word):
    """The runs of one to four characters of "^word$"."""
    marked = f"^{word}$"
    return [marked[i : i + n] for n in range(1, 5) for i in range(len(marked) - n + 1)]


class NaiveBayes:
    def __init__(self, rows):
        self.languages = sorted({language for _, language in rows})
        number = {language: k for k, language in enumerate(self.languages)}
        counts = collections.defaultdict(lambda: [0] * len(self.languages))
        totals = [0] * len(self.languages)
        for word, language in rows:
            k = number[language]
            for run in runs(word):
                counts[run][k] += 1
                totals[k] += 1
        # log p(run | language); all languages have the same number of rows, so that their own share does not matter
        norms = [math.log(total + SMOOTHING * len(counts)) for total in totals]
        self.scores = {
            run: [math.log(count + SMOOTHING) - norm for count, norm in zip(own, norms)] for run, own in counts.items()
        }
        self.unseen = [math.log(SMOOTHING) - norm for norm in norms]

    def name(self, word):
        sums = [0.0] * len(self.languages)
        for run in runs(word):
            for k, score in enumerate(self.scores.get(run, self.unseen)):
                sums[k] += score
        return self.languages[max(range(len(sums)), key=sums.__getitem__)]


def accuracy(model, rows):
    return sum(model.name(word) == language for word, language in rows) / len(rows)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data")
    model = NaiveBayes(read(os.path.join(folder, "train.tsv")))
    for part in ("valid", "test"):
        print(f"naive Bayes on {part}.tsv: {100 * accuracy(model, read(os.path.join(folder, part + '.tsv'))):.2f} % right")


if __name__ == "__main__":
    main()
