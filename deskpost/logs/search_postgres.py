"""The lines of PostgreSQL: partitioned by day, with a GIN index of their tokens.

An index of arrays gives all that it finds, in no order: the more common the words, the longer it
takes. What is common is found among the newest lines; so these are read first, and the index is
asked only if they do not fill the page, a span of days at a time, the newest first.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import OperationalError, connection, transaction

from deskpost.logs.search_clauses import Clause, Dialect, clauses, tokens
from deskpost.logs.search_model import Is, Not, Property, Query, TooSlow
from deskpost.logs.search_spans import Span

DIALECT = Dialect(
    holds="strpos({column}, %s) > 0",
    begins="l.tokens @> ARRAY[%s]::integer[]",
    begins_by_token=True,
)
READ_FIRST = 400  # of the newest lines
READ_TOGETHER = 1_500  # lines that are counted by one statement, whatever their status
PLAIN = (Property.STATUS, Property.CHANNEL)
SET = "SELECT set_config"
CANCELLED = "57014"  # query_canceled: the statement has taken its time


class Postgres:
    """Searches of lines in PostgreSQL."""

    def find(
        self,
        query: Query,
        start: uuid.UUID | None,
        limit: int,
        newest_first: bool,
        deadline: float,
    ) -> list[uuid.UUID]:
        """Return the ids of the lines that come first beyond `start`. Raises TooSlow."""
        found = clauses(query, DIALECT)
        groups = tokens(query, found)
        if any(not group for group in groups):
            return []
        with _until(deadline):
            return _Search(query, found, groups, limit, newest_first).run(start)

    def counts(
        self, query: Query, statuses: Sequence[str], most: int, deadline: float
    ) -> dict[str, int]:
        """Return how many lines there are of each status, up to `most`. Raises TooSlow."""
        with _until(deadline):
            if _is_plain(query):
                return {status: _count(query, status, most) for status in statuses}
            with _bitmaps_only():
                return _Sums(query, statuses, most).read()


def _is_plain(query: Query) -> bool:
    """Whether the lines of a status, read in their order, are nearly all wanted."""
    if any(isinstance(part, Is) and part.property not in PLAIN for part in query.parts):
        return False
    return all(isinstance(part, Is | Not) for part in query.parts)


@dataclass(slots=True)
class _Sums:
    """Counts a query's lines by status. The newest are counted together; if they are many, the rest
    is counted by the statuses of which there are not enough yet."""

    query: Query
    statuses: Sequence[str]
    most: int
    sums: Counter[str] = field(default_factory=Counter)

    def read(self) -> dict[str, int]:
        left = Span.of(self.query, None, newest_first=True)
        for piece in left.pieces(newest_first=True):
            if self.sums.total() >= READ_TOGETHER or not self._add(piece):
                self._add_rest(replace(left, bound=piece.bound))
                break
        return {status: min(self.sums[status], self.most) for status in self.statuses}

    def _add(self, piece: Span) -> bool:
        """Count a piece, whatever the status; False, and nothing, if it holds too many."""
        inner = _counted(self.query, piece)
        if inner is None:
            return True
        sql = f"SELECT status, count(*) FROM ({inner[0]} LIMIT %s) found GROUP BY status"
        found = Counter(dict(_fetch(sql, [*inner[1], READ_TOGETHER])))
        if found.total() == READ_TOGETHER:
            return False
        self.sums += found
        return True

    def _add_rest(self, rest: Span) -> None:
        for status in self.statuses:
            if (missing := self.most - self.sums[status]) > 0:
                self.sums[status] += _count(self.query, status, missing, rest)


def _count(query: Query, status: str, most: int, span: Span | None = None) -> int:
    part = Is(property=Property.STATUS, values=(status,))
    span = span or Span.of(query, None, newest_first=True)
    if _is_plain(query):
        where, params = _where(
            query, clauses(replace(query, parts=(*query.parts, part)), DIALECT), span
        )
        inner: tuple[str, list[Any]] | None
        inner = f"SELECT l.status FROM deskpost_logline l WHERE {where}", params
    else:
        inner = _counted(replace(query, parts=(*query.parts, part)), span)
    if inner is None:
        return 0
    ((number,),) = _fetch(f"SELECT count(*) FROM ({inner[0]} LIMIT %s) found", [*inner[1], most])
    return int(number)


def _counted(query: Query, span: Span) -> tuple[str, list[Any]] | None:
    """Return the statement whose rows are counted, or None if there can be none."""
    found = clauses(query, DIALECT)
    groups = tokens(query, found)
    if any(not group for group in groups):
        return None
    where, params = _where(query, [*found, *map(_in_index, groups)], span)
    return f"SELECT l.status FROM deskpost_logline l WHERE {where}", params


@dataclass(frozen=True, slots=True)
class _Search:
    """One search for the first ids of a span."""

    query: Query
    found: Sequence[Clause]
    groups: Sequence[Sequence[Sequence[int]]]
    limit: int
    newest_first: bool

    def run(self, start: uuid.UUID | None) -> list[uuid.UUID]:
        span = Span.of(self.query, start, newest_first=self.newest_first)
        ids, last = self._read_first(span)
        if last is None or len(ids) >= self.limit:
            return ids[: self.limit]
        span = span.beyond(last, newest_first=self.newest_first)
        if not self.groups:
            return ids + self._read_on(span, self.limit - len(ids))
        with _bitmaps_only():
            for piece in span.pieces(newest_first=self.newest_first):
                ids += self._ask_index(piece, self.limit - len(ids))
                if len(ids) == self.limit:
                    break
        return ids

    @property
    def _order(self) -> str:
        return "DESC" if self.newest_first else "ASC"

    def _read_first(self, span: Span) -> tuple[list[uuid.UUID], uuid.UUID | None]:
        """Read the first lines of the span: the ids of those that are wanted, and where to go on
        (None: nowhere)."""
        conditions = " AND ".join(f"({clause.sql})" for clause in self.found) or "TRUE"
        where, bounds = _where(self.query, (), span)
        sql = (
            f"SELECT l.id, {conditions} FROM (SELECT * FROM deskpost_logline l WHERE {where}"
            f" ORDER BY l.id {self._order} LIMIT %s) l ORDER BY l.id {self._order}"
        )
        params = [param for clause in self.found for param in clause.params]
        rows = _fetch(sql, [*params, *bounds, READ_FIRST])
        ids = [pk for pk, wanted in rows if wanted]
        return ids, rows[-1][0] if len(rows) == READ_FIRST else None

    def _read_on(self, span: Span, limit: int) -> list[uuid.UUID]:
        where, params = _where(self.query, self.found, span)
        sql = (
            f"SELECT l.id FROM deskpost_logline l WHERE {where}"
            f" ORDER BY l.id {self._order} LIMIT %s"
        )
        return [pk for (pk,) in _fetch(sql, [*params, limit])]

    def _ask_index(self, span: Span, limit: int) -> list[uuid.UUID]:
        where, params = _where(self.query, [*map(_in_index, self.groups), *self.found], span)
        sql = (
            f"WITH hits AS MATERIALIZED (SELECT l.id FROM deskpost_logline l WHERE {where})"
            f" SELECT id FROM hits ORDER BY id {self._order} LIMIT %s"
        )
        return [pk for (pk,) in _fetch(sql, [*params, limit])]


def _where(query: Query, found: Sequence[Clause], span: Span) -> tuple[str, list[Any]]:
    conditions = ["l.project_id = %s", "l.log = %s", "l.id >= %s", "l.id < %s"]
    params: list[Any] = [query.project_id, str(query.log), span.least, span.bound]
    for clause in found:
        conditions.append(f"({clause.sql})")
        params += clause.params
    return " AND ".join(conditions), params


def _in_index(groups: Sequence[Sequence[int]]) -> Clause:
    """Return the condition that one of the groups is among a line's tokens, as a whole."""
    single = [group[0] for group in groups if len(group) == 1]
    whole = [list(group) for group in groups if len(group) > 1]
    sql = ["l.tokens @> %s::integer[]"] * len(whole)
    params: list[list[int]] = whole
    if len(single) == 1:
        sql.append("l.tokens @> %s::integer[]")
        params = [*params, single]
    elif single:
        sql.append("l.tokens && %s::integer[]")
        params = [*params, single]
    return Clause(sql=" OR ".join(sql), params=tuple(params))


def _fetch(sql: str, params: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


@contextmanager
def _bitmaps_only() -> Iterator[None]:
    """The planner takes the order of the ids for a short way to a few rows, however rare they are:
    here the index of tokens is the way."""
    names = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")
    _set(dict.fromkeys(names, "off"))
    yield
    _set(dict.fromkeys(names, "on"))


@contextmanager
def _until(deadline: float) -> Iterator[None]:
    """Stop the statements within at the deadline. Raises TooSlow."""
    try:
        with transaction.atomic():
            # Compiling a plan takes longer than any of these may run.
            _set({"jit": "off"})
            with connection.execute_wrapper(_Limit(deadline)):
                yield
            _set({"statement_timeout": "0"})
    except OperationalError as error:
        # The words of the server are in the language of its host.
        if getattr(error.__cause__, "sqlstate", "") == CANCELLED:
            raise TooSlow from None
        raise


@dataclass(frozen=True, slots=True)
class _Limit:
    """The server limits each statement by itself: before each, it is told what is left of the time
    of them all."""

    deadline: float

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(SET):
            left = int((self.deadline - time.monotonic()) * 1000)
            if left < 1:
                raise TooSlow
            execute(f"{SET}(%s, %s, true)", ["statement_timeout", str(left)], False, context)
        return execute(sql, params, many, context)


def _set(values: dict[str, str]) -> None:
    calls = ", ".join(["set_config(%s, %s, true)"] * len(values))
    _fetch(f"SELECT {calls}", [text for pair in values.items() for text in pair])
