#!/usr/bin/env python3
"""The tutorial, or another document, does what it says: its files are written, its commands run
against an installation, and their output holds the lines that it shows, in that order.

A block ```c NAME is a file. In a block ```console, lines that begin with "$ " are commands and the
others output; numbers need not agree, "..." stands for lines left out. Prints a line a command, as
the unit tests do.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from check_package import Package, install, run
from checks import SKIPPED, Report

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
TIMEOUT_S = 120


def steps(text):
    """("file", name, content) and ("command", line, expected lines), as they come."""
    for language, name, content in BLOCK.findall(text):
        if language == "c" and name:
            yield "file", name, content
        elif language == "console":
            for part in re.split(r"^\$ ", content, flags=re.M)[1:]:
                command, _, output = part.partition("\n")
                yield "command", command, output.splitlines()


def essence(line):
    return re.sub(r"\s+", " ", re.sub(r"0x[0-9a-f]+|\d+(?:[.,]\d+)*", "#", line)).strip()


def missing(expected, output):
    """The first expected line that does not come after those before it."""
    lines = iter(essence(line) for line in output.splitlines())
    for line in expected:
        wanted = essence(line)
        if wanted in ("", "..."):
            continue
        if not any(found == wanted for found in lines):
            return [f"this line is missing, or not in its place: {line}", "the output was:", output]
    return []


def gdb_works():
    return shutil.which("gdb") is not None and "exited normally" in run(
        "gdb", "-q", "-batch", "-ex", "run", "--args", "true").stdout


def check(report, folder, environment, text):
    status = 0
    for kind, name, content in steps(text):
        if kind == "file":
            (folder / name).write_text(content)
            continue
        program = name.split()[0]
        if program == "gdb" and not gdb_works():
            report.check(name, [SKIPPED, "gdb is not installed, or may not run programs here"])
            continue
        result = subprocess.run(["bash", "-c", f"(exit {status}); {name}"], cwd=folder,
                                env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=TIMEOUT_S)
        status = result.returncode
        report.check(name, missing(content, result.stdout + result.stderr))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a finished build folder")
    parser.add_argument("--meson", default="meson")
    parser.add_argument("--document", type=pathlib.Path, default=ROOT / "docs" / "TUTORIAL.md")
    arguments = parser.parse_args()
    options = json.loads(run(arguments.meson, "introspect", "--buildoptions",
                             arguments.build).stdout)
    report = Report()
    if platform.machine() != "x86_64":
        report.check("tutorial", [SKIPPED, "what it says of threads is true on x86 only"])
        return report.close()
    if any(option["name"] == "b_sanitize" and option["value"] != "none" for option in options):
        report.check("tutorial", [SKIPPED, "a library with a sanitizer in it is for tests"])
        return report.close()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "work").mkdir()
        if report.check("it_installs", install(arguments.meson, arguments.build, folder / "root")):
            package = Package(folder / "root")
            environment = dict(package.environment(), PATH=f"{package.programs()}:{os.environ['PATH']}")
            check(report, folder / "work", environment, arguments.document.read_text())
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
