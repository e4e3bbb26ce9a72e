#!/bin/sh
# Prints every C file of the project, a line each.
set -eu
cd "$(dirname "$0")/.."
find include core ops rnn data run cli plugins tests bench examples -name '*.[ch]' | sort
