"""What the lists of the log have in common: filters in the address, the tally, chips, days."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs.given import TEXT_LIMIT, as_day, as_uuid, clean
from deskpost.logs.queries import sum_of
from deskpost.logs.search import Count

__all__ = [
    "TEXT_LIMIT",
    "Chip",
    "DayOf",
    "Filters",
    "Sum",
    "as_day",
    "as_uuid",
    "by_day",
    "canonical",
    "clean",
    "tally",
    "utc_now",
]

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters that an address holds, as text; what is not set is not in it."""

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, query: QueryDict, names: Iterable[str]) -> Filters:
        """Take the named filters from a query string: one line each, without control characters."""
        texts = {name: clean(query.get(name, "")) for name in names}
        return cls({name: text for name, text in texts.items() if text})

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def query(self, **changes: str | None) -> str:
        """Return the query string (with its `?`, or empty) with some filters changed; None takes
        one away."""
        merged = {**self.values, **changes}
        kept = {name: value for name, value in merged.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """One status of the tally: its words, how many rows it has (None: not known), and the address
    of its filter."""

    words: str
    count: Count | None
    url: str
    current: bool
    bad: bool = False


def canonical(filters: Filters, statuses: Collection[str]) -> Filters:
    """Leave out what is no filter: a status that there is not, a day that is none."""
    drop = {name for name in ("from", "to") if not as_day(filters.get(name))}
    if filters.get("status") not in statuses:
        drop.add("status")
    return Filters({name: value for name, value in filters.values.items() if name not in drop})


def tally(
    statuses: Iterable[tuple[str, object]],
    counts: Mapping[str, Count],
    url: Callable[[str | None], str],
    *,
    chosen: str | None,
    bad: str,
) -> list[Sum]:
    """Return the sums of a list: of all, then of each status with its words. `url` makes the
    address of a status, or of all (None); `chosen` is the one that is shown, `bad` the one that
    needs a person. Without counts (they took too long) the statuses stand without numbers."""
    every = Sum(
        words=_("All"),
        count=sum_of(counts.values()) if counts else None,
        url=url(None),
        current=not chosen,
    )
    sums = [
        Sum(
            words=str(words),
            count=counts.get(status),
            url=url(status),
            current=chosen == status,
            bad=status == bad,
        )
        for status, words in statuses
    ]
    return [every, *sums]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter in force, and the address without it. Without a label it is a free word."""

    label: str
    value: str
    remove: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOf:
    """The rows of one day; `whole` unless the page begins or ends within it."""

    day: date
    rows: tuple[Any, ...]
    whole: bool


def by_day(
    rows: Iterable[Row], moment: Callable[[Row], datetime], *, begins: bool, ends: bool
) -> list[DayOf]:
    """Group rows, newest first, by the reader's days.

    `begins` and `ends` say whether the page holds the beginning and the end of the list: a day
    that goes on on another page is not whole.
    """
    groups = [
        (day, tuple(found)) for day, found in groupby(rows, lambda r: timezone.localdate(moment(r)))
    ]
    last = len(groups) - 1
    return [
        DayOf(day=day, rows=found, whole=(begins or n > 0) and (ends or n < last))
        for n, (day, found) in enumerate(groups)
    ]


def utc_now() -> datetime:
    return datetime.now(UTC)
