"""The strip of the last days as SVG, drawn on the server: a cell a day, told apart by form too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deskpost.logs import words
from deskpost.logs.connection import Uptime
from deskpost.logs.uptime import Cell

STEP, WIDTH = 12, 9
NAMED_AT_MOST = 4  # more days than these are only counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One cell of the strip, and where it begins."""

    cell: Cell
    x: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The cells, how wide they are together, and the sentence that says the same."""

    pieces: tuple[Piece, ...]
    width: int
    label: str
    first: str


def draw(uptime: Uptime) -> Strip:
    """Draw the days of a connection."""
    days = uptime.days
    return Strip(
        pieces=tuple(Piece(cell=cell, x=n * STEP) for n, (_day, cell) in enumerate(days)),
        width=len(days) * STEP - (STEP - WIDTH),
        label=_label(days),
        first=words.short_day(days[0][0]),
    )


def _label(days: Sequence[tuple[date, Cell]]) -> str:
    """Say how the days were, the worst first."""
    down = [day for day, cell in days if cell == Cell.DOWN]
    partly = [day for day, cell in days if cell == Cell.PARTLY]
    fine = sum(cell == Cell.FINE for _day, cell in days)
    unknown = sum(cell == Cell.NONE for _day, cell in days)
    parts = []
    if down:
        said = ngettext("%(count)d day down%(which)s", "%(count)d days down%(which)s", len(down))
        parts.append(said % {"count": len(down), "which": _which(down)})
    if partly:
        said = ngettext(
            "%(count)d day partly down%(which)s", "%(count)d days partly down%(which)s", len(partly)
        )
        parts.append(said % {"count": len(partly), "which": _which(partly)})
    if fine:
        parts.append(ngettext("%(count)d day fine", "%(count)d days fine", fine) % {"count": fine})
    if unknown:
        said = ngettext("%(count)d day without data", "%(count)d days without data", unknown)
        parts.append(said % {"count": unknown})
    span = {"first": words.day(days[0][0]), "last": words.day(days[-1][0])}
    return _("%(first)s to %(last)s: %(parts)s") % (span | {"parts": words.listed(parts)})


def _which(days: Sequence[date]) -> str:
    """Name the days, in brackets, where they are few."""
    if len(days) > NAMED_AT_MOST:
        return ""
    return _(" (%(days)s)") % {"days": words.listed(words.short_day(day) for day in days)}
