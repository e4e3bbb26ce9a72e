"""Writes encoder.txt: an encoder and decoder of PyTorch with attention, in f64, for tests/test_encoder.c.

    python make_encoder.py > encoder.txt

torch.nn.GRU in both directions over the sources, the first states of the decoder tanh(c @ W + b) of the encoder's last
outputs of both directions, torch.nn.GRU over the symbols before, and attention as in Luong et al. (2015): the score `general`,
divided by the root of the width, and equation 5 with a bias, tanh(context @ W_c + h @ W + b).
Nothing is padded: each row is run on its own. The loss is sum(outputs * weights).

Rows are listed in the order of the decoder's lengths; outputs and weights are packed, those of step 0 first.
"""
import torch

torch.manual_seed(11)
SOURCES, SYMBOLS, SIZE, ENCODER, HIDDEN, OUTPUTS = 5, 4, 3, 2, 4, 3
LENGTHS, SOURCE_LENGTHS = [4, 3, 1], [2, 5, 3]
GATES = ["r", "z", "n"]

parameters = {}


def parameter(name, *shape):
    parameters[name] = torch.randn(*shape, dtype=torch.float64).requires_grad_(True)
    return parameters[name]


def gru(prefix, width, hidden):
    """Parameters of the cell gru_reset_after as the weights of torch.nn.GRU, whose gates are in the order r, z, n."""
    get = {}
    for gate in GATES:
        get["W_" + gate] = parameter(f"{prefix}.W_{gate}", width, hidden)
        get["U_" + gate] = parameter(f"{prefix}.U_{gate}", hidden, hidden)
        get["b_" + gate] = parameter(f"{prefix}.b_{gate}", hidden)
    get["d_n"] = parameter(f"{prefix}.d_n", hidden)
    zeros = torch.zeros(2 * hidden, dtype=torch.float64)
    return [torch.cat([get["W_" + g].mT for g in GATES]), torch.cat([get["U_" + g].mT for g in GATES]),
            torch.cat([get["b_" + g] for g in GATES]), torch.cat([zeros, get["d_n"]])]


def run(module, weights, x, initial):
    names = [n for n, _ in module.named_parameters()]
    outputs, _ = torch.func.functional_call(module, dict(zip(names, weights)), (x, initial))
    return outputs


of_previous = parameter("embedding.previous.W", SYMBOLS, SIZE)
of_source = parameter("embedding.source.W", SOURCES, SIZE)
encoder = gru("encoder.0.forward", SIZE, ENCODER) + gru("encoder.0.backward", SIZE, ENCODER)
bridge = parameter("bridge.layers.0.h.W", 2 * ENCODER, HIDDEN), parameter("bridge.layers.0.h.b", HIDDEN)
decoder = gru("layers.0", SIZE, HIDDEN)
W_q, W_c = parameter("layers.1.W_q", HIDDEN, 2 * ENCODER), parameter("layers.1.W_c", 2 * ENCODER, HIDDEN)
W, b = parameter("layers.1.W", HIDDEN, HIDDEN), parameter("layers.1.b", HIDDEN)
head = parameter("head.W", HIDDEN, OUTPUTS), parameter("head.b", OUTPUTS)

both = torch.nn.GRU(SIZE, ENCODER, bidirectional=True, dtype=torch.float64)
forward = torch.nn.GRU(SIZE, HIDDEN, dtype=torch.float64)
sources = [torch.randint(SOURCES, (n,)) for n in SOURCE_LENGTHS]
previous = [torch.randint(SYMBOLS, (n,)) for n in LENGTHS]
outputs = []
for source, symbols in zip(sources, previous):
    memory = run(both, encoder, of_source[source], torch.zeros(2, ENCODER, dtype=torch.float64))
    last = torch.cat([memory[-1, :ENCODER], memory[0, ENCODER:]])
    h = run(forward, decoder, of_previous[symbols], torch.tanh(last @ bridge[0] + bridge[1])[None])
    weights = torch.softmax(h @ W_q @ memory.mT / (2 * ENCODER) ** 0.5, dim=1)
    outputs.append(torch.tanh(weights @ memory @ W_c + h @ W + b) @ head[0] + head[1])

factors = [torch.randn(n, OUTPUTS, dtype=torch.float64) for n in LENGTHS]
loss = sum((o * f).sum() for o, f in zip(outputs, factors))
gradients = torch.autograd.grad(loss, list(parameters.values()))


def line(word, tensor):
    print(word, *(repr(value) for value in tensor.detach().reshape(-1).tolist()))


pack = lambda rows: torch.nn.utils.rnn.pack_sequence(rows).data
print("# Written by make_encoder.py with PyTorch", torch.__version__.split("+")[0])
for row, source in enumerate(sources):
    line(f"source {row}", source)
line("previous", pack(previous))
line("weights", pack(factors))
line("outputs", pack(outputs))
for name, gradient in zip(parameters, gradients):
    line(f"parameter {name}", parameters[name])
    line(f"gradient {name}", gradient)
