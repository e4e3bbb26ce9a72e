#!/bin/sh
# check.sh [RONDO]: builds the plug-in, proves it, trains with it. RONDO is the program, that of the PATH without it.
set -eu
cd "$(dirname "$0")"
rondo=${1:-rondo}
make -s check RONDO="$rondo"
make -s train RONDO="$rondo"
