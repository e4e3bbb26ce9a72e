#!/usr/bin/env python3
"""embed.py OUTPUT.c FILE...: writes the files as one C table of bytes, so that a program does not need them at run time.

The table is `embedded_files` of kit/embedded.h. A file under templates/ keeps its path from there, such as
op/plugin.c.in; any other one is listed under its last two parts, such as rondo/plugin.h.
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
    output, files = sys.argv[1], [pathlib.PurePath(name) for name in sys.argv[2:]]
    parts = ["/* Made by scripts/embed.py. */\n", '#include "kit/embedded.h"\n']
    for number, file in enumerate(files):
        data = pathlib.Path(file).read_bytes()
        if not data:
            sys.exit(f"embed.py: '{file}' is empty")
        parts.append(f"static const unsigned char file_{number}[] = {{\n    {rows_of_bytes(data)}}};\n")
    parts.append("const struct embedded_file embedded_files[] = {")
    for number, file in enumerate(files):
        parts.append(f'    {{"{path_in_table(file)}", file_{number}, sizeof file_{number}}},')
    parts.append("    {0},\n};\n")
    pathlib.Path(output).write_text("\n".join(parts), encoding="ascii")


if __name__ == "__main__":
    main()
