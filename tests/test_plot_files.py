"""`rondo eval --plot FILE.svg` and `rondo predict --plot FILE.svg`: the documents are XML, and have the points and classes of the
data; and the text of the same plots.

The variable RONDO_PROGRAM is the command.
"""

import json
import os
import random
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

SVG = "{http://www.w3.org/2000/svg}"
LABELS = ["cat & <dog>", "Ünï", "c"]

EXPERIMENT = """
rondo: 1
name: {name}
architecture: "{architecture}"
data: {data}
model: {{layers: [{{cell: gru, hidden: 6}}]}}
loss: {{plugin: {loss}}}
optimizer: {{plugin: adam, lr: 0.02}}
schedule: {{epochs: 3, batch: 20, seed: 1}}
"""


def rondo(folder, *arguments, status=0, stdin=""):
    environment = dict(os.environ, LC_ALL="C.UTF-8", COLUMNS="80")
    done = subprocess.run([os.environ["RONDO_PROGRAM"], *arguments], cwd=folder, env=environment, input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def plots(file):
    """The titles of the plots of a document, with their elements."""
    with open(file, encoding="utf-8") as stream:
        root = ElementTree.fromstring(stream.read())
    groups = [child for child in root if child.tag == SVG + "g"]
    return {group.find(f"{SVG}text[@class='title']").text: group for group in groups}


def path(plot, kind):
    return [element.get("d") for element in plot.iter(SVG + "path") if kind in element.get("class").split()]


def points(text):
    return len(re.findall("[ML]", text))


class Plots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = cls.holder.name
        draw = random.Random(1)
        rows = [(draw.gauss(0, 1), draw.randrange(3)) for _ in range(60)]
        cls.write("classes.csv", "x,y,label\n" + "".join(f'{x},{k},{LABELS[k]}\n' for x, k in rows))
        cls.write("numbers.csv", "x,y,price,area\n" + "".join(f"{x},{k},{x + k},{2 * k}\n" for x, k in rows))
        cls.write("same.csv", "x,y,price,area\n" + "".join(f"{x},{k},5,{2 * k}\n" for x, k in rows))
        cls.train("classes", "{reader: table, train: classes.csv, valid: {share: 0.2}, columns: {target: label}}",
                  "softmax_cross_entropy")
        cls.train("numbers", "{reader: table, train: numbers.csv, target: number, columns: {target: [price, area]}}",
                  "squared_error")
        cls.train("wave", "{reader: synthetic, task: sine, length: 12, train: 40, valid: 10, test: 7}", "squared_error",
                  "1:N")

        days = "".join(f"2012-{1 + i // 28:02}-{1 + i % 28:02},{x},{100 * k}\n" for i, (x, k) in enumerate(rows[:56]))
        cls.write("days.csv", "d,y,z\n" + days)
        for name, architecture in (("one", "N:1"), ("every", "N:N")):
            cls.train(name, "{reader: series, train: days.csv, test: {last: 0.3}, window: 4, gaps: ignore, columns: {time: d, target: [y, z]}}",
                      "quantile, levels: [0.1, 0.5, 0.9]", architecture)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    @classmethod
    def file(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, text):
        with open(cls.file(name), "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def train(cls, name, data, loss, architecture="1:1"):
        cls.write(name + ".yaml", EXPERIMENT.format(name=name, data=data, loss=loss, architecture=architecture))
        rondo(cls.folder, "train", name + ".yaml", "--out", name, "--quiet")

    def test_confusion_matrix_has_the_names_and_shares_of_classes(self):
        done = rondo(self.folder, "eval", "classes", "--on", "train", "--plot", "m.svg", "--metric", "confusion_matrix",
                     "--json")
        table = json.loads(done.stdout)["tables"]["confusion_matrix"]
        plot = plots(self.file("m.svg"))["confusion matrix"]
        texts = [text.text for text in plot.iter(SVG + "text")]
        for label in LABELS:
            self.assertEqual(texts.count(label), 2)
        cells = [cell for cell in plot.iter(SVG + "rect") if cell.get("class") == "cell"]
        self.assertEqual(len(cells), sum(value > 0 for row in table["values"] for value in row))
        shares = {cell.find(SVG + "title").text for cell in cells}
        for name, row in zip(table["rows"], table["values"]):
            for other, value in zip(table["columns"], row):
                if value > 0:
                    self.assertIn(f"true {name}, predicted {other}: {100 * value / sum(row):.4g} %", shares)

    def test_matrix_that_nobody_listed_is_drawn_and_not_printed(self):
        done = rondo(self.folder, "eval", "classes", "--on", "train", "--plot")
        self.assertIn("confusion matrix\n", done.stdout)
        self.assertNotIn("confusion_matrix", done.stdout)
        self.assertIn("  cat & <dog>", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertTrue(done.stdout.startswith("train: "))

    def test_curves_have_a_point_for_each_epoch(self):
        rondo(self.folder, "eval", "classes", "--on", "train", "--plot", "c.svg")
        found = plots(self.file("c.svg"))
        lines = path(found["loss during training"], "line")
        self.assertEqual([points(line) for line in lines], [3, 3])
        self.assertEqual([points(line) for line in path(found["accuracy during training"], "line")], [3])
        self.assertEqual([points(line) for line in path(found["accuracy during training"], "points")], [1])

    def test_lines_of_a_damaged_record_are_left_out(self):
        subprocess.run(["cp", "-R", "classes", "damaged"], cwd=self.folder, check=True)
        with open(self.file("damaged/metrics.jsonl"), "r+", encoding="utf-8") as file:
            lines = file.readlines()
            file.seek(0)
            file.writelines([lines[0], "{\n", *lines[1:]])
            file.truncate()
        done = rondo(self.folder, "eval", "damaged", "--on", "train", "--plot", "d.svg")
        self.assertIn("damaged/metrics.jsonl:2", done.stderr)
        lines = path(plots(self.file("d.svg"))["loss during training"], "line")
        self.assertEqual([points(line) for line in lines], [3, 3])

    def test_numbers_have_a_line_and_a_scatter_each(self):
        done = rondo(self.folder, "eval", "numbers", "--on", "train", "--plot", "n.svg")
        self.assertIn("60 examples", done.stdout)
        found = plots(self.file("n.svg"))
        for number in ("number 1 of 2", "number 2 of 2"):
            lines = path(found[f"forecast and truth: the training data, {number}"], "line")
            self.assertEqual([points(line) for line in lines], [60, 60])
            scatter = path(found[f"forecast against truth: the training data, {number}"], "points")[0]
            self.assertEqual(len(set(re.findall(r"M[^h]*", scatter))), scatter.count("M"))
            self.assertGreater(scatter.count("M"), 10)

    def test_explained_variance_is_that_of_the_metric(self):
        done = rondo(self.folder, "eval", "numbers", "--data", "numbers.csv", "--plot")
        shown = [float(value) for value in re.findall(r"R² (-?[0-9.]+)", done.stdout)]
        metric = json.loads(rondo(self.folder, "eval", "numbers", "--data", "numbers.csv", "--json", "--metric",
                                  "r2").stdout)["r2"]
        self.assertEqual(len(shown), 2)
        self.assertAlmostEqual(sum(shown) / 2, metric, delta=2e-4)

    def test_forecasts_of_series_are_medians_beside_the_truth_of_their_dates(self):
        for run in ("one", "every"):
            with self.subTest(run):
                done = rondo(self.folder, "eval", run, "--on", "test", "--plot")
                shown = [float(value) for value in re.findall(r"R² (-?[0-9.]+)", done.stdout)]
                metric = json.loads(rondo(self.folder, "eval", run, "--json", "--metric", "r2").stdout)["r2"]
                self.assertEqual(len(shown), 2)
                self.assertAlmostEqual(sum(shown) / 2, metric, delta=2e-4)
                rondo(self.folder, "eval", run, "--on", "test", "--plot", f"{run}.svg")
                plot = plots(self.file(f"{run}.svg"))["forecast and truth: the test data, z"]
                self.assertEqual([points(line) for line in path(plot, "line")], [17, 17])
                self.assertEqual(len(path(plot, "band")), 1)
                self.assertIn("interval of 0.8", [text.text for text in plot.iter(SVG + "text")])

    def test_constant_truth_has_no_explained_variance(self):
        done = rondo(self.folder, "eval", "numbers", "--data", "same.csv", "--plot")
        self.assertIn("R² is not defined: all truths are equal", done.stdout)

    def test_steps_are_those_of_the_chosen_example(self):
        for arguments, example in (([], 7), (["--example", "2"], 2)):
            rondo(self.folder, "eval", "wave", "--plot=w.svg", *arguments)
            found = plots(self.file("w.svg"))
            lines = path(found[f"forecast and truth: example {example} of the test data"], "line")
            self.assertEqual([points(line) for line in lines], [12, 12])

    def test_predictions_are_counted_or_drawn(self):
        done = rondo(self.folder, "predict", "classes", "classes.csv", "--plot", "p.svg")
        self.assertEqual(len(done.stdout.splitlines()), 60)
        labels = [line.split("\t")[0] for line in done.stdout.splitlines()]
        plot = plots(self.file("p.svg"))["predictions in classes.csv"]
        texts = [text.text for text in plot.iter(SVG + "text")]
        for label in set(labels):
            self.assertEqual(texts[texts.index(label) + 1], str(labels.count(label)))
        one = rondo(self.folder, "predict", "classes", "--plot", stdin="x,y\n0,1\n")
        self.assertIn("probability", one.stdout)
        text = rondo(self.folder, "predict", "numbers", "numbers.csv", "--plot")
        self.assertIn("forecast: numbers.csv, number 2 of 2", text.stdout)

    def test_mistakes_are_reported_before_the_work(self):
        for arguments, message in (
                (("eval", "classes", "--plot", "x.png"), "ends in .svg, and no file to read is called 'x.png'"),
                (("eval", "classes", "--plot=x.png"), "ends in .svg, got 'x.png'"),
                (("eval", "classes", "--plot", "--json"), "text is not mixed with --json"),
                (("eval", "wave", "--example", "1"), "used only with --plot"),
                (("eval", "wave", "--plot", "--example", "0"), "a number from 1, got '0'"),
                (("eval", "wave", "--plot", "--example", "8"), "no example 8, expected a number up to 7"),
                (("eval", "classes", "--on", "train", "--plot", "--example", "1"), "numbers at every step"),
                (("predict", "numbers", "numbers.csv", "--plot", "--example", "1"), "numbers at every step")):
            self.assertIn(message, rondo(self.folder, *arguments, status=2).stderr)
        failed = rondo(self.folder, "eval", "wave", "--plot", "none/x.svg", status=1)
        self.assertEqual(failed.stdout, "")
        self.assertIn("cannot write 'none/x.svg'", failed.stderr)

    def test_file_is_written_whole_or_not_at_all(self):
        self.write("old.svg", "old")
        rondo(self.folder, "eval", "wave", "--plot", "old.svg", "--example", "8", status=2)
        with open(self.file("old.svg"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "old")


if __name__ == "__main__":
    unittest.main()
