"""The timed cells, written once for PyTorch and JAX, as a careful user of either writes them.

Parameters that share an operand are joined: W = [W_i W_f W_g W_o] makes four products one. `prepare` holds what
parameters alone decide, once a pass; `inputs` what no state is needed for, once for all steps; `step` is the body of
the loop; `outputs` what can wait until it is over. The equations are those of configs/cells/NAME.yaml;
tests/test_goldens.c compares Rondo's outputs and gradients with those of these definitions.

`n` is the library: its functions under PyTorch's names. torch_step.py and jax_step.py make it.
"""
import dataclasses
import json
import math
import resource
import statistics
import sys
import time
import typing


@dataclasses.dataclass(frozen=True)
class Cell:
    # By joined name: the shape, and the names in the YAML file of the parts, side by side, of that shape each.
    parameters: dict[str, tuple[str, str]]
    states: int
    # (n, p, u, states) -> new states, and what is kept of the step. u: what `inputs` gave, of this step.
    step: typing.Callable
    # (n, p, x) -> tensors [T, B, ...] that the steps read one by one.
    inputs: typing.Callable = lambda n, p, x: (n.addmm(p["b"], x, p["W"]),)
    # (n, p, x, u, kept) -> the layer's outputs [T, B, H]. kept: [T, B, ...].
    outputs: typing.Callable = lambda n, p, x, u, kept: kept
    # (n, p) -> p with more values.
    prepare: typing.Callable = lambda n, p: p

    def shapes(self, inputs, hidden):
        """Of the parameters in the YAML file, by joined name: {"W": {"W_i": (inputs, hidden), ...}}."""
        sizes = {"input": inputs, "hidden": hidden, "4*hidden": 4 * hidden}
        return {joined: {name: tuple(sizes[word] for word in shape.split()) for name in names.split()}
                for joined, (shape, names) in self.parameters.items()}

    def draw(self, inputs, hidden, normal):
        """Values of the joined parameters: normal(*shape) / sqrt(hidden)."""
        values = {}
        for joined, parts in self.shapes(inputs, hidden).items():
            *rows, columns = next(iter(parts.values()))
            values[joined] = normal(*rows, columns * len(parts)) / math.sqrt(hidden)
        return values

    def start(self, n, x, hidden):
        return (n.zeros(x, x.shape[1], hidden),) * self.states


def gates(names):
    """Joined products of the input and of one state, and the bias."""
    def suffixed(letter):
        return " ".join(f"{letter}_{name}" for name in names)
    return {"W": ("input hidden", suffixed("W")), "U": ("hidden hidden", suffixed("U")), "b": ("hidden", suffixed("b"))}


def gate(name):
    """Of one gate, not joined to others."""
    return {f"W_{name}": ("input hidden", f"W_{name}"), f"U_{name}": ("hidden hidden", f"U_{name}"),
            f"b_{name}": ("hidden", f"b_{name}")}


def rnn_tanh(n, p, u, states):
    h = n.tanh(n.addmm(u[0], states[0], p["U"]))
    return (h,), h


def lstm(n, p, u, states):
    h, c = states
    i, f, g, o = n.chunk(n.addmm(u[0], h, p["U"]), 4)
    c = n.sigmoid(f) * c + n.sigmoid(i) * n.tanh(g)
    h = n.sigmoid(o) * n.tanh(c)
    return (h, c), h


def lstm_peephole(n, p, u, states):
    h, c = states
    i, f, g, o = n.chunk(n.addmm(u[0], h, p["U"]), 4)
    c = n.sigmoid(f + p["p_f"] * c) * c + n.sigmoid(i + p["p_i"] * c) * n.tanh(g)
    h = n.sigmoid(o + p["p_o"] * c) * n.tanh(c)
    return (h, c), h


def lstm_layer_norm(n, p, u, states):
    h, c = states
    f, i, o, g = n.chunk(u[0] + n.layer_norm(h @ p["U"], p["gain_h"], p["bias_h"]), 4)
    c = n.sigmoid(f) * c + n.sigmoid(i) * n.tanh(g)
    h = n.sigmoid(o) * n.tanh(n.layer_norm(c, p["gain_c"], p["bias_c"]))
    return (h, c), h


def gru(n, p, u, states):
    """The reset gate acts before the product, so the candidate's product cannot join those of the gates."""
    h, = states
    r, z = n.chunk(n.sigmoid(n.addmm(u[0], h, p["U"])), 2)
    candidate = n.tanh(n.addmm(u[1], r * h, p["U_n"]))
    h = candidate + z * (h - candidate)
    return (h,), h


def gru_reset_after(n, p, u, states):
    h, = states
    u_r, u_z, u_n = u
    h_r, h_z, h_n = n.chunk(h @ p["U"], 3)
    r, z = n.sigmoid(u_r + h_r), n.sigmoid(u_z + h_z)
    candidate = n.tanh(u_n + r * (h_n + p["d_n"]))
    h = candidate + z * (h - candidate)
    return (h,), h


def mgu(n, p, u, states):
    h, = states
    f = n.sigmoid(n.addmm(u[0], h, p["U_f"]))
    h = h + f * (n.tanh(n.addmm(u[1], f * h, p["U_n"])) - h)
    return (h,), h


CORNN = {"dt": 0.042, "gamma": 2.7, "epsilon": 4.7}  # the defaults of its file


def cornn(n, p, u, states):
    y, z = states
    force = n.tanh(n.addmm(n.addmm(u[0], y, p["W"]), z, p["U"]))
    z = z + CORNN["dt"] * (force - CORNN["gamma"] * y - CORNN["epsilon"] * z)
    y = y + CORNN["dt"] * z
    return (y, z), y


RHN_DEPTH = 5  # the default of its file


def rhn(n, p, u, states):
    s, = states
    for layer in range(1, RHN_DEPTH + 1):
        candidate, t = n.chunk(n.addmm(u[0] if layer == 1 else p[f"b{layer}"], s, p[f"U{layer}"]), 2)
        s = s + n.sigmoid(t) * (n.tanh(candidate) - s)
    return (s,), s


def rhn_parameters():
    of_layers = {f"{letter}{layer}": (shape, f"{letter}_n_{layer} {letter}_t_{layer}")
                 for layer in range(1, RHN_DEPTH + 1) for letter, shape in (("U", "hidden hidden"), ("b", "hidden"))}
    return {"W": ("input hidden", "W_n W_t"), **of_layers}


def min_gru_inputs(n, p, x):
    z, candidate = n.chunk(n.addmm(p["b"], x, p["W"]), 2)
    z = n.sigmoid(z)
    return 1 - z, z * candidate


def min_gru(n, p, u, states):
    h = n.addcmul(u[1], u[0], states[0])
    return (h,), h


def sru_inputs(n, p, x):
    candidate, f, r, highway = n.chunk(x @ p["W"], 4)
    return candidate, f + p["b_f"], r + p["b_r"], highway


def sru(n, p, u, states):
    c, = states
    f = n.sigmoid(n.addcmul(u[1], p["v_f"], c))
    c = u[0] + f * (c - u[0])
    return (c,), c


def sru_outputs(n, p, x, u, kept):
    """The reset gate sees the memory before the step."""
    r = n.sigmoid(u[2] + p["v_r"] * n.delay(kept))
    return u[3] + r * (kept - u[3])


def lru_prepare(n, p):
    """The recurrence in complex numbers: its factor, and the products of the input scaled."""
    decay, turn = n.exp(p["nu"]), n.exp(p["theta"])
    size = n.exp(-decay)
    scale = n.sqrt(-n.expm1(-2 * decay)) * n.exp(p["gamma"])
    return {**p, "a": n.complex(size * n.cos(turn), size * n.sin(turn)), "B": p["B"] * n.cat([scale, scale])}


def lru_inputs(n, p, x):
    return (n.complex(*n.chunk(x @ p["B"], 2)),)


def lru(n, p, u, states):
    state = n.addcmul(u[0], p["a"], states[0])
    return (state,), state


def lru_outputs(n, p, x, u, kept):
    return kept.real @ p["C_re"] - kept.imag @ p["C_im"] + x @ p["D"]


class Lru(Cell):
    def start(self, n, x, hidden):
        zeros = n.zeros(x, x.shape[1], hidden)
        return (n.complex(zeros, zeros),)


def two_products(first, second):
    """Of gates whose recurrent products cannot be joined."""
    def inputs(n, p, x):
        return tuple(n.addmm(p["b" + name], x, p["W" + name]) for name in (first, second))
    return inputs


CELLS = {
    "rnn_tanh": Cell({"W": ("input hidden", "W"), "U": ("hidden hidden", "U"), "b": ("hidden", "b")}, 1, rnn_tanh),
    "lstm": Cell(gates("ifgo"), 2, lstm),
    "gru": Cell(gates("rz") | gate("n"), 1, gru, two_products("", "_n")),
    "gru_reset_after": Cell(gates("rzn") | {"d_n": ("hidden", "d_n")}, 1, gru_reset_after,
                            lambda n, p, x: n.chunk(n.addmm(p["b"], x, p["W"]), 3)),
    "lstm_layer_norm": Cell(
        {"W": ("input 4*hidden", "W"), "U": ("hidden 4*hidden", "U"), "gain_c": ("hidden", "gain_c"),
         "bias_c": ("hidden", "bias_c"),
         **{name: ("4*hidden", name) for name in ("gain_x", "bias_x", "gain_h", "bias_h", "b")}}, 2, lstm_layer_norm,
        lambda n, p, x: (n.layer_norm(x @ p["W"], p["gain_x"], p["bias_x"]) + p["b"],)),
    "lstm_peephole": Cell(gates("ifgo") | {name: ("hidden", name) for name in ("p_i", "p_f", "p_o")}, 2,
                          lstm_peephole),
    "mgu": Cell(gate("f") | gate("n"), 1, mgu, two_products("_f", "_n")),
    "cornn": Cell({"V": ("input hidden", "V"), "W": ("hidden hidden", "W"), "U": ("hidden hidden", "U"),
                   "b": ("hidden", "b")}, 2, cornn, lambda n, p, x: (n.addmm(p["b"], x, p["V"]),)),
    "rhn": Cell(rhn_parameters(), 1, rhn, lambda n, p, x: (n.addmm(p["b1"], x, p["W"]),)),
    "min_gru": Cell({"W": ("input hidden", "W_z W_n"), "b": ("hidden", "b_z b_n")}, 1, min_gru, min_gru_inputs),
    "sru": Cell({"W": ("input hidden", "W W_f W_r W_x"), **{name: ("hidden", name) for name in (
        "b_f", "b_r", "v_f", "v_r")}}, 1, sru, sru_inputs, sru_outputs),
    "lru": Lru({"B": ("input hidden", "B_re B_im"), "C_re": ("hidden hidden", "C_re"),
                "C_im": ("hidden hidden", "C_im"), "D": ("input hidden", "D"),
                **{name: ("hidden", name) for name in ("nu", "theta", "gamma")}}, 1, lru, lru_inputs, lru_outputs,
               lru_prepare),
}


def most_memory():
    """The most that the process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(step):
    """Runs step() twice, says so, then takes timings for as many seconds as each line of the standard input says."""
    before = most_memory()
    start = time.perf_counter()
    step()
    ready = time.perf_counter() - start
    step()
    print(json.dumps({"ready_seconds": ready, "step_mib": most_memory() - before}), flush=True)
    for line in sys.stdin:
        timings = []
        end = time.perf_counter() + float(line)
        while len(timings) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            step()
            timings.append(time.perf_counter() - start)
        print(json.dumps({"seconds": statistics.median(timings), "timings": len(timings)}), flush=True)
