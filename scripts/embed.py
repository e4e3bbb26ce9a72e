#!/usr/bin/env python3
"""embed.py OUTPUT.c HEADER TABLE FILE...: writes the files as one C table of bytes, so that a program does not need them at
run time.

TABLE is the name of an array of `struct embedded_file` (io/embedded.h), which HEADER declares. A file under templates/ keeps
its path from there, such as op/plugin.c.in; any other one is listed under its last two parts, such as rondo/plugin.h.
"""
import pathlib
import sys


def path_in_table(file: pathlib.PurePath) -> str:
    parts = file.parts
    start = parts.index("templates") + 1 if "templates" in parts else len(parts) - 2
    return "/".join(parts[start:])


def rows_of_bytes(data: bytes) -> str:
    lines = [", ".join(str(byte) for byte in data[i : i + 24]) for i in range(0, len(data), 24)]
    return ",\n    ".join(lines)


def main() -> None:
    output, header, table = sys.argv[1:4]
    files = [pathlib.PurePath(name) for name in sys.argv[4:]]
    parts = ["/* Made by scripts/embed.py. */\n", f'#include "{header}"\n']
    for number, file in enumerate(files):
        data = pathlib.Path(file).read_bytes()
        if not data:
            sys.exit(f"embed.py: '{file}' is empty")
        parts.append(f"static const unsigned char file_{number}[] = {{\n    {rows_of_bytes(data)}}};\n")
    parts.append(f"const struct embedded_file {table}[] = {{")
    for number, file in enumerate(files):
        parts.append(f'    {{"{path_in_table(file)}", file_{number}, sizeof file_{number}}},')
    parts.append("    {0},\n};\n")
    pathlib.Path(output).write_text("\n".join(parts), encoding="ascii")


if __name__ == "__main__":
    main()
