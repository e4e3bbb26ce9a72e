#!/bin/sh
# check.sh [RONDO]: builds the plug-in, checks it, and trains with it. RONDO is the program to use; default: rondo on the PATH.
set -eu
cd "$(dirname "$0")"
rondo=${1:-rondo}
make -s check RONDO="$rondo"
make -s train RONDO="$rondo"
