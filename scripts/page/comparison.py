"""The variants side by side: ratios first, then times, a table under each drawing."""
import statistics

from . import svg
from .text import (TIMES, amount, count, escape, figure, is_number, items, plural, ratio, ratio_figure,
                   words)

BASE, OTHER = "atomic", "mutex"


def _number_list(value):
    return [v for v in value if is_number(v) and v > 0] if isinstance(value, list) else []


class Result:
    def __init__(self, data):
        self.name = words(data.get("name"), "?")
        self.label = words(data.get("label"), self.name)
        self.note = words(data.get("note"))
        self.samples = _number_list(data.get("samples"))
        self.median = data.get("median")
        if not is_number(self.median) and self.samples:
            self.median = statistics.median(self.samples)
        self.measured = is_number(self.median) and self.median > 0
        if self.measured:
            self.low = self._bound(data.get("min"), min)
            self.high = self._bound(data.get("max"), max)
        self.skipped = data.get("skipped") is True
        self.verified = data.get("verified") is not False
        self.parallel = data.get("parallel") is not False
        self.failed = not self.skipped and not self.verified
        self.given_ratio = data.get("ratio") if isinstance(data.get("ratio"), dict) else {}
        self.beside = data.get("background_per_second")
        self.cpus_busy = data.get("cpus_busy")

    def _bound(self, value, pick):
        if is_number(value) and value > 0:
            return value
        return pick(self.samples) if self.samples else self.median

    @property
    def compared(self):
        return self.measured and self.verified and self.parallel


class Workload:
    def __init__(self, data):
        self.id = words(data.get("id"), "?")
        self.collection = words(data.get("collection"), "other")
        self.family = words(data.get("family")) or words(data.get("title"), self.id)
        self.title = words(data.get("title"), self.id)
        self.unit = words(data.get("unit"), "ns")
        self.kind = words(data.get("kind"))
        self.threads = amount(data.get("threads"))
        self.results = [Result(result) for result in items(data.get("results"))]

    def result(self, name):
        return next((result for result in self.results if result.name == name), None)

    def ratio(self, name=OTHER):
        """(median, smallest, largest) of name's time over atomic's; None: not comparable."""
        base, other = self.result(BASE), self.result(name)
        if base is None or other is None or not base.compared or not other.compared:
            return None
        given = [other.given_ratio.get(key) for key in ("median", "min", "max")]
        if all(is_number(value) and value > 0 for value in given):
            return tuple(given)
        if base.samples and len(base.samples) == len(other.samples):
            ratios = [b / a for a, b in zip(base.samples, other.samples)]
            return statistics.median(ratios), min(ratios), max(ratios)
        middle = other.median / base.median
        return middle, other.low / base.high, other.high / base.low


class Comparison:
    def __init__(self, data):
        self.data = data or {}
        self.workloads = [Workload(item) for item in items(self.data.get("workloads"))]
        self.ratios = [(workload, workload.ratio()) for workload in self.workloads]
        self.ratios = [(workload, value) for workload, value in self.ratios if value is not None]

    def collections(self):
        return list(dict.fromkeys(workload.collection for workload in self.workloads))

    def families(self, collection):
        return list(dict.fromkeys(workload.family for workload in self.workloads
                                  if workload.collection == collection))

    def of_family(self, collection, family):
        return [workload for workload in self.workloads
                if workload.collection == collection and workload.family == family]

    def not_parallel(self):
        return sum(any(result.measured and not result.parallel for result in workload.results)
                   for workload in self.workloads)

    def failures(self):
        return [(workload, result) for workload in self.workloads for result in workload.results
                if result.failed and workload.results]


def sentence(comparison):
    """What was found, for the headline; HTML."""
    values = sorted(value[0] for _, value in comparison.ratios)
    if not values:
        return "no pair of variants could be compared" if comparison.workloads else ""
    faster = sum(value[1] > 1 for _, value in comparison.ratios)
    slower = sum(value[2] < 1 for _, value in comparison.ratios)
    text = (f"mutex took <b>{ratio_figure(values[0])} to {ratio(values[-1])}</b> the time of atomic "
            f"(median {ratio(statistics.median(values))}); atomic was faster in <b>{faster} of "
            f"{len(values)}</b> workloads, mutex in {slower or 'none'}")
    unsettled = len(values) - faster - slower
    return text + (f"; {unsettled} came out both ways" if unsettled else "")


def _series(workloads):
    """Contestants in the order in which they first appear: atomic and mutex lead."""
    names = list(dict.fromkeys(result.name for workload in workloads for result in workload.results))
    lead = [name for name in (BASE, OTHER) if name in names]
    return lead + [name for name in names if name not in lead]


def _legend(series, labels, notes):
    entries = []
    for place, name in enumerate(series):
        note = f" <small>{escape(notes[name])}</small>" if notes.get(name) else ""
        entries.append(f"<li>{svg.key(place)} <b>{escape(name)}</b> {escape(labels[name])}{note}</li>")
    return f'<ul class="series">{"".join(entries)}</ul>'


def _plot(workloads, series, title):
    rows = []
    for workload in workloads:
        dots = [(series.index(result.name), result.name, result.median, result.low, result.high,
                 result.compared) for result in workload.results if result.measured]
        dots.sort()
        if dots:
            rows.append((workload.title, dots))
    return svg.dot_plot(rows, title, workloads[0].unit)


def _time_cell(result):
    if result is None or result.skipped:
        why = result.note if result is not None else ""
        return f'<td class="number absent" title="{escape(why)}">\u2013</td>'
    if result.failed:
        return f'<td class="number"><span class="pill forbidden" title="{escape(result.note)}">FAILED</span></td>'
    if not result.measured:
        return '<td class="number absent">\u2013</td>'
    mark = "" if result.parallel else '<span class="flag">not parallel</span>'
    return (f'<td class="number"><span class="value">{figure(result.median)}</span>'
            f'<small>{figure(result.low)}\u2013{figure(result.high)}</small>{mark}</td>')


def _ratio_cell(value):
    if value is None:
        return '<td class="number absent"><small>not compared</small></td>'
    css = "s0-text" if value[0] >= 1 else "s1-text"
    if svg.undecided(value[1], value[2]):
        css = "s5-text"
    return (f'<td class="number"><b class="{css}">{ratio(value[0])}</b>'
            f'<small>{ratio_figure(value[1])}\u2013{ratio_figure(value[2])}</small></td>')


def _table(workloads, series):
    pair = BASE in series and OTHER in series
    head = []
    for place, name in enumerate(series):
        head.append(f'<th scope="col" class="number">{svg.key(place)} {escape(name)}</th>')
        if name == OTHER and pair:
            head.append('<th scope="col" class="number">mutex / atomic</th>')
    body = []
    for workload in workloads:
        cells = []
        for name in series:
            cells.append(_time_cell(workload.result(name)))
            if name == OTHER and pair:
                cells.append(_ratio_cell(workload.ratio()))
        rates = [result.beside for result in workload.results if is_number(result.beside)]
        small = workload.id
        if rates:
            small += f"; beside it {figure(min(rates))}\u2013{figure(max(rates))} a second"
        if not any(result.measured or result.failed for result in workload.results):
            cells = [f'<td class="absent" colspan="{len(series) + pair}">not run</td>']
        body.append(f'<tr><th scope="row">{escape(workload.title)}<small>{escape(small)}</small></th>'
                    f'{"".join(cells)}</tr>')
    unit = escape(workloads[0].unit)
    return (f'<div class="wide"><table class="times"><thead><tr><th scope="col">{unit}: median, '
            f'smallest\u2013largest</th>{"".join(head)}</tr></thead><tbody>{"".join(body)}</tbody>'
            '</table></div>')


def _family(comparison, collection, family):
    workloads = comparison.of_family(collection, family)
    series = _series(workloads)
    if not series:
        return (f'<h4>{escape(family)}</h4><p class="missing">Not run: '
                f'{plural(len(workloads), "workload")} did not fit into the budget.</p>')
    labels = {result.name: result.label for workload in workloads for result in workload.results}
    notes = {}
    for workload in workloads:
        for result in workload.results:
            if result.note and result.measured:
                notes[result.name] = result.note
    return (f'<article class="family"><h4>{escape(family)} <small>{escape(workloads[0].unit)}, less is '
            f'better; the scale is logarithmic</small></h4>{_legend(series, labels, notes)}'
            f'{_plot(workloads, series, collection + ": " + family)}{_table(workloads, series)}'
            '</article>')


def _overview(comparison):
    parts = []
    domain = svg.ratio_range([value for _, value in comparison.ratios])
    for collection in comparison.collections():
        groups = []
        for family in comparison.families(collection):
            rows = [(workload.title, *value) for workload, value in comparison.ratios
                    if workload.collection == collection and workload.family == family]
            if rows:
                groups.append((family, rows))
        if groups:
            parts.append(f"<h4>{escape(collection)}</h4>"
                         + svg.ratio_plot(groups, domain,
                                          f"{collection}: time of mutex over time of atomic",
                                          "\u25c2 mutex faster", "atomic faster \u25b8"))
    return "".join(parts)


def _marks(comparison):
    notes = []
    disturbed = comparison.not_parallel()
    if disturbed:
        notes.append(f"In {plural(disturbed, 'workload')} the threads of a contestant did not have the "
                     "CPUs that they needed, because something else ran on the machine. Those results "
                     "are drawn hollow, marked <span class=\"flag\">not parallel</span>, and left out "
                     "of every ratio.")
    left_out = [w for w in comparison.workloads if not any(r.measured or r.failed for r in w.results)]
    if left_out:
        notes.append(f"{plural(len(left_out), 'workload')} did not fit into the budget and "
                     f"{'was' if len(left_out) == 1 else 'were'} not run.")
    for workload, result in comparison.failures():
        notes.append(f'<b class="bad">{escape(workload.id)}, {escape(result.name)}: '
                     f'{escape(result.note or "failed its checks")}</b>')
    return "".join(f"<p class=\"mark\">{note}</p>" for note in notes)


def section(comparison):
    if not comparison.workloads:
        return ('<section id="comparison"><h2>Atomic against mutex</h2><p class="missing">The '
                'benchmarks were not run for this page: <code>./dev bench</code>.</p></section>')
    repetitions = comparison.data.get("repetitions")
    rounds = f"{count(repetitions)} rounds" if is_number(repetitions) else "rounds"
    parts = ['<section id="comparison"><h2>Atomic against mutex</h2>',
             f'<p class="lead">Contestants take turns within each of {rounds}; shown are medians, and '
             'the median of the ratios within a round. Times are wall time over work done by all '
             'threads together, so two perfect threads halve them. Read the ratios: absolute times '
             'are this machine\u2019s, at that moment. Every run checked that nothing was lost or '
             'seen twice.</p>', _marks(comparison)]
    if comparison.ratios:
        parts.append(f"<h3>Time of mutex over time of atomic</h3><p>Above 1{TIMES} atomic is faster. "
                     "Whiskers: the smallest and the largest ratio of a round; where they reach over 1" 
                     f"{TIMES}, the mark is hollow: it came out both ways.</p>")
        parts.append(_overview(comparison))
    for collection in comparison.collections():
        parts.append(f'<h3 class="collection">{escape(collection)}</h3>')
        parts += [_family(comparison, collection, family)
                  for family in comparison.families(collection)]
    parts.append("</section>")
    return "".join(parts)
