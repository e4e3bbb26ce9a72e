#!/usr/bin/env python3
"""Timings of a language model of LSTMs that writes, in PyTorch: the peer of bench/generate.c.

    echo SECONDS | torch_generate.py cell|nn LAYERS HIDDEN SYMBOLS TEXTS THREADS

cell steps through torch.nn.LSTMCell, one for each layer, which is PyTorch's fastest form for one step; nn calls torch.nn.LSTM with one
step. Both draw each symbol by torch.multinomial. Each line of the standard input is answered by one line of JSON: the median time of
a symbol of all texts.
"""
import sys

import torch

import peers


class Cells(torch.nn.Module):
    """The layers as LSTMCell."""

    def __init__(self, layers, hidden, texts):
        super().__init__()
        self.cells = torch.nn.ModuleList(torch.nn.LSTMCell(hidden, hidden) for _ in range(layers))
        self.states = [(torch.zeros(texts, hidden), torch.zeros(texts, hidden)) for _ in range(layers)]

    def forward(self, x):
        for i, cell in enumerate(self.cells):
            self.states[i] = cell(x, self.states[i])
            x = self.states[i][0]
        return x


class Layers(torch.nn.Module):
    """The layers as LSTM, which reads one step at a time."""

    def __init__(self, layers, hidden, texts):
        super().__init__()
        self.lstm = torch.nn.LSTM(hidden, hidden, layers)
        self.states = (torch.zeros(layers, texts, hidden), torch.zeros(layers, texts, hidden))

    def forward(self, x):
        outputs, self.states = self.lstm(x[None], self.states)
        return outputs[0]


def main():
    how = sys.argv[1]
    layers, hidden, symbols, texts, threads = map(int, sys.argv[2:7])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    embedding = torch.nn.Embedding(symbols + 1, hidden)
    model = (Cells if how == "cell" else Layers)(layers, hidden, texts)
    head = torch.nn.Linear(hidden, symbols)
    ids = torch.full((texts,), symbols)

    def step():
        nonlocal ids
        with torch.inference_mode():
            p = torch.softmax(head(model(embedding(ids))), -1)
            ids = torch.multinomial(p, 1)[:, 0]

    with torch.inference_mode():
        peers.serve(step)


if __name__ == "__main__":
    main()
