#!/usr/bin/env python3
"""What the experiments must beat on the test part: forecasts without a model, and linear models of the same inputs.

    python3 baseline.py [--data FILE]

Each linear model is least squares on all days before the test part, from the rentals 1, 2, 3, 7, 8 and 14 days before and from
the inputs that its line names. A week is forecast by seven models, one for each day of it. The figures are mean absolute
errors in rentals. Only Python's standard library is used.
"""

import argparse
import csv
import datetime
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir))
import linear  # noqa: E402

TEST = "2012-08-08"  # the first day of the test part, as in the experiments
LAGS, SCALE = (1, 2, 3, 7, 8, 14), 1000  # rentals in thousands keep the equations well scaled
WEATHER = ("temperature", "felt", "humidity", "wind", "mist", "rain")


class Days:
    """The columns of days.csv, and the inputs of a forecast of day t, made after day t - ahead."""

    def __init__(self, file):
        with open(file, encoding="utf-8", newline="") as stream:
            self.rows = list(csv.DictReader(stream))
        self.rented = [int(row["rented"]) / SCALE for row in self.rows]
        self.test = [row["date"] for row in self.rows].index(TEST)

    def past(self, t, ahead):
        return [1.0] + [self.rented[t + 1 - ahead - lag] for lag in LAGS]

    def calendar(self, t):
        weekday = datetime.date.fromisoformat(self.rows[t]["date"]).weekday()
        return [float(weekday == day) for day in range(7)] + [float(self.rows[t][name]) for name in ("holiday", "workday")]

    def weather(self, t):
        return [float(self.rows[t][name]) for name in WEATHER]

    def squares(self, t):
        return [x * x for x in self.weather(t)[:4]]


def mean_error(days, forecast, horizon):
    """Of forecasts of `horizon` days after each day, whose targets are all in the test part."""
    origins = range(days.test - 1, len(days.rows) - horizon)
    errors = [abs(forecast(o + h, h) - days.rented[o + h]) for o in origins for h in range(1, horizon + 1)]
    return SCALE * sum(errors) / len(errors)


def linear_error(days, horizon, inputs):
    """Of linear models of inputs(t, ahead), one for each day ahead."""
    weights = {}
    for ahead in range(1, horizon + 1):
        known = range(max(LAGS) + horizon - 1, days.test)
        weights[ahead] = linear.fit([inputs(t, ahead) for t in known], [days.rented[t] for t in known])
    return mean_error(days, lambda t, ahead: linear.predict(weights[ahead], inputs(t, ahead)), horizon)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.path.join(HERE, "data", "days.csv"), help="default: data/days.csv, here")
    days = Days(parser.parse_args().data)
    models = {
        "the past alone": lambda t, ahead: days.past(t, ahead),
        "and the calendar": lambda t, ahead: days.past(t, ahead) + days.calendar(t),
        "and the weather of the day": lambda t, ahead: days.past(t, ahead) + days.calendar(t) + days.weather(t),
        "and that of the day before": lambda t, ahead: days.past(t, ahead)
        + days.calendar(t)
        + days.weather(t)
        + days.weather(t - ahead),
        "and the squares of both": lambda t, ahead: days.past(t, ahead)
        + days.calendar(t)
        + days.weather(t)
        + days.weather(t - ahead)
        + days.squares(t)
        + days.squares(t - ahead),
    }
    for horizon, title in ((1, "the next day"), (7, "the next seven days")):
        print(f"{title}:")
        print(f"  the day before: {mean_error(days, lambda t, ahead: days.rented[t - ahead], horizon):.1f}")
        print(f"  the same day of the week before: {mean_error(days, lambda t, ahead: days.rented[t - 7], horizon):.1f}")
        for name, inputs in list(models.items())[: 2 if horizon > 1 else None]:
            print(f"  linear, {name}: {linear_error(days, horizon, inputs):.1f}")


if __name__ == "__main__":
    main()
