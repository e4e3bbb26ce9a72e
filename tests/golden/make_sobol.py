"""Writes sobol.txt: points of Sobol' sequences, times 1024, for tests/test_sobol.c.

    python make_sobol.py > sobol.txt

A line is the number of a point and its coordinates in 32 dimensions, of scipy.stats.qmc.Sobol without scrambling.
"""
import scipy
from scipy.stats import qmc

DIMENSIONS, SCALE = 32, 1024

points = qmc.Sobol(DIMENSIONS, scramble=False).random(SCALE) * SCALE
print("# Written by make_sobol.py with scipy", scipy.__version__)
for n in [*range(40), *range(500, 508), *range(1016, SCALE)]:
    print("point", n, *(int(x) for x in points[n]))
