#!/usr/bin/env python3
"""Gets Fashion-MNIST, 70,000 grey images of clothes in ten classes, and writes its four IDX files, packed with gzip.

Debian distributes the data set in its package dataset-fashion-mnist (MIT, 31 MB). This script fetches the package with apt
and needs neither root nor anything but Python's standard library.

    python3 get_data.py [--out FOLDER] [--force]

The files are those of the package, byte for byte: images of 28 x 28 pixels, 60,000 to train on and 10,000 to test on, and
their classes from 0 to 9.
"""

import gzip
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PACKAGE, FOLDER = "dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"
IMAGES = {"train": 60000, "t10k": 10000}
SIDE, CLASSES = 28, 10
FILES = tuple(f"{part}-{what}-ubyte.gz" for part in IMAGES for what in ("images-idx3", "labels-idx1"))


def check(name, packed, shape):
    """The numbers of an IDX file of bytes, whose header must give this shape."""
    data = gzip.decompress(packed)
    header = struct.pack(f">{1 + len(shape)}I", 0x0800 + len(shape), *shape)
    count = 1
    for size in shape:
        count *= size
    if data[: len(header)] != header or len(data) != len(header) + count:
        raise packages.Failure(f"{name} does not have the shape {shape}")
    return data[len(header) :]


def make(folder):
    root = packages.debian(PACKAGE, folder)
    files = {}
    for name in FILES:
        with open(packages.member(root, FOLDER, name), "rb") as stream:
            files[name] = stream.read()
    for part, count in IMAGES.items():
        images, labels = f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"
        check(images, files[images], (count, SIDE, SIDE))
        classes = check(labels, files[labels], (count,))
        if len(set(classes)) != CLASSES or max(classes) >= CLASSES:
            raise packages.Failure(f"{labels} does not have the classes 0 to {CLASSES - 1}")
        print(f"{images}: {count} images of {SIDE} x {SIDE} pixels")
    return files


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
