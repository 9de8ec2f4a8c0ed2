"""The races: which were reproduced, which variants stayed clean, and how that shows."""
import re

from . import svg
from .text import (about, amount, count, escape, is_number, items, milliseconds, plural, prose, rate,
                   short, words)

VARIANTS = ("racy", "mutex", "atomic")
FIXED = ("mutex", "atomic")
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
            for name in names:
                variant = self.variant(case, name)
                if variant is not None:
                    yield case, variant, words(variant.get("verdict"), "ERROR")

    def number(self, names, *verdicts):
        return sum(verdict in verdicts for _, _, verdict in self.verdicts(*names))

    def clean_iterations(self):
        return sum(amount(variant.get("iterations"))
                   for _, variant, verdict in self.verdicts(*FIXED) if verdict == "CLEAN")

    def of_collection(self, collection):
        return [case for case in self.cases
                if words(case.get("collection"), "other") == collection]

    def collections(self):
        names = []
        for case in self.cases:
            name = words(case.get("collection"), "other")
            if name not in names:
                names.append(name)
        return names


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
    if failed:
        text += f"; <b class=\"bad\">{plural(failed, 'fixed variant')} FAILED</b>"
    if iterations:
        text += (f"; the fixed variants {'otherwise ' if failed else ''}stayed clean over "
                 f"<b>{about(iterations)}</b> iterations of the same scenarios")
    if broken:
        text += f"; {plural(broken, 'fixed variant')} could not be run"
    return text


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
        notes.append(rate(observed if is_number(observed) else failures / max(1, iterations)))
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


def matrix(races):
    """All cases against the three variants at a glance: for paper, where the folds are open."""
    parts = ['<table class="matrix"><thead><tr><th scope="col">case</th>'
             '<th scope="col">naive twin</th><th scope="col">mutex</th><th scope="col">atomic</th>'
             '</tr></thead>']
    for collection in races.collections():
        parts.append(f'<tbody><tr class="group"><th colspan="4" scope="rowgroup">'
                     f'{escape(collection)}</th></tr>')
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


def _threads_label(sweep):
    threads = amount(sweep.get("threads"))
    label = plural(threads, "thread") if threads else "threads ?"
    spin = sweep.get("spin")
    if is_number(spin) and spin > 0:
        label += f", spin {count(spin)}"
    elif isinstance(spin, str) and spin:
        label += f", {spin}"
    return label


def _sweeps(variant):
    """How often the naive twin failed, by placement and number of threads."""
    rows, columns, tallies = [], [], {}
    for sweep in items((variant or {}).get("sweeps")):
        place, column = words(sweep.get("placement"), "?"), _threads_label(sweep)
        if place not in rows:
            rows.append(place)
        if column not in columns:
            columns.append(column)
        tally = tallies.setdefault((place, column), [0, 0])
        tally[0] += amount(sweep.get("failures"))
        tally[1] += amount(sweep.get("iterations"))
    tallies = {place: tally for place, tally in tallies.items() if tally[1] > 0}
    if not tallies:
        return ""
    highest = max(min(1, failures / iterations) for failures, iterations in tallies.values())
    cells = {}
    for place, (failures, iterations) in tallies.items():
        share = min(1, failures / iterations)
        # Square root: a place that fails a hundred times less often still shows.
        cells[place] = ((share / highest) ** 0.5 if highest > 0 else 0,
                        rate(share), f"{count(failures)} of {count(iterations)} iterations failed")
    columns = [c for c in columns if any((r, c) in cells for r in rows)]
    if len(columns) <= 8:
        drawing = svg.heat_map(rows, columns, cells, "failure rate by placement and threads")
    else:
        drawing = svg.heat_map(columns, rows, {(c, r): v for (r, c), v in cells.items()},
                               "failure rate by threads and placement")
    return f"<h4>Where the naive twin fails <small>share of iterations</small></h4>{drawing}"


def _facts(variant, name):
    """A line for each variant: its sentence, the rate with its interval, the first failure."""
    label = "naive twin" if name == "racy" else name
    notes = []
    if amount(variant.get("failures")) > 0 and is_number(variant.get("rate_low")) \
            and is_number(variant.get("rate_high")):
        notes.append(f"failure rate {rate(variant['rate_low'])} to {rate(variant['rate_high'])} "
                     "(95\u2009%)")
    first = variant.get("first_failure")
    if isinstance(first, dict):
        if is_number(first.get("starts")) and is_number(first.get("failed")):
            notes.append(f"{count(first['failed'])} of {plural(first['starts'], 'fresh start')} failed")
        if is_number(first.get("median_ms")):
            notes.append(f"median time to the first failure {milliseconds(first['median_ms'])}")
        if is_number(first.get("iteration")):
            notes.append(f"first in iteration {count(first['iteration'])}")
    if is_number(variant.get("needed_iterations")) and name != "racy":
        notes.append(f"{short(variant['needed_iterations'])} iterations were asked for")
    if is_number(variant.get("seconds")):
        notes.append(milliseconds(variant["seconds"] * 1000))
    return (f'<div class="fact"><dt>{label} {pill(words(variant.get("verdict"), "ERROR"))}'
            f'{_not_parallel(variant)}</dt><dd>{prose(words(variant.get("sentence")))}'
            f'<small>{escape("; ".join(notes))}</small></dd></div>')


def _repeat(case, races):
    seed = races.data.get("seed")
    racy = races.variant(case, "racy") or {}
    first = racy.get("first_failure")
    if isinstance(first, dict) and first.get("seed") not in (None, ""):
        seed = first["seed"]
    command = f"./dev stress -c {case['id']}"
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
            f'<small>{_small_print(variant)}</small></span>')


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
            f'<dl class="facts">{facts}</dl>{_outcomes(races, case)}'
            f'{_sweeps(races.variant(case, "racy"))}{_repeat(case, races)}</div></details>')


def folds(races):
    """All cases, by collection: a row of verdicts each, which opens."""
    parts = ['<div class="cases"><div class="head" aria-hidden="true"><span></span><span>case</span>'
             '<span>naive twin</span><span>mutex</span><span>atomic</span></div>']
    for collection in races.collections():
        cases = "".join(_case(races, case) for case in races.of_collection(collection))
        parts.append(f'<div class="collection-cases"><h3>{escape(collection)}</h3>{cases}</div>')
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
            + matrix(races) + folds(races) + "</section>")
