#!/usr/bin/env python3
"""Times whole trainings of Rondo and PyTorch in turn: data, forward and backward pass, clipping and optimizer.

    training.py BUILD [--python PYTHON] [--rounds N] [--updates N] [--threads N] [--write]

PYTHON (or RONDO_BENCH_PYTHON) is an interpreter that has torch. A turn is one epoch: of a character language model on
the first characters of examples/language-model (of random ones if its data has not been fetched), and of
examples/sentiment, whose texts have different lengths. PyTorch reads the latter from padded batches with a mask, and as
packed sequences, which take so long that they have a single turn. A figure is the median over the rounds. The results are
also written to BUILD/bench_training.json. A run takes about three minutes.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import table
from turns import Peer, median_of

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
BEGIN = "<!-- make bench-training writes from here -->"
READY_LIMIT = 120  # seconds until a peer is ready
BATCH, WINDOW = 32, 100

CHARACTERS = """\
rondo: 1
name: characters
architecture: "N:N"
data: {reader: characters, train: text.txt, window: 100, carry: true}
model:
  feedback: true
  embedding: {size: 64}
  layers: [{cell: lstm, hidden: 256}]
loss: {plugin: softmax_cross_entropy}
optimizer: {plugin: adam, lr: 0.002}
schedule: {epochs: 1, batch: 32, clip_norm: 1.0, seed: 1}
"""


def character_text(updates):
    """Enough text for the updates. Its alphabet has 70 symbols where it is random, as that of the example has."""
    count = updates * BATCH * WINDOW
    fetched = EXAMPLES / "language-model" / "data" / "kjv.txt"
    if fetched.exists():
        with fetched.open(encoding="utf-8", newline="") as stream:
            text = stream.read(count)
        if len(text) == count:
            return text
    return "".join(random.Random(1).choices([chr(ord("0") + i) for i in range(70)], k=count))


class Rondo:
    """A process for each turn. Its time is that of the epoch, without reading, validation and files."""

    def __init__(self, options, experiment, folder):
        self.folder = pathlib.Path(folder) / f"run-{experiment.stem}"
        self.command = [options.build / "rondo", "train", experiment, "--set", "schedule.epochs=1", "--out", self.folder,
                        "--threads", options.threads, "--profile", "--json", "--quiet"]
        self.turns = 0

    def time(self, _seconds):
        self.turns += 1
        command = [str(part) for part in self.command]
        command[command.index("--out") + 1] += f"-{self.turns}"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return {"missing": done.stderr.strip()}
        printed = json.loads(done.stdout)
        with open(pathlib.Path(printed["run"]) / "metrics.jsonl", encoding="utf-8") as stream:
            epoch = json.loads(stream.readline())
        stages = printed["profile"]["stages"]
        layers = {f"{half} {phase}": sum(layer[half][phase] for layer in printed["profile"]["layers"])
                  for half in ("forward", "backward") for phase in ("before", "loop", "after")}
        return {"seconds": epoch["seconds"] - stages["validation"], "updates": epoch["step"],
                "threads": printed["profile"]["threads"], **stages,
                **{f"layers {name}": seconds for name, seconds in layers.items()}}

    def close(self):
        pass


def take_turns(options, experiment, folder, peers, rounds):
    """{name: median} of Rondo and of the peers, {name: (arguments, the most turns)}."""
    programs = {"rondo": (Rondo(options, experiment, folder), rounds)}
    turns = {}
    try:
        for name, (arguments, most) in peers.items():  # one after the other: a peer that gets ready takes all threads
            if options.python:
                command = [options.python, HERE / "torch_training.py", *arguments, options.threads]
                programs[name] = (Peer(command, READY_LIMIT), most)
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


# ---- the table ----

PEERS = {"characters": "PyTorch", "padded": "PyTorch, padded batches with a mask", "packed": "PyTorch, packed sequences"}


def split_text(rondo):
    """The stages of an update, in ms, summed over threads."""
    recurrence = sum(rondo[f"layers {half} {phase}"] for half in ("forward", "backward")
                     for phase in ("before", "loop", "after"))
    parts = [("batches", rondo["batches"]), ("recurrence", recurrence),
             ("rest of the forward pass", rondo["forward"] + rondo["loss"] -
              sum(rondo[f"layers forward {phase}"] for phase in ("before", "loop", "after"))),
             ("rest of the backward pass", rondo["backward"] -
              sum(rondo[f"layers backward {phase}"] for phase in ("before", "loop", "after"))),
             ("sum of gradients", rondo["sum of gradients"]), ("clipping and optimizer", rondo["update"])]
    total = sum(seconds for _, seconds in parts)
    return "; ".join(f"{name} {1e3 * seconds / rondo['updates']:.2f} ms ({seconds / total:.0%})"
                     for name, seconds in parts)


def rows_of(label, results, per_second):
    rondo = results["rondo"]
    for name, result in results.items():
        title = "Rondo" if name == "rondo" else PEERS[name]
        if "seconds" not in result:
            yield [label, title, result["missing"], "", ""]
            continue
        rate = f"{per_second / result['seconds']:,.0f}" if per_second else ""
        ratio = f"{result['seconds'] / rondo['seconds']:.2f}" if name != "rondo" and "seconds" in rondo else ""
        yield [label, title, f"{result['seconds']:.2f}", rate, ratio]


def text_of(result):
    characters, texts = result["characters"], result["texts"]
    lines = [f"{result['threads']} threads; torch {result['torch'] or 'missing'}; medians of {result['rounds']} turns, "
             f"of {result['text_rounds']} for sentiment and of one for packed sequences.", "",
             table.line(["training", "program", "seconds per epoch", "characters per second", "/ Rondo"]),
             "|---" * 5 + "|"]
    rows = [*rows_of(f"characters, {result['updates']} updates", characters, result["updates"] * BATCH * WINDOW),
            *rows_of("sentiment", texts, None)]
    lines += [table.line(row) for row in rows]
    for name, results in (("characters", characters), ("sentiment", texts)):
        if "seconds" in results["rondo"]:
            lines += ["", f"An update of Rondo, {name}, summed over threads: {split_text(results['rondo'])}."]
    return "\n".join([*lines, ""])


def sentiment(options):
    """The experiment, with its data."""
    example = EXAMPLES / "sentiment"
    if not (example / "data" / "train.tsv").exists():
        subprocess.run([sys.executable, example / "get_data.py"], check=True)
    return example / "experiment.yaml", example / "data" / "train.tsv"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--python", default=os.environ.get("RONDO_BENCH_PYTHON"), help="interpreter that has torch")
    parser.add_argument("--rounds", type=int, default=5, help="turns of the language model")
    parser.add_argument("--text-rounds", type=int, default=3, help="turns of sentiment")
    parser.add_argument("--updates", type=int, default=60, help="of a turn of the language model")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count()))
    parser.add_argument("--write", action="store_true", help="replace the table in docs/performance.md")
    options = parser.parse_args()
    options.build = options.build.resolve()
    if not options.python:
        print("--python and RONDO_BENCH_PYTHON are not given: PyTorch is missing, only Rondo is measured",
              file=sys.stderr)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    os.environ["RONDO_PLUGIN_PATH"] = str(options.build / "plugins")
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.txt"
        text.write_text(character_text(options.updates), encoding="utf-8", newline="")
        experiment = pathlib.Path(folder) / "characters.yaml"
        experiment.write_text(CHARACTERS, encoding="utf-8")
        characters, versions = take_turns(options, experiment, folder,
                                          {"characters": (["characters", text], options.rounds)}, options.rounds)
        experiment, train = sentiment(options)
        texts, more = take_turns(options, experiment, folder, {"padded": (["padded", train], options.text_rounds),
                                                               "packed": (["packed", train], 1)}, options.text_rounds)
    result = {"threads": options.threads, "rounds": options.rounds, "text_rounds": options.text_rounds,
              "updates": options.updates, "torch": ", ".join(sorted(versions | more)), "characters": characters,
              "texts": texts}
    (options.build / "bench_training.json").write_text(json.dumps(result, indent=2) + "\n")
    text = text_of(result)
    print(text)
    if options.write:
        table.write(HERE.parent / "docs" / "performance.md", text, BEGIN)


main()
