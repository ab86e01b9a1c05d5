"""Bars of the last days as SVG, drawn on the server: failures at the base, so that days compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.logs.counts import Day
from deskpost.outcomes import IncomingStatus, NotificationStatus

BASE, TOP = 71.4, 14.5
LEAST = 2.4  # so that one failure among a thousand is still seen
GAP = 0.6
NUMBER = 11  # the height of the number on the worst day

# From the base upwards. Each has a form of its own beside its colour: failures stand at the base
# and bear a mark beneath it, what waits is dashed, what was left aside is hollow.
TONES: Final[Mapping[str, str]] = {
    NotificationStatus.FAILED: "bad",
    NotificationStatus.QUEUED: "wait",
    IncomingStatus.PROCESSING: "wait",
    NotificationStatus.DELIVERED: "ok",
    IncomingStatus.SUCCESS: "ok",
    NotificationStatus.WITHHELD: "held",
    IncomingStatus.SKIPPED: "held",
}
ORDER: Final = ("bad", "wait", "ok", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How wide a day is, and its bar."""

    step: int
    bar: int


SMALL: Final = Size(step=14, bar=10)  # on a card
LARGE: Final = Size(step=24, bar=16)  # where each day is a link: wide enough to be hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One piece of a bar; `tone` is one of ORDER."""

    tone: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One day: its bar, where it begins, and the address and the sentence of its link (empty where
    it has no rows). `mark` is where the mark of a failure points to."""

    x: int
    bars: tuple[Bar, ...]
    mark: int | None
    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The days, the number on the worst one, and the sentence that says the same."""

    columns: tuple[Column, ...]
    size: Size
    width: int
    worst: int
    worst_x: int
    worst_y: str
    label: str
    first: str

    @property
    def bars(self) -> tuple[Bar, ...]:
        """All pieces, where the days are no links."""
        return tuple(bar for column in self.columns for bar in column.bars)

    @property
    def tones(self) -> frozenset[str]:
        """The tones that it has."""
        return frozenset(bar.tone for bar in self.bars)


def draw(
    days: Sequence[Day],
    what: str,
    size: Size = SMALL,
    url: Callable[[date], str] | None = None,
) -> Chart | None:
    """Draw the days; None where there is nothing to draw. `what` names what is counted, `url` gives
    the address of a day's rows."""
    most = max((sum(day.counts.values()) for day in days), default=0)
    if not most:
        return None
    stacks = [_stack(day, n * size.step, size, most) for n, day in enumerate(days)]
    worst = max(range(len(days)), key=lambda n: _failed(days[n]))
    top = min((float(bar.y) for bar in stacks[worst]), default=BASE)
    return Chart(
        columns=tuple(
            Column(
                x=n * size.step,
                bars=stacks[n],
                mark=n * size.step + size.bar // 2 if _failed(day) else None,
                url=url(day.day) if url and stacks[n] else "",
                label=sentence(day, what),
            )
            for n, day in enumerate(days)
        ),
        size=size,
        width=len(days) * size.step - (size.step - size.bar),
        worst=_failed(days[worst]),
        worst_x=worst * size.step + size.bar // 2,
        worst_y=f"{max(top - 3, NUMBER):.1f}",
        label=_label(days, days[worst], what),
        first=words.short_day(days[0].day),
    )


def of_tone(day: Day, tone: str) -> int:
    """Return how many messages of a day have statuses of that tone."""
    return sum(number for status, number in day.counts.items() if TONES.get(status, "ok") == tone)


def sentence(day: Day, what: str) -> str:
    """Say what a day had: Notifications on Monday 23 November: 12, 3 failed."""
    said = {
        "what": what,
        "day": words.day(day.day),
        "total": words.count(sum(day.counts.values())),
        "failed": words.count(_failed(day)),
    }
    if _failed(day):
        return _("%(what)s on %(day)s: %(total)s, %(failed)s failed") % said
    return _("%(what)s on %(day)s: %(total)s, none failed") % said


def _failed(day: Day) -> int:
    return of_tone(day, "bad")


def _stack(day: Day, x: int, size: Size, most: int) -> tuple[Bar, ...]:
    bars, y = [], BASE
    for tone in ORDER:
        if count := of_tone(day, tone):
            height = max(LEAST, count / most * (BASE - TOP - (len(ORDER) - 1) * GAP))
            y -= height
            bars.append(_bar(tone, x, y, size.bar, height))
            y -= GAP
    return tuple(bars)


def _bar(tone: str, x: int, y: float, width: int, height: float) -> Bar:
    """An outline is drawn on its edge: it is moved inwards by half its width."""
    inset = 0.5 if tone in {"wait", "held"} else 0
    return Bar(
        tone=tone,
        x=f"{x + inset:g}",
        y=f"{y + inset:.1f}",
        width=f"{width - 2 * inset:g}",
        height=f"{max(height - 2 * inset, 1):.1f}",
    )


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
