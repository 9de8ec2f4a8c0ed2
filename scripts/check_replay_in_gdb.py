#!/usr/bin/env python3
"""A schedule replays under gdb, where threads of the explore engine are ordinary stacks: gdb stops at
the line that fails, and shows how the thread came there. Skipped where there is no gdb."""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from checks import SKIPPED, Report

CASE = "map-concurrent-write"  # its racy twin has a data race
FAILING = re.compile(r"was running at (\S+):(\d+) \((\w+)\)")


def make_schedule(program, folder):
    """The schedule of the racy twin's failure, and the place: file, line, function."""
    report = folder / "report.json"
    subprocess.run([program, "explore", "-c", CASE, "--variant", "racy", "--save", str(folder),
                    "--json", str(report)], check=True, capture_output=True)
    failure = json.loads(report.read_text())[0]["failure"]
    ends = " ".join(thread["end"] for thread in failure["threads"])
    return folder / f"{CASE}-racy.schedule", FAILING.search(ends).groups()


def run_gdb(program, schedule, *commands):
    arguments = [argument for command in commands for argument in ("-ex", command)]
    result = subprocess.run(["gdb", "-batch", "-nx", *arguments, "--args", program, "replay",
                             str(schedule)], capture_output=True, text=True, timeout=120)
    return result.stdout + result.stderr


def complaints(program):
    if shutil.which("gdb") is None:
        yield SKIPPED
        yield "gdb is not installed"
        return
    with tempfile.TemporaryDirectory() as folder:
        schedule, (file, line, function) = make_schedule(program, pathlib.Path(folder))
        place = rf"{function} \(.*\) at \S*{re.escape(pathlib.Path(file).name)}:{line}\b"
        said = run_gdb(program, schedule, f"break {file}:{line}", "run", "backtrace")
        if "ptrace" in said and "not permitted" in said:
            yield SKIPPED
            yield "gdb may not trace programs here"
            return
        if not re.search(rf"Breakpoint 1, {place}", said):
            yield f"gdb did not stop at {file}:{line} in {function}():\n{said}"
        said = run_gdb(program, schedule, "break ckf_explore_fail", "run", "backtrace")
        if not re.search(rf"^#\d+ +.*{place}", said, re.M):
            yield f"the stack of the failure does not lead to {file}:{line}:\n{said}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    program = parser.parse_args().build / "stress/runtime/explore/ckf-stress-explore"
    report = Report()
    report.check("a breakpoint stops a replay at the line that fails", complaints(str(program)))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
