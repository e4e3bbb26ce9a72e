"""Writes cells.txt: PyTorch's cells over sequences of lengths 5, 3, 3 and 1 in f64, for tests/test_cells.c.

    python make_cells.py > cells.txt

A case is the cell's name, the widths of input and state, and the lengths. Steps are packed as in PyTorch: those of
step 0 first. The loss is sum(outputs * weights); "gradient x" is that of the inputs.

rnn_tanh and lstm are torch.nn.RNN and torch.nn.LSTM. gru is written out, row by row: torch.nn.GRU lets the reset gate
act behind the product, not in front of it.
"""
import torch

torch.manual_seed(3)
INPUT, HIDDEN, LENGTHS = 3, 4, [5, 3, 3, 1]


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def line(word, tensor):
    print(word, *(repr(value) for value in tensor.detach().reshape(-1).tolist()))


def case(name, parameters, run):
    """run(sequences) -> outputs of each row, [length, HIDDEN], as a function of the parameters."""
    sequences = [normal(length, INPUT).requires_grad_(True) for length in LENGTHS]
    weights = [normal(length, HIDDEN) for length in LENGTHS]
    outputs = run(sequences)
    loss = sum((o * w).sum() for o, w in zip(outputs, weights))
    names = list(parameters)
    gradients = torch.autograd.grad(loss, [parameters[n] for n in names] + sequences)
    pack = lambda rows: torch.nn.utils.rnn.pack_sequence(rows).data
    print("case", name, INPUT, HIDDEN, *LENGTHS)
    line("x", pack(sequences))
    line("weights", pack(weights))
    line("outputs", pack(outputs))
    line("gradient x", pack(gradients[len(names):]))
    for n, gradient in zip(names, gradients):
        line(f"parameter {n}", parameters[n])
        line(f"gradient {n}", gradient)


def of_module(name, module, gates):
    """A torch.nn module, its weights set from parameters named W, U, b with the suffixes of the gates."""
    parameters = {}
    for gate in gates:
        suffix = "_" + gate if gate else ""
        parameters["W" + suffix] = normal(INPUT, HIDDEN).requires_grad_(True)
        parameters["U" + suffix] = normal(HIDDEN, HIDDEN).requires_grad_(True)
        parameters["b" + suffix] = normal(HIDDEN).requires_grad_(True)

    def stacked(letter):
        return torch.cat([parameters[letter + ("_" + gate if gate else "")].mT for gate in gates]
                         if letter != "b" else [parameters["b" + ("_" + gate if gate else "")] for gate in gates])

    def run(sequences):
        weights = {"weight_ih_l0": stacked("W"), "weight_hh_l0": stacked("U"), "bias_ih_l0": stacked("b"),
                   "bias_hh_l0": torch.zeros(len(gates) * HIDDEN, dtype=torch.float64)}
        packed = torch.nn.utils.rnn.pack_sequence(sequences)
        outputs, _ = torch.func.functional_call(module, weights, (packed,))
        padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
        return [row[:length] for row, length in zip(padded, lengths)]

    case(name, parameters, run)


def gru():
    p = {letter + "_" + gate: normal(*shape).requires_grad_(True) for gate in "rzn"
         for letter, shape in (("W", (INPUT, HIDDEN)), ("U", (HIDDEN, HIDDEN)), ("b", (HIDDEN,)))}

    def run(sequences):
        outputs = []
        for sequence in sequences:
            h, states = torch.zeros(HIDDEN, dtype=torch.float64), []
            for x in sequence:
                r = torch.sigmoid(x @ p["W_r"] + h @ p["U_r"] + p["b_r"])
                z = torch.sigmoid(x @ p["W_z"] + h @ p["U_z"] + p["b_z"])
                n = torch.tanh(x @ p["W_n"] + (r * h) @ p["U_n"] + p["b_n"])
                h = z * h + (1 - z) * n
                states.append(h)
            outputs.append(torch.stack(states))
        return outputs

    case("gru", p, run)


print(f"# Written by make_cells.py with PyTorch {torch.__version__.split('+')[0]}")
of_module("rnn_tanh", torch.nn.RNN(INPUT, HIDDEN).double(), [""])
of_module("lstm", torch.nn.LSTM(INPUT, HIDDEN).double(), ["i", "f", "g", "o"])
gru()
