#!/usr/bin/env python3
"""Times updates of ten million numbers by Rondo and by PyTorch in turn, and what plug-ins cost to load.

    optimizers.py BUILD [--python PYTHON] [--write] [--rounds N] [--seconds S]

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch. The peers take turns; a figure is the median over the
rounds of the median in a turn. The rate of the machine's memory is taken in every round.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

import table
from turns import Peer, build_with, interpreter, median_of, positive, run_json, seconds, threads

HERE = pathlib.Path(__file__).resolve().parent
CELL = HERE.parent / "configs" / "cells" / "lstm.yaml"
# Rondo's name and options, and how PyTorch is asked for the same.
ROWS = [("sgd", "-", "sgd", ["fused", "foreach"]),
        ("sgd", "momentum=0.9", "sgd momentum=0.9", ["fused", "foreach"]),
        ("adam", "-", "adam", ["fused", "foreach"]),
        ("adamw", "-", "adamw", ["fused", "foreach"]),
        ("lion", "-", "lion", ["foreach"])]
BEGIN = "<!-- make bench-optimizers writes from here -->"


def time_row(options, shapes, name, text, peer_name, kinds):
    rondo = [options.program, name, text, options.threads, options.seconds, CELL]
    peers = {kind: Peer([options.python, HERE / "torch_optimizers.py", peer_name, kind, json.dumps(shapes),
                         options.threads], 300) for kind in kinds if options.python}
    turns, copies = {kind: [] for kind in ["rondo", *peers]}, []
    try:
        for _ in range(options.rounds):
            copies.append(run_json([options.program, "copy", "256", options.threads]))
            turns["rondo"].append(run_json(rondo))
            for kind, peer in peers.items():
                turns[kind].append(peer.time(options.seconds))
    finally:
        for peer in peers.values():
            peer.close()
    return {"name": name, "options": text, "copy": median_of(copies)} | {
        kind: median_of(turn) for kind, turn in turns.items()}


def time_list(options):
    """Median wall time of `rondo list`, a process each time."""
    timings = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([options.build / "rondo", "list"], check=True, stdout=subprocess.DEVNULL)
        timings.append(time.perf_counter() - start)
    return statistics.median(timings)


def milliseconds(timing):
    return f"{1e3 * timing['seconds']:.2f}" if "seconds" in timing else timing.get("missing", "not measured")


def ratio(row, kind):
    return f"{row[kind]['seconds'] / row['rondo']['seconds']:.2f}" if "seconds" in row.get(kind, {}) else ""


def text_of(result):
    copies = [row["copy"]["gbytes"] for row in result["rows"]]
    lines = [f"{result['threads']} threads; {result['numbers']:,} numbers in {result['tensors']} tensors, f32; torch "
             f"{result['torch'] or 'missing'}; medians of {result['rounds']} turns of {result['seconds']} s. memcpy by "
             f"all threads in the same run: {statistics.median(copies):.1f} GB/s.", "",
             table.line(["optimizer", "Rondo ms", "GB/s", "share of copy", "PyTorch fused ms", "/ Rondo",
                         "PyTorch foreach ms", "/ Rondo"]), "|---" * 8 + "|"]
    for row in result["rows"]:
        rondo = row["rondo"]
        name = row["name"] + ("" if row["options"] == "-" else f", {row['options']}")
        cells = [name, milliseconds(rondo), f"{rondo['gbytes']:.1f}", f"{rondo['gbytes'] / row['copy']['gbytes']:.0%}"]
        for kind in ("fused", "foreach"):
            cells += [milliseconds(row[kind]) if kind in row else "not available", ratio(row, kind)]
        lines.append(table.line(cells))
    lines += ["", f"Loading the {result['load']['plugins']:.0f} plug-ins that are shipped with Rondo takes "
              f"{1e3 * result['load']['seconds']:.1f} ms; `rondo list` takes {1e3 * result['list_seconds']:.1f} ms, "
              "including the start of the process and the cells.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("bench/bench_optimizers"))
    parser.add_argument("--python", type=interpreter, default=os.environ.get("RONDO_BENCH_PYTHON"), help="interpreter that has torch")
    parser.add_argument("--rounds", type=positive, default=7)
    parser.add_argument("--seconds", type=seconds, default=0.5, help="of a turn")
    parser.add_argument("--threads", type=threads, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--write", action="store_true", help="replace the table in docs/performance.md")
    options = parser.parse_args()
    if options.write and not options.python:
        parser.error("--write needs the peer: --python or RONDO_BENCH_PYTHON")
    options.program = options.build / "bench" / "bench_optimizers"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    os.environ["RONDO_PLUGIN_PATH"] = str(options.build / "plugins")
    shapes = run_json([options.program, "shapes", CELL])["shapes"]
    rows = [time_row(options, shapes, *row) for row in ROWS]
    found = options.python and run_json([options.python, "-c", "import json, torch; "
                                         "print(json.dumps({'version': torch.__version__.split('+')[0]}))"])
    result = {"threads": options.threads, "rounds": options.rounds, "seconds": options.seconds, "tensors": len(shapes),
              "numbers": int(rows[0]["rondo"]["numbers"]), "torch": found.get("version") if found else None,
              "rows": rows, "load": median_of([run_json([options.program, "load"]) for _ in range(20)]),
              "list_seconds": time_list(options)}
    (options.build / "bench_optimizers.json").write_text(json.dumps(result, indent=2) + "\n")
    text = text_of(result)
    print(text)
    if options.write:
        table.write(HERE.parent / "docs" / "performance.md", text, BEGIN)


main()
