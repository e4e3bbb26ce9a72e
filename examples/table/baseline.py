#!/usr/bin/env python3
"""What experiment.yaml must beat on data/test.tsv: the most frequent class, and a linear model of the same inputs.

    python3 baseline.py [--data FOLDER]

The linear model is logistic regression, with numbers at mean 0 and deviation 1 and a number for each category, trained on
all of train.tsv until its loss no longer falls. It uses Python's standard library alone.
"""

import argparse
import csv
import math
import os

TARGET, POSITIVE = "churn", "yes"


def read(file):
    """The rows of a table: [({column: text}, 1 for customers that have left, else 0)]."""
    with open(file, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [({name: text for name, text in row.items() if name != TARGET}, int(row[TARGET] == POSITIVE)) for row in rows]


def is_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def encoder(rows):
    """A function from a row to its inputs, [(index, value)] without zeros, and their number. Learned from `rows`."""
    places, moments = {}, {}
    for name in rows[0][0]:
        texts = [row[name] for row, _ in rows]
        if all(map(is_number, texts)):
            numbers = [float(text) for text in texts]
            mean = sum(numbers) / len(numbers)
            moments[name] = mean, math.sqrt(sum((x - mean) ** 2 for x in numbers) / len(numbers)) or 1.0
            places[name] = len(places)
        else:
            for text in sorted(set(texts)):
                places[name, text] = len(places)

    def encode(row):
        inputs = [(len(places), 1.0)]  # the constant
        for name, text in row.items():
            if name in moments:
                inputs.append((places[name], (float(text) - moments[name][0]) / moments[name][1]))
            elif (name, text) in places:
                inputs.append((places[name, text], 1.0))
        return inputs

    return encode, len(places) + 1


def score(weights, inputs):
    return sum(weights[index] * value for index, value in inputs)


def train(rows, count, steps=400, rate=0.05):
    """Weights of the least cross entropy, by Adam (Kingma & Ba 2015) over all rows."""
    weights, first, second = [0.0] * count, [0.0] * count, [0.0] * count
    for step in range(1, steps + 1):
        gradient = [0.0] * count
        for inputs, label in rows:
            error = 1 / (1 + math.exp(-score(weights, inputs))) - label
            for index, value in inputs:
                gradient[index] += error * value / len(rows)
        for i in range(count):
            first[i] = 0.9 * first[i] + 0.1 * gradient[i]
            second[i] = 0.999 * second[i] + 0.001 * gradient[i] ** 2
            mean, variance = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
            weights[i] -= rate * mean / (math.sqrt(variance) + 1e-8)
    return weights


def report(name, labels, answers):
    """Prints the share of right answers, and its mean over the two classes."""
    shares = [sum(a == t == c for a, t in zip(answers, labels)) / labels.count(c) for c in (0, 1)]
    right = sum(a == t for a, t in zip(answers, labels)) / len(labels)
    print(f"{name}: accuracy {right:.4f}, balanced accuracy {sum(shares) / 2:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--data", default=os.path.join(here, "data"), help="folder of train.tsv and test.tsv")
    arguments = parser.parse_args()
    training, test = (read(os.path.join(arguments.data, name)) for name in ("train.tsv", "test.tsv"))
    labels = [label for _, label in test]
    most = max((0, 1), key=[label for _, label in training].count)
    report("most frequent class", labels, [most] * len(test))
    encode, count = encoder(training)
    weights = train([(encode(row), label) for row, label in training], count)
    report("logistic regression", labels, [int(score(weights, encode(row)) > 0) for row, _ in test])


if __name__ == "__main__":
    main()
