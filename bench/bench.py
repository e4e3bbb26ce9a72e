#!/usr/bin/env python3
"""Times training steps of Rondo, and of PyTorch where one is given, in turn; writes a JSON file and prints a table.

    bench.py BUILD [--torch PYTHON] [--rounds N] [--seconds S]

PYTHON is an interpreter that has PyTorch (such as venv/bin/python); without it Rondo is timed alone. A figure is the median
over the rounds of the median in a round; a ratio is one of medians. The machine's own sgemm rate is measured in every
round beside them.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = [(35, 64, 256, 256), (35, 20, 200, 200), (128, 32, 64, 64), (64, 64, 512, 512), (100, 1, 64, 64),
          (100, 16, 128, 128)]
CELLS = ["rnn_tanh", "gru", "lstm"]


def timing(command):
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--torch", help="interpreter that has PyTorch", default=os.environ.get("RONDO_BENCH_PYTHON"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    step = options.build / "bench" / "bench_step"
    gflops = []
    seconds = {}
    for _ in range(options.rounds):
        gflops.append(timing([step, "sgemm", 2048])["gflops"])
        for cell in CELLS:
            for shape in SHAPES:
                tail = [*shape, options.threads, options.seconds]
                ours = timing([step, HERE.parent / "configs" / "cells" / f"{cell}.yaml", *tail])
                seconds.setdefault((cell, shape), []).append((ours["seconds"], ours["gflops"]))
                if options.torch:
                    peer = timing([options.torch, HERE / "torch_step.py", cell, *tail])
                    seconds.setdefault(("torch", cell, shape), []).append((peer["seconds"], 0))
    rate = statistics.median(gflops) * options.threads
    rows = []
    for cell in CELLS:
        for shape in SHAPES:
            ours = statistics.median(s for s, _ in seconds[cell, shape])
            flops = statistics.median(g for _, g in seconds[cell, shape])
            row = {"cell": cell, "shape": shape, "rondo_ms": 1e3 * ours, "share_of_sgemm": flops / rate}
            if options.torch:
                row["torch_ms"] = 1e3 * statistics.median(s for s, _ in seconds["torch", cell, shape])
                row["torch_over_rondo"] = row["torch_ms"] / row["rondo_ms"]
            rows.append(row)
    result = {"engine": "tape", "threads": options.threads, "sgemm_gflops_all_threads": rate, "rows": rows}
    (options.build / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"{options.threads} threads; sgemm 2048^3: {rate:.0f} GFLOP/s (one thread's rate times threads)\n")
    print("| cell | T, B, I, H | Rondo, engine tape, ms | share of sgemm | PyTorch ms | PyTorch / Rondo |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        peer = f"{row['torch_ms']:.2f} | {row['torch_over_rondo']:.2f}" if options.torch else "not measured | "
        print(f"| {row['cell']} | {', '.join(map(str, row['shape']))} | {row['rondo_ms']:.2f} | "
              f"{row['share_of_sgemm']:.0%} | {peer} |")
    print(f"\nwritten to {options.build / 'bench.json'}")


main()
