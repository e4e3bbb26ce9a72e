"""What the scripts get_data.py of the examples share: packages are fetched without root, and files written whole or not at all.

A script says what it makes, and how, from an empty folder for the packages:

    def make(folder):
        root = packages.debian("wspanish", folder)
        return {"train.tsv": table, "test.tsv": table}      # names of files, and their text or bytes

    if __name__ == "__main__":
        packages.main(__doc__, __file__, ("train.tsv", "test.tsv"), make)

Only Python's standard library is used.
"""

import argparse
import csv
import glob
import io
import lzma
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib


class Failure(Exception):
    """What went wrong, for the user."""


def run(command, folder):
    """Runs a command: whether it worked, and what it printed."""
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise Failure(f"'{command[0]}' is not installed") from None
    return done.returncode == 0, done.stdout


def debian(package, folder):
    """Fetches a Debian package with apt and unpacks it; the folder of its files, which begin with usr/."""
    os.chmod(folder, 0o755)  # apt downloads as a user of its own, who must get there
    downloaded, printed = run(["apt-get", "download", package], folder)
    if not downloaded and os.geteuid() == 0:
        run(["apt-get", "update"], folder)
        downloaded, printed = run(["apt-get", "download", package], folder)
    files = glob.glob(os.path.join(folder, f"{package}_*.deb"))
    if not downloaded or len(files) != 1:
        raise Failure(f"apt cannot get the package {package}; run 'apt-get update' as root and try again\n{printed}")
    root = os.path.join(folder, package)
    unpacked, printed = run(["dpkg", "-x", files[0], root], folder)
    if not unpacked:
        raise Failure(f"the package {package} cannot be unpacked\n{printed}")
    return root


def wheel(package, folder):
    """Fetches a Python package with pip, without the packages that it needs; its files, as a zipfile.ZipFile."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", package]
    downloaded, printed = run(command, folder)
    files = glob.glob(os.path.join(folder, f"{package.replace('-', '_')}-*.whl"))
    if not downloaded or len(files) != 1:
        raise Failure(f"pip cannot get the package {package}\n{printed}")
    return zipfile.ZipFile(files[0])


def member(root, *path):
    """A file of an unpacked package; a failure if it is not there."""
    file = os.path.join(root, *path)
    if not os.path.isfile(file):
        raise Failure(f"the package has no file '{os.path.join(*path)}' where it is expected")
    return file


def table(header, rows):
    """Rows of fields as TSV; a field is in quotes where it must be."""
    text = io.StringIO()
    writer = csv.writer(text, "excel-tab", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def npz(arrays):
    """An .npz file as numpy.savez writes it: {name: (type, shape, elements)}; a type is "f4" (floats), "i4" (integers), or
    "U" and a number (texts of at most that number of characters)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (kind, shape, elements) in arrays.items():
            header = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': {tuple(shape)!r}, }}"
            header += " " * (-(len(header) + 11) % 64) + "\n"
            if kind[0] == "U":
                data = "".join(text.ljust(int(kind[1:]), "\0") for text in elements).encode("utf-32-le")
            else:
                data = struct.pack(f"<{len(elements)}{kind[0]}", *elements)
            entry = zipfile.ZipInfo(f"{name}.npy")  # its date is always the same, and so are the bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)
    return out.getvalue()


def write(file, contents):
    """Writes text or bytes to a file whole or not at all."""
    temporary = f"{file}.tmp-{os.getpid()}"
    try:
        with open(temporary, "wb") as stream:
            stream.write(contents.encode("utf-8") if isinstance(contents, str) else contents)
        os.replace(temporary, file)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def main(description, script, names, make):
    """The command line of a script: makes the files `names` beside it, in data/, unless they are there already."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(script))
    parser.add_argument("--out", default=os.path.join(here, "data"), help="folder of the files (default: data, here)")
    parser.add_argument("--force", action="store_true", help="make the files again even if they exist")
    arguments = parser.parse_args()
    files = {name: os.path.join(arguments.out, name) for name in names}
    if all(os.path.exists(file) for file in files.values()) and not arguments.force:
        print(f"{', '.join(names)} are already in {arguments.out} (--force makes them again)")
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            contents = make(folder)
        os.makedirs(arguments.out, exist_ok=True)
        for name, file in files.items():
            write(file, contents[name])
    except (Failure, OSError, lzma.LZMAError, zlib.error, struct.error, UnicodeDecodeError, LookupError, TypeError) as error:
        sys.exit(f"{os.path.basename(script)}: {error}")
