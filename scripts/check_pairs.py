#!/usr/bin/env python3
"""Pairs of calls on a counter map that disturb each other: all schedules with at most two preemptions, each with
every choice of weak-memory reads, are gone through. What is checked is a count of preemptions, not a time.

    check_pairs.py --program build/release/stress/runtime/explore/ckf-stress-explore
"""
import argparse
import pathlib
import re
import subprocess
import sys

from checks import Report

ROOT = pathlib.Path(__file__).resolve().parent.parent

PAIRS = {
    "add and add": ["map-load-then-store", "map-get-or-create", "map-pair-add-add", "map-pair-new-new"],
    "add and take": ["map-take-then-zero", "map-pair-add-take"],
    "add, remove and add again": ["map-remove-while-adding", "map-pair-add-remove",
                                  "map-pair-remove-readd", "map-pair-new-remove"],
    "eviction and sum": ["map-evict-while-reading", "map-pair-add-total"],
    "take and take": ["map-take-then-zero", "map-pair-take-take"],
    "growth and add": ["map-grow-smallest"],
    "exit and sum": ["map-exit-while-summing"],
}

# Calls of which each two meet in a history of two callers.
MAP_CALLS = ["ADD", "GET", "TAKE", "REMOVE", "TOTAL"]


def bounds(program, cases):
    """What the search says of each case: how many preemptions without a bound on reads."""
    selected = [word for case in cases for word in ("-c", case)]
    ended = subprocess.run([program, "explore", "--variant", "atomic", "--strategy", "dfs", "--preemptions", "2",
                            "--budget", "20m", "--no-files", *selected],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = {case: 2 if bound == "complete" else int(bound.split()[3])
             for case, bound in re.findall(r"^(\S+) +atomic +clean .*, (complete(?: up to \d)?)(?: pre.*)?$",
                                           ended.stdout, re.M)}
    return found, ended.stdout


def scenes(path):
    """Each scene of a file: a set of calls for each caller."""
    for block in re.findall(r"\.scripts\s*=\s*\{((?:\s*\{(?:[^{}]|\([^)]*\))*\},?)+)\s*\}", path.read_text()):
        callers = re.findall(r"\{([^{}]*)\}", block)
        yield [{"SELECT" if "SELECT" in whole else name
                for whole, name in re.findall(r"((?:MAP_)?CALL\((\w+)|SELECT_THAT_WAITS\()", caller)}
               for caller in callers]


def meeting(pattern, short):
    """The pairs that meet; short: where there are two callers."""
    pairs = set()
    for path in sorted((ROOT / "stress/cases").glob(pattern)):
        for callers in scenes(path):
            if short and len(callers) != 2:
                continue
            for i, first in enumerate(callers):
                for second in callers[i + 1:]:
                    pairs |= {frozenset((a, b)) for a in first for b in second}
    return pairs


def print_table(pattern, calls):
    short, any_scene = meeting(pattern, True), meeting(pattern, False)
    width = max(len(call) for call in calls)
    print(f"{pattern}: 2 where two callers meet, 3 where only three do")
    for i, first in enumerate(calls):
        marks = [("2" if frozenset((first, second)) in short else
                  "3" if frozenset((first, second)) in any_scene else ".") for second in calls[:i + 1]]
        print(f"    {first:{width}} {' '.join(marks)}")
    return short


def all_calls(pattern):
    return sorted({call for path in (ROOT / "stress/cases").glob(pattern)
                   for callers in scenes(path) for caller in callers for call in caller})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", help="ckf-stress-explore, as built; without it only the tables are printed")
    options = parser.parse_args()
    short = print_table("map_*.c", MAP_CALLS)
    print_table("channel_*.c", all_calls("channel_*.c"))
    if options.program is None:
        return 0
    report = Report()
    missing = [f"{a} and {b}" for i, a in enumerate(MAP_CALLS) for b in MAP_CALLS[:i + 1]
               if {a, b} & {"ADD", "TAKE", "REMOVE"} and frozenset((a, b)) not in short]
    report.check("each two calls of a map that change it meet in a history of two callers",
                 [f"missing: {', '.join(missing)}"] if missing else [])
    found, said = bounds(options.program, sorted({case for cases in PAIRS.values() for case in cases}))
    for pair, cases in PAIRS.items():
        fewer = [case for case in cases if found.get(case, -1) < 2]
        report.check(f"{pair}: all up to two preemptions", [*fewer, said] if fewer else [])
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
