"""Files of one NumPy array, without NumPy: rows of numbers for bench/training.py and its peers."""
import array
import ast
import math

TYPES = {"|u1": "B", "<i4": "i", "<f4": "f"}


def write(path, kind, shape, numbers):
    """`kind` is a key of TYPES; `numbers` are those of all rows in order, or bytes."""
    values = array.array(TYPES[kind], numbers)
    assert len(values) == math.prod(shape)
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values.tobytes())


def read(path):
    """The kind, the shape and the bytes."""
    content = bytearray(path.read_bytes())
    begin = 10 + int.from_bytes(content[8:10], "little")
    header = ast.literal_eval(content[10:begin].decode())
    return header["descr"], header["shape"], content[begin:]
