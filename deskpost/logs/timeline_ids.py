"""Which messages a timeline shows: the newest ids of an address or of a request, over any number of
projects, by the indexes of the source tables and in a fixed number of statements.

Each project is asked for its own newest, so that no index is read further than a page.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection

from deskpost.mail import address
from deskpost.models import first_id
from deskpost.outcomes import NotificationStatus

# SQLite joins no more than 500 SELECTs into one.
TOGETHER: Final = 200
# While nothing has read a message, only its envelope names a sender, and no index knows it. So many
# of a project's newest unread messages are looked at; a backlog beyond is found once it was read.
UNREAD: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose messages: of an address, or else about a request, in these projects. `incoming` and
    `outgoing` choose the direction; `since` (inclusive) and `until` (exclusive) bound the time."""

    projects: tuple[int, ...]
    email: str = ""
    request_key: str = ""
    incoming: bool = True
    outgoing: bool = True
    since: datetime | None = None
    until: datetime | None = None

    @property
    def email_key(self) -> str:
        """The address as the tables compare it."""
        return address.normalise(self.email)[:320]


def notifications(asked: Asked, before: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """Return the ids of the newest notifications older than `before`, the newest first. With
    DESKPOST_LOG_DELIVERED=off, delivered ones have no place in the log."""
    if not asked.outgoing:
        return []
    shown = "" if settings.DESKPOST["LOG_DELIVERED"] else " AND status <> %s"
    more = [] if settings.DESKPOST["LOG_DELIVERED"] else [str(NotificationStatus.DELIVERED)]
    column, value = ("address_key", asked.email_key) if asked.email else _by_request(asked)
    return _newest(
        asked, "deskpost_notification", f"{column} = %s{shown}", [value, *more], before, limit
    )


def incoming(asked: Asked, before: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    """Return the ids of the newest incoming messages older than `before`, the newest first."""
    if not asked.incoming:
        return []
    column, value = ("sender_key", asked.email_key) if asked.email else _by_request(asked)
    table = "deskpost_inboundemail"
    found = _newest(asked, table, f"{column} = %s", [value], before, limit)
    if asked.email:
        found += _unread(asked, before, limit)
    return sorted(set(found), reverse=True)[:limit]


def _by_request(asked: Asked) -> tuple[str, str]:
    return "request_key", asked.request_key


def _newest(
    asked: Asked, table: str, where: str, values: list[Any], before: uuid.UUID | None, limit: int
) -> list[uuid.UUID]:
    bounds, edges = _bounds(asked, before)
    sql = (
        f"SELECT id FROM {table} WHERE project_id = {{project}} AND {where}{bounds}"  # noqa: S608
        " ORDER BY id DESC LIMIT %s"
    )
    return _of_each(asked.projects, sql, [*values, *edges, limit], limit)


def _unread(asked: Asked, before: uuid.UUID | None, limit: int) -> list[uuid.UUID]:
    bounds, edges = _bounds(asked, before)
    sql = (
        "SELECT id FROM (SELECT id, envelope_from FROM deskpost_inboundemail"  # noqa: S608
        f" WHERE project_id = {{project}} AND sender_key = ''{bounds} ORDER BY id DESC LIMIT %s)"
        " unread WHERE lower(envelope_from) IN (%s, %s) ORDER BY id DESC LIMIT %s"
    )
    written = asked.email.strip().lower()[:320]
    return _of_each(asked.projects, sql, [*edges, UNREAD, asked.email_key, written, limit], limit)


def _bounds(asked: Asked, before: uuid.UUID | None) -> tuple[str, list[Any]]:
    edges = [
        (" AND id < %s", before),
        (" AND id >= %s", first_id(asked.since) if asked.since else None),
        (" AND id < %s", first_id(asked.until) if asked.until else None),
    ]
    used = [(sql, edge) for sql, edge in edges if edge]
    return "".join(sql for sql, _ in used), [_stored(edge) for _, edge in used]


def _stored(log_id: uuid.UUID) -> Any:
    return log_id if connection.vendor == "postgresql" else log_id.hex


def _of_each(projects: Sequence[int], sql: str, params: list[Any], limit: int) -> list[uuid.UUID]:
    """Ask the same of each project; return the newest of all. `params` are those of one project
    behind its number."""
    found: list[uuid.UUID] = []
    with connection.cursor() as cursor:
        for start in range(0, len(projects), TOGETHER):
            some = list(projects[start : start + TOGETHER])
            if connection.vendor == "postgresql":
                cursor.execute(_lateral(sql), [some, *params])
            else:
                each = f"SELECT id FROM ({sql.format(project='%s')})"  # noqa: S608
                everyone = [value for project in some for value in (project, *params)]
                cursor.execute(" UNION ALL ".join([each] * len(some)), everyone)
            found += (_read(row[0]) for row in cursor.fetchall())
    return sorted(found, reverse=True)[:limit]


def _lateral(sql: str) -> str:
    return (
        "SELECT found.id FROM unnest(%s::bigint[]) AS asked(project)"  # noqa: S608
        f" CROSS JOIN LATERAL ({sql.format(project='asked.project')}) AS found"
    )


def _read(stored: Any) -> uuid.UUID:
    return stored if isinstance(stored, uuid.UUID) else uuid.UUID(str(stored))
