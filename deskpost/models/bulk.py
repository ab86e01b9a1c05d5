"""Many rows of one table in one statement.

Django's bulk_create spends more time on a row than the database does; the inbound journey writes
eight tables for each batch. What it leaves out here are its generalities: expressions as values,
inheritance, and statements cut small for old databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models

# SQLite takes 32,766 since 3.32, PostgreSQL 65,535.
MAX_PARAMETERS = 30_000


def insert(rows: Iterable[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Insert new rows of one model, and fill in the keys that the database gives them.

    With `ignore_conflicts` a row that breaks a unique constraint is passed over, and no keys are
    filled in. Raises IntegrityError and DatabaseError like bulk_create. As there, a field's
    `auto_now_add` counts; `save` is not called and no signal is sent.
    """
    waiting = list(rows)
    if not waiting:
        return
    meta: Any = type(waiting[0])._meta
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    returned = meta.auto_field if not ignore_conflicts else None
    for some in _chunks(waiting, MAX_PARAMETERS // len(fields)):
        keys = _insert(meta, fields, some, returned, ignore_conflicts)
        for row, (key,) in zip(some, keys, strict=bool(keys)):
            row.pk = key
        for row in some:
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _chunks(rows: list[models.Model], size: int) -> Iterable[Sequence[models.Model]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _insert(
    meta: Any,
    fields: Sequence[Any],
    rows: Sequence[models.Model],
    returned: Any,
    ignore_conflicts: bool,
) -> list[tuple[Any, ...]]:
    database = connections[DEFAULT_DB_ALIAS]
    quote = database.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    values = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    sql = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {values}"  # noqa: S608
    sql += " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    sql += f" RETURNING {quote(returned.column)}" if returned else ""
    _refer(fields, rows)
    given = [
        field.get_db_prep_save(field.pre_save(row, True), database)
        for row in rows
        for field in fields
    ]
    with database.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall() if returned else []


def update(
    rows: Sequence[models.Model],
    names: Sequence[str],
    *,
    fence: Sequence[str] = (),
    also: Mapping[str, Any] | None = None,
) -> int:
    """Write the named fields of rows of one model, by one prepared statement; return how many rows
    were there to be written.

    `fence` names fields that must still have the instance's value in the database; `also` are
    fields with one value for all. No `auto_now`, no signals.
    """
    if not rows:
        return 0
    meta: Any = type(rows[0])._meta
    database = connections[DEFAULT_DB_ALIAS]  # `connection` looks it up at each use
    quote = database.ops.quote_name
    same = [(meta.get_field(name), value) for name, value in (also or {}).items()]
    written = [meta.get_field(name) for name in names]
    known = [meta.get_field(name) for name in (meta.pk.name, *fence)]
    columns = [*(field for field, _ in same), *written]
    assignments = ", ".join(f"{quote(field.column)} = %s" for field in columns)
    condition = " AND ".join(f"{quote(field.column)} = %s" for field in known)
    sql = f"UPDATE {quote(meta.db_table)} SET {assignments} WHERE {condition}"  # noqa: S608
    fixed = [field.get_db_prep_save(value, database) for field, value in same]
    given = [
        [
            *fixed,
            *(field.get_db_prep_save(getattr(row, field.attname), database) for field in written),
            *(field.get_db_prep_save(getattr(row, field.attname), database) for field in known),
        ]
        for row in rows
    ]
    with database.cursor() as cursor:
        cursor.executemany(sql, given)
        return int(cursor.rowcount)


def _refer(fields: Sequence[Any], rows: Sequence[models.Model]) -> None:
    """Take up the keys of what the rows refer to: it may have been inserted a moment ago."""
    for field in (field for field in fields if field.is_relation):
        for row in rows:
            if getattr(row, field.attname) is None and (other := getattr(row, field.name)):
                setattr(row, field.name, other)
