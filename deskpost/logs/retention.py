"""Rows live their days, then they and their raw messages are gone: rows first, raws within the
hour.

Nobody waits for it. On PostgreSQL a day goes whole (models/leaving.py); on SQLite, and where a
message of the day still waits, rows go in small batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from deskpost.logs import counts, retention_days, retention_raw
from deskpost.logs.batches import Batches, OutOfTime
from deskpost.models import (
    Attempt,
    ConnectionEvent,
    Event,
    InboundEmail,
    Job,
    LogLine,
    Notification,
    ProviderMessage,
    QuotaPeriod,
    QuotaUse,
    first_id,
    leaving,
    logline,
    partitions,
)
from deskpost.models.leaving import Part, State
from deskpost.outcomes import NotificationStatus

DELIVERED_DAYS: Final = 7  # with DESKPOST_LOG_DELIVERED=off
GRACE: Final = timedelta(hours=1)  # whoever has just read a row can still fetch its raw
QUOTA_DAYS: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A log table: which of its rows go with their day, and which of them must stay."""

    model: Any
    goes: Callable[[date], Q]
    stays: Callable[[date], tuple[str, list[Any]]]  # the opposite, as SQL

    @property
    def name(self) -> str:
        return str(self.model._meta.db_table)


def _settled(model: Any) -> Table:
    """What waits is never dropped, however old it is."""
    return Table(
        model=model,
        goes=lambda oldest: Q(due_at__isnull=True),
        stays=lambda oldest: ("due_at IS NOT NULL", []),
    )


def _all(model: Any) -> Table:
    return Table(model=model, goes=lambda oldest: Q(), stays=lambda oldest: ("FALSE", []))


# In the order in which they go: what is gone from the lines is found by nobody.
TABLES: Final = (
    _all(LogLine),
    _all(Attempt),
    _settled(Event),
    _settled(Notification),
    _settled(InboundEmail),
    # A failure that still repeats is counted on its row, however old that is.
    Table(
        model=ConnectionEvent,
        goes=lambda oldest: Q(last_at__lt=start_of(oldest)),
        stays=lambda oldest: ("last_at >= %s", [start_of(oldest)]),
    ),
)
BY_NAME: Final[Mapping[str, Table]] = {table.name: table for table in TABLES}


def prune(seconds: float | None = None) -> bool:
    """Drop what is past its days. Waiting messages and notifications are never dropped.

    Ends after about so many seconds, if they are given; returns whether it came to its end: else
    it is to be called again soon.
    """
    now, clear = timezone.now(), Batches(seconds)
    partitions.ensure_ahead()
    retention_days.compare(now)
    oldest = first_day_kept(now)
    with suppress(OutOfTime):
        _prune_rows(oldest, clear)
        _prune_beside(now, oldest, clear)
        if not settings.DESKPOST["LOG_DELIVERED"]:
            _prune_delivered(now - timedelta(days=DELIVERED_DAYS), clear)
        retention_raw.prune(first_day_kept(now - GRACE), now, clear)
        return True
    return False


def first_day_kept(now: datetime) -> date:
    """Return the oldest day (UTC) whose rows are kept whole."""
    return retention_days.first_day(now, retention_days.in_force())


def start_of(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


# --- Rows ----------------------------------------------------------------------------------------


def _prune_rows(oldest: date, clear: Batches) -> None:
    # In a transaction no day can be detached: its rows go, and the next call drops it.
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with leaving.alone() as alone:
            if alone:
                _prune_parts(oldest, clear)
        return
    bound = first_id(start_of(oldest))
    for table in TABLES:
        _delete(table, table.model.objects.filter(id__lt=bound), oldest, clear)


def _delete(table: Table, rows: QuerySet[Any], oldest: date, clear: Batches) -> None:
    past = rows.filter(table.goes(oldest)).order_by("id")
    if table.model is LogLine:
        clear.all(past, logline.forget)
    else:
        clear.all(past)


def _prune_parts(oldest: date, clear: Batches) -> None:
    """Take away the days before the oldest that is kept; bring back what is none of them and was
    on its way out, since the number of days has grown."""
    found = leaving.parts()
    order = list(BY_NAME)
    houses = {part.day for part in found if part.day < oldest and _shelters(part, oldest)}
    for part in sorted(found, key=lambda part: (part.day, order.index(part.table))):
        clear.check()
        shelter = part.table == LogLine._meta.db_table and part.day in houses
        if part.day >= oldest:
            _bring_back(part)
        elif part.state == State.ATTACHED and (shelter or _must_stay(part, oldest)):
            _empty(part, oldest, clear)
        elif leaving.detach(part):
            _drop(part, oldest, shelter=shelter)


def _shelters(part: Part, oldest: date) -> bool:
    """Whether a message of that day waits, whose line will have to stand in its day."""
    waits = {InboundEmail._meta.db_table, Notification._meta.db_table}
    return part.table in waits and _must_stay(part, oldest)


def _must_stay(part: Part, oldest: date) -> bool:
    condition, values = BY_NAME[part.table].stays(oldest)
    return part.holds(condition, *values)


def _empty(part: Part, oldest: date, clear: Batches) -> None:
    """Delete the rows of a day that may go: others of it must stay."""
    table = BY_NAME[part.table]
    since, until = (first_id(start_of(part.day + timedelta(days=n))) for n in (0, 1))
    _delete(table, table.model.objects.filter(id__gte=since, id__lt=until), oldest, clear)


def _drop(part: Part, oldest: date, *, shelter: bool) -> None:
    """Drop a day that is loose; put it back if a row of it has become due again just before."""
    if not (shelter or _must_stay(part, oldest)):
        leaving.drop(part)
    elif leaving.attach(part):
        partitions.ensure([part.day], (LogLine._meta.db_table,))


def _bring_back(part: Part) -> None:
    if part.state != State.ATTACHED and leaving.detach(part):
        leaving.attach(part)


# --- What goes with them -------------------------------------------------------------------------


def _prune_beside(now: datetime, oldest: date, clear: Batches) -> None:
    clear.all(ProviderMessage.objects.filter(at__lt=start_of(oldest)))
    counts.forget(start_of(oldest))
    clear.all(Job.objects.filter(finished_at__lt=start_of(oldest), file_key=""))
    quota = now.date() - timedelta(days=QUOTA_DAYS)
    clear.all(QuotaUse.objects.filter(day__lt=quota))
    clear.all(QuotaPeriod.objects.filter(day__lt=quota))


def _prune_delivered(before: datetime, clear: Batches) -> None:
    def forget(ids: list[Any]) -> None:
        logline.forget(ids)
        Attempt.objects.filter(notification__in=ids).delete()
        Notification.objects.filter(id__in=ids).delete()

    rows = Notification.objects.filter(
        status=NotificationStatus.DELIVERED, due_at__isnull=True, settled_at__lt=before
    )
    clear.all(rows, forget)
