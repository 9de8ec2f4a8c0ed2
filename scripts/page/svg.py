"""Drawings, as inline SVG: they take their colours from the page's style sheet."""
import math

from .text import escape, figure, milliseconds, ratio

WIDTH = 860
LABEL_WIDTH = 272
RIGHT_MARGIN = 24
SHAPES = ("circle", "square", "diamond", "triangle", "cross", "ring")


def marker(shape, x, y, css, size=4.2):
    """A mark of one series; shapes differ as well as colours."""
    s = size
    if shape == "square":
        return f'<rect class="{css}" x="{x - s:.1f}" y="{y - s:.1f}" width="{2 * s}" height="{2 * s}"/>'
    if shape == "diamond":
        s *= 1.3
        return (f'<path class="{css}" d="M{x:.1f} {y - s:.1f}l{s:.1f} {s:.1f}l{-s:.1f} {s:.1f}'
                f'l{-s:.1f} {-s:.1f}z"/>')
    if shape == "triangle":
        s *= 1.15
        return (f'<path class="{css}" d="M{x:.1f} {y - s:.1f}l{s:.1f} {1.8 * s:.1f}'
                f'h{-2 * s:.1f}z"/>')
    if shape == "cross":
        return (f'<path class="{css} stroked" d="M{x - s:.1f} {y - s:.1f}l{2 * s} {2 * s}'
                f'm0 {-2 * s}l{-2 * s} {2 * s}"/>')
    if shape == "ring":
        return f'<circle class="{css} stroked" cx="{x:.1f}" cy="{y:.1f}" r="{s}"/>'
    return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{s}"/>'


def key(series):
    """The mark of a series for a legend or a table head."""
    return ('<svg class="key" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">'
            + marker(SHAPES[series % len(SHAPES)], 7, 7, f"s{series % len(SHAPES)}") + "</svg>")


class LogAxis:
    """Maps positive numbers to x, with ticks at 1, 2 and 5 times powers of ten."""

    def __init__(self, low, high, left, right):
        if not 0 < low < high:
            low, high = (low or 1) / 2, (high or 1) * 2
        margin = (high / low) ** 0.04
        self.low, self.high = math.log10(low / margin), math.log10(high * margin)
        self.left, self.right = left, right

    def x(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.left + share * (self.right - self.left)

    def ticks(self):
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        if self.high - self.low < 0.8:
            steps = (1, 1.5, 2, 3, 4, 5, 6, 8)
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for step in steps:
                value = step * 10.0 ** power
                if self.low <= math.log10(value) <= self.high:
                    yield value


def _grid(axis, top, bottom, label):
    parts = []
    last = -math.inf
    for value in axis.ticks():
        x = axis.x(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>')
        if x - last > 44:
            last = x
            parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 16}">{label(value)}</text>')
    return "".join(parts)


def _tick_label(value):
    return f"{value:g}" if value < 1e4 else figure(value)


def _frame(height, title, body):
    return (f'<div class="plot"><svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-label="{escape(title)}">{body}</svg></div>')


def _whisker(axis, y, low, high, css):
    return (f'<line class="whisker {css}" x1="{axis.x(low):.1f}" y1="{y:.1f}" '
            f'x2="{axis.x(high):.1f}" y2="{y:.1f}"/>')


def dot_plot(rows, title, unit):
    """Rows of (label, [(series, label, median, min, max, compared)]): dots with whiskers on a
    logarithmic axis. Marks that are not compared are drawn hollow."""
    values = [v for _, dots in rows for dot in dots for v in dot[2:5]]
    if not values:
        return ""
    axis = LogAxis(min(values), max(values), LABEL_WIDTH, WIDTH - RIGHT_MARGIN)
    bands, body, y = [], [], 8
    for index, (label, dots) in enumerate(rows):
        height = max(26, 11 * len(dots) + 12)
        if index % 2 == 0:
            bands.append(f'<rect class="band" x="0" y="{y}" width="{WIDTH}" height="{height}"/>')
        body.append(f'<text class="label" x="10" y="{y + height / 2 + 4:.1f}">{escape(label)}</text>')
        lane = (height - 12) / max(1, len(dots))
        for place, (series, name, median, low, high, compared) in enumerate(dots):
            centre = y + 6 + lane * (place + 0.5)
            css = f"s{series % len(SHAPES)}" + ("" if compared else " hollow")
            note = "" if compared else ", not compared"
            body.append(f'<g><title>{escape(name)}: {figure(median)} {escape(unit)}, '
                        f'{figure(low)} to {figure(high)}{note}</title>'
                        + _whisker(axis, centre, low, high, css)
                        + marker(SHAPES[series % len(SHAPES)], axis.x(median), centre, css)
                        + "</g>")
        y += height
    grid = _grid(axis, 8, y, _tick_label)
    caption = f'<text class="axis" x="{WIDTH - RIGHT_MARGIN}" y="{y + 34}">{escape(unit)}</text>'
    return _frame(y + 42, title, "".join(bands) + grid + "".join(body) + caption)


def ratio_range(rows):
    """The domain that drawings of these (median, smallest, largest) share."""
    values = [v for row in rows for v in row] + [0.8, 1.25]
    return min(values), max(values)


def undecided(low, high):
    return low <= 1 <= high


def _ratio_row(axis, y, label, median, low, high):
    one = axis.x(1)
    shape, css = ("circle", "s0") if median >= 1 else ("square", "s1")
    if undecided(low, high):
        css = "s5 open"
    hint = f"{ratio(median)}, {ratio(low)} to {ratio(high)}"
    return (f'<text class="label small" x="22" y="{y + 4:.1f}">{escape(label)}</text>'
            f'<g><title>{escape(label)}: {hint}</title>'
            f'<line class="stem {css}" x1="{one:.1f}" y1="{y:.1f}" x2="{axis.x(median):.1f}" '
            f'y2="{y:.1f}"/>' + _whisker(axis, y, low, high, css)
            + marker(shape, axis.x(median), y, css) + "</g>")


def ratio_plot(groups, domain, title, left, right):
    """Groups of (heading, [(label, median, smallest, largest)]) around a line at 1. Rows whose range
    holds 1 are drawn hollow: which one is faster was not settled."""
    axis = LogAxis(*domain, LABEL_WIDTH, WIDTH - RIGHT_MARGIN)
    top, row_height, one = 26, 19, axis.x(1)
    rows, y = [], top
    for heading, entries in groups:
        rows.append(f'<text class="heading" x="10" y="{y + 16}">{escape(heading)}</text>')
        y += 24
        for entry in entries:
            rows.append(_ratio_row(axis, y + row_height / 2, *entry))
            y += row_height
        y += 6
    body = [_grid(axis, top, y, lambda value: f"{value:g}\u00d7"),
            f'<text class="side" x="{one - 8:.1f}" y="14" text-anchor="end">{escape(left)}</text>',
            f'<text class="side" x="{one + 8:.1f}" y="14">{escape(right)}</text>',
            f'<line class="one" x1="{one:.1f}" y1="{top - 6}" x2="{one:.1f}" y2="{y}"/>', *rows]
    return _frame(y + 24, title, "".join(body))


def count_bar(amount, largest, css):
    """A bar as long as the logarithm of a count."""
    if amount <= 0 or largest <= 0:
        return '<svg class="bar" viewBox="0 0 120 10" width="120" height="10" aria-hidden="true"></svg>'
    length = 118 * math.log10(1 + amount) / math.log10(1 + largest)
    return ('<svg class="bar" viewBox="0 0 120 10" width="120" height="10" aria-hidden="true">'
            f'<rect class="{css}" x="0" y="1" width="{max(2, length):.1f}" height="8" rx="1.5"/></svg>')


def strip(times, title):
    """Dots of (milliseconds, whether it happened) on a logarithmic axis."""
    width, left, right = 640, 10, 620
    values = [ms for ms, _ in times]
    axis = LogAxis(min(values), max(values), left, right)
    dots = []
    for place, (ms, happened) in enumerate(times):
        css = "s1" if happened else "s1 open"
        hint = milliseconds(ms) if happened else f"none within {milliseconds(ms)}"
        dots.append(f'<g><title>{hint}</title>'
                    + marker("circle", axis.x(ms), 14 + place % 3 * 9, css, 3.8) + "</g>")
    body = _grid(axis, 4, 44, lambda value: milliseconds(value)) + "".join(dots)
    return (f'<div class="plot small"><svg viewBox="0 0 {width} 66" width="{width}" height="66" '
            f'role="img" aria-label="{escape(title)}">{body}</svg></div>')


def heat_map(rows, columns, cells, title):
    """cells[row, column] = (share 0..1, text, hint); a missing one is left empty."""
    label_width, cell_width, cell_height = 172, 74, 26
    width = label_width + cell_width * len(columns) + 4
    body = []
    for place, column in enumerate(columns):
        x = label_width + cell_width * (place + 0.5)
        body.append(f'<text class="tick" x="{x:.0f}" y="14">{escape(column)}</text>')
    for line, row in enumerate(rows):
        y = 22 + line * cell_height
        body.append(f'<text class="label small" x="0" y="{y + 17}">{escape(row)}</text>')
        for place, column in enumerate(columns):
            x = label_width + cell_width * place
            if (row, column) not in cells:
                body.append(f'<rect class="heat none" x="{x + 1}" y="{y + 1}" '
                            f'width="{cell_width - 2}" height="{cell_height - 2}"/>')
                continue
            share, text, hint = cells[row, column]
            strong = " strong" if share > 0.55 else ""
            body.append(f'<g><title>{escape(hint)}</title><rect class="heat" x="{x + 1}" y="{y + 1}" '
                        f'width="{cell_width - 2}" height="{cell_height - 2}" '
                        f'style="fill-opacity:{0.06 * (share > 0) + 0.94 * share:.2f}"/>'
                        f'<text class="heat-text{strong}" x="{x + cell_width / 2:.0f}" '
                        f'y="{y + 17}">{escape(text)}</text></g>')
    height = 22 + cell_height * len(rows) + 4
    return (f'<div class="plot small"><svg viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{escape(title)}">{"".join(body)}</svg></div>')
