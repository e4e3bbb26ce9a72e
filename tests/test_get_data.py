"""The scripts get_data.py of the examples: how they read the formats of their packages, and choose and divide their rows.

Needs no network: the packages are replaced by small ones.
"""

import contextlib
import gzip
import importlib.util
import io
import lzma
import os
import struct
import sys
import tempfile
import unittest
import zipfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, os.pardir, "examples")
sys.dont_write_bytecode = True
sys.path.insert(0, EXAMPLES)
import linear  # noqa: E402
import packages  # noqa: E402
import r_data  # noqa: E402


def script(example, name="get_data"):
    """A script of an example, as a module."""
    spec = importlib.util.spec_from_file_location(
        f"{example.replace('-', '_')}_{name}", os.path.join(EXAMPLES, example, f"{name}.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sentiment, language, kjv = script("sentiment"), script("language-of-a-word"), script("language-model")
vowels, morse, images, sales = script("vowels"), script("morse"), script("images"), script("sales")
novels, baseline = script("words"), script("words", "baseline")
pronunciation, letters = script("pronunciation"), script("pronunciation", "baseline")
stories = script("question-answering")


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
                self.assertEqual(r_data.Reader(stream(body)).value().value, expected)

    def test_lists_have_names_and_symbols_can_be_referred_to(self):
        again = A_LIST.replace(NAMES, ints(0x1FF))
        pair = r_data.Reader(stream(ints(19, 2) + A_LIST + again)).value().value
        for item in pair:
            members = r_data.named(item)
            self.assertEqual((members["a"].value, members["b"].value), ([7], ["x"]))

    def test_damaged_data_fails_with_a_reason(self):
        for name, data, expected in DAMAGED:
            with self.subTest(name), self.assertRaisesRegex(packages.Failure, expected):
                r_data.Reader(data).value()


class DatabaseTest(unittest.TestCase):
    def store(self, folder, value, method=b"Z"):
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        packed = method + lzma.compress(value, format=lzma.FORMAT_RAW, filters=filters)
        if method == b"x":
            packed = zlib.compress(value)  # begins with this letter
        stored = b"front" + struct.pack(">I", len(value)) + packed
        place = ints(13, 2, 5, len(stored) - 5)
        variables = ints(0x213, 1) + place + ints(0x402) + NAMES + strings(b"v") + NULL
        index = ints(0x213, 1) + variables + ints(0x402) + ints(0x1FF) + strings(b"variables") + NULL
        with r_data.gzip.open(os.path.join(folder, "Rdata.rdx"), "wb") as out:
            out.write(stream(index))
        with open(os.path.join(folder, "Rdata.rdb"), "wb") as out:
            out.write(stored)

    def test_a_variable_is_found_by_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for method in (b"Z", b"x"):
                self.store(folder, stream(strings(b"here")), method)
                self.assertEqual(r_data.load(folder, "v").value, ["here"])
            with self.assertRaisesRegex(packages.Failure, "no data set 'w'"):
                r_data.load(folder, "w")
            self.store(folder, stream(NULL), method=b"2")
            with self.assertRaisesRegex(packages.Failure, "a method that this script does not know"):
                r_data.load(folder, "v")


class SplitTest(unittest.TestCase):
    rows = [(f"review {i % 190}", "great" if i % 190 < 120 else "other") for i in range(200)]

    def test_validation_rows_are_a_share_of_each_label(self):
        train, valid = sentiment.split(self.rows)
        for label in sentiment.LABELS:
            total = sum(row[1] == label for row in self.rows)
            self.assertEqual(sum(row[1] == label for row in valid), round(0.15 * total))
        self.assertEqual(sorted(train + valid), sorted(self.rows))

    def test_no_text_is_on_both_sides(self):
        train, valid = sentiment.split(self.rows)
        self.assertFalse({row[0] for row in train} & {row[0] for row in valid})

    def test_the_choice_depends_on_the_texts_alone(self):
        forwards, backwards = sentiment.split(self.rows)[1], sentiment.split(self.rows[::-1])[1]
        self.assertEqual(sorted(forwards), sorted(backwards))


@contextlib.contextmanager
def instead(module, name, value):
    """Replaces a member of a module for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def run(module, *arguments):
    """Runs the script with arguments; what it printed."""
    with instead(sys, "argv", ["get_data.py", *arguments]), contextlib.redirect_stdout(io.StringIO()) as printed:
        packages.main("", module.__file__, module.FILES, module.make)
    return printed.getvalue()


def put(root, name, data):
    """A file of an unpacked package."""
    file = os.path.join(root, name)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as out:
        out.write(data)


class FilesTest(unittest.TestCase):
    def test_fields_are_quoted_where_they_must_be(self):
        rows = [("plain", "great"), ("a\tb", "other"), ('say "x"', "great"), ("l1\nl2", "great")]
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "f.tsv")
            packages.write(file, packages.table(("text", "label"), rows))
            with open(file, "rb") as written:
                self.assertEqual(
                    written.read(),
                    b'text\tlabel\nplain\tgreat\n"a\tb"\tother\n"say ""x"""\tgreat\n"l1\nl2"\tgreat\n',
                )
            self.assertEqual(os.listdir(folder), ["f.tsv"])

    def test_files_that_are_there_are_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in sentiment.FILES:
                put(folder, name, b"mine")
            self.assertIn("already", run(sentiment, "--out", folder))
            with open(os.path.join(folder, "train.tsv"), encoding="utf-8") as kept:
                self.assertEqual(kept.read(), "mine")

    def test_a_package_that_cannot_be_read_leaves_nothing(self):
        def broken(package, folder):
            put(os.path.join(folder, package), "usr/share/dict/dutch", b"too few\nwords\n")
            return os.path.join(folder, package)

        with tempfile.TemporaryDirectory() as folder, instead(packages, "debian", broken):
            with self.assertRaisesRegex(SystemExit, "get_data.py: the package has no file 'usr/share/dict/american"):
                run(language, "--out", os.path.join(folder, "data"))
            self.assertEqual(os.listdir(folder), [])


class LanguageTest(unittest.TestCase):
    @staticmethod
    def words(name, count):
        letters = "abcdefghij"
        return ["".join(letters[int(digit)] for digit in str(i)) + name[0] for i in range(count)]

    def test_words_have_only_lower_case_letters_and_are_different(self):
        self.assertEqual(language.words("ja\nNee\nja\ndon't\n\nété\nx2\n".encode()), {"ja", "été"})
        self.assertEqual(language.words("blå\nnej\n".encode("latin-1")), {"blå", "nej"})

    def test_the_choice_depends_on_the_words_alone(self):
        dictionaries = {"dutch": set(self.words("dutch", 50)), "english": set(self.words("english", 80))}
        rows = language.choose(dictionaries, 20)
        self.assertEqual([sum(row[1] == name for row in rows) for name in dictionaries], [20, 20])
        self.assertEqual(rows, language.choose(dict(reversed(dictionaries.items())), 20))
        with self.assertRaisesRegex(packages.Failure, "dutch has 50 words, expected at least 51"):
            language.choose(dictionaries, 51)

    def test_all_rows_of_a_word_are_in_the_same_file(self):
        rows = [(word, name) for name in ("dutch", "german") for word in self.words("x", 2000)]
        files = language.split(rows)
        self.assertEqual(sorted(sum(files.values(), [])), sorted(rows))
        self.assertEqual(len({word for found in files.values() for word in {row[0] for row in found}}), 2000)
        self.assertEqual(sum(len({row[0] for row in found}) for found in files.values()), 2000)
        self.assertAlmostEqual(len(files["test.tsv"]) / len(rows), 0.1, delta=0.03)
        self.assertAlmostEqual(len(files["valid.tsv"]) / len(rows), 0.05, delta=0.02)

    def test_the_best_rule_names_the_smaller_of_two_dictionaries(self):
        dictionaries = {"dutch": {"a", "b"}, "english": {"b", "c", "d"}}
        rows = [("a", "dutch"), ("b", "dutch"), ("b", "english"), ("c", "english")]
        self.assertEqual(language.ambiguity(rows, dictionaries), (0.5, 0.75))

    def test_the_files_are_made_from_the_packages(self):
        def package(name, folder):
            dictionary = dict(language.LANGUAGES.values())[name]
            put(os.path.join(folder, name), f"usr/share/dict/{dictionary}", "\n".join(self.words(name[1:], 60)).encode())
            return os.path.join(folder, name)

        with tempfile.TemporaryDirectory() as folder, instead(packages, "debian", package), instead(language, "COUNT", 40):
            run(language, "--out", folder)
            lines = []
            for name in language.FILES:
                with open(os.path.join(folder, name), encoding="utf-8") as stream:
                    self.assertEqual(stream.readline(), "word\tlanguage\n")
                    lines += stream.read().splitlines()
            self.assertEqual(len(lines), 9 * 40)


class VersesTest(unittest.TestCase):
    texts = [
        "",
        '<title type="x">Psalm 1</title>\u00b6 In the <w lemma="strong:H7225">beginning</w> <note>a note</note>God ',
        "<milestone/>created",
    ]

    @staticmethod
    def module(blocks):
        """The three files of a testament with these blocks of texts."""
        sizes, packed, places = b"", b"", b""
        for number, texts in enumerate(blocks):
            whole = "".join(texts).encode()
            data = zlib.compress(whole)
            sizes += struct.pack("<III", len(packed), len(data), len(whole))
            packed += data
            at = 0
            for text in texts:
                places += struct.pack("<IIH", number, at, len(text.encode()))
                at += len(text.encode())
        return sizes, packed, places

    def test_verses_are_read_without_markup(self):
        found = kjv.verses(*self.module([self.texts, ["the heaven"]]))
        self.assertEqual(found, ["In the beginning God", "created", "the heaven"])

    def test_damaged_blocks_fail_with_a_reason(self):
        sizes, packed, places = self.module([["a text"]])
        wrong = sizes[:8] + struct.pack("<I", 7)
        with self.assertRaisesRegex(packages.Failure, "unpacks to 6 bytes, expected 7"):
            kjv.verses(wrong, packed, places)
        with self.assertRaises(zlib.error):
            kjv.verses(sizes, packed[:-6], places)

    def test_the_text_has_a_verse_on_each_line(self):
        def package(name, folder):
            for testament, block in (("ot", ["One.", "Two."]), ("nt", ["Three."])):
                for ending, data in zip(("bzs", "bzz", "bzv"), self.module([block])):
                    put(os.path.join(folder, name), f"{kjv.FOLDER}/{testament}.{ending}", data)
            return os.path.join(folder, name)

        with tempfile.TemporaryDirectory() as folder, instead(packages, "debian", package):
            with self.assertRaisesRegex(SystemExit, "the package has 3 verses, expected 31102"):
                run(kjv, "--out", folder)
            with instead(kjv, "VERSES", 3):
                run(kjv, "--out", folder)
            with open(os.path.join(folder, "kjv.txt"), encoding="utf-8") as stream:
                self.assertEqual(stream.read(), "One.\nTwo.\nThree.\n")


class NovelsTest(unittest.TestCase):
    def test_a_paragraph_is_on_a_line(self):
        lines = ["", "TITLE", "", "", "It was a _truth_", " that nobody", "", "She did."]
        self.assertEqual(novels.paragraphs(lines), ["TITLE", "It was a truth that nobody", "She did."])

    def test_another_text_is_refused(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            stack.enter_context(instead(packages, "debian", lambda package, where: where))
            stack.enter_context(instead(r_data, "load", lambda where, name: r_data.Item(["one line"], {})))
            with self.assertRaisesRegex(SystemExit, "the novels have 6 lines, expected 73422"):
                run(novels, "--out", os.path.join(folder, "data"))


class WordsBaselineTest(unittest.TestCase):
    """The n-grams of the example `words`."""

    text = "a b a c a b b c a b a".split() * 20

    def test_tokens_are_those_of_the_reader(self):
        self.assertEqual(
            baseline.tokens("It's A\u2019s dogs' 3.5!\n\n _x \n"),
            ["it's", "a's", "dogs", "'", "3", ".", "5", "!", "<eos>", "_", "x", "<eos>"],
        )

    def test_the_probabilities_of_all_words_sum_to_one(self):
        for order in (1, 2, 3, 4):
            model = baseline.KneserNey(self.text, order)
            for history in (("a", "b", "c"), ("c", "c", "c"), ("b", "x", "a")):
                total = sum(model.probability(history, word) for word in "abc")
                self.assertAlmostEqual(total, 1, places=12)

    def test_a_word_that_often_follows_is_likely(self):
        model = baseline.KneserNey(self.text, 3)
        self.assertGreater(model.probability(("c", "a"), "b"), 0.9)


class VowelsTest(unittest.TestCase):
    @staticmethod
    def line(steps, speaker, channels=12):
        return ":".join(",".join(f"{c}.{t}" for t in range(steps)) for c in range(channels)) + f":{speaker}"

    def test_a_recording_has_steps_of_channels_and_is_padded(self):
        rows = vowels.recordings("@dimensions 12\n@data\n" + self.line(2, 1) + "\n" + self.line(3, 9) + "\n")
        found = vowels.arrays(rows)
        self.assertEqual(found["target"][2], [0, 8])
        self.assertEqual(found["lengths"][2], [2, 3])
        self.assertEqual(found["input"][1], (2, 29, 12))
        first = found["input"][2][: 29 * 12]
        self.assertEqual(first[:13], [float(c) for c in range(12)] + [0.1])
        self.assertEqual(set(first[2 * 12 :]), {0.0})

    def test_other_recordings_fail_with_a_reason(self):
        for line in (self.line(2, 1, channels=11), self.line(30, 1), self.line(2, 10), "1,2:3:" + self.line(2, 1, 10)):
            with self.subTest(line[:40]), self.assertRaisesRegex(packages.Failure, "a recording has the form"):
                vowels.recordings("@data\n" + line)


class ImagesTest(unittest.TestCase):
    @staticmethod
    def idx(*shape, numbers=None):
        count = 1
        for size in shape:
            count *= size
        data = struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)
        return gzip.compress(data + (bytes(i % 10 for i in range(count)) if numbers is None else numbers))

    def test_the_numbers_of_a_file_are_those_after_its_header(self):
        self.assertEqual(images.check("f", self.idx(2, 2, 3), (2, 2, 3)), bytes((*range(10), 0, 1)))

    def test_other_files_fail_with_a_reason(self):
        for name, file in (("more images", self.idx(3, 2)), ("cut short", self.idx(2, 2, numbers=b"abc")), ("no header", gzip.compress(b""))):
            with self.subTest(name), self.assertRaisesRegex(packages.Failure, r"f does not have the shape \(2, 2\)"):
                images.check("f", file, (2, 2))

    def test_labels_must_have_ten_classes(self):
        def package(name, folder):
            for part, count in images.IMAGES.items():
                put(os.path.join(folder, name), f"{images.FOLDER}/{part}-images-idx3-ubyte.gz", self.idx(count, 28, 28))
                labels = self.idx(count, numbers=bytes(i % classes for i in range(count)))
                put(os.path.join(folder, name), f"{images.FOLDER}/{part}-labels-idx1-ubyte.gz", labels)
            return os.path.join(folder, name)

        with instead(packages, "debian", package), instead(images, "IMAGES", {"train": 20, "t10k": 10}):
            for classes in (9, 11):
                with tempfile.TemporaryDirectory() as folder:
                    with self.assertRaisesRegex(SystemExit, "train-labels-idx1-ubyte.gz does not have the classes 0 to 9"):
                        run(images, "--out", folder)
            classes = 10
            with tempfile.TemporaryDirectory() as folder:
                run(images, "--out", folder)
                self.assertEqual(sorted(os.listdir(folder)), sorted(images.FILES))


class SalesTest(unittest.TestCase):
    @staticmethod
    def document(days, start="2011-01-01"):
        names = ("holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed", "casual", "registered", "cnt")
        variables = "".join(f'<variable name="{name}"/>' for name in names)
        rows = "".join(f"<obs>0 1 {1 + day % 4} 0.5 0.4 0.3 0.2 7 8 {900 + day} </obs>" for day in range(days))
        return f'<gretldata startobs="{start}"><variables>{variables}</variables>{rows}</gretldata>'

    def make(self, document, folder):
        def package(name, where):
            put(os.path.join(where, name), "usr/share/gretl/data/misc/bikesharing.gdt", gzip.compress(document.encode()))
            return os.path.join(where, name)

        with instead(packages, "debian", package):
            run(sales, "--out", folder)

    def test_days_have_dates_and_no_part_of_the_number_to_forecast(self):
        with tempfile.TemporaryDirectory() as folder, instead(sales, "DAYS", 4):
            self.make(self.document(4), folder)
            with open(os.path.join(folder, "days.csv"), encoding="utf-8") as stream:
                lines = stream.read().splitlines()
        self.assertEqual(lines[0], "date,rented,holiday,workday,temperature,felt,humidity,wind,mist,rain")
        self.assertEqual(lines[1], "2011-01-01,900,0,1,0.5,0.4,0.3,0.2,0,0")
        self.assertEqual([line[-3:] for line in lines[1:]], ["0,0", "1,0", "0,1", "0,1"])

    def test_the_week_to_come_has_no_rentals(self):
        week = sales.next_week(sales.HOLIDAY - sales.datetime.timedelta(days=1))
        self.assertEqual(week[0], ("2013-01-01", "", 1, 0))
        self.assertEqual([row[3] for row in week], [0, 1, 1, 1, 0, 0, 1])

    def test_other_files_fail_with_a_reason(self):
        for document, expected in (
            (self.document(3), "3 rows from 2011-01-01, expected 731"),
            (self.document(731, "2012-01-01"), "731 rows from 2012-01-01"),
            ("<gretldata", "not XML"),
        ):
            with self.subTest(expected), tempfile.TemporaryDirectory() as folder:
                with self.assertRaisesRegex(SystemExit, expected):
                    self.make(document, folder)
                self.assertEqual(os.listdir(folder), [])


class LinearTest(unittest.TestCase):
    def test_a_linear_model_is_found(self):
        rows = [[1.0, x, x * x, float(x % 2), float(x % 2 == 0)] for x in range(12)]  # the last two and the first depend on each other
        targets = [3 - 2 * row[1] + 0.5 * row[2] + row[3] for row in rows]
        weights = linear.fit(rows, targets)
        for row, target in zip(rows, targets):
            self.assertAlmostEqual(linear.predict(weights, row), target, places=5)


class MorseTest(unittest.TestCase):
    class Steady(morse.random.Random):
        """A sender whose unit is 2 steps, without noise."""

        def uniform(self, low, high):
            return 2 if high == 4 else 0

        def gauss(self, mean, deviation):
            return mean

    def test_a_signal_is_the_code_of_its_letters(self):
        found = morse.signal("AE", self.Steady(1))
        self.assertEqual("".join(f"{x:.0f}" for x in found), "000000" "11" "00" "111111" "000000" "11" "000000")

    def test_the_files_are_the_same_each_time(self):
        with instead(morse, "SIGNALS", {"train.npz": 3}), contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(morse.make(None), morse.make(None))


class PronunciationTest(unittest.TestCase):
    DICTIONARY = "a AH0\na(2) EY1\na(3) AH1\nread R EH1 D # past\nread(2) R IY1 D\n\ntea T IY1\n"

    def test_pronunciations_of_a_word_are_kept_together_without_stress(self):
        self.assertEqual(
            pronunciation.dictionary(self.DICTIONARY), {"a": ["AH", "EY"], "read": ["R EH D", "R IY D"], "tea": ["T IY"]}
        )
        with self.assertRaisesRegex(packages.Failure, "the word 'mute' has no phones"):
            pronunciation.dictionary("mute # silent\n")

    def test_a_word_is_in_one_file_whatever_the_others_are(self):
        words = {f"w{i}": [f"A {i}", f"B {i}"] for i in range(2000)}
        files = pronunciation.split(words)
        self.assertEqual(sum(len({word for word, _ in rows}) for rows in files.values()), 2000)
        self.assertEqual(sum(map(len, files.values())), 4000)
        self.assertAlmostEqual(len(files["test.tsv"]) / 4000, 0.1, delta=0.02)
        fewer = pronunciation.split({word: words[word] for word in list(words)[::3]})
        for name, rows in fewer.items():
            self.assertLessEqual(set(rows), set(files[name]))

    def test_the_files_are_made_from_the_package(self):
        def wheel(package, folder):
            data = io.BytesIO()
            with zipfile.ZipFile(data, "w") as archive:
                archive.writestr(pronunciation.MEMBER, self.DICTIONARY)
            return zipfile.ZipFile(data)

        with tempfile.TemporaryDirectory() as folder, instead(packages, "wheel", wheel):
            with self.assertRaisesRegex(SystemExit, "the dictionary has 7 phones, expected 39"):
                run(pronunciation, "--out", folder)
            with instead(pronunciation, "PHONES", 7):
                run(pronunciation, "--out", folder)
            lines = []
            for name in pronunciation.FILES:
                with open(os.path.join(folder, name), encoding="utf-8") as stream:
                    self.assertEqual(stream.readline(), "word\tphones\n")
                    lines += stream.read().splitlines()
        self.assertEqual(sorted(lines), ["a\tAH", "a\tEY", "read\tR EH D", "read\tR IY D", "tea\tT IY"])

    def test_letters_are_aligned_with_their_phones(self):
        words = {"at": [("AE", "T")], "sat": [("S", "AE", "T")], "ox": [("AA", "K", "S")], "so": [("S", "AA")], "otto": [("AA", "T", "AA")]}
        found = dict(letters.alignments(words))
        self.assertEqual(found["sat"], (("S",), ("AE",), ("T",)))
        self.assertEqual(found["ox"], (("AA",), ("K", "S")))
        self.assertEqual(sorted(found["otto"], key=len)[0], ())

    def test_distances_are_those_of_edits(self):
        for a, b, expected in (("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)):
            self.assertEqual(letters.distance(a, b), expected)


class StoriesTest(unittest.TestCase):
    @staticmethod
    def answer(kind, question, sentences):
        """The answer after these sentences, read from them alone."""
        place, holder, dropped = {}, {}, {}
        for sentence in sentences:
            person, *words = sentence.removesuffix(" .").split()
            if words[0] in ("took", "picked"):
                holder[words[-1]] = person
            elif words[0] in ("dropped", "left"):
                dropped[words[-1]], holder[words[-1]] = place[person], None
            elif words[0] == "gave":
                holder[words[2]] = words[4]
            else:
                place[person] = words[-1]
        asked = question.removesuffix(" ?").split()[-1]
        if kind == "person":
            return place.get(asked, stories.UNKNOWN)
        if asked not in holder:
            return stories.UNKNOWN
        if kind == "holder":
            return holder[asked] or stories.NOBODY
        return place[holder[asked]] if holder[asked] else dropped[asked]

    def test_every_answer_follows_from_the_sentences_before_it(self):
        draw = stories.random.Random(1)
        for kind in stories.QUESTIONS:
            for _ in range(200):
                question, sentences, answers = stories.story(kind, draw)
                self.assertEqual(answers, [self.answer(kind, question, sentences[: i + 1]) for i in range(len(sentences))], sentences)
                self.assertNotEqual(answers[-1], stories.UNKNOWN)

    def test_nobody_reaches_what_is_elsewhere(self):
        draw = stories.random.Random(2)
        for _ in range(200):
            place, thing_at, holder = {}, {}, {}
            for sentence in stories.story("holder", draw)[1]:
                person, *words = sentence.removesuffix(" .").split()
                if words[0] in ("took", "picked"):
                    thing = words[-1]
                    self.assertIsNone(holder.get(thing))
                    self.assertEqual(thing_at.get(thing, place[person]), place[person], sentence)
                    holder[thing] = person
                elif words[0] in ("dropped", "left"):
                    self.assertEqual(holder[words[-1]], person)
                    holder[words[-1]], thing_at[words[-1]] = None, place[person]
                elif words[0] == "gave":
                    self.assertEqual((holder[words[2]], place[words[4]]), (person, place[person]))
                    holder[words[2]] = words[4]
                else:
                    place[person] = words[-1]

    def test_the_last_name_is_a_person_or_a_place_as_the_question_asks(self):
        sentences = ["anna went to the attic .", "bruno took the ball ."]
        self.assertEqual(stories.last_named("where is anna ?", sentences), "attic")
        self.assertEqual(stories.last_named("who has the ball ?", sentences), "bruno")

    def test_each_word_has_a_target_or_none(self):
        parts = ("where is anna ?", ["anna went to the attic .", "anna moved to the garden ."], ["attic", "garden"])
        story = "where is anna ? anna went to the attic . anna moved to the garden ."
        self.assertEqual(stories.row(*parts, every=True), (story, "- - - - - - - - - attic - - - - - garden"))
        self.assertEqual(stories.row(*parts, every=False), (story, "- - - - - - - - - - - - - - - garden"))

    def test_kinds_of_questions_are_balanced_and_files_repeat(self):
        with instead(stories, "STORIES", {"train.tsv": 70, "valid.tsv": 30, "test.tsv": 30}):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                first, second = stories.make(None), stories.make(None)
        self.assertEqual(first, second)
        self.assertEqual(sorted(first), sorted(stories.FILES))
        self.assertEqual([first[name].count("\n") for name in stories.TEST_KINDS.values()], [11, 11, 11])
        self.assertTrue(all(row.startswith("who has the ") for row in first["test-holder.tsv"].splitlines()[1:]))
        self.assertIn("test-holder.tsv: right without the story", printed.getvalue())
        for name, text in first.items():
            for line in text.splitlines()[1:]:
                words, targets = (column.split() for column in line.split("\t"))
                self.assertEqual(len(words), len(targets))
                answered = [word for word, target in zip(words, targets) if target != stories.NONE]
                self.assertEqual(set(answered), {"."})
                self.assertEqual(len(answered), words.count(".") if name == "train.tsv" else 1)


if __name__ == "__main__":
    unittest.main()
