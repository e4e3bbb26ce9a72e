#!/usr/bin/env python3
"""Makes Morse signals of groups of letters, and writes them as arrays: train.npz, valid.npz and test.npz.

    python3 get_data.py [--out FOLDER] [--force]

Each signal is one number per step, the strength of the tone: about 1 while the key is down, about 0 while it is up, with
noise. A sender keys 3 to 6 letters, at a speed and with an unsteadiness of their own. The letters are the target, in their
order; nothing says at which step a letter is. It uses Python's standard library alone, and makes the same files everywhere.

The arrays are those that the reader `arrays` looks for: `input` [signals, longest, 1], padded with zeros, `lengths`
[signals], `target` [signals, 6], padded with zeros, `target_lengths` [signals], and `class_names`, the letters.
"""

import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

CODE = {
    "A": ".-", "B": "-...", "C": "-.-.", "D": "-..", "E": ".", "F": "..-.", "G": "--.", "H": "....", "I": "..",
    "J": ".---", "K": "-.-", "L": ".-..", "M": "--", "N": "-.", "O": "---", "P": ".--.", "Q": "--.-", "R": ".-.",
    "S": "...", "T": "-", "U": "..-", "V": "...-", "W": ".--", "X": "-..-", "Y": "-.--", "Z": "--..",
}  # fmt: skip
SIGNALS = {"train.npz": 4000, "valid.npz": 400, "test.npz": 1000}
FILES = tuple(SIGNALS)
LEAST_LETTERS, MOST_LETTERS = 3, 6
DOT, DASH, GAP, LETTER_GAP = 1, 3, 1, 3  # in units of the sender


def signal(letters, draw):
    """The strength of the tone at each step."""
    unit, unsteadiness, noise = draw.uniform(2, 4), draw.uniform(0, 0.15), draw.uniform(0.05, 0.3)
    strengths = []

    def hold(strength, units):
        steps = max(1, round(unit * units * draw.gauss(1, unsteadiness)))
        strengths.extend(strength + draw.gauss(0, noise) for _ in range(steps))

    hold(0, LETTER_GAP)
    for letter in letters:
        for place, sign in enumerate(CODE[letter]):
            if place > 0:
                hold(0, GAP)
            hold(1, DOT if sign == "." else DASH)
        hold(0, LETTER_GAP)
    return strengths


def arrays(count, draw):
    """The arrays of signals, as packages.npz takes them."""
    alphabet = sorted(CODE)
    groups = [draw.choices(alphabet, k=draw.randint(LEAST_LETTERS, MOST_LETTERS)) for _ in range(count)]
    signals = [signal(group, draw) for group in groups]
    longest = max(len(strengths) for strengths in signals)
    ids = [[alphabet.index(letter) for letter in group] for group in groups]
    return {
        "input": ("f4", (count, longest, 1), [x for s in signals for x in s + [0.0] * (longest - len(s))]),
        "lengths": ("i4", (count,), [len(s) for s in signals]),
        "target": ("i4", (count, MOST_LETTERS), [i for g in ids for i in g + [0] * (MOST_LETTERS - len(g))]),
        "target_lengths": ("i4", (count,), [len(group) for group in groups]),
        "class_names": ("U1", (len(alphabet),), alphabet),
    }


def make(folder):
    contents = {}
    for seed, (name, count) in enumerate(SIGNALS.items()):
        made = arrays(count, random.Random(seed))
        contents[name] = packages.npz(made)
        steps, letters = sum(made["lengths"][2]), sum(made["target_lengths"][2])
        print(f"{name}: {count} signals, {letters} letters, {steps / letters:.1f} steps per letter")
    return contents


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
