"""The trainings of bench/training.py: the experiment of each, and how its data are made.

Data are generated, or those that an example has fetched, so that nothing is downloaded for a measurement. The peers that
train the same models are in bench/torch_training.py, under the same names.
"""
import itertools
import math
import pathlib
import random
import subprocess
import sys

import npy

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"

CHARACTERS = """\
rondo: 1
name: characters
architecture: "N:N"
data: {reader: characters, train: text.txt, window: 100, carry: true}
model:
  feedback: true
  embedding: {size: 64}
  layers: [{cell: lstm, hidden: 256}]
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 32, clip_norm: 1.0, seed: 1}
"""

FASHION = """\
rondo: 1
name: fashion
architecture: "N:1"
data: {reader: arrays, train: {input: images.npy, target: classes.npy}, input_is: number, classes: 10}
model:
  layers: [{cell: lstm, hidden: 128}]
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 64, clip_norm: 1.0, seed: 1}
"""

WORDS = """\
rondo: 1
name: words
architecture: "N:N"
data: {reader: arrays, train: {target: words.npy}, input_is: none, classes: 10000, window: 35, carry: true}
model:
  feedback: true
  embedding: {size: 256}
  layers: [{cell: lstm, hidden: 256}]
  head: {tie: true}
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 32, clip_norm: 1.0, seed: 1}
"""

FORECAST = """\
rondo: 1
name: forecast
architecture: "N:1"
data:
  reader: arrays
  train: {input: series.npy, begin: begin.npy, lengths: lengths.npy, target: next.npy}
  scale_input: none
  scale_target: none
model:
  layers: [{cell: gru_reset_after, hidden: 48}]
loss: {plugin: squared_error}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 32, clip_norm: 1.0, seed: 1}
"""

VOCABULARY = """\
rondo: 1
name: vocabulary-SYMBOLS
architecture: "N:1"
data: {reader: arrays, train: {input: words.npy, target: classes.npy}, symbols: SYMBOLS}
model:
  embedding: {size: 64, rare_word_dropout: 0}
  layers: [{cell: gru_reset_after, hidden: 64}]
  pool: mean
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: sgd, lr: 0.1}
schedule: {epochs: 1, batch: 32, clip_norm: 1.0, seed: 1}
"""


TRANSLATE = """\
rondo: 1
name: translate
architecture: "N:N"
data:
  reader: pairs
  train: {source: source.txt, target: target.txt}
  tokens: {source: words, target: words}
  min_count: 1
  max_words: 4000
model:
  feedback: true
  embedding: {size: 256, rare_word_dropout: 0}
  encoder: [{cell: gru_reset_after, hidden: 256, direction: both}]
  bridge: learnt
  layers: [LAYERS]
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 64, clip_norm: 1.0, seed: 1}
"""
BAHDANAU = TRANSLATE.replace("LAYERS", "{cell: gru_bahdanau, hidden: 256}")
AFTER = "{cell: gru_reset_after, hidden: 256}, {block: attention, over: memory}"


def zipf(rng, symbols, count):
    """Word ids from the most frequent on: the word of rank r with a probability in proportion to 1 / r."""
    return rng.choices(range(symbols), cum_weights=list(itertools.accumulate(1 / r for r in range(1, symbols + 1))),
                       k=count)


def write_characters(folder, updates):
    """Of the text of examples/language-model if it has been fetched; else random ones, of an alphabet of 70 as there."""
    count = updates * 32 * 100
    fetched = EXAMPLES / "language-model" / "data" / "kjv.txt"
    text = ""
    if fetched.exists():
        with fetched.open(encoding="utf-8", newline="") as stream:
            text = stream.read(count)
    if len(text) != count:
        text = "".join(random.Random(1).choices([chr(ord("0") + i) for i in range(70)], k=count))
    (folder / "text.txt").write_text(text, encoding="utf-8", newline="")


def write_fashion(folder, updates):
    """Images of the size of Fashion-MNIST, as bytes."""
    rng, count = random.Random(1), updates * 64
    npy.write(folder / "images.npy", "|u1", (count, 28, 28), rng.randbytes(count * 28 * 28))
    npy.write(folder / "classes.npy", "<i4", (count,), rng.choices(range(10), k=count))


def write_words(folder, updates):
    steps = updates * 32 * 35
    npy.write(folder / "words.npy", "<i4", (1, steps), zipf(random.Random(1), 10000, steps))


def write_forecast(folder, updates):
    """A window of 28 days of 8 series, and the next 7 days of the first, from every day on."""
    rng, count, days, ahead = random.Random(1), updates * 32, 28, 7
    series = [math.sin(2 * math.pi * day / (7 + 3 * k)) + rng.gauss(0, 0.3)
              for day in range(count + days + ahead) for k in range(8)]
    npy.write(folder / "series.npy", "<f4", (count + days + ahead, 8), series)
    npy.write(folder / "begin.npy", "<i4", (count,), range(count))
    npy.write(folder / "lengths.npy", "<i4", (count,), [days] * count)
    npy.write(folder / "next.npy", "<f4", (count, ahead),
              [series[8 * (begin + days + i)] for begin in range(count) for i in range(ahead)])


def write_vocabulary(symbols):
    def write(folder, updates):
        rng, count = random.Random(1), updates * 32
        npy.write(folder / "words.npy", "<i4", (count, 20), zipf(rng, symbols, count * 20))
        npy.write(folder / "classes.npy", "<i4", (count,), rng.choices(range(4), k=count))
    return write


def lengths(updates):
    """Of the sources, and of the targets, of about the same length."""
    rng = random.Random(1)
    sources = [rng.randint(5, 40) for _ in range(updates * 64)]
    return sources, [min(40, max(5, length + rng.randint(-3, 3))) for length in sources]


def write_translate(folder, updates, draw=lengths):
    rng = random.Random(2)
    for name, side in zip(("source", "target"), draw(updates)):
        lines = [" ".join(f"{name[0]}{word}" for word in zipf(rng, 4000, length)) for length in side]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def equal_lengths(updates):
    """As many tokens in each update, with sources of one length, and targets of one length, give or take one token."""
    return tuple([sum(side) // len(side) + (i < sum(side) % len(side)) for i in range(len(side))]
                 for side in lengths(updates))


def write_equal(folder, updates):
    write_translate(folder, updates, equal_lengths)


def words_of_update(updates):
    """Of the targets, with the end of each."""
    return sum(length + 1 for length in lengths(updates)[1]) / updates


class Row:
    """A training. Its peers are {name of the peer: (title, the most turns)}."""

    def __init__(self, title, updates, text, write, unit=None, peers=None):
        self.title, self.updates, self.text, self.write = title, updates, text, write
        self.unit = unit  # (name, how many in an update)
        self.peers = peers
        self.has_dropout = False  # True: drawn, so that losses at equal weights are not equal
        self.unequal = ()  # peers with other equations
        self.own = {}  # peers that are trainings of Rondo too: {name of the peer: row}

    def prepare(self, folder):
        """Writes experiment and data; returns the experiment, and what the peer reads."""
        self.write(folder, self.updates)
        experiment = folder / "experiment.yaml"
        experiment.write_text(self.text, encoding="utf-8")
        return experiment, folder


class Lengths(Row):
    """Texts of different lengths beside texts of the same length: both are trained by Rondo."""

    def __init__(self):
        super().__init__("attention before each step, texts of 5 to 40 words", 12, BAHDANAU, write_translate,
                         ("target words", words_of_update(12)), {"equal": ("Rondo, as many words in equal lengths", None)})
        self.own = {"equal": Row("equal", self.updates, BAHDANAU, write_equal)}
        self.unequal = ("equal",)


class Sentiment(Row):
    """The example, whose texts have different lengths."""

    def __init__(self):
        super().__init__("sentiment", None, None, None, peers={"padded": ("PyTorch, padded batches with a mask", None),
                                                               "packed": ("PyTorch, packed sequences", 1)})
        self.has_dropout = True

    def prepare(self, folder):
        example = EXAMPLES / "sentiment"
        if not (example / "data" / "train.tsv").exists():
            subprocess.run([sys.executable, example / "get_data.py"], check=True)
        return example / "experiment.yaml", example / "data" / "train.tsv"


class SampledWords(Row):
    """The row `words` with sampled softmax, which PyTorch does not have: its peer computes the full softmax."""

    def __init__(self):
        sampled = WORDS.replace("plugin: softmax_cross_entropy", "plugin: sampled_softmax")
        super().__init__("10,000 words, tied, sampled softmax", 20, sampled, write_words, ("words", 32 * 35),
                         {"words": ("PyTorch, full softmax", None)})
        self.has_dropout = True


ROWS = {
    "characters": Row("characters", 60, CHARACTERS, write_characters, ("characters", 32 * 100)),
    "sentiment": Sentiment(),
    "fashion": Row("Fashion-MNIST by rows", 200, FASHION, write_fashion, ("images", 64)),
    "words": Row("10,000 words, tied", 20, WORDS, write_words, ("words", 32 * 35)),
    "words-sampled": SampledWords(),
    "forecast": Row("forecast", 1000, FORECAST, write_forecast, ("windows", 32)),
    "vocabulary-5000": Row("vocabulary of 5,000", 100, VOCABULARY.replace("SYMBOLS", "5000"), write_vocabulary(5000),
                           ("texts", 32)),
    "vocabulary-600000": Row("vocabulary of 600,000", 100, VOCABULARY.replace("SYMBOLS", "600000"),
                             write_vocabulary(600000), ("texts", 32)),
    "translate": Row("encoder, decoder with attention before each step (Bahdanau)", 12,
                     BAHDANAU, write_translate, ("target words", words_of_update(12)),
                     {"translate": ("PyTorch, sorted by length", None),
                      "translate-cell": ("PyTorch, sorted by length, GRUCell", None),
                      "translate-unsorted": ("PyTorch, not sorted", None)}),
    "translate-after": Row("encoder, decoder with attention after the GRU", 12, TRANSLATE.replace("LAYERS", AFTER),
                           write_translate, ("target words", words_of_update(12)),
                           {"translate-after": ("PyTorch, sorted by length", None)}),
    "lengths": Lengths(),
}
ROWS["translate"].unequal = ("translate-cell",)
for name, row in ROWS.items():
    row.peers = row.peers or {name: ("PyTorch", None)}
