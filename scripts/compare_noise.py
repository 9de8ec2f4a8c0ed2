#!/usr/bin/env python3
"""Measures what the noise runtime gains: each racy twin runs on plain threads and with noise, by turns,
for the same time, and how often and how soon it fails is compared.

The rate is failures by iterations; the time is what passes between two failures, over the whole sweep
of placements. Both are medians of the rounds. Twins that fail whatever the schedule are left out.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

from durations import seconds


def output_of(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            stdin=subprocess.DEVNULL)
    if result.returncode not in (0, 1, 3):
        sys.exit(f"compare: {' '.join(map(str, command))} ended with status {result.returncode}: "
                 f"{(result.stderr or result.stdout).strip()}")
    return json.loads(result.stdout)


def racy_cases(program, globs):
    words = [word for glob in globs for word in ("-c", glob)]
    return [case["id"] for case in output_of(program, "list", "--json", *words)
            if "racy" in case["variants"] and not case["deterministic"]]


def measure(program, case, budget, seed):
    """(failures by iterations, seconds between failures) of one round; the latter may be infinite."""
    data = output_of(program, "run", "-q", "--engine", "threads", "-c", case, "--variant", "racy",
                     "--seed", seed, "--budget", f"{budget * 1000:.0f}ms", "--json")
    variant = data["cases"][0]["variants"][0]
    failures = variant["failures"]
    return (failures / max(1, variant["iterations"]),
            variant["seconds"] / failures if failures else float("inf"))


def figure(value):
    if value == float("inf"):
        return "never"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def duration(value):
    if value == float("inf"):
        return "never"
    for unit, size in (("s", 1), ("ms", 1e-3), ("\u00b5s", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return "0"


def gain(better, worse):
    if worse == better:
        return "1"
    if worse in (0, float("inf")) or better in (0, float("inf")):
        return "\u2013"
    times = better / worse
    return f"{float(f'{times:.2g}'):.0f}" if times >= 10 else f"{times:.2g}"


def medians(rounds):
    return tuple(statistics.median(values) for values in zip(*rounds))


def rows(arguments, cases):
    slice_s = max(0.1, arguments.budget / (len(cases) * 2 * arguments.rounds))
    for case in cases:
        plain, noise = [], []
        for number in range(arguments.rounds):
            plain.append(measure(arguments.plain, case, slice_s, number + 1))
            noise.append(measure(arguments.noise, case, slice_s, number + 1))
        (plain_rate, plain_s), (noise_rate, noise_s) = medians(plain), medians(noise)
        yield (case, figure(plain_rate), figure(noise_rate), gain(noise_rate, plain_rate),
               duration(plain_s), duration(noise_s), gain(plain_s, noise_s))


HEAD = ("case", "rate, plain", "with noise", "times", "between failures, plain", "with noise", "times")


def print_row(row, markdown):
    if markdown:
        print("| " + " | ".join(row) + " |", flush=True)
    else:
        print(f"{row[0]:32} {row[1]:>12} {row[2]:>10} {row[3]:>8} {row[4]:>24} {row[5]:>10} "
              f"{row[6]:>8}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="ckf-stress noise --compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--noise", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("-c", "--case", action="append", default=[], metavar="GLOB",
                        help="only cases whose id matches; may be repeated")
    parser.add_argument("--budget", type=seconds, default=120, metavar="TIME",
                        help="for everything (2m)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N",
                        help="how often each of the two runs (5)")
    parser.add_argument("--markdown", action="store_true", help="a table for documents")
    arguments = parser.parse_args()
    cases = racy_cases(arguments.plain, arguments.case)
    if not cases or arguments.rounds < 1:
        parser.error("there is nothing to run: a racy twin is needed, and a round")
    print_row(HEAD, arguments.markdown)
    if arguments.markdown:
        print("|" + "---|" * len(HEAD))
    for row in rows(arguments, cases):
        print_row(row, arguments.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
