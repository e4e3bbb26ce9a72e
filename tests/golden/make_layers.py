"""Writes layers.txt: layers of PyTorch in f64, for tests/test_goldens.c.

    python make_layers.py > layers.txt

A case is a cell, the numbers of layers, directions and projected values (0: no projection), the widths of input and
state, and the lengths. Steps are packed as in PyTorch: those of step 0 first. The loss is
sum(outputs * weights) + sum(final states * their weights). A line is "outputs", "x", "weights", "gradient x", or

    parameter LAYER NAME, gradient LAYER NAME       NAME as in Rondo: "W_i"; with both directions "forward.W_i"
    final LAYER STATE, final_weights LAYER STATE    [rows, width]; STATE: "h"; with both directions "forward.h"

f32 is tested against the same numbers: they are nearer to the truth than PyTorch's own in f32.

The first cases are torch.nn.RNN, LSTM and GRU. Those behind them are the step loops that bench/ times as peers: that
they equal Rondo's cells is what makes the timings comparable.
"""
import pathlib
import sys

import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import peers
import torch_step

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
INPUT, HIDDEN, PROJECTION, LENGTHS, EQUAL_LENGTHS = 3, 4, 2, [5, 3, 1], [4, 4, 4]


def line(word, tensor):
    print(word, *(repr(value) for value in tensor.detach().reshape(-1).tolist()))


def case(cell, layers, directions, projection, lengths, parameters, run):
    """parameters: by the word that names them; run(x) -> outputs, {word: final state}; x and outputs are packed."""
    x = torch.randn(sum(lengths), INPUT, requires_grad=True)
    outputs, finals = run(x)
    weights = {word: torch.randn_like(value) for word, value in {"": outputs, **finals}.items()}
    loss = sum((value * weights[word]).sum() for word, value in {"": outputs, **finals}.items())
    gradients = torch.autograd.grad(loss, [x, *parameters.values()])
    print("case", cell, layers, directions, projection, INPUT, HIDDEN, *lengths)
    line("x", x)
    line("outputs", outputs)
    line("weights", weights[""])
    line("gradient x", gradients[0])
    for word, value in finals.items():
        line(f"final {word}", value)
        line(f"final_weights {word}", weights[word])
    for (word, value), gradient in zip(parameters.items(), gradients[1:]):
        line(f"parameter {word}", value)
        line(f"gradient {word}", gradient)


def direction_parameters(module, cell, gates, layer, direction):
    """Rondo's parameters of a direction of a layer, and the module's weights made of them."""
    rows = INPUT if layer == 0 else (module.proj_size or HIDDEN) * (1 + module.bidirectional)
    made, weights = {}, {}

    def draw(name, *shape):
        made[name] = (torch.randn(shape) / 2).requires_grad_(True)
        return made[name]

    def stacked(letter, *shape):
        return torch.cat([draw(letter + ("_" + gate if gate else ""), *shape).mT for gate in gates])

    def stacked_bias(letter):
        return torch.cat([draw(letter + ("_" + gate if gate else ""), HIDDEN) for gate in gates])

    weights["weight_ih"] = stacked("W", rows, HIDDEN)
    weights["weight_hh"] = stacked("U", module.proj_size or HIDDEN, HIDDEN)
    weights["bias_ih"] = stacked_bias("b")
    weights["bias_hh"] = torch.zeros(len(gates) * HIDDEN)
    if cell == "gru_reset_after":  # of PyTorch's second bias, the part of the candidate alone is not the same as b
        weights["bias_hh"] = torch.cat([torch.zeros(2 * HIDDEN), draw("d_n", HIDDEN)])
    if module.proj_size:
        weights["weight_hr"] = draw("projection.W", HIDDEN, module.proj_size).mT
    suffix = f"_l{layer}" + ("_reverse" if direction == "backward." else "")
    return ({f"{layer} {direction}{name}": value for name, value in made.items()},
            {name + suffix: value for name, value in weights.items()})


def of_module(cell, module, gates, states):
    directions = ["forward.", "backward."] if module.bidirectional else [""]
    places = [(layer, direction) for layer in range(module.num_layers) for direction in directions]
    parameters, weights = {}, {}
    for place in places:
        for whole, part in zip((parameters, weights), direction_parameters(module, cell, gates, *place)):
            whole.update(part)

    def run(x):
        alive = [sum(length > t for length in LENGTHS) for t in range(LENGTHS[0])]
        packed = torch.nn.utils.rnn.PackedSequence(x, torch.tensor(alive))
        outputs, last = torch.func.functional_call(module, weights, (packed,))
        last = last if isinstance(last, tuple) else (last,)
        return outputs.data, {f"{layer} {direction}{state}": values[k] for state, values in zip(states, last)
                              for k, (layer, direction) in enumerate(places)}

    case(cell, module.num_layers, len(directions), module.proj_size, LENGTHS, parameters, run)


def of_peer(name):
    cell = peers.CELLS[name]
    made = {joined: {part: (torch.randn(shape) / 2).requires_grad_(True) for part, shape in parts.items()}
            for joined, parts in cell.shapes(INPUT, HIDDEN).items()}
    values = {joined: torch.cat(list(parts.values()), -1) for joined, parts in made.items()}

    def run(x):
        steps = x.reshape(EQUAL_LENGTHS[0], len(EQUAL_LENGTHS), INPUT)
        outputs = torch_step.run_loop(cell, HIDDEN, values, steps)
        return outputs.reshape(len(x), -1), {}

    case(name, 1, 1, 0, EQUAL_LENGTHS,
         {f"0 {part}": value for parts in made.values() for part, value in parts.items()}, run)


print(f"# Written by make_layers.py with PyTorch {torch.__version__.split('+')[0]}")
for layers in (1, 2):
    for bidirectional in (False, True):
        shape = {"num_layers": layers, "bidirectional": bidirectional}
        of_module("rnn_tanh", torch.nn.RNN(INPUT, HIDDEN, **shape), [""], ["h"])
        of_module("rnn_relu", torch.nn.RNN(INPUT, HIDDEN, nonlinearity="relu", **shape), [""], ["h"])
        of_module("lstm", torch.nn.LSTM(INPUT, HIDDEN, **shape), "ifgo", ["h", "c"])
        of_module("lstm", torch.nn.LSTM(INPUT, HIDDEN, proj_size=PROJECTION, **shape), "ifgo", ["h", "c"])
        of_module("gru_reset_after", torch.nn.GRU(INPUT, HIDDEN, **shape), "rzn", ["h"])
for name in peers.CELLS:
    of_peer(name)
