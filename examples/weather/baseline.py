#!/usr/bin/env python3
"""What the experiments must beat on the test part: the day before, and linear models of the days before.

    python3 baseline.py [--data FILE]

Each linear model is least squares on all days before the test part. The figures are mean absolute errors in degrees Celsius.
Only Python's standard library is used.
"""

import argparse
import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir))
import linear  # noqa: E402

TEST = "2015-03-15"  # the first day of the test part, as in the experiments
COLUMNS = ("high", "low", "rain", "wind")


def read(file):
    """The rows of days.csv as numbers, and the row at which the test part begins."""
    with open(file, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [[float(row[name]) for name in COLUMNS] for row in rows], [row["date"] for row in rows].index(TEST)


def linear_error(days, test, column, inputs, lags):
    """Of a linear model of the columns `inputs` in the last `lags` days."""

    def row(t):
        return [1.0] + [days[t - lag][k] for lag in range(1, lags + 1) for k in inputs]

    known = range(7, test)
    weights = linear.fit([row(t) for t in known], [days[t][column] for t in known])
    return mean_error(days, test, column, lambda t: linear.predict(weights, row(t)))


def mean_error(days, test, column, forecast):
    return sum(abs(forecast(t) - days[t][column]) for t in range(test, len(days))) / (len(days) - test)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.path.join(HERE, "data", "days.csv"), help="default: data/days.csv, here")
    days, test = read(parser.parse_args().data)
    every = range(len(COLUMNS))
    models = {
        "the day before": lambda k: mean_error(days, test, k, lambda t: days[t - 1][k]),
        "linear, seven days of the same temperature": lambda k: linear_error(days, test, k, (k,), 7),
        "linear, three days of all columns": lambda k: linear_error(days, test, k, every, 3),
        "linear, seven days of all columns": lambda k: linear_error(days, test, k, every, 7),
    }
    for name, error in models.items():
        high, low = error(0), error(1)
        print(f"{name}: high {high:.3f}, low {low:.3f}, mean {(high + low) / 2:.3f}")


if __name__ == "__main__":
    main()
