#!/bin/sh
# examples/sentiment/seeds.sh [BUILD]: measures the figures of README.md with seeds 1, 2 and 3.
set -eu
cd "$(dirname "$0")/../.."
rondo=${1:-build}/rondo
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 examples/sentiment/get_data.py >/dev/null
for seed in 1 2 3; do
    start=$(date +%s)
    "$rondo" train examples/sentiment/experiment.yaml --set schedule.seed=$seed --quiet --out "$folder/$seed" >/dev/null
    seconds=$(($(date +%s) - start))
    printf 'seed %d, %d s: ' $seed $seconds
    "$rondo" eval "$folder/$seed" --on test
    printf 'The food is good\nThe food is bad\n' | "$rondo" predict "$folder/$seed" | tr '\t\n' ' ;'
    echo
done
for seed in 1 2 3; do
    "$rondo" eval "$folder/$seed" --on test --json
done | python3 -c 'import json, sys
scores = [json.loads(line)["accuracy"] for line in sys.stdin]
print(f"mean test accuracy of {len(scores)} seeds: {sum(scores) / len(scores):.4f}")'
