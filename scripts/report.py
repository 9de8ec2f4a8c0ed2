#!/usr/bin/env python3
"""Writes one self-contained HTML page from the JSON of ckf-stress and ckf-bench.

Either may be missing; the page then says so. What a file lacks is left out, never guessed.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import sys

from page import comparison, environment, races, targets
from page.text import about, count, escape, milliseconds, ratio, words

PARTS = pathlib.Path(__file__).resolve().parent / "page"


def read(path):
    """The object in a JSON file; ends the program with a sentence if there is none."""
    if path is None:
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"report: {path}: {error}")
    if not isinstance(data, dict):
        sys.exit(f"report: {path}: a JSON object was expected")
    return data


def headline(found, compared):
    parts = [part for part in (races.sentence(found), comparison.sentence(compared)) if part]
    if not parts:
        return "Nothing was measured for this page."
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def tile(value, label, alarm=False):
    css = "tile alarm" if alarm else "tile"
    return f'<div class="{css}"><dt>{label}</dt><dd>{value}</dd></div>'


def tiles(found, compared):
    parts = []
    if found.cases:
        naive = found.number(("racy",), *races.VERDICTS)
        failed = found.number(races.FIXED, "FORBIDDEN")
        parts.append(tile(f"{found.number(('racy',), 'REPRODUCED')} / {naive}",
                          "documented races reproduced in naive code"))
        parts.append(tile(count(failed), "forbidden outcomes in fixed variants"
                          if failed != 1 else "fixed variant with forbidden outcomes", failed > 0))
        parts.append(tile(about(found.clean_iterations()), "clean iterations of fixed variants"))
        if (took := races.exploring_time(found)) is not None:
            parts.append(tile(milliseconds(took), "until exploring finds a race, median"))
    if compared.ratios:
        middle = statistics.median(value[0] for _, value in compared.ratios)
        parts.append(tile(ratio(middle), "time of mutex over time of atomic, median workload"))
    return f'<dl class="tiles">{"".join(parts)}</dl>' if parts else ""


def page(stress, bench, made_at=None):
    """The whole page as a string."""
    found, compared = races.Races(stress), comparison.Comparison(bench)
    version = words((stress or bench or {}).get("version"))
    made_at = made_at or datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
    style = (PARTS / "style.css").read_text(encoding="utf-8")
    script = (PARTS / "script.js").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ck_filter: races and costs</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="name"><b>ck_filter</b> {escape(version)} &middot; races and costs &middot; {escape(made_at)}</p>
<h1>{headline(found, compared)}</h1>
{tiles(found, compared)}
<nav><a href="#races">Races</a><a href="#comparison">Atomic against mutex</a><a href="#environment">Machine and build</a></nav>
</header>
<main>
{races.section(found)}
{comparison.section(compared)}
{targets.section(PARTS.parent.parent / 'build/peers')}
{environment.section(stress, bench)}
</main>
<footer>One file, no network. Made by scripts/report.py.</footer>
<script>
{script}</script>
</body>
</html>
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stress", type=pathlib.Path, metavar="FILE", help="JSON of ckf-stress")
    parser.add_argument("--bench", type=pathlib.Path, metavar="FILE", help="JSON of ckf-bench")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        default=pathlib.Path("build/report/index.html"),
                        help="the page (build/report/index.html)")
    arguments = parser.parse_args()
    html = page(read(arguments.stress), read(arguments.bench))
    try:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(html, encoding="utf-8")
    except OSError as error:
        sys.exit(f"report: {arguments.output}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
