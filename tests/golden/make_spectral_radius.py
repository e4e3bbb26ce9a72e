"""Writes spectral_radius.txt: square matrices and their spectral radii by numpy, for tests/test_inspect_numbers.c.

    python make_spectral_radius.py > spectral_radius.txt

A case is a name; under it are the size, the matrix row by row, and the largest absolute value of its eigenvalues.
"""
import numpy

rng = numpy.random.default_rng(1)


def show(name, matrix, radius=None):
    """`radius`: that of a matrix whose eigenvalues numpy finds only roughly, by theory."""
    matrix = numpy.asarray(matrix, dtype=numpy.float64)
    found = float(max(abs(numpy.linalg.eigvals(matrix)))) if radius is None else radius
    print("case", name)
    print("size", len(matrix))
    print("matrix", *(repr(float(number)) for number in matrix.flatten()))
    print("radius", repr(found))


turn = [[numpy.cos(0.3), -numpy.sin(0.3)], [numpy.sin(0.3), numpy.cos(0.3)]]
show("one number", [[-0.7]])
show("diagonal", numpy.diag([0.5, -2.0, 1.0]))
show("pair of complex numbers", 1.3 * numpy.array(turn))
show("two pairs of nearly the same size", numpy.block([[0.99 * numpy.array(turn), numpy.zeros((2, 2))],
                                                       [numpy.ones((2, 2)), 0.98 * numpy.array(turn).T]]))
show("opposite signs", [[0.0, 2.0], [2.0, 0.0]])
show("jordan block", 0.9 * numpy.eye(5) + numpy.diag(numpy.ones(4), 1), 0.9)
show("nilpotent", numpy.diag(numpy.ones(5), 1), 0.0)
show("zeros", numpy.zeros((3, 3)), 0.0)
show("very small", 1e-200 * rng.normal(size=(4, 4)))
show("very large", 1e200 * rng.normal(size=(4, 4)))
show("not normal", numpy.triu(10 * rng.normal(size=(6, 6)), 1) + numpy.diag([0.1, 0.5, -0.4, 0.3, 0.2, 0.0]))
show("antisymmetric", (lambda a: a - a.T - 0.01 * numpy.eye(8))(rng.normal(size=(8, 8))))
show("orthogonal", numpy.linalg.qr(rng.normal(size=(12, 12)))[0])
for size in (3, 8, 16):
    for number in range(3):
        show("random %d, number %d" % (size, number), rng.normal(size=(size, size)) / numpy.sqrt(size))
show("random 32", rng.normal(size=(32, 32)) / numpy.sqrt(32))
