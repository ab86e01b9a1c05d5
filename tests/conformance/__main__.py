"""Compare with the corpus; see the package's words."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any

from tests.conformance import corpus
from tests.conformance.checks import Check, by, rate, table

# Each has checks(items) -> Iterator[Check], GOALS by area, and DELIBERATE: the reason by name.
SECTIONS = ("bounces", "replies", "headers", "automatic")
MOST_DELIBERATE = 0.02


def main() -> None:
    chosen = _arguments()
    items = list(corpus.load(corpus.folder()))
    if chosen.quick:
        items = items[::5]
    checks: list[Check] = []
    sections = [importlib.import_module(f"tests.conformance.{name}") for name in chosen.only]
    for section in sections:
        checks += section.checks(items)
    goals = {area: goal for section in sections for area, goal in section.GOALS.items()}
    print("\n".join(table(checks, goals)))
    if chosen.misses:
        _show_misses(checks)
    areas = by(checks, "area")
    said: dict[str, Any] = {area: round(rate(found), 4) for area, found in areas.items()}
    if "every" in chosen.also:
        every = importlib.import_module("tests.conformance.every")
        said |= every.run(items)
    deliberate = {name for section in sections for name in section.DELIBERATE}
    missed = {check.name for check in checks if not check.ok}
    said["deliberate"] = round(len(deliberate & missed) / max(1, len(items)), 4)
    failed = [
        f"{area}: {rate(found):.1%}, goal {goals[area].rate:.0%}"
        for area, found in by(checks, "area").items()
        if area in goals and rate(found) < goals[area].rate
    ]
    failed += [
        f"{area}, {group}: {rate(some):.1%}, goal {goals[area].group_rate:.0%}"
        for area, found in by(checks, "area").items()
        if area in goals
        for group, some in by(found, "group").items()
        if group and rate(some) < goals[area].group_rate
    ]
    if said["deliberate"] > MOST_DELIBERATE:
        failed.append(f"deliberate differences: {said['deliberate']:.1%} of the messages")
    failed += said.pop("failed", [])
    for line in failed:
        print(f"BELOW THE GOAL: {line}")
    print(json.dumps({"conformance": said}))
    sys.exit(1 if failed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--misses", action="store_true", help="list what does not agree")
    parser.add_argument("--only", nargs="*", help="only these sections, without the journey")
    parser.add_argument("--quick", action="store_true", help="every fifth message")
    chosen = parser.parse_args()
    chosen.quick = chosen.quick or bool(os.environ.get("QUICK"))
    chosen.also = [] if chosen.only else ["every"]
    chosen.only = chosen.only or list(SECTIONS)
    return chosen


def _show_misses(checks: list[Check]) -> None:
    for check in checks:
        if not check.ok:
            print(f"{check.area} | {check.group} | {check.name}")
            print(f"    wanted {check.wanted!r}"[:600])
            print(f"    got    {check.got!r}"[:600])


if __name__ == "__main__":
    main()
