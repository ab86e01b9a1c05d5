"""Log tables in PostgreSQL: partitioned by day on ranges of their id. SQLite has plain tables.

There is no default partition: a row for a day that has none is refused, and whoever inserts it
makes the day and tries again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from deskpost.models.ids import first_id

LOG_TABLES = (
    "deskpost_inboundemail",
    "deskpost_event",
    "deskpost_notification",
    "deskpost_attempt",
    "deskpost_connectionevent",
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


def ensure(days: list[date]) -> None:
    """Make the partitions of these days where they are missing; nothing on SQLite."""
    if connection.vendor != "postgresql":
        return
    there = {name for name, _ in days_there()}
    with connection.cursor() as cursor:
        for table in LOG_TABLES:
            for day in days:
                if _name(table, day) not in there:
                    cursor.execute(_partition_sql(table, day))


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


def _partition_sql(table: str, day: date) -> str:
    lower, upper = (
        first_id(datetime.combine(day + timedelta(days=n), time(), UTC)) for n in (0, 1)
    )
    return (
        f"CREATE TABLE IF NOT EXISTS {_name(table, day)} PARTITION OF {table} "
        f"FOR VALUES FROM ('{lower}') TO ('{upper}')"
    )


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"
