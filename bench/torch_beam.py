#!/usr/bin/env python3
"""Beam search of an encoder and decoder in PyTorch: the peer of bench/beam.py.

    echo | torch_beam.py FILE BATCH BEAMS STEPS THREADS

FILE has a word per line. The model is that of examples/pronunciation with random weights. Words of similar length are read together,
BATCH at a time; each gets BEAMS hypotheses of STEPS symbols, none of which may end before. All hypotheses of a batch take a step
together. Each line of the standard input is answered by one line of JSON: the seconds for all words.
"""
import json
import pathlib
import sys
import time

import torch

import beam_model as model


class Decoder(torch.nn.Module):
    """Equations of configs/cells/gru_bahdanau.yaml, with the products of the gates joined."""

    def __init__(self):
        super().__init__()
        width, memory = model.HIDDEN, 2 * model.ENCODER
        self.embedding = torch.nn.Embedding(model.PHONES + 2, model.EMBEDDING)  # and the end, and the start
        self.keys, self.query = torch.nn.Linear(memory, width, False), torch.nn.Linear(width, width, False)
        self.v = torch.nn.Parameter(0.1 * torch.randn(width))
        self.inputs = torch.nn.Linear(model.EMBEDDING + memory, 3 * width)
        self.gates, self.candidate = torch.nn.Linear(width, 2 * width, False), torch.nn.Linear(width, width, False)
        self.head = torch.nn.Linear(width, model.PHONES + 1)

    def forward(self, symbols, h, keys, memory, outside):
        """symbols [words, beams], h [words * beams, width], keys and memory [words, letters, …], outside [words, 1, letters]."""
        words, beams = symbols.shape
        query = self.query(h).view(words, beams, 1, -1)
        weights = torch.softmax(torch.tanh(query + keys.unsqueeze(1)) @ self.v + outside, -1)
        context = torch.bmm(weights, memory).flatten(0, 1)
        u = self.inputs(torch.cat([self.embedding(symbols).flatten(0, 1), context], 1))
        gates, candidate = u.split([2 * h.shape[1], h.shape[1]], 1)
        r, z = torch.sigmoid(gates + self.gates(h)).chunk(2, 1)
        n = torch.tanh(candidate + self.candidate(r * h))
        h = n + z * (h - n)
        return torch.log_softmax(self.head(h), -1), h


class Pronouncer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(len(model.LETTERS) + 1, model.EMBEDDING)
        self.encoder = torch.nn.GRU(model.EMBEDDING, model.ENCODER, batch_first=True, bidirectional=True)
        self.bridge = torch.nn.Linear(2 * model.ENCODER, model.HIDDEN)
        self.decoder = Decoder()

    def forward(self, sources, beams, steps):
        lengths = torch.tensor([len(source) for source in sources])
        padded = torch.nn.utils.rnn.pad_sequence(sources, batch_first=True)
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.embedding(padded), lengths, batch_first=True)
        outputs, last = self.encoder(packed)
        memory, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
        words, size = len(sources), model.PHONES + 1
        outside = torch.zeros(words, 1, padded.shape[1]).masked_fill(
            (torch.arange(padded.shape[1]) >= lengths.unsqueeze(1)).unsqueeze(1), -torch.inf)
        keys = self.decoder.keys(memory)
        h = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1))).repeat_interleave(beams, 0)
        scores = torch.full((words, beams), -torch.inf)
        scores[:, 0] = 0
        symbols, texts = torch.full((words, beams), size), torch.zeros(words, beams, 0, dtype=torch.long)
        first = torch.arange(words).unsqueeze(1)
        for _ in range(steps):
            log_p, h = self.decoder(symbols, h, keys, memory, outside)
            log_p[:, 0] = -torch.inf  # the end
            best, number = (scores.unsqueeze(2) + log_p.view(words, beams, size)).flatten(1).topk(beams, 1)
            scores, parent, symbols = best, number // size, number % size
            h = h[(first * beams + parent).flatten()]
            texts = torch.cat([texts.gather(1, parent.unsqueeze(2).expand(-1, -1, texts.shape[2])), symbols.unsqueeze(2)], 2)
        return texts[:, 0]


def main():
    file = pathlib.Path(sys.argv[1])
    batch, beams, steps, threads = map(int, sys.argv[2:6])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    words = sorted(file.read_text(encoding="utf-8").split(), key=lambda word: -len(word))
    ids = {letter: 1 + i for i, letter in enumerate(model.LETTERS)}
    sources = [torch.tensor([ids[letter] for letter in word]) for word in words]
    network = Pronouncer()

    def run():
        for begin in range(0, len(sources), batch):
            network(sources[begin:begin + batch], beams, steps)

    with torch.inference_mode():
        network(sources[:batch], beams, steps)
        print(json.dumps({"version": torch.__version__.split("+")[0]}), flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            run()
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
