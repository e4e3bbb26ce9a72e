#!/bin/sh
# scripts/closing_line.sh BUILD: adds up what the Check programs of the last `meson test` counted.
set -eu
awk -F'[:,%]' '/^[0-9]+%: Checks: / { checks += $3; failures += $5; errors += $7 }
    END { if (checks == 0) { print "no check was run"; exit 1 }
          printf "%d passed, %d failed\n", checks - failures - errors, failures + errors }' \
    "$1/meson-logs/testlog.txt"
