"""Writes memory_cells.txt: cells of configs/cells that read a memory, over sequences of lengths 5, 3, 3 and 1 in f64, for
tests/test_cells.c, in the format of make_cells.py.

    python make_memory_cells.py > memory_cells.txt

"memory_lengths" has the number of elements that each sequence sees; "memory" has these elements, sequence by sequence.
gru_bahdanau is written out as in the paper; lstm_luong is torch.nn.LSTMCell with torch's scaled_dot_product_attention.
"""
import torch
from torch.nn.functional import scaled_dot_product_attention

torch.manual_seed(9)
INPUT, HIDDEN, MEMORY, LENGTHS, MEMORY_LENGTHS = 3, 4, 5, [5, 3, 3, 1], [2, 4, 1, 3]


def normal(*shape):
    return (torch.randn(*shape, dtype=torch.float64) / 2).round(decimals=3)


def line(word, tensor):
    print(word, *(f"{value:.14g}" for value in tensor.detach().reshape(-1).tolist()))


def case(name, shapes, run):
    """run(x, memory, p) -> outputs [length, HIDDEN] of one row x [length, INPUT] that sees memory [n, MEMORY]."""
    p = {parameter: normal(*shape).requires_grad_(True) for parameter, shape in shapes.items()}
    sequences = [normal(length, INPUT).requires_grad_(True) for length in LENGTHS]
    memory = [normal(length, MEMORY).requires_grad_(True) for length in MEMORY_LENGTHS]
    weights = [normal(length, HIDDEN) for length in LENGTHS]
    outputs = [run(x, m, p) for x, m in zip(sequences, memory)]
    loss = sum((o * w).sum() for o, w in zip(outputs, weights))
    gradients = torch.autograd.grad(loss, sequences + memory + [p[n] for n in shapes])
    pack = lambda rows: torch.nn.utils.rnn.pack_sequence(list(rows)).data
    print("case", name, INPUT, HIDDEN, *LENGTHS)
    print("memory_lengths", *MEMORY_LENGTHS)
    line("x", pack(sequences))
    line("memory", torch.cat(memory))
    line("weights", pack(weights))
    line("outputs", pack(outputs))
    line("gradient x", pack(gradients[:len(LENGTHS)]))
    line("gradient memory", torch.cat(gradients[len(LENGTHS):2 * len(LENGTHS)]))
    for n, gradient in zip(shapes, gradients[2 * len(LENGTHS):]):
        line(f"parameter {n}", p[n])
        line(f"gradient {n}", gradient)


def gru_bahdanau(x, memory, p):
    """Appendix A.2.2 of the paper, with biases; its z is 1 - z here."""
    s, outputs = torch.zeros(HIDDEN, dtype=torch.float64), []
    for y in x:
        e = torch.stack([p["v"] @ torch.tanh(s @ p["W_q"] + h @ p["W_k"]) for h in memory])
        c = torch.softmax(e, 0) @ memory
        r, z = (torch.sigmoid(y @ p["W_" + k] + s @ p["U_" + k] + c @ p["C_" + k] + p["b_" + k]) for k in "rz")
        new = torch.tanh(y @ p["W_n"] + (r * s) @ p["U_n"] + c @ p["C_n"] + p["b_n"])
        s = z * s + (1 - z) * new
        outputs.append(s)
    return torch.stack(outputs)


def lstm_luong(x, memory, p):
    cell = torch.nn.LSTMCell(INPUT + HIDDEN, HIDDEN).double()
    stacked = lambda letter: torch.cat([p[f"{letter}_{gate}"].mT for gate in "ifgo"])
    weights = {"weight_ih": torch.cat([stacked("W"), stacked("A")], 1), "weight_hh": stacked("U"),
               "bias_ih": torch.cat([p[f"b_{gate}"] for gate in "ifgo"]),
               "bias_hh": torch.zeros(4 * HIDDEN, dtype=torch.float64)}
    h = c = a = torch.zeros(1, HIDDEN, dtype=torch.float64)
    outputs = []
    for y in x:
        h, c = torch.func.functional_call(cell, weights, (torch.cat([y[None], a], 1), (h, c)))
        context = scaled_dot_product_attention(h[None], (memory @ p["W_k"])[None], memory[None], scale=1)[0]
        a = torch.tanh(torch.cat([context, h], 1) @ torch.cat([p["W_c"], p["U_c"]]))
        outputs.append(a[0])
    return torch.stack(outputs)


print(f"# Written by make_memory_cells.py with PyTorch {torch.__version__.split('+')[0]}")
case("gru_bahdanau", {"W_k": (MEMORY, HIDDEN), "W_q": (HIDDEN, HIDDEN), "v": (HIDDEN,)} |
     {f"{letter}_{gate}": shape for gate in "rzn" for letter, shape in
      (("W", (INPUT, HIDDEN)), ("C", (MEMORY, HIDDEN)), ("U", (HIDDEN, HIDDEN)), ("b", (HIDDEN,)))}, gru_bahdanau)
case("lstm_luong", {"W_k": (MEMORY, HIDDEN), "W_c": (MEMORY, HIDDEN), "U_c": (HIDDEN, HIDDEN)} |
     {f"{letter}_{gate}": shape for gate in "ifgo" for letter, shape in
      (("W", (INPUT, HIDDEN)), ("A", (HIDDEN, HIDDEN)), ("U", (HIDDEN, HIDDEN)), ("b", (HIDDEN,)))}, lstm_luong)
