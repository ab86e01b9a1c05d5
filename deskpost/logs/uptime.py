"""When a connection was up and when down: pure arithmetic over moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

# A shorter break does not make a day "partly down".
SHORTEST_BREAK = timedelta(minutes=1)


class Cell(StrEnum):
    """How a day was."""

    FINE = "fine"
    PARTLY = "partly"
    DOWN = "down"
    NONE = "none"  # nothing is known: not made yet, paused, or past the days that are kept


@dataclass(frozen=True, slots=True)
class Mark:
    """From this moment on it is up, or down, or nobody tries (None)."""

    at: datetime
    up: bool | None


@dataclass(frozen=True, slots=True)
class Span:
    """A time throughout which it was up, or down."""

    begin: datetime
    end: datetime
    up: bool

    def within(self, begin: datetime, end: datetime) -> timedelta:
        """Return how much of it lies between two moments."""
        return max(min(self.end, end) - max(self.begin, begin), timedelta())


def spans(marks: Sequence[Mark], now: datetime) -> tuple[Span, ...]:
    """Return what lies between the marks (the oldest first), up to now."""
    known = (mark for mark in marks if mark.at < now)
    return tuple(
        Span(mark.at, following.at, mark.up)
        for mark, following in pairwise([*known, Mark(now, None)])
        if mark.up is not None and mark.at < following.at
    )


def cells(known: Sequence[Span], begins: Sequence[datetime]) -> tuple[Cell, ...]:
    """Return a cell for each day. `begins` are the beginnings of the days and the end of the last:
    one more than there are days, all with a zone."""
    return tuple(_cell(known, begin, end) for begin, end in pairwise(begins))


def share(known: Sequence[Span], begin: datetime, end: datetime) -> float | None:
    """Return which share of the known time between two moments it was up, or None if none is."""
    up, down = _total(known, begin, end, up=True), _total(known, begin, end, up=False)
    return up / (up + down) if up + down else None


def _cell(known: Sequence[Span], begin: datetime, end: datetime) -> Cell:
    up, down = _total(known, begin, end, up=True), _total(known, begin, end, up=False)
    if not up:
        return Cell.DOWN if down else Cell.NONE
    return Cell.PARTLY if down >= SHORTEST_BREAK else Cell.FINE


def _total(known: Sequence[Span], begin: datetime, end: datetime, *, up: bool) -> timedelta:
    within = (span.within(begin, end) for span in known if span.up is up)
    return sum(within, timedelta())
