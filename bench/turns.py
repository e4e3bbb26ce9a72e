"""Programs and processes that take turns, and what is on their command lines: what every benchmark here is made of."""
import argparse
import json
import math
import os
import pathlib
import select
import shutil
import signal
import statistics
import subprocess
import tempfile


# ---- arguments, as types for argparse ----

def build_with(program):
    """The folder of a build that has this program, such as "bench/bench_step"."""
    def folder(text):
        path = pathlib.Path(text).resolve()
        if not (path / program).is_file():
            raise argparse.ArgumentTypeError(f"'{text}' is not the folder of a build: it has no {program}")
        return path
    return folder


def positive(text):
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return number


def threads(text):
    number, most = positive(text), len(os.sched_getaffinity(0))
    if number > most:
        raise argparse.ArgumentTypeError(f"{text} threads on {most} processors would measure how they wait for each other")
    return number


def seconds(text):
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return number


def interpreter(text):
    if shutil.which(text) is None:
        raise argparse.ArgumentTypeError(f"there is no program '{text}'")
    return text


# ---- turns ----


def last_line(text):
    return (text.strip().splitlines() or ["no output"])[-1].strip().replace("|", "or")  # for a cell of a table


def run_json(command):
    """What a program prints, or {"missing": why}."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"missing": last_line(done.stderr)}
    except (OSError, ValueError) as error:
        return {"missing": str(error)}


class Peer:
    """A process that stays, since its start is slow; it answers every line with a timing."""

    def __init__(self, command, limit):
        self.errors = tempfile.TemporaryFile("w+")
        self.ready = {"missing": f"over {limit:g} s"}
        self.process = subprocess.Popen([str(part) for part in command], text=True, bufsize=1, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        if select.select([self.process.stdout], [], [], limit)[0]:
            self.ready = self.answer()
        if "missing" in self.ready:
            self.close()

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.process.wait()
        self.errors.seek(0)
        return {"missing": last_line(self.errors.read())}

    def time(self, seconds):
        if "missing" in self.ready:
            return self.ready
        try:
            self.process.stdin.write(f"{seconds}\n")
        except BrokenPipeError:
            pass
        return self.ready | self.answer()

    def close(self):
        """Ends the process, and the compilers that it has started: a group of their own."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def median_of(turns):
    """Of every number that all turns gave; or the first reason why there is none."""
    for turn in turns:
        if "missing" in turn:
            return {"missing": turn["missing"]}
    return medians(turns)


def medians(tables):
    return {key: medians([each[key] for each in tables if key in each]) if isinstance(value, dict)
            else statistics.median(each[key] for each in tables if key in each) for key, value in tables[0].items()}
