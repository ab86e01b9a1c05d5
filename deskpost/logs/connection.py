"""The connectivity log of a custom channel, and how long it was up: a few queries each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from deskpost.logs import queries, uptime
from deskpost.logs.queries import Rows
from deskpost.logs.uptime import Cell, Mark
from deskpost.models import Channel, ConnectionEvent, Mailbox, first_id
from deskpost.problems import ConnectionState, Notice

# The strip reads the rows of its days; of more than these only the newest.
STRIP_ROWS = 2_000
# What a state means for it; in the others nobody tries.
UP = {
    ConnectionState.CONNECTED: True,
    ConnectionState.RETRYING: False,
    ConnectionState.ATTENTION: False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFilter:
    """Which rows of the connectivity log. Days are the reader's, both included."""

    status: ConnectionState | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """The last days of a connection: a cell a day, and the share of the known time that it was up
    (None: nothing is known)."""

    days: tuple[tuple[date, Cell], ...]
    share: float | None


def mailbox_of(channel: Channel) -> Mailbox | None:
    """Return the mailbox of a custom channel, or None: only such a one has a connectivity log. A
    channel that was removed has none any more."""
    if channel.kind != Channel.Kind.CUSTOM or channel.removed_at:
        return None
    try:
        return channel.mailbox
    except Mailbox.DoesNotExist:
        return None


# --- The log -------------------------------------------------------------------------------------


def events(
    channel: Channel, which: ConnectionFilter, before: uuid.UUID | None = None
) -> Rows[ConnectionEvent]:
    """Return a page of a channel's connectivity log, and the sum of each status."""
    found = _events(channel, which)
    shown = found.filter(status=which.status) if which.status else found
    rows, following = queries.page_of(shown, before)
    counts = {str(s): queries.count_of(found.filter(status=s)) for s in ConnectionState}
    return Rows(rows=rows, before=following, counts=counts, all=queries.sum_of(counts.values()))


def has_events(channel: Channel) -> bool:
    """Return whether the channel's connectivity log holds anything at all."""
    return ConnectionEvent.objects.filter(channel=channel).exists()


def _events(channel: Channel, which: ConnectionFilter) -> QuerySet[ConnectionEvent]:
    """A failure that repeats belongs to all days from its first to its last time."""
    rows = ConnectionEvent.objects.filter(channel=channel)
    if which.since:
        begin = queries.midnight(which.since)
        rows = rows.filter(Q(id__gte=first_id(begin)) | Q(count__gt=1, last_at__gte=begin))
    if which.until:
        rows = rows.filter(id__lt=first_id(queries.midnight(which.until + timedelta(days=1))))
    return rows


# --- The last days -------------------------------------------------------------------------------


def uptime_of(mailbox: Mailbox) -> Uptime:
    """Return how the last days of a connection went, in the reader's zone: as far back as its log
    is kept, and not before the channel was made."""
    now, days = timezone.now(), queries.chart_days()
    newest = ConnectionEvent.objects.filter(channel=mailbox.channel_id).order_by("-id")
    rows = list(newest.only("at", "status", "code", "facts")[:STRIP_ROWS])
    made = None if len(rows) == STRIP_ROWS else mailbox.channel.created_at
    spans = uptime.spans(marks(mailbox, rows[::-1], made), now)
    begins = [_start(day) for day in [*days, days[-1] + timedelta(days=1)]]
    cells = uptime.cells(spans, begins)
    return Uptime(
        days=tuple(zip(days, cells, strict=True)), share=uptime.share(spans, begins[0], now)
    )


def marks(
    mailbox: Mailbox, rows: Sequence[ConnectionEvent], made: datetime | None
) -> tuple[Mark, ...]:
    """Return when the connection came up and went down, the oldest first.

    `rows` are those of its log that are kept, the oldest first. What was before them is known from
    the mailbox and from what the first of them tells. `made` is None if it is not to be known.
    """
    found = [Mark(at=row.at, up=UP.get(ConnectionState(row.status))) for row in rows if _known(row)]
    first = found[0].at if found else None
    earlier: list[Mark] = []
    begun = mailbox.begun_at
    if begun and made and not _paused_before(mailbox, rows) and (first is None or begun < first):
        earlier.append(Mark(at=max(begun, made), up=True))
    down = _down_before(mailbox, rows)
    if down and (first is None or down < first):
        earlier.append(Mark(at=down, up=False))
    return tuple(sorted([*earlier, *found], key=lambda mark: mark.at))


def _known(row: ConnectionEvent) -> bool:
    return row.status in set(ConnectionState)


def _paused_before(mailbox: Mailbox, rows: Sequence[ConnectionEvent]) -> bool:
    """Whether nobody tried before the first row."""
    if rows:
        return rows[0].code == Notice.RESUMED
    return mailbox.state in {ConnectionState.PAUSED, ConnectionState.NEW}


def _down_before(mailbox: Mailbox, rows: Sequence[ConnectionEvent]) -> datetime | None:
    """Return since when it was down before the first row, if it was."""
    if not rows:
        failing = mailbox.state in {ConnectionState.RETRYING, ConnectionState.ATTENTION}
        return mailbox.down_since if failing else None
    if rows[0].code == Notice.CONNECTED_AGAIN:
        seconds = rows[0].facts.get("down_seconds")
        if isinstance(seconds, int | float) and 0 <= seconds < timedelta(days=3650).total_seconds():
            return rows[0].at - timedelta(seconds=seconds)
    never_up = all(UP.get(ConnectionState(row.status)) is False for row in rows if _known(row))
    return mailbox.down_since if never_up else None


def _start(day: date) -> datetime:
    """In UTC: two moments of one zone are else subtracted by the clock on its walls."""
    return queries.midnight(day).astimezone(UTC)
