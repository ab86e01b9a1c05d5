"""The lines of SQLite: found by its FTS5 index, whose rows are numbered by time, so that the newest
come first and nothing is sorted; where the index has nothing to say, read one after the other."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from deskpost import terms
from deskpost.logs.search_clauses import Clause, Dialect, begins, clauses, tokens
from deskpost.logs.search_model import Is, Property, Query, TooSlow
from deskpost.models import first_id
from deskpost.models.lineindex import FIND, first_number, word
from deskpost.models.logline import scope

DIALECT = Dialect(holds="instr({column}, %s) > 0", begins="deskpost_begins({column}, %s)")
STEPS = 10_000  # of SQLite's machine, between two looks at the clock


class Sqlite:
    """Searches of lines in SQLite."""

    def find(
        self,
        query: Query,
        start: uuid.UUID | None,
        limit: int,
        newest_first: bool,
        deadline: float,
    ) -> list[uuid.UUID]:
        """Return the ids of the lines that come first beyond `start`. Raises TooSlow."""
        order = "DESC" if newest_first else "ASC"
        found = clauses(query, DIALECT)
        wanted = _match(query, found)
        if wanted is None:
            where, params = _where(query, found, start, newest_first)
            sql = (
                f"SELECT l.id FROM deskpost_logline l WHERE {where} ORDER BY l.id {order} LIMIT %s"
            )
            return [uuid.UUID(pk) for (pk,) in _fetch(sql, [*params, limit], deadline)]
        return _by_index(query, found, wanted, start, limit, newest_first, deadline)

    def counts(
        self, query: Query, statuses: Sequence[str], most: int, deadline: float
    ) -> dict[str, int]:
        """Return how many lines there are of each status, up to `most`. Raises TooSlow."""
        return {status: self._count(query, status, most, deadline) for status in statuses}

    def _count(self, query: Query, status: str, most: int, deadline: float) -> int:
        part = Is(property=Property.STATUS, values=(status,))
        asked = Query(
            project_id=query.project_id,
            log=query.log,
            parts=(*query.parts, part),
            since=query.since,
            until=query.until,
        )
        found = clauses(asked, DIALECT)
        wanted = _match(asked, found)
        assert wanted is not None  # the status is in the index
        where, params = _where(asked, found, None, newest_first=True)
        bound, bounds = _numbers(asked, None, newest_first=True)
        sql = (
            f"SELECT count(*) FROM (SELECT 1 FROM {FIND} f"
            " CROSS JOIN deskpost_logline l ON l.id = f.id"
            f" WHERE {FIND} MATCH %s AND {bound} AND {where} LIMIT %s)"
        )
        ((number,),) = _fetch(sql, [wanted, *bounds, *params, most], deadline)
        return int(number)


def _by_index(
    query: Query,
    found: Sequence[Clause],
    wanted: str,
    start: uuid.UUID | None,
    limit: int,
    newest_first: bool,
    deadline: float,
) -> list[uuid.UUID]:
    where, params = _where(query, found, start, newest_first)
    bound, bounds = _numbers(query, start, newest_first)
    sql = (
        f"SELECT l.id, f.rowid FROM {FIND} f CROSS JOIN deskpost_logline l ON l.id = f.id"
        f" WHERE {FIND} MATCH %s AND {{bound}} AND {where}"
    )
    order = f" ORDER BY f.rowid {'DESC' if newest_first else 'ASC'} LIMIT %s"
    rows = _fetch(sql.format(bound=bound) + order, [wanted, *bounds, *params, limit], deadline)
    if len(rows) == limit:
        # Within one millisecond the numbers are in the order of writing: all of its lines are
        # needed to tell which of them come first.
        first = rows[-1][1] & ~0x7FFF
        between = sql.format(bound="f.rowid BETWEEN %s AND %s")
        rows += _fetch(between, [wanted, first, first | 0x7FFF, *params], deadline)
    ids = sorted({uuid.UUID(pk) for pk, _ in rows}, reverse=newest_first)
    return ids[:limit]


def _match(query: Query, found: Sequence[Clause]) -> str | None:
    """Return the query in the words of FTS5, or None if nothing of it is in the index."""
    groups = tokens(query, found)
    if not groups:
        return None
    ways = [
        " OR ".join(f"({' AND '.join(map(word, group))})" for group in clause) for clause in groups
    ]
    nothing = word(terms.token(scope(query.project_id, query.log), "nothing"))
    return " AND ".join(f"({way or nothing})" for way in ways)


def _where(
    query: Query, found: Sequence[Clause], start: uuid.UUID | None, newest_first: bool
) -> tuple[str, list[Any]]:
    conditions, params = ["l.project_id = %s", "l.log = %s"], [query.project_id, str(query.log)]
    if start:
        conditions.append("l.id < %s" if newest_first else "l.id > %s")
        params.append(start.hex)
    if query.since:
        conditions.append("l.id >= %s")
        params.append(first_id(query.since).hex)
    if query.until:
        conditions.append("l.id < %s")
        params.append(first_id(query.until).hex)
    for clause in found:
        conditions.append(f"({clause.sql})")
        params += clause.params
    return " AND ".join(conditions), params


def _numbers(query: Query, start: uuid.UUID | None, newest_first: bool) -> tuple[str, list[int]]:
    """Return the bounds of the index's row numbers; a start's own millisecond is within."""
    least, most = 0, (1 << 63) - 1
    if query.since:
        least = first_number(first_id(query.since))
    if query.until:
        most = first_number(first_id(query.until))
    if start and newest_first:
        most = min(most, first_number(start) | 0x7FFF)
    elif start:
        least = max(least, first_number(start))
    return "f.rowid BETWEEN %s AND %s", [least, most]


def _fetch(sql: str, params: Sequence[Any], deadline: float) -> list[Any]:
    with _until(deadline), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


@contextmanager
def _until(deadline: float) -> Iterator[None]:
    """Stop SQLite at the deadline. Raises TooSlow."""
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" in str(error):
            raise TooSlow from None
        raise
    finally:
        raw.set_progress_handler(None, STEPS)


def register(connection: Any, **signal: Any) -> None:
    """Give a new connection to SQLite the function that searches use."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("deskpost_begins", 2, begins, deterministic=True)
