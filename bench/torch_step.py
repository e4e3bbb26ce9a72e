#!/usr/bin/env python3
"""Timings of a training step of a layer in PyTorch, the peer of bench/step.c.

    echo SECONDS | torch_step.py nn|loop|compile CELL T B I H THREADS

nn is PyTorch's own layer; loop a module that steps through time in Python; compile is torch.compile of that module.
Each line of the standard input is answered by one line of JSON.
"""
import sys
import types

import torch

import peers

MODULES = {"rnn_tanh": torch.nn.RNN, "gru_reset_after": torch.nn.GRU, "lstm": torch.nn.LSTM}


def addmm(added, x, weight):
    """torch.addmm is for matrices; this one takes all steps at once too."""
    return torch.addmm(added, x, weight) if x.dim() == 2 else torch.nn.functional.linear(x, weight.mT, added)


NUMERICS = types.SimpleNamespace(
    addmm=addmm, addcmul=torch.addcmul, sigmoid=torch.sigmoid, tanh=torch.tanh, exp=torch.exp, expm1=torch.expm1,
    sqrt=torch.sqrt, sin=torch.sin, cos=torch.cos, complex=torch.complex,
    chunk=lambda x, parts: x.chunk(parts, -1), cat=lambda parts: torch.cat(parts, -1),
    delay=lambda x: torch.cat([torch.zeros_like(x[:1]), x[:-1]]), zeros=lambda like, *shape: like.new_zeros(shape),
    layer_norm=lambda x, gain, bias: torch.nn.functional.layer_norm(x, x.shape[-1:], gain, bias))


def run_loop(cell, hidden, p, x):  # x: [T, B, I] -> [T, B, H]
    p = cell.prepare(NUMERICS, p)
    u = cell.inputs(NUMERICS, p, x)
    states, kept = cell.start(NUMERICS, x, hidden), []
    for u_t in zip(*(part.unbind(0) for part in u)):
        states, value = cell.step(NUMERICS, p, u_t, states)
        kept.append(value)
    return cell.outputs(NUMERICS, p, x, u, torch.stack(kept))


class Loop(torch.nn.Module):
    """A cell of peers.py over time."""

    def __init__(self, cell, hidden, values):
        super().__init__()
        self.cell, self.hidden = cell, hidden
        self.values = torch.nn.ParameterDict(values)

    def forward(self, x):
        return run_loop(self.cell, self.hidden, dict(self.values.items()), x)


def make_layer(how, name, inputs, hidden):
    """A function of x that gives the outputs, and the module that holds its parameters."""
    if how == "nn":
        module = MODULES[name](inputs, hidden)
        return lambda x: module(x)[0], module
    cell = peers.CELLS[name]
    module = Loop(cell, hidden, cell.draw(inputs, hidden, torch.randn))
    return torch.compile(module) if how == "compile" else module, module


def main():
    how, name = sys.argv[1:3]
    steps, batch, inputs, hidden, threads = map(int, sys.argv[3:8])
    torch.set_num_threads(threads)
    layer, module = make_layer(how, name, inputs, hidden)
    x = torch.randn(steps, batch, inputs, requires_grad=True)

    def step():
        x.grad = None
        module.zero_grad(set_to_none=True)
        layer(x).sum().backward()

    peers.serve(step)


if __name__ == "__main__":
    main()
