#!/usr/bin/env python3
"""One timing of one training step of a layer in PyTorch, the peer of bench/step.c.

    torch_step.py lstm|gru|rnn_tanh T B I H THREADS SECONDS
"""
import json
import statistics
import sys
import time

import torch


def main():
    name = sys.argv[1]
    steps, batch, inputs, hidden, threads = map(int, sys.argv[2:7])
    torch.set_num_threads(threads)
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn_tanh": torch.nn.RNN}[name](inputs, hidden)
    x = torch.randn(steps, batch, inputs, requires_grad=True)
    timings = []
    end = time.perf_counter() + float(sys.argv[7])
    warm = 2
    while len(timings) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        x.grad = None
        layer.zero_grad(set_to_none=True)
        layer(x)[0].sum().backward()
        if warm > 0:
            warm -= 1
        else:
            timings.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(timings), "timings": len(timings)}))


main()
