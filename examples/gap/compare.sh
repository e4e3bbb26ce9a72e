#!/bin/sh
# examples/gap/compare.sh [BUILD]: measures the tables of README.md: both tasks, two cells, several learning rates.
set -eu
cd "$(dirname "$0")/../.."
rondo=${1:-build}/rondo
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# measure TASK METRIC RATE…
measure() {
    task=$1 metric=$2
    shift 2
    for cell in lstm rnn_tanh; do
        for rate in "$@"; do
            run=$folder/$task-$cell-$rate
            "$rondo" train "examples/gap/$task.yaml" --set model.layers.0.cell=$cell --set optimizer.lr="$rate" \
                --out "$run" --quiet >/dev/null
            printf '%-8s %-9s learning rate %-7s ' "$task" "$cell" "$rate"
            "$rondo" eval "$run" --on test --json | python3 -c 'import json, sys
scores = json.load(sys.stdin)
print(f"{sys.argv[1]} on the test part {scores[sys.argv[1]]:.4f}")' "$metric"
        done
    done
}

measure recall accuracy 0.0003 0.001 0.003
measure adding rmse 0.001 0.003
