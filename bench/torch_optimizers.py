#!/usr/bin/env python3
"""Timings of an update by PyTorch's optimizers, the peer of bench/optimizers.c.

    echo SECONDS | torch_optimizers.py NAME fused|foreach SHAPES THREADS

NAME is a row of UPDATES; SHAPES is JSON, the shapes of the parameters. PyTorch has no Lion: the row is written with the
same calls over lists of tensors as PyTorch's own foreach optimizers. Each line of the standard input is answered by one
line of JSON.
"""
import json
import statistics
import sys
import time

import torch


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, foreach=True):
        assert foreach
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            values = group["params"]
            gradients = [value.grad for value in values]
            for value in values:
                self.state[value].setdefault("m", torch.zeros_like(value))
            moments = [self.state[value]["m"] for value in values]
            beta1, beta2 = group["betas"]
            updates = torch._foreach_lerp(moments, gradients, 1 - beta1)
            torch._foreach_sign_(updates)
            torch._foreach_mul_(values, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(values, updates, alpha=-group["lr"])
            torch._foreach_lerp_(moments, gradients, 1 - beta2)


UPDATES = {
    "sgd": (torch.optim.SGD, {"lr": 0.01}),
    "sgd momentum=0.9": (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "lion": (Lion, {}),
}


def main():
    name, how, shapes, threads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    make, arguments = UPDATES[name]
    parameters = [torch.full(shape, 0.1).requires_grad_(True) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 1e-3)
    optimizer = make(parameters, **{how: True}, **arguments)
    for _ in range(3):
        optimizer.step()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        timings, end = [], time.perf_counter() + float(line)
        while len(timings) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            optimizer.step()
            timings.append(time.perf_counter() - start)
        print(json.dumps({"seconds": statistics.median(timings)}), flush=True)


main()
