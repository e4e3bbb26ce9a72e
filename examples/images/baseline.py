#!/usr/bin/env python3
"""Prints the test accuracy of two simple methods on Fashion-MNIST: the nearest mean of a class, and the nearest image.

    python3 baseline.py [--images 10000]

Distances are Euclidean, between the pixels. The nearest image takes about 0.1 s for each test image; --images tries only the
first ones of the test part. Uses Python's standard library alone.
"""

import argparse
import array
import gzip
import operator
import os
import sys

PIXELS, CLASSES, BYTES = 784, 10, 4


def load(part):
    """Images as bytes, and their classes."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
    parts = []
    for name, header in ((f"{part}-images-idx3-ubyte.gz", 16), (f"{part}-labels-idx1-ubyte.gz", 8)):
        try:
            with gzip.open(os.path.join(folder, name)) as file:
                parts.append(file.read()[header:])
        except FileNotFoundError:
            sys.exit(f"baseline.py: there is no file '{name}' in {folder}; run get_data.py first")
    return [parts[0][i : i + PIXELS] for i in range(0, len(parts[0]), PIXELS)], parts[1]


def nearest_mean(images, classes, tests):
    """The class of each test image."""
    means = []
    for k in range(CLASSES):
        members = [image for image, own in zip(images, classes) if own == k]
        means.append([sum(column) / len(members) for column in zip(*members)])
    distances = [[sum((a - b) ** 2 for a, b in zip(test, mean)) for mean in means] for test in tests]
    return [min(range(CLASSES), key=row.__getitem__) for row in distances]


def nearest_image(images, classes, tests):
    """The class of each test image, as |image|^2 - 2 image . test is least.

    All products with one test image are in one large number: `columns[p]` has pixel p of every image, 32 bits each. The
    largest product, 784 * 255 * 255, is less than 2^32.
    """
    columns = [
        int.from_bytes(array.array("I", (image[p] for image in images)).tobytes(), sys.byteorder) for p in range(PIXELS)
    ]
    squares = [sum(pixel * pixel for pixel in image) for image in images]
    found = []
    for test in tests:
        products = sum(column * pixel for column, pixel in zip(columns, test) if pixel)
        dots = array.array("I", products.to_bytes(BYTES * len(images), sys.byteorder))
        distances = list(map(operator.sub, squares, map(operator.add, dots, dots)))
        found.append(classes[min(range(len(images)), key=distances.__getitem__)])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10000, help="test images for the nearest image (default: all)")
    arguments = parser.parse_args()
    images, classes = load("train")
    tests, expected = load("t10k")
    for name, method, count in (
        ("nearest mean of a class", nearest_mean, len(tests)),
        ("nearest image", nearest_image, arguments.images),
    ):
        found = method(images, classes, tests[:count])
        right = sum(a == b for a, b in zip(found, expected))
        print(f"{name}: {100 * right / len(found):.1f} % of {len(found)} test images", flush=True)


if __name__ == "__main__":
    main()
