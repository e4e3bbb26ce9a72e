#!/usr/bin/env python3
"""Whole trainings in PyTorch, the peers of bench/training.py.

    echo | torch_training.py PEER DATA THREADS      PEER: a key of PEERS; DATA: what bench/training_rows.py prepares
    torch_training.py PEER DATA THREADS WEIGHTS     {"loss": …} of the data at the weights of a run of Rondo

Each line of the standard input is answered by one line of JSON: {"seconds": …} of an epoch. Updates are forward and
backward pass, clipping and the optimizer in its fused form, which is PyTorch's fastest; the model is that of the
experiment which bench/training.py gives to Rondo. (The GRU of PyTorch applies its reset gate after the product, as
`gru_reset_after`; the example sentiment has `gru`.)
"""
import collections
import csv
import itertools
import json
import pathlib
import random
import re
import sys
import time

import torch

import npy

BATCH, CLIP, LR = 32, 1.0, 0.002
POOL = 32  # batches that are sorted by length together
DTYPES = {"|u1": torch.uint8, "<i4": torch.int32, "<f4": torch.float32}


class Training:
    """A `model` and its batches(). loss_of(batch, carried) returns the mean loss of a batch, its weight among all
    batches, and what the next batch gets as `carried` (None at first)."""

    def make_optimizer(self):
        return torch.optim.Adam(self.model.parameters(), lr=LR, fused=True)

    def clip(self):
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)

    def epoch(self, optimizer, most=None):
        carried = None
        for batch in itertools.islice(self.batches(), most):
            optimizer.zero_grad(set_to_none=True)
            loss, _, carried = self.loss_of(batch, carried)
            loss.backward()
            self.clip()
            optimizer.step()
            loss.item()  # its value is recorded

    def set_weights(self, weights):
        set_weights(self.model, weights)

    def loss(self):
        carried, total, weights = None, 0.0, 0
        with torch.no_grad():
            for batch in self.batches():
                loss, weight, carried = self.loss_of(batch, carried)
                total += weight * loss.item()
                weights += weight
        return total / weights


def load(folder, name):
    kind, shape, content = npy.read(pathlib.Path(folder) / f"{name}.npy")
    return torch.frombuffer(content, dtype=DTYPES[kind]).view(shape)


def shuffled(size, *tensors):
    """Batches of `size` examples, in a new order."""
    for index in torch.randperm(len(tensors[0])).split(size):
        yield tuple(tensor[index] for tensor in tensors)


# ---- language models ----

class LanguageModel(torch.nn.Module):
    def __init__(self, symbols, size, tied):
        super().__init__()
        self.embedding = torch.nn.Embedding(symbols + 1, size)  # and the start symbol
        self.lstm = torch.nn.LSTM(size, 256)
        self.head = torch.nn.Linear(256, symbols)
        self.tied = tied
        if tied:
            del self.head.weight

    def forward(self, previous, states):
        hidden, states = self.lstm(self.embedding(previous), states)
        if not self.tied:
            return self.head(hidden), states
        return torch.nn.functional.linear(hidden, self.embedding.weight[:-1], self.head.bias), states


class Lanes(Training):
    """A sequence of symbols as [steps, BATCH], in windows whose states are carried on."""

    def __init__(self, ids, symbols, size, window, tied):
        self.window = window
        steps = len(ids) // BATCH
        self.lanes = ids[:steps * BATCH].view(BATCH, steps).t().contiguous()
        first = torch.cat([torch.tensor([symbols]), self.lanes[-1, :-1]])
        self.shifted = torch.cat([first.unsqueeze(0), self.lanes[:-1]])
        self.model = LanguageModel(symbols, size, tied)

    def batches(self):
        for at in range(0, len(self.lanes), self.window):
            yield self.shifted[at:at + self.window], self.lanes[at:at + self.window]

    def loss_of(self, batch, carried):
        previous, target = batch
        logits, states = self.model(previous, carried or (torch.zeros(1, BATCH, 256), torch.zeros(1, BATCH, 256)))
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())
        return loss, target.numel(), tuple(state.detach() for state in states)


def characters(folder):
    """Symbol 0 is the unknown one."""
    with open(pathlib.Path(folder) / "text.txt", encoding="utf-8", newline="") as stream:
        text = stream.read()
    ids = {symbol: i + 1 for i, symbol in enumerate(sorted(set(text)))}
    return Lanes(torch.tensor([ids[c] for c in text]), len(ids) + 1, 64, 100, False)


def words(folder):
    return Lanes(load(folder, "words")[0].long(), 10000, 256, 35, True)


# ---- images by rows ----

class Images(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(28, 128)
        self.head = torch.nn.Linear(128, 10)

    def forward(self, rows):  # [batch, 28, 28]
        return self.head(self.lstm(rows.transpose(0, 1))[0][-1])


class Fashion(Training):
    """The pixels are floats of mean 0 and deviation 1 before the epoch begins; Rondo keeps bytes."""

    def __init__(self, folder):
        pixels = load(folder, "images").double()
        self.images = ((pixels - pixels.mean((0, 1))) / pixels.std((0, 1), correction=0)).float()
        self.classes = load(folder, "classes").long()
        self.model = Images()

    def batches(self):
        return shuffled(64, self.images, self.classes)

    def loss_of(self, batch, carried):
        return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1]), len(batch[0]), carried


# ---- forecasts ----

class Forecaster(torch.nn.Module):
    def __init__(self, numbers, ahead):
        super().__init__()
        self.gru = torch.nn.GRU(numbers, 48)
        self.head = torch.nn.Linear(48, ahead)

    def forward(self, days):  # [batch, days, numbers]
        return self.head(self.gru(days.transpose(0, 1))[0][-1])


class Forecast(Training):
    def __init__(self, folder):
        days = int(load(folder, "lengths")[0])
        self.target = load(folder, "next")
        self.windows = load(folder, "series").unfold(0, days, 1).transpose(1, 2)[:len(self.target)]  # a view
        self.model = Forecaster(self.windows.shape[2], self.target.shape[1])

    def batches(self):
        return shuffled(32, self.windows, self.target)

    def loss_of(self, batch, carried):
        return torch.nn.functional.mse_loss(self.model(batch[0]), batch[1]), len(batch[0]), carried


# ---- large vocabularies ----

class Bag(torch.nn.Module):
    def __init__(self, symbols):
        super().__init__()
        self.embedding = torch.nn.Embedding(symbols, 64, sparse=True)
        self.gru = torch.nn.GRU(64, 64)
        self.head = torch.nn.Linear(64, 4)

    def forward(self, ids):  # [batch, steps]
        return self.head(self.gru(self.embedding(ids.t()))[0].mean(0))


class Vocabulary(Training):
    """The gradient of the embedding is sparse. clip_grad_norm_ does not accept such gradients."""

    def __init__(self, folder, symbols):
        self.words, self.classes = load(folder, "words").long(), load(folder, "classes").long()
        self.model = Bag(symbols)

    def make_optimizer(self):
        return torch.optim.SGD(self.model.parameters(), lr=0.1)

    def clip(self):
        embedding = self.model.embedding.weight
        embedding.grad = embedding.grad.coalesce()
        gradients = [embedding.grad.values()] + [p.grad for p in self.model.parameters() if p is not embedding]
        norm = torch.nn.utils.get_total_norm(gradients)
        torch._foreach_mul_(gradients, torch.clamp(CLIP / (norm + 1e-6), max=1.0))

    def batches(self):
        return shuffled(BATCH, self.words, self.classes)

    def loss_of(self, batch, carried):
        return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1]), len(batch[0]), carried


# ---- texts of different lengths ----

class Texts(torch.nn.Module):
    """Embedding with dropout of words and of vectors, a GRU, the mean over the words, a linear head."""

    def __init__(self, words, labels, packed):
        super().__init__()
        self.embedding = torch.nn.Embedding(words, 128)
        self.gru = torch.nn.GRU(128, 128)
        self.head = torch.nn.Linear(128, labels)
        self.packed = packed

    def forward(self, words, lengths):  # [steps, batch], [batch], the longest first
        words = words.masked_fill(torch.rand(words.shape) < 0.1, 0)
        x = torch.nn.functional.dropout(self.embedding(words), 0.5)
        if self.packed:
            x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths)
        hidden = self.gru(x)[0]
        if self.packed:
            hidden = torch.nn.utils.rnn.pad_packed_sequence(hidden)[0]
        hidden = torch.nn.functional.dropout(hidden, 0.3)
        mask = torch.arange(len(words)).unsqueeze(1) < lengths
        return self.head((hidden * mask.unsqueeze(2)).sum(0) / lengths.unsqueeze(1))


def read_texts(file):
    """Ids of the words of each text, and of its label; words seen once are unknown, and have id 0."""
    with open(file, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    texts = [re.findall(r"[^\W_]+(?:'[^\W_]+)*|\S", row["text"].lower()) for row in rows]
    counts = collections.Counter(word for text in texts for word in text)
    ids = {word: i + 1 for i, word in enumerate(word for word, count in counts.items() if count > 1)}
    labels = {label: i for i, label in enumerate(sorted({row["label"] for row in rows}))}
    examples = [([ids.get(word, 0) for word in text], labels[row["label"]]) for text, row in zip(texts, rows)]
    return examples, len(ids) + 1, len(labels)


def make_batches(examples):
    """Shuffled examples, sorted by length within pools, then whole batches shuffled, as data/epoch.h describes."""
    order = random.sample(examples, len(examples))
    batches = []
    for begin in range(0, len(order), POOL * BATCH):
        pool = sorted(order[begin:begin + POOL * BATCH], key=lambda example: -len(example[0]))
        batches += [pool[at:at + BATCH] for at in range(0, len(pool), BATCH)]
    random.shuffle(batches)
    return batches


class Reviews(Training):
    def __init__(self, file, packed):
        self.examples, words, labels = read_texts(file)
        self.model = Texts(words, labels, packed)

    def batches(self):
        return iter(make_batches(self.examples))

    def loss_of(self, batch, carried):
        lengths = torch.tensor([len(words) for words, _ in batch])
        padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(words) for words, _ in batch])
        target = torch.tensor([label for _, label in batch])
        return torch.nn.functional.cross_entropy(self.model(padded, lengths), target), len(batch), carried


# ---- the weights of a run of Rondo ----

GATES = {"lstm": ("ifgo", {"weight_ih_l0": "W", "weight_hh_l0": "U", "bias_ih_l0": "b"}),
         "gru": ("rzn", {"weight_ih_l0": "W", "weight_hh_l0": "U", "bias_ih_l0": "b", "bias_hh_l0": "d"})}
PLAIN = {"embedding.weight": "embedding.W", "head.weight": "head.W", "head.bias": "head.b"}


def read_weights(file):
    content = bytearray(pathlib.Path(file).read_bytes())
    begin = 8 + int.from_bytes(content[:8], "little")
    found = {}
    for name, entry in json.loads(content[8:begin]).items():
        if name != "__metadata__":
            at, end = (begin + offset for offset in entry["data_offsets"])
            found[name] = torch.frombuffer(content[at:end], dtype=torch.float32).view(entry["shape"])
    return found


def gates_of(weights, gates, letter, shape):
    """The parts of all gates in PyTorch's order; a bias that Rondo's cell does not have is 0."""
    size = shape[0] // len(gates)
    parts = [weights.pop(f"layers.0.{letter}_{gate}", torch.zeros(size)) for gate in gates]
    return torch.cat([part.t() for part in parts])


def set_weights(model, weights):
    for name, parameter in model.named_parameters():
        layer, _, own = name.partition(".")
        if name in PLAIN:
            value = weights.pop(PLAIN[name])
            value = value.t() if layer == "head" else value
        elif own in GATES[layer][1]:
            gates, letters = GATES[layer]
            value = gates_of(weights, gates, letters[own], parameter.shape)
        else:
            value = torch.zeros(parameter.shape)
        with torch.no_grad():
            parameter.copy_(value)
    assert not weights, f"{', '.join(weights)} of Rondo's model is not in PyTorch's"


PEERS = {
    "characters": characters,
    "padded": lambda file: Reviews(file, False),
    "packed": lambda file: Reviews(file, True),
    "fashion": Fashion,
    "words": words,
    "forecast": Forecast,
    "vocabulary-5000": lambda folder: Vocabulary(folder, 5000),
    "vocabulary-600000": lambda folder: Vocabulary(folder, 600000),
}


def main():
    peer, data, threads = sys.argv[1:4]
    torch.set_num_threads(int(threads))
    random.seed(1)
    if peer.startswith("translate"):
        import torch_translate  # which imports this file

        PEERS.update(torch_translate.PEERS)
    training = PEERS[peer](data)
    if len(sys.argv) > 4:
        training.set_weights(read_weights(sys.argv[4]))
        print(json.dumps({"loss": training.loss()}))
        return
    optimizer = training.make_optimizer()
    training.epoch(optimizer, 3)  # so that memory is allocated
    print(json.dumps({"version": torch.__version__.split("+")[0]}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        training.epoch(optimizer)
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
