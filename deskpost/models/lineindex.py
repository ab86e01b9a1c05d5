"""The index of the tokens of lines: GIN over the arrays on PostgreSQL, which keeps it by itself; on
SQLite a table of FTS5, which is kept here.

Its rows are numbered by time, so that the newest are found first without sorting: the milliseconds
of the id, and 15 bits that tell apart what one millisecond has made.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

FIND = "deskpost_find"  # the table on SQLite


def first_number(log_id: uuid.UUID) -> int:
    """Return the least number that a line of the id's millisecond can have."""
    return (log_id.int >> 80) << 15


def add(lines: Iterable[tuple[uuid.UUID, Sequence[int]]]) -> None:
    """Index lines by their tokens."""
    last: dict[int, int] = {}
    rows = []
    with connection.cursor() as cursor:
        for pk, tokens in sorted(lines):
            first = first_number(pk)
            if first not in last:
                cursor.execute(
                    f"SELECT max(id) FROM {FIND}_content WHERE id BETWEEN %s AND %s",  # noqa: S608
                    [first, first | 0x7FFF],
                )
                (found,) = cursor.fetchone()
                last[first] = first - 1 if found is None else found
            last[first] += 1
            rows.append((last[first], written(tokens), pk.hex))
        cursor.executemany(
            f"INSERT INTO {FIND} (rowid, tokens, id) VALUES (%s, %s, %s)",  # noqa: S608
            rows,
        )


def remove(ids: Iterable[uuid.UUID]) -> None:
    """Take lines out of the index."""
    with connection.cursor() as cursor:
        for pk in ids:
            first = first_number(pk)
            cursor.execute(
                f"DELETE FROM {FIND} WHERE rowid IN (SELECT id FROM {FIND}_content"  # noqa: S608
                " WHERE id BETWEEN %s AND %s AND c1 = %s)",
                [first, first | 0x7FFF, pk.hex],
            )


def written(tokens: Iterable[int]) -> str:
    """Return tokens as the words of SQLite's index."""
    return " ".join(word(token) for token in tokens)


def word(token: int) -> str:
    """Return a token as a word of SQLite's index."""
    return f"{token & 0xFFFFFFFF:x}"


def make_index(apps: Any, schema_editor: Any) -> None:
    """Make the search index: GIN over the arrays, or a table of SQLite's FTS5. The pending list of
    GIN is read by each search, so it is kept short."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX line_tokens ON deskpost_logline USING gin (tokens)"
            " WITH (gin_pending_list_limit = 512)"
        )
    else:
        schema_editor.execute(
            f"CREATE VIRTUAL TABLE {FIND} USING fts5"
            "(tokens, id UNINDEXED, detail=none, columnsize=0, tokenize='ascii')"
        )


def unmake_index(apps: Any, schema_editor: Any) -> None:
    """Undo make_index."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX line_tokens")
    else:
        schema_editor.execute(f"DROP TABLE {FIND}")
