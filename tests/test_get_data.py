"""examples/sentiment/get_data.py: its reader of R's format, and its rule for the validation rows. Needs no network."""

import importlib.util
import io
import lzma
import os
import struct
import sys
import tempfile
import unittest
from contextlib import redirect_stdout

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, os.pardir, "examples", "sentiment", "get_data.py")
sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location("get_data", SCRIPT)
get_data = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(get_data)


def ints(*numbers):
    return struct.pack(f">{len(numbers)}i", *numbers)


def stream(body):
    return b"X\n" + ints(3, 0x00040202, 0x00030500, 5) + b"UTF-8" + body


def text(data, flags=0x40009):
    return ints(flags, len(data)) + data


def strings(*data):
    return ints(16, len(data)) + b"".join(text(d) for d in data)


NULL = ints(254)
NAMES = ints(1) + text(b"names")  # the symbol
A_LIST = ints(0x213, 2) + ints(13, 1, 7) + strings(b"x") + ints(0x402) + NAMES + strings(b"a", b"b") + NULL

VALUES = [
    ("null", NULL, None),
    ("integers", ints(13, 3, 1, -2, 3), [1, -2, 3]),
    ("logicals", ints(10, 2, 1, 0), [1, 0]),
    ("reals", ints(14, 2) + struct.pack(">2d", 0.5, -1e300), [0.5, -1e300]),
    ("strings", strings(b"a", b"\xc3\xa9"), ["a", "é"]),
    ("latin-1", ints(16, 1) + text(b"\xe9", 0x4009), ["é"]),
    ("a missing string", ints(16, 1) + ints(9, -1), [None]),
    ("an empty list", ints(19, 0), []),
]

DAMAGED = [
    ("nothing", b"", "ends too early"),
    ("text format", b"A\n3\n", "not in XDR format"),
    ("another version", b"X\n" + ints(4, 0, 0), "format version 4"),
    ("a vector cut short", stream(ints(13, 5, 1)), "ends too early"),
    ("a huge vector", stream(ints(13, 2**31 - 1)), "ends too early"),
    ("a text cut short", stream(ints(16, 1, 0x40009, 100)), "ends too early"),
    ("an unknown type", stream(ints(25)), "type 25"),
    ("a reference to nothing", stream(ints(0x1FF)), "refers to what is not there"),
    ("a list without end", stream(ints(2) + NULL + ints(13, 0)), "does not end"),
]


class ReaderTest(unittest.TestCase):
    def test_values_are_read(self):
        for name, body, expected in VALUES:
            with self.subTest(name):
                self.assertEqual(get_data.Reader(stream(body)).value().value, expected)

    def test_lists_have_names_and_symbols_can_be_referred_to(self):
        again = A_LIST.replace(NAMES, ints(0x1FF))
        pair = get_data.Reader(stream(ints(19, 2) + A_LIST + again)).value().value
        for item in pair:
            members = get_data.named(item)
            self.assertEqual((members["a"].value, members["b"].value), ([7], ["x"]))

    def test_damaged_data_fails_with_a_reason(self):
        for name, data, expected in DAMAGED:
            with self.subTest(name), self.assertRaisesRegex(get_data.Failure, expected):
                get_data.Reader(data).value()


class DatabaseTest(unittest.TestCase):
    def store(self, folder, value, method=b"Z"):
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        packed = lzma.compress(value, format=lzma.FORMAT_RAW, filters=filters)
        stored = b"front" + struct.pack(">I", len(value)) + method + packed
        place = ints(13, 2, 5, len(stored) - 5)
        variables = ints(0x213, 1) + place + ints(0x402) + NAMES + strings(b"v") + NULL
        index = ints(0x213, 1) + variables + ints(0x402) + ints(0x1FF) + strings(b"variables") + NULL
        with get_data.gzip.open(os.path.join(folder, "Rdata.rdx"), "wb") as out:
            out.write(stream(index))
        with open(os.path.join(folder, "Rdata.rdb"), "wb") as out:
            out.write(stored)

    def test_a_variable_is_found_by_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            self.store(folder, stream(strings(b"here")))
            self.assertEqual(get_data.load(folder, "v").value, ["here"])
            with self.assertRaisesRegex(get_data.Failure, "no data set 'w'"):
                get_data.load(folder, "w")
            self.store(folder, stream(NULL), method=b"2")
            with self.assertRaisesRegex(get_data.Failure, "a method that this script does not know"):
                get_data.load(folder, "v")


class SplitTest(unittest.TestCase):
    rows = [(f"review {i % 190}", "great" if i % 190 < 120 else "other") for i in range(200)]

    def test_validation_rows_are_a_share_of_each_label(self):
        train, valid = get_data.split(self.rows)
        for label in get_data.LABELS:
            total = sum(row[1] == label for row in self.rows)
            self.assertEqual(sum(row[1] == label for row in valid), round(0.15 * total))
        self.assertEqual(sorted(train + valid), sorted(self.rows))

    def test_no_text_is_on_both_sides(self):
        train, valid = get_data.split(self.rows)
        self.assertFalse({row[0] for row in train} & {row[0] for row in valid})

    def test_the_choice_depends_on_the_texts_alone(self):
        forwards, backwards = get_data.split(self.rows)[1], get_data.split(self.rows[::-1])[1]
        self.assertEqual(sorted(forwards), sorted(backwards))


class FilesTest(unittest.TestCase):
    def test_fields_are_quoted_where_they_must_be(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "f.tsv")
            get_data.write(file, [("plain", "great"), ("a\tb", "other"), ('say "x"', "great"), ("l1\nl2", "great")])
            with open(file, "rb") as written:
                self.assertEqual(
                    written.read(),
                    b'text\tlabel\nplain\tgreat\n"a\tb"\tother\n"say ""x"""\tgreat\n"l1\nl2"\tgreat\n',
                )
            self.assertEqual(os.listdir(folder), ["f.tsv"])

    def test_files_that_are_there_are_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in get_data.FILES:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                    out.write("mine")
            arguments, sys.argv = sys.argv, ["get_data.py", "--out", folder]
            try:
                with redirect_stdout(io.StringIO()) as printed:
                    get_data.main()
            finally:
                sys.argv = arguments
            self.assertIn("already", printed.getvalue())
            with open(os.path.join(folder, "train.tsv"), encoding="utf-8") as kept:
                self.assertEqual(kept.read(), "mine")


if __name__ == "__main__":
    unittest.main()
