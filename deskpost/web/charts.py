"""Bars of the last days as SVG, drawn on the server: failures at the base, so that days compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.logs.queries import Day

WIDTH, BASE, TOP = 290, 71.4, 14.5
STEP, BAR = 14, 10
LEAST = 2.4  # so that one failure among a thousand is still seen
GAP = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a bar; `tone` is bad, wait or ok."""

    tone: str
    x: int
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The bars, the number on the worst day, and the sentence that says the same."""

    bars: tuple[Bar, ...]
    worst: int
    worst_x: int
    worst_y: str
    label: str
    first: str


def draw(days: Sequence[Day] | None, what: str) -> Chart | None:
    """Draw the days; None where there is nothing to draw. `what` names what is counted."""
    most = max((sum(day.counts.values()) for day in days), default=0) if days else 0
    if not days or not most:
        return None
    bars, tops = [], []
    for n, day in enumerate(days):
        made, top = _stack(day, WIDTH - STEP * (len(days) - n) + STEP - BAR, most)
        bars += made
        tops.append(top)
    worst = max(range(len(days)), key=lambda n: _failed(days[n]))
    return Chart(
        bars=tuple(bars),
        worst=_failed(days[worst]),
        worst_x=WIDTH - STEP * (len(days) - worst) + STEP - BAR // 2,
        worst_y=f"{max(tops[worst] - 3, 11):.1f}",
        label=_label(days, days[worst], what),
        first=words.short_day(days[0].day),
    )


def _failed(day: Day) -> int:
    return day.counts.get("failed", 0)


def _stack(day: Day, x: int, most: int) -> tuple[list[Bar], float]:
    waiting = day.counts.get("queued", 0) + day.counts.get("processing", 0)
    rest = sum(day.counts.values()) - _failed(day) - waiting
    bars, y = [], BASE
    for tone, count in (("bad", _failed(day)), ("wait", waiting), ("ok", rest)):
        if count:
            height = max(LEAST, count / most * (BASE - TOP - 2 * GAP))
            y -= height
            bars.append(Bar(tone=tone, x=x, y=f"{y:.1f}", height=f"{height:.1f}"))
            y -= GAP
    return bars, y


def _label(days: Sequence[Day], worst: Day, what: str) -> str:
    total = sum(sum(day.counts.values()) for day in days)
    failed = sum(_failed(day) for day in days)
    said = {
        "what": what,
        "first": words.day(days[0].day),
        "last": words.day(days[-1].day),
        "total": words.count(total),
        "failed": words.count(failed),
    }
    if not failed:
        return _("%(what)s per day, %(first)s to %(last)s: %(total)s in all, none failed") % said
    said |= {"most": words.count(_failed(worst)), "day": words.day(worst.day)}
    return (
        _(
            "%(what)s per day, %(first)s to %(last)s: %(total)s in all, %(failed)s failed, "
            "most of them (%(most)s) on %(day)s"
        )
        % said
    )
