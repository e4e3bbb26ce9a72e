#!/usr/bin/env python3
"""Gets 5,000 customers of a telephone company, and whether they left, and writes them as train.tsv and test.tsv.

The customers are made up: the table comes from the software MLC++, and its authors say that it resembles real data. Debian
distributes it in its package r-cran-modeldata, as the data set `mlc_churn` of R. This script fetches the package with apt,
needs neither root nor R, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

Each file has a header and 20 columns: 15 of numbers, 4 of categories (state, area_code, international_plan and
voice_mail_plan), and `churn`, yes or no. As with MLC++, the first 3,333 rows are there to train on, the others to test on.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402
import r_data  # noqa: E402

PACKAGE = "r-cran-modeldata"
ROWS, TRAINING_ROWS, TARGET = 5000, 3333, "churn"
FILES = ("train.tsv", "test.tsv")


def fields(column):
    """The fields of a column: texts, where it is a factor, which holds numbers from 1; else numbers."""
    levels = dict(enumerate(column.attributes["levels"].value, 1)) if "levels" in column.attributes else None
    values = [levels[value] if levels else value for value in column.value]
    return [f"{value:g}" if isinstance(value, float) else value for value in values]


def make(folder):
    data = os.path.join(packages.debian(PACKAGE, folder), "usr/lib/R/site-library/modeldata/data")
    columns = r_data.named(r_data.load(data, "mlc_churn"))
    rows = list(zip(*(fields(column) for column in columns.values())))
    if len(rows) != ROWS or TARGET not in columns:
        raise packages.Failure(f"the table has {len(rows)} rows, expected {ROWS} and a column '{TARGET}'")
    header, target = list(columns), list(columns).index(TARGET)
    parts = dict(zip(FILES, (rows[:TRAINING_ROWS], rows[TRAINING_ROWS:])))
    for name, part in parts.items():
        left = sum(row[target] == "yes" for row in part)
        print(f"{name}: {len(part)} customers, {100 * left / len(part):.1f} % have left")
    return {name: packages.table(header, part) for name, part in parts.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
