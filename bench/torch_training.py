#!/usr/bin/env python3
"""Whole trainings in PyTorch, the peers of bench/training.py.

    echo | torch_training.py characters FILE THREADS        a character language model
    echo | torch_training.py padded|packed FILE THREADS     labels of texts of different lengths

Each line of the standard input is answered by one line of JSON: {"seconds": …} of an epoch. Updates are forward and
backward pass, clipping and Adam in its fused form, which is PyTorch's fastest; the model is that of the experiment which
bench/training.py gives to Rondo. (PyTorch's GRU applies its reset gate after the product, Rondo's `gru` before it.)
"""
import collections
import csv
import json
import random
import re
import sys
import time

import torch

BATCH, CLIP, LR = 32, 1.0, 0.002
POOL = 32  # batches that are sorted by length together
WINDOW = 100


def make_update(model, loss_of):
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def update(*batch):
        optimizer.zero_grad(set_to_none=True)
        loss, kept = loss_of(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        loss.item()  # its value is recorded
        return kept
    return update


# ---- characters ----

class Characters(torch.nn.Module):
    def __init__(self, symbols):
        super().__init__()
        self.embedding = torch.nn.Embedding(symbols + 1, 64)  # and the start symbol
        self.lstm = torch.nn.LSTM(64, 256)
        self.head = torch.nn.Linear(256, symbols)

    def forward(self, previous, states):
        hidden, states = self.lstm(self.embedding(previous), states)
        return self.head(hidden), states


def character_lanes(file):
    """The text as [steps, BATCH], and the number of symbols, of which 0 is the unknown one."""
    with open(file, encoding="utf-8", newline="") as stream:
        text = stream.read()
    ids = {symbol: i + 1 for i, symbol in enumerate(sorted(set(text)))}
    steps = len(text) // BATCH
    return torch.tensor([ids[c] for c in text[:steps * BATCH]]).view(BATCH, steps).t().contiguous(), len(ids) + 1


def characters_epoch(file):
    lanes, symbols = character_lanes(file)
    model = Characters(symbols)
    shifted = torch.cat([torch.full((1, BATCH), symbols), lanes[:-1]])

    def loss_of(previous, target, states):
        logits, states = model(previous, states)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())
        return loss, tuple(state.detach() for state in states)
    update = make_update(model, loss_of)

    def epoch(most=None):
        states = (torch.zeros(1, BATCH, 256), torch.zeros(1, BATCH, 256))
        for at in range(0, len(lanes), WINDOW)[:most]:
            states = update(shifted[at:at + WINDOW], lanes[at:at + WINDOW], states)
    return epoch


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


def texts_epoch(file, packed):
    examples, words, labels = read_texts(file)
    model = Texts(words, labels, packed)

    def loss_of(batch):
        lengths = torch.tensor([len(words) for words, _ in batch])
        padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(words) for words, _ in batch])
        target = torch.tensor([label for _, label in batch])
        return torch.nn.functional.cross_entropy(model(padded, lengths), target), None
    update = make_update(model, loss_of)

    def epoch(most=None):
        for batch in make_batches(examples)[:most]:
            update(batch)
    return epoch


def main():
    what, file = sys.argv[1:3]
    torch.set_num_threads(int(sys.argv[3]))
    random.seed(1)
    epoch = characters_epoch(file) if what == "characters" else texts_epoch(file, what == "packed")
    epoch(3)  # so that memory is allocated
    print(json.dumps({"version": torch.__version__.split("+")[0]}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
