#!/usr/bin/env python3
"""Gets 640 recordings of two Japanese vowels by nine speakers, and writes them as arrays: train.npz and test.npz.

Kudo, Toyama and Shimbo (1999) described each recording by 12 numbers (LPC cepstrum coefficients) for each of 7 to 29
steps. The package aeon for Python has them with their original division, 270 recordings to train on and 370 to test on.
This script fetches the package with pip, does not install it, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

Each file has the arrays that the reader `arrays` looks for: `input` [recordings, 29, 12], padded with zeros, `lengths`
[recordings], and `target` [recordings], the speaker from 0 to 8.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PARTS = {"train.npz": ("TRAIN", 270), "test.npz": ("TEST", 370)}  # part of the package, recordings
FILES = tuple(PARTS)
CHANNELS, STEPS, SPEAKERS = 12, 29, 9


def recordings(text):
    """[(channels, speaker)] of a file in the format .ts: after "@data", a line for each recording, which has the numbers
    of each channel, separated by commas, and then the class, from 1; these parts are separated by colons."""
    rows = []
    for line in text.partition("@data")[2].split():
        *channels, speaker = line.split(":")
        channels = [[float(number) for number in channel.split(",")] for channel in channels]
        lengths = {len(channel) for channel in channels}
        if len(channels) != CHANNELS or len(lengths) != 1 or max(lengths) > STEPS or not 1 <= int(speaker) <= SPEAKERS:
            raise packages.Failure(f"a recording has the form {len(channels)} x {sorted(lengths)}, speaker {speaker}")
        rows.append((channels, int(speaker) - 1))
    return rows


def arrays(rows):
    """The arrays of recordings, as packages.npz takes them."""
    inputs = []
    for channels, _ in rows:
        steps = list(zip(*channels))  # [steps][channels]
        steps += [(0.0,) * CHANNELS] * (STEPS - len(steps))
        inputs += [number for step in steps for number in step]
    return {
        "input": ("f4", (len(rows), STEPS, CHANNELS), inputs),
        "lengths": ("i4", (len(rows),), [len(channels[0]) for channels, _ in rows]),
        "target": ("i4", (len(rows),), [speaker for _, speaker in rows]),
    }


def make(folder):
    archive = packages.wheel("aeon", folder)
    contents = {}
    for name, (part, count) in PARTS.items():
        member = f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts"
        rows = recordings(archive.read(member).decode("utf-8"))
        if len(rows) != count:
            raise packages.Failure(f"'{member}' has {len(rows)} recordings, expected {count}")
        contents[name] = packages.npz(arrays(rows))
        lengths = [len(channels[0]) for channels, _ in rows]
        most = max(sum(speaker == s for _, speaker in rows) for s in range(SPEAKERS))
        print(
            f"{name}: {count} recordings of {min(lengths)} to {max(lengths)} steps, "
            f"{100 * most / count:.1f} % by the most frequent speaker"
        )
    return contents


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
