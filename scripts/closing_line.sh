#!/bin/sh
# scripts/closing_line.sh BUILD: prints the sums of the checks that the test programs of the last `meson test` counted.
set -eu
awk -F'[:,%]' '/^[0-9]+%: Checks: / { checks += $4; failures += $6; errors += $8 }
    END { if (checks == 0) { print "no check was run"; exit 1 }
          printf "%d passed, %d failed\n", checks - failures - errors, failures + errors }' \
    "$1/meson-logs/testlog.txt"
