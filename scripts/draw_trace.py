#!/usr/bin/env python3
"""Draws a recording of ckf_trace_write (or a part of it) as a timeline in SVG: a lane a thread.

    draw_trace.py TRACE.json --from-ms 0 --to-ms 8 > timeline.svg
"""
import argparse
import html
import json
import sys

LANE, BAR, LEFT, RIGHT, TOP, WIDTH = 46, 18, 96, 16, 34, 1000
COLOURS = {"program": "#3b7dd8", "filter": "#8a5cc9", "task": "#dfe5ec", "wait": "#e9b44c"}
MARK = "#c0392b"


def kind_of(event):
    """What a bar shows: a task's life, the program's own work, a publish, or a wait."""
    if event["cat"] == "group" and event["name"].startswith("task"):
        return "task"
    return event["cat"] if event["cat"] in ("program", "filter") else "wait"


def lanes_of(events, names):
    """Threads in the order in which they appear, each with its name."""
    first = {}
    for event in events:
        first.setdefault(event["tid"], event["ts"])
    order = sorted(first, key=first.get)
    return {tid: (place, names.get(tid, str(tid))) for place, tid in enumerate(order)}


class Drawing:
    def __init__(self, start, end, lanes):
        self.start, self.end, self.lanes = start, end, lanes
        self.height = TOP + LANE * len(lanes) + 44
        self.parts = []

    def x(self, ts):
        share = (ts - self.start) / (self.end - self.start)
        return LEFT + min(max(share, 0), 1) * (WIDTH - LEFT - RIGHT)

    def bar(self, event):
        kind, lane = kind_of(event), self.lanes[event["tid"]][0]
        left, right = self.x(event["ts"]), self.x(event["ts"] + event["dur"])
        inset = 0 if kind == "task" else 5
        top = TOP + lane * LANE + inset
        title = html.escape(f'{event["name"]}: {event["dur"] / 1e3:.3f} ms')
        self.parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 0.8):.1f}" '
            f'height="{BAR + 14 - 2 * inset}" rx="2" fill="{COLOURS[kind]}"><title>{title}</title>'
            "</rect>")
        if kind != "task" and right - left > 6.2 * len(event["name"]) + 8:
            self.parts.append(f'<text x="{(left + right) / 2:.1f}" y="{top + 15}" class="in">'
                              f'{html.escape(event["name"])}</text>')

    def mark(self, event):
        lane, x = self.lanes[event["tid"]][0], self.x(event["ts"])
        top = TOP + lane * LANE - 4
        self.parts.append(f'<path d="M{x:.1f} {top}v{BAR + 22}" stroke="{MARK}" stroke-width="1.2">'
                          f'<title>{html.escape(event["name"])}</title></path>')

    def axis(self):
        span = self.end - self.start
        step = next(step for step in (10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6, 1e9)
                    if span / step <= 10)
        for i in range(int(span / step) + 1):
            x = self.x(self.start + i * step)
            self.parts.append(
                f'<path d="M{x:.1f} {TOP - 8}V{self.height - 40}" class="grid"/>'
                f'<text x="{x:.1f}" y="{TOP - 14}" class="tick">{i * step / 1e3:g} ms</text>')
        for place, name in self.lanes.values():
            self.parts.append(f'<text x="8" y="{TOP + place * LANE + 21}" class="lane">'
                              f"{html.escape(name)}</text>")

    def legend(self):
        x, y = LEFT, self.height - 22
        words = {"program": "the program's work", "wait": "asleep in a call", "task": "a task's life",
                 "filter": "publish"}
        for kind, word in words.items():
            self.parts.append(f'<rect x="{x}" y="{y}" width="14" height="12" rx="2" '
                              f'fill="{COLOURS[kind]}"/><text x="{x + 20}" y="{y + 10}" '
                              f'class="lane">{word}</text>')
            x += 40 + 7 * len(word)
        self.parts.append(f'<path d="M{x} {y - 2}v16" stroke="{MARK}" stroke-width="1.4"/>'
                          f'<text x="{x + 8}" y="{y + 10}" class="lane">wake, close, cancel, go'
                          "</text>")

    def text(self):
        style = ("text{font:12px system-ui,sans-serif;fill:#24292f}.in{text-anchor:middle;fill:#fff}"
                 ".tick{text-anchor:middle;fill:#6b7280;font-size:11px}"
                 ".grid{stroke:#e5e7eb;stroke-width:1}")
        body = "\n".join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
                f'role="img"><style>{style}</style>\n<rect width="{WIDTH}" height="{self.height}" '
                f'fill="#fff"/>\n{body}\n</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("trace")
    parser.add_argument("--from-ms", type=float, default=0)
    parser.add_argument("--to-ms", type=float, default=float("inf"))
    options = parser.parse_args()
    with open(options.trace, encoding="utf-8") as file:
        recorded = json.load(file)["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in recorded if event["ph"] == "M"}
    events = sorted((event for event in recorded if event["ph"] != "M"),
                    key=lambda event: (event["ts"], -event.get("dur", 0)))
    last = max(event["ts"] + event.get("dur", 0) for event in events)
    start, end = options.from_ms * 1e3, min(options.to_ms * 1e3, last)
    lanes = lanes_of(events, names)
    drawing = Drawing(start, end, lanes)
    drawing.axis()
    shown = [event for event in events
             if event["ts"] < end and event["ts"] + event.get("dur", 0) >= start]
    for event in shown:
        if event["ph"] == "X":
            drawing.bar(event)
    for event in shown:
        if event["ph"] == "i":
            drawing.mark(event)
    drawing.legend()
    sys.stdout.write(drawing.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
