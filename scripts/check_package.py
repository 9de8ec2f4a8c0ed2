#!/usr/bin/env python3
"""What is installed: the library's symbols and names, and programs in C and C++ that are built
against it as anybody would, with pkg-config, shared and static, and run.

Installs into a temporary folder. Prints a line a check, as the unit tests do.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from check_headers import declarations
from checks import SKIPPED, Report

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONSUMERS = ROOT / "tests" / "package"
TESTS = ROOT / "tests"
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
SONAME = "libck_filter.so.0"
VERSION_NODE = "CKF_0"


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, **more)


def said(result):
    """What a command that failed had to say; nothing if it succeeded."""
    return [] if result.returncode == 0 else [(result.stdout + result.stderr).strip()[-4000:]]


class Package:
    """The installed tree, looked at from outside."""

    def __init__(self, staging):
        self.staging = staging
        self.pc_file = next(staging.rglob("ck_filter.pc"), None)
        self.shared = next(staging.rglob(SONAME), None)
        self.static = next(staging.rglob("libck_filter.a"), None)
        self.header = next(staging.rglob("ck_filter/ck_filter.h"), None)

    def missing(self):
        for what, path in (("ck_filter.pc", self.pc_file), (SONAME, self.shared),
                           ("libck_filter.a", self.static), ("ck_filter.h", self.header)):
            if path is None:
                yield f"{what} is not installed"

    def programs(self):
        program = next(self.staging.rglob("bin/ckf-stress"), None)
        return program.parent if program else self.staging

    def has(self, name):
        return (self.pc_file.parent / f"{name}.pc").exists()

    def environment(self):
        system = os.environ.get("PKG_CONFIG_PATH")
        own = str(self.pc_file.parent)
        return dict(os.environ, PKG_CONFIG_PATH=f"{own}:{system}" if system else own,
                    PKG_CONFIG_SYSROOT_DIR=str(self.staging),
                    LD_LIBRARY_PATH=str(self.shared.parent))

    def pkg_config(self, *questions):
        return run("pkg-config", *questions, "ck_filter", env=self.environment())

    def flags(self, *questions):
        return self.pkg_config(*questions).stdout.split()


def install(meson, build, staging):
    return said(run(meson, "install", "-C", build, "--no-rebuild", "--destdir", staging))


def wrong_headers(package):
    expected = {path.name for path in (ROOT / "include" / "ck_filter").glob("*.h")}
    found = {path.name for path in package.header.parent.glob("*.h")}
    for name in sorted(expected ^ found):
        yield f"{name} is {'not installed' if name in expected else 'installed, but unknown'}"


def exported(package):
    """(name, version) of each symbol that the shared library defines for others."""
    for line in run("readelf", "--dyn-syms", "--wide", package.shared).stdout.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[4] in ("GLOBAL", "WEAK") and fields[6] != "UND":
            name, _, version = fields[7].partition("@")
            yield name, version.lstrip("@")


def wrong_exports(package):
    symbols = list(exported(package))
    if not symbols:
        yield "no symbol is exported"
    for name, version in symbols:
        if name == VERSION_NODE:
            continue
        if not name.startswith("ckf_"):
            yield f"{name} is exported"
        elif version != VERSION_NODE:
            yield f"{name} has the version '{version}'"


def missing_exports(package):
    names = {name for name, _ in exported(package)}
    for path in sorted(package.header.parent.glob("*.h")):
        if path.name == "stress.h":
            continue  # the face of another library
        for _, _, name in declarations(path):
            if name not in names:
                yield f"{path.name} declares {name}(), which the library lacks"


def wrong_soname(package):
    dynamic = run("readelf", "--dynamic", "--wide", package.shared).stdout
    soname = re.search(r"\(SONAME\).*\[(.*)\]", dynamic)
    if soname is None or soname.group(1) != SONAME:
        yield f"SONAME is {soname.group(1) if soname else 'not set'}"
    link = package.shared.parent / "libck_filter.so"
    if not link.is_symlink() or link.resolve() != package.shared.resolve():
        yield "libck_filter.so does not lead to the library"


def wrong_static_symbols(package):
    for line in run("nm", "-g", "--defined-only", package.static).stdout.splitlines():
        fields = line.split()
        # _.stapsdt.base: of <sys/sdt.h>, hidden, and the same in every object that has probes
        if len(fields) == 3 and not fields[2].startswith(("ckf_", "__odr_asan", "_.stapsdt.base")):
            yield f"{fields[2]} may clash with a program's own"


def wrong_pkg_config(package, version):
    found = package.pkg_config("--modversion")
    yield from said(found)
    if found.stdout.strip() != version:
        yield f"its version is {found.stdout.strip()}, not {version}"
    if "-lck_filter" not in package.flags("--libs"):
        yield "--libs lacks -lck_filter"
    if not any(flag.startswith("-lurcu") for flag in package.flags("--static", "--libs")):
        yield "--static --libs lacks liburcu"
    if any(flag.startswith("-lurcu") for flag in package.flags("--libs")):
        yield "--libs names liburcu, which is the library's own affair"


def build_and_run(package, compiler, standard, sources, link, last_words, *more):
    """Builds sources as their author would, with more flags if need be, and runs the program, which
    succeeds and says what it should in the end."""
    if shutil.which(compiler) is None:
        return [SKIPPED, f"{compiler} is not installed"]
    static = ["--static"] if link == "static" else []
    libraries = [] if link == "loaded" else package.flags("--libs", *static)
    if static and "-lgcc_s" in libraries: # Debian's libhs.pc names it
        return [SKIPPED, "a library that it needs cannot be linked statically"]
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "consumer"
        built = run(compiler, f"-std={standard}", *WARNINGS, *sources, "-o", program,
                    *package.flags("--cflags", *static), *(["-static"] if static else []),
                    *libraries, *more, "-pthread",
                    env=package.environment())
        if built.returncode != 0:
            return said(built)
        ran = run(program, env=package.environment(), timeout=60)
        if ran.returncode != 0 or not (ran.stdout + ran.stderr).endswith(f"{last_words}\n"):
            return [f"the program ended with status {ran.returncode}", ran.stdout + ran.stderr]
        loaded = run("readelf", "--dynamic", program).stdout
        if (SONAME in loaded) != (link == "shared"):
            return [f"linked {link}, but its needs are:", loaded]
    return []


WITHOUT_SANITIZER = "a library with a sanitizer in it is for tests"


def check_suites(report, package, sanitize):
    """Programs that know nothing but the installed package, and try to break what it promises."""
    suites = (
        ("torture_finds_nothing", [CONSUMERS / "torture.c"], "torture is content",
         ["-D_GNU_SOURCE", "-O2"]),
        # cmocka has its say on standard error, in colours where it is told to
        ("go_programs_do_what_go_says",
         [TESTS / name for name in ("test_golang.c", "support.c", "channel_support.c")],
         "test(s).", ["-D_GNU_SOURCE", "-O2", "-lcmocka"]),
    )
    for name, sources, last_words, more in suites:
        report.check(name, [SKIPPED, WITHOUT_SANITIZER] if sanitize != "none" else
                     build_and_run(package, "gcc", "c11", sources, "shared", last_words, *more))
    report.check("a_program_may_load_it_and_let_go_of_it", [SKIPPED, WITHOUT_SANITIZER]
                 if sanitize != "none" else
                 build_and_run(package, "gcc", "c11", [CONSUMERS / "unload.c"], "loaded",
                               "unload is content", "-D_GNU_SOURCE"))


def check_consumers(report, package, sanitize):
    for compiler, standard, source in (("gcc", "c99", "consumer.c"), ("gcc", "c17", "consumer.c"),
                                       ("clang", "c11", "consumer.c"),
                                       ("g++", "c++11", "consumer.cc"),
                                       ("g++", "c++20", "consumer.cc")):
        for link in ("shared", "static"):
            name = f"a_program_builds_and_runs [{compiler} {standard} {link}]"
            if sanitize != "none":
                report.check(name, [SKIPPED, WITHOUT_SANITIZER])
            else:
                report.check(name, build_and_run(package, compiler, standard, [CONSUMERS / source],
                                                 link, "consumer is content"))


RUNTIMES = {"threads": "ckf-stress", "explore": "ckf-stress-explore", "noise": "ckf-stress-noise"}


def build_cases(package, compiler, runtime, folder, source="stress_user.c", standard="c11"):
    """One compiler call and one pkg-config call, as the tutorial shows. Returns complaints."""
    flags = run("pkg-config", "--cflags", "--libs", RUNTIMES[runtime], env=package.environment())
    if flags.returncode != 0:
        return said(flags)
    name = "mine" if runtime == "threads" else f"mine-{runtime}"
    volatile = []
    if compiler.startswith("clang") and runtime == "explore":
        volatile = run("pkg-config", "--variable=clang_cflags", RUNTIMES[runtime],
                       env=package.environment()).stdout.split()
    return said(run(compiler, f"-std={standard}", *WARNINGS, "-Wno-missing-field-initializers",
                    *volatile, CONSUMERS / source, "-o", folder / name,
                    *sysroot_flags(flags.stdout, package), env=package.environment()))


def wrong_wraps(package):
    """Functions that programs shall be linked with a wrapper of, and that have none: whoever defines
    one of that name could not be linked."""
    flags = run("pkg-config", "--libs", "ckf-stress-explore", env=package.environment()).stdout
    wrapped = re.findall(r"--wrap=(\S+)", flags)
    archive = next(package.staging.rglob("libckf-stress-explore.a"))
    defined = set(re.findall(r" [TW] (\S+)$", run("nm", archive).stdout, re.M))
    if not wrapped:
        yield "no function is wrapped"
    for name in wrapped:
        if f"__wrap_{name}" not in defined:
            yield f"there is no __wrap_{name}"


def sysroot_flags(text, package):
    """liburcu is the system's, not the temporary installation's, whatever pkg-config is told."""
    return [flag for flag in text.split()
            if not flag.startswith(("-I", "-L")) or pathlib.Path(flag[2:]).is_relative_to(package.staging)
            and pathlib.Path(flag[2:]).exists()]


def wrong_verdicts(result, **wanted):
    """wanted: status, and words that must stand in the output."""
    if result.returncode != wanted["status"]:
        yield f"the status is {result.returncode}, not {wanted['status']}"
    for word in wanted["words"]:
        if word not in result.stdout + result.stderr:
            yield f"it does not say: {word}"
    if result.returncode != wanted["status"]:
        yield (result.stdout + result.stderr)[-3000:]


CASES = ("-c", "user-hits", "-c", "user-channel")
# What the programs say, by runtime and what they are called with.
SAYINGS = (
    ("threads", ("run", "--engine", "threads", "--budget", "2s", "--require-repro", *CASES), 0,
     ("racy    REPRODUCED  \"lost\"", "mutex   CLEAN", "atomic  CLEAN", "4 clean, 0 with")),
    ("noise", ("noise", "--budget", "2s", "--require-repro", *CASES), 0,
     ("racy    REPRODUCED  \"lost\"", "mutex   CLEAN", "atomic  CLEAN", "4 clean, 0 with")),
    ("explore", ("explore", "--budget", "5s", "--require-repro", *CASES), 0,
     ("1 reproduced, 0 not reproduced, 4 clean, 0 failed, 0 without a verdict",)),
    ("explore", ("run", "--budget", "500ms", "-c", "user-text"), 0,
     ("explored: found \"two\nlines\" in",)),
    ("explore", ("run", "--budget", "2s", *CASES), 0,
     ("explored: found \"lost\" in", "explored: found nothing forbidden in")),
    ("explore", ("explore", "--budget", "2s", "-c", "user-semaphore"), 2,
     ("NO VERDICT", "calls sem_", "which this engine does not model")),
    ("threads", ("run", "--engine", "threads", "--budget", "500ms", "-c", "user-semaphore"), 0,
     ("atomic  CLEAN",)),
    ("noise", ("noise", "--compare", "--budget", "1s", "--rounds", "1", "-c", "user-hits"), 0,
     ("between failures, plain", "user-hits")),
    ("explore", ("report", "--budget", "1s", "-o", "page.html", "-c", "user-hits"), 0,
     ("The report is in page.html",)),
)


# The same of the case in C++, in which one racy twin and one fix of stress_user.c are.
SAYINGS_IN_CXX = (
    ("threads", ("run", "--engine", "threads", "--budget", "2s", "--require-repro"), 0,
     ("racy    REPRODUCED  \"lost\"", "atomic  CLEAN")),
    ("noise", ("noise", "--budget", "1s", "--require-repro"), 0,
     ("racy    REPRODUCED  \"lost\"", "atomic  CLEAN")),
    ("explore", ("explore", "--require-repro", "-c", "user-[hsc]*"), 0,
     ("1 reproduced, 0 not reproduced, 3 clean, 0 failed, 0 without a verdict",)),
    ("explore", ("explore", "-c", "user-thread"), 2,
     ("starts a std::thread, which this engine does not model",)),
)


def missing_lanes(page):
    if '<div class="lanes"' not in page.read_text():
        yield "the page does not show how the racy twin fails"


def check_sayings(report, package, folder, compiler, all_sayings):
    for runtime, words, status, sayings in all_sayings:
        result = run(folder / "mine", *words, env=package.environment(), timeout=120, cwd=folder)
        report.check(f"{' '.join(words[:3])}_has_the_right_verdicts [{compiler} {runtime}]",
                     wrong_verdicts(result, status=status, words=sayings))


def check_stress(report, package, sanitize):
    """A program of cases, in all runtimes, with each compiler."""
    report.check("what_is_wrapped_has_a_wrapper", wrong_wraps(package))
    for compiler, source, standard in (("gcc", "stress_user.c", "c11"),
                                       ("clang", "stress_user.c", "c11"),
                                       ("g++", "stress_user.cc", "c++20"),
                                       ("clang++", "stress_user.cc", "c++20")):
        if sanitize != "none" or shutil.which(compiler) is None:
            why = WITHOUT_SANITIZER if sanitize != "none" \
                else f"{compiler} is not installed"
            report.check(f"cases_of_a_program_run_in_every_engine [{compiler}]", [SKIPPED, why])
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for runtime in RUNTIMES:
                report.check(f"cases_build_for_it [{compiler} {runtime}]",
                             build_cases(package, compiler, runtime, folder, source, standard))
            if source.endswith(".cc"):
                check_sayings(report, package, folder, compiler, SAYINGS_IN_CXX)
                continue
            check_sayings(report, package, folder, compiler, SAYINGS)
            report.check(f"the_report_shows_explored_executions [{compiler}]",
                         missing_lanes(folder / "page.html"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a finished build folder")
    parser.add_argument("--meson", default="meson")
    arguments = parser.parse_args()
    options = json.loads(run(arguments.meson, "introspect", "--buildoptions",
                             arguments.build).stdout)
    sanitize = next(option["value"] for option in options if option["name"] == "b_sanitize")
    version = json.loads(run(arguments.meson, "introspect", "--projectinfo",
                             arguments.build).stdout)["version"]
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        staging = pathlib.Path(folder)
        if report.check("it_installs", install(arguments.meson, arguments.build, staging)):
            package = Package(staging)
            if report.check("the_parts_are_there", package.missing()):
                report.check("all_public_headers_are_installed", wrong_headers(package))
                report.check("only_ckf_symbols_are_exported", wrong_exports(package))
                report.check("every_declared_function_is_exported", missing_exports(package))
                report.check("the_soname_names_the_interface", wrong_soname(package))
                report.check("the_static_library_defines_only_ckf_names",
                             wrong_static_symbols(package))
                report.check("pkg_config_tells_the_truth", wrong_pkg_config(package, version))
                check_consumers(report, package, sanitize)
                check_suites(report, package, sanitize)
                if package.has("ckf-stress"):
                    check_stress(report, package, sanitize)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
