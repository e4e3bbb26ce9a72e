#!/bin/sh
# scripts/freeze_abi.sh [--again]: freezes include/rondo/plugin.h as tests/abi/MAJOR.MINOR, for the version that it
# defines: a copy of the header, and its layout. The plug-ins of that folder are written by hand (tests/abi/README.md).
# A frozen version does not change; --again is for a version that has not been released yet.
set -eu
cd "$(dirname "$0")/.."
number() { sed -n "s/^#define RONDO_ABI_$1 *\([0-9]*\)u\$/\1/p" include/rondo/plugin.h; }
version=$(number MAJOR).$(number MINOR)
folder=tests/abi/$version
if [ -f "$folder/layout.txt" ] && [ "${1:-}" != --again ]; then
    cmp -s include/rondo/plugin.h "$folder/rondo/plugin.h" && { echo "ABI $version is frozen, and unchanged"; exit 0; }
    echo "ABI $version is frozen already, and the header has changed: raise RONDO_ABI_MINOR, or, before any release of" \
        "it, freeze --again" >&2
    exit 1
fi
mkdir -p "$folder/rondo"
cp include/rondo/plugin.h "$folder/rondo/plugin.h"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 tests/abi/layout.py "$folder/rondo/plugin.h" "$scratch/layout.c"
"${CC:-cc}" -std=c11 -I "$folder" -o "$scratch/layout" "$scratch/layout.c"
"$scratch/layout" >"$folder/layout.txt"
echo "ABI $version is frozen: $folder/rondo/plugin.h, $folder/layout.txt"
