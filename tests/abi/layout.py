#!/usr/bin/env python3
"""tests/abi/layout.py HEADER OUTPUT.c: a C program that prints the layout of everything in rondo/plugin.h.

    struct rondo_tensor size 64 align 8
    field rondo_tensor.data offset 0 size 8: void *data
    enum RONDO_F32 0
    macro RONDO_MAX_DIMS 6

The names come from the header, the numbers from the compiler. A declaration is printed as it is written, so that another
type of the same size, or another signature of a function, is seen too.
"""
import re
import sys

# Macros that are no numbers.
NO_NUMBERS = {"RONDO_PLUGIN_H", "RONDO_EXPORT", "RONDO_EXPORT_DATA", "RONDO_OPTION_END"}


def without_comments(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return text.replace("\\\n", " ")


def parts_of(text: str, separator: str) -> list:
    """Splits at separators that stand in no parenthesis."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if c == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [part for part in parts + [text[start:]] if part.strip()]


def fields_of(body: str):
    """Name and declaration of each member."""
    for declaration in parts_of(body, ";"):
        declaration = " ".join(declaration.split())
        pointer = re.match(r".*?\(\*(\w+)\)\(", declaration)
        if pointer:
            yield pointer.group(1), declaration
            continue
        several = parts_of(declaration, ",")
        kind = re.match(r"(.*?)\W*\w+(\[\w+\])?$", several[0].strip()).group(1)
        for number, one in enumerate(several):
            name = re.search(r"(\w+)(\[\w+\])?$", one.strip()).group(1)
            yield name, one.strip() if number == 0 else f"{kind} {one.strip()}"


def structs_of(code: str):
    for found in re.finditer(r"struct (rondo_\w+) \{(.*?)\n\}", code, flags=re.S):
        yield found.group(1), list(fields_of(found.group(2)))


def enums_of(code: str, macros: dict):
    for found in re.finditer(r"enum (?:rondo_\w+) \{(.*?)\}", code, flags=re.S):
        for entry in parts_of(found.group(1), ","):
            listed = re.match(r"\s*(\w+)\(\w+\)\s+(\w+)\s*$", entry)  # LIST(X) COUNT
            if listed:
                yield from re.findall(r"X\((\w+),", macros[listed.group(1)])
                yield listed.group(2)
            else:
                yield re.match(r"\s*(\w+)", entry).group(1)


def main() -> None:
    code = without_comments(open(sys.argv[1], encoding="utf-8").read())
    lists = dict(re.findall(r"#define (\w+)\(\w+\)(.*)", code))
    numbers = [name for name in re.findall(r"#define (\w+)[ \t]", code) if name not in NO_NUMBERS]
    lines = []
    for struct, fields in structs_of(code):
        lines.append(f'    printf("struct {struct} size %zu align %zu\\n", sizeof(struct {struct}), _Alignof(struct {struct}));')
        for name, declaration in fields:
            place = f"offsetof(struct {struct}, {name}), sizeof(((struct {struct} *)0)->{name})"
            lines.append(f'    printf("field {struct}.{name} offset %zu size %zu: %s\\n", {place}, "{declaration}");')
    for name in enums_of(code, lists):
        lines.append(f'    printf("enum {name} %lld\\n", (long long){name});')
    for name in dict.fromkeys(numbers):
        lines.append(f'    printf("macro {name} %llu\\n", (unsigned long long)({name}));')
    for k in (0, 7):
        lines.append(f'    printf("macro RONDO_READS_INPUT({k}) %llu\\n", (unsigned long long)RONDO_READS_INPUT({k}));')
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write("/* Made by tests/abi/layout.py. */\n#include <stdio.h>\n\n#include \"rondo/plugin.h\"\n\n")
        out.write("int main(void) {\n" + "\n".join(lines) + "\n    return 0;\n}\n")


if __name__ == "__main__":
    main()
