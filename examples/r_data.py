"""Data sets of packages for R, read without R: what the scripts get_data.py of the examples share beside packages.py.

    columns = r_data.named(r_data.load(folder, "mlc_churn"))       # folder: …/PACKAGE/data
    columns["state"].value                                         # a list; columns["state"].attributes["levels"]
"""

import collections
import gzip
import lzma
import os
import struct
import zlib

from packages import Failure

# --- R's serialisation format (R Internals, section 1.8; XDR: big-endian) -------------------------------------------

# Types of an item, the low byte of its flags; and further bits of the flags.
SYMBOL, PAIRLIST, CHARACTERS, LOGICAL, INTEGER, REAL, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
NULL, REFERENCE = 254, 255
HAS_ATTRIBUTES, HAS_TAG, LATIN1 = 0x200, 0x400, 1 << 14

# A value with its attributes, a dictionary. A pairlist is a list of (tag, value).
Item = collections.namedtuple("Item", "value attributes")


class Reader:
    """Reads one serialised value; only the types that data sets are made of."""

    def __init__(self, data):
        self.data, self.position, self.references = data, 0, []

    def take(self, count):
        if count < 0 or self.position + count > len(self.data):
            raise Failure("the data of R ends too early")
        self.position += count
        return self.data[self.position - count : self.position]

    def integer(self):
        return struct.unpack(">i", self.take(4))[0]

    def numbers(self, code, size):
        count = self.integer()
        return list(struct.unpack(f">{count}{code}", self.take(size * count)))

    def value(self):
        """A whole stream: format, version, version of the writer, oldest version of a reader, encoding."""
        if self.take(2) != b"X\n":
            raise Failure("the data of R is not in XDR format")
        version = self.integer()
        self.take(8)
        if version not in (2, 3):
            raise Failure(f"the data of R has format version {version}, expected 2 or 3")
        if version == 3:
            self.take(self.integer())
        return self.item()

    def item(self):
        flags = self.integer()
        kind = flags & 0xFF
        if kind == NULL:
            return Item(None, {})
        if kind == REFERENCE:
            return self.reference((flags >> 8) or self.integer())
        if kind == SYMBOL:
            self.references.append(self.item())
            return self.references[-1]
        if kind == PAIRLIST:
            return self.pairlist(flags)
        if kind == CHARACTERS:
            return self.characters(flags)
        value = self.vector(kind)
        return Item(value, self.attributes() if flags & HAS_ATTRIBUTES else {})

    def reference(self, number):
        if not 1 <= number <= len(self.references):
            raise Failure("the data of R refers to what is not there")
        return self.references[number - 1]

    def attributes(self):
        return {tag: item for tag, item in self.item().value or []}

    def pairlist(self, flags):
        pairs, attributes = [], {}
        while flags & 0xFF == PAIRLIST:
            if flags & HAS_ATTRIBUTES:
                attributes.update(self.attributes())
            tag = self.item().value if flags & HAS_TAG else None
            pairs.append((tag, self.item()))
            flags = self.integer()
        if flags & 0xFF != NULL:
            raise Failure("the data of R has a list that does not end")
        return Item(pairs, attributes)

    def characters(self, flags):
        count = self.integer()
        return Item(None if count == -1 else self.take(count).decode("latin-1" if flags & LATIN1 else "utf-8"), {})

    def vector(self, kind):
        if kind in (LOGICAL, INTEGER):
            return self.numbers("i", 4)
        if kind == REAL:
            return self.numbers("d", 8)
        if kind == STRINGS:
            return [self.item().value for _ in range(self.integer())]
        if kind == LIST:
            return [self.item() for _ in range(self.integer())]
        raise Failure(f"the data of R holds a value of type {kind}, which this script does not read")


def named(item):
    """The members of a list by name."""
    return dict(zip(item.attributes["names"].value, item.value))


# --- the data base of a package: an index, and values one after the other --------------------------------------------


def load(folder, name):
    """The value `name` of the data base in `folder`."""
    # Rdata.rdx: a list that gzip has compressed, with the offset and length of each variable in Rdata.rdb.
    with gzip.open(os.path.join(folder, "Rdata.rdx")) as stream:
        variables = named(named(Reader(stream.read()).value())["variables"])
    if name not in variables:
        raise Failure(f"the package has no data set '{name}'")
    offset, length = variables[name].value
    with open(os.path.join(folder, "Rdata.rdb"), "rb") as stream:
        stream.seek(offset)
        stored = stream.read(length)
    # A stored value: 4 bytes, the length when unpacked; then a zlib stream, whose first byte is the letter x, or the letter Z
    # and a raw LZMA2 stream, which has no header.
    size, method = struct.unpack(">Ic", stored[:5])
    if method == b"x":
        data = zlib.decompress(stored[4:])
    elif method == b"Z":
        data = lzma.decompress(stored[5:], format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])
    else:
        raise Failure(f"'{name}' is compressed by a method that this script does not know")
    if len(data) != size:
        raise Failure(f"'{name}' unpacks to {len(data)} bytes, expected {size}")
    return Reader(data).value()
