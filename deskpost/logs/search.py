"""Find messages in the log: what a list shows, how many there are of each status, which are next.

A query asks one list (Log) of one project. It says what must hold; `page` returns the newest
messages for which it does. What still waits is asked of its own table (search_waiting.py), the rest
of the lines (models/logline.py) by their index: search_postgres.py, search_sqlite.py.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import connection

from deskpost.logs import search_postgres, search_sqlite, search_waiting
from deskpost.logs.search_model import (
    COUNTED,
    PAGE,
    SECONDS,
    Beside,
    Count,
    Field,
    Is,
    Not,
    Page,
    Part,
    Property,
    Query,
    Size,
    TooSlow,
    Words,
)

__all__ = [
    "COUNTED",
    "PAGE",
    "SECONDS",
    "Beside",
    "Count",
    "Field",
    "Is",
    "Not",
    "Page",
    "Part",
    "Property",
    "Query",
    "Size",
    "TooSlow",
    "Words",
    "beside",
    "counts",
    "page",
]


def page(
    query: Query,
    before: uuid.UUID | None = None,
    limit: int = PAGE,
    *,
    oldest_first: bool = False,
) -> Page:
    """Return the newest messages that the query finds, older than `before`; or the other way
    round, the oldest ones that are newer than it. Raises TooSlow."""
    found = _found(query, before, limit + 1, newest_first=not oldest_first)
    if len(found) <= limit:
        return Page(ids=tuple(found))
    return Page(ids=tuple(found[:limit]), before=found[limit - 1])


def beside(query: Query, pk: uuid.UUID) -> Beside:
    """Return the messages next to one (which the query need not find). Raises TooSlow."""
    newer = _found(query, pk, 1, newest_first=False)
    older = _found(query, pk, 1, newest_first=True)
    return Beside(newer=next(iter(newer), None), older=next(iter(older), None))


def counts(query: Query, statuses: Sequence[str]) -> Mapping[str, Count]:
    """Return how many the query finds of each status, exact up to COUNTED. Raises TooSlow."""
    deadline = time.monotonic() + SECONDS
    waiting = search_waiting.count(query, COUNTED + 1, deadline)
    settled = [status for status in statuses if status not in search_waiting.STATUSES]
    sums = _engine().counts(query, settled, COUNTED + 1, deadline)
    for status, number in waiting.items():
        sums[status] = sums.get(status, 0) + number
    return {status: _count(sums.get(status, 0)) for status in statuses}


def _count(number: int) -> Count:
    return Count(value=min(number, COUNTED), more=number > COUNTED)


def _found(
    query: Query, start: uuid.UUID | None, limit: int, *, newest_first: bool
) -> list[uuid.UUID]:
    """Return the ids that come first, beyond `start`: of what waits and of the lines."""
    deadline = time.monotonic() + SECONDS
    waiting = search_waiting.find(query, start, limit, newest_first, deadline)
    settled = _engine().find(query, start, limit, newest_first, deadline)
    return sorted({*waiting, *settled}, reverse=newest_first)[:limit]


def _engine() -> search_sqlite.Sqlite | search_postgres.Postgres:
    if connection.vendor == "postgresql":
        return search_postgres.Postgres()
    return search_sqlite.Sqlite()


def one_status(query: Query, status: str) -> Query:
    """Return the query for one status only."""
    part = Is(property=Property.STATUS, values=(status,))
    return replace(query, parts=(*query.parts, part))
