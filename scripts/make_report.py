#!/usr/bin/env python3
"""Builds, reproduces the races, checks the fixes, compares the variants, writes one HTML page."""
import argparse
import pathlib
import subprocess
import sys

from durations import seconds

ROOT = pathlib.Path(__file__).resolve().parent.parent
STRESS_SHARE = 0.55  # of the budget; the comparison gets the rest
LEAST_SECONDS = 10


def budget(text):
    """For argparse."""
    time = seconds(text)
    if time < LEAST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text} is too short a budget: at least {LEAST_SECONDS}s")
    return time


def step(title, command, accepted=(0,)):
    """Runs one step in the foreground; ends the program when it fails."""
    print(f"{title} ...", flush=True)
    status = subprocess.run([str(word) for word in command], cwd=ROOT).returncode
    if status not in accepted:
        sys.exit(f"report: '{title}' failed with status {status}; its messages are above")
    return status


def main():
    parser = argparse.ArgumentParser(prog="./dev report", description=__doc__)
    parser.add_argument("--budget", type=budget, default=300, metavar="TIME",
                        help="for measuring, building not counted (5m)")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/report/index.html",
                        metavar="FILE", help="where the page goes (build/report/index.html)")
    parser.add_argument("--seed", type=int, help="of the stress suite, to repeat a run")
    arguments = parser.parse_args()
    folder = arguments.output.resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    release = ROOT / "build/release"
    stress, bench = folder / "stress.json", folder / "bench.json"

    step("building", ["scripts/build.sh", "release"])
    seed = [] if arguments.seed is None else ["--seed", arguments.seed]
    # 1: a fixed variant failed, or a check of the comparison. The page says so, and so does the
    # status of this program.
    failed = step("stress: reproducing races, checking the fixes",
                  [release / "stress/ckf-stress", "run", "--json", stress, *seed,
                   "--budget", f"{arguments.budget * STRESS_SHARE:.0f}s"], accepted=(0, 1))
    failed |= step("bench: comparing the variants",
                   [release / "bench/ckf-bench", "run", "--json", bench,
                    "--budget", f"{arguments.budget * (1 - STRESS_SHARE):.0f}s"], accepted=(0, 1))
    step("writing the page", [sys.executable, "scripts/report.py", "--stress", stress,
                              "--bench", bench, "--output", arguments.output])
    print(f"the report is {arguments.output}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
