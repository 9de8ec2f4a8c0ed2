#!/usr/bin/env python3
"""Style that a machine can check: layers, names of memory-ordering edges, formatting.

Prints a line a check, as the unit tests do, and what to mend before a failed one.
"""
import argparse
import pathlib
import re
import subprocess
import sys

from checks import Report
from progress_table import progress_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Who may include whom inside ck_filter/: a folder sees itself and those listed.
LAYERS = {
    "base": set(),
    "sync": {"base"},
    "task": {"base", "sync"},
    "channel": {"base", "sync", "task"},
    "counter_map": {"base", "sync"},
    "filter": {"base", "sync"},
    "guard": {"base", "sync"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# Folders outside the library, and what they may not include.
C_FOLDERS = ("include", "ck_filter", "stress", "bench", "tests", "examples")


def sources(*folders, suffixes=(".c", ".h")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path


def name(path):
    return path.relative_to(ROOT)


def check_layers():
    """Dependencies run one way: collections -> task -> sync -> base."""
    for path in sources("ck_filter"):
        layer = path.relative_to(ROOT / "ck_filter").parts[0]
        for kind, header in INCLUDE.findall(path.read_text()):
            if kind != '"':
                continue
            target = header.split("/")[0]
            if target not in LAYERS:
                yield f'{name(path)}: include "{header}" by its folder: "<layer>/<file>.h"'
            elif target != layer and target not in LAYERS[layer]:
                yield f"{name(path)}: {layer}/ may not see {target}/ ({header})"


def check_doors():
    """Outside ck_filter/ only the public headers count, but for tests of private modules."""
    private = re.compile(r"^(%s)/" % "|".join(LAYERS))
    for path in sources("stress", "bench", "tests", "examples", suffixes=(".c", ".h", ".cc")):
        if path.match("tests/test_*.c") or path.is_relative_to(ROOT / "tests/orders"):
            continue
        if path.is_relative_to(ROOT / "stress/runtime"):
            continue
        for kind, header in INCLUDE.findall(path.read_text()):
            if kind == '"' and private.match(header):
                yield f"{name(path)}: {header} is private to ck_filter/"


def check_racy_twins():
    """The naive twins are for the stress cases alone."""
    for path in sources("include", "ck_filter", "bench", "tests", "examples"):
        for _, header in INCLUDE.findall(path.read_text()):
            if "racy/" in header:
                yield f"{name(path)}: {header} is a racy twin"


def check_single_seams():
    """<stdatomic.h>, liburcu, Hyperscan and the futex call each have one place in the library."""
    seams = {
        "stdatomic.h": ("base/atomics.h",),
        "linux/futex.h": ("base/futex.c",),
        "urcu/rculfhash.h": ("sync/reclaim.c", "counter_map/"),
        "urcu/": ("sync/reclaim", "counter_map/"),
        "hs.h": ("filter/hyperscan.c",),
    }
    for path in sources("ck_filter"):
        place = str(path.relative_to(ROOT / "ck_filter"))
        for _, header in INCLUDE.findall(path.read_text()):
            for seam, places in seams.items():
                if header.startswith(seam) and not place.startswith(places):
                    yield f"{name(path)}: <{header}> belongs to {' and '.join(places)}"


EDGE = re.compile(r"\bedges? ([a-z0-9]+(?:-[a-z0-9]+)+)\b(?: \([^)]*\))?:(?=(.{0,160}))", re.S)
ORDERING_ROW = re.compile(r"^\| *`([a-z0-9]+(?:-[a-z0-9]+)+)` *\|", re.M)
RELEASING = ("release", "acq_rel", "seq_cst")
ACQUIRING = ("acquire", "acq_rel", "seq_cst")


def edge_ends():
    """Maps each edge that the code names to the words that follow its name, per place."""
    ends = {}
    for path in sources("ck_filter", "stress/harness"):
        for edge, words in EDGE.findall(path.read_text()):
            ends.setdefault(edge, []).append((path, words.split(";")[0].split("*/")[0]))
    return ends


def check_edges():
    """Every named edge has both its ends in the code and its row under docs/ORDERING.md."""
    documents = [ROOT / "docs" / "ORDERING.md", *sorted((ROOT / "docs" / "ordering").glob("*.md"))]
    rows = {edge for path in documents for edge in ORDERING_ROW.findall(path.read_text())}
    ends = edge_ends()
    for edge, found in sorted(ends.items()):
        for side, orders in (("releasing", RELEASING), ("acquiring", ACQUIRING)):
            if not any(order in words for _, words in found for order in orders):
                yield f"{name(found[0][0])}: edge {edge} has no {side} end"
        if edge not in rows:
            yield f"docs/ordering/: no row for edge {edge} ({name(found[0][0])})"
    for edge in sorted(rows - ends.keys()):
        yield f"docs/ordering/: edge {edge} is nowhere in the code"


PROGRESS_HEADERS = ("channel", "select", "counter_map", "filter", "ruleset", "context", "group", "pool",
                    "waiters", "breaker", "trace", "clock", "memory", "status")


def check_progress():
    """docs/PROGRESS.md has a row for every public function, and the tests and cases it names exist."""
    rows = {function: proof for function, _, proof in progress_rows(ROOT)}
    declared = set()
    for header in PROGRESS_HEADERS:
        text = (ROOT / f"include/ck_filter/{header}.h").read_text()
        for declaration in re.findall(r"^CKF_API\b(.*?);", text, re.M | re.S):
            declared.add(re.search(r"\b(ckf_\w+)\(", declaration).group(1))
    for function in sorted(declared - rows.keys()):
        yield f"docs/PROGRESS.md: no row for {function}()"
    for function in sorted(rows.keys() - declared):
        yield f"docs/PROGRESS.md: there is no {function}()"
    tests = " ".join(path.read_text() for path in sources("tests", suffixes=(".c",)))
    cases = " ".join(path.read_text() for path in sources("stress/cases", suffixes=(".c",)))
    for function, proof in rows.items():
        for proven_by in re.findall(r"`([\w-]+)`", proof):
            known = f'"{proven_by}"' in cases or re.search(rf"\b{proven_by}\b", tests)
            if not known:
                yield f"docs/PROGRESS.md: {function}: there is no test or case {proven_by}"


def check_file_heads():
    """A file opens with its name and its purpose."""
    for path in sources(*C_FOLDERS, suffixes=(".c", ".h", ".cc")):
        first = path.read_text().split("\n", 1)[0]
        if not first.startswith("/* ") or path.name not in first or " - " not in first:
            yield f"{name(path)}: the first line should be /* <folder>/{path.name} - purpose"


def formatted_files():
    return [str(path) for path in sources(*C_FOLDERS, suffixes=(".c", ".h", ".cc"))]


def check_format():
    """clang-format has nothing to change."""
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *formatted_files()],
                            cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        broken = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M)))
        for path in broken or [result.stderr.strip()[:400]]:
            yield f"{path}: run ./dev format"


CHECKS = (check_layers, check_doors, check_racy_twins, check_single_seams, check_edges,
          check_progress, check_file_heads, check_format)


def main():
    formats = "--fix-format" in sys.argv[1:] # what ./dev format calls
    parser = argparse.ArgumentParser(
        prog="./dev format" if formats else "./dev lint",
        description="Rewrites the C sources in the project's style." if formats else __doc__)
    parser.add_argument("--fix-format", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fix_format:
        return subprocess.run(["clang-format", "-i", *formatted_files()], cwd=ROOT).returncode
    report = Report()
    for check in CHECKS:
        report.check(f"{check.__name__.removeprefix('check_')}: {check.__doc__}", check())
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
