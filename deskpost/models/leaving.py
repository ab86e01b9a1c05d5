"""How a day leaves the log in PostgreSQL: its table is detached, then dropped, and nobody waits.

DROP TABLE of a partition wants the whole log for itself: it waits for each reader, and whoever
comes later waits behind it. DETACH … CONCURRENTLY waits for readers too, but nobody waits behind
it; it has two steps, and dying between them leaves a partition "pending", which new queries do not
see and FINALIZE detaches. A detached table is one that nobody asks: to drop it disturbs nobody.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Any, Final

from django.db import OperationalError, connection

from deskpost.models import partitions

# For so long others may wait behind a lock of ours that is not granted yet.
LOCK_MS: Final = 30
# For so long DETACH waits for readers, which disturbs nobody but our own worker.
READERS_MS: Final = 500
TRIES: Final = 10
# Cancelled by a time limit, a lock not got in time, a deadlock, another partition pending.
NOT_NOW: Final = frozenset({"57014", "55P03", "40P01", "55000"})
_LOCK_ID: Final = 0x6465_7370  # of the one who takes days away


class State(Enum):
    """How a day's table stands to the log."""

    ATTACHED = auto()
    PENDING = auto()
    LOOSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One day of one log table."""

    table: str
    day: date
    state: State

    @property
    def name(self) -> str:
        return partitions.name_of(self.table, self.day)

    def holds(self, condition: str = "TRUE", *values: Any) -> bool:
        """Return whether a row fulfils the condition (SQL of ours)."""
        sql = f"SELECT EXISTS (SELECT 1 FROM {self.name} WHERE {condition})"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, list(values))
            return bool(cursor.fetchone()[0])


def parts() -> list[Part]:
    """Return the days that there are of all log tables, the oldest first; none on SQLite."""
    if connection.vendor != "postgresql":
        return []
    pattern = rf"^({'|'.join(partitions.LOG_TABLES)})_[0-9]{{8}}$"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relispartition, coalesce(inhdetachpending, false) FROM pg_class"
            " LEFT JOIN pg_inherits ON inhrelid = pg_class.oid"
            " WHERE relkind = 'r' AND relname ~ %s AND pg_table_is_visible(pg_class.oid)",
            [pattern],
        )
        found = [_part(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda part: (part.day, part.name))


def _part(name: str, attached: bool, pending: bool) -> Part:
    state = State.PENDING if pending else State.ATTACHED if attached else State.LOOSE
    day = datetime.strptime(name[-8:], "%Y%m%d").date()  # noqa: DTZ007
    return Part(table=re.sub(r"_\d{8}$", "", name), day=day, state=state)


@contextmanager
def alone() -> Iterator[bool]:
    """Give True to one at a time: two who take days away would only be in each other's way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_ID])
        (held,) = cursor.fetchone()
        try:
            yield held
        finally:
            if held and connection.is_usable():
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])


def detach(part: Part) -> bool:
    """Detach the day, or finish what was begun; return whether it is loose now. Not inside a
    transaction. False says that somebody reads: ask again later."""
    if part.state == State.LOOSE:
        return True
    if part.state == State.ATTACHED:
        begin = f"ALTER TABLE {part.table} DETACH PARTITION {part.name} CONCURRENTLY"
        if _tried(begin, READERS_MS):
            return True
        if _state_of(part) != State.PENDING:
            return False
    finish = f"ALTER TABLE {part.table} DETACH PARTITION {part.name} FINALIZE"
    for n in range(TRIES):
        # While it waits for older snapshots it holds the table, for which one of them may ask.
        if _tried(finish, LOCK_MS):
            return True
        time.sleep(n * 0.01)
    return False


def attach(part: Part) -> bool:
    """Make a loose day a part of the log again; return whether it is."""
    return _tried(partitions.attach_sql(part.table, part.day), 0)


def drop(part: Part) -> bool:
    """Drop a loose day; return whether it is gone."""
    return _tried(f"DROP TABLE IF EXISTS {part.name}", 0)


def _state_of(part: Part) -> State | None:
    return next((one.state for one in parts() if one.name == part.name), None)


def _tried(sql: str, milliseconds: int) -> bool:
    """Run a statement that may take so long (0: any time) and waits for no lock for longer than
    LOCK_MS; return whether it was run."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_MS}")
        cursor.execute(f"SET statement_timeout = {milliseconds}")
        try:
            cursor.execute(sql)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") not in NOT_NOW:
                raise
            return False
        finally:
            if connection.is_usable():
                cursor.execute("RESET lock_timeout")
                cursor.execute("RESET statement_timeout")
    return True
