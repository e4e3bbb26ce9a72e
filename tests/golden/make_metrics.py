"""Writes metrics.txt: values and tables of metrics in f64, for tests/test_metrics.c.

    python make_metrics.py > metrics.txt

`data` begins a set of rows: the kind and size of its targets, and the number of rows; under it are predictions, targets,
weights of the rows, and for numbers the scales of the naive forecast. Cases of that set follow: the metric's name, 1 if
the weights are used, and its options as Rondo takes them; under it the value, and the table where there is one (its
size, then its numbers, nan where undefined). Values come from scikit-learn where it has the metric, else from the
equation, which is written out here. All inputs are exact in f32.
"""
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk

warnings.filterwarnings("ignore")  # that a class does not occur
rng = np.random.default_rng(20261129)


def line(word, numbers):
    print(word, *(f"{x:.15g}" for x in np.asarray(numbers, dtype=float).ravel()))


def data(kind, size, predictions, targets, weights, naive=None):
    print("data", kind, size, len(predictions))
    line("predictions", predictions)
    line("targets", targets)
    line("weights", weights)
    if naive is not None:
        line("naive", naive)


def case(name, weights, options, value, table=None):
    print("case", name, int(weights is not None), options)
    if value is not None:
        line("value", [value])
    if table is not None:
        line("size", table.shape)
        line("table", table)


def probabilities(rows, classes):
    """Rows of different probabilities with the sum 1."""
    found = []
    while len(found) < rows:
        row = rng.multinomial(4096, rng.dirichlet(np.ones(classes)))
        if row.min() > 0 and len(set(row)) == classes:
            found.append(row / 4096)
    return np.array(found)


def weights_of(rows):
    return rng.integers(1, 32, rows) / 16


def table_of_f1(y, q, w, n):
    figures = sk.precision_recall_fscore_support(y, q, labels=range(n), sample_weight=w, zero_division=np.nan)
    return np.stack(figures, axis=1)


def classification(n, rows, missing):
    """A set in which class `missing` has no row."""
    p, weights = probabilities(rows, n), weights_of(rows)
    y = rng.integers(0, n, rows)
    y = np.where(y == missing, (missing + 1) % n, y) if missing is not None else y
    q = p.argmax(axis=1)
    data("class", n, p, y, weights)
    for w in (None, weights):
        case("accuracy", w, "-", sk.accuracy_score(y, q, sample_weight=w))
        case("balanced_accuracy", w, "-", sk.balanced_accuracy_score(y, q, sample_weight=w))
        for average in ("macro", "micro", "weighted"):
            case("f1", w, f"average={average}", sk.f1_score(y, q, average=average, sample_weight=w),
                 table_of_f1(y, q, w, n))
        counts = sk.confusion_matrix(y, q, labels=range(n), sample_weight=w).astype(float)
        case("confusion_matrix", w, "-", None, counts)
        case("confusion_matrix", w, "normalise=true", None, counts / counts.sum(axis=1, keepdims=True))
        for k in (1, 3) if n > 3 else (1,) if n > 2 else ():
            case("top_k", w, f"k={k}", sk.top_k_accuracy_score(y, p, k=k, labels=range(n), sample_weight=w))
        loss = sk.log_loss(y, p, labels=range(n), sample_weight=w)
        case("perplexity", w, "-", np.exp(loss))
        case("bits_per_symbol", w, "-", loss / np.log(2))


def regression(n, rows, offset):
    y = offset + rng.integers(-64, 64, (rows, n)) / 16
    p = y + rng.integers(-32, 32, (rows, n)) / 16
    weights, naive = weights_of(rows), rng.integers(1, 64, (rows, n)) / 16
    data("real", n, p, y, weights, naive)
    for w in (None, weights):
        case("mae", w, "-", sk.mean_absolute_error(y, p, sample_weight=w))
        case("rmse", w, "-", np.sqrt(sk.mean_squared_error(y.ravel(), p.ravel(),
                                                           sample_weight=None if w is None else np.repeat(w, n))))
        case("r2", w, "-", sk.r2_score(y, p, sample_weight=w))
        share = np.where(y == p, 0, 2 * np.abs(y - p) / np.maximum(np.abs(y) + np.abs(p), 1e-300))
        case("smape", w, "-", 100 * np.average(share.mean(axis=1), weights=w))
        case("mase", w, "-", np.average((np.abs(y - p) / naive).mean(axis=1), weights=w))


def constant(error):
    y = np.full((6, 1), 7.0)
    data("real", 1, y + error, y, np.ones(6), np.ones(6))
    case("r2", None, "-", sk.r2_score(y, y + error))


print(f"# Written by make_metrics.py with scikit-learn {sklearn.__version__}")
classification(2, 20, None)
classification(5, 30, None)
classification(5, 12, 3)
classification(9, 40, 0)
regression(1, 20, 0)
regression(3, 15, 100)
constant(0)
constant(1)
