#!/usr/bin/env python3
"""Prints the tables of targets in JSON files of ./dev bench --peers as Markdown, everybody's figures included."""
import argparse
import json
import pathlib

from page.text import figure, is_number, items, words


def bound(target):
    peers = [peer for peer in target.get("of") or [] if isinstance(peer, str)]
    number = figure(target["at_most"])
    if not peers:
        return f"{number} {words(target.get('unit'))}"
    return f"{number} × {peers[0] if len(peers) == 1 else 'best of ' + ', '.join(peers)}"


def row(target):
    if not is_number(target.get("measured")):
        disturbed = target.get("disturbed")
        if is_number(disturbed):
            return (f"| {words(target.get('title'))} | {bound(target)} | ({figure(disturbed)}) {words(target.get('peer'))} | "
                    f"{words(target.get('why'))} |")
        return f"| {words(target.get('title'))} | {bound(target)} | | {words(target.get('why'))} |"
    measured = figure(target["measured"])
    if words(target.get("peer")):
        measured = f"{measured} [{figure(target['min'])}–{figure(target['max'])}] {target['peer']}"
    return (f"| {words(target.get('title'))} | {bound(target)} | {measured} | "
            f"{'yes' if target.get('holds') is True else '**no**'} |")


def figures(workload):
    cells = [f"{words(result.get('name'))} {figure(result['median'])}"
             for result in items(workload.get("results")) if is_number(result.get("median"))]
    return (f"| {words(workload.get('family'))}: {words(workload.get('title'))} | {words(workload.get('unit'))} | "
            f"{', '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    files = [json.loads(path.read_text(encoding="utf-8")) for path in parser.parse_args().files]
    targets = [target for data in files for target in items(data.get("targets"))]
    held = sum(target.get("holds") is True for target in targets)
    missed = sum(target.get("holds") is False for target in targets)
    print(f"{held} of {len(targets)} hold, {missed} are missed, {len(targets) - held - missed} were not measured.\n")
    print("| workload | at most | measured [within rounds] against | holds? |\n|---|---|---|---|")
    for target in targets:
        print(row(target))
    print("\n| workload | unit | medians |\n|---|---|---|")
    for data in files:
        for workload in items(data.get("workloads")):
            if any(is_number(result.get("median")) for result in items(workload.get("results"))):
                print(figures(workload))


if __name__ == "__main__":
    main()
