"""Writes attention.txt: attention with PyTorch in f64, for tests/test_attention.c.

    python make_attention.py > attention.txt

A case is the op, the columns of query (and keys) and of values, and the options as Rondo takes them. The next lines are
the lengths of the queries and of the keys of each sequence; sequences are stored one after the other. The loss is
sum(output * weights).

Scores, softmax and sums are those of torch.nn.functional.scaled_dot_product_attention, one sequence at a time. What a
query sees is a mask: diagonals count from the last key, so that it holds for any number of queries. Rotations are
products of complex numbers, as in the paper (Su et al. 2021, equation 34). Additive scores have no function in PyTorch.
"""
import torch
import torch.nn.functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def line(word, tensor):
    print(word, *(repr(value) for value in tensor.detach().reshape(-1).tolist()))


def rotated(x, first):
    """x: [heads, elements, d], at the positions first, first + 1, ..."""
    d = x.shape[-1]
    frequency = 10000.0 ** (-torch.arange(0, d, 2) / d)
    angle = (first + torch.arange(x.shape[1]))[:, None] * frequency
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], d // 2, 2).contiguous())
    return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).reshape(x.shape)


def attention(query, keys, values, heads=1, causal=False, window=0, scale=0.0, rotary=False):
    n_queries, n_keys = len(query), len(keys)

    def divided(x):
        return x.reshape(len(x), heads, -1).transpose(0, 1)

    q, k, v = divided(query), divided(keys), divided(values)
    if rotary:
        q, k = rotated(q, n_keys - n_queries), rotated(k, 0)
    distance = torch.arange(n_keys)[None, :] - (n_keys - n_queries + torch.arange(n_queries))[:, None]
    mask = torch.ones(n_queries, n_keys, dtype=torch.bool)
    if causal:
        mask &= distance <= 0
    if window:
        mask &= distance.abs() < window
    result = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale or None)
    return result.transpose(0, 1).reshape(n_queries, -1)


def additive(query, keys, values, v):
    scores = torch.tanh(query[:, None] + keys[None]) @ v
    return torch.softmax(scores, dim=-1) @ values


def case(op, columns, width, queries, keys, **options):
    tensors = {"query": torch.randn(sum(queries), columns), "keys": torch.randn(sum(keys), columns),
               "values": torch.randn(sum(keys), width)}
    if op == "additive_attention":
        tensors["v"] = torch.randn(columns)
    for tensor in tensors.values():
        tensor.requires_grad_(True)
    parts = zip(tensors["query"].split(queries), tensors["keys"].split(keys), tensors["values"].split(keys))
    run = attention if op == "attention" else lambda q, k, u: additive(q, k, u, tensors["v"])
    output = torch.cat([run(*part, **options) for part in parts])
    weights = torch.randn_like(output)
    gradients = torch.autograd.grad((output * weights).sum(), list(tensors.values()))
    text = " ".join(f"{key}={str(value).lower()}" for key, value in options.items())
    print("case", op, columns, width, text or "-")
    print("queries", *queries)
    print("keys", *keys)
    for word, tensor in tensors.items():
        line(word, tensor)
    line("weights", weights)
    line("output", output)
    for word, gradient in zip(tensors, gradients):
        line(f"gradient {word}", gradient)


print("# Written by make_attention.py with PyTorch", torch.__version__.split("+")[0])
case("attention", 5, 3, [4], [6])
case("attention", 4, 6, [2, 3, 1], [5, 1, 7], heads=2)
case("attention", 6, 6, [5, 3, 1], [5, 3, 1], heads=3, causal=True)
case("attention", 4, 4, [2, 1, 3], [6, 4, 3], heads=2, causal=True)
case("attention", 8, 8, [7, 4], [7, 4], heads=2, causal=True, rotary=True)
case("attention", 8, 4, [2, 6], [5, 3], heads=2, rotary=True)
case("attention", 4, 4, [1, 1, 1], [9, 20, 33], rotary=True, causal=True)
case("attention", 3, 2, [6], [6], window=2)
case("attention", 3, 2, [7, 3], [7, 5], window=3, causal=True, scale=0.25)
case("attention", 20, 18, [9, 5], [9, 18], heads=2, causal=True)
case("attention", 35, 17, [1, 2], [21, 3])
case("additive_attention", 5, 3, [1, 1, 1], [6, 2, 1])
case("additive_attention", 4, 6, [3, 2], [5, 7])
case("additive_attention", 19, 17, [1, 2], [10, 19])
