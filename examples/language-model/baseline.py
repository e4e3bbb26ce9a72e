#!/usr/bin/env python3
"""The baselines of this example: bits per character of the last 5 % of the text, by methods that may use all that is before.

    python3 baseline.py [FILE]           default: data/kjv.txt, here

    n-gram   characters given the characters before, interpolated over all orders up to the given one (Witten & Bell 1991:
             p(c | h) = (count(h c) + types(h) p(c | shorter h)) / (count(h) + types(h)))
    bzip2, xz   the bytes that the last part adds to a compressed file
"""

import bz2
import collections
import lzma
import math
import os
import sys

SHARE = 0.05
ORDERS = (1, 3, 5, 6)


def divide(text):
    """The text before the last part, and the last part; as data.test: {last: 0.05} divides it."""
    count = max(1, math.floor(SHARE * len(text) + 0.5))
    return text[: len(text) - count], text[len(text) - count :]


def ngram_bits(before, last, order):
    """Mean bits per character of `last`."""
    counts = [collections.defaultdict(collections.Counter) for _ in range(order + 1)]
    for n in range(order + 1):
        for i in range(len(before)):
            if i >= n:
                counts[n][before[i - n : i]][before[i]] += 1
    totals = [{history: sum(own.values()) for history, own in of_order.items()} for of_order in counts]
    alphabet = len(set(before)) + 1
    text, bits = before[-order:] + last, 0.0
    for i in range(order, len(text)):
        p = 1 / alphabet
        for n in range(order + 1):
            history = text[i - n : i]
            own = counts[n].get(history)
            if own is None:
                break
            total, types = totals[n][history], len(own)
            p = (own[text[i]] + types * p) / (total + types)
        bits -= math.log2(p)
    return bits / len(last)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    file = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "data", "kjv.txt")
    with open(file, encoding="utf-8", newline="") as stream:
        before, last = divide(stream.read())
    print(f"the last {len(last)} of {len(before) + len(last)} characters:")
    for order in ORDERS:
        print(f"  n-gram of order {order}: {ngram_bits(before, last, order):.3f} bits per character", flush=True)
    for name, compress in (("bzip2", bz2.compress), ("xz", lambda data: lzma.compress(data, preset=9))):
        added = len(compress((before + last).encode())) - len(compress(before.encode()))
        print(f"  {name}, given the text before: {8 * added / len(last):.3f} bits per character")


if __name__ == "__main__":
    main()
