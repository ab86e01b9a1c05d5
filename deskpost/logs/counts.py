"""How many messages there were, of each sort, on each day: sums that are kept, so that no chart
reads the rows.

Whoever settles a message leaves a change behind (LogDelta, see models/logline.py); `fold` adds the
changes to the counts (LogCount). A reader adds up both in one statement, so that it never sees a
change twice or not at all. What still waits is not counted here (see logs/backlog.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from deskpost.models import Log, LogCount, LogDelta, queue
from deskpost.outcomes import NotificationStatus

FOLDED: Final = 500  # changes in one transaction
ROUNDS: Final = 20  # transactions of one call: others wait for the worker too
FORGOTTEN: Final = 2_000  # counts deleted in one transaction
DAYS: Final = 21  # of a chart, at the most

_KEY: Final = ("project_id", "bucket", "log", "channel_id", "kind", "status", "code")
_READ: Final = "project_id, log, channel_id, status, code, number"
_COUNTS, _DELTAS = LogCount._meta.db_table, LogDelta._meta.db_table
# What is shown of both tables: with DESKPOST_LOG_DELIVERED=off, delivered notifications have no
# place in the log.
_ALL = ("", ())
_BUT_DELIVERED = (
    " AND NOT (status = %s AND log <> %s)",
    (NotificationStatus.DELIVERED, Log.INCOMING),
)


# --- Folding -------------------------------------------------------------------------------------


def fold() -> int:
    """Add what was left behind to the counts; return how many changes were taken up. Any number of
    workers may do it at once. What is more than one call takes waits for the next."""
    done = 0
    for _ in range(ROUNDS):
        # Asked first: a transaction that writes would hold the one lock of SQLite for nothing.
        taken = _fold() if LogDelta.objects.exists() else 0
        done += taken
        if taken < FOLDED:
            break
    return done


def _fold() -> int:
    """The changes are locked, added and deleted in one transaction: dying undoes all of it."""
    with transaction.atomic():
        changes = list(queue.lock(LogDelta.objects.order_by("id"))[:FOLDED])
        sums: Counter[tuple[Any, ...]] = Counter()
        for change in changes:
            sums[tuple(getattr(change, name) for name in _KEY)] += change.number
        _add((key, number) for key, number in sums.items() if number)
        LogDelta.objects.filter(pk__in=[change.pk for change in changes]).delete()
    return len(changes)


def _add(sums: Iterable[tuple[tuple[Any, ...], int]]) -> None:
    """In one order everywhere, so that two workers do not wait for each other in a circle."""
    rows = [_prepared(key, number) for key, number in sorted(sums)]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_COUNTS} ({', '.join(_KEY)}, number)"  # noqa: S608 (names of ours)
            f" VALUES ({', '.join(['%s'] * len(_KEY))}, %s)"
            f" ON CONFLICT ({', '.join(_KEY)})"
            f" DO UPDATE SET number = {_COUNTS}.number + excluded.number",
            rows,
        )


def _prepared(key: tuple[Any, ...], number: int) -> list[Any]:
    return [_moment(value) if isinstance(value, datetime) else value for value in (*key, number)]


def _moment(value: datetime) -> Any:
    """As the database writes moments: SQLite knows them as texts only."""
    return connection.ops.adapt_datetimefield_value(value)


def forget(before: datetime) -> None:
    """Drop the counts of half hours before the moment (aware): their messages are gone."""
    for model in (LogDelta, LogCount):
        past = model._default_manager.filter(bucket__lt=before).values_list("pk", flat=True)
        while pks := list(past[:FORGOTTEN]):
            model._default_manager.filter(pk__in=pks).delete()


# --- Reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """How many settled messages of one sort a day of the reader's has. `channel_id` is 0 for a
    notification; `code` is the outcome or the reason, empty where there is none."""

    project_id: int
    day: date
    log: str
    channel_id: int
    status: str
    code: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bar of a chart: how many messages of each status a day has."""

    day: date
    counts: Mapping[str, int]


def last_days() -> tuple[date, ...]:
    """Return the reader's days that a chart shows, today last: DAYS, or those that are kept."""
    today, count = timezone.localdate(), min(DAYS, settings.DESKPOST["RETENTION_DAYS"])
    return tuple(today - timedelta(days=n) for n in range(count - 1, -1, -1))


def sums(project_ids: Sequence[int], days: Sequence[date]) -> tuple[Sum, ...]:
    """Return the sums of projects over days that follow one another (not empty), in the reader's
    zone. A half hour belongs to the day in which it begins. One statement."""
    if not project_ids:
        return ()
    condition, hidden = _ALL if settings.DESKPOST["LOG_DELIVERED"] else _BUT_DELIVERED
    begins = [_moment(start_of(day)) for day in days]
    end = _moment(start_of(days[-1] + timedelta(days=1)))
    within = f"project_id IN ({', '.join(['%s'] * len(project_ids))})"
    some = (
        f"SELECT bucket, {_READ} FROM {{}}"  # noqa: S608 (names of ours)
        f" WHERE {within} AND bucket >= %s AND bucket < %s{condition}"
    )
    bounds = (*project_ids, begins[0], end, *hidden)
    # The last day first: the first condition that holds decides.
    which = " ".join(f"WHEN bucket >= %s THEN {n}" for n in range(len(days) - 1, -1, -1))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT project_id, CASE {which} END, log, channel_id, status, code, SUM(number)"  # noqa: S608
            f" FROM ({some.format(_COUNTS)} UNION ALL {some.format(_DELTAS)}) AS counted"
            " GROUP BY 1, 2, 3, 4, 5, 6 HAVING SUM(number) > 0",
            [*reversed(begins), *bounds, *bounds],
        )
        found = cursor.fetchall()
    return tuple(
        Sum(
            project_id=project_id,
            day=days[n],
            log=log,
            channel_id=channel_id,
            status=status,
            code=code,
            number=int(number),
        )
        for project_id, n, log, channel_id, status, code, number in found
    )


def by_day(found: Iterable[Sum], days: Sequence[date]) -> tuple[Day, ...]:
    """Return the sums by day and status; each of the days has its place."""
    counts: dict[date, Counter[str]] = {day: Counter() for day in days}
    for one in found:
        if one.day in counts:
            counts[one.day][one.status] += one.number
    return tuple(Day(day=day, counts=of_day) for day, of_day in counts.items())


def start_of(day: date) -> datetime:
    """Return when a day of the reader's begins, in UTC."""
    zone = timezone.get_current_timezone()
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
