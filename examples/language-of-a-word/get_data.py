#!/usr/bin/env python3
"""Gets words of nine languages, and writes them with their language as train.tsv, valid.tsv and test.tsv.

The words are those of spelling dictionaries that Debian distributes (wamerican, wngerman and so on). This script fetches
the packages with apt, needs neither root nor other software, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

Of each language 30,000 different words are chosen, of those that have only lower-case letters, by a fixed rule, so that
everybody has the same three files. A word that several languages have may be chosen for each of them, and is then a row
for each. All rows of a word are in the same file.
"""

import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

# Language: package, file in usr/share/dict.
LANGUAGES = {
    "dutch": ("wdutch", "dutch"),
    "english": ("wamerican", "american-english"),
    "french": ("wfrench", "french"),
    "german": ("wngerman", "ngerman"),
    "italian": ("witalian", "italian"),
    "polish": ("wpolish", "polish"),
    "portuguese": ("wportuguese", "portuguese"),
    "spanish": ("wspanish", "spanish"),
    "swedish": ("wswedish", "swedish"),
}
COUNT = 30000  # words of each language
FILES = ("train.tsv", "valid.tsv", "test.tsv")


def part(word):
    """The file of a word: 10 % of all words are in test.tsv, 5 % in valid.tsv. It says nothing about the word itself."""
    place = int.from_bytes(hashlib.sha256(word.encode("utf-8")).digest()[:8], "big") / 2**64
    return "test.tsv" if place < 0.1 else "valid.tsv" if place < 0.15 else "train.tsv"


def words(data):
    """The different words of a dictionary that have only lower-case letters."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return {line for line in text.split("\n") if line.isalpha() and line == line.lower()}


def choose(dictionaries, count):
    """Rows (word, language): of each language the `count` words with the smallest SHA-256 of the language and the word."""
    rows = []
    for language, found in sorted(dictionaries.items()):
        if len(found) < count:
            raise packages.Failure(f"the dictionary of {language} has {len(found)} words, expected at least {count}")
        order = sorted(found, key=lambda word: hashlib.sha256(f"{language} {word}".encode("utf-8")).digest())
        rows += [(word, language) for word in order[:count]]
    return rows


def split(rows):
    """The rows of each file. The word alone decides, so that no word is in two files."""
    files = {name: [] for name in FILES}
    for row in sorted(rows, key=lambda row: hashlib.sha256(" ".join(row).encode("utf-8")).digest()):
        files[part(row[0])].append(row)
    return files


def ambiguity(rows, dictionaries):
    """The share of rows whose word is in several dictionaries, and the share that the best rule names rightly: one that
    knows all dictionaries, and names the smallest that has the word, of which the largest share was chosen."""
    several = right = 0
    for word, language in rows:
        sizes = {name: len(found) for name, found in dictionaries.items() if word in found}
        several += len(sizes) > 1
        right += language == min(sizes, key=lambda name: (sizes[name], name))
    return several / len(rows), right / len(rows)


def describe(files, dictionaries):
    for name in FILES:
        several, right = ambiguity(files[name], dictionaries)
        print(
            f"{name}: {len(files[name])} rows; the words of {100 * several:.1f} % are in several dictionaries, so that "
            f"at most {100 * right:.1f} % can be named rightly"
        )


def make(folder):
    dictionaries = {}
    for language, (package, name) in LANGUAGES.items():
        root = packages.debian(package, folder)
        with open(packages.member(root, "usr/share/dict", name), "rb") as stream:
            dictionaries[language] = words(stream.read())
    files = split(choose(dictionaries, COUNT))
    describe(files, dictionaries)
    return {name: packages.table(("word", "language"), rows) for name, rows in files.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
