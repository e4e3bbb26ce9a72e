#!/usr/bin/env python3
"""The baseline of this example: the perplexity of the last 5 % of the text by n-grams, with the vocabulary of the network.

    python3 baseline.py [FILE]           default: data/austen.txt, here

Words given the words before, interpolated over all orders up to the given one (modified Kneser-Ney smoothing; Chen & Goodman
1998, equations 22 to 26). The counts are those of all of the text before the test part; the vocabulary is that of its training
part. What is counted: words, signs and line ends (<eos>), as the reader `words` splits the text.
"""

import collections
import math
import os
import re
import sys

SHARE, MAX_WORDS = 0.05, 10000
ORDERS = (2, 3, 4, 5)
UNKNOWN, END = "<unk>", "<eos>"
# A word is a run of letters and digits with apostrophes inside; every other visible character is one of its own.
WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[^\w\s]|_")
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ\u2019", "abcdefghijklmnopqrstuvwxyz'")


def tokens(text):
    """The elements of the text: each line that has a word ends with END."""
    found = []
    for line in text.split("\n"):
        words = WORD.findall(line.translate(LOWER))
        found += [*words, END] if words else []
    return found


def divide(elements):
    """All but the last part, and the last part; as {last: 0.05} divides them."""
    count = max(1, math.floor(SHARE * len(elements) + 0.5))
    return elements[: len(elements) - count], elements[len(elements) - count :]


class KneserNey:
    """p(w | h) = (c(h w) - D(c(h w))) / c(h) + (sum of all D of h) / c(h) p(w | shorter h)

    The counts of the highest order are those of the text; those of a lower one, of different words before (h w). Single words
    are not discounted, because every word of the vocabulary occurs."""

    def __init__(self, text, order):
        self.order = order
        self.counts, self.totals, self.kinds, self.discounts = [], [], [], []
        for n in range(1, order + 1):
            grams = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
            if n < order:
                longer = {tuple(text[i : i + n + 1]) for i in range(len(text) - n)}
                grams = [gram[1:] for gram in longer]
            counts = collections.Counter(grams)
            totals, kinds = collections.Counter(), collections.defaultdict(lambda: [0, 0, 0])
            for gram, count in counts.items():
                totals[gram[:-1]] += count
                kinds[gram[:-1]][min(count, 3) - 1] += 1
            self.counts.append(counts)
            self.totals.append(totals)
            self.kinds.append(kinds)
            self.discounts.append(self.discounts_of(counts) if n > 1 else [0] * 4)

    @staticmethod
    def discounts_of(counts):
        """D of the counts 0, 1, 2 and more: D(k) = k - (k + 1) Y n(k+1) / n(k) with Y = n(1) / (n(1) + 2 n(2))"""
        seen = collections.Counter(counts.values())
        y = seen[1] / max(1, seen[1] + 2 * seen[2])
        return [0] + [max(0, k - (k + 1) * y * seen[k + 1] / max(1, seen[k])) for k in (1, 2, 3)]

    def probability(self, history, word):
        p = 0
        for n in range(self.order):
            own = history[len(history) - n :]
            total = self.totals[n][own]
            if total == 0:
                break
            discounts, count = self.discounts[n], self.counts[n][(*own, word)]
            left = sum(d * kind for d, kind in zip(discounts[1:], self.kinds[n][own]))
            p = (count - discounts[min(count, 3)]) / total + left / total * p
        return p


def perplexities(before, last, order):
    """Of all elements, and of those that are not UNKNOWN."""
    model = KneserNey(before, order)
    text = before[len(before) - order :] + last
    logs = [
        (text[i], math.log(model.probability(tuple(text[i - order + 1 : i]), text[i]))) for i in range(order, len(text))
    ]
    known = [log for word, log in logs if word != UNKNOWN]
    return math.exp(-sum(log for _, log in logs) / len(logs)), math.exp(-sum(known) / len(known))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    file = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data", "austen.txt")
    with open(file, encoding="utf-8", newline="") as stream:
        before, last = divide(tokens(stream.read()))
    training, _ = divide(before)
    counts = collections.Counter(word for word in training if word != END)
    frequent = sorted(counts, key=lambda word: (-counts[word], word.encode()))[:MAX_WORDS]
    known = {END, *frequent}
    before, last = ([word if word in known else UNKNOWN for word in part] for part in (before, last))
    print(f"the last {len(last)} of {len(before) + len(last)} words, signs and line ends, {last.count(UNKNOWN)} unknown:")
    for order in ORDERS:
        whole, without = perplexities(before, last, order)
        print(f"  n-gram of order {order}: perplexity {whole:.1f}, without {UNKNOWN} {without:.1f}", flush=True)


if __name__ == "__main__":
    main()
