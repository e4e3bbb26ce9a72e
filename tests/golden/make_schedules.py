"""Writes schedules.txt: factors on the learning rate in f64, for tests/test_schedules.c.

    python make_schedules.py > schedules.txt

A case is the schedule's name and options as Rondo takes them; under it stand the number of updates of the run and of an
epoch, for plateau the metrics after each epoch behind a 1 where higher is better, and the factor of every update. They
come from torch.optim.lr_scheduler where it has the schedule, else from the equation, which is written out here.
"""
import math
import warnings

import torch
from torch.optim import lr_scheduler

STEPS = 60
PER_EPOCH = 6
EPOCHS = STEPS // PER_EPOCH
NAN = math.nan

warnings.filterwarnings("ignore")  # that no parameter was updated before a schedule's step


def begin(lr=1.0):
    return torch.optim.SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=lr)


def stepped(make, count=STEPS):
    """The learning rates of `count` updates (or epochs) with a schedule that is stepped after each."""
    optimizer = begin()
    schedule = make(optimizer)
    rates = []
    for n in range(count):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        if n + 1 < count:
            schedule.step()
    return rates


def held(make):
    """The same factor during an epoch, with a schedule that is stepped after each."""
    return [rate for rate in stepped(make, EPOCHS) for _ in range(PER_EPOCH)]


def then(rates, rest):
    """Behind the schedule's length, where PyTorch has no answer or begins anew."""
    return rates + [rest] * (STEPS - len(rates))


def by(formula):
    return [formula(n) for n in range(STEPS)]


def restarts_in_epochs(first, multiplier, floor):
    """CosineAnnealingWarmRestarts with the position told in parts of an epoch, as its documentation does."""
    optimizer = begin()
    schedule = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, first, multiplier, floor)
    rates = []
    for n in range(STEPS):
        schedule.step(n / PER_EPOCH)
        rates.append(float(optimizer.param_groups[0]["lr"]))
    return rates


def show(name, options, rates, steps=STEPS, per_epoch=PER_EPOCH, metrics=None):
    assert len(rates) == steps
    print("case", name, options)
    print("run", steps, per_epoch)
    if metrics is not None:
        print("metrics", *metrics)
    print("factors", *(repr(float(rate)) for rate in rates))


def cosine(o, length, floor=0.0):
    return lr_scheduler.CosineAnnealingLR(o, length, floor)


def cycle(o, total=STEPS, **arguments):
    return lr_scheduler.OneCycleLR(o, 1.0, total_steps=total, cycle_momentum=False, **arguments)


def noam(n, warmup):
    """With the numbers of the paper, warm-up `warmup` and model width d, divided by the peak."""
    d = 512
    rate = d**-0.5 * min(n**-0.5, n * warmup**-1.5)
    return rate / (d**-0.5 * warmup**-0.5)


def line(t, at, factors):
    for (a, fa), (b, fb) in zip(zip(at, factors), zip(at[1:], factors[1:])):
        if a <= t <= b:
            return fa * (b - t) / (b - a) + fb * (t - a) / (b - a)
    return factors[0] if t < at[0] else factors[-1]


def plateau(options, higher, metrics, floor=0.0, **arguments):
    per_epoch = STEPS // len(metrics)
    optimizer = begin()
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, "max" if higher else "min", min_lr=floor, eps=0.0, **arguments)
    rates = []
    for metric in metrics:
        rates += [float(optimizer.param_groups[0]["lr"])] * per_epoch
        schedule.step(metric)
    show("plateau", options, rates, STEPS, per_epoch, [int(higher), *metrics])


print(f"# Written by make_schedules.py with PyTorch {torch.__version__.split('+')[0]}")

show("constant", "-", stepped(lambda o: lr_scheduler.ConstantLR(o, 1.0, 0)))
show("constant", "factor=0.25", stepped(lambda o: lr_scheduler.ConstantLR(o, 0.25, 1000)))

show("step", "every=7 unit=steps", stepped(lambda o: lr_scheduler.StepLR(o, 7)))
show("step", "every=13 factor=0.5 unit=steps", stepped(lambda o: lr_scheduler.StepLR(o, 13, 0.5)))
show("step", "every=3 factor=0.7 unit=epochs", held(lambda o: lr_scheduler.StepLR(o, 3, 0.7)))

show("multi_step", "milestones=[10,11,45] unit=steps", stepped(lambda o: lr_scheduler.MultiStepLR(o, [10, 11, 45])))
show("multi_step", "milestones=[2,7] factor=0.3 unit=epochs", held(lambda o: lr_scheduler.MultiStepLR(o, [2, 7], 0.3)))

show("exponential", "factor=0.9 unit=steps", stepped(lambda o: lr_scheduler.ExponentialLR(o, 0.9)))
show("exponential", "factor=0.5 length=12 unit=steps", by(lambda n: 0.5 ** (n / 12)))
show("exponential", "factor=0.8 unit=epochs", by(lambda n: math.exp(math.log(0.8) * n / PER_EPOCH)))

show("polynomial", "-", stepped(lambda o: lr_scheduler.PolynomialLR(o, STEPS)))
show("polynomial", "power=2.5", stepped(lambda o: lr_scheduler.PolynomialLR(o, STEPS, 2.5)))
show("polynomial", "power=0.5 length=40 unit=steps", stepped(lambda o: lr_scheduler.PolynomialLR(o, 40, 0.5)))
show("polynomial", "length=5 unit=epochs", stepped(lambda o: lr_scheduler.PolynomialLR(o, 5 * PER_EPOCH)))
show("polynomial", "floor=0.2 length=4.5 unit=epochs", stepped(lambda o: lr_scheduler.LinearLR(o, 1.0, 0.2, 27)))
show("polynomial", "floor=0.1 power=3 unit=run", by(lambda n: 0.1 + 0.9 * (1 - n / STEPS) ** 3))

show("cosine", "-", stepped(lambda o: cosine(o, STEPS)))
show("cosine", "floor=0.1", stepped(lambda o: cosine(o, STEPS, 0.1)))
show("cosine", "length=40 unit=steps floor=0.05", then(stepped(lambda o: cosine(o, 40, 0.05), 40), 0.05))
show("cosine", "length=7.5 unit=epochs", then(stepped(lambda o: cosine(o, 45), 45), 0.0))
show("cosine", "restarts=100 length=13 unit=steps",
     stepped(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 13)))
show("cosine", "restarts=10 multiplier=2 length=7 floor=0.02 unit=steps",
     stepped(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 7, 2, 0.02)))
show("cosine", "restarts=5 multiplier=3 length=1 unit=epochs", restarts_in_epochs(1, 3, 0.0))
show("cosine", "restarts=3", stepped(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 15)))
show("cosine", "restarts=3 multiplier=2", stepped(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2)))
show("cosine", "restarts=1 length=20 unit=steps",
     then(stepped(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 20), 40), 0.0))

show("one_cycle", "-", stepped(cycle))
show("one_cycle", "shape=linear rise=0.4", stepped(lambda o: cycle(o, anneal_strategy="linear", pct_start=0.4)))
show("one_cycle", "three_phases=true initial_division=10 final_division=100",
     stepped(lambda o: cycle(o, three_phase=True, div_factor=10.0, final_div_factor=100.0)))
show("one_cycle", "three_phases=true shape=linear rise=0.5",
     stepped(lambda o: cycle(o, three_phase=True, anneal_strategy="linear", pct_start=0.5)))
show("one_cycle", "rise=0.25 length=10 unit=epochs",
     stepped(lambda o: lr_scheduler.OneCycleLR(o, 1.0, epochs=10, steps_per_epoch=PER_EPOCH, pct_start=0.25,
                                               cycle_momentum=False)))
show("one_cycle", "length=33 unit=steps rise=0.33", then(stepped(lambda o: cycle(o, 33, pct_start=0.33), 33), 1 / 25 / 1e4))
show("one_cycle", "rise=0", stepped(lambda o: cycle(o, pct_start=0.0)))
show("one_cycle", "rise=1", stepped(lambda o: cycle(o, pct_start=1.0)))

show("inverse_sqrt", "warmup=10 unit=steps", by(lambda n: noam(n + 1, 10)))
show("inverse_sqrt", "warmup=1 unit=steps", by(lambda n: noam(n + 1, 1)))
show("inverse_sqrt", "warmup=1.5 unit=epochs", by(lambda n: noam(n + 1, 1.5 * PER_EPOCH)))

show("piecewise", "at=[0,20,45] factors=[1,0.5,0.1] unit=steps", [1.0] * 20 + [0.5] * 25 + [0.1] * 15)
show("piecewise", "at=[2,6] factors=[0.3,2] unit=epochs", [0.3] * 36 + [2.0] * 24)
show("piecewise", "at=[5,25,40] factors=[0.1,1,0.2] interpolate=linear unit=steps",
     by(lambda n: line(n, [5, 25, 40], [0.1, 1, 0.2])))
show("piecewise", "at=[0,0.5,9.5] factors=[0,1,0] interpolate=linear unit=epochs",
     by(lambda n: line(n / PER_EPOCH, [0, 0.5, 9.5], [0, 1, 0])))

SLOW = [3, 2.5, 2.4, 2.6, 2.4, 2.39, 2.38, 2.5, 2.5, 2.5, 2.2, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3]
RISING = [0.1, 0.5, 0.55, 0.56, 0.56, 0.57, 0.57, 0.56, 0.58, 0.58, 0.58, 0.58, 0.58, 0.6, 0.58, 0.6, 0.6, 0.6, 0.6, 0.7]
BROKEN = [NAN, NAN, 5, 4, NAN, NAN, 4.5, 3, NAN, NAN, NAN, NAN, 3, 2, 2, 2, 2, 2, 2, 2]
plateau("-", False, [3, 2] + [2.5] * 18)
plateau("patience=2", False, SLOW, patience=2)
plateau("patience=0 factor=0.5", False, SLOW, patience=0, factor=0.5)
plateau("patience=1 cooldown=3 factor=0.5", False, SLOW, patience=1, cooldown=3, factor=0.5)
plateau("patience=1 threshold=0.03 factor=0.5", False, SLOW, patience=1, threshold=0.03, factor=0.5)
plateau("patience=1 threshold=0.15 threshold_mode=absolute factor=0.5", False, SLOW, patience=1, threshold=0.15,
        threshold_mode="abs", factor=0.5)
plateau("patience=0 factor=0.5 floor=0.2", False, SLOW, 0.2, patience=0, factor=0.5)
plateau("patience=1 factor=0.5", True, RISING, patience=1, factor=0.5)
plateau("patience=0 factor=0.5 threshold=0.02", True, RISING, patience=0, factor=0.5, threshold=0.02)
plateau("patience=2 factor=0.5 threshold=0.025 threshold_mode=absolute", True, RISING, patience=2, factor=0.5,
        threshold=0.025, threshold_mode="abs")
plateau("patience=1 factor=0.5 cooldown=1", False, BROKEN, patience=1, factor=0.5, cooldown=1)
plateau("patience=1 factor=0.5", True, BROKEN, patience=1, factor=0.5)
