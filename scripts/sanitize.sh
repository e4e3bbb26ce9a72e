#!/bin/sh
# scripts/sanitize.sh: the whole suite with the address and undefined-behaviour sanitizers, then with the thread sanitizer,
# then under valgrind, then built by clang with warnings as errors.
set -eu
cd "$(dirname "$0")/.."
sh scripts/deps.sh lint
# Tests take about five times as long. CK_TIMEOUT_MULTIPLIER raises the limits inside the tests.
[ -f build-sanitize/build.ninja ] || meson setup build-sanitize . --buildtype=debugoptimized -Db_sanitize=address,undefined
ninja -C build-sanitize
CK_TIMEOUT_MULTIPLIER=10 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    meson test -C build-sanitize --no-rebuild --print-errorlogs --timeout-multiplier 10

[ -f build-tsan/build.ninja ] || meson setup build-tsan . --buildtype=debugoptimized -Db_sanitize=thread
ninja -C build-tsan
CK_TIMEOUT_MULTIPLIER=20 TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1:die_after_fork=0 \
    meson test -C build-tsan --no-rebuild --print-errorlogs --timeout-multiplier 20

[ -f build-valgrind/build.ninja ] || meson setup build-valgrind . --buildtype=debugoptimized
ninja -C build-valgrind
CK_FORK=no \
    meson test -C build-valgrind --no-rebuild --print-errorlogs --timeout-multiplier 30 --setup valgrind

[ -f build-clang/build.ninja ] || CC=clang meson setup build-clang . --buildtype=release --werror
ninja -C build-clang
meson test -C build-clang --no-rebuild --print-errorlogs
echo "sanitize: clean"
