#!/usr/bin/env python3
"""Holds log_filter against grep -F and awk on real text, and stops and reloads it in mid-run.

Prints a line a check, as the unit tests do, and the throughput beside that of grep and awk.
"""
import argparse
import fcntl
import filecmp
import gzip
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

from checks import Report

C_LOCALE = dict(os.environ, LC_ALL="C")
APT_HELPER = pathlib.Path("/usr/lib/apt/apt-helper")
TEXT_FOLDERS = ("/usr/share/common-licenses", "/usr/share/dict", "/usr/include", "/usr/share/doc",
                "/usr/share/perl", "/usr/lib/python3")
PATIENCE_S = 120
LINE_NUMBERS = 5000  # different ones, as first fields of repeated text


class Failure(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failure(what)


# ---- Real text ----

def apt_indices():
    """What the package indices say, as far as this machine has them."""
    for path in sorted(pathlib.Path("/var/lib/apt/lists").glob("*_Packages*")):
        if APT_HELPER.exists():
            result = subprocess.run([APT_HELPER, "cat-file", path], capture_output=True)
            yield result.stdout


def text_files():
    seen = set()
    for folder in TEXT_FOLDERS:
        for directory, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                path = os.path.realpath(os.path.join(directory, name))
                if path not in seen and os.path.isfile(path):
                    seen.add(path)
                    yield path


def read_text(path):
    try:
        data = pathlib.Path(path).read_bytes()
        return gzip.decompress(data) if path.endswith(".gz") else data
    except (OSError, EOFError):
        return b""


def real_text():
    yield from apt_indices()
    for path in text_files():
        data = read_text(path)
        if data and b"\0" not in data:
            yield data if data.endswith(b"\n") else data + b"\n"


def build_corpus(path, size):
    """Text as it is; where the machine has not enough of it, again with line numbers in front."""
    written = number = 0
    texts = []
    with open(path, "wb") as corpus:
        for text in real_text():
            if len(text) > size - written:
                text = text[:text.find(b"\n", size - written) + 1]
            texts.append(text)
            written += corpus.write(text)
            if written >= size:
                return written
        while written < size:
            expect(texts, "this machine has no text to filter")
            for text in texts:
                lines = text.split(b"\n")[:-1]
                numbered = b"".join(b"%d %s\n" % ((number + i) % LINE_NUMBERS, line)
                                    for i, line in enumerate(lines))
                number += len(lines)
                written += corpus.write(numbered)
                if written >= size:
                    break
    return written


# ---- Rulesets, and what others say to them ----

class Rule:
    def __init__(self, rule_id, action, kind, pattern):
        self.id, self.action, self.kind, self.pattern = rule_id, action, kind, pattern

    def line(self):
        escaped = "".join(f"\\x{byte:02x}" if byte <= 0x20 or byte == 0x5c else chr(byte)
                          for byte in self.pattern.encode())
        return f"{self.id} {self.action} {self.kind} {escaped}\n"


FEW = [Rule(1, "drop", "substring", "include"), Rule(2, "drop", "substring", "static"),
       Rule(3, "drop", "substring", "license")]
FOLDED = [Rule(1, "drop", "substring/i", "GNU"), Rule(2, "drop", "substring/i", "warranty"),
          Rule(3, "drop", "substring/i", "Debian")]
MIXED = [Rule(10, "pass", "exact", " */"), Rule(11, "drop", "exact", "#endif"),
         Rule(20, "drop", "prefix", "#define"), Rule(21, "pass", "prefix", "#define _"),
         Rule(22, "drop", "prefix", "Depends:"), Rule(30, "drop", "suffix", ";"),
         Rule(31, "pass", "suffix", ");"), Rule(40, "drop", "substring", "extern"),
         Rule(41, "pass", "substring", "extern \"C\""), Rule(42, "drop", "substring", "the")]
ORDER = ("exact", "prefix", "suffix", "substring")


def many_rules(count):
    """Words of the dictionary that are long enough to be rare."""
    words = [word for word in pathlib.Path("/usr/share/dict/words").read_text().split()
             if len(word) >= 6 and word.isascii() and word.isalpha()]
    step = max(1, len(words) // count)
    return [Rule(i + 1, "drop", "substring", word) for i, word in enumerate(words[::step][:count])]


def awk_quote(pattern):
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'


def awk_test(rule):
    pattern, length = awk_quote(rule.pattern), len(rule.pattern)
    return {
        "exact": f"$0 == {pattern} \"\"",
        "prefix": f"substr($0, 1, {length}) == {pattern}",
        "suffix": f"length($0) >= {length} && substr($0, length($0) - {length - 1}) == {pattern}",
        "substring": f"index($0, {pattern})",
    }[rule.kind]


def awk_program(rules):
    """Prints the lines that stay; at the end, on standard error, the count of each rule."""
    ordered = sorted(rules, key=lambda rule: (ORDER.index(rule.kind), -len(rule.pattern), rule.id))
    chain = "".join(f"if ({awk_test(rule)}) {{ hits[{rule.id}]++;"
                    f" {'print' if rule.action == 'pass' else ''} }} else " for rule in ordered)
    return (f"{{ {chain} print }} END {{ for (id in hits)"
            " print \"rule\", id, hits[id] > \"/dev/stderr\" }")


def run(command, output=None, env=None, **keywords):
    """Runs it to its end; returns (status, standard error, seconds)."""
    started = time.monotonic()
    with open(output or os.devnull, "wb") as file:
        result = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, env=env,
                                timeout=PATIENCE_S, **keywords)
    return result.returncode, result.stderr.decode(errors="replace"), time.monotonic() - started


class Bench:
    """A folder with the corpus, and log_filter in it."""

    def __init__(self, program, folder, size):
        self.program = os.path.abspath(program)
        self.folder = pathlib.Path(folder)
        self.corpus = self.path("corpus")
        self.size = build_corpus(self.corpus, size)
        self.speeds = []

    def path(self, name):
        return str(self.folder / name)

    def rules(self, rules, name="rules"):
        pathlib.Path(self.path(name)).write_text("".join(rule.line() for rule in rules))
        return self.path(name)

    def filter(self, rules, output, *options, inputs=None):
        command = [self.program, "--rules", self.rules(rules), *options,
                   *([self.corpus] if inputs is None else inputs)]
        status, said, seconds = run(command, self.path(output), stdin=subprocess.DEVNULL)
        expect(status == 0, f"status {status}: {said}")
        return seconds

    def same(self, first, second):
        expect(filecmp.cmp(self.path(first), self.path(second), shallow=False),
               f"{first} and {second} differ")

    def speed(self, title, **seconds):
        figures = ", ".join(f"{name} {self.size / taken / 1e6:.0f} MB/s"
                            for name, taken in seconds.items())
        self.speeds.append(f"{title}: {figures}")

    def counts(self, name):
        """The report of --counts: {kind: {name: count}}."""
        found = {}
        for line in pathlib.Path(self.path(name)).read_text(errors="surrogateescape").splitlines():
            kind, key, count = line.split("\t")
            found.setdefault(kind, {})[key] = int(count)
        return found


def grep_patterns(bench, rules):
    pathlib.Path(bench.path("patterns")).write_text("".join(rule.pattern + "\n" for rule in rules))
    return bench.path("patterns")


def grep(bench, output, *options):
    status, said, seconds = run(["grep", "-a", "-F", *options, bench.corpus], bench.path(output),
                                env=C_LOCALE)
    expect(status in (0, 1), f"grep: {said}")
    return seconds


def awk(bench, output, rules):
    status, said, seconds = run(["awk", awk_program(rules), bench.corpus], bench.path(output),
                                env=C_LOCALE)
    expect(status == 0, f"awk: {said}")
    hits = {line.split()[1]: int(line.split()[2]) for line in said.splitlines()}
    return seconds, hits


# ---- Checks on whole runs ----

def few_substrings_drop_what_grep_drops(bench):
    taken = bench.filter(FEW, "ours")
    grepped = grep(bench, "grepped", "-v", "-f", grep_patterns(bench, FEW))
    awked, _ = awk(bench, "awked", FEW)
    bench.same("ours", "grepped")
    bench.same("ours", "awked")
    bench.speed("3 substrings", log_filter=taken, grep=grepped, awk=awked)


def many_substrings_drop_what_grep_drops(bench):
    rules = many_rules(300)
    taken = bench.filter(rules, "ours")
    grepped = grep(bench, "grepped", "-v", "-f", grep_patterns(bench, rules))
    bench.same("ours", "grepped")
    bench.speed("300 substrings", log_filter=taken, grep=grepped)


def thousands_of_substrings_drop_what_grep_drops(bench):
    rules = many_rules(5000)
    taken = bench.filter(rules, "ours")
    grepped = grep(bench, "grepped", "-v", "-f", grep_patterns(bench, rules))
    bench.same("ours", "grepped")
    bench.speed(f"{len(rules)} substrings", log_filter=taken, grep=grepped)


def folding_drops_what_grep_drops(bench):
    taken = bench.filter(FOLDED, "ours")
    grepped = grep(bench, "grepped", "-v", "-i", "-f", grep_patterns(bench, FOLDED))
    bench.same("ours", "grepped")
    bench.speed("3 substrings that fold", log_filter=taken, grep=grepped)


def default_drop_keeps_what_grep_finds(bench):
    rules = [Rule(rule.id, "pass", rule.kind, rule.pattern) for rule in FEW]
    bench.filter(rules, "ours", "--default", "drop")
    grep(bench, "grepped", "-f", grep_patterns(bench, rules))
    bench.same("ours", "grepped")


def all_kinds_together_do_what_awk_does(bench):
    taken = bench.filter(MIXED, "ours", "--counts", bench.path("counts"))
    awked, hits = awk(bench, "awked", MIXED)
    bench.same("ours", "awked")
    counted = bench.counts("counts")
    expect({rule: count for rule, count in counted["rule"].items() if count > 0} == hits,
           f"rules: {counted['rule']}, awk says {hits}")
    expect(counted["lines"][""] == counted["kept"][""] + counted["dropped"][""], "lines lost")
    bench.speed("10 rules of all kinds, with counts", log_filter=taken, awk=awked)


def the_back_end_changes_nothing_or_is_not_there(bench):
    bench.filter(MIXED, "own")
    command = [bench.program, "--rules", bench.rules(MIXED), "--backend", "hyperscan", bench.corpus]
    status, said, _ = run(command, bench.path("hyperscan"), stdin=subprocess.DEVNULL)
    if status == 0:
        bench.same("own", "hyperscan")
    else:
        expect(status == 2 and "--backend hyperscan: " in said, f"status {status}: {said}")


def first_fields_are_counted_as_awk_counts_them(bench):
    bench.filter([], "ours", "--counts", bench.path("counts"))
    status, said, _ = run(["awk", "{ count[$1]++ } END { for (field in count)"
                           " print count[field] \"\\t\" field }", bench.corpus],
                          bench.path("awked"), env=C_LOCALE)
    expect(status == 0, said)
    wanted, odd = {}, re.compile(r"[\x00-\x1f\x7f\\]")
    for line in open(bench.path("awked"), errors="surrogateescape", newline="\n"):
        count, field = line.rstrip("\n").split("\t", 1)
        wanted[odd.sub(lambda match: f"\\x{ord(match[0]):02x}", field)] = int(count)
    counted = bench.counts("counts")
    expect("other fields" not in counted, "too many fields for an exact comparison")
    wrong = [field for field in wanted.keys() | counted["field"].keys()
             if wanted.get(field) != counted["field"].get(field)]
    expect(not wrong, f"{len(wrong)} fields differ, such as {wrong[:3]}")


def workers_and_variants_change_nothing(bench):
    bench.filter(MIXED, "ours", "--workers", "1")
    for variant in ("atomic", "mutex"):
        for workers in ("2", "7"):
            bench.filter(MIXED, "others", "--workers", workers, "--variant", variant)
            bench.same("ours", "others")
    bench.filter(MIXED, "others", "--output", bench.path("file"))
    bench.same("ours", "file")
    expect(os.path.getsize(bench.path("others")) == 0, "something went to standard output")


# ---- Checks on signals: log_filter reads from a pipe that this program fills ----

class Piped:
    """A log_filter that runs; its output and its messages are collected meanwhile."""

    def __init__(self, bench, *options):
        self.read_end, self.write_end = os.pipe()
        self.process = subprocess.Popen([bench.program, *options], stdin=self.read_end,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.collected = {"output": b"", "said": b""}
        self.threads = [threading.Thread(target=self.collect, args=pair, daemon=True) for pair in
                        (("output", self.process.stdout), ("said", self.process.stderr))]
        for thread in self.threads:
            thread.start()

    def collect(self, name, pipe):
        parts = []
        while block := pipe.read1(1 << 16):
            parts.append(block)
            if name == "said":
                self.collected[name] = b"".join(parts)
        self.collected[name] = b"".join(parts)

    def await_words(self, words):
        end = time.monotonic() + PATIENCE_S
        while words.encode() not in self.collected["said"]:
            expect(time.monotonic() < end, f"never said: {words}")
            expect(self.process.poll() is None, f"ended: {self.collected['said'].decode()}")
            time.sleep(0.001)

    def await_reading(self):
        """Once it reads, it is past the moment from which on it takes signals."""
        end = time.monotonic() + PATIENCE_S
        while self.left_in_pipe() > 0:
            expect(time.monotonic() < end, "never reads")
            time.sleep(0.001)

    def left_in_pipe(self):
        return struct.unpack("i", fcntl.ioctl(self.read_end, termios.FIONREAD, b"\0" * 4))[0]

    def close_input(self):
        os.close(self.write_end)

    def wait(self):
        status = self.process.wait(PATIENCE_S)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        os.close(self.read_end)
        return status, self.collected["output"], self.collected["said"].decode()


def corpus_lines(bench, size):
    with open(bench.corpus, "rb") as corpus:
        text = corpus.read(min(size, bench.size))
    return text[:text.rfind(b"\n") + 1]


def reloads_mix_no_line(bench):
    """Lines that both rulesets keep are there, lines that both drop are not, all in order."""
    first = [Rule(1, "drop", "substring", "static"), Rule(2, "drop", "substring", "the")]
    second = [Rule(1, "drop", "substring", "static"), Rule(3, "drop", "substring", "and")]
    contents = [bench.rules(rules, f"rules{i}") for i, rules in enumerate((first, second))]
    live = bench.rules(first, "live")
    text = corpus_lines(bench, 8 << 20)
    piped = Piped(bench, "--rules", live, "--workers", "3")
    reloads = 0

    def feed():
        for at in range(0, len(text), 16384):
            os.write(piped.write_end, text[at:at + 16384])
        piped.close_input()

    os.write(piped.write_end, b"\n")
    piped.await_reading()
    feeder = threading.Thread(target=feed)
    feeder.start()
    while feeder.is_alive():
        reloads += 1
        pathlib.Path(live + ".new").write_bytes(pathlib.Path(contents[reloads % 2]).read_bytes())
        os.replace(live + ".new", live)
        if piped.process.poll() is None:
            piped.process.send_signal(signal.SIGHUP)
        time.sleep(0.002)
    feeder.join()
    status, output, said = piped.wait()
    expect(status == 0, f"status {status}: {said[-500:]}")
    expect("read again: 2 rules, " in said, "no reload happened")
    kept = iter(output.split(b"\n")[:-1])
    line = next(kept, None)
    for source in (b"\n" + text).split(b"\n")[:-1]:
        one, other = b"the" in source, b"and" in source
        may_stay = b"static" not in source and not (one and other)
        must_stay = b"static" not in source and not one and not other
        if may_stay and line == source and (must_stay or line is not None):
            line = next(kept, None)
        else:
            expect(not must_stay, f"lost: {source[:80]!r}")
    expect(line is None, f"not of the input, or out of order: {line[:80] if line else ''!r}")


def a_bad_reload_keeps_the_old_rules(bench):
    live = bench.rules(FEW, "live")
    piped = Piped(bench, "--rules", live)
    os.write(piped.write_end, b"one static\none\n")
    piped.await_reading()
    pathlib.Path(live).write_text("# fine\n1 drop substring one\n2 drop nothing x\n")
    piped.process.send_signal(signal.SIGHUP)
    piped.await_words("the old rules stay")
    os.write(piped.write_end, b"two static\ntwo one\n")
    piped.close_input()
    status, output, said = piped.wait()
    expect(status == 0 and output == b"one\ntwo one\n", f"{status}, {output!r}")
    expect(f"{live}:3:8: " in said, f"no line and column: {said}")


def stopping_writes_all_that_was_accepted(bench):
    text = corpus_lines(bench, 4 << 20)
    patterns = [rule.pattern.encode() for rule in FEW]
    for number, wait_s in ((signal.SIGINT, 0.0), (signal.SIGTERM, 0.01), (signal.SIGINT, 0.05),
                           (signal.SIGTERM, 0.0)):
        piped = Piped(bench, "--rules", bench.rules(FEW), "--workers", "2")
        os.set_blocking(piped.write_end, False)
        end, fed = time.monotonic() + wait_s, 0
        while fed < len(text) and (fed < 300000 or time.monotonic() < end):
            try:
                fed += os.write(piped.write_end, text[fed:fed + 10007])
            except BlockingIOError:
                time.sleep(0.0001)
        piped.process.send_signal(number)
        left_s = time.monotonic() + PATIENCE_S
        while piped.process.poll() is None:
            expect(time.monotonic() < left_s, "does not stop")
            time.sleep(0.001)
        accepted = text[:fed - piped.left_in_pipe()]
        accepted = accepted[:accepted.rfind(b"\n") + 1]
        piped.close_input()
        status, output, said = piped.wait()
        wanted = b"".join(line + b"\n" for line in accepted.split(b"\n")[:-1]
                          if not any(pattern in line for pattern in patterns))
        expect(status == 0, f"status {status}: {said}")
        expect(output == wanted,
               f"{len(output)} bytes written, {len(wanted)} are due of {len(accepted)} accepted")


def a_second_signal_ends_it_at_once(bench):
    read_end, write_end = os.pipe()  # an output that nobody reads
    process = subprocess.Popen([bench.program, "--rules", bench.rules([]), bench.corpus],
                               stdout=write_end, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL)
    os.read(read_end, 1)  # it works, and will now be held up
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline().decode()
    process.send_signal(signal.SIGINT)
    status = process.wait(PATIENCE_S)
    said += process.stderr.read().decode()
    process.stderr.close()
    os.close(read_end)
    os.close(write_end)
    expect(status == -signal.SIGINT and "not everything was written" in said,
           f"status {status}: {said}")


def a_signal_shows_who_runs_and_who_waits(bench):
    process = subprocess.Popen([bench.program, "--rules", bench.rules(FEW), "--workers", "2"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    process.stdin.write(b"a line\n")
    process.stdout.read(1)  # it takes signals by now
    lines, end = [], time.monotonic() + PATIENCE_S
    while not (any("2 threads wait" in line and 'recv of channel "work"' in line for line in lines)
               and any(": worker, thread " in line for line in lines)):
        expect(time.monotonic() < end, f"never said who runs and who waits: {lines}")
        process.send_signal(signal.SIGUSR1)
        lines.append(process.stderr.readline().decode())
    process.communicate(timeout=PATIENCE_S)  # closes the input
    expect(process.returncode == 0, "it did not go on")


def a_trace_tells_what_happened(bench):
    trace = bench.path("trace")
    pathlib.Path(bench.path("head")).write_bytes(corpus_lines(bench, 8 << 20))
    bench.filter(FEW, "ours", "--trace", trace, "--workers", "2", inputs=[bench.path("head")])
    recorded = json.loads(pathlib.Path(trace).read_text())
    events = [event for event in recorded["traceEvents"] if event["ph"] != "M"]
    names = {event["name"] for event in events}
    for name in ("publish rules", "go worker", "task worker", "task input", "task output", "read",
                 "filter batch", "write batches", "close work", "close done"):
        expect(name in names, f"no \"{name}\" among {sorted(names)}")
    batches = [event for event in events if event["name"] == "filter batch"]
    tasks = {event["tid"]: event for event in events if event["name"] == "task worker"}
    expect(len(tasks) == 2, f"{len(tasks)} workers")
    expect(sorted(event["args"]["value"] for event in batches) == list(range(len(batches))),
           "a batch is missing, or there twice")
    for event in batches:
        task = tasks[event["tid"]]
        expect(task["ts"] <= event["ts"] and
               event["ts"] + event["dur"] <= task["ts"] + task["dur"] + 1,
               "a batch lies outside of its worker's life")
    expect(recorded["otherData"]["dropped"] == 0, "events were dropped")


# ---- Checks on odd inputs and on errors ----

def odd_inputs_are_lines_like_others(bench):
    long_line = b"x" * (5 << 20)
    cases = [
        (b"", b""),
        (b"\n\n\n", b"\n\n\n"),
        (b"a", b"a\n"),
        (b"a\nstatic", b"a\n"),
        (b"a\0b\nst\0atic\n\0\n", b"a\0b\nst\0atic\n\0\n"),
        (b"a\r\nstatic\r\n\xff\xfe\n", b"a\r\n\xff\xfe\n"),
        (long_line + b"\nstatic" + long_line + b"\nend", long_line + b"\nend\n"),
    ]
    for given, wanted in cases:
        pathlib.Path(bench.path("odd")).write_bytes(given)
        for inputs in ([bench.path("odd")], [bench.path("odd"), bench.path("odd")]):
            bench.filter(FEW, "ours", inputs=inputs)
            got = pathlib.Path(bench.path("ours")).read_bytes()
            expect(got == wanted * len(inputs), f"{given[:40]!r} became {got[:40]!r}")
        result = subprocess.run([bench.program, "-r", bench.rules(FEW)], input=given,
                                capture_output=True, timeout=PATIENCE_S)
        expect(result.stdout == wanted, f"{given[:40]!r} through a pipe: {result.stdout[:40]!r}")


def lines_beyond_the_limit_are_refused(bench):
    with open(bench.path("odd"), "wb") as file:
        file.write(b"first\n")
        file.truncate((64 << 20) + 100)
    status, said, _ = run([bench.program, "-r", bench.rules(FEW), bench.path("odd")],
                          bench.path("ours"))
    expect(status == 2 and "longer than 64 MiB" in said, f"{status}: {said}")
    expect(pathlib.Path(bench.path("ours")).read_bytes() == b"first\n", "the line before is lost")


def mistakes_are_named(bench):
    rules = bench.rules(FEW)
    pathlib.Path(bench.path("bad")).write_text("1 drop exact a\n2 drop exact \\q\n")
    for options, words in (
            ([], "--rules is missing"),
            (["-r", bench.path("none")], "No such file or directory"),
            (["-r", bench.path("bad")], "bad:2:14: "),
            (["-r", rules, "-w", "0"], "--workers wants a number from 1 to 64, not '0'"),
            (["-r", rules, "-w", "9x"], "not '9x'"),
            (["-r", rules, "--default", "keep"], "--default wants pass or drop, not 'keep'"),
            (["-r", rules, "--variant", "fast"], "--variant wants atomic or mutex, not 'fast'"),
            (["-r", rules, "--nonsense"], "--nonsense"),
            (["-r", rules, bench.path("none")], f"cannot read {bench.path('none')}"),
            (["-r", rules, "/"], "cannot read /: Is a directory"),
            (["-r", rules, "-o", "/none/x"], "cannot write /none/x"),
            (["-r", rules, "-c", "/none/x", rules], "cannot write /none/x"),
            (["-r", rules, "--trace", "/none/x", rules], "cannot write /none/x"),
            (["-r", rules, "-o", rules, rules], "is also an input")):
        status, said, _ = run([bench.program, *options], stdin=subprocess.DEVNULL)
        expect(status == 2 and words in said, f"{options}: {status}: {said}")
    status, said, _ = run([bench.program, "--help"], bench.path("help"))
    expect(status == 0 and "--rules" in pathlib.Path(bench.path("help")).read_text(), "no help")


def failed_writes_end_it(bench):
    rules = bench.rules([])
    status, said, _ = run([bench.program, "-r", rules, bench.corpus], "/dev/full")
    expect(status == 2 and "No space left on device" in said, f"{status}: {said}")
    process = subprocess.Popen([bench.program, "-r", rules, bench.corpus], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.read(100)
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    expect(process.wait(PATIENCE_S) == 2 and "Broken pipe" in said, said)


CHECKS = (few_substrings_drop_what_grep_drops, many_substrings_drop_what_grep_drops,
          thousands_of_substrings_drop_what_grep_drops, folding_drops_what_grep_drops,
          default_drop_keeps_what_grep_finds, all_kinds_together_do_what_awk_does,
          the_back_end_changes_nothing_or_is_not_there,
          first_fields_are_counted_as_awk_counts_them, workers_and_variants_change_nothing,
          reloads_mix_no_line, a_bad_reload_keeps_the_old_rules,
          a_signal_shows_who_runs_and_who_waits, a_trace_tells_what_happened,
          stopping_writes_all_that_was_accepted, a_second_signal_ends_it_at_once,
          odd_inputs_are_lines_like_others, lines_beyond_the_limit_are_refused,
          mistakes_are_named, failed_writes_end_it)


def complaints(check, bench):
    try:
        check(bench)
    except (Failure, subprocess.TimeoutExpired) as failure:
        yield f"    {failure}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="log_filter as it was built")
    parser.add_argument("--megabytes", type=int, default=100, help="of text (default %(default)s)")
    parser.add_argument("--only", metavar="WORD", default="", help="checks whose name has it")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="check_log_filter.") as folder:
        bench = Bench(arguments.program, folder, arguments.megabytes * 1000 * 1000)
        print(f"{bench.size / 1e6:.0f} MB of text")
        for check in CHECKS:
            if arguments.only in check.__name__:
                report.check(check.__name__, complaints(check, bench))
        for speed in bench.speeds:
            print(f"    {speed}")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
