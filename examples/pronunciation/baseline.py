#!/usr/bin/env python3
"""The baseline of this example: each letter becomes the phones that it most often became next to the same letters.

    python3 baseline.py [FOLDER]           default: data, here

Letters and phones of a word are aligned first: each letter has none, one or two phones, and the alignment that is most probable
under the counts of the one before is taken, five times. A letter of the test words then becomes what it most often was between
the same letters on its left and right, as many as the training words show. Prints the share of words that are wrong, and the
edit distance in phones for each phone, to the nearest of a word's pronunciations.
"""

import collections
import csv
import math
import os
import sys

ROUNDS, MOST_PHONES = 5, 2
# Letters on the left and on the right, the widest first.
CONTEXTS = ((4, 4), (3, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0))


def read(file):
    """Of each word its pronunciations, as tuples of phones."""
    words = {}
    with open(file, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, dialect="excel-tab"):
            words.setdefault(row["word"], []).append(tuple(row["phones"].split()))
    return words


def align(word, phones, cost):
    """The phones of each letter, of the alignment with the smallest cost; None if there is none."""
    ways = {0: (0.0, ())}  # phones that are used: cost, and the phones of each letter
    for letter in word:
        costs, longer = cost[letter], {}
        for used, (so_far, parts) in ways.items():
            for count in range(min(MOST_PHONES, len(phones) - used) + 1):
                part = phones[used : used + count]
                sum_of = so_far + costs.get(part, 20.0)
                if used + count not in longer or sum_of < longer[used + count][0]:
                    longer[used + count] = sum_of, (*parts, part)
        ways = longer
    return ways[len(phones)][1] if len(phones) in ways else None


class FirstCost(dict):
    """Of the first round: one phone for each letter is best."""

    def get(self, part, unseen):
        return (2.0, 1.0, 3.0)[len(part)]


def alignments(words):
    """(word, phones of each letter), after ROUNDS rounds."""
    cost = collections.defaultdict(FirstCost)
    for _ in range(ROUNDS):
        aligned, counts = [], collections.defaultdict(collections.Counter)
        for word, pronunciations in words.items():
            for phones in pronunciations:
                parts = align(word, phones, cost)
                if parts is not None:
                    aligned.append((word, parts))
                    for letter, part in zip(word, parts):
                        counts[letter][part] += 1
        cost = {letter: {part: -math.log(count / sum(found.values())) for part, count in found.items()}
                for letter, found in counts.items()}
    return aligned


def contexts(word):
    """For each letter its keys, the widest first."""
    padded = "^" * 4 + word + "$" * 4
    for i in range(4, len(word) + 4):
        yield [(left, right, padded[i - left : i + right + 1]) for left, right in CONTEXTS]


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        diagonal, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            diagonal, row[j + 1] = row[j + 1], min(diagonal + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
    train, test = (read(os.path.join(folder, name)) for name in ("train.tsv", "test.tsv"))
    counts = collections.defaultdict(collections.Counter)
    for word, parts in alignments(train):
        for keys, part in zip(contexts(word), parts):
            for key in keys:
                counts[key][part] += 1
    table = {key: found.most_common(1)[0][0] for key, found in counts.items()}
    wrong = errors = phones = 0
    for word, pronunciations in test.items():
        said = []
        for keys in contexts(word):
            said += next((table[key] for key in keys if key in table), ())
        nearest = min((distance(said, right), -len(right)) for right in pronunciations)
        wrong += nearest[0] > 0
        errors, phones = errors + nearest[0], phones - nearest[1]
    print(f"{len(test)} words: {100 * wrong / len(test):.1f} % are wrong, {100 * errors / phones:.1f} % of the phones")


if __name__ == "__main__":
    main()
