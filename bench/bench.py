#!/usr/bin/env python3
"""Times training steps of Rondo, PyTorch and JAX in turn; writes a JSON file and prints tables.

    bench.py BUILD [--python PYTHON] [--quick] [--write] [--avx2] [--cells a,b] [--shapes T,B,I,H ...] [--rounds N] ...
    bench.py BUILD --cells ./mine.yaml --shapes 35,64,256,256       where the time of a step of your own cell goes

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch and jax, such as venv/bin/python. What it lacks, and
what fails, is said in the table. For each cell and shape the peers take turns of a few hundred milliseconds, `rounds`
times; a figure is the median over the rounds of the median in a turn. The machine's own rates (sgemm, copy) are taken
beside every row. All processes are kept on the same THREADS CPUs.

--avx2 keeps every program to AVX2, on a processor that has AVX-512 too: OpenBLAS, PyTorch and JAX by their environment; BUILD must
be configured with -Davx512=false.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import table
from turns import Peer, build_with, interpreter, median_of, medians, positive, run_json, seconds, threads

HERE = pathlib.Path(__file__).resolve().parent
SIX_SHAPES = [(35, 64, 256, 256), (35, 20, 200, 200), (128, 32, 64, 64), (64, 64, 512, 512), (100, 1, 64, 64),
              (100, 16, 128, 128)]
TWO_SHAPES = [(35, 64, 256, 256), (100, 16, 128, 128)]
WIDE_SHAPES = [(512, 16, 256, 256)]
LONG_SHAPES = [(1000, 16, 128, 128), (10000, 16, 128, 128)]
# Cells, their shapes, and who is timed beside Rondo.
GROUPS = {
    "blessed": (["rnn_tanh", "gru_reset_after", "lstm"], SIX_SHAPES, ["nn", "jax"]),
    "custom": (["lstm_layer_norm", "lstm_peephole", "mgu", "cornn", "rhn", "gru"], TWO_SHAPES,
               ["loop", "compile", "jax"]),
    "elementwise": (["min_gru", "sru", "lru"], WIDE_SHAPES, ["loop", "compile", "jax"]),
    "long": (["lstm"], LONG_SHAPES, ["nn", "jax"]),
    "random": (["rnn_tanh", "gru_reset_after", "lstm"], None, ["nn"]),  # a shape of its own for each row
}
PEERS = ("nn", "loop", "compile", "jax")
RANDOM_ROWS, SEED = 21, 1
AVX2 = {"OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}
COMPILE_STEPS = 64  # torch.compile unrolls the loop, so longer ones are not tried
READY_LIMIT = 300  # seconds for a peer's first step; that of torch.compile is an option


def is_file(cell):
    """1 for the path of a cell, which has no peers."""
    return "/" in cell or cell.endswith(".yaml")


class Rondo:
    """A process for each turn."""

    def __init__(self, options, cell, shape):
        engine = [f"--engine={options.engine}"] + (["--account=json"] if options.engine == "fused" else [])
        file = cell if is_file(cell) else HERE.parent / "configs" / "cells" / f"{cell}.yaml"
        self.command = [options.step, file, *shape, options.threads, options.seconds, *engine]

    def time(self, _seconds):
        return run_json(self.command)

    def close(self):
        pass


def make_peer(options, kind, cell, shape):
    if kind == "rondo":
        return Rondo(options, cell, shape)
    if kind == "jax":
        return Peer([options.python, HERE / "jax_step.py", cell, *shape], READY_LIMIT)
    limit = options.compile_limit if kind == "compile" else READY_LIMIT
    return Peer([options.python, HERE / "torch_step.py", kind, cell, *shape, options.threads], limit)


def machine_rates(options):
    """One process alone times the threads, and one process for each thread at once."""
    rates = {}
    for name, argument, key in (("sgemm", 2048, "gflops"), ("copy", 256, "gbytes")):
        command = [str(options.step), name, str(argument)]
        alone = run_json(command)
        if "missing" in alone:
            continue
        rates[name] = alone[key]
        together = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(options.threads)]
        rates[name + "_together"] = sum(json.loads(each.communicate()[0])[key] for each in together)
    return rates


def time_row(options, group, cell, shape, kinds):
    peers = {}
    try:
        for kind in kinds: # one after the other: a peer that gets ready takes all threads
            peers[kind] = make_peer(options, kind, cell, shape)
        turns, rates = {kind: [] for kind in kinds}, machine_rates(options)
        for _ in range(options.rounds):
            for kind, peer in peers.items():
                turns[kind].append(peer.time(options.seconds))
    finally:
        for peer in peers.values():
            peer.close()
    row = {"group": group, "cell": cell, "shape": shape, "machine": rates}
    row |= {kind: median_of(turns[kind]) for kind in kinds}
    row["account"] = row["rondo"].get("account")
    return row


def versions(options):
    """Of the interpreter's libraries; None where one is missing."""
    found = {}
    for name in ("torch", "jax"):
        got = options.python and run_json([options.python, "-c", "import json, importlib.metadata as m; "
                                           f"print(json.dumps({{'version': m.version('{name}')}}))"])
        found[name] = got.get("version") if got else None
    return found


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("bench/bench_step"))
    parser.add_argument("--python", help="interpreter that has torch and jax", type=interpreter,
                        default=os.environ.get("RONDO_BENCH_PYTHON"))
    parser.add_argument("--groups", help=f"of {', '.join(GROUPS)}", default=",".join(GROUPS))
    parser.add_argument("--cells", help="names of those groups, or paths of files, with commas between them")
    parser.add_argument("--shapes", nargs="+", type=read_shape, metavar="T,B,I,H", help="instead of each group's own, without `random`")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}; may be empty")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--seconds", type=seconds, default=0.3, help="of a turn")
    parser.add_argument("--threads", type=threads, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--engine", default="fused", choices=("fused", "tape"))
    parser.add_argument("--compile-limit", type=seconds, default=120, help="seconds that torch.compile may take")
    parser.add_argument("--avx2", action="store_true", help="no program uses AVX-512")
    parser.add_argument("--quick", action="store_true", help="one round, first shapes, no torch.compile")
    parser.add_argument("--write", action="store_true", help="replace the tables in docs/performance.md; for all rows and peers only")
    options = parser.parse_args()
    options.step = options.build / "bench" / "bench_step"
    options.peers = [peer for peer in options.peers.split(",") if peer]
    for peer in options.peers:
        if peer not in PEERS:
            parser.error(f"unknown peer '{peer}', expected some of {', '.join(PEERS)}")
    if options.quick:
        options.rounds = 1
        options.peers = [peer for peer in options.peers if peer != "compile"]
    for name in options.groups.split(","):
        if name not in GROUPS:
            parser.error(f"unknown group '{name}', expected some of {', '.join(GROUPS)}")
    known = {cell for group in options.groups.split(",") for cell in GROUPS[group][0]}
    for cell in options.cells.split(",") if options.cells else ():
        if cell not in known and not (is_file(cell) and pathlib.Path(cell).is_file()):
            parser.error(f"the cell '{cell}' is neither in the groups {options.groups} nor a file")
    if not list(plan(options)):
        parser.error("nothing is measured: the group `random` has shapes of its own")
    kernels = run_json([options.step, "build"])["kernels"]
    if options.avx2 and kernels == "avx512":
        parser.error(f"--avx2: {options.build} uses AVX-512; configure a build with -Davx512=false")
    if not options.avx2 and has_avx512() and kernels != "avx512":
        parser.error(f"{options.build} does not use AVX-512, and its peers would: give --avx2")
    if options.write:
        refuse_part(parser, options)
    return options


def refuse_part(parser, options):
    """--write replaces whole tables, and may not put a part in their place."""
    missing = {"nn", "loop", "jax"} - set(options.peers)
    if options.cells or options.shapes or options.quick or options.engine != "fused" or options.groups != ",".join(GROUPS):
        parser.error("--write replaces all tables, so it needs all of their rows, by the engine fused")
    if missing or options.python is None:
        parser.error("--write needs the peers nn, loop and jax, and --python or RONDO_BENCH_PYTHON")
    for name, version in versions(options).items():
        if version is None:
            parser.error(f"--write: {options.python} has no {name}")


def has_avx512():
    return "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()


def read_shape(text):
    words = text.split(",")
    if len(words) != 4 or not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise argparse.ArgumentTypeError(f"'{text}' is not a shape, expected four numbers of at least 1: T,B,I,H")
    return tuple(map(int, words))


def random_shapes():
    """T, B, I, H such that a step takes some milliseconds to a second; the same in every run."""
    draw = random.Random(SEED)
    while True:
        shape = (draw.randint(20, 100), draw.choice((8, 10, 16, 20, 32, 50, 64, 100, 128)),
                 draw.choice((1, 3, 16, 40, 64, 100, 128, 256, 300, 512)), draw.randint(64, 1000))
        if shape[0] * shape[1] * shape[3] * (shape[2] + shape[3]) < 4e9:
            yield shape


def plan(options):
    """(group, cell, shape, kinds) of every row."""
    for group in options.groups.split(","):
        cells, shapes, kinds = GROUPS[group]
        if group == "random" and options.shapes:
            continue
        if group == "random":
            for row, shape in zip(range(1 if options.quick else RANDOM_ROWS), random_shapes()):
                cell = cells[row % len(cells)]
                if options.cells is None or cell in options.cells.split(","):
                    yield group, cell, shape, ["rondo"] + [kind for kind in kinds if kind in options.peers]
            continue
        shapes = options.shapes or shapes
        for cell in cells:
            if options.cells is None or cell in options.cells.split(","):
                for shape in shapes[:1] if options.quick else shapes:
                    yield group, cell, shape, ["rondo"] + [kind for kind in kinds if kind in options.peers]
    for cell in filter(is_file, (options.cells or "").split(",")):
        for shape in options.shapes or TWO_SHAPES:
            yield "own", cell, shape, ["rondo"]


def main():
    options = parse()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if options.avx2:
        os.environ.update(AVX2)
    elif has_avx512():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")  # old versions take the slowest kernels on newer processors
    if options.python is None:
        print("RONDO_BENCH_PYTHON is not set: Rondo is timed alone", file=sys.stderr)
        options.peers = []
    rows = []
    with tempfile.TemporaryDirectory() as cache:  # a graph compiled by an earlier run would hide the time it takes
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
        for group, cell, shape, kinds in plan(options):
            print(f"{cell} {shape}", file=sys.stderr)
            tried = [kind for kind in kinds if kind != "compile" or shape[0] <= COMPILE_STEPS]
            rows.append(time_row(options, group, cell, shape, tried))
            rows[-1].update({kind: {"missing": f"not tried beyond {COMPILE_STEPS} steps"} for kind in kinds
                             if kind not in tried})
    result = {"threads": options.threads, "engine": options.engine, "avx2": options.avx2, "rounds": options.rounds,
              "seconds_of_a_turn": options.seconds, "versions": versions(options),
              "machine": medians([row["machine"] for row in rows]),
              "rows": rows}
    (options.build / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    text = table.of(result)
    print(text)
    failed = [row for row in rows if "missing" in row["rondo"]]
    if failed:
        sys.exit("\n".join(f"{row['cell']} {row['shape']}: {row['rondo']['missing']}" for row in failed))
    if options.write:
        table.write(HERE.parent / "docs" / "performance.md", text, table.BEGIN_AVX2 if options.avx2 else table.BEGIN)
    print(f"written to {options.build / 'bench.json'}", file=sys.stderr)


main()
