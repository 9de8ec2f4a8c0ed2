#!/usr/bin/env python3
"""What <ck_filter/...> promises to every program: each header stands alone in C99 to C17 and in
C++11 to C++20 without a warning, shows no machinery, and marks what must not be ignored.

Prints a line a check, as the unit tests do, and what to mend under a failed one.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from checks import SKIPPED, Report

ROOT = pathlib.Path(__file__).resolve().parent.parent
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
C_COMPILERS = ("gcc", "clang")
C_STANDARDS = ("c99", "c11", "c17")
CXX_COMPILERS = ("g++", "clang++")
CXX_STANDARDS = ("c++11", "c++14", "c++17", "c++20")

# What may be ignored without a second thought: everything else that returns a status may not.
MAY_BE_IGNORED = re.compile(r"_close$|_leave$|^ckf_counter_map_(add|add_u64|take_all|top)$|_for_each\w*$")
STANDARD_INCLUDES = {"errno.h", "stdbool.h", "stddef.h", "stdint.h"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def compile_alone(compiler, standard, suffix, headers, include):
    """One source a header, which includes it twice and nothing else, and one that includes all."""
    if shutil.which(compiler) is None:
        return [SKIPPED, f"{compiler} is not installed"]
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        lines = {path.stem: [path.name, path.name] for path in headers}
        lines["all_of_them"] = [path.name for path in headers]
        for stem, included in lines.items():
            source = pathlib.Path(folder) / f"{stem}{suffix}"
            text = "".join(f"#include <ck_filter/{name}>\n" for name in included)
            source.write_text(text + "int not_empty;\n")
            sources.append(str(source))
        result = subprocess.run([compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only",
                                 f"-I{include}", *sources], capture_output=True, text=True)
    return [] if result.returncode == 0 else [result.stderr.strip()[:4000]]


def check_compilers(report, headers, include):
    for compilers, standards, suffix in ((C_COMPILERS, C_STANDARDS, ".c"),
                                         (CXX_COMPILERS, CXX_STANDARDS, ".cc")):
        for compiler in compilers:
            for standard in standards:
                report.check(f"each_header_stands_alone [{compiler} {standard}]",
                             compile_alone(compiler, standard, suffix, headers, include))


def machinery(headers):
    for path in headers:
        text = without_comments(path.read_text())
        for included in re.findall(r"#\s*include\s*[<\"]([^>\"]+)", text):
            if included not in STANDARD_INCLUDES and not included.startswith("ck_filter/"):
                yield f"{path.name} includes <{included}>"
        for word in ("_Atomic", "pthread_", "rcu_", "cds_", "_Thread_local"):
            if word in text:
                yield f"{path.name} mentions {word}"
        for name in re.findall(r"typedef\s+struct\b.*", text):
            yield f"{path.name}: no typedefs for structs: {name.strip()}"


def declarations(path):
    """(marks before the return type, return type, name) of each public function."""
    text = re.sub(r"^\s*#.*$", "", without_comments(path.read_text()), flags=re.M)
    for marks, kind, name in re.findall(
            r"((?:\bCKF_(?:API|MUST_USE)\s+)+)([\w\s*]+?[\s*])(\w+)\s*\(", text):
        yield marks, kind.strip(), name


def unmarked(headers):
    for path in headers:
        for marks, kind, name in declarations(path):
            must_use = "CKF_MUST_USE" in marks
            if kind != "enum ckf_status":
                continue
            if must_use and MAY_BE_IGNORED.search(name):
                yield f"{path.name}: ignoring {name}() is ordinary"
            elif not must_use and not MAY_BE_IGNORED.search(name):
                yield f"{path.name}: {name}() lacks CKF_MUST_USE"


def foreign_names(headers):
    for path in headers:
        text = without_comments(path.read_text())
        names = [name for _, _, name in declarations(path)]
        names += re.findall(r"\b(?:struct|enum|union)\s+(\w+)\s*\{", text)
        names += re.findall(r"#\s*define\s+(\w+)", text)
        names += re.findall(r"typedef\b[^;{]*?\(\s*\*\s*(\w+)\s*\)", text)
        for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", text):
            names += re.findall(r"(?:^|,)\s*(\w+)", body)
        for name in names:
            if not re.match(r"ckf_|CKF_", name):
                yield f"{path.name}: {name} lacks the prefix"


def odd_options(headers):
    for path in headers:
        text = without_comments(path.read_text())
        for name, body in re.findall(r"\bstruct\s+(ckf_\w*options)\s*\{(.*?)\n\}", text, re.S):
            members = [member.strip() for member in body.split(";") if member.strip()]
            if members[0] != "const char *name":
                yield f"{path.name}: {name} does not begin with its name"
            if members[-1] != "uint64_t reserved[4]":
                yield f"{path.name}: {name} does not end with reserved[4]"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include",
                        help="the folder in which ck_filter/ lies")
    include = parser.parse_args().include
    headers = sorted((include / "ck_filter").glob("*.h"))
    report = Report()
    report.check("there_are_headers", [] if headers else [f"none in {include}/ck_filter"])
    check_compilers(report, headers, include)
    report.check("headers_show_no_machinery", machinery(headers))
    report.check("statuses_are_warn_unused_where_ignoring_is_not_ordinary", unmarked(headers))
    report.check("public_names_carry_the_prefix", foreign_names(headers))
    report.check("options_begin_with_a_name_and_end_with_reserve", odd_options(headers))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
