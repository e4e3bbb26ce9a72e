#!/usr/bin/env python3
"""Gets the weather of each day of four years in Seattle, and writes it as days.csv.

The rows come from NOAA and are in the public domain. Debian distributes them in its package python3-vega-datasets. This
script fetches the package with apt, needs no root, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

The columns are the date, from 2012-01-01 to 2015-12-31; `high` and `low`, the temperatures in degrees Celsius; `rain`, the
precipitation in millimetres; and `wind`, its speed in metres per second.
"""

import csv
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PACKAGE, DAYS = "python3-vega-datasets", 1461
FILES = ("days.csv",)
COLUMNS = {"high": "temp_max", "low": "temp_min", "rain": "precipitation", "wind": "wind"}


def make(folder):
    root = packages.debian(PACKAGE, folder)
    file = packages.member(root, "usr/lib/python3/dist-packages/vega_datasets/_data/seattle-weather.csv")
    with open(file, encoding="utf-8") as stream:
        days = list(csv.DictReader(io.StringIO(stream.read())))
    if len(days) != DAYS:
        raise packages.Failure(f"the file has {len(days)} days, expected {DAYS}")
    rows = [(day["date"].replace("/", "-"), *(day[name] for name in COLUMNS.values())) for day in days]
    print(f"days.csv: {len(rows)} days, {rows[0][0]} to {rows[-1][0]}")
    lines = [",".join(row) for row in (("date", *COLUMNS), *rows)]
    return {"days.csv": "\n".join(lines) + "\n"}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
