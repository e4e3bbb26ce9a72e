#!/usr/bin/env python3
"""Gets six novels by Jane Austen and writes them as austen.txt, one paragraph on each line.

Debian distributes the texts (public domain, of Project Gutenberg) in its package r-cran-janeaustenr, as data sets of R. This
script fetches the package with apt, needs neither root nor R, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

The novels are in the order in which they were published. Lines of a paragraph are joined, and the signs of emphasis (_so_)
are left out; nothing else is changed.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402
import r_data  # noqa: E402

PACKAGE = "r-cran-janeaustenr"
NOVELS = ("sensesensibility", "prideprejudice", "mansfieldpark", "emma", "northangerabbey", "persuasion")
LINES = 73422
FILES = ("austen.txt",)


def paragraphs(lines):
    """The texts between empty lines, each as one line."""
    found, words = [], []
    for line in [*lines, ""]:
        words += line.replace("_", "").split()
        if not line.strip() and words:
            found.append(" ".join(words))
            words = []
    return found


def make(folder):
    data = os.path.join(packages.debian(PACKAGE, folder), "usr/lib/R/site-library/janeaustenr/data")
    novels = [r_data.load(data, name).value for name in NOVELS]
    if sum(map(len, novels)) != LINES:
        raise packages.Failure(f"the novels have {sum(map(len, novels))} lines, expected {LINES}")
    texts = [text for novel in novels for text in paragraphs(novel)]
    whole = "\n".join(texts) + "\n"
    print(f"austen.txt: {len(texts)} paragraphs, {len(whole.split())} words, {len(whole)} characters")
    return {"austen.txt": whole}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
