#!/usr/bin/env python3
"""Times language models that write one symbol at a time: Rondo beside PyTorch, in turns.

    generate.py BUILD [--python PYTHON] [--rounds N] [--seconds S] [--threads N]

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch. Rondo (bench_generate) and two forms of the model in PyTorch
(torch_generate.py) take turns; a figure is the median over the rounds of the median in a turn. The last columns are the bytes of the
weights that a step reads, the rate at which Rondo reads them, and the rate at which one core reads as much memory again and again
and does nothing else: a step of one text is limited by it. All processes are kept on the same CPUs. Run it on a quiet machine.
"""
import argparse
import os
import pathlib
import sys

from turns import Peer, build_with, interpreter, median_of, positive, run_json, seconds, threads

HERE = pathlib.Path(__file__).resolve().parent
MODELS = [(1, 256, 100, 1), (2, 512, 100, 1), (2, 512, 100, 16)]  # layers, hidden, symbols, texts


class Rondo:
    """A process for each turn."""

    def __init__(self, options, model):
        layers, hidden, symbols, texts = model
        self.command = [options.build / "bench" / "bench_generate", "lstm", layers, hidden, symbols, texts,
                        options.threads, options.seconds]

    def time(self, _seconds):
        return run_json(self.command)

    def close(self):
        pass


def time_model(options, model):
    """{"rondo": …, "cell": …, "nn": …, "read": …}"""
    peers = {"rondo": Rondo(options, model)}
    try:
        for kind in ["cell", "nn"] if options.python else []:
            peers[kind] = Peer([options.python, HERE / "torch_generate.py", kind, *model, options.threads], 120)
        turns, reads = {kind: [] for kind in peers}, []
        for _ in range(options.rounds):
            for kind, peer in peers.items():
                turns[kind].append(peer.time(options.seconds))
            reads.append(run_json([options.build / "bench" / "bench_step", "read", turns["rondo"][-1].get("megabytes", 1)]))
    finally:
        for peer in peers.values():
            peer.close()
    return {kind: median_of(each) for kind, each in turns.items()} | {"read": median_of(reads)}


def microseconds(result):
    return result["missing"] if "missing" in result else f"{1e6 * result['seconds']:.0f}"


def ratio(row, kind):
    if kind not in row or "missing" in row[kind] or "missing" in row["rondo"]:
        return ""
    return f" ({row[kind]['seconds'] / row['rondo']['seconds']:.1f}×)"


def read_rate(row):
    """With Rondo's share of it."""
    if "missing" in row["read"] or "missing" in row["rondo"]:
        return row["read"].get("missing", "")
    return f"{row['read']['gbytes']:.1f} ({100 * row['rondo']['gbytes'] / row['read']['gbytes']:.0f} %)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("bench/bench_generate"))
    parser.add_argument("--python", type=interpreter, help="interpreter that has torch", default=os.environ.get("RONDO_BENCH_PYTHON"))
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--seconds", type=seconds, default=0.5, help="of a turn")
    parser.add_argument("--threads", type=threads, default=1)
    options = parser.parse_args()
    build = options.build
    os.environ.setdefault("RONDO_PLUGIN_PATH", str(build / "plugins"))
    os.environ.setdefault("RONDO_CELL_PATH", str(HERE.parent / "configs" / "cells"))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if options.python is None:
        print("RONDO_BENCH_PYTHON is not set: Rondo is timed alone", file=sys.stderr)
    print("| LSTM layers × width, symbols, texts | Rondo, µs | LSTMCell, µs | nn.LSTM, µs | weights, MB | read, GB/s | of one core, GB/s |")
    print("|---|---|---|---|---|---|---|")
    for model in MODELS:
        row = time_model(options, model)
        of_rondo = row["rondo"]
        cells = [microseconds(row[kind]) + ratio(row, kind) if kind in row else "" for kind in ("cell", "nn")]
        print(f"| {model[0]} × {model[1]}, {model[2]}, {model[3]} | {microseconds(of_rondo)} | {cells[0]} | {cells[1]} | "
              f"{of_rondo.get('megabytes', '')} | {of_rondo.get('gbytes', '')} | {read_rate(row)} |", flush=True)


if __name__ == "__main__":
    main()
