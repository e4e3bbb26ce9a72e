#!/usr/bin/env python3
"""Gets words of nine languages, and writes them with their language as train.tsv, valid.tsv and test.tsv.

    python3 get_data.py [--out FOLDER] [--force]

The files are those of the example language-of-a-word, whose script makes them.
"""

import importlib.util
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
sys.path.insert(0, FOLDER)
import packages  # noqa: E402


def words():
    spec = importlib.util.spec_from_file_location("words", os.path.join(FOLDER, "language-of-a-word", "get_data.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    module = words()
    packages.main(__doc__, __file__, module.FILES, module.make)
