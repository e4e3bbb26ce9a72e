#!/bin/sh
# Prints all C files of the project, one per line, except those of tests/abi, which stay as they were released.
set -eu
cd "$(dirname "$0")/.."
find include core ops io lang model data experiment store train compare inspect report kit cli plugins tests bench examples -path tests/abi -prune -o -name '*.[ch]' -print | sort
