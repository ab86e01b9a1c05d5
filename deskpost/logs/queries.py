"""What the Email logs page asks of the database: typed, frozen results, a fixed number of queries.

Pages go by id: id order is time order. Counts are exact up to COUNTED, then "1,000+".
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from deskpost.logs import words
from deskpost.mail import address
from deskpost.models import (
    Channel,
    InboundEmail,
    Notification,
    Project,
    first_id,
    moment_of,
)
from deskpost.outcomes import IncomingStatus, Kind, NotificationStatus

PAGE = 50
COUNTED = 1_000
# A chart reads its rows; where there are more than these it is left out.
CHARTED = 5_000
CHART_DAYS = 21

INVITATIONS = (Kind.CUSTOMER_INVITED,)
REQUEST_KINDS = tuple(kind for kind in Kind if kind not in INVITATIONS)

Log = TypeVar("Log", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of rows: exact, or "at least" when `more` is set."""

    value: int
    more: bool = False

    def __str__(self) -> str:
        return words.count(self.value) + ("+" if self.more else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Generic[Log]):
    """One page of a log, newest first; `before` is where the next one begins, if there is more."""

    rows: tuple[Log, ...]
    before: uuid.UUID | None
    counts: Mapping[str, Count]
    all: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The entries above and below an open one, under the same filters."""

    newer: uuid.UUID | None
    older: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    """Which notifications: their kinds, a status or none for all, and words to search for."""

    kinds: tuple[Kind, ...] = REQUEST_KINDS
    status: NotificationStatus | None = NotificationStatus.FAILED
    q: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingFilter:
    """Which incoming messages. Days are the reader's, both included."""

    status: IncomingStatus | None = None
    q: str = ""
    sender: str = ""
    subject: str = ""
    key: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bar of a chart: how many rows of each status a day has."""

    day: date
    counts: Mapping[str, int]


# --- Notifications -----------------------------------------------------------------------------

# What a row of the list shows; the rest stays where it is.
_NOTE_COLUMNS = (
    *("id", "created_at", "address", "kind", "request_key", "status", "reason"),
    "arrived_at",
)


def notifications(
    project: Project, which: NotificationFilter, before: uuid.UUID | None = None
) -> Rows[Notification]:
    """Return a page of the project's notifications, and the sum of each status."""
    found = _notifications(project, which)
    shown = found.filter(status=which.status) if which.status else found
    rows, following = page_of(shown.only(*_NOTE_COLUMNS), before)
    counts = {str(s): count_of(found.filter(status=s)) for s in NotificationStatus}
    if not settings.DESKPOST["LOG_DELIVERED"]:
        del counts[NotificationStatus.DELIVERED]
    return Rows(rows=rows, before=following, counts=counts, all=sum_of(counts.values()))


def notification(project: Project, pk: uuid.UUID) -> Notification | None:
    """Return one notification with the people and things that its drawer names."""
    related = ("person", "request__reporter", "comment__author")
    return _shown(project).select_related(*related).filter(pk=pk).first()


def beside_notification(project: Project, which: NotificationFilter, pk: uuid.UUID) -> Beside:
    """Return the notifications above and below, under the same filters."""
    found = _notifications(project, which)
    return _beside(found.filter(status=which.status) if which.status else found, pk)


def failed_in(project: Project) -> Count:
    """Return how many notifications of the project failed, of those that are kept."""
    return count_of(_shown(project).filter(status=NotificationStatus.FAILED))


def notification_days(project: Project, kinds: Sequence[Kind]) -> tuple[Day, ...] | None:
    """Return the notifications of each day that is kept, or None if there are too many."""
    return days_of(_shown(project).filter(kind__in=kinds))


def _shown(project: Project) -> QuerySet[Notification]:
    """With DESKPOST_LOG_DELIVERED=off, delivered notifications have no place in the log."""
    rows = Notification.objects.filter(project=project)
    if settings.DESKPOST["LOG_DELIVERED"]:
        return rows
    return rows.exclude(status=NotificationStatus.DELIVERED)


def _notifications(project: Project, which: NotificationFilter) -> QuerySet[Notification]:
    rows = _shown(project).filter(kind__in=which.kinds)
    for word in which.q.split():
        rows = rows.filter(
            Q(address__icontains=word) | Q(subject__icontains=word) | Q(request_key__iexact=word)
        )
    return rows


# --- Incoming messages -------------------------------------------------------------------------

_MAIL_COLUMNS = (
    "id",
    "received_at",
    "sender",
    "envelope_from",
    "subject",
    "status",
    "outcome",
    "request_key",
    "raw_key",
    "reconstructed",
)


def incoming(
    channel: Channel, which: IncomingFilter, before: uuid.UUID | None = None
) -> Rows[InboundEmail]:
    """Return a page of a channel's processing log, and the sum of each status."""
    found = _incoming(channel, which)
    shown = found.filter(status=which.status) if which.status else found
    rows, following = page_of(shown.only(*_MAIL_COLUMNS), before)
    counts = {str(s): count_of(found.filter(status=s)) for s in IncomingStatus}
    return Rows(rows=rows, before=following, counts=counts, all=sum_of(counts.values()))


def incoming_email(project: Project, pk: uuid.UUID) -> InboundEmail | None:
    """Return one incoming message with its channel."""
    rows = InboundEmail.objects.select_related("channel__request_type")
    return rows.filter(project=project, pk=pk).first()


def beside_incoming(channel: Channel, which: IncomingFilter, pk: uuid.UUID) -> Beside:
    """Return the messages above and below, under the same filters."""
    found = _incoming(channel, which)
    return _beside(found.filter(status=which.status) if which.status else found, pk)


def incoming_days(channel: Channel) -> tuple[Day, ...] | None:
    """Return the messages of each day that is kept, or None if there are too many."""
    return days_of(InboundEmail.objects.filter(channel=channel))


def has_mail(channel: Channel) -> bool:
    """Return whether the channel's log holds anything at all."""
    return InboundEmail.objects.filter(channel=channel).exists()


def _incoming(channel: Channel, which: IncomingFilter) -> QuerySet[InboundEmail]:
    rows = InboundEmail.objects.filter(channel=channel)
    for word in which.q.split():
        rows = rows.filter(
            _sender_has(word) | Q(subject__icontains=word) | Q(request_key__iexact=word)
        )
    if which.sender:
        rows = rows.filter(_is_sender(channel, which.sender))
    if which.subject:
        rows = rows.filter(subject__icontains=which.subject)
    if which.key:
        rows = rows.filter(project=channel.project_id, request_key=which.key.upper())
    if which.since:
        rows = rows.filter(id__gte=first_id(midnight(which.since)))
    if which.until:
        rows = rows.filter(id__lt=first_id(midnight(which.until + timedelta(days=1))))
    return rows


def _is_sender(channel: Channel, sender: str) -> Q:
    """A whole address finds itself, by the index; a part of one finds all that hold it."""
    if "@" in sender.strip("@"):
        key = address.normalise(sender)
        return Q(project=channel.project_id, sender_key=key) | Q(
            sender_key="", envelope_from=sender
        )
    return _sender_has(sender)


def _sender_has(word: str) -> Q:
    """While nothing has read a message, only the envelope names its sender."""
    return (
        Q(sender__icontains=word)
        | Q(sender_name__icontains=word)
        | Q(sender="", envelope_from__icontains=word)
    )


# --- Channels ----------------------------------------------------------------------------------


def channels(project: Project) -> list[Channel]:
    """Return the project's channels in the order in which they were made, with their mailboxes.

    No secret of a mailbox is read.
    """
    related = project.channels.select_related("request_type", "mailbox")
    secrets = (f"mailbox__{name}" for name in ("password", "access_token", "refresh_token"))
    return list(related.defer(*secrets).order_by("id"))


def logged_channels(project: Project) -> list[Channel]:
    """Return the channels that have a log: the project's own, and removed ones while their log is
    kept."""
    kept = timezone.now() - timedelta(days=settings.DESKPOST["RETENTION_DAYS"])
    removed = Channel.all_objects.filter(project=project, removed_at__gte=kept)
    return [*channels(project), *removed.select_related("request_type").order_by("id")]


# --- Common ------------------------------------------------------------------------------------


def page_of(
    rows: QuerySet[Log], before: uuid.UUID | None
) -> tuple[tuple[Log, ...], uuid.UUID | None]:
    """Return a page of rows, newest first, and where the next one begins (None: nowhere)."""
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return tuple(found[:PAGE]), found[PAGE - 1].pk if len(found) > PAGE else None


def _beside(rows: QuerySet[Any], pk: uuid.UUID) -> Beside:
    ids = rows.values_list("pk", flat=True)
    return Beside(
        newer=ids.filter(pk__gt=pk).order_by("pk").first(),
        older=ids.filter(pk__lt=pk).order_by("-pk").first(),
    )


def count_of(rows: QuerySet[Any]) -> Count:
    """Count rows, up to COUNTED."""
    found = rows.order_by()[: COUNTED + 1].count()
    return Count(value=min(found, COUNTED), more=found > COUNTED)


def sum_of(counts: Any) -> Count:
    """Add counts up; a sum of "at least" is one itself, and is said in round thousands."""
    total, more = sum(c.value for c in counts), any(c.more for c in counts)
    if total > COUNTED and more:
        return Count(value=COUNTED, more=True)
    return Count(value=total, more=more)


def midnight(day: date) -> datetime:
    """Return when a day of the reader's begins."""
    return datetime.combine(day, datetime.min.time(), timezone.get_current_timezone())


def chart_days() -> list[date]:
    """Return the reader's days that a chart shows, the oldest first."""
    today, count = timezone.localdate(), min(CHART_DAYS, settings.DESKPOST["RETENTION_DAYS"])
    return [today - timedelta(days=n) for n in range(count - 1, -1, -1)]


def days_of(rows: QuerySet[Any]) -> tuple[Day, ...] | None:
    """Count the rows of each day by status; None if there are too many to be read."""
    days = chart_days()
    found = list(
        rows.filter(id__gte=first_id(midnight(days[0])))
        .order_by()
        .values_list("id", "status")[: CHARTED + 1]
    )
    if len(found) > CHARTED:
        return None
    counts: Counter[tuple[date, str]] = Counter(
        (timezone.localdate(moment_of(row_id)), status) for row_id, status in found
    )
    statuses = {status for _, status in counts}
    return tuple(Day(day=day, counts={s: counts[day, s] for s in statuses}) for day in days)
