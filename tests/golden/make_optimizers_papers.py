"""Writes optimizers_papers.txt: trajectories of optimizers and wrappers in f64, for tests/test_optimizers.c.

    python make_optimizers_papers.py > optimizers_papers.txt

Adafactor, SGD, AdamW and the averages are PyTorch's own. What PyTorch does not have is written out here from the
equations of its paper. Muon is written out too: torch.optim.Muon iterates in bfloat16, whatever the parameter's type.
The script checks its own Muon against torch.optim.Muon with that one conversion taken out.
A case takes the options of Rondo; test_optimizers.c describes the lines.
"""
import math
from unittest import mock

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 50
SHOWN = [1, 2, 3, 10, 25, 50]
ROWS = 32  # losses in the mean that a gradient is of; Sophia alone asks
torch.set_default_dtype(torch.float64)


# Updates: a function of a parameter and options returns one of a gradient and a sampled gradient that changes the
# parameter in place. t counts from 1.


def lion(p, lr, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Chen et al. 2023, algorithm 2."""
    m = torch.zeros_like(p)

    def step(g, _):
        c = beta1 * m + (1 - beta1) * g
        p.sub_(lr * (c.sign() + weight_decay * p))
        m.copy_(beta2 * m + (1 - beta2) * g)

    return step


def lamb(p, lr, beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.0, max_trust_ratio=0.0):
    """You et al. 2020, algorithm 2, with phi the identity."""
    m, v, t = torch.zeros_like(p), torch.zeros_like(p), 0

    def step(g, _):
        nonlocal t
        t += 1
        m.copy_(beta1 * m + (1 - beta1) * g)
        v.copy_(beta2 * v + (1 - beta2) * g**2)
        r = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + epsilon) + weight_decay * p
        ratio = float(p.norm() / r.norm()) if p.norm() > 0 and r.norm() > 0 else 1.0
        if max_trust_ratio > 0:
            ratio = min(ratio, max_trust_ratio)
        p.sub_(lr * ratio * r)

    return step


def adan(p, lr, beta1=0.98, beta2=0.92, beta3=0.99, epsilon=1e-8, weight_decay=0.0):
    """Xie et al. 2022, algorithm 1, with the betas of the reference code and its bias corrections."""
    m, d, n, t = torch.zeros_like(p), torch.zeros_like(p), torch.zeros_like(p), 0
    last = None

    def step(g, _):
        nonlocal t, last
        t += 1
        difference = torch.zeros_like(g) if last is None else g - last
        m.copy_(beta1 * m + (1 - beta1) * g)
        d.copy_(beta2 * d + (1 - beta2) * difference)
        n.copy_(beta3 * n + (1 - beta3) * (g + beta2 * difference) ** 2)
        rate = lr / ((n / (1 - beta3**t)).sqrt() + epsilon)
        p.sub_(rate * (m / (1 - beta1**t) + beta2 * d / (1 - beta2**t)))
        p.div_(1 + lr * weight_decay)
        last = g.clone()

    return step


def sophia(p, lr, beta1=0.965, beta2=0.99, rho=0.04, epsilon=1e-12, weight_decay=0.0, period=10):
    """Liu et al. 2023, algorithm 3 with the estimator of algorithm 2."""
    m, h, t = torch.zeros_like(p), torch.zeros_like(p), 0

    def step(g, sampled):
        nonlocal t
        t += 1
        m.copy_(beta1 * m + (1 - beta1) * g)
        if period == 1 or t % period == 1:
            h.copy_(beta2 * h + (1 - beta2) * ROWS * sampled**2)
        p.sub_(lr * weight_decay * p)
        p.sub_(lr * (m / (rho * h).clamp(min=epsilon)).clamp(-1, 1))

    return step


def muon(p, lr, momentum=0.95, nesterov=True, adjust_lr_fn="original", weight_decay=0.0,
         ns_coefficients=(3.4445, -4.775, 2.0315), ns_steps=5, epsilon=1e-7):
    """Jordan et al. 2024 and Liu et al. 2025; p is [inputs, outputs], and the equations are for its transpose."""
    a, b, c = ns_coefficients
    outputs, inputs = p.T.shape
    buffer = torch.zeros_like(p.T)
    factor = {"original": math.sqrt(max(1, outputs / inputs)),
              "match_rms_adamw": 0.2 * math.sqrt(max(outputs, inputs))}[adjust_lr_fn]

    def step(g, _):
        g = g.T
        buffer.copy_(momentum * buffer + (1 - momentum) * g)
        x = momentum * buffer + (1 - momentum) * g if nesterov else buffer.clone()
        x = x if outputs <= inputs else x.T
        x = x / max(float(x.norm()), epsilon)
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x if outputs <= inputs else x.T
        p.mul_(1 - lr * weight_decay)
        p.sub_(lr * factor * x.T)

    return step


def of_torch(p, make):
    p.requires_grad_(True)
    optimizer = make([p])

    def step(g, _):
        p.grad = g.clone()
        optimizer.step()

    return step


def sgd(p, lr, momentum=0.0, weight_decay=0.0):
    return of_torch(p, lambda ps: torch.optim.SGD(ps, lr, momentum=momentum, weight_decay=weight_decay))


def adamw(p, lr, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    return of_torch(p, lambda ps: torch.optim.AdamW(ps, lr, (beta1, beta2), epsilon, weight_decay))


def adafactor(p, lr=0.01, beta2_decay=-0.8, eps1=None, eps2=0.001, d=1.0, weight_decay=0.0):
    return of_torch(p, lambda ps: torch.optim.Adafactor(ps, lr, beta2_decay, (eps1, eps2), d, weight_decay))


def muon_by_adamw(p, matrices=True, lr=None, **options):
    return adamw(p, **{key.removeprefix("adamw_"): value for key, value in options.items()})


# Wrappers: a function of a parameter, options and the update that it wraps returns an update, and the weights to
# evaluate where these are others than the parameter.


def lookahead(p, inner, period=5, alpha=0.5):
    """Zhang et al. 2019, algorithm 1."""
    slow, t = p.detach().clone(), 0

    def step(g, sampled):
        nonlocal t
        t += 1
        inner(g, sampled)
        if t % period == 0:
            slow.copy_(slow + alpha * (p.detach() - slow))
            p.data.copy_(slow)

    return step, None


def averaged(p, model):
    holder = torch.nn.Module()
    holder.weight = torch.nn.Parameter(p.detach().clone())
    average = AveragedModel(holder, **model)

    def take():
        holder.weight.data.copy_(p.detach())
        average.update_parameters(holder)

    return take, average.module.weight.data


def ema(p, inner, decay=0.999, warm_up=True):
    """The first call of AveragedModel copies: it is made with the initial weights, and its count is t from then on."""
    def warming(average, value, t):
        kept = min(decay, (1 + float(t)) / (10 + float(t)))
        return kept * average + (1 - kept) * value

    take, average = averaged(p, dict(avg_fn=warming) if warm_up else dict(multi_avg_fn=get_ema_multi_avg_fn(decay)))
    take()

    def step(g, sampled):
        inner(g, sampled)
        take()

    return step, average


def swa(p, inner, start=1, period=1):
    take, average = averaged(p, {})
    t = 0

    def step(g, sampled):
        nonlocal t
        t += 1
        inner(g, sampled)
        if t < start:
            average.copy_(p.detach())
        elif (t - start) % period == 0:
            take()

    return step, average


def centralise(p, inner):
    """Yong et al. 2020, equation 1: all dimensions but that of the outputs, the last."""
    def step(g, sampled):
        inner(g - g.mean(dim=tuple(range(g.dim() - 1)), keepdim=True) if g.dim() > 1 else g, sampled)

    return step, None


# A case: shape, then (name, function, options) of the wrappers from the outside in and of the optimizer.
VECTOR, MATRIX, TALL, STACK = (4,), (3, 4), (6, 3), (2, 3, 4)
ADAMW = ("adamw", adamw, dict(lr=0.1, weight_decay=0.1))
SGD = ("sgd", sgd, dict(lr=0.01, momentum=0.9))
COEFFICIENTS = dict(ns_coefficients=(2.0, -1.5, 0.5), ns_steps=7)
CASES = [
    (VECTOR, ("lion", lion, dict(lr=0.01))),
    (VECTOR, ("lion", lion, dict(lr=0.02, beta1=0.5, beta2=0.8, weight_decay=0.3))),
    (MATRIX, ("lion", lion, dict(lr=0.01, weight_decay=0.1))),
    (VECTOR, ("lamb", lamb, dict(lr=0.01))),
    (VECTOR, ("lamb", lamb, dict(lr=0.05, beta1=0.5, beta2=0.9, epsilon=0.01, weight_decay=0.3))),
    (MATRIX, ("lamb", lamb, dict(lr=0.02, weight_decay=0.1))),
    (MATRIX, ("lamb", lamb, dict(lr=0.1, max_trust_ratio=0.5))),
    (VECTOR, ("adafactor", adafactor, dict())),
    (VECTOR, ("adafactor", adafactor, dict(lr=0.3, weight_decay=0.1, beta2_decay=-0.5))),
    (MATRIX, ("adafactor", adafactor, dict())),
    (MATRIX, ("adafactor", adafactor, dict(lr=0.5, weight_decay=0.1, d=1.5, eps2=2.0))),
    (TALL, ("adafactor", adafactor, dict(lr=0.1, eps1=0.5))),
    (STACK, ("adafactor", adafactor, dict(lr=0.1))),
    (VECTOR, ("adan", adan, dict(lr=0.001))),
    (VECTOR, ("adan", adan, dict(lr=0.1, beta1=0.5, beta2=0.7, beta3=0.9, epsilon=0.01, weight_decay=0.3))),
    (MATRIX, ("adan", adan, dict(lr=0.05, weight_decay=0.1))),
    (VECTOR, ("sophia", sophia, dict(lr=0.01))),
    (VECTOR, ("sophia", sophia, dict(lr=0.1, beta1=0.5, beta2=0.7, rho=0.3, weight_decay=0.3, period=1))),
    (VECTOR, ("sophia", sophia, dict(lr=0.1, rho=2.0, epsilon=0.5, period=7))),
    (MATRIX, ("sophia", sophia, dict(lr=0.05, rho=0.5, period=4))),
    (MATRIX, ("muon", muon, dict(lr=0.02))),
    (TALL, ("muon", muon, dict(lr=0.02))),
    (MATRIX, ("muon", muon, dict(lr=0.05, momentum=0.5, nesterov=False, weight_decay=0.2))),
    (TALL, ("muon", muon, dict(lr=0.05, adjust_lr_fn="match_rms_adamw", weight_decay=0.1))),
    (MATRIX, ("muon", muon, dict(lr=0.05, **COEFFICIENTS))),
    (MATRIX, ("muon", muon, dict(lr=0.02, epsilon=1.0))),
    (VECTOR, ("muon", muon_by_adamw, dict(lr=0.5, adamw_lr=0.01))),
    (MATRIX, ("muon", muon_by_adamw, dict(matrices=False, adamw_lr=0.1, adamw_beta1=0.5, adamw_beta2=0.9,
                                          adamw_epsilon=0.01, adamw_weight_decay=0.3))),
    (STACK, ("muon", muon_by_adamw, dict(lr=0.5, adamw_lr=0.02))),
    (VECTOR, ("lookahead", lookahead, dict()), ADAMW),
    (MATRIX, ("lookahead", lookahead, dict(period=3, alpha=0.8)), SGD),
    (VECTOR, ("ema", ema, dict()), ADAMW),
    (VECTOR, ("ema", ema, dict(decay=0.6)), ADAMW),
    (MATRIX, ("ema", ema, dict(decay=0.9, warm_up=False)), SGD),
    (VECTOR, ("swa", swa, dict()), ADAMW),
    (MATRIX, ("swa", swa, dict(start=3, period=4)), SGD),
    (VECTOR, ("centralise", centralise, dict()), ADAMW),
    (MATRIX, ("centralise", centralise, dict()), SGD),
    (STACK, ("centralise", centralise, dict()), ADAMW),
    (MATRIX, ("centralise", centralise, dict()), ("ema", ema, dict(decay=0.7, warm_up=False)),
     ("lookahead", lookahead, dict(period=4)), ADAMW),
]


def trajectory(shape):
    """A start and gradients: small ones, where epsilon matters, large ones, and none now and then. Few digits each."""
    generator = torch.Generator().manual_seed(sum(shape))
    start = torch.randn(shape, generator=generator)
    gradients = torch.randn((STEPS,) + shape, generator=generator)
    sampled = torch.randn((STEPS,) + shape, generator=generator)
    gradients[..., 1] *= 1e-4 if len(shape) == 1 else 0.1
    gradients[..., 2] *= 1e3 if len(shape) == 1 else 10
    gradients[::3, ..., -1] = 0
    sampled[..., 0] *= 0.01
    return [torch.tensor([float(f"{x:.5g}") for x in part.flatten()]).reshape(part.shape)
            for part in (start, gradients, sampled)]


def numbers(tensor):
    return " ".join(repr(x) for x in tensor.detach().flatten().tolist())


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)


def described(part):
    name, _, options = part
    return name + " " + (" ".join(f"{key}={text(value)}" for key, value in options.items()) or "-")


def built(parts, p):
    """The update of a case, and what is evaluated. The last wrapper named works on what those before it left."""
    name, function, options = parts[-1]
    step, evaluated = function(p, **options), None
    for name, function, options in parts[:-1]:
        step, average = function(p, step, **options)
        evaluated = average if average is not None else evaluated
    return step, evaluated


def muon_is_that_of_pytorch():
    for shape, (_, function, options) in ((case[0], case[1]) for case in CASES if case[1][1] is muon):
        start, gradients, _ = trajectory(shape)
        mine, theirs = start.clone(), start.T.clone().requires_grad_(True)
        step = function(mine, **options)
        arguments = {"weight_decay": 0.0, **options, "eps": options.get("epsilon", 1e-7)}
        arguments.pop("epsilon", None)
        optimizer = torch.optim.Muon([theirs], **arguments)
        with mock.patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
            for g in gradients:
                step(g, None)
                theirs.grad = g.T.clone()
                optimizer.step()
        assert torch.allclose(mine.T, theirs, rtol=1e-11, atol=1e-11), (shape, options)


def write_trajectory(shape, with_sampled):
    start, gradients, sampled = trajectory(shape)
    print("start", numbers(start))
    for gradient in gradients:
        print("gradient", numbers(gradient))
    for gradient in sampled if with_sampled else []:
        print("sampled", numbers(gradient))
    if with_sampled:
        print("rows", ROWS)


def write_case(shape, parts):
    print("case", " | ".join(described(part) for part in parts))
    if shape != VECTOR:
        print("shape", *shape)
        write_trajectory(shape, parts[-1][1] is sophia)
    start, gradients, sampled = trajectory(shape)
    p = start.clone()
    step, evaluated = built(parts, p)
    for t in range(1, STEPS + 1):
        step(gradients[t - 1], sampled[t - 1])
        if t in SHOWN:
            print("after", t, numbers(p))
            if evaluated is not None:
                print("evaluated", t, numbers(evaluated))


if __name__ == "__main__":
    muon_is_that_of_pytorch()
    print(f"# Written by make_optimizers_papers.py with PyTorch {torch.__version__.split('+')[0]}")
    write_trajectory(VECTOR, True)
    for shape, *parts in CASES:
        write_case(shape, parts)
