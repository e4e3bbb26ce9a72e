#!/usr/bin/env python3
"""The tables of docs/comparisons.md and of the READMEs of examples, from the folders that `rondo compare` has left.

    python3 bench/papers.py [--write] [--folder comparisons] [--note "on a machine that did other work too"] [NAME…]

Prints the tables; --write replaces those in the pages. A comparison whose folder is missing or incomplete keeps the table that the
pages have. What others have published is in this file, with its source in configs/papers/NAME.yaml.
"""

import argparse
import json
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
PAGES = [os.path.join(ROOT, "docs", "comparisons.md"),
         *(os.path.join(ROOT, "examples", name, "README.md") for name in ("gap", "sentiment"))]


class Folder:
    """A comparison that is finished: its results by variant, and the time that it took."""

    def __init__(self, path):
        with open(os.path.join(path, "comparison.json"), encoding="utf-8") as file:
            self.comparison = json.load(file)
        with open(os.path.join(path, "table.json"), encoding="utf-8") as file:
            table = json.load(file)
        self.is_final = table["final"]
        self.sentences = [sentence.strip() for sentence in table["result"]]
        self.rows = {row["variant"]: row for row in table["variants"]}
        self.variants = {variant["name"]: variant for variant in self.comparison["variants"]}
        self.seconds, self.runs = training_time(path)

    def time(self, note):
        minutes = self.seconds / 60
        taken = (f"{self.seconds:.0f} seconds" if minutes < 3 else
                 f"{minutes:.0f} minutes" if minutes < 180 else f"{minutes / 60:.1f} hours")
        seeds = len(self.comparison["seeds"])
        return (f"{seeds} seeds; {self.runs} trainings took {taken} together, one thread each"
                f"{', ' + note if note else ''}.")


def training_time(path):
    """Seconds of all trainings below a folder, and their number; trials of tuning are trainings too."""
    seconds, runs = 0, 0
    for folder, _, files in os.walk(path):
        if "timings.jsonl" in files:
            with open(os.path.join(folder, "timings.jsonl"), encoding="utf-8") as file:
                lines = file.read().splitlines()
            if lines:
                seconds += json.loads(lines[-1])["seconds"]
                runs += 1
    return seconds, runs


# ---- numbers ----


def number(value, form):
    """A score: a share as per cent, a small error by its magnitude, others with three decimals."""
    if value is None:
        return "-"
    if form == "percent":
        return f"{100 * value:.1f}"
    if form == "error":
        return f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.3f}"


def interval(row, name, form):
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if low is None else f" [{number(low, form)}, {number(high, form)}]"


def setting(values, key):
    return values.get(key, "-")


def markdown(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


# ---- tables ----


def by_variant(folder, published, form, tuned):
    """A row for each variant, in the order of `published`: what was published, and what we measured."""
    rows = []
    for name, figure in published.items():
        row, variant = folder.rows[name], folder.variants[name]
        widths = ", ".join(variant["widths"].values())
        rows.append([f"`{name}`", figure, number(row["mean"], form) + interval(row, "mean", form),
                     f"{number(row['best'], form)} to {number(row['worst'], form)}",
                     f"{row['parameters']:,}" + (f" ({widths} units)" if widths else ""),
                     setting(variant["tuned"], "optimizer.lr"),
                     number(row["seconds_per_epoch"], "plain")])
    header = ["cell", "published", "mean [95 % interval]", "best to worst", "parameters", "learning rate", "seconds per epoch"]
    without = set() if tuned else {header.index("learning rate")}
    if not any(published.values()):
        without.add(header.index("published"))
    return markdown(*[[cell for i, cell in enumerate(line) if i not in without] for line in (header,)],
                    [[cell for i, cell in enumerate(line) if i not in without] for line in rows])


def by_gap(folder):
    """A row for each cell, a column for each gap."""
    cells, gaps = [], []
    for name in folder.variants:
        cell, gap = name.split(", gap ")
        cells += [cell] if cell not in cells else []
        gaps += [gap] if gap not in gaps else []
    rows = []
    for cell in cells:
        found = [folder.rows[f"{cell}, gap {gap}"] for gap in gaps]
        rows.append([f"`{cell}`", *(f"{number(row['mean'], 'percent')} ({number(row['worst'], 'percent')} to "
                                    f"{number(row['best'], 'percent')})" for row in found)])
    return markdown(["cell", *(f"gap {gap}" for gap in gaps)], rows)


def by_difference(folder, published, form):
    """A row for each variant, from the least harm to the greatest: the difference to the baseline."""
    lower = not folder.comparison["higher_is_better"]
    order = sorted(folder.rows.values(), key=lambda row: row["mean"] if lower else -row["mean"])
    rows = []
    for row in order:
        name, variant = row["variant"], folder.variants[row["variant"]]
        label, figure = published[name]
        difference = "" if row["baseline_difference"] is None else (
            f"{row['baseline_difference']:+.3f}{interval(row, 'baseline_difference', form)}")
        rows.append([f"{label} (`{name}`)", figure, number(row["mean"], form) + interval(row, "mean", form), difference,
                     f"{row['parameters']:,}", setting(variant["tuned"], "optimizer.lr")])
    return markdown(["variant", "published", "mean [95 % interval]", "difference to the first LSTM", "parameters",
                     "learning rate"], rows)


ADDING = {"rnn_tanh": "0.177", "lstm": "0.164", "gru": "5.3e-5"}
COPY = {"rnn_tanh": "2.06", "lstm": "2.08", "gru": "2.01"}
NEWER = {name: "" for name in ("cornn", "lem", "lru", "min_gru", "antisymmetric")}
TEN = ("rnn_tanh", "rnn_relu", "lstm", "lstm_peephole", "gru", "gru_reset_after", "mgu", "min_gru", "indrnn", "sru")
WORSE, SAME = "significantly worse on all three data sets", "no significant change on any"
PARTLY = "significantly worse on speech and handwriting, not on music"
ODYSSEY = {
    "lstm_peephole": ("vanilla", "none is significantly better"),
    "lstm_coupled": ("CIFG, coupled gates", SAME),
    "lstm_np": ("NP, no peepholes", SAME),
    "lstm_fgr": ("FGR, full gate recurrence", "better on none"),
    "lstm_nog": ("NOG, no output gate", PARTLY),
    "lstm_niaf": ("NIAF, no input activation", PARTLY),
    "lstm_nig": ("NIG, no input gate", PARTLY),
    "lstm_nfg": ("NFG, no forget gate", WORSE),
    "lstm_noaf": ("NOAF, no output activation", WORSE),
}

TABLES = {
    "adding": lambda folder: by_variant(
        folder, {"rnn_tanh": "near 1/6", "lstm": "solved", "gru": "solved"}, "error", tuned=True),
    "gap": by_gap,
    "odyssey": lambda folder: by_difference(folder, ODYSSEY, "plain"),
    "fashion": lambda folder: by_variant(folder, {name: "" for name in TEN}, "percent", tuned=True),
    "gap-adding-cells": lambda folder: by_variant(folder, {name: "" for name in folder.variants}, "error", tuned=False),
    "food-sentiment-cells": lambda folder: by_variant(folder, {name: "" for name in folder.variants}, "percent", tuned=False),
    "adding-long": lambda folder: by_variant(folder, {**ADDING, **NEWER}, "error", tuned=False),
    "copy-long": lambda folder: by_variant(folder, {**COPY, **NEWER}, "error", tuned=False),
}


def block(name, folder, note):
    """What is between the marks of a comparison."""
    sentences = [] if TABLES[name] is by_gap else folder.sentences  # which compare cells on different tasks
    return "\n\n".join([TABLES[name](folder), folder.time(note), *(f"> {sentence}" for sentence in sentences)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TABLES)} (default: all)")
    parser.add_argument("--folder", default=os.path.join(ROOT, "comparisons"), help="where the comparisons are")
    parser.add_argument("--note", default="", help="added to the sentence about the time")
    parser.add_argument("--write", action="store_true", help="replace the tables of the pages")
    arguments = parser.parse_args()
    pages, found_any = {}, False
    for name in PAGES:
        with open(name, encoding="utf-8") as file:
            pages[name] = file.read()
    for name in arguments.names or TABLES:
        path = os.path.join(arguments.folder, name)
        if not os.path.exists(os.path.join(path, "table.json")):
            print(f"{name}: not in {arguments.folder}", file=sys.stderr)
            continue
        folder = Folder(path)
        if not folder.is_final:
            print(f"{name}: not finished", file=sys.stderr)
            continue
        text, found_any = block(name, folder, arguments.note), True
        print(f"{name}\n\n{text}\n")
        marks = re.compile(f"(<!-- bench/papers.py: {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        for page, content in pages.items():
            pages[page] = marks.sub(lambda found: found.group(1) + text + found.group(2), content)
    if not found_any:
        sys.exit(f"papers.py: {arguments.folder} has no finished comparison of these names")
    for page, content in pages.items():
        if arguments.write:
            with open(page, "w", encoding="utf-8") as file:
                file.write(content)


if __name__ == "__main__":
    main()
