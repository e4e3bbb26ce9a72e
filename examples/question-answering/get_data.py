#!/usr/bin/env python3
"""Makes stories about people who go from place to place, and take, drop and give things, each with a question and its answers.

    python3 get_data.py [--out FOLDER] [--force]

Each row of a file has a question with its story, and a target for each of its words. The question comes first, so that whoever reads
the story knows what to look for. The target of the full stop of a sentence is the answer after this sentence; other words have none,
which is written `-`. A third of the questions is of each kind: where is a person, where is a thing (it is where the person is who has
it, or where it was dropped), and who has a thing (or nobody). Every answer follows from the story. In the stories for training, every
sentence has an answer; elsewhere only the last one.

It uses Python's standard library alone, and makes the same files everywhere: train.tsv, valid.tsv, test.tsv, and the rows of test.tsv
by their kind. It prints how many answers are right without reading the story: always the most frequent answer, and the person or
place that the story names last.
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
NOBODY, UNKNOWN, NONE = "nobody", "unknown", "-"
MOVES = 0.5  # the share of sentences in which someone goes somewhere, at least
WEIGHTS = {"take": 6, "drop": 6, "give": 2}  # of what can happen otherwise
WORDS = 44  # a story ends with the sentence that reaches this number
STORIES = {"train.tsv": 100000, "valid.tsv": 1500, "test.tsv": 6000}
TEST_KINDS = {kind: f"test-{kind}.tsv" for kind in KINDS}
FILES = (*STORIES, *TEST_KINDS.values())
COLUMNS = ("story", "answers")


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
        """Something happens; the sentence that says so, which begins with the person who does it."""
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

    def answer(self, kind, what):
        """After what has happened so far."""
        if kind == "person":
            return self.place.get(what, UNKNOWN)
        if what not in self.holder:
            return UNKNOWN
        person = self.holder[what]
        if kind == "holder":
            return person or NOBODY
        return self.dropped[what] if person is None else self.place[person]


QUESTIONS = {"person": "where is {} ?", "thing": "where is the {} ?", "holder": "who has the {} ?"}


def story(kind, draw):
    """(question, sentences, answers after each sentence), of one kind."""
    while True:
        world, sentences, answers = World(draw), [], []
        asked = PEOPLE if kind == "person" else THINGS
        while sum(len(sentence.split()) - 1 for sentence in sentences) < WORDS:
            sentences.append(world.step())
            answers.append({what: world.answer(kind, what) for what in asked})
        known = [what for what in asked if answers[-1][what] != UNKNOWN]
        if known:
            what = draw.choice(known)
            return QUESTIONS[kind].format(what), sentences, [after[what] for after in answers]


def row(question, sentences, answers, every):
    """The columns of a file: words, and a target for each. `every`: not only the last sentence has one."""
    targets = [NONE] * len(question.split())
    for i, (sentence, answer) in enumerate(zip(sentences, answers)):
        targets += [NONE] * (len(sentence.split()) - 1) + [answer if every or i + 1 == len(sentences) else NONE]
    return " ".join([question, *sentences]), " ".join(targets)


def last_named(question, sentences):
    """The answer of someone who knows what is asked for, a person or a place, and the name that came last."""
    names = PEOPLE if question.startswith("who") else PLACES
    return [word for sentence in sentences for word in sentence.split() if word in names][-1]


def most_frequent(stories):
    return collections.Counter(answers[-1] for _, _, answers in stories).most_common(1)[0][0]


def make(folder):
    files = {}
    for seed, (name, count) in enumerate(STORIES.items()):
        draw = random.Random(seed)
        files[name] = [story(KINDS[i % len(KINDS)], draw) for i in range(count)]
        words = sum(len(sentence.split()) - 1 for _, sentences, _ in files[name] for sentence in sentences) / count
        print(f"{name}: {count} stories of {words:.0f} words with a question")
    for i, (kind, name) in enumerate(TEST_KINDS.items()):
        files[name] = files["test.tsv"][i :: len(KINDS)]
    for name in ("test.tsv", *TEST_KINDS.values()):
        asked, most = files[name], most_frequent(files[name])
        majority = sum(answers[-1] == most for _, _, answers in asked) / len(asked)
        named = sum(answers[-1] == last_named(question, sentences) for question, sentences, answers in asked) / len(asked)
        print(f"{name}: right without the story: {100 * majority:.1f} % ('{most}'), with the last name {100 * named:.1f} %")
    return {name: packages.table(COLUMNS, [row(*parts, every=name == "train.tsv") for parts in stories])
            for name, stories in files.items()}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
