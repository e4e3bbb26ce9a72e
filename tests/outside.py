"""examples/plugin and examples/embed as projects outside the source tree, built against an installed Rondo.

Installs the build folder into a scratch folder, so that pkg-config and the program are those of the installation, and
builds a copy of the plug-in by make and by meson, and a copy of the embedding program by the command of its README.
Nothing of the source tree is within reach of the copies.

    tests/outside.py BUILD SOURCE
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MADE = ("*.so", "build", "runs", "__pycache__")


def run(*words, folder, environment, wanted=""):
    """Runs a program that has to succeed, and to print `wanted`; what it printed."""
    done = subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=240)
    line = " ".join(str(word) for word in words)
    if done.returncode != 0:
        sys.exit(f"outside: '{line}' ended with status {done.returncode}:\n{done.stdout}")
    if wanted not in done.stdout:
        sys.exit(f"outside: '{line}' did not print '{wanted}':\n{done.stdout}")
    print(f"ok: {line}")
    return done.stdout


def one(folder, pattern):
    """The only file below a folder that matches."""
    found = sorted(folder.rglob(pattern))
    if len(found) != 1:
        sys.exit(f"outside: expected one {pattern} below '{folder}', found {found}")
    return found[0]


def clean_environment():
    return {name: text for name, text in os.environ.items() if not name.startswith(("RONDO_", "PKG_CONFIG"))}


def install(build, stage):
    """The environment in which the installation is the Rondo that there is."""
    environment = clean_environment()
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", stage, folder=stage,
        environment=environment)
    program = one(stage, "bin/rondo")
    environment["PATH"] = f"{program.parent}{os.pathsep}{environment['PATH']}"
    environment["PKG_CONFIG_PATH"] = str(one(stage, "pkgconfig/rondo.pc").parent)
    environment["PKG_CONFIG_SYSROOT_DIR"] = str(stage)
    return environment


def check_flags(stage, environment):
    """The flags lead to the installed header, and no farther."""
    flags = run("pkg-config", "--cflags", "rondo", folder=stage, environment=environment).split()
    folders = [pathlib.Path(flag[2:]) for flag in flags]
    if not folders or any(not flag.startswith("-I") for flag in flags):
        sys.exit(f"outside: expected -I alone from pkg-config, got {flags}")
    if any(stage not in folder.parents for folder in folders):
        sys.exit(f"outside: {flags} lead out of '{stage}'")
    if not any((folder / "rondo" / "plugin.h").is_file() for folder in folders):
        sys.exit(f"outside: there is no rondo/plugin.h in {folders}")


def by_make(folder, environment):
    run("make", "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror", folder=folder, environment=environment)
    run("./check.sh", folder=folder, environment=environment, wanted=" 0 warnings, 0 FAILED")
    one(folder, "runs/noisy-labels/weights.safetensors")
    installed = folder / "installed"
    run("make", "install", f"FOLDER={installed}", folder=folder, environment=environment)
    found = {**environment, "RONDO_PLUGIN_PATH": str(installed)}
    for name in ("op/sparsemax", "optimizer/yogi", "loss/generalised_cross_entropy"):
        run("rondo", "list", name, folder=folder, environment=found, wanted=name.split("/")[1])


def by_meson(folder, environment):
    run("meson", "setup", "--werror", "build", folder=folder, environment=environment)
    run("meson", "compile", "-C", "build", folder=folder, environment=environment)
    run("meson", "test", "-C", "build", "check", folder=folder, environment=environment, wanted="check")
    run("rondo", "plugin", "check", "build/noisy_labels.so", folder=folder, environment=environment,
        wanted=" 0 warnings, 0 FAILED")


def beside_the_shipped(folder, environment):
    """Without a folder of its own it goes to where Rondo's plug-ins are, and is found like them."""
    run("make", "install", folder=folder, environment=environment)
    run("rondo", "list", "optimizer/yogi", folder=folder, environment=environment, wanted="yogi")


def from_scaffold(folder, environment):
    """An installed program needs no further files to write a plug-in."""
    run("rondo", "plugin", "new", "loss", "mine", folder=folder, environment=environment, wanted="wrote mine")
    run("make", "check", folder=folder / "mine", environment=environment, wanted=" 0 warnings, 0 FAILED")


def compile_flags(library):
    """The runtime of a sanitizer must be loaded first, so a program that uses an instrumented library has it too."""
    symbols = subprocess.run(["nm", "-D", str(library)], capture_output=True, text=True, check=True).stdout
    found = [flag for symbol, flag in (("__asan_init", "address"), ("__tsan_init", "thread")) if symbol in symbols]
    return "-Wall -Wextra -Wpedantic -Werror " + "".join(f"-fsanitize={flag} " for flag in found)


def embedded(folder, stage, environment):
    """The programs train, predict and write through the installed library, and the installed command reads the same runs."""
    library = one(stage, "librondo.so")
    found = {**environment, "LD_LIBRARY_PATH": str(library.parent)}
    for program in ("train_and_predict", "predict_numbers", "write_texts"):
        run("sh", "-c", f"cc {compile_flags(library)} -o {program} {program}.c $(pkg-config --cflags --libs rondo)",
            folder=folder, environment=environment)
    for wanted in ("epoch 4 of 4: ", "the pie seems quite warm\n"):  # the second start has nothing left to train
        run("./train_and_predict", "experiment.yaml", "my-run", "the pie seems quite warm", folder=folder,
            environment=found, wanted=wanted)
    run("rondo", "eval", "my-run", "--on", "valid", folder=folder, environment=environment, wanted="valid: 40 examples")
    run("rondo", "train", "parity.yaml", "--out", "my-parity", folder=folder, environment=environment)
    run("sh", "-c", "echo 1 0 1 1 | ./predict_numbers my-parity", folder=folder, environment=found,
        wanted="0: 0.000 1.000\n1: 0.000 1.000\n2: 1.000 0.000\n3: 0.000 1.000\n")
    run("rondo", "train", "wave.yaml", "--out", "my-wave", folder=folder, environment=environment)
    run("sh", "-c", "echo 0.5 1 0 | ./predict_numbers my-wave", folder=folder, environment=found, wanted="\n19: ")
    run("rondo", "train", "sentences.yaml", "--out", "my-sentences", folder=folder, environment=environment)
    written = run("sh", "-c", "echo nice | ./write_texts my-sentences seed=2", folder=folder, environment=found, wanted="\t-")
    text = run("rondo", "generate", "my-sentences", "--input", "nice", "--seed", "2", folder=folder,
               environment=environment, wanted="\n")
    if written.split("\t")[0] != text.strip():
        sys.exit(f"outside: the program wrote {written!r}, and the command {text!r}")


def main():
    build, source = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    os.umask(0o022)  # what everybody may write to, Rondo refuses to load
    with tempfile.TemporaryDirectory(prefix="rondo-outside-") as scratch:
        scratch = pathlib.Path(scratch).resolve()
        stage = scratch / "stage"
        stage.mkdir()
        environment = install(build, stage)
        check_flags(stage, environment)
        for name, steps in (("make", by_make), ("meson", by_meson)):
            shutil.copytree(source / "examples" / "plugin", scratch / name, ignore=shutil.ignore_patterns(*MADE))
            steps(scratch / name, environment)
        for name in ("plugin", "embed"):  # the second takes its data from the first
            shutil.copytree(source / "examples" / name, scratch / name, ignore=shutil.ignore_patterns(*MADE))
        embedded(scratch / "embed", stage, environment)
        from_scaffold(scratch, environment)
        beside_the_shipped(scratch / "make", environment)


if __name__ == "__main__":
    main()
