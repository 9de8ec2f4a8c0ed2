#!/usr/bin/env python3
"""The scenes of single orders hold for the library as it is, and mutants die of them: nearly all of the base, of sync/,
of the channel and of the counter map, and some of each other collection.
"""
import argparse
import pathlib
import re
import subprocess
import sys

from checks import Report

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Of all mutants in these folders so many percent die, at least; base/ is counted where it is called. What
# survives has a row in docs/ordering/.
LEAST_KILLED = {"sync": 90.0, "channel": 95.0, "counter_map": 95.0}

# What else is mutated, and the cases that must notice; docs/EXPLORE.md has the figures of all mutants.
MUTANTS = {
    "filter/filter.c look_up_current()": ["filter-generation-backwards"],
    "filter/filter.c replace()": ["filter-generation-backwards", "order-filter-waits-for-nobody"],
    "filter/loans.h *": ["order-filter-loans"],
    "guard/breaker.c *": ["order-both-probes-enter", "order-memory-before-entry"],
    "task/group.c *": ["order-one-after-the-other", "order-slot-meets-cancel"],
    "task/idle_store.c *": ["pool-hands-over", "pool-keeps-reference"],
}


def run(program, *arguments):
    ended = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
    return ended.returncode, ended.stdout


def check_scenes(report, program):
    status, said = run(program, "explore", "--variant", "mutex,atomic", "-c", "order-*",
                       "-c", "channel-order-*", "--executions", "300", "--no-files")
    variants = re.findall(r"^((?:channel-)?order-\S+) +(mutex|atomic) +(\S+)", said, re.M)
    for scene, variant, verdict in variants:
        report.check(f"{scene} [{variant}]", [] if verdict == "clean" else [said])
    complete = status == 0 and variants
    report.check("every scene was explored", [] if complete else [f"status {status}:", said])


def check_mutants(report, program, files, cases):
    selected = [word for case in cases for word in ("-c", case)]
    status, said = run(program, "mutate", "--variant", "atomic", "--executions", "6000",
                       "--require-repro", "--files", files, *selected)
    mutants = re.findall(r"^(killed|SURVIVED) +(\S+) +(.+?)  ", said, re.M)
    for fate, place, change in mutants:
        report.check(f"{place} {change} is noticed", [] if fate == "killed" else [said])
    complete = status == 0 and mutants
    report.check(f"all mutants of {files} die", [] if complete else [f"status {status}:", said])


def rows_of_survivors(folder):
    text = (ROOT / f"docs/ordering/{folder}.md").read_text()
    table = text.partition("## Orders that no execution of the engine shows")[2]
    return "\n".join(line for line in table.splitlines() if line.startswith("| `"))


def check_folders(report, program):
    """At the default number of executions, by all cases: as in docs/EXPLORE.md, which has the figures."""
    selected = [word for folder in ("base", *LEAST_KILLED) for word in ("--files", f"{folder}/*")]
    status, said = run(program, "mutate", "--variant", "atomic", *selected)
    report.check("all mutants of base and of these folders were tried",
                 [said] if status != 0 or "without a verdict" in said else [])
    survivors = re.findall(r"^(SURVIVED .* (\w+)/\S+ (\w+\(\)))  \(", said, re.M)
    for folder, least in LEAST_KILLED.items():
        killed = re.search(rf"^{folder} .*\((\S+) %\)", said, re.M)
        report.check(f"at least {least:g} % of the mutants of {folder}/ die",
                     [] if killed and float(killed[1]) >= least
                     else [line for line, where, _ in survivors if where == folder] or [said])
    for line, folder, function in survivors:
        report.check(f"docs/ordering/{folder}.md says why {function} is as it is",
                     [] if f"`{function}`" in rows_of_survivors(folder) else [line])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="explore_orders, as built")
    program = parser.parse_args().program
    report = Report()
    check_scenes(report, program)
    check_folders(report, program)
    for files, cases in MUTANTS.items():
        check_mutants(report, program, files, cases)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
