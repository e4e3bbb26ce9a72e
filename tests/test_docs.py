"""The experiments of docs/experiments.md train: each block of YAML with an architecture, completed by what it leaves
out, on data that is made here. So does the one on series of docs/data.md, and forecasts what it says.

The variable RONDO_PROGRAM is the command. A block that names a new data file needs a row in FILES.
"""

import datetime
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, os.pardir)
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, "examples"))
import packages  # noqa: E402

COUNT, STEPS, WIDTH = 60, 8, 3

REST = """
rondo: 1
optimizer: {plugin: adam, lr: 0.01}
schedule: {epochs: 1, batch: 16, clip_norm: 1.0, seed: 1}
"""


def numbers():
    """[COUNT, STEPS, WIDTH] in the form of packages.npz."""
    draw = random.Random(1)
    return "f4", (COUNT, STEPS, WIDTH), [draw.gauss(0, 1) for _ in range(COUNT * STEPS * WIDTH)]


def integers(shape, least, most):
    draw = random.Random(2)
    count = 1
    for size in shape:
        count *= size
    return "i4", shape, [draw.randint(least, most) for _ in range(count)]


def npy(array):
    """One array as a file."""
    with zipfile.ZipFile(io.BytesIO(packages.npz({"array": array}))) as archive:
        return archive.read("array.npy")


def table():
    draw = random.Random(3)
    rows = [f"{draw.randint(20, 70)},{draw.choice(['yes', 'no'])}" for _ in range(COUNT)]
    return "\n".join(["age,leaves", *rows, ""]).encode()


def spelling():
    """Words, and their letters in the opposite order."""
    draw = random.Random(5)
    words = ["".join(draw.choice("abcde") for _ in range(draw.randint(2, 7))) for _ in range(COUNT)]
    return "\n".join([*(f"{word}\t{' '.join(reversed(word))}" for word in words), ""]).encode()


def shop(first, last, has_target=True):
    draw = random.Random(4)
    days = [datetime.date.fromisoformat(first)]
    while days[-1] < datetime.date.fromisoformat(last):
        days.append(days[-1] + datetime.timedelta(1))
    rows = [f"{day},{draw.randint(90, 150) if has_target else ''},{int(day.weekday() < 6)},"
            f"{draw.choice(['', '4.1', '19.5']) if has_target else ''}" for day in days]
    return "\n".join(["date,sold,open,temperature", *rows, ""]).encode()


FILES = {
    "spelling.tsv": spelling,
    "customers.csv": table,
    "train.npz": lambda: packages.npz({
        "input": numbers(), "lengths": integers((COUNT,), 3, STEPS), "target": integers((COUNT,), 0, 1)}),
    "signals.npy": lambda: npy(numbers()),
    "states.npy": lambda: npy(integers((COUNT, STEPS), -1, 2)),
    "book.txt": lambda: b"In the beginning was the word.\n" * 400,
    "recordings.npz": lambda: packages.npz({
        "input": numbers(), "target": integers((COUNT, 3), 0, 4),
        "target_lengths": integers((COUNT,), 1, 3)}),
}


def yaml_blocks(page):
    with open(os.path.join(SOURCE, "docs", page), encoding="utf-8") as file:
        return re.findall(r"^```yaml\n(.*?)^```", file.read(), re.DOTALL | re.MULTILINE)


def experiments():
    """The blocks that leave out no more than REST."""
    return [block for block in yaml_blocks("experiments.md") if "architecture:" in block and "extends:" not in block]


class Docs(unittest.TestCase):
    def test_experiments_train(self):
        blocks = experiments()
        self.assertGreaterEqual(len(blocks), 6)
        for block in blocks:
            with self.subTest(block=block), tempfile.TemporaryDirectory() as folder:
                for name in FILES:
                    if name in block:
                        with open(os.path.join(folder, name), "wb") as file:
                            file.write(FILES[name]())
                with open(os.path.join(folder, "experiment.yaml"), "w", encoding="utf-8") as file:
                    file.write(block + REST)
                done = subprocess.run(
                    [os.environ["RONDO_PROGRAM"], "train", "experiment.yaml", "--out", "run",
                     *(["--set", "data.train=300"] if "reader: synthetic" in block else [])],
                    cwd=folder, capture_output=True, text=True, timeout=100, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_series_are_forecast(self):
        blocks = [block for block in yaml_blocks("data.md") if "reader: series" in block]
        self.assertEqual(len(blocks), 1)
        with tempfile.TemporaryDirectory() as folder:
            files = {"shop.yaml": blocks[0].encode(), "shop.csv": shop("2022-01-01", "2024-12-30"),
                     "next_week.csv": shop("2024-12-31", "2025-01-06", has_target=False)}
            for name, contents in files.items():
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(contents)

            def rondo(*arguments):
                done = subprocess.run([os.environ["RONDO_PROGRAM"], *arguments], cwd=folder, capture_output=True,
                                      text=True, timeout=100, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                return done.stdout

            rondo("train", "shop.yaml", "--set", "schedule.epochs=1")
            self.assertRegex(rondo("eval", "runs/shop"), r"test: 177 examples, .*\n  naive: .*\n  seasonal naive: ")
            dates = [line.split("\t")[0] for line in
                     rondo("predict", "runs/shop", "shop.csv", "next_week.csv").splitlines()]
            self.assertEqual((len(dates), dates[0], dates[-1]), (7, "2024-12-31", "2025-01-06"))


if __name__ == "__main__":
    unittest.main()
