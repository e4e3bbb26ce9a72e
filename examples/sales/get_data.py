#!/usr/bin/env python3
"""Gets how many bicycles were rented on each day of two years, with the weather, and writes them as days.csv; and as
next_week.csv what a calendar says about the seven days after them.

The rows are of the company Capital Bikeshare in Washington, from 2011-01-01 to 2012-12-31 (H. Fanaee-T and J. Gama, "Event
labeling combining ensemble detectors and background knowledge", Progress in Artificial Intelligence 2, 2014). Debian
distributes them in its package gretl-data. This script fetches the package with apt, needs no root, and uses Python's
standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

The columns are the date; `rented`, the number of rentals; what a calendar says, `holiday` and `workday`, 0 or 1; and the
weather of the day, in the units of the package: temperature / 41, felt temperature / 50, humidity / 100, wind speed / 67,
and `mist` and `rain`, 0 or 1. How many customers were registered is left out: the sum of these and of the others is the
number that is to be forecast.
"""

import datetime
import gzip
import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PACKAGE = "gretl-data"
FIRST, DAYS = datetime.date(2011, 1, 1), 731
FILES = ("days.csv", "next_week.csv")
HOLIDAY = datetime.date(2013, 1, 1)  # the only one of the week
HEADER = ("date", "rented", "holiday", "workday", "temperature", "felt", "humidity", "wind", "mist", "rain")


def table(document):
    """The rows of the file of gretl: {column: text} for each day."""
    try:
        root = xml.etree.ElementTree.fromstring(document)
    except xml.etree.ElementTree.ParseError as error:
        raise packages.Failure(f"the file is not XML: {error}") from None
    names = [variable.get("name") for variable in root.iter("variable")]
    rows = [dict(zip(names, (row.text or "").split())) for row in root.iter("obs")]
    if len(rows) != DAYS or any(len(row) != len(names) for row in rows) or root.get("startobs") != FIRST.isoformat():
        raise packages.Failure(f"the file has {len(rows)} rows from {root.get('startobs')}, expected {DAYS} from {FIRST}")
    return rows


def csv(header, rows):
    return "\n".join(",".join(map(str, row)) for row in (header, *rows)) + "\n"


def next_week(last):
    """Seven days after the last one, of which the rentals are not known: date, rented, holiday, workday."""
    rows = []
    for day in (last + datetime.timedelta(days=number) for number in range(1, 8)):
        is_holiday = day == HOLIDAY
        rows.append((day.isoformat(), "", int(is_holiday), int(day.weekday() < 5 and not is_holiday)))
    return rows


def make(folder):
    root = packages.debian(PACKAGE, folder)
    with gzip.open(packages.member(root, "usr/share/gretl/data/misc/bikesharing.gdt")) as stream:
        days = table(stream.read())
    rows = []
    for number, day in enumerate(days):
        date = FIRST + datetime.timedelta(days=number)
        weather = [day[name] for name in ("temp", "atemp", "hum", "windspeed")]
        sky = [int(day["weathersit"] == "2"), int(day["weathersit"] in ("3", "4"))]
        rows.append((date.isoformat(), day["cnt"], day["holiday"], day["workingday"], *weather, *sky))
    print(f"days.csv: {len(rows)} days, {min(int(row[1]) for row in rows)} to {max(int(row[1]) for row in rows)} rentals")
    return {"days.csv": csv(HEADER, rows), "next_week.csv": csv(HEADER[:4], next_week(date))}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
