#!/usr/bin/env python3
"""Writes pictures.txt, the files of tests/test_picture.c and tests/test_images.c: python3 make_pictures.py > pictures.txt

Each line has the name of a file and its bytes in hexadecimal digits. A line that begins with "values" has the name of a
picture, its height, width and channels, and its pixels. PNG files are written here from their pixels, with the standard
library; JPEG files are written and read by Pillow, .npy files by NumPy.
"""

import gzip
import io
import struct
import zlib

import numpy as np
from PIL import Image

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
FILES, VALUES = {}, []


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def scan_lines(rows, channels, depth):
    """Rows of numbers as bytes; each row begins with its filter, 0."""
    lines = b""
    for row in rows:
        bits = "".join(format(number, f"0{depth}b") for pixel in row for number in (pixel if channels > 1 else [pixel]))
        bits += "0" * (-len(bits) % 8)
        lines += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return lines


def png(rows, kind, depth=8, interlaced=False, before=b"", size=None):
    """A PNG file (ISO/IEC 15948) of rows of pixels; `before` are chunks before the pixels."""
    height, width = len(rows), len(rows[0])
    parts = [rows]
    if interlaced:  # Adam7: first row, first column, distance of rows, distance of columns
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [[row[x::dx] for row in rows[y::dy]] for y, x, dy, dx in passes]
        parts = [part for part in parts if part and part[0]]
    data = b"".join(scan_lines(part, CHANNELS[kind], depth) for part in parts)
    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, kind, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b"")
    )


def add(name, data, rows):
    """A file and its pixels, numbers or triples from 0 to 255."""
    FILES[name] = data
    pixels = [pixel if isinstance(pixel, tuple) else (pixel,) for row in rows for pixel in row]
    numbers = " ".join(str(number) for pixel in pixels for number in pixel)
    VALUES.append(f"{name} {len(rows)} {len(rows[0])} {len(pixels[0])} {numbers}")


def map_pixels(rows, function):
    return [[function(pixel) for pixel in row] for row in rows]


grey = [[0, 85, 170], [255, 17, 204]]
rgb = [[(255, 0, 0), (0, 255, 0), (0, 0, 255)], [(1, 2, 3), (128, 64, 32), (250, 251, 252)]]
wide = [[(16 * y, 20 * x, 9 * (x + y)) for x in range(11)] for y in range(9)]
add("grey.png", png(grey, GREY), grey)
add("grey_1.png", png([[1, 0, 1], [0, 0, 1]], GREY, depth=1), [[255, 0, 255], [0, 0, 255]])
add("grey_2.png", png([[0, 1, 2], [3, 1, 2]], GREY, depth=2), [[0, 85, 170], [255, 85, 170]])
add("grey_16.png", png(map_pixels(grey, lambda v: 257 * v), GREY, depth=16), grey)
add("grey_alpha.png", png([[(7, 255), (7, 0), (200, 255)]], GREY_ALPHA), [[7, 255, 200]])
add("rgb.png", png(rgb, RGB), rgb)
add("rgb_16.png", png(map_pixels(rgb, lambda p: tuple(257 * v for v in p)), RGB, depth=16), rgb)
add("rgb_alpha.png", png([[(9, 8, 7, 255), (9, 8, 7, 0)]], RGB_ALPHA), [[(9, 8, 7), (255, 255, 255)]])
colours = chunk(b"PLTE", bytes(v for row in rgb for p in row for v in p))
add("palette.png", png([[0, 1, 2], [3, 4, 5]], PALETTE, before=colours), rgb)
add("palette_4.png", png([[5, 4, 3], [2, 1, 0]], PALETTE, depth=4, before=colours), [rgb[1][::-1], rgb[0][::-1]])
clear = chunk(b"tRNS", bytes([255, 0]))
add("palette_clear.png", png([[0, 1, 2]], PALETTE, before=colours + clear), [[rgb[0][0], (255, 255, 255), rgb[0][2]]])
add("interlaced.png", png(wide, RGB, interlaced=True), wide)
add("grey_interlaced.png", png(grey, GREY, interlaced=True), grey)

whole = FILES["interlaced.png"]
FILES["cut.png"] = whole[: len(whole) - 40]
FILES["header.png"] = whole[:40]
FILES["flipped.png"] = whole[:60] + bytes([whole[60] ^ 4]) + whole[61:]
FILES["huge.png"] = png(grey, GREY, size=(900000, 900000))
FILES["empty.png"] = png(grey, GREY, size=(0, 2))
FILES["larger.png"] = png([[1, 2, 3, 4]] * 3, GREY)


def jpeg(image, name, **options):
    out = io.BytesIO()
    image.save(out, "jpeg", quality=95, subsampling=0, **options)
    FILES[name] = out.getvalue()
    read = Image.open(io.BytesIO(FILES[name]))
    if read.mode != "CMYK":
        data, step = read.tobytes(), len(read.getbands())
        pixels = [tuple(data[i : i + step]) for i in range(0, len(data), step)]
        add(name, FILES[name], [pixels[y * read.width : (y + 1) * read.width] for y in range(read.height)])


picture = Image.new("RGB", (11, 9))
picture.putdata([pixel for row in wide for pixel in row])
jpeg(picture, "rgb.jpg")
jpeg(picture, "progressive.jpg", progressive=True)
jpeg(picture.convert("L"), "grey.jpg")
jpeg(picture.convert("CMYK"), "cmyk.jpg")
whole = FILES["rgb.jpg"]
FILES["cut.jpg"] = whole[: len(whole) - 60]
FILES["header.jpg"] = whole[:40]
FILES["extra.jpg"] = whole[:-2] + b"\1\2\3\4" + whole[-2:]  # bytes that belong to no part, before the end
scan = whole.index(b"\xff\xda")
FILES["extra_before.jpg"] = whole[:scan] + b"\1\2\3\4" + whole[scan:]  # and before the pixels

idx = bytes([0, 0, 8, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5])
FILES["numbers.gz"] = gzip.compress(idx, mtime=0)
FILES["members.gz"] = gzip.compress(idx[:9], mtime=0) + gzip.compress(idx[9:], mtime=0)

FILES["images.gz"] = gzip.compress(bytes([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, *range(12)]), mtime=0)


def npy(name, array):
    out = io.BytesIO()
    np.save(out, array)
    FILES[name] = out.getvalue()


images = np.arange(12, dtype="u1").reshape(3, 2, 2)
npy("images.npy", images)
FILES["packed.npy"] = gzip.compress(FILES["images.npy"], mtime=0)
npy("images_fortran.npy", np.asfortranarray(images))
npy("images_one_colour.npy", images[..., None])
npy("images_rgb.npy", np.arange(18, dtype="u1").reshape(3, 1, 2, 3))
npy("images_two_colours.npy", images.reshape(3, 2, 1, 2))
npy("images_float.npy", images.astype("f4"))
npy("images_empty.npy", images[:, :0])
npy("labels.npy", np.arange(3))
npy("labels_column.npy", np.arange(3)[:, None])
npy("labels_float.npy", np.arange(3.0))
npy("labels_negative.npy", np.array([0, 1, -1]))

for name, data in FILES.items():
    print(name, data.hex())
for line in VALUES:
    print("values", line)
