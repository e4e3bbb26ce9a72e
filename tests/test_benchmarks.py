#!/usr/bin/env python3
"""Benchmarks refuse what they cannot measure, with a message and status 2, and measure what they are asked for.

    test_benchmarks.py BUILD SOURCE

Exit status 77, which meson reports as skipped, if the build has no bench_step because OpenBLAS is missing.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

BUILD, SOURCE = (pathlib.Path(text) for text in sys.argv[1:3])
STEP, GENERATE, OPTIMIZERS = (f"bench/bench_{name}" for name in ("step", "generate", "optimizers"))
# Program of the build or script, its arguments, and what the message has.
REFUSED = [
    (STEP, "lstm 0 1 4 4 1 0.1", "T is '0', expected a whole number from 1"),
    (STEP, "lstm 5 0 4 4 1 0.1", "B is '0'"),
    (STEP, "lstm 5 1 5x 4 1 0.1", "I is '5x'"),
    (STEP, "lstm 5 1 4 4.5 1 0.1", "H is '4.5'"),
    (STEP, "lstm 5 1 4 4 0 0.1", "THREADS is '0', expected a whole number from 1 to 255"),
    (STEP, "lstm 5 1 4 4 1 nan", "SECONDS is 'nan', expected a number above 0"),
    (STEP, "lstm 5 1 4 4 1 -1", "SECONDS is '-1'"),
    (STEP, "lstn 5 1 4 4 1 0.1", "CELL is 'lstn', expected the name of a cell, or the path"),
    (STEP, "nope/x 5 1 4 4 1 0.1", "CELL is 'nope/x'"),
    (STEP, "lstm 5 1 4 4 1 0.1 --passes=-fse", "unknown pass '-fse' (did you mean '-fuse'?)"),
    (STEP, "lstm 5 1 4 4 1 0.1 --engine=foo", "--engine is 'foo', expected fused or tape"),
    (STEP, "lstm 5 1 4 4 1 0.1 --engine=tape --account", "expected fused for an account"),
    (STEP, "lstm 5 1 4 4 1 0.1 --acount", "usage: bench_step"),
    (STEP, "lstm 5 1", "usage: bench_step"),
    (STEP, "sgemm x", "N is 'x'"),
    (STEP, "copy -1", "MIB is '-1'"),
    (STEP, "read 0", "MB is '0'"),
    (GENERATE, "lstm 9 16 10 1 1 0.1", "LAYERS is '9', expected a whole number from 1 to 8"),
    (GENERATE, "lstm 1 16 0 1 1 0.1", "SYMBOLS is '0'"),
    (GENERATE, "lstm 1 16 10 1 1 0.1 --beam=0", "--beam is '0'"),
    (GENERATE, "./lstm.yaml 1 16 10 1 1 0.1", "CELL is './lstm.yaml'"),
    (OPTIMIZERS, "sdg - 1 0.1 lstm", "unknown optimizer 'sdg' (did you mean 'sgd'?)"),
    (OPTIMIZERS, "sgd momentun=1 1 0.1 lstm", "unknown option 'momentun' of sgd (did you mean 'momentum'?)"),
    (OPTIMIZERS, "sgd - -3 0.1 lstm", "THREADS is '-3'"),
    ("bench.py", "nofolder", "'nofolder' is not the folder of a build: it has no bench/bench_step"),
    ("bench.py", "BUILD --rounds 0", "'0' is not a whole number of at least 1"),
    ("bench.py", "BUILD --shapes 1,2,3", "'1,2,3' is not a shape, expected four numbers"),
    ("bench.py", "BUILD --threads 10000", "10000 threads on"),
    ("bench.py", "BUILD --peers foo", "unknown peer 'foo', expected some of nn, loop, compile, jax"),
    ("bench.py", "BUILD --cells ./nope.yaml", "the cell './nope.yaml' is neither in the groups"),
    ("bench.py", "BUILD --python /nope", "there is no program '/nope'"),
    ("bench.py", "BUILD --write --cells lstm", "--write replaces all tables"),
    ("bench.py", "BUILD --write", "--write needs the peers nn, loop and jax, and --python"),
    ("threads.py", "BUILD BUILD", "the threads of"),
    ("optimizers.py", "nofolder", "is not the folder of a build: it has no bench/bench_optimizers"),
    ("optimizers.py", "BUILD --write", "--write needs the peer"),
    ("training.py", "nofolder", "is not the folder of a build"),
    ("generate.py", "nofolder", "is not the folder of a build"),
    ("beam.py", "nofolder", "is not the folder of a build"),
    ("checkpoint.py", "nofolder", "is not the folder of a build"),
    ("memory.py", "nofolder", "is not the folder of a build"),
    ("compare.py", "nofolder", "is not the folder of a build"),
    ("runs.py", "nofolder", "is not the folder of a build"),
]
failures = []


def run(program, arguments, **more):
    words = arguments.replace("BUILD", str(BUILD)).split()
    command = [sys.executable, SOURCE / "bench" / program] if program.endswith(".py") else [BUILD / program]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=120, **more)


def expect(what, is_so, done):
    if not is_so:
        failures.append(f"{what}: status {done.returncode}\n{done.stdout}{done.stderr}")


def main():
    if not (BUILD / STEP).is_file():
        sys.exit(77)
    for program, arguments, message in REFUSED:
        done = run(program, arguments)
        expect(f"{program} {arguments}", done.returncode == 2 and message in done.stderr and not done.stdout, done)
    done = run(STEP, "lstm 5 2 4 4 1 0.01 --account=json")
    expect("a step with an account", json.loads(done.stdout)["account"]["forward loop"]["product"] > 0, done)
    done = run(STEP, "lstm 5 2 4 4 1 0.01 --account")
    expect("the account as a table", "backward after" in done.stdout and "all stages" in done.stdout, done)
    with tempfile.TemporaryDirectory() as folder:
        mine = pathlib.Path(folder) / "mine.yaml"
        mine.write_text((SOURCE / "configs" / "cells" / "gru.yaml").read_text().replace("cell: gru", "cell: mine"))
        kernels = json.loads(run(STEP, "build").stdout)["kernels"]
        flag = "" if kernels == "avx512" or "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text() else "--avx2"
        done = run("bench.py", f"BUILD --cells {mine} --shapes 5,2,4,4 --rounds 1 --seconds 0.01 --threads 1 {flag}")
        expect("a cell of one's own", done.returncode == 0 and "### Your own cells" in done.stdout
               and "### Where the time of a step goes" in done.stdout, done)
    print("\n".join(failures))
    sys.exit(len(failures) > 0)


main()
