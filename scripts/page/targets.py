"""Against what users would pick instead: the tables of targets of ./dev bench COLLECTION --peers."""
import json

from .text import TIMES, escape, figure, is_number, items, words

COLLECTIONS = ("channel", "counter-map", "filter")


def read(folder):
    """What the comparisons left in a folder, by collection; what is not there or not JSON is not."""
    found = {}
    for name in COLLECTIONS:
        try:
            data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(data, dict) and items(data.get("targets")):
            found[name] = data
    return found


def _bound(target):
    peers = [peer for peer in target.get("of") or [] if isinstance(peer, str)]
    if not peers:
        return f"{figure(target['at_most'])} {escape(words(target.get('unit')))}"
    of = peers[0] if len(peers) == 1 else "the best of " + ", ".join(peers)
    return f"{figure(target['at_most'])}{TIMES} {escape(of)}"


def _verdict(target):
    if not is_number(target.get("measured")):
        why = words(target.get("why"), "not measured")
        disturbed = target.get("disturbed")
        number = f"({figure(disturbed)})" if is_number(disturbed) else "\u2013"
        return f'<td class="number absent">{number}</td><td class="absent">{escape(why)}</td>'
    spread, low, high = "", target.get("min"), target.get("max")
    if is_number(low) and is_number(high):
        spread = (f"<small>{figure(low)}\u2013{figure(high)} "
                  f"{escape(words(target.get('peer')))}</small>")
    held = '<b class="s0-text">holds</b>' if target.get("holds") is True else '<b class="bad">missed</b>'
    return f'<td class="number"><span class="value">{figure(target["measured"])}</span>{spread}</td><td>{held}</td>'


def _targets(data):
    rows = [f'<tr><th scope="row">{escape(words(target.get("title"), "?"))}</th><td>{_bound(target)}</td>'
            f"{_verdict(target)}</tr>"
            for target in items(data.get("targets")) if is_number(target.get("at_most"))]
    return ('<div class="wide"><table class="times"><thead><tr><th scope="col">workload</th>'
            '<th scope="col">at most</th><th scope="col" class="number">measured</th>'
            f'<th scope="col">holds?</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>')


def _figures(data):
    rows = []
    for workload in items(data.get("workloads")):
        cells = []
        for result in items(workload.get("results")):
            median = result.get("median")
            if is_number(median):
                title = escape(words(result.get("note")) or words(result.get("label")))
                cells.append(f'<span title="{title}">{escape(words(result.get("name"), "?"))} '
                             f"<b>{figure(median)}</b></span>")
        if cells:
            rows.append(f'<tr><th scope="row">{escape(words(workload.get("title"), "?"))}'
                        f'<small>{escape(words(workload.get("family")))}, '
                        f'{escape(words(workload.get("unit")))}</small></th><td>{", ".join(cells)}</td></tr>')
    return ('<details><summary>Everybody\u2019s own figures</summary><div class="wide"><table class="times">'
            f'<tbody>{"".join(rows)}</tbody></table></div></details>')


def section(folder):
    """HTML; nothing where nothing was compared."""
    found = read(folder)
    if not found:
        return ""
    parts = ['<section id="targets"><h2>Against what users would pick instead</h2><p class="lead">From '
             "<code>./dev bench --peers</code>: the ratio of medians, ours over the quickest of the peers named, in "
             "the same interleaved rounds; below it the smallest and the largest ratio within a round. Where a "
             "peer\u2019s name is pointed at, it says what it does not offer.</p>"]
    for name, data in found.items():
        environment = data.get("environment") if isinstance(data.get("environment"), dict) else {}
        about = ", ".join(words(environment.get(key)) for key in ("cpu", "compiler", "libraries")
                          if words(environment.get(key)))
        parts.append(f'<h3 class="collection">{escape(name)}</h3>{_targets(data)}{_figures(data)}'
                     f"<p><small>{escape(about)}</small></p>")
    parts.append("</section>")
    return "".join(parts)
