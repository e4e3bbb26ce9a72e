#!/usr/bin/env python3
"""Gets 5,000 reviews of fine foods, with their score, and writes them as train.tsv, valid.tsv and test.tsv.

The reviews are a sample of those that McAuley and Leskovec (2013) collected from an online shop. Debian distributes
them in its package r-cran-modeldata, as the data set `small_fine_foods` of R: 4,000 rows to train on and 1,000 to test
on, each with a review and a score, "great" (five stars) or "other". This script fetches the package with apt, needs
neither root nor R, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

Each file has a header and two columns, text and label. 15 % of the training rows become valid.tsv, by a fixed rule, so
that everybody has the same three files.
"""

import collections
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402
import r_data  # noqa: E402
from packages import Failure  # noqa: E402

PACKAGE = "r-cran-modeldata"
ROWS = {"training_data": 4000, "testing_data": 1000}
LABELS = ("great", "other")
VALID_SHARE = 0.15
FILES = ("train.tsv", "valid.tsv", "test.tsv")


def reviews(folder, name):
    """The rows of a data set: [(review, label)]."""
    columns = r_data.named(r_data.load(folder, name))
    texts, codes = columns["review"].value, columns["score"].value
    if len(texts) != ROWS[name] or len(codes) != ROWS[name]:
        raise Failure(f"'{name}' has {len(texts)} reviews and {len(codes)} scores, expected {ROWS[name]} of each")
    levels = dict(enumerate(columns["score"].attributes["levels"].value, 1))  # a factor holds numbers from 1
    rows = [(text, levels.get(code)) for text, code in zip(texts, codes)]
    for text, label in rows:
        if label not in LABELS or not text or not text.strip():
            raise Failure(f"'{name}' has a row without a review, or with the label '{label}'")
    return rows


# --- the three files -------------------------------------------------------------------------------------------------


def split(rows):
    """15 % of the rows of each label, those whose text has the smallest SHA-256. A text that is there more than once
    goes to one side with all its rows."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    order = sorted(groups, key=lambda text: hashlib.sha256(text.encode("utf-8")).digest())
    wanted = {label: round(VALID_SHARE * sum(row[1] == label for row in rows)) for label in LABELS}
    chosen = set()
    for text in order:
        counts = collections.Counter(label for _, label in groups[text])
        if all(counts[label] <= wanted[label] for label in counts):
            wanted = {label: wanted[label] - counts[label] for label in LABELS}
            chosen.add(text)
    return [row for row in rows if row[0] not in chosen], [row for row in rows if row[0] in chosen]


def describe(name, rows):
    label, count = collections.Counter(label for _, label in rows).most_common(1)[0]
    print(f"{name}: {len(rows)} rows, {100 * count / len(rows):.1f} % are '{label}'")


def make(folder):
    data = os.path.join(packages.debian(PACKAGE, folder), "usr/lib/R/site-library/modeldata/data")
    training, test = reviews(data, "training_data"), reviews(data, "testing_data")
    train, valid = split(training)
    parts = dict(zip(FILES, (train, valid, test)))
    for name, rows in parts.items():
        describe(name, rows)
    seen = {text for text, _ in training}
    print(f"{sum(text in seen for text, _ in test)} texts of test.tsv are also in the training data")
    return {name: packages.table(("text", "label"), rows) for name, rows in parts.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
