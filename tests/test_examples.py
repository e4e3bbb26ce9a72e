"""Every example trains, evaluates and predicts, on a small slice of data that is made here, and every published comparison
of configs/papers can be run. Needs no network.

The variable RONDO_PROGRAM is the command. To add an example or a comparison, add a function that writes its data files, and
a row.
"""

import contextlib
import datetime
import gzip
import importlib.util
import io
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, os.pardir, "examples")
sys.dont_write_bytecode = True
sys.path.insert(0, EXAMPLES)
import packages  # noqa: E402
import r_data  # noqa: E402


def script(example):
    """The script get_data.py of an example, as a module."""
    path = os.path.join(EXAMPLES, example, "get_data.py")
    spec = importlib.util.spec_from_file_location(example.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def instead(module, name, value):
    """Replaces a member of a module for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def make(module, folder):
    """Runs a script get_data.py, whose files are written to `folder`."""
    arguments = ["get_data.py", "--out", folder]
    with instead(sys, "argv", arguments), contextlib.redirect_stdout(io.StringIO()):
        packages.main("", module.__file__, module.FILES, module.make)


# --- small data, in the form of the packages --------------------------------------------------------------------------


def vowels(folder):
    draw = random.Random(1)

    def recording(speaker):
        steps = draw.randint(7, 29)
        channels = [[draw.gauss(speaker * (c % 2), 0.1) for _ in range(steps)] for c in range(12)]
        return ":".join(",".join(f"{x:.4f}" for x in channel) for channel in channels) + f":{speaker + 1}"

    def wheel(package, where):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for part, count in module.PARTS.values():
                text = "\n".join(recording(i % 9) for i in range(count))
                archive.writestr(f"aeon/datasets/data/JapaneseVowels/JapaneseVowels_{part}.ts", "@x\n@data\n" + text)
        return zipfile.ZipFile(stream)

    module = script("vowels")
    with instead(module, "PARTS", {"train.npz": ("TRAIN", 60), "test.npz": ("TEST", 20)}), instead(packages, "wheel", wheel):
        make(module, folder)


def table(folder):
    draw = random.Random(1)
    numbers = [draw.gauss(0, 1) for _ in range(100)]
    columns = {
        "state": ([1 + i % 3 for i in range(100)], {"levels": r_data.Item(["AK", "AL", "NY"], {})}),
        "minutes": (numbers, {}),
        "churn": ([1 if x > 0 else 2 for x in numbers], {"levels": r_data.Item(["yes", "no"], {})}),
    }
    items = [r_data.Item(values, attributes) for values, attributes in columns.values()]
    stored = r_data.Item(items, {"names": r_data.Item(list(columns), {})})
    module = script("table")
    with contextlib.ExitStack() as stack:
        stack.enter_context(instead(module, "ROWS", 100))
        stack.enter_context(instead(module, "TRAINING_ROWS", 70))
        stack.enter_context(instead(packages, "debian", lambda package, where: where))
        stack.enter_context(instead(r_data, "load", lambda where, name: stored))
        make(module, folder)


def morse(folder):
    module = script("morse")
    with instead(module, "SIGNALS", {"train.npz": 40, "valid.npz": 10, "test.npz": 10}):
        make(module, folder)


def words(folder):
    module = script("language-of-a-word")
    dictionaries = {package: dictionary for package, dictionary in module.LANGUAGES.values()}

    def package(name, where):
        draw = random.Random(name)
        letters = name[1:4] + "aeio"  # each language has its own
        file = os.path.join(where, name, "usr/share/dict", dictionaries[name])
        os.makedirs(os.path.dirname(file))
        packages.write(file, "\n".join("".join(draw.choices(letters, k=6)) for _ in range(100)))
        return os.path.join(where, name)

    with instead(module, "COUNT", 40), instead(packages, "debian", package):
        make(module, folder)


def text(folder):
    os.makedirs(folder)
    packages.write(os.path.join(folder, "kjv.txt"), "In the beginning God created the heaven and the earth.\n" * 40)


def novels(folder):
    """Texts as the package has them: lines that end where the page does, and empty lines between paragraphs."""
    lines = ["It was a _truth_ that nobody", "could deny, and nobody did.", "", "\"Indeed!\" said she.", ""] * 40
    module = script("words")
    with contextlib.ExitStack() as stack:
        stack.enter_context(instead(module, "LINES", len(lines) * len(module.NOVELS)))
        stack.enter_context(instead(packages, "debian", lambda package, where: where))
        stack.enter_context(instead(r_data, "load", lambda where, name: r_data.Item(lines, {})))
        make(module, folder)


def reviews(folder):
    os.makedirs(folder)
    rows = [(f"{'The food' if i % 3 else 'It'} is {'good' if i % 2 else 'bad'}", ("other", "great")[i % 2]) for i in range(60)]
    for name in script("sentiment").FILES:
        packages.write(os.path.join(folder, name), packages.table(("text", "label"), rows))


def images(folder):
    module = script("images")

    def package(name, where):
        draw = random.Random(1)
        root = os.path.join(where, name)
        os.makedirs(os.path.join(root, module.FOLDER))
        for part, count in module.IMAGES.items():
            classes = bytes(i % 10 for i in range(count))
            pixels = bytes(min(255, 25 * k + draw.randrange(20)) for k in classes for _ in range(784))
            for what, shape, data in (("images-idx3", (count, 28, 28), pixels), ("labels-idx1", (count,), classes)):
                header = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)
                packages.write(os.path.join(root, module.FOLDER, f"{part}-{what}-ubyte.gz"), gzip.compress(header + data))
        return root

    with instead(module, "IMAGES", {"train": 100, "t10k": 20}), instead(packages, "debian", package):
        make(module, folder)


def bicycles(folder):
    module = script("sales")
    names = ("holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed", "casual", "registered", "cnt")
    draw = random.Random(1)

    def package(name, where):
        days = []
        for day in range(module.DAYS):
            weather = [f"{draw.random():.4f}" for _ in range(4)]
            days.append([0, int(day % 7 in (2, 3)), 1 + day % 3, *weather, 1, 2, 100 + 10 * (day % 7) + draw.randrange(9)])
        variables = "".join(f'<variable name="{name}" />' for name in names)
        rows = "".join(f"<obs>{' '.join(map(str, day))} </obs>" for day in days)
        root = os.path.join(where, name)
        file = os.path.join(root, "usr/share/gretl/data/misc/bikesharing.gdt")
        os.makedirs(os.path.dirname(file))
        text = f'<gretldata startobs="{module.FIRST}"><variables>{variables}</variables>{rows}</gretldata>'
        packages.write(file, gzip.compress(text.encode()))
        return root

    with instead(packages, "debian", package):
        make(module, folder)


def temperatures(folder):
    module = script("weather")
    draw = random.Random(1)

    def package(name, where):
        rows = []
        for day in range(module.DAYS):
            date = datetime.date(2012, 1, 1) + datetime.timedelta(days=day)
            high = 15 + 10 * math.sin(day / 58) + draw.gauss(0, 2)
            rows.append((date.strftime("%Y/%m/%d"), "0.0", f"{high:.1f}", f"{high - 8:.1f}", "2.5", "sun"))
        root = os.path.join(where, name)
        file = os.path.join(root, "usr/lib/python3/dist-packages/vega_datasets/_data/seattle-weather.csv")
        os.makedirs(os.path.dirname(file))
        header = "date,precipitation,temp_max,temp_min,wind,weather"
        packages.write(file, "\n".join([header, *(",".join(row) for row in rows)]) + "\n")
        return root

    with instead(packages, "debian", package):
        make(module, folder)


def phones(folder):
    """Words of letters that each have a phone."""
    module = script("pronunciation")

    def wheel(package, where):
        draw = random.Random(1)
        made = {"".join(draw.choices("abcdef", k=draw.randint(2, 5))) for _ in range(300)}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(module.MEMBER, "".join(f"{word} {' '.join(word.upper())}\n" for word in sorted(made)))
        return zipfile.ZipFile(stream)

    with instead(module, "PHONES", 6), instead(packages, "wheel", wheel):
        make(module, folder)


def questions(folder):
    module = script("question-answering")
    with instead(module, "STORIES", {"train.tsv": 60, "valid.tsv": 12, "test.tsv": 12}):
        make(module, folder)


def no_files(folder):
    pass


FEW = ("data.train=60", "data.valid=20", "data.test=20")  # examples of reader synthetic

# Folder, experiment, maker of the data, settings, and the file or files that are predicted, with the number of lines; or, in
# their place, a line (None: neither).
EXAMPLES_TABLE = [
    ("vowels", "experiment.yaml", vowels, (), "test.npz", 20),
    ("table", "experiment.yaml", table, (), "test.tsv", 30),
    ("images", "rows.yaml", images, (), "t10k-images-idx3-ubyte.gz", 20),
    ("images", "vector.yaml", images, (), "t10k-images-idx3-ubyte.gz", 20),
    ("morse", "experiment.yaml", morse, (), "test.npz", 10),
    ("language-of-a-word", "experiment.yaml", words, (), "a word", None),
    ("names", "experiment.yaml", words, (), None, None),
    ("language-model", "experiment.yaml", text, ("data.window=20", "schedule.batch=4"), "In the begin", None),
    ("words", "experiment.yaml", novels, ("data.window=20", "schedule.batch=4"), "It was a", None),
    ("sentiment", "experiment.yaml", reviews, (), "The food is good", None),
    ("sales", "experiment.yaml", bicycles, (), None, None),  # no file has the weather to come
    ("sales", "past.yaml", bicycles, (), "days.csv", 1),
    ("sales", "calendar.yaml", bicycles, (), "days.csv next_week.csv", 1),
    ("sales", "week.yaml", bicycles, (), "days.csv next_week.csv", 7),
    ("weather", "experiment.yaml", temperatures, (), "days.csv", 1),
    ("weather", "high.yaml", temperatures, (), "days.csv", 1),
    ("pronunciation", "experiment.yaml", phones, (), "abc", None),
    ("question-answering", "experiment.yaml", questions, (), "where is anna ? anna went to the attic .", None),
    ("gap", "recall.yaml", no_files, FEW, None, None),
    ("gap", "adding.yaml", no_files, FEW, None, None),
    ("wave", "experiment.yaml", no_files, FEW, None, None),
]


# Folder, comparison, maker of the data, settings.
COMPARISONS_TABLE = [
    ("sentiment", "cells.yaml", reviews, ("schedule.epochs=4", "compare.seeds=2", "compare.budget=60000")),
    ("gap", "cells.yaml", no_files, (*FEW, "schedule.epochs=1", "compare.seeds=2")),
]


def rondo(*arguments, line=""):
    """What the command prints."""
    command = [os.environ["RONDO_PROGRAM"], *arguments]
    done = subprocess.run(command, input=line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def experiments(folder):
    """The files of a folder that are experiments; its other YAML files are cells."""
    for file in os.listdir(folder):
        if file.endswith(".yaml"):
            with open(os.path.join(folder, file), encoding="utf-8") as stream:
                if not re.search("^cell:", stream.read(), re.MULTILINE):
                    yield file


class ExamplesTest(unittest.TestCase):
    def test_every_example_trains_evaluates_and_predicts(self):
        for example, experiment, data, settings, predicted, count in EXAMPLES_TABLE:
            with self.subTest(f"{example}/{experiment}"), tempfile.TemporaryDirectory() as folder:
                for file in os.listdir(os.path.join(EXAMPLES, example)):  # an experiment may extend another
                    if file.endswith(".yaml"):
                        shutil.copy(os.path.join(EXAMPLES, example, file), folder)
                data(os.path.join(folder, "data"))
                run = os.path.join(folder, "run")
                overrides = [word for setting in ("schedule.epochs=2", *settings) for word in ("--set", setting)]
                rondo("train", os.path.join(folder, experiment), *overrides, "--quiet", "--out", run)
                figures = json.loads(rondo("eval", run, "--on", "test", "--json"))
                self.assertTrue(math.isfinite(figures["loss"]))
                if count is not None:
                    files = [os.path.join(folder, "data", name) for name in predicted.split()]
                    lines = rondo("predict", run, *files).splitlines()
                    self.assertEqual(len(lines), count)
                elif predicted is not None:
                    answer = json.loads(rondo("predict", run, "--json", line=predicted + "\n"))
                    self.assertEqual(answer.get("text", answer.get("prompt")), predicted)

    def test_names_are_written_and_judged(self):
        """Of a slice: 40 words of six letters of each language."""
        with tempfile.TemporaryDirectory() as folder:
            runs = {}
            for example in ("names", "language-of-a-word"):
                made = os.path.join(folder, example)
                os.makedirs(made)
                shutil.copy(os.path.join(EXAMPLES, example, "experiment.yaml"), made)
                words(os.path.join(made, "data"))
                runs[example] = os.path.join(made, "run")
                options = ("--set", "schedule.epochs=2", "--quiet", "--out", runs[example])
                rondo("train", os.path.join(made, "experiment.yaml"), *options)
            written = rondo("generate", runs["names"], "--input", "german", "--count", "5", "--seed", "1").splitlines()
            self.assertEqual(len(written), 5)
            self.assertTrue(all(len(word) <= 24 for word in written))
            judge = os.path.join(EXAMPLES, "names", "judge.py")
            command = [sys.executable, judge, "--rondo", os.environ["RONDO_PROGRAM"], "--count", "3"]
            command += ["--names", runs["names"], "--judge", runs["language-of-a-word"]]
            command += ["--data", os.path.join(folder, "names", "data")]
            table = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.splitlines()
            self.assertEqual(len(table), 1 + 9 + 1)
            self.assertTrue(table[-1].startswith("all"))

    def test_text_is_written_at_three_temperatures_and_scored(self):
        """The commands of text-generation, with the model of language-model."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(EXAMPLES, "language-model", "experiment.yaml"), folder)
            text(os.path.join(folder, "data"))
            run = os.path.join(folder, "run")
            settings = ("schedule.epochs=2", "data.window=20", "schedule.batch=4")
            overrides = [word for setting in settings for word in ("--set", setting)]
            rondo("train", os.path.join(folder, "experiment.yaml"), *overrides, "--quiet", "--out", run)
            for temperature in ("0.5", "0.8", "1.0"):
                options = ("--max-length", "50", "--temperature", temperature, "--seed", "1")
                self.assertTrue(rondo("generate", run, "--prompt", "In the", *options))
            scored = json.loads(rondo("score", run, "--on", "test", "--total", "--json"))
            figures = json.loads(rondo("eval", run, "--on", "test", "--json"))
            self.assertAlmostEqual(scored["total"]["bits_per_symbol"], figures["bits_per_symbol"], places=6)

    def test_all_experiments_of_examples_are_tested(self):
        """Those of `plugin` and `embed` belong to programs, which have tests of their own."""
        found = {
            (name, file)
            for name in os.listdir(EXAMPLES)
            if name not in ("plugin", "embed") and os.path.isdir(os.path.join(EXAMPLES, name))
            for file in experiments(os.path.join(EXAMPLES, name))
        }
        self.assertEqual(found, {row[:2] for row in [*EXAMPLES_TABLE, *COMPARISONS_TABLE]})

    def test_every_comparison_can_be_run(self):
        for example, comparison, data, settings in COMPARISONS_TABLE:
            with self.subTest(f"{example}/{comparison}"), tempfile.TemporaryDirectory() as folder:
                for file in os.listdir(os.path.join(EXAMPLES, example)):
                    if file.endswith(".yaml"):
                        shutil.copy(os.path.join(EXAMPLES, example, file), folder)
                data(os.path.join(folder, "data"))
                overrides = [word for setting in settings for word in ("--set", setting)]
                out = os.path.join(folder, "out")
                rondo("compare", os.path.join(folder, comparison), *overrides, "--quiet", "--out", out)
                with open(os.path.join(out, "table.json"), encoding="utf-8") as file:
                    self.assertNotIn('"failed"', file.read().replace('"failed": 0', ""))


FEW_ADDED = (*FEW, "schedule.epochs=1")

# Published comparisons of configs/papers: file, the example whose data it reads with the maker of the data (None: neither),
# settings.
PAPERS_TABLE = [
    ("adding.yaml", None, None, FEW_ADDED),
    ("adding-long.yaml", None, None, (*FEW_ADDED, "data.length=30")),
    ("copy-long.yaml", None, None, (*FEW_ADDED, "data.gap=30")),
    ("gap.yaml", None, None, FEW_ADDED),
    ("odyssey.yaml", "language-model", text, ("data.window=20", "schedule.batch=4")),
    ("fashion.yaml", "images", images, ("schedule.epochs=1",)),
]


class PapersTest(unittest.TestCase):
    SOURCE = os.path.join(HERE, os.pardir)

    def test_every_published_comparison_is_run_and_has_its_table(self):
        for file, example, data, settings in PAPERS_TABLE:
            with self.subTest(file), tempfile.TemporaryDirectory() as folder:
                for source in ("configs/papers", *(f"examples/{name}" for name in ("gap", example) if name)):
                    os.makedirs(os.path.join(folder, source))
                    for name in os.listdir(os.path.join(self.SOURCE, source)):
                        if name.endswith(".yaml"):
                            shutil.copy(os.path.join(self.SOURCE, source, name), os.path.join(folder, source))
                if data is not None:
                    data(os.path.join(folder, "examples", example, "data"))
                overrides = [word for setting in ("compare.seeds=1", "compare.tune=null", *settings) for word in ("--set", setting)]
                name = file.removesuffix(".yaml")
                out = os.path.join(folder, "comparisons", name)
                os.makedirs(os.path.dirname(out))
                path = os.path.join(folder, "configs", "papers", file)
                rondo("compare", path, *overrides, "--quiet", "--out", out)
                script = os.path.join(self.SOURCE, "bench", "papers.py")
                command = [sys.executable, script, name, "--folder", os.path.dirname(out)]
                printed = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
                with open(os.path.join(out, "comparison.json"), encoding="utf-8") as stream:
                    variants = json.load(stream)["variants"]
                self.assertTrue(all(run["state"] == "scored" for variant in variants for run in variant["runs"]))
                for variant in variants:
                    self.assertIn(f"`{variant['name'].split(',')[0]}`", printed)

    def test_all_published_comparisons_are_tested(self):
        folder = os.path.join(self.SOURCE, "configs", "papers")
        self.assertEqual(set(experiments(folder)), {row[0] for row in PAPERS_TABLE})


class ListsTest(unittest.TestCase):
    """Lists of targets from a file: the loss `ctc` finds where the symbols of a list are."""

    @staticmethod
    def arrays(count, draw):
        """Each symbol of a list is held for 1 to 3 steps, with a pause before the next; symbols are one-hot, with noise."""
        inputs, lengths, lists = [], [], []
        for _ in range(count):
            lists.append([draw.randrange(3) for _ in range(draw.randint(1, 4))])
            steps = []
            for symbol in lists[-1]:
                steps += [[float(k == symbol) for k in range(3)]] * draw.randint(1, 3) + [[0.0] * 3]
            lengths.append(len(steps))
            inputs += [x + draw.gauss(0, 0.1) for step in steps for x in step] + [0.0] * (3 * (16 - len(steps)))
        return {
            "input": ("f4", (count, 16, 3), inputs),
            "lengths": ("i4", (count,), lengths),
            "target": ("i4", (count, 4), [x for found in lists for x in found + [9] * (4 - len(found))]),
            "target_lengths": ("i4", (count,), [len(found) for found in lists]),
        }

    EXPERIMENT = """rondo: 1
architecture: "N:N"
data: {reader: arrays, train: train.npz, valid: valid.npz}
model: {layers: [{cell: gru, hidden: 16}]}
loss: {plugin: ctc}
optimizer: {plugin: adam, lr: 0.01}
schedule: {epochs: 8, batch: 16, seed: 1}
"""

    def test_ctc_trains_from_a_file_to_a_falling_label_error_rate(self):
        draw = random.Random(1)
        with tempfile.TemporaryDirectory() as folder:
            for name, count in (("train.npz", 200), ("valid.npz", 50)):
                packages.write(os.path.join(folder, name), packages.npz(self.arrays(count, draw)))
            packages.write(os.path.join(folder, "lists.yaml"), self.EXPERIMENT)
            run = os.path.join(folder, "run")
            rondo("train", os.path.join(folder, "lists.yaml"), "--quiet", "--out", run)
            with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as stream:
                epochs = [json.loads(line) for line in stream]
            rates = [epoch["valid"]["label_error_rate"] for epoch in epochs if "valid" in epoch]
            self.assertGreater(rates[0], 0.3)
            self.assertLess(rates[-1], 0.05)


if __name__ == "__main__":
    unittest.main()
