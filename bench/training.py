#!/usr/bin/env python3
"""Times whole trainings of Rondo and PyTorch in turn: data, forward and backward pass, clipping and optimizer.

    training.py BUILD [--python PYTHON] [--only ROW]… [--rounds N] [--text-rounds N] [--threads N] [--write]
    training.py BUILD --check [--python PYTHON] [--only ROW]…

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch. bench/training_rows.py describes the rows. A turn is one
epoch, and the programs of a row take turns. The processes of PyTorch have trained before they are timed, so that their memory is
allocated; a process of Rondo trains two epochs, of which the second is timed, unless an epoch is long. A figure is the median over the rounds. PyTorch reads the texts of sentiment
from padded batches with a mask, and as packed sequences, which take so long that they have a single turn. The results are
also written to BUILD/bench_training.json. A run takes about five minutes.

--check compares the losses of both programs over an epoch at equal weights, which are not trained.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import table
from training_rows import ROWS
from turns import Peer, build_with, interpreter, median_of, positive, run_json, threads

HERE = pathlib.Path(__file__).resolve().parent
BEGIN = "<!-- make bench-training writes from here -->"
READY_LIMIT = 120  # seconds until a peer is ready
LARGEST = 1e-5  # relative difference of losses in f32 at equal weights


class Rondo:
    """A process for each turn. Its time is that of its last epoch, without reading, validation and files."""

    def __init__(self, options, experiment, folder, epochs=1):
        self.folder = pathlib.Path(folder) / "run"
        self.command = [options.build / "rondo", "train", experiment, "--set", f"schedule.epochs={epochs}", "--out",
                        self.folder, "--threads", options.threads, "--profile", "--json", "--quiet"]
        self.turns, self.epochs = 0, epochs

    def train(self, *more):
        """What the run printed, its last epoch, and the largest memory of the process in MiB."""
        self.turns += 1
        command = [str(part) for part in (*self.command, *more)]
        command[command.index("--out") + 1] += f"-{self.turns}"
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(command, stdout=output, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            errors.seek(0)
            if process.returncode != 0:
                return {"missing": errors.read().strip()}, None, None
            printed = json.load(output)
        epoch = {}
        for name in ("metrics", "timings"):
            with open(pathlib.Path(printed["run"]) / f"{name}.jsonl", encoding="utf-8") as stream:
                epoch |= json.loads(stream.readlines()[self.epochs - 1])
        return printed, epoch, usage.ru_maxrss / 1024

    def time(self, _seconds):
        printed, epoch, memory = self.train()
        if epoch is None:
            return printed
        stages = printed["profile"]["stages"]
        all_layers = printed["profile"].get("encoder", []) + printed["profile"]["layers"]
        layers = {f"{half} {phase}": sum(layer[half][phase] for layer in all_layers)
                  for half in ("forward", "backward") for phase in ("before", "loop", "after")}
        # of both epochs: the stages are divided by all updates
        return {"seconds": epoch["seconds"], "updates": epoch["step"],
                "threads": printed["profile"]["threads"], "memory": memory, **stages,
                **{f"layers {name}": seconds for name, seconds in layers.items()}}

    def close(self):
        pass


def peer_command(options, name, data):
    return [options.python, HERE / "torch_training.py", name, data, options.threads]


def take_turns(options, row, folder):
    """{program: median} of Rondo and of the peers, and the versions of PyTorch."""
    experiment, data = row.prepare(folder)
    rounds = options.text_rounds if row.unit is None else options.rounds
    epochs = 1 if row.updates is None else 2
    programs = {"rondo": (Rondo(options, experiment, folder, epochs), rounds)}
    for name, own in row.own.items():
        (folder / name).mkdir()
        programs[name] = (Rondo(options, own.prepare(folder / name)[0], folder / name, epochs), rounds)
    turns = {}
    try:
        for name, (_, most) in row.peers.items():  # one after the other: a peer that gets ready takes all threads
            if options.python and name not in row.own:
                programs[name] = (Peer(peer_command(options, name, data), READY_LIMIT), most or rounds)
        for turn in range(rounds):
            for name, (program, most) in programs.items():
                if turn < most:
                    turns.setdefault(name, []).append(program.time(0) | getattr(program, "ready", {}))
    finally:
        for program, _ in programs.values():
            program.close()
    versions = {turn["version"] for own in turns.values() for turn in own if "version" in turn}
    for own in turns.values():
        for turn in own:
            turn.pop("version", None)
    return {name: median_of(own) | {"turns": len(own)} for name, own in turns.items()}, versions


# ---- losses at equal weights ----

def check(options, name, row, folder):
    """1 if the losses differ."""
    if row.has_dropout:
        print(f"{name:20} not compared: the programs draw different words, elements or classes")
        return 0
    experiment, data = row.prepare(folder)
    printed, epoch, _ = Rondo(options, experiment, folder).train("--set", "optimizer.lr=0")
    if epoch is None:
        print(f"{name:20} {printed['missing']}")
        return 1
    ours, differs = epoch["train"]["loss"], 0
    for peer in (peer for peer in row.peers if peer not in row.unequal):
        found = run_json([*peer_command(options, peer, data), pathlib.Path(printed["run"]) / "weights.safetensors"])
        if "missing" in found:
            print(f"{name:20} {found['missing']}")
            return 1
        difference = abs(found["loss"] - ours) / ours
        differs |= difference > LARGEST
        print(f"{name:20} Rondo {ours:.7f}, PyTorch {found['loss']:.7f}: {difference:.1e}"
              f"{'  differs' if difference > LARGEST else ''}")
    return int(differs)


# ---- the table ----

def split_text(rondo, epoch_updates):
    """The stages of an update, in ms, summed over threads. While one thread does what all wait for, all count."""
    threads = rondo["threads"]
    recurrence = sum(rondo[f"layers {half} {phase}"] for half in ("forward", "backward")
                     for phase in ("before", "loop", "after"))
    parts = [("batches", rondo["batches"]), ("recurrence", recurrence),
             ("rest of the forward pass", rondo["forward"] + rondo["loss"] -
              sum(rondo[f"layers forward {phase}"] for phase in ("before", "loop", "after"))),
             ("rest of the backward pass", rondo["backward"] -
              sum(rondo[f"layers backward {phase}"] for phase in ("before", "loop", "after"))),
             ("sum of gradients", threads * rondo["sum of gradients"]),
             ("clipping and optimizer", threads * rondo["update"])]
    each = [(name, 1e3 * seconds / rondo["updates"]) for name, seconds in parts]
    total = 1e3 * threads * rondo["seconds"] / (epoch_updates or rondo["updates"])
    each.append(("waiting, and all else", max(0, total - sum(time for _, time in each))))
    return "; ".join(f"{name} {time:.2f} ms ({time / total:.0%})" for name, time in each)


def rows_of(row, results):
    rondo = results["rondo"]
    label = row.title if row.updates is None else f"{row.title}, {row.updates} updates"
    for name, result in results.items():
        title = "Rondo" if name == "rondo" else row.peers[name][0]
        if "seconds" not in result:
            yield [label, title, result["missing"], "", ""]
            continue
        rate = f"{row.updates * row.unit[1] / result['seconds']:,.0f} {row.unit[0]}" if row.unit else ""
        ratio = f"{result['seconds'] / rondo['seconds']:.2f}" if name != "rondo" and "seconds" in rondo else ""
        yield [label, title, f"{result['seconds']:.2f}", rate, ratio]


def vocabulary_text(results):
    """What an update costs with many words, beside one with few."""
    small, large = (results.get(f"vocabulary-{symbols}", {}).get("rondo", {}) for symbols in (5000, 600000))
    if "seconds" not in small or "seconds" not in large:
        return []
    times = large["seconds"] / large["updates"] / (small["seconds"] / small["updates"])
    return ["", f"An update of Rondo with a vocabulary of 600,000 takes {times:.2f} times as long as one with 5,000. The "
            f"process takes {large['memory']:,.0f} MiB and {small['memory']:,.0f} MiB, of which the embeddings are "
            f"{600000 * 64 * 4 / 2**20:,.0f} MiB and {5000 * 64 * 4 / 2**20:,.1f} MiB."]


def text_of(result):
    lines = [f"{result['threads']} threads; torch {result['torch'] or 'missing'}; medians of {result['rounds']} turns, "
             f"of {result['text_rounds']} for sentiment and of one for packed sequences.", "",
             table.line(["training", "program", "seconds per epoch", "per second", "/ Rondo"]), "|---" * 5 + "|"]
    for name, results in result["rows"].items():
        lines += [table.line(cells) for cells in rows_of(ROWS[name], results)]
    for name, results in result["rows"].items():
        if "seconds" in results["rondo"]:
            parts = split_text(results["rondo"], ROWS[name].updates)
            lines += ["", f"An update of Rondo, {ROWS[name].title}, summed over threads: {parts}."]
    return "\n".join([*lines, *vocabulary_text(result["rows"]), ""])


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=build_with("rondo"))
    parser.add_argument("--python", type=interpreter, default=os.environ.get("RONDO_BENCH_PYTHON"), help="interpreter that has torch")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="measure only this row; may be repeated")
    parser.add_argument("--rounds", type=positive, default=5, help="turns of a row")
    parser.add_argument("--text-rounds", type=positive, default=3, help="turns of sentiment")
    parser.add_argument("--threads", type=threads, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--check", action="store_true", help="compare the losses at equal weights; no time is measured")
    parser.add_argument("--write", action="store_true", help="replace the table in docs/performance.md")
    options = parser.parse_args()
    if options.write and (options.only or not options.python):
        parser.error("--write replaces the whole table, so it needs all rows, without --only, and the peer: --python or RONDO_BENCH_PYTHON")
    if options.check and not options.python:
        parser.error("--check needs --python or RONDO_BENCH_PYTHON")
    return options


def main():
    options = read_options()
    if not options.python:
        print("--python and RONDO_BENCH_PYTHON are not given: PyTorch is missing, only Rondo is measured",
              file=sys.stderr)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    os.environ["RONDO_PLUGIN_PATH"] = str(options.build / "plugins")
    measured, versions, differs = {}, set(), 0
    for name in options.only or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            if options.check:
                differs |= check(options, name, ROWS[name], pathlib.Path(folder))
            else:
                measured[name], more = take_turns(options, ROWS[name], pathlib.Path(folder))
                versions |= more
    if options.check:
        return differs
    result = {"threads": options.threads, "rounds": options.rounds, "text_rounds": options.text_rounds,
              "torch": ", ".join(sorted(versions)), "rows": measured}
    (options.build / "bench_training.json").write_text(json.dumps(result, indent=2) + "\n")
    text = text_of(result)
    print(text)
    if options.write:
        table.write(HERE.parent / "docs" / "performance.md", text, BEGIN)
    return 0


if __name__ == "__main__":
    sys.exit(main())
