#!/bin/sh
# scripts/configure.sh BUILD [flags of meson setup]: configures the build folder if it is new or the flags have changed.
set -eu
build=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$@" "$build" . >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
elif [ "$(cat "$build/rondo-flags" 2>/dev/null || true)" != "$*" ]; then
    meson setup --reconfigure "$@" "$build" . >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
echo "$*" >"$build/rondo-flags"
