"""Spans of ids, which are spans of time: PostgreSQL is asked for the lines of a piece at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from deskpost.logs.search_model import Query
from deskpost.models import first_id, moment_of

DAYS = (1, 2, 5)  # of the first pieces; then all that is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Ids from `least` (inclusive) to `bound` (exclusive)."""

    least: uuid.UUID
    bound: uuid.UUID

    @classmethod
    def of(cls, query: Query, start: uuid.UUID | None, *, newest_first: bool) -> Span:
        """Return the whole span of a query, beyond `start`."""
        least = first_id(query.since) if query.since else uuid.UUID(int=0)
        bound = first_id(query.end)
        if start and newest_first:
            bound = min(bound, start)
        elif start:
            least = max(least, uuid.UUID(int=start.int + 1))
        return cls(least=least, bound=bound)

    def beyond(self, pk: uuid.UUID, *, newest_first: bool) -> Span:
        """Return what is left of it behind an id."""
        if newest_first:
            return replace(self, bound=pk)
        return replace(self, least=uuid.UUID(int=pk.int + 1))

    def pieces(self, *, newest_first: bool) -> Iterator[Span]:
        """Cut it at times, so that each piece is asked only if those before did not suffice."""
        left = self
        for days in DAYS:
            cut = left._cut(timedelta(days=days), newest_first)
            if cut is None:
                break
            piece, left = cut
            yield piece
        yield left

    def _cut(self, length: timedelta, newest_first: bool) -> tuple[Span, Span] | None:
        if newest_first:
            at = first_id(min(moment_of(self.bound), datetime.now(UTC)) - length)
        elif self.least.int:
            at = first_id(moment_of(self.least) + length)
        else:
            return None
        if not self.least < at < self.bound:
            return None
        older, newer = replace(self, bound=at), replace(self, least=at)
        return (newer, older) if newest_first else (older, newer)
