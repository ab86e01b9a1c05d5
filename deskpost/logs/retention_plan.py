"""What is kept of each day, and what fewer days would remove: exactly for `prune --dry-run`, about
for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db.models import Sum
from django.db.models.functions import TruncDate

from deskpost.logs.retention import TABLES, Table, start_of
from deskpost.models import (
    InboundEmail,
    LogCount,
    LogDelta,
    LogLine,
    Notification,
    first_id,
    moment_of,
)

PROBES: Final = 12  # places of a day at which the sizes of messages are looked at
PROBED: Final = 25  # messages at each


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What there is of a day (UTC): rows by their table (without the prefix of all), or messages
    only; and the octets of the raws."""

    day: date
    rows: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0
    octets: int = 0


# --- Exactly -------------------------------------------------------------------------------------


def leaving_days(oldest: date) -> list[Day]:
    """Return what would go if the day `oldest` was the first one kept, oldest first. Reads each row
    that would: for people who wait for it."""
    first = _first_day()
    if first is None:
        return []
    days = (first + timedelta(days=n) for n in range(max(0, (oldest - first).days)))
    return [day for day in (_exactly(day, oldest) for day in days) if day.rows]


def _first_day() -> date | None:
    oldest = (table.model.objects.order_by("id").values_list("id", flat=True) for table in TABLES)
    moments = [moment_of(pk) for rows in oldest if (pk := rows.first()) is not None]
    return min(moments).date() if moments else None


def _exactly(day: date, oldest: date) -> Day:
    rows, octets = Counter[str](), 0
    for table in TABLES:
        going = _of_day(table, day).filter(table.goes(oldest))
        rows[table.name.removeprefix("deskpost_")] = going.count()
        if table.model in {InboundEmail, Notification}:
            octets += going.aggregate(sum=Sum("raw_size"))["sum"] or 0
    return Day(
        day=day,
        rows=+rows,
        messages=rows["inboundemail"] + rows["notification"],
        octets=octets,
    )


def _of_day(table: Table, day: date) -> Any:
    since, until = _bounds(day)
    return table.model.objects.filter(id__gte=since, id__lt=until)


def _bounds(day: date) -> tuple[Any, Any]:
    return first_id(start_of(day)), first_id(start_of(day + timedelta(days=1)))


# --- About ---------------------------------------------------------------------------------------


def kept_days() -> list[Day]:
    """Return how much is kept of each day, oldest first: the messages that are settled, as they
    are counted, and about how many octets they have, by a few hundred of them."""
    counted: Counter[date] = Counter()
    for model in (LogCount, LogDelta):
        found = model._default_manager.annotate(day=TruncDate("bucket", tzinfo=UTC)).values("day")
        for row in found.annotate(sum=Sum("number")):
            counted[row["day"]] += row["sum"]
    return [
        Day(day=day, messages=number, octets=round(number * _mean_size(day)))
        for day, number in sorted(counted.items())
        if number > 0
    ]


def _mean_size(day: date) -> float:
    until = first_id(start_of(day + timedelta(days=1)))
    sizes: list[int] = []
    for n in range(PROBES):
        at = first_id(start_of(day) + timedelta(days=1) * n / PROBES)
        some = LogLine.objects.filter(id__gte=at, id__lt=until).order_by("id")
        sizes.extend(some.values_list("size", flat=True)[:PROBED])
    return sum(sizes) / len(sizes) if sizes else 0.0


def total(days: Iterable[Day]) -> Day:
    """Return the sum of days; its `day` is the oldest of them, or today."""
    every = list(days)
    rows: Counter[str] = Counter()
    for day in every:
        rows.update(day.rows)
    return Day(
        day=min((day.day for day in every), default=datetime.now(UTC).date()),
        rows=rows,
        messages=sum(day.messages for day in every),
        octets=sum(day.octets for day in every),
    )
