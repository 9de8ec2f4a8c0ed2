"""A failed execution as swim lanes: a lane a thread, time downward, arrows from what a release hands
over to the acquire that receives it, and from a wake to the sleeper.

The lanes are a table of rows of one height, so that the arrows, a drawing behind it, need no script:
across they count in hundredths of the table, downward in rows. What an arrow says also stands in
the cell that it leads to, for those who do not see it.
"""
from .text import count, escape, is_number, items, milliseconds, plural, words

ROW = 38  # pixels; the style sheet has the same number
MOST_ROWS, FIRST_ROWS = 64, 14
MARGIN = 0.07  # of a lane's width, to both sides of what stands in it

# kind: css class
KINDS = {
    "load": "reads", "plain read of": "reads", "store": "writes", "rmw": "writes", "cas": "writes",
    "plain write to": "writes", "sleep on": "sleeps", "wait": "sleeps", "wake": "wakes",
    "signal": "wakes", "broadcast": "wakes", "lock": "locks", "trylock": "locks", "unlock": "locks",
}
SIGNS = {"sleeps": "\u263e", "wakes": "\u2600"}
ORDERS = ("relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst")


def _index(event, key, limit):
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < limit \
        else None


def _threads(trace, failure):
    """Lanes in the order of the program's threads, those with events only, and how each ended."""
    ends = {words(thread.get("name")): words(thread.get("end"))
            for thread in items(failure.get("threads"))}
    acting = []
    for event in trace:
        name = words(event.get("thread"), "?")
        if name not in acting:
            acting.append(name)
    order = list(ends)
    acting.sort(key=lambda name: order.index(name) if name in order else len(order))
    return acting, ends


def _what(event):
    """The operation with its order and its word marked; HTML."""
    text = words(event.get("what"), "?").split(", stale")[0]
    kind, word, order = (words(event.get(key)) for key in ("kind", "word", "order"))
    parts = []
    verb = text
    if word and f" {word}" in text:
        verb, _, rest = text.partition(f" {word}")
        rest = rest.replace("<-", "\u2190").replace(" sleep there", " asleep")
        parts.append(f'<b class="word">{escape(word)}</b>{escape(rest)}')
    for name in ORDERS:
        if order == name and verb.endswith(f" {name}"):
            verb = verb.removesuffix(f" {name}")
            parts.insert(0, f'<i class="order">{name}</i>')
    sign = SIGNS.get(KINDS.get(kind, ""), "")
    sign = f'<span aria-hidden="true">{sign}</span> ' if sign else ""
    return f'{sign}<span class="verb">{escape(verb)}</span> {" ".join(parts)}'


def _stale(event):
    stale = event.get("stale")
    if not isinstance(stale, list) or len(stale) != 2 or not all(map(is_number, stale)):
        return ""
    return (f'<span class="stale" title="it does not read the newest store">store {count(stale[0])} '
            f'of {count(stale[1])}</span>')


def _place(event):
    line = event.get("line")
    if not is_number(line) or line <= 0:
        return ""
    return f'{words(event.get("file"), "?")}:{int(line)}'


def _order(trace):
    """For each event, what it was ordered after and did not know before: pairs of "after" or "woken"
    and an index. A wake tells nobody anything but that it came."""
    known, at, found = {}, [], []
    for index, event in enumerate(trace):
        name = words(event.get("thread"), "?")
        mine = known.setdefault(name, {})
        mine[name] = index
        news = []
        source = _index(event, "after", index)
        if source is not None:
            other = words(trace[source].get("thread"), "?")
            if mine.get(other, -1) < source:
                news.append(("after", source))
            for thread, latest in at[source].items():
                mine[thread] = max(latest, mine.get(thread, -1))
        woken = _index(event, "woken", index)
        if woken is not None:
            news.append(("woken", woken))
        at.append(dict(mine))
        found.append(news)
    return found


def _source(trace, order):
    """What the arrows to an event say."""
    texts = {"after": "receives what {} released at {}", "woken": "woken by {} at {}"}
    notes = [texts[key].format(words(trace[source].get("thread"), "?"), _place(trace[source]) or "?")
             for key, source in order]
    return f'<span class="unseen-text">; {escape("; ".join(notes))}</span>' if notes else ""


def _cell(trace, event, order, last):
    css = KINDS.get(words(event.get("kind")), "other")
    return (f'<div class="step {css}{" last" if last else ""}"><span class="what" '
            f'title="{escape(words(event.get("what")))}">{_what(event)}'
            f'{_stale(event)}</span><small title="{escape(words(event.get("function")))}">'
            f'{escape(_place(event))}</small>{_source(trace, order)}</div>')


def _shown(trace):
    """Indices of the events that are shown; None stands for those left out."""
    if len(trace) <= MOST_ROWS:
        return list(range(len(trace)))
    return [*range(FIRST_ROWS), None, *range(len(trace) - MOST_ROWS + FIRST_ROWS + 1, len(trace))]


def _arrows(trace, order, shown, lanes):
    """Lines between the inner edges of cells, for events that are shown."""
    rows = {index: row for row, index in enumerate(shown) if index is not None}
    width = 100 / len(lanes)
    lines = []
    for index, row in rows.items():
        for key, source in order[index]:
            if source not in rows:
                continue
            here = lanes.index(words(trace[index].get("thread"), "?"))
            there = lanes.index(words(trace[source].get("thread"), "?"))
            if here == there:
                continue
            side = 1 if here > there else 0
            start = (there + (1 - MARGIN if side else MARGIN)) * width
            end = (here + (MARGIN if side else 1 - MARGIN)) * width
            lines.append(f'<line class="{key}" x1="{start:.2f}%" y1="{rows[source] * ROW + ROW / 2:g}" '
                         f'x2="{end:.2f}%" y2="{row * ROW + ROW / 2:g}" '
                         f'marker-end="url(#arrow-{key})"/>')
    height = len(shown) * ROW
    return f'<svg class="arrows" height="{height}" aria-hidden="true">{"".join(lines)}</svg>'


def _asleep(trace, lanes):
    """For each event and lane: does that thread sleep meanwhile? A set of pairs."""
    found = set()
    for lane in lanes:
        since = None
        for index, event in enumerate(trace):
            if words(event.get("thread"), "?") != lane:
                continue
            if since is not None:
                found.update((between, lane) for between in range(since + 1, index))
            kind = KINDS.get(words(event.get("kind")))
            # The unlock that belongs to a wait is a part of it.
            if kind != "locks" or words(event.get("kind")) != "unlock" or since is None:
                since = index if kind == "sleeps" else None
    return found


def _row(trace, index, lanes, asleep, order, before):
    if index is None:
        left_out = len(trace) - MOST_ROWS + 1
        return (f'<tr class="left-out"><th scope="row">\u22ee</th><td colspan="{len(lanes)}">'
                f'{plural(left_out, "step")} left out</td></tr>')
    event = trace[index]
    cells = []
    for lane in lanes:
        if lane == words(event.get("thread"), "?"):
            cells.append(f"<td>{_cell(trace, event, order[index], index == len(trace) - 1)}</td>")
        else:
            css = ' class="asleep"' if (index, lane) in asleep else ""
            cells.append(f"<td{css}></td>")
    step = event.get("step")
    new = is_number(step) and step >= 0 and step != before
    return (f'<tr><th scope="row">{count(step) if new else ""}</th>'
            f'{"".join(cells)}</tr>')


def _ends(lanes, ends):
    """How each thread stood when it was over, where there is something to say."""
    if not any(ends.get(lane) for lane in lanes):
        return ""
    cells = "".join(f'<td>{escape(ends.get(lane, "").removeprefix(lane).strip())}</td>'
                    for lane in lanes)
    return f'<tfoot><tr><th scope="row">end</th>{cells}</tr></tfoot>'


def _caption(failure):
    outcome, message = words(failure.get("outcome"), "?"), words(failure.get("message"))
    history = words(failure.get("history")).strip()
    return (f'<p class="outcome"><span class="grade reproduced" aria-hidden="true">\u2717</span> '
            f'<b>{escape(outcome)}</b>{": " + escape(message) if message else ""}</p>'
            + (f'<pre class="history">{escape(history)}</pre>' if history else ""))


def _acted(failure):
    """The steps, without those with which the main thread looks at the result when all is over."""
    trace = items(failure.get("trace"))
    while not words(failure.get("message")) and trace and trace[-1].get("thread") == "main":
        trace.pop()
    return trace


def found_in(failure):
    """"in 27 executions, 1 ms" """
    executions, took = failure.get("executions"), failure.get("ns")
    parts = []
    if is_number(executions) and executions > 0:
        parts.append(plural(executions, "execution"))
    if is_number(took) and took > 0:
        parts.append(milliseconds(took / 1e6))
    return ", ".join(parts)


def lanes(variant, title, command):
    """The failure that the explore engine found in a variant, or nothing. The command finds it
    again."""
    explored = (variant or {}).get("explore")
    failure = explored.get("failure") if isinstance(explored, dict) else None
    if not isinstance(failure, dict):
        return ""
    trace = _acted(failure)
    found = found_in(failure)
    head = (f'<h4>{escape(title)} <small>the shortest way that the explore engine found'
            f'{", after " + escape(found) if found else ""}; time runs downward</small></h4>')
    names, ends = _threads(trace, failure)
    if not names:
        return head + _caption(failure)
    shown, asleep, order = _shown(trace), _asleep(trace, names), _order(trace)
    steps = [trace[index].get("step") if index is not None else None for index in shown]
    rows = "".join(_row(trace, index, names, asleep, order, before)
                   for index, before in zip(shown, [None, *steps]))
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return (f'{head}<div class="wide"><div class="lanes" style="min-width:{46 + 200 * len(names)}px">'
            f'{_arrows(trace, order, shown, names)}<table><thead><tr><th scope="col">step</th>'
            f'{columns}</tr></thead><tbody>{rows}</tbody>{_ends(names, ends)}</table></div></div>{_caption(failure)}'
            f'<p class="command"><code>{escape(command)}</code></p>')


def definitions():
    """Arrow heads, once for the page."""
    heads = "".join(f'<marker id="arrow-{key}" class="{key}" viewBox="0 0 8 8" refX="7" refY="4" '
                    f'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>'
                    for key in ("after", "woken"))
    return (f'<svg width="0" height="0" class="definitions" aria-hidden="true"><defs>{heads}</defs>'
            "</svg>")


def legend():
    return ('<p class="lanes-legend"><small>In the executions below: <b class="word">A</b> is a word of '
            'memory. <span class="line after">\u2192</span> what a release handed to an acquire, or an '
            'unlock to the next lock, where it was news. <span class="line woken">\u21e2</span> a wake. '
            '<span class="stale">store 1 of 2</span> a load that did not read the newest store. '
            'Hatched: asleep.</small></p>')
