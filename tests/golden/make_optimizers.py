"""Writes optimizers.txt: trajectories of PyTorch's optimizers in f64, for tests/test_optimizers.c, which says how the
file is read.

    python make_optimizers.py > optimizers.txt

Every case starts from the same parameter and gets the same gradients. A case is the optimizer's name and options as
Rondo takes them; under it stand the parameter's values after some of the updates.
"""
import math

import torch
from torch.optim import NAdam, RAdam, Adadelta, Adagrad, Adam, Adamax, AdamW, RMSprop, Rprop, SGD

STEPS = 50
SHOWN = [1, 2, 3, 4, 6, 10, 25, 50]

# What PyTorch takes under a name of its own: how it is written there.
RENAMED = {
    "epsilon": lambda value: {"eps": value},
    "initial_sum": lambda value: {"initial_accumulator_value": value},
    "decoupled": lambda value: {"decoupled_weight_decay": value},
}
# Pairs of options that are one there.
PAIRED = {
    ("beta1", "beta2"): ("betas", (0.9, 0.999)),
    ("eta_minus", "eta_plus"): ("etas", (0.5, 1.2)),
    ("min_step", "max_step"): ("step_sizes", (1e-6, 50.0)),
}

# Learning rates are those of Rondo where none is given: SGD's default differs.
CASES = [
    ("sgd", SGD, [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.4},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.05, "momentum": 0.5, "nesterov": True, "weight_decay": 0.2},
    ]),
    ("adam", Adam, [
        {},
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.01},
        {"lr": 0.1, "beta1": 0, "beta2": 0},
        {"lr": 0.1, "weight_decay": 0.3},
    ]),
    ("adamw", AdamW, [
        {},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.9, "weight_decay": 0.3, "epsilon": 0.01},
    ]),
    ("amsgrad", Adam, [
        {},
        {"lr": 0.1, "beta2": 0.5},
        {"lr": 0.1, "beta2": 0.9, "weight_decay": 0.3},
    ]),
    ("amsgrad", AdamW, [
        {"lr": 0.1, "beta2": 0.9, "weight_decay": 0.3, "decoupled": True},
    ]),
    ("nadam", NAdam, [
        {},
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.01},
        {"lr": 0.1, "momentum_decay": 0},
        {"lr": 0.1, "momentum_decay": 0.5, "beta1": 0.99},
        {"lr": 0.1, "beta1": 0},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "weight_decay": 0.3, "decoupled": True},
    ]),
    ("radam", RAdam, [
        {},
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.01},
        {"lr": 0.01, "beta2": 0.5},
        {"lr": 0.1, "weight_decay": 0.3},
        {"lr": 0.1, "weight_decay": 0.3, "decoupled": True},
    ]),
    ("adamax", Adamax, [
        {},
        {"lr": 0.1, "beta1": 0.5, "beta2": 0.9, "epsilon": 0.01},
        {"lr": 0.1, "weight_decay": 0.3},
    ]),
    ("adagrad", Adagrad, [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "epsilon": 0.01},
        {"lr": 0.1, "initial_sum": 0.5},
        {"lr": 0.1, "weight_decay": 0.3},
    ]),
    ("adadelta", Adadelta, [
        {},
        {"lr": 0.5, "rho": 0.5, "epsilon": 0.01},
        {"weight_decay": 0.3},
    ]),
    ("rmsprop", RMSprop, [
        {},
        {"lr": 0.1, "alpha": 0.9, "epsilon": 0.01},
        {"lr": 0.1, "centered": True, "epsilon": 0.001},
        {"lr": 0.1, "momentum": 0.5},
        {"lr": 0.1, "alpha": 0.9, "centered": True, "momentum": 0.5, "weight_decay": 0.3, "epsilon": 0.001},
        {"lr": 0.1, "weight_decay": 0.3},
    ]),
    ("rprop", Rprop, [
        {},
        {"lr": 0.1, "eta_minus": 0.8, "eta_plus": 1.5},
        {"lr": 0.1, "min_step": 0.05, "max_step": 0.12},
    ]),
]
DEFAULT_LR = {"sgd": 0.01}


def line(*words):
    print(*(repr(float(w)) if isinstance(w, (float, torch.Tensor)) else w for w in words))


def text_of(options):
    words = {True: "true", False: "false"}
    return " ".join(f"{key}={words[value] if isinstance(value, bool) else value}" for key, value in options.items())


def arguments_of(name, options):
    """The same options as PyTorch takes them."""
    arguments = {"lr": DEFAULT_LR[name]} if name in DEFAULT_LR else {}
    left = dict(options)
    for (first, second), (key, defaults) in PAIRED.items():
        if first in left or second in left:
            arguments[key] = (float(left.pop(first, defaults[0])), float(left.pop(second, defaults[1])))
    if name == "amsgrad":
        arguments["amsgrad"] = True
        left.pop("decoupled", None)  # the class says so
    for key, value in left.items():
        arguments.update(RENAMED[key](value) if key in RENAMED else {key: value})
    return arguments


def write_case(name, optimizer, options, scale):
    print("case", name, text_of(options) or "-")
    if scale is not None:
        line("scale", *scale)
    parameter = start.clone().requires_grad_(True)
    update = optimizer([parameter], foreach=False, **arguments_of(name, options))
    lr = update.param_groups[0]["lr"]
    for step in range(STEPS):
        if scale is not None:
            update.param_groups[0]["lr"] = lr * scale[step]
        parameter.grad = gradients[step].clone()
        update.step()
        if step + 1 in SHOWN:
            line("after", step + 1, *parameter.detach())


torch.set_default_dtype(torch.float64)  # else NAdam keeps the product of its momenta in f32
torch.manual_seed(1)
start = torch.randn(4)
gradients = torch.randn(STEPS, 4)
gradients[:, 1] *= 1e-4  # small gradients, where epsilon matters
gradients[:, 2] *= 1e3
gradients[::3, 3] = 0  # and none now and then
# A schedule that falls along half a cosine.
cosine = [0.5 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]

print(f"# Written by make_optimizers.py with PyTorch {torch.__version__.split('+')[0]}")
line("start", *start)
for step in range(STEPS):
    line("gradient", *gradients[step])
for name, optimizer, cases in CASES:
    for options in cases:
        write_case(name, optimizer, options, None)
    # With the last options the learning rate follows a schedule. Rprop's is that of its first step alone.
    if name != "rprop":
        write_case(name, optimizer, cases[-1], cosine)
