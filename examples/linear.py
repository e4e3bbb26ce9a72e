"""Least squares for the scripts baseline.py of the examples: the linear model that a network must beat with the same inputs.

    weights = linear.fit([[1.0, x0], [1.0, x1]], [y0, y1])     # rows of inputs, of which one may be a constant
    linear.predict(weights, [1.0, x2])

Only Python's standard library is used.
"""


def fit(rows, targets):
    """The weights w of the least sum of (w x - y)^2, from the normal equations X^T X w = X^T y. A ridge that is small beside
    each diagonal element decides where inputs depend on each other, as those of all days of the week and the constant do."""
    size = len(rows[0])
    system = [[sum(row[i] * row[j] for row in rows) for j in range(size)] for i in range(size)]
    for i, equation in enumerate(system):
        equation[i] = equation[i] * (1 + 1e-9) + 1e-9
        equation.append(sum(row[i] * target for row, target in zip(rows, targets)))
    for i in range(size):  # Gauss-Jordan elimination with the largest pivot
        pivot = max(range(i, size), key=lambda k: abs(system[k][i]))
        system[i], system[pivot] = system[pivot], system[i]
        for k in range(size):
            factor = system[k][i] / system[i][i]
            if k != i and factor != 0:
                system[k] = [a - factor * b for a, b in zip(system[k], system[i])]
    return [system[i][size] / system[i][i] for i in range(size)]


def predict(weights, row):
    return sum(w * x for w, x in zip(weights, row))
