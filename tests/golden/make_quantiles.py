"""Writes quantiles.txt: quantiles of distributions by SciPy, for tests/test_quantiles.c.

    python make_quantiles.py > quantiles.txt

A case is the loss's name, the numbers of a target, the number of rows, the probability, and the options as Rondo takes
them; then the outputs of the model and the quantiles.
"""
import math

import numpy
import scipy
from scipy import optimize, stats

random = numpy.random.default_rng(5)


def softplus(x):
    return numpy.logaddexp(0, x)


def case(name, size, probability, options, outputs, quantile):
    outputs = numpy.asarray(outputs, dtype=float)
    print("case", name, size, len(outputs), repr(probability), options)
    print("outputs", *(repr(float(value)) for value in outputs.reshape(-1)))
    print("values", *(repr(float(value)) for value in numpy.asarray(quantile(outputs)).reshape(-1)))


print(f"# Written by make_quantiles.py with SciPy {scipy.__version__}")

for p in [0.001, 0.1, 0.5, 0.9, 0.9999]:
    case("gaussian", 2, p, "-", 3 * random.normal(size=(3, 4)),
         lambda x: stats.norm.ppf(p, x[:, :2], numpy.sqrt(softplus(x[:, 2:]) + 1e-6)))
    case("student_t", 2, p, "-", 3 * random.normal(size=(3, 6)),
         lambda x: stats.t.ppf(p, softplus(x[:, 4:]) + 2, x[:, :2], softplus(x[:, 2:4]) + 1e-6))
    case("student_t", 1, p, "degrees=1 floor=0.5", random.normal(size=(3, 2)),
         lambda x: stats.t.ppf(p, 1, x[:, :1], softplus(x[:, 1:]) + 0.5))
    case("student_t", 1, p, "degrees=1000", random.normal(size=(2, 2)),
         lambda x: stats.t.ppf(p, 1000, x[:, :1], softplus(x[:, 1:]) + 1e-6))


def negative_binomial(p, mean):
    def quantile(x):
        n = x.shape[1] // 2
        m, a = mean(x[:, :n]), softplus(x[:, n:]) + 1e-6
        return stats.nbinom.ppf(p, 1 / a, 1 / (1 + a * m))
    return quantile


for p in [0.001, 0.1, 0.5, 0.9, 0.999]:
    case("negative_binomial", 2, p, "-", numpy.concatenate([2 * random.normal(size=(3, 4)), [[9, 12, -3, -9]]]),
         negative_binomial(p, numpy.exp))
    case("negative_binomial", 1, p, "link=softplus", [[-20, 0], [50, -2], [3, 4]],
         negative_binomial(p, lambda x: softplus(x) + 1e-8))
    case("poisson", 3, p, "-", [[-20, 0, 1], [3, 6, 11], [-1, 2, 14]], lambda x: stats.poisson.ppf(p, numpy.exp(x)))
    case("poisson", 1, p, "link=softplus", [[-2], [100]], lambda x: stats.poisson.ppf(p, softplus(x)))


def mixture(p, components, size):
    def quantile(x):
        values = []
        for row in x:
            weights = numpy.exp(row[:components]) / numpy.exp(row[:components]).sum()
            means, deviations = row[components:].reshape(2, components, size)
            deviations = 1e-4 + numpy.exp(deviations)
            for d in range(size):
                below = lambda y: (weights * stats.norm.cdf(y, means[:, d], deviations[:, d])).sum() - p
                values.append(optimize.brentq(below, -1000, 1000, xtol=1e-12))
        return values
    return quantile


for p in [0.05, 0.5, 0.95]:
    case("mixture_density", 2, p, "components=3", random.normal(size=(3, 3 + 2 * 3 * 2)), mixture(p, 3, 2))


def levels(p, given, size):
    return lambda x: [numpy.interp(p, given, sorted(row)) for row in x.reshape(-1, len(given))]


# Sorted where they cross; between two levels, interpolated.
for p, given in [(0.1, [0.1, 0.5, 0.9]), ((1 - 0.8) / 2, [0.1, 0.9]), ((1 + 0.8) / 2, [0.1, 0.9]), (0.5, [0.1, 0.9]),
                 (0.3, [0.1, 0.5, 0.9]), (0.9, [0.1, 0.5, 0.9]), (0.5, [0.5])]:
    case("quantile", 2, p, f"levels={given}".replace(" ", ""), random.normal(size=(3, 2 * len(given))),
         levels(p, given, 2))
