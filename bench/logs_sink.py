"""Where the rows of a large log go: COPY into PostgreSQL, executemany into SQLite.

Both take the same rows: ids in hexadecimal, times as text in UTC, JSON as text, 0 and 1 for no and
yes.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg

from bench.logs_plan import ATTEMPT, COUNT, EMAIL, LINE, NOTE, REQUEST, Made, Row
from deskpost.models import lineindex

ADD = (
    "ON CONFLICT (project_id, bucket, log, channel_id, kind, status, code)"
    " DO UPDATE SET number = deskpost_logcount.number + excluded.number"
)
COUNTED = [*COUNT, "number"]


class Sink(Protocol):
    """Takes rows of tables."""

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Write rows of a table."""

    def has(self, table: str, rows: Sequence[Row]) -> bool:
        """Return whether the first of the rows is there, by its id."""

    def hour(self, made: Made, wave: int) -> None:
        """Write an hour of the log, and commit; nothing if it is there: a run that was broken off
        may not have noted its last hours."""


class PostgresSink:
    """COPY in its text format: none of the texts has a tab, a line end or a backslash."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, options="-c timezone=UTC -c synchronous_commit=off")

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        lines = ["\t".join(["\\N" if v is None else str(v) for v in row]) for row in rows]
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self.connection.cursor() as cursor, cursor.copy(sql) as copy:
            for start in range(0, len(lines), 500):
                copy.write("\n".join(lines[start : start + 500]) + "\n")

    def has(self, table: str, rows: Sequence[Row]) -> bool:
        sql = f"SELECT 1 FROM {table} WHERE id = %s"
        return any(self.connection.execute(sql, [row[0]]).fetchone() for row in rows[:1])

    def hour(self, made: Made, wave: int) -> None:
        if self.has("deskpost_notification", made.notes):
            return
        arrays = (f"{{{','.join(map(str, tokens))}}}" for tokens in made.tokens)
        lines = ((*row, array) for row, array in zip(made.lines, arrays, strict=True))
        _put_messages(self, made)
        self.put("deskpost_logline", [*LINE, "tokens"], lines)
        self._count(made)
        self.connection.commit()

    def _count(self, made: Made) -> None:
        names = ", ".join(COUNTED)
        with self.connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE IF NOT EXISTS counted (LIKE deskpost_logcount)"
                " ON COMMIT DELETE ROWS"
            )
            cursor.execute("ALTER TABLE counted ALTER id DROP NOT NULL")
            self.put("counted", COUNTED, _counts(made))
            cursor.execute(
                f"INSERT INTO deskpost_logcount ({names}) SELECT {names} FROM counted {ADD}"
            )


class SqliteSink:
    """Rows by executemany; a transaction for each hour, and no care for a crash."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, timeout=60)
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-600000"):
            self.connection.execute(f"PRAGMA {pragma}")

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        self.connection.executemany(sql, rows)

    def has(self, table: str, rows: Sequence[Row]) -> bool:
        sql = f"SELECT 1 FROM {table} WHERE id = ?"
        return any(self.connection.execute(sql, [row[0]]).fetchone() for row in rows[:1])

    def hour(self, made: Made, wave: int) -> None:
        if self.has("deskpost_notification", made.notes):
            return
        _put_messages(self, made)
        self.put("deskpost_logline", LINE, made.lines)
        self.put(lineindex.FIND, ["rowid", "tokens", "id"], _found(made, wave))
        marks = ", ".join("?" * len(COUNTED))
        self.connection.executemany(
            f"INSERT INTO deskpost_logcount ({', '.join(COUNTED)}) VALUES ({marks}) {ADD}",
            _counts(made),
        )
        self.connection.commit()


def _put_messages(sink: Sink, made: Made) -> None:
    if not sink.has("deskpost_request", made.requests):  # requests outlive their days
        sink.put("deskpost_request", REQUEST, made.requests)
    sink.put("deskpost_inboundemail", EMAIL, made.emails)
    sink.put("deskpost_notification", NOTE, made.notes)
    sink.put("deskpost_attempt", ATTEMPT, made.attempts)


def _counts(made: Made) -> Iterable[Row]:
    return ((*values, number) for values, number in made.counts.items())


def _found(made: Made, wave: int) -> list[tuple[Any, ...]]:
    """Return the rows of SQLite's index. Each wave has numbers of its own in a millisecond."""
    last: dict[int, int] = {}
    rows = []
    for line, tokens in zip(made.lines, made.tokens, strict=True):
        first = lineindex.first_number(uuid.UUID(line[0]))
        last[first] = last.get(first, first + wave * 1024 - 1) + 1
        rows.append((last[first], lineindex.written(tokens), line[0]))
    return rows
