"""A long list in pages: `?page=2`. Only the page and whether there is a next one are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)

SIZE = 50
LAST = 9_999  # a page beyond is nobody's, and its offset would be a load


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """Some rows, and the numbers of the pages beside them (None: there is none)."""

    rows: list[Row]
    previous: int | None
    next: int | None


def page(rows: QuerySet[Row], asked: str | None) -> Page[Row]:
    """Return the page of that number; the first where the number is none."""
    number = _number(asked)
    start = (number - 1) * SIZE
    found = list(rows[start : start + SIZE + 1])
    return Page(
        rows=found[:SIZE],
        previous=number - 1 if number > 1 else None,
        next=number + 1 if len(found) > SIZE and number < LAST else None,
    )


def _number(asked: str | None) -> int:
    if asked and asked.isascii() and asked.isdigit() and len(asked) <= 4:
        return max(1, int(asked))
    return 1
