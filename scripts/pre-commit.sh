#!/bin/sh
# scripts/pre-commit.sh: checks what is about to be committed: whitespace, the format of the staged C files, that the
# tree builds, and the structure of the source tree (tests/test_house.c). `make hooks` makes git run it before each
# commit. BUILD is the build folder, `build` by default; it is configured if it does not exist yet.
set -eu
cd "$(git rev-parse --show-toplevel)"
build=${BUILD:-build}
git diff --cached --check
files=$(git diff --cached --name-only --diff-filter=ACMR -- '*.[ch]' ':!tests/abi')
[ -z "$files" ] || clang-format --dry-run --Werror $files
[ -f "$build/build.ninja" ] || sh scripts/configure.sh "$build" --buildtype=release
ninja -C "$build" --quiet
meson test -C "$build" --no-rebuild --quiet --print-errorlogs house
