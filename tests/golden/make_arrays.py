#!/usr/bin/env python3
"""Writes arrays.txt, the files of tests/test_npy.c and tests/test_arrays.c, with NumPy: python3 make_arrays.py > arrays.txt

Each line has the name of a file and its bytes in hexadecimal digits. Lines that begin with "values" have a member of
types.npz, its shape, and its numbers in C order, as NumPy reads them.
"""

import io
import struct
import warnings
import zipfile
import zlib

import numpy as np

FILES = {}


def npy(array, version=None):
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.lib.format.write_array(out, np.asanyarray(array), version=version)
    return out.getvalue()


def npz(name, compressed=False, **arrays):
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    FILES[name] = out.getvalue()


def floats(*shape, first=0, dtype="f4"):
    return (np.arange(np.prod(shape)) + first).reshape(shape).astype(dtype)


# --- every type, byte order and order of elements -------------------------------------------------------------------

types = {}
for code in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1".split():
    for order in "<>":
        values = np.array([[0, 1, 100], [3, 4.5 if code[0] == "f" else 5, -7 if code[0] in "fi" else 7]])
        array = (values > 3 if code == "b1" else values).astype(order + code)
        types[f"{code}{'le' if order == '<' else 'be'}C"] = array
        types[f"{code}{'le' if order == '<' else 'be'}F"] = np.asfortranarray(array)
types["halves"] = np.array([2**-24, 1023 * 2**-24, 65504, -np.inf, np.nan], "f2")
types["edges"] = np.array([-(2**63), -1, 2**53], "i8")
types["deep"] = np.asfortranarray(floats(2, 3, 2))
types["scalar"] = np.array(3.0)
types["empty"] = np.zeros((0, 5))
npz("types.npz", **types)
npz("types_deflated.npz", compressed=True, **types)
for name, array in types.items():
    numbers = " ".join(repr(float(x)) for x in array.astype("f8").ravel(order="C"))
    print(f"values {name} {'x'.join(map(str, array.shape)) or '-'} {numbers}".rstrip())
npz("texts.npz", wide=np.array(["a", "é€😀", ""]), narrow=np.array([b"ab", "é".encode(), b"\xff"]))

# --- sets of examples ------------------------------------------------------------------------------------------------

x = floats(3, 3, 2)
x[0, 2] = np.nan  # padding
padded = dict(input=x, target=np.array([0, 2, 1]), lengths=np.array([2, 3, 1]))
npz("padded.npz", **padded, class_names=np.array(["low", "mid", "höch"]))
npz("padded_other.npz", compressed=True, input=np.asfortranarray(x.astype(">f8")), target=padded["target"].astype("u1"),
    lengths=padded["lengths"].astype(">i2"))
npz("renamed.npz", X=x[1:], y=padded["target"][1:], labels=np.array([1, 1]))
npz("per_step.npz", input=np.array([[3, 1, 0], [2, 2, 1]], "i4"), target=np.array([[-1, 0, 1], [2, -1, 0]], "i1"),
    weight=np.array([0.5, 2.0]))
packed = floats(5, 2, dtype="f2")
npz("packed.npz", input=packed, target=np.array([[0.5, 1], [np.nan, np.nan], [1, 2], [3, 4], [5, 6]]),
    begin=np.array([0, 2]))
npz("packed_lengths.npz", input=packed, target=np.array([1, 0, 1]), begin=np.array([3, 0, 1]),
    lengths=np.array([2, 3, 1]))
npz("packed_symbols.npz", input=np.arange(5), target=np.array([0, 1, 0, 1, 1]), begin=np.array([0, 4]))
npz("lists.npz", input=floats(2, 3, 2, dtype="u1"), target=np.array([[2, 9], [0, 1]]), target_lengths=np.array([1, 2]))
npz("one_to_many.npz", input=np.array([1, 0]), target=floats(2, 3, 1, first=1), lengths=np.array([3, 2]))
npz("one_to_one.npz", input=floats(3, 2), target=floats(3, 2, first=10))
npz("single_numbers.npz", input=floats(3), target=np.array([True, False, True]))
npz("targets.npz", target=np.array([[0, 1, 2], [2, 1, 0]]), lengths=np.array([3, 2]))
npz("nan_classes.npz", input=floats(1, 3, 1), target=np.array([[0, np.nan, 1.0]]))
FILES["x.npy"] = npy(floats(2, 2, 2))
FILES["x_2.npy"] = npy(floats(2, 2, 2), (2, 0))
FILES["x_3.npy"] = npy(floats(2, 2, 2), (3, 0))
FILES["y.npy"] = npy(np.array([1, 0]))
FILES["y_numbers.npy"] = npy(np.array([0.25, -4]))
FILES["symbols.npy"] = npy(np.array([[0, 3], [1, 1]], "u2"))
FILES["lengths.npy"] = npy(np.array([1, 2]))


def zip64(members):
    """An archive whose sizes and offsets are all in ZIP64 fields, as that of more than 4 GB."""
    full = 0xFFFFFFFF
    body, directory = b"", b""
    for name, data in members.items():
        name = name.encode()
        extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(body))
        directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0, zlib.crc32(data), full, full,
                                 len(name), len(extra), 0, 0, 0, 0, full) + name + extra
        body += struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0, zlib.crc32(data), full, full, len(name), 20)
        body += name + struct.pack("<HHQQ", 1, 16, len(data), len(data)) + data
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(members), len(members), len(directory), len(body))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(directory), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    return body + directory + end64 + locator + end


FILES["zip64.npz"] = zip64({"input.npy": FILES["x.npy"], "target.npy": FILES["y.npy"]})
assert sorted(np.load(io.BytesIO(FILES["zip64.npz"])).files) == ["input", "target"]

# --- what is refused -------------------------------------------------------------------------------------------------

good, y = FILES["x.npy"], np.array([0, 1])
FILES["cut.npy"] = good[:-5]
FILES["cut_header.npy"] = good[:40]
FILES["cut_magic.npy"] = good[:7]
FILES["longer.npy"] = good + b"12345678"
FILES["version.npy"] = good[:6] + b"\x09" + good[7:]
FILES["huge.npy"] = good.replace(b"(2, 2, 2), }" + b" " * 20, b"(1152921504606846976, 2, 2), }  ")
FILES["overflow.npy"] = good.replace(b"(2, 2, 2), }" + b" " * 24, b"(9999999999, 9999999999, 2), }" + b" " * 6)
FILES["endless.npy"] = good.replace(b"(2, 2, 2), }" + b" " * 24, b"(99999999999999999999, 2, 2), }" + b" " * 5)
assert all(len(FILES[f"{n}.npy"]) == len(good) and FILES[f"{n}.npy"] != good for n in ("huge", "overflow", "endless"))
FILES["header.npy"] = good.replace(b"'shape'", b"'shope'")
FILES["object.npy"] = npy(np.array([[1], [2, 3]], dtype=object))
FILES["complex.npy"] = npy(np.zeros((2, 2), complex))
FILES["date.npy"] = npy(np.zeros(2, "M8[s]"))
FILES["fields.npy"] = npy(np.zeros(2, [("a", "f4"), ("b", "i4")]))
FILES["text.npy"] = npy(np.array(["a", "b"]))
FILES["four.npy"] = npy(np.zeros((2, 2, 2, 2)))
FILES["nine.npy"] = npy(np.zeros((1,) * 9))
FILES["no_array.npy"] = b"input,target\n1,2\n"
whole = FILES["padded_other.npz"]
FILES["cut.npz"] = whole[:-30]
FILES["empty.npz"] = b"PK\x05\x06" + bytes(18)
start = whole.index(b"PK\x01\x02")


def patched(offset, code, value, data=whole):
    """The archive with another number in the first entry of its list of members."""
    place = start + offset
    return data[:place] + struct.pack("<" + code, value) + data[place + struct.calcsize("<" + code):]


FILES["encrypted.npz"] = patched(8, "H", 1)
FILES["method.npz"] = patched(10, "H", 12)
FILES["checksum.npz"] = patched(16, "I", 1)
FILES["packed_size.npz"] = patched(20, "I", 2**31)
FILES["unpacked_size.npz"] = patched(24, "I", 2**32 - 2)
FILES["smaller_size.npz"] = patched(24, "I", 100)
FILES["place.npz"] = patched(42, "I", 7)
FILES["directory.npz"] = whole[:-6] + struct.pack("<I", 2**31) + whole[-2:]
FILES["deflate.npz"] = whole[:70] + b"\xff" * 20 + whole[90:]

x = floats(2, 3, 2)


def bad(name, compressed=False, **changes):
    arrays = dict(input=x, target=y) | changes
    npz(name, compressed, **{key: value for key, value in arrays.items() if value is not None})


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


bad("examples.npz", target=np.array([0, 1, 0]))
bad("no_examples.npz", input=np.zeros((0, 3, 2), "f4"), target=np.zeros(0, int))
bad("no_numbers.npz", input=np.zeros((2, 3, 0), "f4"))
bad("dims.npz", input=np.zeros((2, 3, 2, 2), "f4"))
bad("symbol_dims.npz", input=np.zeros((2, 3, 2), "i4"))
bad("scalar.npz", target=np.array(1))
bad("steps.npz", target=np.zeros((2, 4), int))
bad("one_step.npz", target=np.zeros((2, 1), int))
bad("length_zero.npz", lengths=np.array([3, 0]))
bad("length_long.npz", lengths=np.array([4, 1]))
bad("length_half.npz", lengths=np.array([1.5, 1]))
bad("length_shape.npz", lengths=np.array([[3, 3]]))
bad("length_count.npz", lengths=np.array([3, 3, 3]))
bad("length_unused.npz", input=floats(2, 3), lengths=np.array([1, 1]))
bad("nan.npz", input=changed(x, (1, 2, 0), np.nan))
bad("inf.npz", input=changed(x, (0, 1, 1), -np.inf))
bad("large.npz", input=changed(x.astype("f8"), (0, 0, 1), 1e300))
bad("many.npz", input=np.full((20, 3, 2), np.nan, "f4"), target=np.arange(20) % 2)
bad("negative.npz", target=np.array([0, -1]))
bad("half.npz", target=np.array([0.5, 1]))
bad("one_class.npz", target=np.array([0, 0]))
bad("sparse.npz", target=np.array([0, 2**40]))
bad("symbol.npz", input=np.array([[0, 1], [-1, 2]]))
bad("nan_target.npz", target=np.array([1.0, np.nan]))
bad("half_missing.npz", target=changed(floats(2, 3, 2), (1, 1, 1), np.nan))
bad("begin_large.npz", input=floats(5, 2), begin=np.array([0, 5]))
bad("begin_order.npz", input=floats(5, 2), begin=np.array([2, 2]))
bad("begin_length.npz", input=floats(5, 2), begin=np.array([0, 4]), lengths=np.array([4, 2]))
bad("begin_targets.npz", begin=np.zeros(2, int), lengths=np.array([2, 2]), target=np.zeros((2, 2), int))
bad("begin_steps.npz", input=floats(5, 2), begin=np.array([0, 4]), target=np.zeros((2, 3), int))
bad("list_lengths.npz", target_lengths=np.array([1, 3]), target=np.zeros((2, 2), int))
bad("list_long.npz", target_lengths=np.array([2, 1]), target=np.array([[1, 1], [0, 0]]), lengths=np.array([2, 3]))
bad("list_dims.npz", target_lengths=np.array([1, 1]))
bad("weight.npz", weight=np.array([1, -0.5]))
bad("weight_shape.npz", weight=np.ones((2, 3)))
bad("names_twice.npz", class_names=np.array(["a", "a"]))
bad("names_empty.npz", class_names=np.array(["a", ""]))
bad("names_numbers.npz", class_names=np.array([1, 2]))
bad("names_few.npz", class_names=np.array(["a"]))
bad("no_target.npz", target=None, y=y, lengths=np.array([3, 3]))
bad("good.npz")
bad("new_class.npz", target=np.array([0, 2]))
bad("wider.npz", input=floats(2, 3, 3))
bad("bytes.npz", input=x.astype("u1"))
bad("symbols.npz", input=np.array([[0, 3], [1, 1]]))
bad("new_symbol.npz", input=np.array([[0, 1], [4, 1]]))

for name, data in FILES.items():
    print(name, data.hex())
