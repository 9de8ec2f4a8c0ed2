"""The races: which were reproduced, which variants stayed clean, and how that shows."""
import re
import statistics

from . import lanes, svg
from .text import (about, amount, count, escape, is_number, items, milliseconds, plural, prose, rate,
                   short, words)

VARIANTS = ("racy", "mutex", "atomic")
FIXED = ("mutex", "atomic")
# Cases of this collection try the harness and the machine; they are no documented races.
HARNESS = "harness"
PLACEMENTS = {"same": "one core", "different": "different cores", "free": "not pinned"}
# verdict: (css class, sign, words). A sign and a word beside each colour.
VERDICTS = {
    "REPRODUCED": ("reproduced", "\u2717", "reproduced"),
    "NOT REPRODUCED": ("unseen", "?", "not reproduced"),
    "CLEAN": ("clean", "\u2713", "clean"),
    "FORBIDDEN": ("forbidden", "\u203c", "FORBIDDEN"),
    "ERROR": ("error", "\u26a0", "error"),
}
GRADES = {
    "acceptable": ("clean", "\u2713"),
    "interesting": ("interesting", "\u25c6"),
    "forbidden": ("reproduced", "\u2717"),
}
LEGEND = (
    ("REPRODUCED", "the naive code was seen to fail"),
    ("NOT REPRODUCED", "it was not, in the time given: nothing is proved"),
    ("CLEAN", "no forbidden outcome in any iteration"),
    ("FORBIDDEN", "the race happened in a fixed variant"),
    ("ERROR", "the case could not be run"),
)


class Races:
    """What the stress suite's JSON says, read leniently."""

    def __init__(self, data):
        self.cases = [case for case in items((data or {}).get("cases")) if words(case.get("id"))]
        self.data = data or {}

    def variant(self, case, name):
        for variant in items(case.get("variants")):
            if variant.get("variant") == name:
                return variant
        return None

    def verdicts(self, *names):
        for case in self.cases:
            if case.get("collection") == HARNESS:
                continue
            for name in names:
                variant = self.variant(case, name)
                if variant is not None:
                    yield case, variant, words(variant.get("verdict"), "ERROR")

    def number(self, names, *verdicts):
        return sum(verdict in verdicts for _, _, verdict in self.verdicts(*names))

    def clean_iterations(self):
        return sum(amount(variant.get("iterations"))
                   for _, variant, verdict in self.verdicts(*FIXED) if verdict == "CLEAN")

    def explored(self, *names):
        """What the explore engine says of these variants of documented races."""
        for case, variant, _ in self.verdicts(*names):
            explored = variant.get("explore")
            if isinstance(explored, dict):
                yield case, explored

    def of_collection(self, collection):
        return [case for case in self.cases
                if words(case.get("collection"), "other") == collection]

    def collections(self):
        names = []
        for case in self.cases:
            name = words(case.get("collection"), "other")
            if name not in names:
                names.append(name)
        return sorted(names, key=lambda name: name == HARNESS)


def sentence(races):
    """What was found, for the headline; HTML."""
    if not races.cases:
        return ""
    naive = races.number(("racy",), *VERDICTS)
    shown = races.number(("racy",), "REPRODUCED")
    failed = races.number(FIXED, "FORBIDDEN")
    broken = races.number(FIXED, "ERROR")
    iterations = races.clean_iterations()
    text = (f"<b>{shown} of {naive}</b> documented races were reproduced in naive code"
            if naive else "No naive code was run")
    if naive and any(True for _ in races.explored("racy")):
        found = sum(isinstance(explored.get("failure"), dict)
                    for _, explored in races.explored("racy"))
        text += f"; the explore engine found <b>{found}</b> of them"
        if (took := exploring_time(races)) is not None:
            text += f", the median race within <b>{milliseconds(took)}</b>"
    if failed:
        text += f"; <b class=\"bad\">{plural(failed, 'fixed variant')} FAILED</b>"
    if iterations:
        text += (f"; the fixed variants {'otherwise ' if failed else ''}stayed clean over "
                 f"<b>{about(iterations)}</b> iterations of the same scenarios")
    if broken:
        text += f"; {plural(broken, 'fixed variant')} could not be run"
    return text


def exploring_time(races):
    """Median milliseconds until the explore engine found a race; None: it found none."""
    times = [explored["failure"]["ns"] / 1e6 for _, explored in races.explored("racy")
             if isinstance(explored.get("failure"), dict)
             and is_number(explored["failure"].get("ns")) and explored["failure"]["ns"] > 0]
    return statistics.median(times) if times else None


def reach(explored):
    """How far a search without a failure went, in few words."""
    bound = explored.get("complete_preemptions")
    if explored.get("complete") is True:
        return "explored completely"
    if not is_number(bound):
        return "explored, not completely"
    by_stale_reads = [number for number in explored.get("complete_by_stale_reads") or []
                      if is_number(number)]
    best = max([bound, *by_stale_reads])
    if best < 0:
        return "explored, not completely"
    text = f"explored to {plural(best, 'preemption')}"
    if best == bound:
        return text
    stale = len(by_stale_reads) - 1 - by_stale_reads[::-1].index(best)
    return f"{text} with {plural(stale, 'stale read')}"


def _explored(variant):
    """One line about what the explore engine found; HTML."""
    explored = variant.get("explore")
    if not isinstance(explored, dict):
        return ""
    failure = explored.get("failure")
    if isinstance(failure, dict):
        took = failure.get("ns")
        took = f" in {milliseconds(took / 1e6)}" if is_number(took) and took > 0 else ""
        text = f"explored: found{took}"
    elif explored.get("verdict") == "NO VERDICT":
        text = "explored: no verdict"
    else:
        text = reach(explored)
    extent = words(explored.get("extent"))
    return f'<small class="explored" title="{escape(extent)}">{escape(text)}</small>'


def anchor(case_id):
    return "case-" + re.sub(r"[^A-Za-z0-9_-]", "-", case_id)


def pill(verdict):
    css, sign, text = VERDICTS.get(verdict, ("error", "\u26a0", verdict.lower() or "no verdict"))
    return f'<span class="pill {css}"><i aria-hidden="true">{sign}</i> {escape(text)}</span>'


def _not_parallel(variant):
    return ' <span class="flag" title="its threads did not run at the same time">not parallel</span>' \
        if variant.get("parallel") is False else ""


def _small_print(variant):
    """What stands under a verdict: how often and how soon, or over how many iterations."""
    iterations = amount(variant.get("iterations"))
    failures = amount(variant.get("failures"))
    verdict = variant.get("verdict")
    notes = []
    if failures > 0:
        observed = variant.get("rate")
        if not is_number(observed):
            observed = failures / max(1, iterations)
        notes.append("always" if observed >= 1 else rate(observed))
        first = variant.get("first_failure")
        if isinstance(first, dict) and is_number(first.get("median_ms")):
            notes.append(f"after {milliseconds(first['median_ms'])}")
    elif iterations > 0:
        notes.append(f"{short(iterations)} iterations")
        if verdict == "CLEAN" and variant.get("enough") is False:
            notes.append("too few to be sure")
    return escape(", ".join(notes)) + _not_parallel(variant)


def _cell(variant):
    if variant is None:
        return '<td class="absent">\u2013</td>'
    return f'<td>{pill(words(variant.get("verdict"), "ERROR"))}</td>'


def _heading(collection):
    return "the harness itself, on litmus tests" if collection == HARNESS else collection


def matrix(races):
    """All cases against the three variants at a glance: for paper, where the folds are open."""
    parts = ['<table class="matrix"><thead><tr><th scope="col">case</th>'
             '<th scope="col">naive twin</th><th scope="col">mutex</th><th scope="col">atomic</th>'
             '</tr></thead>']
    for collection in races.collections():
        parts.append(f'<tbody><tr class="group"><th colspan="4" scope="rowgroup">'
                     f'{escape(_heading(collection))}</th></tr>')
        for case in races.of_collection(collection):
            cells = "".join(_cell(races.variant(case, name)) for name in VARIANTS)
            parts.append(f'<tr><th scope="row"><code>{escape(case["id"])}</code></th>{cells}</tr>')
        parts.append("</tbody>")
    parts.append("</table>")
    return "".join(parts)


def legend():
    rows = "".join(f"<li>{pill(verdict)} {escape(meaning)}</li>" for verdict, meaning in LEGEND)
    return f'<ul class="legend">{rows}</ul>'


def _outcomes(races, case):
    """One row an outcome, one column a variant: counts with bars on a logarithmic scale."""
    order, found = [], {}
    for name in VARIANTS:
        variant = races.variant(case, name)
        for outcome in items((variant or {}).get("outcomes")):
            title = words(outcome.get("outcome"), "?")
            if title not in found:
                order.append(title)
                found[title] = {"grade": words(outcome.get("grade")),
                                "meaning": words(outcome.get("meaning")), "counts": {}}
            found[title]["counts"][name] = amount(outcome.get("count"))
    if not order:
        return ""
    columns = [name for name in VARIANTS if races.variant(case, name) is not None]
    largest = max(number for row in found.values() for number in row["counts"].values())
    rank = {"acceptable": 0, "interesting": 1, "forbidden": 2}
    order.sort(key=lambda title: rank.get(found[title]["grade"], 3))
    head = "".join(f'<th scope="col">{"naive twin" if name == "racy" else name}</th>'
                   for name in columns)
    body = []
    for title in order:
        row = found[title]
        css, sign = GRADES.get(row["grade"], ("error", "\u26a0"))
        cells = []
        for name in columns:
            number = row["counts"].get(name, 0)
            cells.append(f'<td class="amount{"" if number else " zero"}">'
                         f'{svg.count_bar(number, largest, "fill-" + css)}'
                         f'<span>{count(number)}</span></td>')
        body.append(f'<tr><th scope="row"><span class="grade {css}" title="{escape(row["grade"])}">'
                    f'{sign}</span> {escape(title)}<small>{escape(row["meaning"])}</small></th>'
                    f'{"".join(cells)}</tr>')
    return ('<h4>Outcomes <small>bars are logarithmic; \u2713 acceptable, \u25c6 interesting, '
            '\u2717 forbidden</small></h4><div class="wide"><table class="outcomes"><thead><tr>'
            f'<th scope="col">outcome</th>{head}</tr></thead>'
            f'<tbody>{"".join(body)}</tbody></table></div>')


def _place(sweep):
    """Where its threads ran and how they waited for the start."""
    place = words(sweep.get("placement"), "?")
    spin = sweep.get("spin")
    if is_number(spin):
        spin = f"spin {count(spin)}" if spin > 0 else ""
    return ", ".join(part for part in (PLACEMENTS.get(place, place), words(spin)) if part)


def _sweeps(variant):
    """How often the naive twin failed, by placement and number of threads."""
    tallies, numbers = {}, set()
    for sweep in items((variant or {}).get("sweeps")):
        threads = amount(sweep.get("threads"))
        numbers.add(threads)
        tally = tallies.setdefault((_place(sweep), threads), [0, 0])
        tally[0] += amount(sweep.get("failures"))
        tally[1] += amount(sweep.get("iterations"))
    shares = {place: (min(1, failures / iterations), failures, iterations)
              for place, (failures, iterations) in tallies.items() if iterations > 0}
    if not shares:
        return ""
    highest = max(share for share, _, _ in shares.values())
    label = {number: plural(number, "thread") if number else "threads ?" for number in numbers}
    cells = {}
    for (place, threads), (share, failures, iterations) in shares.items():
        # Square root: a place that fails a hundred times less often still shows.
        shade = (share / highest) ** 0.5 if highest > 0 else 0
        cells[place, label[threads]] = (
            shade, "always" if share == 1 else rate(share),
            f"{count(failures)} of {count(iterations)} iterations failed")
    rows = sorted({place for place, _ in shares})
    columns = [label[number] for number in sorted(numbers)]
    return ("<h4>Where the naive twin fails <small>share of iterations, by placement of its threads, "
            f"their start, and their number</small></h4>"
            + svg.heat_map(rows, columns, cells, "failure rate by placement and threads"))


def _first_failures(variant):
    """A dot for each fresh start: when it failed, or (hollow) when it was given up."""
    first = (variant or {}).get("first_failure")
    times = [(time["ms"], time.get("failed") is not False)
             for time in items(first.get("times") if isinstance(first, dict) else None)
             if is_number(time.get("ms")) and time["ms"] > 0]
    if len(times) < 2:
        return ""
    return ("<h4>Time to the first failure <small>of the naive twin; each dot a fresh start, hollow: "
            "none until then</small></h4>" + svg.strip(times, "time to the first failure"))


def _facts(variant, name):
    """A line for each variant: its sentence, and what the sentence leaves out."""
    label = "naive twin" if name == "racy" else name
    sentence = words(variant.get("sentence"))
    notes = []
    first = variant.get("first_failure")
    first = first if isinstance(first, dict) else {}
    if not sentence and amount(variant.get("failures")) > 0:
        if is_number(variant.get("rate_low")) and is_number(variant.get("rate_high")):
            notes.append(f"failure rate {rate(variant['rate_low'])} to {rate(variant['rate_high'])} "
                         "(95\u202f%)")
        if is_number(first.get("median_ms")):
            notes.append(f"median time to the first failure {milliseconds(first['median_ms'])}")
    if is_number(first.get("iteration")):
        notes.append(f"first in iteration {count(first['iteration'])}")
    on_threads = variant.get("threads_verdict", "") is not None
    if on_threads and is_number(variant.get("seconds")):
        notes.append(f"ran {milliseconds(variant['seconds'] * 1000)}")
    if on_threads and is_number(variant.get("parallel")):
        notes.append(f"on {variant['parallel'] * 100:.0f}\u202f% of the CPU time that its threads "
                     "could use")
    explored = variant.get("explore")
    if on_threads and isinstance(explored, dict):
        if isinstance(explored.get("failure"), dict):
            notes.append(f"explored: \u201c{words(explored.get('outcome'))}\u201d in "
                         f"{lanes.found_in(explored['failure']) or '?'}")
        elif words(explored.get("extent")):
            notes.append(f"explored: {explored['extent']}")
    error = words(variant.get("error"))
    return (f'<div class="fact"><dt>{label} {pill(words(variant.get("verdict"), "ERROR"))}'
            f'{_not_parallel(variant)}</dt><dd>{prose(sentence)}'
            + (f' {prose(error)}' if error and error not in sentence else "")
            + f'<small>{escape("; ".join(notes))}</small></dd></div>')


def _repeat(case, races):
    """The command that runs it again, where it failed first if it did."""
    command = f"./dev stress -c {case['id']}"
    first = (races.variant(case, "racy") or {}).get("first_failure")
    for option in ("placement", "spin"):
        value = first.get(option) if isinstance(first, dict) else None
        if words(value).isalpha():
            command += f" --{option} {value}"
    seed = races.data.get("seed")
    if seed not in (None, ""):
        command += f" --seed {seed}"
    return f'<p class="command"><code>{escape(command)}</code></p>'


def _verdict(races, case, name):
    variant = races.variant(case, name)
    label = "naive twin" if name == "racy" else name
    if variant is None:
        return f'<span class="verdict absent"><b class="which">{label}</b> \u2013</span>'
    return (f'<span class="verdict"><b class="which">{label}</b> '
            f'{pill(words(variant.get("verdict"), "ERROR"))}'
            f'<small>{_small_print(variant)}</small>{_explored(variant)}</span>')


def _executions(races, case):
    """How each variant that failed fails, step by step."""
    titles = {"racy": "How the naive twin fails", "mutex": "How mutex fails",
              "atomic": "How atomic fails"}
    return "".join(lanes.lanes(races.variant(case, name), titles[name],
                               f"./dev stress explore -c {case['id']} --variant {name} --trace")
                   for name in VARIANTS)


def _case(races, case):
    """One fold: the verdicts in its summary, everything else inside."""
    variants = [(name, races.variant(case, name)) for name in VARIANTS]
    story = "".join(f"<p>{prose(part)}</p>" for part in words(case.get("story")).split("\n\n")
                    if part.strip())
    facts = "".join(_facts(variant, name) for name, variant in variants if variant is not None)
    verdicts = "".join(_verdict(races, case, name) for name in VARIANTS)
    return (f'<details class="case"><summary><span class="what"><code>{escape(case["id"])}</code>'
            f'<small>{prose(words(case.get("title")))}</small></span>{verdicts}</summary>'
            f'<div class="inside" id="{anchor(case["id"])}"><div class="story">{story}</div>'
            f'<dl class="facts">{facts}</dl>{_executions(races, case)}{_outcomes(races, case)}'
            f'{_first_failures(races.variant(case, "racy"))}'
            f'{_sweeps(races.variant(case, "racy"))}{_repeat(case, races)}</div></details>')


def folds(races):
    """All cases, by collection: a row of verdicts each, which opens."""
    parts = ['<div class="cases"><div class="head" aria-hidden="true"><span></span><span>case</span>'
             '<span>naive twin</span><span>mutex</span><span>atomic</span></div>']
    for collection in races.collections():
        cases = "".join(_case(races, case) for case in races.of_collection(collection))
        parts.append(f'<div class="collection-cases"><h3>{escape(_heading(collection))}</h3>{cases}'
                     "</div>")
    parts.append("</div>")
    return "".join(parts)


def section(races):
    if not races.cases:
        return ('<section id="races"><h2>Races</h2><p class="missing">The stress suite was not run '
                'for this page: <code>./dev stress</code>.</p></section>')
    return ('<section id="races"><h2>Races</h2>'
            '<p class="lead">Each scenario runs against code that does what the documented bug does, '
            'and against the two variants of the library. The naive twin must fail; the others must '
            'not.</p>' + legend()
            + '<p class="tools"><label>Show cases with <input type="search" placeholder="words, as in: '
            'channel close" autocomplete="off"></label></p>'
            + lanes.legend() + lanes.definitions() + matrix(races) + folds(races) + "</section>")
