#!/usr/bin/env python3
"""Tests of scripts/report.py: what the page says, and that no data, however incomplete, breaks it."""
import copy
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import report
from checks import Report

VOID = {"meta", "input", "br", "line", "path", "rect", "circle"}


def variant(name, verdict, iterations=1000, failures=0, **more):
    return {"variant": name, "verdict": verdict, "sentence": f"{name}: {verdict.lower()}.",
            "iterations": iterations, "failures": failures,
            "rate": failures / iterations if iterations else 0, "rate_low": 0.001, "rate_high": 0.9,
            "needed_iterations": 400, "enough": True, "seconds": 1.5, "parallel": True,
            "outcomes": [{"outcome": "exact", "grade": "acceptable", "count": iterations - failures,
                          "meaning": "every count arrived"},
                         {"outcome": "lost", "grade": "forbidden", "count": failures,
                          "meaning": "a count vanished"}],
            "sweeps": [{"placement": "spread", "threads": 2, "spin": 0, "iterations": iterations // 2,
                        "failures": failures},
                       {"placement": "one cpu", "threads": 4, "spin": 100,
                        "iterations": iterations // 2, "failures": 0}],
            "first_failure": {"starts": 20, "failed": 18, "median_ms": 2.5, "iteration": 17,
                              "placement": "same", "spin": "yield",
                              "times": [{"ms": 2.5, "failed": True}, {"ms": 9, "failed": False}]} if failures else None} | more


def explored(variant_name, failed):
    trace = [
        {"step": 1, "thread": "putter", "file": "ring.c", "line": 20, "function": "put",
         "what": "plain write to C", "kind": "plain write to", "word": "C"},
        {"step": 1, "thread": "putter", "file": "ring.c", "line": 21, "function": "put",
         "what": "store release A <- 1", "kind": "store", "word": "A", "order": "release",
         "value": "1", "wrote": True},
        {"step": 2, "thread": "taker", "file": "ring.c", "line": 28, "function": "take",
         "what": "load acquire A was 1", "kind": "load", "word": "A", "order": "acquire",
         "value": "1", "wrote": False, "after": 1},
        {"step": 3, "thread": "taker", "file": "ring.c", "line": 29, "function": "take",
         "what": "load relaxed B was 0, stale (store 1 of 2)", "kind": "load", "word": "B",
         "order": "relaxed", "value": "0", "wrote": False, "stale": [1, 2]},
        {"step": 4, "thread": "taker", "file": "ring.c", "line": 30, "function": "take",
         "what": "sleep on D, which is 0", "kind": "sleep on", "word": "D", "count": 0},
        {"step": 5, "thread": "putter", "file": "ring.c", "line": 31, "function": "put",
         "what": "wake D, 1 sleep there", "kind": "wake", "word": "D", "count": 1},
        {"step": 6, "thread": "taker", "file": "ring.c", "line": 32, "function": "take",
         "what": "lock E", "kind": "lock", "word": "E", "woken": 5}]
    found = {"case": "map-one", "variant": variant_name, "verdict": "clean", "outcome": "",
             "extent": "2030 executions, complete up to 2 preemptions", "executions": 2030,
             "complete_preemptions": 2, "complete_by_stale_reads": [2, 2, 2], "complete": False}
    if failed:
        found |= {"verdict": "REPRODUCED", "outcome": "hang", "failure": {
            "outcome": "hang", "history": "no order <fits>", "executions": 27, "ns": 900000, "message": "everybody sleeps",
            "threads": [{"id": 1, "name": "putter", "end": "putter has ended"},
                        {"id": 2, "name": "taker", "end": "taker is blocked in lock"}],
            "trace": trace}}
    return found


def case(case_id, racy="REPRODUCED", mutex="CLEAN", atomic="CLEAN"):
    return {"id": case_id, "collection": case_id.split("-")[0], "title": f"title of {case_id}",
            "story": "First `stats[s]++`.\n\nThen more.",
            "variants": [variant("racy", racy, failures=40 if racy == "REPRODUCED" else 0,
                                 explore=explored("racy", racy == "REPRODUCED")),
                         variant("mutex", mutex, explore=explored("mutex", False)),
                         variant("atomic", atomic)]}


def stress():
    return {"program": "ckf-stress", "version": "1.2.3", "seed": 7, "budget_seconds": 60,
            "seconds": 61.5, "environment": {"cpu": "A CPU", "cpus": 2, "kernel": "Linux",
                                             "libraries": {"liburcu": "0.13"}},
            "cases": [case("map-one"), case("map-two", racy="NOT REPRODUCED"), case("channel-one")],
            "summary": {}}


def result(name, samples, **more):
    ordered = sorted(samples)
    return {"name": name, "label": f"label of {name}", "median": ordered[len(ordered) // 2],
            "min": ordered[0], "max": ordered[-1], "samples": samples, "parallel": True,
            "cpus_busy": 1.9, "verified": True, "skipped": False, "note": ""} | more


def workload(workload_id, *results, family="sending"):
    return {"id": workload_id, "collection": workload_id.split("-")[0], "family": family,
            "title": f"title of {workload_id}", "unit": "ns/op", "threads": 2, "kind": "per-op",
            "results": list(results)}


def bench():
    return {"program": "ckf-bench", "version": "1.2.3", "repetitions": 5, "seconds": 30.0,
            "environment": {"cpu": "A CPU", "cpus": 2, "compiler": "gcc 12"},
            "workloads": [
                workload("channel-pair", result("atomic", [10.0, 11.0, 12.0]),
                         result("mutex", [30.0, 33.0, 36.0]), result("peer", [20.0, 21.0, 22.0])),
                workload("channel-even", result("atomic", [10.0, 10.0, 10.0]),
                         result("mutex", [8.0, 9.0, 12.0])),
                workload("map-add", result("atomic", [5.0, 5.0, 5.0]),
                         result("mutex", [4.0, 4.0, 4.0]), family="adding")]}


class Structure(html.parser.HTMLParser):
    """Checks that elements nest, and gathers what a test asks about."""

    def __init__(self):
        super().__init__()
        self.open, self.errors, self.references, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "action", "data"):
                self.references.append(value)
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)


def text_of(page):
    page = re.sub(r"<(style|script|title)>.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def mutations(data):
    """Copies of the data with each value in turn missing, or of another kind."""
    def places(value, path):
        pairs = value.items() if isinstance(value, dict) else \
            enumerate(value) if isinstance(value, list) else ()
        for key, inner in pairs:
            yield (*path, key)
            yield from places(inner, (*path, key))

    for path in places(data, ()):
        for strange in (None, "", "<b>&", [], {}, -1, 0, 1e300, True, ["x"]):
            changed = copy.deepcopy(data)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = strange
            yield path, strange, changed


class ReportTest(unittest.TestCase):
    def check_structure(self, page):
        structure = Structure()
        structure.feed(page)
        self.assertEqual(structure.errors, [])
        self.assertEqual(structure.open, [])
        self.assertEqual(len(structure.ids), len(set(structure.ids)))
        return structure

    def test_headline_counts_what_was_reproduced(self):
        text = text_of(report.page(stress(), None))
        self.assertIn("2 of 3 documented races were reproduced", text)
        self.assertIn("stayed clean over 6 000 iterations", text)

    def test_headline_says_when_a_fixed_variant_failed(self):
        data = stress()
        data["cases"].append(case("filter-one", atomic="FORBIDDEN"))
        text = text_of(report.page(data, None))
        self.assertIn("1 fixed variant FAILED", text)

    def test_headline_gives_the_range_of_ratios(self):
        text = text_of(report.page(None, bench()))
        self.assertIn("0.80 to 3.00\u00d7 the time of atomic", text)
        self.assertIn("atomic was faster in 1 of 3 workloads, mutex in 1; 1 came out both ways", text)

    def test_ratio_is_taken_within_rounds(self):
        data = bench()
        data["workloads"] = [workload("channel-slow-phase", result("atomic", [10.0, 100.0, 10.0]),
                                      result("mutex", [20.0, 200.0, 20.0]))]
        self.assertIn("2.00 to 2.00\u00d7", text_of(report.page(None, data)))

    def test_what_was_not_parallel_is_marked_and_not_compared(self):
        data = bench()
        data["workloads"] = [workload("channel-pair", result("atomic", [10.0], parallel=False),
                                      result("mutex", [30.0]))]
        page = report.page(None, data)
        self.assertIn("no pair of variants could be compared", text_of(page).lower())
        self.assertIn("not parallel", page)
        self.assertIn("hollow", page.split("</style>")[1])

    def test_a_failed_check_is_shown(self):
        data = bench()
        data["workloads"][0]["results"][1] |= {"verified": False, "median": None, "samples": [],
                                               "note": "3 values were lost"}
        page = report.page(None, data)
        self.assertIn("FAILED", text_of(page))
        self.assertIn("3 values were lost", text_of(page))

    def test_a_skipped_contestant_is_no_failure(self):
        data = bench()
        data["workloads"][0]["results"][2] |= {"skipped": True, "verified": False, "median": None,
                                               "samples": []}
        self.assertNotIn("FAILED", text_of(report.page(None, data)))

    def test_a_workload_that_was_not_run_says_so(self):
        data = bench()
        data["workloads"].append(workload("map-big", family="big"))
        text = text_of(report.page(None, data))
        self.assertIn("1 workload did not fit into the budget and was not run", text)

    def test_verdicts_have_words_besides_colours(self):
        data = stress()
        data["cases"].append(case("a", racy="ERROR", mutex="FORBIDDEN", atomic="CLEAN"))
        text = text_of(report.page(data, None))
        for word in ("reproduced", "not reproduced", "clean", "FORBIDDEN", "error"):
            self.assertIn(word, text)

    def test_case_command_leads_to_where_it_failed_first(self):
        self.assertIn("./dev stress -c map-one --placement same --spin yield --seed 7",
                      text_of(report.page(stress(), None)))

    def test_explored_executions_are_lanes_with_arrows(self):
        page = report.page(stress(), None)
        text = text_of(page)
        self.assertIn("How the naive twin fails", text)
        self.assertIn("receives what putter released at ring.c:21", text)
        self.assertIn("woken by putter at ring.c:31", text)
        self.assertIn("store 1 of 2", text)
        self.assertIn("hang: everybody sleeps", text)
        self.assertIn('<pre class="history">no order &lt;fits&gt;</pre>', page)
        self.assertIn("is blocked in lock", text)
        self.assertIn('<td class="asleep">', page)
        for name in ("putter", "taker"):
            self.assertIn(f'<th scope="col">{name}</th>', page)
        # Of two races that were reproduced in the fixture, each has one arrow of a kind.
        for kind in ("after", "woken"):
            self.assertEqual(page.count(f'<line class="{kind}"'), 2)

    def test_long_executions_are_cut_in_the_middle(self):
        data = stress()
        failure = data["cases"][0]["variants"][0]["explore"]["failure"]
        failure["trace"] = [{"step": step, "thread": "putter", "what": f"pause {step}",
                             "kind": "pause"} for step in range(1, 1601)]
        text = text_of(report.page(data, None))
        self.assertIn("1 537 steps left out", text)
        self.assertIn("pause 1600", text)
        self.assertNotIn("pause 700", text)

    def test_it_says_who_found_a_race_and_how_far_a_search_went(self):
        text = text_of(report.page(stress(), None))
        self.assertIn("the explore engine found 2 of them, the median race within 900", text)
        self.assertIn("explored: found in 900 \u00b5s", text)
        self.assertIn("explored to 2 preemptions", text)

    def test_it_says_within_how_many_stale_reads_a_search_was_complete(self):
        data = stress()
        mutex = next(v for v in data["cases"][0]["variants"] if v["variant"] == "mutex")
        mutex["explore"] |= {"complete_preemptions": 0, "complete_by_stale_reads": [2, 2, 1]}
        self.assertIn("explored to 2 preemptions with 1 stale read", text_of(report.page(data, None)))

    def test_cases_of_the_harness_are_no_documented_races(self):
        data = stress()
        data["cases"].append(case("litmus", racy="NOT REPRODUCED") | {"collection": "harness"})
        text = text_of(report.page(data, None))
        self.assertIn("2 of 3 documented races", text)
        self.assertIn("the harness itself", text)

    def test_page_nests_and_fetches_nothing(self):
        for pair in ((stress(), bench()), (stress(), None), (None, bench()), (None, None), ({}, {})):
            structure = self.check_structure(report.page(*pair))
            for reference in structure.references:
                self.assertTrue(reference.startswith("#"), reference)

    def test_links_lead_somewhere(self):
        structure = self.check_structure(report.page(stress(), bench()))
        for reference in structure.references:
            self.assertIn(reference[1:], structure.ids)

    def test_text_from_data_is_escaped(self):
        data = stress()
        data["cases"][0]["title"] = "<script>alert(1)</script>"
        data["cases"][0]["story"] = "`<img src=x>`"
        page = report.page(data, None)
        self.assertNotIn("<script>alert", page)
        self.assertNotIn("<img", page)

    def test_no_missing_or_strange_value_breaks_the_page(self):
        small = stress()
        small["cases"] = small["cases"][:1]
        racy, mutex, _ = small["cases"][0]["variants"]
        del racy["explore"]["failure"]["trace"][4:], mutex["explore"]
        for path, strange, data in mutations(small):
            with self.subTest(path=path, strange=strange):
                self.check_structure(report.page(data, None))
        small = bench()
        small["workloads"] = small["workloads"][:1]
        for path, strange, data in mutations(small):
            with self.subTest(path=path, strange=strange):
                self.check_structure(report.page(None, data))

    def test_numbers_keep_three_digits(self):
        for value, wanted in ((0.4812, "0.481"), (4.126, "4.13"), (41.26, "41.3"), (412.6, "413"),
                              (51843, "51\u202f800"), (0, "0")):
            self.assertEqual(report.comparison.figure(value), wanted)

    def test_program_writes_the_page(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "stress.json").write_text(json.dumps(stress()))
            status = self.run_program("--stress", folder / "stress.json", "--output",
                                      folder / "new" / "index.html")
            self.assertEqual(status.returncode, 0, status.stderr)
            self.check_structure((folder / "new" / "index.html").read_text())

    def test_program_refuses_what_is_no_json(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "bench.json"
            for content in ("{", "[]"):
                path.write_text(content)
                status = self.run_program("--bench", path, "--output", path.with_suffix(".html"))
                self.assertEqual(status.returncode, 1)
                self.assertRegex(status.stderr, r"^report: .*bench\.json: ")
            status = self.run_program("--bench", path.with_name("none.json"))
            self.assertRegex(status.stderr, r"^report: .*none\.json: ")

    @staticmethod
    def run_program(*arguments):
        return subprocess.run([sys.executable, report.__file__, *map(str, arguments)],
                              capture_output=True, text=True)


class Printer(unittest.TestResult):
    """Prints the way the C test programs do."""

    def __init__(self):
        super().__init__()
        self.printed = Report()

    def startTest(self, test):
        super().startTest(test)
        self.broken_before = len(self.failures) + len(self.errors)

    def stopTest(self, test):
        super().stopTest(test)
        broken = (self.failures + self.errors)[self.broken_before:]
        title = test._testMethodName.removeprefix("test_")
        self.printed.check(title, [f"{what}\n{trace}" for what, trace in broken[:5]])


def main():
    result = Printer()
    unittest.defaultTestLoader.loadTestsFromTestCase(ReportTest).run(result)
    return result.printed.close()


if __name__ == "__main__":
    sys.exit(main())
