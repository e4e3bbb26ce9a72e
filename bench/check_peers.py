#!/usr/bin/env python3
"""Compares what the peers compute, in f64: PyTorch's step loops with JAX, outputs and all gradients.

    venv/bin/python bench/check_peers.py

tests/test_goldens.c compares Rondo with the same step loops, and with PyTorch's own layers.
"""
import sys

import jax
import jax.numpy as jnp
import torch

import jax_step
import peers
import torch_step

STEPS, BATCH, INPUT, HIDDEN = 7, 3, 5, 8


def difference(ours, theirs):
    """The largest, relative where numbers are large and absolute where they are small."""
    return max(float(((a - b).abs() / torch.maximum(a.abs(), b.abs()).clamp(min=1)).max())
               for a, b in zip(ours, theirs))


def compare(cell):
    p = cell.draw(INPUT, HIDDEN, torch.randn)
    x, weights = torch.randn(STEPS, BATCH, INPUT), torch.randn(STEPS, BATCH, HIDDEN)
    leaves = [value.requires_grad_(True) for value in (x, *p.values())]
    outputs = torch_step.run_loop(cell, HIDDEN, p, x)
    ours = [outputs.detach(), *torch.autograd.grad((outputs * weights).sum(), leaves)]

    def loss(x, p):
        outputs = jax_step.run(cell, HIDDEN, p, x)
        return (outputs * jnp.asarray(weights.numpy())).sum(), outputs

    (_, outputs), (grad_x, grad_p) = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))(
        jnp.asarray(x.detach().numpy()), {name: jnp.asarray(value.detach().numpy()) for name, value in p.items()})
    theirs = [outputs, grad_x, *(grad_p[name] for name in p)]
    return difference(ours, [torch.from_numpy(jax.device_get(each).copy()) for each in theirs])


def main():
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    jax.config.update("jax_enable_x64", True)
    worst = {name: compare(cell) for name, cell in peers.CELLS.items()}
    for name, value in worst.items():
        print(f"{name:20} {value:.1e}{'' if value < 1e-10 else '  differs'}")
    return int(max(worst.values()) >= 1e-10)


if __name__ == "__main__":
    sys.exit(main())
