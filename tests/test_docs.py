"""The experiments of docs/experiments.md train: each block of YAML with an architecture, completed by what it leaves
out, on data that is made here.

The variable RONDO_PROGRAM is the command. A block that names a new data file needs a row in FILES.
"""

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


FILES = {
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


def experiments():
    """The blocks that leave out no more than REST."""
    with open(os.path.join(SOURCE, "docs", "experiments.md"), encoding="utf-8") as file:
        blocks = re.findall(r"^```yaml\n(.*?)^```", file.read(), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if "architecture:" in block and "extends:" not in block]


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


if __name__ == "__main__":
    unittest.main()
