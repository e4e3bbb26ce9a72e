"""Writes modern_cells.txt: cells of configs/cells over sequences of lengths 5, 3, 3 and 1 in f64, for
tests/test_cells.c, in the format of make_cells.py.

    python make_modern_cells.py > modern_cells.txt

Where a cell can be computed in another way than step by step, it is: linear recurrences as sums over all earlier steps,
complex numbers as such, S4D as a convolution, a window as a convolution, exponential gates without their stabiliser.
"""
import math

import torch
from torch.nn.functional import conv1d, logsigmoid, silu, softplus

torch.manual_seed(7)
INPUT, HIDDEN, LENGTHS = 3, 4, [5, 3, 3, 1]
ORDER = {"lmu": 8, "mamba": 16, "s4d": 16, "mlstm_matrix": 16}


def normal(*shape):
    return (torch.randn(*shape, dtype=torch.float64) / 2).round(decimals=3)


def line(word, tensor):
    print(word, *(f"{value:.14g}" for value in tensor.detach().reshape(-1).tolist()))


def case(name, shapes, run):
    """run(x, p) -> outputs [length, HIDDEN] of one row x [length, INPUT]; p has the parameters as attributes."""
    class Parameters:
        pass

    p = Parameters()
    for parameter, shape in shapes.items():
        setattr(p, parameter, normal(*shape).requires_grad_(True))
    sequences = [normal(length, INPUT).requires_grad_(True) for length in LENGTHS]
    weights = [normal(length, HIDDEN) for length in LENGTHS]
    outputs = [run(x, p) for x in sequences]
    loss = sum((o * w).sum() for o, w in zip(outputs, weights))
    gradients = torch.autograd.grad(loss, [getattr(p, n) for n in shapes] + sequences)
    pack = lambda rows: torch.nn.utils.rnn.pack_sequence(list(rows)).data
    print("case", name, INPUT, HIDDEN, *LENGTHS)
    line("x", pack(sequences))
    line("weights", pack(weights))
    line("outputs", pack(outputs))
    line("gradient x", pack(gradients[len(shapes):]))
    for n, gradient in zip(shapes, gradients):
        line(f"parameter {n}", getattr(p, n))
        line(f"gradient {n}", gradient)


def zeros(*shape):
    return torch.zeros(*shape, dtype=torch.float64)


def over_time(x, step, *states):
    """step(x_t, states) -> output, states."""
    outputs = []
    for row in x:
        output, states = step(row, states)
        outputs.append(output)
    return torch.stack(outputs)


W, U, B = (INPUT, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN,)


def antisymmetric(x, p):
    matrix = p.U.mT - p.U - 0.01 * torch.eye(HIDDEN)  # acts on columns

    def step(row, states):
        h = states[0] + 0.1 * torch.tanh(matrix @ states[0] + p.W.mT @ row + p.b)
        return h, (h,)
    return over_time(x, step, zeros(HIDDEN))


def cornn(x, p):
    weight = torch.cat([p.V, p.U, p.W])

    def step(row, states):
        y, z = states
        z = z + 0.042 * (torch.tanh(torch.cat([row, z, y]) @ weight + p.b) - 2.7 * y - 4.7 * z)
        y = y + 0.042 * z
        return y, (y, z)
    return over_time(x, step, zeros(HIDDEN), zeros(HIDDEN))


def lem(x, p):
    def step(row, states):
        y, z = states
        s, r = torch.sigmoid(row @ p.V_s + y @ p.W_s + p.b_s), torch.sigmoid(row @ p.V_r + y @ p.W_r + p.b_r)
        z = z + s * (torch.tanh(row @ p.V_z + y @ p.W_z + p.b_z) - z)
        y = y + r * (torch.tanh(row @ p.V_y + z @ p.W_y + p.b_y) - y)
        return y, (y, z)
    return over_time(x, step, zeros(HIDDEN), zeros(HIDDEN))


def lipschitz_rnn(x, p):
    def mixed(m):
        return 0.2 * (m + m.mT) + 0.8 * (m - m.mT) - 0.01 * torch.eye(HIDDEN)

    def step(row, states):
        h = states[0]
        h = h + 0.01 * (h @ mixed(p.M) + torch.tanh(h @ mixed(p.N) + row @ p.W + p.b))
        return h, (h,)
    return over_time(x, step, zeros(HIDDEN))


def sru(x, p):
    def step(row, states):
        c = states[0]
        f = torch.sigmoid(row @ p.W_f + p.v_f * c + p.b_f)
        r = torch.sigmoid(row @ p.W_r + p.v_r * c + p.b_r)
        c = f * c + (1 - f) * (row @ p.W)
        return r * c + (1 - r) * (row @ p.W_x), (c,)
    return over_time(x, step, zeros(HIDDEN))


def weighted_sums(keep, new):
    """h_t = keep_t h_{t-1} + new_t as sums over all earlier steps; both [length, ...]."""
    rows = []
    for t in range(len(new)):
        rows.append(sum(torch.prod(keep[s + 1:t + 1], dim=0) * new[s] for s in range(t + 1)))
    return torch.stack(rows)


def qrnn(x, p):
    def window(gate):
        kernel = torch.stack([getattr(p, "V_" + gate).mT, getattr(p, "W_" + gate).mT], dim=-1)
        padded = torch.cat([zeros(1, INPUT), x]).mT
        return conv1d(padded[None], kernel)[0].mT + getattr(p, "b_" + gate)
    z, f, o = torch.tanh(window("z")), torch.sigmoid(window("f")), torch.sigmoid(window("o"))
    return o * weighted_sums(f, (1 - f) * z)


def min_gru(x, p):
    z = torch.sigmoid(x @ p.W_z + p.b_z)
    return weighted_sums(1 - z, z * (x @ p.W_n + p.b_n))


def min_lstm(x, p):
    ratio = logsigmoid(x @ p.W_i + p.b_i) - logsigmoid(x @ p.W_f + p.b_f)
    return weighted_sums(torch.sigmoid(-ratio), torch.sigmoid(ratio) * (x @ p.W_n + p.b_n))


def lru(x, p):
    eigenvalue = torch.exp(torch.complex(-torch.exp(p.nu), torch.exp(p.theta)))
    scale = torch.sqrt(1 - eigenvalue.abs() ** 2) * torch.exp(p.gamma)
    driven = scale * (x.to(torch.complex128) @ torch.complex(p.B_re, p.B_im))
    states = weighted_sums(eigenvalue.expand(len(x), HIDDEN), driven)
    return (states @ torch.complex(p.C_re, p.C_im)).real + x @ p.D


def s4d(x, p):
    u = x @ p.W + p.b
    a = torch.complex(-torch.exp(p.log_decay), p.omega)
    step_a = torch.exp(p.log_step) * a
    c = torch.complex(p.C_re, p.C_im) * (torch.exp(step_a) - 1) / a
    kernel = torch.stack([2 * (c * torch.exp(step_a * t)).sum(-1).real for t in range(len(x))])
    return torch.stack([sum(kernel[t - s] * u[s] for s in range(t + 1)) for t in range(len(x))]) + p.D * u


def rg_lru(x, p):
    u = x @ p.W + p.b
    r, i = torch.sigmoid(u @ p.W_r + p.b_r), torch.sigmoid(u @ p.W_i + p.b_i)
    a = torch.sigmoid(-p.L) ** (8 * r)
    return weighted_sums(a, torch.sqrt(1 - a ** 2) * i * u)


def lmu(x, p):
    def step(row, states):
        h, m = states
        m = p.A.mT @ m + p.B[0] * (torch.cat([row, h, m]) @ torch.cat([p.e_x, p.e_h, p.e_m]))
        h = torch.tanh(torch.cat([row, h, m]) @ torch.cat([p.W_x, p.W_h, p.W_m]))
        return h, (h, m)
    return over_time(x, step, zeros(HIDDEN), zeros(ORDER["lmu"]))


def slstm(x, p):
    def step(row, states):
        h, c, n = states
        z, o, i, f = (row @ getattr(p, "W_" + g) + h @ getattr(p, "U_" + g) + getattr(p, "b_" + g) for g in "zoif")
        c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(z)
        n = torch.sigmoid(f) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n
        return h, (h, c, n)
    return over_time(x, step, zeros(HIDDEN), zeros(HIDDEN), zeros(HIDDEN))


def mlstm_matrix(x, p):
    """As attention: weights d(t, s) = i_s f_{s+1} .. f_t."""
    q, k = x @ p.W_q + p.b_q, (x @ p.W_k + p.b_k) / math.sqrt(ORDER["mlstm_matrix"])
    i, log_f = torch.exp(x @ p.w_i + p.b_i)[:, 0], logsigmoid(x @ p.w_f + p.b_f)[:, 0]
    v, o = x @ p.W_v + p.b_v, torch.sigmoid(x @ p.W_o + p.b_o)
    rows = []
    for t in range(len(x)):
        scores = torch.stack([(q[t] @ k[s]) * i[s] * torch.exp(log_f[s + 1:t + 1].sum()) for s in range(t + 1)])
        rows.append(o[t] * (scores @ v[:t + 1]) / torch.clamp(scores.sum().abs(), min=1))
    return torch.stack(rows)


def mamba(x, p):
    u = silu(x @ p.W_u)
    delta = softplus(u @ p.W_low @ p.W_delta + p.b_delta)
    a = torch.einsum("td,dn->tdn", delta, -torch.exp(p.A_log))
    new = torch.einsum("td,tn->tdn", delta * u, u @ p.W_b)
    states = weighted_sums(torch.exp(a), new)
    return (torch.einsum("tdn,tn->td", states, u @ p.W_c) + p.D * u) * silu(x @ p.W_gate)


def named(text, **shapes):
    """Shapes of "W_z W_f ..." by their first letter, and others by name."""
    by_letter = {"W": W, "V": W, "U": U, "b": B, "v": B}
    return {**{name: by_letter[name[0]] for name in text.split()}, **shapes}


N = ORDER["mamba"]
print(f"# Written by make_modern_cells.py with PyTorch {torch.__version__.split('+')[0]}")
case("antisymmetric", named("U W b"), antisymmetric)
case("cornn", named("V b", W=U, U=U), cornn)
case("lem", named("V_s V_r V_z V_y b_s b_r b_z b_y", W_s=U, W_r=U, W_z=U, W_y=U), lem)
case("lipschitz_rnn", named("W b", M=U, N=U), lipschitz_rnn)
case("sru", named("W W_f W_r W_x v_f v_r b_f b_r"), sru)
case("qrnn", named("W_z W_f W_o V_z V_f V_o b_z b_f b_o"), qrnn)
case("min_gru", named("W_z W_n b_z b_n"), min_gru)
case("min_lstm", named("W_f W_i W_n b_f b_i b_n"), min_lstm)
case("lru", named("", nu=B, theta=B, gamma=B, B_re=W, B_im=W, C_re=U, C_im=U, D=W), lru)
case("s4d", named("W b", log_step=(HIDDEN, 1), log_decay=(HIDDEN, N), omega=(HIDDEN, N), C_re=(HIDDEN, N),
                  C_im=(HIDDEN, N), D=B), s4d)
case("rg_lru", named("W b b_r b_i", W_r=U, W_i=U, L=B), rg_lru)
case("lmu", dict(e_x=(INPUT, 1), e_h=(HIDDEN, 1), e_m=(8, 1), A=(8, 8), B=(1, 8), W_x=W, W_h=U, W_m=(8, HIDDEN)), lmu)
case("slstm", named(" ".join(f"W_{g} U_{g} b_{g}" for g in "zoif")), slstm)
case("mlstm_matrix", named("W_v b_v W_o b_o", W_q=(INPUT, N), b_q=(N,), W_k=(INPUT, N), b_k=(N,), w_i=(INPUT, 1),
                           b_i=(1,), w_f=(INPUT, 1), b_f=(1,)), mlstm_matrix)
case("mamba", named("W_u W_gate", W_b=(HIDDEN, N), W_c=(HIDDEN, N), W_low=(HIDDEN, 4), W_delta=(4, HIDDEN), b_delta=B,
                    A_log=(HIDDEN, N), D=B), mamba)
