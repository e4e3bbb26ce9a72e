"""fake_comparison.py FOLDER VARIANTS SEEDS LINES: writes the folder of a comparison that nobody has trained, for tests and trials of
`rondo report`: comparison.json, and the runs with all files that a report reads. The numbers are drawn with a fixed seed.
"""

import json
import math
import os
import random
import sys

CELLS = ("lstm", "gru", "rnn_tanh", "mgu", "min_gru", "peephole", "janet", "lru", "indrnn", "ugrnn", "lem", "cornn")
EXPERIMENT = """rondo: 1
name: fake
data:
  reader: text
model:
  layers:
    - cell: cells/{cell}.yaml
      hidden: {hidden}
optimizer:
  plugin: adam
  lr: 0.01
schedule:
  epochs: {lines}
  seed: {seed}
  early_stopping:
    metric: valid.accuracy
"""
CELL = """cell: {cell}
source: "A & B 2020, equation <3>"
summary: "a cell of the tests"
state: [h]
equations: |
  z  = sigmoid(x @ W_z + h @ U_z + b_z)
  h' = z * h + (1 - z) * tanh(x @ W + h @ U + b)
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def write_run(folder, cell, hidden, seed, lines, speed, draw):
    """Returns the accuracy at the end and the seconds."""
    metrics, timings, total = [], [], 0
    end = 0.7 + 0.25 * (1 - math.exp(-speed)) + draw.gauss(0, 0.008)
    for line in range(1, lines + 1):
        done = 1 - math.exp(-4 * speed * line / lines)
        accuracy = min(1, 0.5 + (end - 0.5) * done + draw.gauss(0, 0.004))
        loss = 0.75 - 0.6 * done + abs(draw.gauss(0, 0.01))
        seconds = 0.5 / speed * (1 + 0.05 * draw.random())
        total += seconds
        metrics.append({"epoch": line, "step": 25 * line, "gradient_norm": round(3 * math.exp(draw.gauss(0, 0.3)), 6),
                        "lr_scale": 0.5 + 0.5 * math.cos(math.pi * line / (lines + 1)), "best": line == lines,
                        "train": {"loss": 0.7 * loss},
                        "valid": {"loss": loss, "accuracy": accuracy, "f1": accuracy - 0.02}})
        timings.append({"step": 25 * line, "seconds": seconds, "memory_megabytes": 30 + hidden / 10})
    metrics.append({"finished": True, "epochs": lines, "best_epoch": lines, "steps": 25 * lines})
    timings.append({"step": 25 * lines, "seconds": total, "memory_megabytes": 30 + hidden / 10})
    for name, items in (("metrics", metrics), ("timings", timings)):
        write(f"{folder}/{name}.jsonl", "".join(json.dumps(item) + "\n" for item in items))
    write(f"{folder}/experiment.yaml", EXPERIMENT.format(cell=cell, hidden=hidden, lines=lines, seed=seed))
    write(f"{folder}/cells/{cell}.yaml", CELL.format(cell=cell))
    write(f"{folder}/environment.json", json.dumps({
        "rondo": "0.1.0", "abi": "1.2", "compiler": "12.2.0", "system": "Linux", "machine": "x86_64", "threads": 2,
        "seed": seed, "started": f"2026-01-02T03:{seed:02}:05Z",
        "data": {"train": {"file": "/data/train.tsv", "bytes": 1234, "xxh3": "00ff00ff00ff00ff"}}, "plugins": []}))
    return end, total


def inspection(cell, hidden, fall):
    """As inspect/inspect.h describes it; the gradient falls by the factor `fall` per step."""
    def curve(scale):
        norm = [scale * fall ** step for step in range(30)]
        return {"distance": list(range(30)), "norm": norm, "examples": [100] * 30, "fitted": [0, 29],
                "half_life": None if fall >= 1 else -1 / math.log2(fall), "factor": fall, "fit": 0.99}
    states = [{"name": name, "width": hidden, "curve": curve(scale), "dead": 1, "saturated": 0}
              for name, scale in (("h", 0.01), ("c", 0.02))[:2 if cell == "lstm" else 1]]
    gates = [{"name": name, "op": "sigmoid", "low": 0, "high": 1, "below": 0.1, "above": 0.25, "shut": 0, "open": 0.0625}
             for name in ("z", "r<")]
    layer = {"name": "layers.0", "cell": cell, "direction": "forward", "states": states, "gates": gates,
             "matrices": [{"name": "U", "rows": hidden, "columns": hidden, "radius": [0.5, 1.125]}]}
    return {"format": 1, "data": {"part": "test", "examples": 100, "of": 200, "steps": 30}, "loss": 0.5,
            "gradient_from": "the last step", "layers": [layer], "findings": ["inputs <count> back"],
            "memory": {"curve": curve(0.001), "reach": 20, "reach_share": 0.01, "most": 10, "most_share": 0.9},
            "updates": {"step": [10, 20], "ratio": {"U": [0.01, 0.002], "W": [0.02, 0.004]}}}


def write_comparison(folder, variants, seeds, lines, names=None, inspected=2):
    """`names`: of the variants, in place of those of the cells; `inspected`: variants with an inspect.json."""
    draw = random.Random(1)
    written = []
    for number in range(variants):
        cell, hidden = CELLS[number % len(CELLS)], 32 + 16 * (number % 5) + 8 * (number // len(CELLS))
        name = cell if number < len(CELLS) else f"{cell}, hidden {hidden}"
        runs = []
        for seed in range(1, seeds + 1):
            below = f"runs/v{number}/seed-{seed}"
            score, total = write_run(f"{folder}/{below}", cell, hidden, seed, lines, 0.4 + 0.3 * (number % 6), draw)
            if seed == 1 and number < inspected:
                write(f"{folder}/{below}/inspect.json", json.dumps(inspection(cell, hidden, 1 - 0.1 * number)))
            runs.append({"seed": seed, "folder": below, "state": "scored", "reason": None, "score": score,
                         "metrics": {"accuracy": score}, "valid": score + 0.01, "best_epoch": lines, "epochs": lines,
                         "seconds": total, "seconds_per_epoch": total / lines, "peak_memory_megabytes": 30 + hidden / 10,
                         "steps_to_target": 25 * seed if score > 0.8 else "never", "seconds_to_target": None})
        written.append({"name": names[number] if names else name, "folder": f"v{number}",
                        "settings": {"model.layers.0.cell": cell}, "widths": {}, "tuned": {},
                        "parameters": 4 * hidden * hidden + 1000, "flops_per_step": 8 * hidden * hidden,
                        "budget_ratio": None, "runs": runs})
    write(f"{folder}/comparison.json", json.dumps({
        "format": 1, "name": "cells on sentences", "experiment": "/experiments/cells.yaml", "metric": "accuracy",
        "higher_is_better": True, "part": "test", "target": 0.8, "equal": "no", "budget": 0, "baseline": written[0]["name"],
        "trials": 0, "seeds": list(range(1, seeds + 1)), "variants": written}))


if __name__ == "__main__":
    write_comparison(sys.argv[1], *map(int, sys.argv[2:5]))
