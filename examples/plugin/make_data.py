#!/usr/bin/env python3
"""make_data.py: writes train.tsv, in which a fifth of the labels is wrong, and valid.tsv, in which none is, to this folder."""
import pathlib
import random

THINGS = ["the soup", "this tea", "my bread", "the pie", "our guide", "the music", "a neighbour", "the sea"]
WORDS = {"nice": ["lovely", "warm", "gentle", "bright", "sweet"], "harsh": ["awful", "cold", "rude", "dull", "bitter"]}


def sentence(draw: random.Random, label: str) -> str:
    verb, much = draw.choice(["was", "is", "seems"]), draw.choice(["", "very ", "so ", "quite "])
    return f"{draw.choice(THINGS)} {verb} {much}{draw.choice(WORDS[label])}"


def rows(draw: random.Random, count: int, wrong: float):
    for i in range(count):
        label, other = ("nice", "harsh") if i % 2 else ("harsh", "nice")
        yield f"{sentence(draw, label)}\t{other if draw.random() < wrong else label}\n"


def main() -> None:
    draw = random.Random(1)
    for name, count, wrong in (("train.tsv", 480, 0.2), ("valid.tsv", 40, 0.0)):
        path = pathlib.Path(__file__).with_name(name)
        path.write_text("text\tlabel\n" + "".join(rows(draw, count, wrong)), encoding="utf-8")


if __name__ == "__main__":
    main()
