"""EXPORT what a list finds, as CSV or JSON Lines: piece by piece, so that memory does not grow.

A file that does not hold everything says so in its last line, and how to go on. In CSV that is a
line like all others, so that no reader stumbles: its `log` is `limit` or `too_slow`, its `details`
the address of the rest. In JSON Lines it is an object of its own.
"""

from __future__ import annotations

import heapq
import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from deskpost import cells
from deskpost.logs import search
from deskpost.logs.export_rows import COLUMNS, Record, records
from deskpost.logs.search import Query, TooSlow

MOST: Final = 100_000  # messages of one file
BATCH: Final = 500


class Form(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"


class Why(StrEnum):
    """Why a file does not hold everything."""

    LIMIT = "limit"
    TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What the file does not hold: everything that is older than `before`."""

    why: Why
    before: uuid.UUID


def walk(
    queries: Sequence[Query], before: uuid.UUID | None, most: int = MOST
) -> Iterator[list[Record] | Rest]:
    """Yield the records of what the queries find, newest first, some at a time; then the rest, if
    there is one. Raises TooSlow if not even the first can be found."""
    ids = heapq.merge(*(_found(query, before) for query in queries), reverse=True)
    last = before
    for start in range(0, most, BATCH):
        some, slow = _next(ids, min(BATCH, most - start))
        last = some[-1] if some else last
        if slow and last is None:
            raise TooSlow
        if some:
            yield records(some)
        if slow and last:
            yield Rest(why=Why.TOO_SLOW, before=last)
        if slow or not some:
            return
    if last and _peek(ids):
        yield Rest(why=Why.LIMIT, before=last)


def _found(query: Query, before: uuid.UUID | None) -> Iterator[uuid.UUID]:
    while True:
        page = search.page(query, before, BATCH)
        yield from page.ids
        before = page.before
        if before is None:
            return


def _next(ids: Iterator[uuid.UUID], number: int) -> tuple[list[uuid.UUID], bool]:
    """Return the next ids, and whether the search was too slow for more of them."""
    some: list[uuid.UUID] = []
    try:
        for pk in itertools.islice(ids, number):
            some.append(pk)  # one by one: what came before an end in the middle counts
    except TooSlow:
        return some, True
    return some, False


def _peek(ids: Iterator[uuid.UUID]) -> bool:
    """Return whether there is one more; where that cannot be found out, it is taken for yes."""
    try:
        return next(ids, None) is not None
    except TooSlow:
        return True


# --- As text -------------------------------------------------------------------------------------


def beginning(form: Form) -> str:
    """Return what stands before the first record."""
    return cells.BOM + cells.written(COLUMNS) if form == Form.CSV else ""


def text(form: Form, some: Sequence[Record]) -> str:
    """Return the lines of records."""
    return "".join(map(_csv if form == Form.CSV else _json, some))


def ending(form: Form, rest: Rest, address: Callable[[uuid.UUID], str]) -> str:
    """Return the line that says what the file does not hold, and where it is to be had."""
    more = address(rest.before)
    if form == Form.JSONL:
        return _json({"limit": MOST, "why": str(rest.why), "next": more})
    return _csv(dict.fromkeys(COLUMNS, "") | {"log": str(rest.why), "details": more})


def _csv(record: Record) -> str:
    return cells.written(cells.harmless(str(record[name])) for name in COLUMNS)


def _json(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, default=str) + "\n"


def octets(written: str) -> bytes:
    """Return text as UTF-8; half a character (which a message may name) as an escape."""
    return written.encode("utf-8", "backslashreplace")
