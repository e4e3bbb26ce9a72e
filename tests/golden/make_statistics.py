"""Writes statistics.txt: statistics of scores over seeds, for tests/test_statistics.c.

    python make_statistics.py > statistics.txt

Needs SciPy. If rliable (Agarwal et al. 2021) and statsmodels are installed, the script also checks that they agree with
the formulas below.

A case is two sets of scores, x and y, which are paired where they have the same length. Its lines:

    x, y            the scores
    summary         of x: mean, standard deviation, median, interquartile mean
    improvement     P(X > Y)
    sign_flip       p-value of the paired difference; only if the lengths are equal, and above 1
    mean_interval, iqm_interval, difference_interval, improvement_interval
                    for each end of the interval, the smallest and the largest value that it may have

Intervals are expanded percentile intervals (see interval below). Up to EXACT numbers they are those of the exact bootstrap
distribution, from all resamples (as multisets, with their multinomial probabilities): the limits are 1e-12 apart. For more
numbers, a bootstrap of B resamples estimates a percentile. How far off it may be is known: the share of resamples below the
exact p-quantile of the bootstrap distribution has the standard deviation sqrt(p (1 - p) / B), so with a probability of more than
0.9999 the estimate lies between the exact quantiles at p - 4 and p + 4 such deviations. The same for random sign flips of many
pairs.
"""
import itertools
import math

import numpy
import scipy
from scipy import stats

B, EXACT, LEAST, FLIPS, DEVIATIONS = 10_000, 8, 5, 100_000, 4
random = numpy.random.default_rng(13)


def iqm(x, axis=-1):
    return stats.trim_mean(x, 0.25, axis=axis)


def improvement(x, y):
    """The mean over all pairs of 1 if x > y, 1/2 if x = y: Agarwal et al. 2021, section 4.3."""
    difference = numpy.subtract.outer(x, y)
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def resamples(n):
    """All resamples of n indices as sorted rows [resamples, n], and how many of the n^n ordered ones each stands for."""
    rows = numpy.array(list(itertools.combinations_with_replacement(range(n), n)))
    counts = numpy.stack([(rows == i).sum(1) for i in range(n)], 1)
    factorials = numpy.array([math.factorial(k) for k in range(n + 1)], dtype=float)
    return rows, numpy.rint(factorials[n] / factorials[counts].prod(1))


def band(values, weights, p, b=B):
    """The exact quantiles at p -+ DEVIATIONS standard deviations; one rank more, for the interpolation."""
    order = numpy.argsort(values)
    values, below = values[order], numpy.cumsum(weights[order])
    delta = DEVIATIONS * math.sqrt(p * (1 - p) / b) + 1 / b
    slack = 1e-12 * max(1, abs(values).max())  # of rounding: sums in another order
    low, high = numpy.searchsorted(below, [p - delta, p + delta])
    return [values[low] - slack, values[min(high, len(values) - 1)] + slack]


def tail(n):
    """The tail probability of an expanded percentile interval of n numbers at the level 95 %: Hesterberg 2015, section 5.3."""
    return stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))


def exact_end(values, counts, p):
    """The percentile p of values that occur `counts` times, linear between the ranks, as numpy.percentile of all of them."""
    order = numpy.argsort(values)
    values, upto = values[order], numpy.cumsum(counts[order])
    place = p * (upto[-1] - 1)
    low, high = values[numpy.searchsorted(upto, [math.floor(place), math.floor(place) + 1], side="right")]
    return low + (place - math.floor(place)) * (high - low)


def exact_interval(values, counts, n):
    return exact_end(values, counts, tail(n)), -exact_end(-values, counts, tail(n))


def ends(values, counts, n, is_exact):
    if is_exact:
        slack = 1e-12 * max(1, abs(values).max())
        return [end + side for end in exact_interval(values, counts, n) for side in (-slack, slack)]
    return band(values, counts / counts.sum(), tail(n)) + band(values, counts / counts.sum(), 1 - tail(n))


def inside(interval, limits):
    """Whether SciPy's estimate agrees: limits are those of an estimate, also where ours is exact."""
    assert limits[0] <= interval[0] <= limits[1] and limits[2] <= interval[1] <= limits[3], (interval, limits)


def scipy_interval(data, statistic, n):
    result = stats.bootstrap(data, statistic, n_resamples=B, method="percentile",
                             confidence_level=1 - 2 * tail(n), paired=False, vectorized=False,
                             rng=numpy.random.default_rng(1))
    return result.confidence_interval


def line(word, *numbers):
    print(word, *(repr(float(number)) for number in numbers))


def case(name, x, y):
    x, y = numpy.array(x, dtype=float), numpy.array(y, dtype=float)
    print("case", name, len(x), len(y))
    line("x", *x)
    line("y", *y)
    line("summary", x.mean(), x.std(ddof=1) if len(x) > 1 else math.nan, numpy.median(x), iqm(x))
    value = improvement(x, y)
    assert abs(value - stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))) < 1e-12
    line("improvement", value)
    if len(x) == len(y) > 1:
        result = stats.permutation_test((x - y,), numpy.mean, permutation_type="samples", n_resamples=math.inf)
        assert len(result.null_distribution) == 2 ** len(x)
        line("sign_flip", result.pvalue)
    if min(len(x), len(y)) < LEAST or max(len(x), len(y)) > 10:
        return
    n = len(x)
    rows, counts = resamples(n)
    for word, numbers, statistic in [("mean_interval", x, numpy.mean), ("iqm_interval", x, iqm)] + (
            [("difference_interval", x - y, numpy.mean)] if len(x) == len(y) else []):
        values = statistic(numpy.sort(numbers[rows], 1), axis=1)
        if numbers.std() > 0:
            inside(scipy_interval((numbers,), statistic, n), ends(values, counts, n, False))
        line(word, *ends(values, counts, n, n <= EXACT))
    if max(len(x), len(y)) <= EXACT and min(len(x), len(y)) >= LEAST:
        n = min(len(x), len(y))
        y_rows, y_counts = resamples(len(y))
        halves = numpy.subtract.outer(x, y)
        halves = 2 * (halves > 0) + (halves == 0)
        x_times = numpy.stack([(rows == i).sum(1) for i in range(len(x))], 1)
        y_times = numpy.stack([(y_rows == i).sum(1) for i in range(len(y))], 1)
        total = numpy.zeros(2 * halves.size + 1)
        for times, count in zip(x_times, counts):
            total += count * numpy.bincount(y_times @ (times @ halves), y_counts, minlength=len(total))
        values = numpy.arange(len(total)) / (2 * halves.size)
        values, total = values[total > 0], total[total > 0]
        inside(scipy_interval((x, y), improvement, n), ends(values, total, n, False))
        line("improvement_interval", *ends(values, total, n, True))


def flips(name, differences):
    """Random sign flips of many pairs: the exact p-value from all 2^n sums, and the band of its estimate."""
    sums = numpy.zeros(1)
    for difference in differences[1:]:  # the other sign of the first mirrors all
        sums = numpy.concatenate([sums + difference, sums - difference])
    p = (abs(sums + differences[0]) >= abs(sum(differences)) - 1e-10 * sum(abs(differences))).mean()
    spread = DEVIATIONS * math.sqrt(p * (1 - p) / FLIPS) + 2 / FLIPS
    print("flips", name, len(differences))
    line("differences", *differences)
    line("band", p - spread, p + spread)


def holm(p):
    """Holm 1979: with p in ascending order, corrected_i = max over j <= i of min(1, (m - j) p_j)."""
    p = numpy.array(p, dtype=float)
    order = numpy.argsort(p, kind="stable")
    corrected = numpy.empty(len(p))
    corrected[order] = numpy.minimum(1, numpy.maximum.accumulate((len(p) - numpy.arange(len(p))) * p[order]))
    print("holm", len(p))
    line("p", *p)
    line("corrected", *corrected)
    return p, corrected


def coverage(n, draw, mean, trials=10_000, resampled=4000):
    """How many of 100 expanded percentile intervals of the mean of n scores contain the true mean."""
    covered = 0
    for _ in range(20):
        x = draw((trials // 20, n))
        if n <= 5:
            rows, counts = resamples(n)
            intervals = [exact_interval(scores[rows].mean(1), counts, n) for scores in x]
            low, high = numpy.array(intervals).T
        else:
            means = x @ random.multinomial(n, [1 / n] * n, size=resampled).T / n
            low, high = numpy.percentile(means, [100 * tail(n), 100 - 100 * tail(n)], axis=1)
        covered += ((low <= mean) & (mean <= high)).sum()
    return 100 * covered / trials


def print_coverage():
    for name, draw, mean in [("normal", lambda size: random.normal(size=size), 0),
                             ("skewed (exponential)", lambda size: random.exponential(size=size), 1)]:
        print(f"# Coverage of 95 % expanded percentile intervals of the mean of {name} scores:",
              ", ".join(f"{coverage(n, draw, mean):.0f} % with {n} numbers" for n in [3, 4, 5, 6, 8, 10, 20]))


print(f"# Written by make_statistics.py with SciPy {scipy.__version__}")
print_coverage()
random = numpy.random.default_rng(13)
for n in [*range(2, 31), 50, 100, 150, 200]:
    print("tail", n, repr(float(stats.t.ppf(0.975, n - 1))), repr(float(tail(n))))

normal = lambda n, mean=0.0: numpy.round(mean + 0.02 * random.normal(size=n), 4)
accuracies = lambda n, mean: numpy.round(2000 * (mean + 0.01 * random.normal(size=n))) / 2000
CASES = [
    ("one", [0.5], [0.25]),
    ("two", [0.5, 0.75], [0.25, 0.25]),
    ("three", normal(3, 0.9), normal(3, 0.88)),
    ("five", normal(5, 0.9), normal(5, 0.89)),
    ("six_clear", normal(6, 0.9), normal(6, 0.5)),
    ("losses", random.lognormal(size=6), random.lognormal(size=6)),
    ("unequal_lengths", normal(7, 0.9), normal(5, 0.9)),
    ("eight", normal(8, 0.91), normal(8, 0.9)),
    ("eight_accuracies", accuracies(8, 0.9), accuracies(8, 0.89)),
    ("ties", [0.5, 0.25, 0.5, 0.75, 0.25, 0.5], [0.5, 0.5, 0.25, 0.5, 0.25, 0.25]),
    ("outlier", [0.91, 0.9, 0.92, 0.1, 0.905, 0.915, 0.91, 0.9], normal(8, 0.9)),
    ("equal", [0.125] * 5, [0.125] * 5),
    ("ten_far_from_zero", 1e6 + normal(10), 1e6 + normal(10, 0.01)),
    ("thirteen", normal(13, 0.91), normal(13, 0.9)),
    ("sixteen", random.normal(size=16), random.normal(size=16)),
]
for arguments in CASES:
    case(*arguments)
flips("21", random.normal(0.3, 1, size=21))
flips("24", random.normal(0.5, 1, size=24))
HOLM = [holm(p) for p in [[0.01], [0.04, 0.01], [0.01, 0.02, 0.03, 0.04], [0.04, 0.03, 0.02, 0.01], [0.5, 0.5, 0.001, 0.001],
                          [1, 1, 1], [0.0078125, 0.1, 0.0234375, 1, 0.0078125, 0.3], random.uniform(size=9) ** 3]]

try:
    from rliable import metrics
    for _, x, y in CASES:
        x, y = numpy.array(x, dtype=float)[:, None], numpy.array(y, dtype=float)[:, None]
        assert abs(metrics.aggregate_iqm(x) - iqm(x[:, 0])) < 1e-12
        assert abs(metrics.probability_of_improvement(x, y) - improvement(x[:, 0], y[:, 0])) < 1e-12
    from statsmodels.stats.multitest import multipletests
    for p, corrected in HOLM:
        assert numpy.allclose(multipletests(p, method="holm")[1], corrected, rtol=1e-12, atol=0)
except ImportError:
    pass
