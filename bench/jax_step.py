#!/usr/bin/env python3
"""Timings of a training step of a layer in JAX (jit of value_and_grad through lax.scan), a peer of bench/step.c.

    echo SECONDS | jax_step.py CELL T B I H

The number of threads is that of the CPUs that the process may use. Each line of the standard input is answered by one
line of JSON.
"""
import os
import sys
import types

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.numpy as jnp
import numpy

import peers


def layer_norm(x, gain, bias):
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + bias


NUMERICS = types.SimpleNamespace(
    addmm=lambda added, x, weight: added + x @ weight, addcmul=lambda added, x, y: added + x * y,
    sigmoid=jax.nn.sigmoid, tanh=jnp.tanh, exp=jnp.exp, expm1=jnp.expm1, sqrt=jnp.sqrt, sin=jnp.sin, cos=jnp.cos,
    complex=jax.lax.complex, chunk=lambda x, parts: jnp.split(x, parts, -1),
    cat=lambda parts: jnp.concatenate(parts, -1), delay=lambda x: jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]]),
    zeros=lambda like, *shape: jnp.zeros(shape, like.dtype), layer_norm=layer_norm)


def run(cell, hidden, p, x):  # x: [T, B, I] -> [T, B, H]
    p = cell.prepare(NUMERICS, p)
    u = cell.inputs(NUMERICS, p, x)
    start = cell.start(NUMERICS, x, hidden)
    _, kept = jax.lax.scan(lambda states, u_t: cell.step(NUMERICS, p, u_t, states), start, u)
    return cell.outputs(NUMERICS, p, x, u, kept)


def main():
    name = sys.argv[1]
    steps, batch, inputs, hidden = map(int, sys.argv[2:6])
    cell = peers.CELLS[name]
    random = numpy.random.default_rng(1)

    def normal(*shape):
        return jnp.asarray(random.standard_normal(shape, dtype=numpy.float32))

    p, x = cell.draw(inputs, hidden, normal), normal(steps, batch, inputs)
    gradient = jax.jit(jax.value_and_grad(lambda p, x: run(cell, hidden, p, x).sum(), argnums=(0, 1)))
    peers.serve(lambda: jax.block_until_ready(gradient(p, x)))


if __name__ == "__main__":
    main()
