"""The event file of a training, read by TensorBoard itself: scalars are those of metrics.jsonl, and histograms have the elements of the
parameters. Skipped (77) where the Python package `tensorboard` is not installed.

The variable RONDO_PROGRAM is the command.
"""

import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

if importlib.util.find_spec("tensorboard") is None:
    sys.exit(77)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

EXPERIMENT = """
rondo: 1
name: events
architecture: "N:1"
data: {reader: synthetic, task: adding, length: 10, train: 60, valid: 20}
model: {layers: [{cell: gru, hidden: 4}]}
loss: {plugin: squared_error}
metrics: [mae]
optimizer: {plugin: adam, lr: 0.01}
schedule: {epochs: 4, batch: 20, learning_rate: {plugin: cosine}, tensorboard: true}
"""
EVERYTHING = {"scalars": 0, "histograms": 0, "tensors": 0}


def rondo(folder, *arguments):
    subprocess.run([os.environ["RONDO_PROGRAM"], *arguments], cwd=folder, check=True, capture_output=True)


def shapes_of(file):
    """The shapes of the tensors of a safetensors file."""
    with open(file, "rb") as stream:
        length = struct.unpack("<Q", stream.read(8))[0]
        header = json.loads(stream.read(length))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


class TestEvents(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        with open(os.path.join(self.folder.name, "e.yaml"), "w", encoding="utf-8") as stream:
            stream.write(EXPERIMENT)

    def path(self, *names):
        return os.path.join(self.folder.name, *names)

    def load(self, run):
        events = EventAccumulator(self.path(run, "tensorboard"), size_guidance=EVERYTHING)
        return events.Reload()

    def check_scalars(self, run, epochs):
        events = self.load(run)
        with open(self.path(run, "metrics.jsonl"), encoding="utf-8") as stream:
            lines = [line for line in map(json.loads, stream) if "epoch" in line]
        self.assertEqual(len(lines), epochs)
        expected = {"learning_rate": [0.01 * line["lr_scale"] for line in lines],
                    "gradient_norm": [line["gradient_norm"] for line in lines]}
        for part in ("train", "valid"):
            for metric in lines[0][part]:
                expected[f"{part}/{metric}"] = [line[part][metric] for line in lines]
        self.assertIn("valid/mae", expected)
        self.assertEqual(set(events.Tags()["scalars"]), set(expected))
        for tag, values in expected.items():
            scalars = events.Scalars(tag)
            self.assertEqual([scalar.step for scalar in scalars], [line["step"] for line in lines], tag)
            for scalar, value in zip(scalars, values):
                self.assertAlmostEqual(scalar.value, value, delta=1e-6 * max(1, abs(value)))
        return events

    def test_scalars_and_histograms(self):
        rondo(self.folder.name, "train", "e.yaml", "--out", "run")
        events = self.check_scalars("run", 4)
        shapes = shapes_of(self.path("run", "weights.safetensors"))
        self.assertEqual(set(events.Tags()["histograms"]), {"parameters/" + name for name in shapes})
        for name, shape in shapes.items():
            count = 1
            for size in shape:
                count *= size
            for event in events.Histograms("parameters/" + name):
                histogram = event.histogram_value
                self.assertEqual(sum(histogram.bucket), count, name)
                self.assertEqual(histogram.num, count, name)
                self.assertEqual(histogram.bucket_limit[-1], histogram.max, name)
                self.assertLessEqual(histogram.min, histogram.sum / count)

    def test_no_point_twice_after_a_resume(self):
        rondo(self.folder.name, "train", "e.yaml", "--out", "run", "--set", "schedule.epochs=2",
              "--set", "schedule.learning_rate=null")
        rondo(self.folder.name, "train", "--resume", "run", "--set", "schedule.epochs=5")
        self.check_scalars("run", 5)


if __name__ == "__main__":
    unittest.main()
