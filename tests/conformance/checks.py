"""One fact compared, and the table of rates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One fact of one message: what upstream expects, what we found, and whether that agrees.

    `area` is what the rate is of ("codes"); `group` divides it further ("ja").
    """

    area: str
    source: str
    name: str
    ok: bool
    wanted: Any = None
    got: Any = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The least rate of an area, and of each of its groups."""

    rate: float
    group_rate: float = 0.0


def rate(checks: Iterable[Check]) -> float:
    """Return the share that agrees, from 0 to 1; 1 where there is nothing."""
    results = [check.ok for check in checks]
    return sum(results) / len(results) if results else 1.0


def by(checks: Iterable[Check], key: str) -> dict[str, list[Check]]:
    """Return the checks by that attribute."""
    found: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        found[getattr(check, key)].append(check)
    return dict(sorted(found.items()))


def table(checks: list[Check], goals: dict[str, Goal]) -> list[str]:
    """Return the lines of a table: each area, and below it its groups or its sources."""
    lines = [f"{'':44}{'agree':>7}{'of':>7}{'rate':>9}{'goal':>8}"]
    for area, found in by(checks, "area").items():
        goal = goals.get(area)
        lines.append(_line(area, found, f"{goal.rate:.0%}" if goal else ""))
        divided = by(found, "group" if any(check.group for check in found) else "source")
        lines += [_line(f"    {name}", some, "") for name, some in divided.items()]
    return lines


def _line(name: str, found: list[Check], goal: str) -> str:
    agree = sum(check.ok for check in found)
    return f"{name:44}{agree:7}{len(found):7}{rate(found):9.1%}{goal:>8}"
