"""Log tables in PostgreSQL: partitioned by day on ranges of their id. SQLite has plain tables.

There is no default partition: a row for a day that has none is refused, and whoever inserts it
makes the day and tries again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from deskpost.models.ids import first_id

LOG_TABLES = (
    "deskpost_inboundemail",
    "deskpost_event",
    "deskpost_notification",
    "deskpost_attempt",
    "deskpost_connectionevent",
    "deskpost_logline",
)
DAYS_AHEAD = 30


class CreateLogTable(migrations.CreateModel):
    """CreateModel, but partitioned by range of the id where the database is PostgreSQL."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        plain = schema_editor.sql_create_table
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.sql_create_table = plain + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain


def ensure(days: list[date], tables: tuple[str, ...] = LOG_TABLES) -> None:
    """Make the partitions of these days where they are missing; nothing on SQLite. Nobody waits
    for it who reads or writes the log."""
    if connection.vendor != "postgresql":
        return
    there = {name for name, _ in days_there()}
    for table in tables:
        for day in days:
            if name_of(table, day) not in there:
                _make(table, day)


def _make(table: str, day: date) -> None:
    """Make a table, and then attach it. CREATE TABLE … PARTITION OF would take the whole log for
    itself: it waits for each reader, and whoever comes later waits behind it."""
    name = name_of(table, day)
    with transaction.atomic(), connection.cursor() as cursor:
        # One maker at a time; the second one finds it there.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        cursor.execute("SELECT relispartition FROM pg_class WHERE oid = to_regclass(%s)", [name])
        if cursor.fetchone() != (True,):
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name}"
                f" (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
            )
            cursor.execute(attach_sql(table, day))


def ensure_ahead() -> None:
    """Make the partitions from yesterday to DAYS_AHEAD days ahead."""
    today = datetime.now(UTC).date()
    ensure([today + timedelta(days=n) for n in range(-1, DAYS_AHEAD + 1)])


def days_there() -> list[tuple[str, date]]:
    """Return the partitions that there are, by name, each with its day; none on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid"
            " JOIN pg_class parent ON parent.oid = inhparent"
            " WHERE parent.relname = ANY(%s) AND child.relkind = 'r'",
            [list(LOG_TABLES)],
        )
        names = [name for (name,) in cursor.fetchall()]
    return [(name, datetime.strptime(name[-8:], "%Y%m%d").date()) for name in names]  # noqa: DTZ007


def attach_sql(table: str, day: date) -> str:
    """Return the statement that makes the day's table a part of the log."""
    lower, upper = (
        first_id(datetime.combine(day + timedelta(days=n), time(), UTC)) for n in (0, 1)
    )
    return (
        f"ALTER TABLE {table} ATTACH PARTITION {name_of(table, day)} "
        f"FOR VALUES FROM ('{lower}') TO ('{upper}')"
    )


def name_of(table: str, day: date) -> str:
    """Return the name of the day's table."""
    return f"{table}_{day:%Y%m%d}"
