#!/usr/bin/env python3
"""All tests of the project, in three builds: release, ThreadSanitizer, AddressSanitizer + UBSan.

In each build the unit tests run, then the stress suite for a short while (in the sanitizer builds
without the racy twins, whose races are real; in the release also in the explore engine, which
enumerates interleavings). Style is checked once.
The last line sums everything: "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILDS = ("release", "tsan", "asan")
STRESS_BUDGET = {"release": "60s", "tsan": "30s", "asan": "30s"}
QUICK_STRESS_BUDGET = "10s"
TIMEOUT_TIMES = "4"  # of the time limits of the programs, which are for a machine with nothing else to do
EXPLORE_BUDGET = "120s"
EXPLORE_SLOWEST_NS = 2_000_000_000  # to the failure of a racy twin
SANITIZER_OPTIONS = {
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
COMPLAINTS, OUTPUT = 4000, 4000  # characters that are shown of a program that failed
RESULT = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (?!\d+ test)(.*)$", re.M)


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def say(text):
    print(text, flush=True)


def count_output(tally, label, output, returncode):
    """Adds the results that a test program printed, cmocka's way; a crash is one failure more."""
    failed = set()
    passed = skipped = 0
    for kind, title in RESULT.findall(output):
        if kind == "OK":
            passed += 1
        elif kind == "SKIPPED":
            skipped += 1
        else:
            failed.add(title.split(":")[0])
    tally.passed += passed
    tally.skipped += skipped
    for title in sorted(failed):
        tally.fail(f"{label}: {title}")
    if returncode != 0 and not failed:
        tally.fail(f"{label}: ended with status {returncode}")
    elif passed + skipped + len(failed) == 0:
        tally.fail(f"{label}: ran no test")
    return bool(failed) or returncode != 0


def build(name):
    started = time.monotonic()
    result = subprocess.run(["scripts/build.sh", name], cwd=ROOT)
    if result.returncode == 0:
        say(f"  built in {time.monotonic() - started:.0f} s")
    return result.returncode == 0


def what_happened(spoken, complaints):
    """Of a program that failed: what it complained of, first and last, and how its output ends."""
    if len(complaints) > 2 * COMPLAINTS:
        complaints = f"{complaints[:COMPLAINTS]}\n[...]\n{complaints[-COMPLAINTS:]}"
    return f"{complaints}\n--- its output ends:\n{spoken[-OUTPUT:]}"


def run_unit_tests(name, tally):
    folder = ROOT / "build" / name
    environment = dict(os.environ, **SANITIZER_OPTIONS)
    started = time.monotonic()
    before = tally.passed
    subprocess.run(["meson", "test", "-C", str(folder), "--no-rebuild",
                    "--timeout-multiplier", TIMEOUT_TIMES], cwd=ROOT, env=environment,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = folder / "meson-logs" / "testlog.json"
    programs = 0
    for line in log.read_text().splitlines() if log.exists() else ():
        test = json.loads(line)
        programs += 1
        label = f"{name}: {test['name']}"
        spoken, complaints = test.get("stdout", ""), test.get("stderr", "")
        if test["result"] in ("TIMEOUT", "INTERRUPT"):
            tally.fail(f"{label}: timed out after {test['duration']:.0f} s")
            say(what_happened(spoken, complaints))
        elif count_output(tally, label, f"{spoken}\n{complaints}", test["returncode"]):
            say(f"--- {label}\n{what_happened(spoken, complaints)}")
    if programs == 0:
        tally.fail(f"{name}: no test program ran")
    say(f"  {programs} test programs, {tally.passed - before} tests passed, "
        f"{time.monotonic() - started:.0f} s")


def stress_sentence(variant):
    return variant.get("sentence") or variant["verdict"]


def run_stress(name, budget, tally):
    program = ROOT / "build" / name / "stress" / "ckf-stress"
    variants = [] if name == "release" else ["--variant", "mutex,atomic"]
    environment = dict(os.environ, **SANITIZER_OPTIONS)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "stress.json"
        result = subprocess.run([str(program), "run", "--engine", "threads", "--budget", budget,
                                 "--json", str(report), *variants], cwd=ROOT, env=environment,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if not report.exists():
            say((result.stdout + result.stderr)[-4000:])
            tally.fail(f"{name}: ckf-stress ended with status {result.returncode}")
            return
        cases = json.loads(report.read_text())["cases"]
    ran = 0
    for case in cases:
        for variant in case["variants"]:
            ran += 1
            label = f"{name}: {case['id']} [{variant['variant']}]"
            if variant["verdict"] in ("CLEAN", "REPRODUCED"):
                tally.passed += 1
            elif variant["verdict"] == "NOT REPRODUCED":
                tally.skipped += 1
                say(f"  skipped: {label}: {stress_sentence(variant)}")
            else:
                tally.fail(f"{label}: {stress_sentence(variant)}")
    if ran == 0:
        tally.fail(f"{name}: the stress suite ran no case")
    if result.returncode not in (0, 1):
        tally.fail(f"{name}: ckf-stress ended with status {result.returncode}")
    if result.returncode != 0:
        say((result.stdout + result.stderr)[-4000:])
    say(f"  {ran} stress runs of {len(cases)} cases, {time.monotonic() - started:.0f} s")


def run_explore(tally):
    """The cases of the suite under schedules and weak-memory reads that the engine chooses."""
    program = ROOT / "build/release/stress/runtime/explore/ckf-stress-explore"
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "explore.json"
        result = subprocess.run([str(program), "explore", "--budget", EXPLORE_BUDGET,
                                 "--json", str(report)], cwd=ROOT, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True)
        verdicts = json.loads(report.read_text()) if report.exists() else []
    for verdict in verdicts:
        label = f"explore: {verdict['case']} [{verdict['variant']}]"
        if verdict["verdict"] == "REPRODUCED" and verdict["failure"]["ns"] > EXPLORE_SLOWEST_NS:
            tally.fail(f"{label}: found after {verdict['failure']['ns'] / 1e9:.1f} s")
        elif verdict["verdict"] in ("clean", "REPRODUCED"):
            tally.passed += 1
        elif verdict["verdict"] == "NOT REPRODUCED":
            tally.skipped += 1
            say(f"  skipped: {label}: {verdict['extent']}")
        else:
            tally.fail(f"{label}: {verdict['verdict']}")
    if not verdicts or result.returncode != 0:
        say((result.stdout + result.stderr)[-4000:])
    if not verdicts or result.returncode not in (0, 1):
        tally.fail(f"explore: ended with status {result.returncode}")
    say(f"  {len(verdicts)} explored variants of cases, {time.monotonic() - started:.0f} s")


def run_lint(tally):
    result = subprocess.run([sys.executable, "scripts/lint.py"], cwd=ROOT, capture_output=True,
                            text=True)
    if count_output(tally, "lint", result.stdout + result.stderr, result.returncode):
        say(result.stdout + result.stderr)


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", choices=BUILDS + ("lint",), action="append", metavar="NAME",
                        help="one of %(choices)s; may be repeated")
    parser.add_argument("--quick", action="store_true", help="shorter stress runs")
    arguments = parser.parse_args()
    wanted = arguments.only or BUILDS + ("lint",)
    tally = Tally()
    if "lint" in wanted:
        say("style")
        run_lint(tally)
    for name in BUILDS:
        if name not in wanted:
            continue
        say(name)
        if not build(name):
            tally.fail(f"{name}: does not build")
            continue
        run_unit_tests(name, tally)
        run_stress(name, QUICK_STRESS_BUDGET if arguments.quick else STRESS_BUDGET[name], tally)
        if name == "release":
            run_explore(tally)
    for failure in tally.failures:
        say(f"FAILED {failure}")
    if tally.passed + tally.failed == 0:
        tally.fail("no test ran")
    say(tally.line())
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
