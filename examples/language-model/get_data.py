#!/usr/bin/env python3
"""Gets the King James Bible and writes it as kjv.txt, one verse on each line.

Debian distributes the text in its package sword-text-kjv (public domain). This script fetches the package with apt, needs
neither root nor other software, and uses Python's standard library alone.

    python3 get_data.py [--out FOLDER] [--force]

Strong's numbers, notes, titles and all other markup are removed; nothing else is changed.
"""

import os
import re
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import packages  # noqa: E402

PACKAGE, FOLDER = "sword-text-kjv", "usr/share/sword/modules/texts/ztext/engKJV2006eb"
VERSES = 31102
FILES = ("kjv.txt",)
# Elements that hold no text of a verse, with what is in them; all other tags; the sign of a paragraph.
MARKUP = re.compile(r"<(note|title)\b.*?</\1>|<[^>]*>|\u00b6 ?", re.S)


def verses(blocks, books, places):
    """The verses of a testament, from the three files of a module in the format zText of the SWORD project:

    .bzs   for each block its offset in .bzz, its size there, and its size when unpacked
    .bzz   the blocks, each compressed by zlib
    .bzv   for each verse the number of its block, and its offset and size in it. Places for titles of chapters have size 0
    """
    unpacked = []
    for offset, size, whole in struct.iter_unpack("<III", blocks):
        unpacked.append(zlib.decompress(books[offset : offset + size]))
        if len(unpacked[-1]) != whole:
            raise packages.Failure(f"a block unpacks to {len(unpacked[-1])} bytes, expected {whole}")
    texts = []
    for block, offset, size in struct.iter_unpack("<IIH", places):
        text = MARKUP.sub("", unpacked[block][offset : offset + size].decode("utf-8")).strip()
        if text:
            texts.append(text)
    return texts


def make(folder):
    root = packages.debian(PACKAGE, folder)
    texts = []
    for testament in ("ot", "nt"):
        parts = []
        for ending in ("bzs", "bzz", "bzv"):
            with open(packages.member(root, FOLDER, f"{testament}.{ending}"), "rb") as stream:
                parts.append(stream.read())
        texts += verses(*parts)
    if len(texts) != VERSES:
        raise packages.Failure(f"the package has {len(texts)} verses, expected {VERSES}")
    text = "\n".join(texts) + "\n"
    print(f"kjv.txt: {len(texts)} verses, {len(text)} characters, {len(set(text))} different ones")
    return {"kjv.txt": text}


if __name__ == "__main__":
    packages.main(__doc__, __file__, FILES, make)
