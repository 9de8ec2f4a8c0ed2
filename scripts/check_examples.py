#!/usr/bin/env python3
"""Runs the example programs: each must end with status 0. Prints a line a program, as the unit
tests do."""
import pathlib
import subprocess
import sys

from checks import Report

PATIENCE_S = 60


def complaints(program):
    result = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=PATIENCE_S)
    print(result.stdout + result.stderr, end="")
    if result.returncode != 0:
        yield f"it ended with status {result.returncode}"


def main():
    report = Report()
    for program in sys.argv[1:]:
        report.check(pathlib.Path(program).name, complaints(program))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
