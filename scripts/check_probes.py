#!/usr/bin/env python3
"""The probes that the sources place are in the built library, and docs/DESIGN.md tells of each."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

from checks import SKIPPED, Report

ROOT = pathlib.Path(__file__).resolve().parent.parent


def placed():
    names = set()
    for path in (ROOT / "ck_filter").glob("*/*.c"):
        names |= set(re.findall(r"CKF_PROBE\d\((\w+),", path.read_text()))
    return names


def noted(library):
    notes = subprocess.run(["readelf", "--notes", "--wide", library], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    return set(re.findall(r"Provider: ck_filter\s+Name: (\w+)", notes))


def missing_notes(library):
    if shutil.which("readelf") is None:
        return [SKIPPED, "readelf is not installed"]
    found = noted(library)
    if not found:
        return [SKIPPED, "built without <sys/sdt.h>"]
    return [f"{name} is placed but not in {library}" for name in sorted(placed() - found)]


def untold():
    text = (ROOT / "docs" / "DESIGN.md").read_text()
    return [f"docs/DESIGN.md does not tell of the probe {name}" for name in sorted(placed())
            if f"`{name}`" not in text]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    options = parser.parse_args()
    report = Report()
    report.check("probes_are_in_the_library", missing_notes(options.library))
    report.check("probes_are_documented", untold())
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
