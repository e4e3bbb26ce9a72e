#!/bin/sh
# scripts/lint.sh BUILD: format, clang-tidy and cppcheck; fails on any finding. Templates in kit/ are not C
# before their placeholders are replaced; the examples are not part of this build.
set -eu
cd "$(dirname "$0")/.."
sh scripts/deps.sh lint
sh scripts/sources.sh | xargs clang-format --dry-run --Werror
sources=$(find core ops io lang model data experiment store train compare inspect report kit cli plugins -name '*.c' | sort)
clang-tidy --quiet -p "$1" $sources
cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem -I. -Iinclude -I"$1" $sources examples/plugin/*.c
echo "lint: clean"
