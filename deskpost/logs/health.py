"""How the channels of a project do, at a glance: a fixed number of queries for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from deskpost.logs import backlog, connection, counts, uptime
from deskpost.logs.backlog import Backlog
from deskpost.logs.connection import Uptime
from deskpost.logs.counts import Day, Sum
from deskpost.models import Channel, ConnectionEvent, InboundEmail, Log, Mailbox, Project, moment_of
from deskpost.outcomes import IncomingStatus

# The strip reads the rows of its days; of more than these of one channel only the newest.
STRIP_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHealth:
    """How a channel does: when its last message came, how many wait (`more`: at least), and what
    each of the last days brought; of a custom one with a mailbox also its `uptime`."""

    channel: Channel
    mailbox: Mailbox | None
    last: datetime | None
    waiting: int
    more: bool
    days: tuple[Day, ...]
    uptime: Uptime | None

    @property
    def taken(self) -> int:
        """How many messages came in the days."""
        return sum(sum(day.counts.values()) for day in self.days)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(day.counts.get(IncomingStatus.FAILED, 0) for day in self.days)


def of_channels(project: Project, channels: Sequence[Channel]) -> tuple[ChannelHealth, ...]:
    """Return how channels of a project do, in their order. Give them with their mailboxes."""
    days = counts.last_days()
    found = with_waiting(counts.sums([project.pk], days), waits := backlog.of_project(project))
    return told(channels, found, waits, days)


def told(
    channels: Sequence[Channel], found: Sequence[Sum], waits: Backlog, days: Sequence[date]
) -> tuple[ChannelHealth, ...]:
    """Return the same from sums of their project that are known, with what waits among them."""
    ids = [channel.pk for channel in channels]
    last, events = _last(ids), _events(ids)
    of_channel: dict[int, list[Sum]] = defaultdict(list)
    for one in found:
        of_channel[one.channel_id].append(one)
    return tuple(
        _health(
            channel,
            last=last.get(channel.pk),
            found=of_channel[channel.pk],
            rows=events[channel.pk],
            more=Log.INCOMING in waits.more,
            days=days,
        )
        for channel in channels
    )


def with_waiting(found: Sequence[Sum], waits: Backlog) -> tuple[Sum, ...]:
    """Return sums of a project with what waits among them."""
    return (*found, *waits.sums())


def _health(
    channel: Channel,
    *,
    last: UUID | None,
    found: Iterable[Sum],
    rows: Sequence[ConnectionEvent],
    more: bool,
    days: Sequence[date],
) -> ChannelHealth:
    mailbox, found = connection.mailbox_of(channel), list(found)
    waiting = sum(one.number for one in found if one.status == IncomingStatus.PROCESSING)
    return ChannelHealth(
        channel=channel,
        mailbox=mailbox,
        last=moment_of(last) if last else None,
        waiting=waiting,
        more=more and waiting > 0,
        days=counts.by_day(found, days),
        uptime=_uptime(mailbox, channel, rows, days) if mailbox else None,
    )


def _last(ids: Sequence[int]) -> dict[int, UUID | None]:
    """The newest message of each channel, by the index."""
    rows = InboundEmail.objects.filter(channel=OuterRef("pk")).order_by("-id").values("id")[:1]
    return dict(
        Channel.all_objects.filter(pk__in=ids)
        .annotate(newest=Subquery(rows))
        .values_list("pk", "newest")
    )


def _events(ids: Sequence[int]) -> dict[int, list[ConnectionEvent]]:
    """The newest rows of each channel's connectivity log, the oldest first."""
    nth = Window(RowNumber(), partition_by=[F("channel")], order_by=F("id").desc())
    rows = ConnectionEvent.objects.filter(channel__in=ids).annotate(nth=nth)
    found: dict[int, list[ConnectionEvent]] = defaultdict(list)
    newest = rows.filter(nth__lte=STRIP_ROWS).order_by("id")
    for row in newest.only("channel_id", "at", "status", "code", "facts"):
        found[row.channel_id].append(row)
    return found


def _uptime(
    mailbox: Mailbox, channel: Channel, rows: Sequence[ConnectionEvent], days: Sequence[date]
) -> Uptime:
    """As connection.uptime_of, of rows that are read already."""
    now = timezone.now()
    made = None if len(rows) == STRIP_ROWS else channel.created_at
    spans = uptime.spans(connection.marks(mailbox, rows, made), now)
    begins = [counts.start_of(day) for day in (*days, days[-1] + timedelta(days=1))]
    cells = uptime.cells(spans, begins)
    return Uptime(
        days=tuple(zip(days, cells, strict=True)), share=uptime.share(spans, begins[0], now)
    )
