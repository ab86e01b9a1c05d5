"""The lines of the log agree with the messages that they stand for."""

from __future__ import annotations

from django.db import connection

from deskpost.models import InboundEmail, LogLine, Notification
from deskpost.models.lineindex import FIND, written
from deskpost.models.logline import line_in, line_out
from deskpost.terms import tokens


def clear() -> None:
    """Empty the index of SQLite if a test has emptied the tables: Django does not know it."""
    if connection.vendor == "sqlite" and _indexed() and not LogLine.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {FIND}")


def agree() -> None:
    """Assert that each settled message has one line, that says what its row says, and is indexed
    under it; and that there are no others."""
    if connection.needs_rollback:
        return
    wanted = [line_in(row) for row in InboundEmail.objects.filter(due_at__isnull=True)]
    wanted += [line_out(row) for row in Notification.objects.filter(due_at__isnull=True)]
    there = {line.pk: line for line in LogLine.objects.all()}
    if not wanted and not there:
        return
    indexed = _indexed() if connection.vendor == "sqlite" else {}
    for line in wanted:
        assert line.pk in there, f"{line.log} {line.status} {line.code} has no line of the log"
        other = there.pop(line.pk)
        names = [f.name for f in LogLine._meta.concrete_fields if f.name != "tokens"]
        said = [(name, getattr(line, name), getattr(other, name)) for name in names]
        assert [one for one in said if one[1] != one[2]] == []
        known = tokens(line.scope, line.leaves())
        if connection.vendor == "sqlite":
            assert indexed.pop(line.pk.hex) == written(known)
        else:
            assert other.tokens == known
    assert not there and not indexed


def _indexed() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, tokens FROM {FIND}")
        return dict(cursor.fetchall())
