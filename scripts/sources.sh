#!/bin/sh
# Prints every C file of the project, a line each. Not tests/abi: what it keeps is as it was released.
set -eu
cd "$(dirname "$0")/.."
find include core ops io lang model data experiment store train kit cli plugins tests bench examples -path tests/abi -prune -o -name '*.[ch]' -print | sort
