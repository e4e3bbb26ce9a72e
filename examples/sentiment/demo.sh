#!/bin/sh
# examples/sentiment/demo.sh [BUILD]: fetches the data, trains, predicts two texts, and prints the accuracy on the test part.
set -eu
cd "$(dirname "$0")/../.."
rondo=${1:-build}/rondo
experiment=examples/sentiment/experiment.yaml

echo "== The cell, as equations (configs/cells/$(sed -n 's/.*{cell: \([a-z_]*\),.*/\1/p' $experiment).yaml)"
cat "configs/cells/$(sed -n 's/.*{cell: \([a-z_]*\),.*/\1/p' $experiment).yaml"

echo
echo "== The data: reviews of fine foods"
python3 examples/sentiment/get_data.py

echo
echo "== Training"
run=$("$rondo" train $experiment --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["run"])')

echo
echo "== Two questions"
for text in "The food is good" "The food is bad"; do
    printf '%s\t' "$text"
    printf '%s\n' "$text" | "$rondo" predict "$run"
done

echo
echo "== Accuracy on the test part, which was not used in training ($run)"
"$rondo" eval "$run" --on test
