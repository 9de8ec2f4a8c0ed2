#!/usr/bin/env python3
"""The cases that docs/PROGRESS.md names beside "lock-free" and "wait-free" keep that promise.

The explore engine parks each thread of a case for ever at each of its steps, in a few sampled
executions, and says where that keeps the others from ending: nowhere, in the atomic variant.
"""
import argparse
import pathlib
import re
import subprocess
import sys

from checks import Report
from progress_table import progress_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASE = re.compile(r"`([a-z]+(?:-[a-z]+)+)`")
RESULT = re.compile(r"^(\S+) +atomic +(\d+) of (\d+) parkings stop others$", re.M)


def promised_cases():
    return sorted({case for _, guarantee, proof in progress_rows(ROOT)
                   if "lock-free" in guarantee or "wait-free" in guarantee
                   for case in CASE.findall(proof)})


def complaints(program):
    cases = promised_cases()
    selection = [argument for case in cases for argument in ("-c", case)]
    result = subprocess.run([program, "progress", "--variant", "atomic", "--executions", "6",
                             *selection], capture_output=True, text=True)
    print(result.stdout, end="")
    if result.returncode != 0:
        yield f"progress ended with status {result.returncode}: {result.stderr}"
    found = {case: (int(stuck), int(parkings))
             for case, stuck, parkings in RESULT.findall(result.stdout)}
    for case in cases:
        stuck, parkings = found.get(case, (0, 0))
        if parkings == 0:
            yield f"{case}: nobody was parked"
        elif stuck > 0:
            yield f"{case}: {stuck} of {parkings} parkings stop others"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    program = parser.parse_args().build / "stress/runtime/explore/ckf-stress-explore"
    report = Report()
    report.check("a parked thread stops nobody", complaints(program))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
