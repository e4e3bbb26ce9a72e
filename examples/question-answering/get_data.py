#!/usr/bin/env python3
"""Makes stories about people who go from place to place, and take, drop and give things, each with a question and its answer.

    python3 get_data.py [--out FOLDER] [--force]

Each row of a file has a question with its story, and the answer. The question comes first, so that whoever reads the story knows
what to look for. A third of the questions is of each kind: where is a person, where is a thing (it is where the person is who
has it, or where it was dropped), and who has a thing (or nobody). Every answer follows from the story. It uses Python's
standard library alone, and makes the same files everywhere: train.tsv, valid.tsv, test.tsv, and the rows of test.tsv by their
kind. It prints how many answers are right without reading the story: always the most frequent answer, and the person or place
that the story names last.
"""

import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PEOPLE = ("anna", "bruno", "clara", "david", "emma", "felix", "greta")
PLACES = ("attic", "cellar", "garden", "garage", "kitchen", "office")
THINGS = ("apple", "ball", "book", "key", "lamp")
GOES = ("went to", "moved to", "walked to")
TAKES = ("took", "picked up")
DROPS = ("dropped", "left")
KINDS = ("person", "thing", "holder")
NOBODY = "nobody"
MOVES = 0.5  # the share of sentences in which someone goes somewhere, at least
WEIGHTS = {"take": 6, "drop": 6, "give": 2}  # of what can happen otherwise
WORDS = 44  # a story ends with the sentence that reaches this number
SHORT, FEWEST = 0.7, 8  # the share of shorter stories in train.tsv, and their least words: a network learns from them first
STORIES = {"train.tsv": 240000, "valid.tsv": 1500, "test.tsv": 6000}
TEST_KINDS = {kind: f"test-{kind}.tsv" for kind in KINDS}
FILES = (*STORIES, *TEST_KINDS.values())
COLUMNS = ("story", "answer")


class World:
    """Where people and things are. The place of a person is unknown at first; that of a thing, until someone has taken it."""

    def __init__(self, draw):
        self.draw = draw
        self.place = {}  # of people
        self.holder = {}  # of things
        self.dropped = {}  # the place of a thing that nobody has

    def events(self):
        """What can happen next: (kind of event, person, what). People can reach what is where they are."""
        found = []
        for person, place in self.place.items():
            held = [thing for thing in THINGS if self.holder.get(thing) == person]
            found += [("drop", person, thing) for thing in held]
            found += [("give", person, (thing, other)) for thing in held for other in PEOPLE
                      if other != person and self.place.get(other) == place]
            found += [("take", person, thing) for thing in THINGS
                      if self.holder.get(thing) is None and self.dropped.get(thing, place) == place]
        return found

    def step(self):
        """Something happens; the sentence that says so."""
        draw, found = self.draw, self.events()
        if not found or draw.random() < MOVES:
            person = draw.choice(PEOPLE)
            place = draw.choice([place for place in PLACES if place != self.place.get(person)])
            self.place[person] = place
            return f"{person} {draw.choice(GOES)} the {place} ."
        kinds = sorted({kind for kind, _, _ in found})
        kind = draw.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        _, person, what = draw.choice([event for event in found if event[0] == kind])
        if kind == "take":
            self.holder[what] = person
            return f"{person} {draw.choice(TAKES)} the {what} ."
        if kind == "drop":
            self.holder[what] = None
            self.dropped[what] = self.place[person]
            return f"{person} {draw.choice(DROPS)} the {what} ."
        thing, other = what
        self.holder[thing] = other
        return f"{person} gave the {thing} to {other} ."

    def questions(self, kind):
        """(question, answer) of all that can be asked."""
        if kind == "person":
            return [(f"where is {person} ?", place) for person, place in self.place.items()]
        if kind == "holder":
            return [(f"who has the {thing} ?", person or NOBODY) for thing, person in self.holder.items()]
        return [(f"where is the {thing} ?", self.dropped[thing] if person is None else self.place[person])
                for thing, person in self.holder.items()]


def story(kind, words, draw):
    """(question and story, answer), of one kind; the story has at least this number of words."""
    while True:
        world, sentences = World(draw), []
        while sum(len(sentence.split()) - 1 for sentence in sentences) < words:
            sentences.append(world.step())
        asked = world.questions(kind)
        if asked:
            question, answer = draw.choice(sorted(asked))
            return " ".join([question, *sentences]), answer


def last_named(text):
    """The answer of someone who knows what is asked for, a person or a place, and the name that came last."""
    question, story = text.split(" ? ")
    names = PEOPLE if question.startswith("who") else PLACES
    named = [word for word in story.split() if word in names]
    return named[-1]


def make(folder):
    files = {}
    for seed, (name, count) in enumerate(STORIES.items()):
        draw, short = random.Random(seed), SHORT if name == "train.tsv" else 0
        lengths = [draw.randint(FEWEST, WORDS) if draw.random() < short else WORDS for _ in range(count)]
        rows = [story(KINDS[i % len(KINDS)], words, draw) for i, words in enumerate(lengths)]
        files[name] = rows
        words = sum(word not in ".?" for text, _ in rows for word in text.split()) / count
        print(f"{name}: {count} stories of {words - 4:.0f} words with a question")
    test = {name: files["test.tsv"][i :: len(KINDS)] for i, name in enumerate(TEST_KINDS.values())}
    files.update(test)
    train = {name: files["train.tsv"][i :: len(KINDS)] for i, name in enumerate(TEST_KINDS.values())}
    for name in ("test.tsv", *test):
        most, _ = collections.Counter(answer for _, answer in train.get(name, files["train.tsv"])).most_common(1)[0]
        majority = sum(answer == most for _, answer in files[name]) / len(files[name])
        named = sum(answer == last_named(text) for text, answer in files[name]) / len(files[name])
        print(f"{name}: right without the story: {100 * majority:.1f} % ('{most}'), with the last name {100 * named:.1f} %")
    return {name: packages.table(COLUMNS, rows) for name, rows in files.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
