"""What the pages of the log ask of the database beside their searches (search.py): the rows of a
page, single rows, channels, days and bounded counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils import timezone

from deskpost.logs.search_model import COUNTED, PAGE, Count
from deskpost.models import (
    Channel,
    InboundEmail,
    Notification,
    Project,
    first_id,
)
from deskpost.outcomes import NotificationStatus

__all__ = [
    "Count",
    "Rows",
    "channels",
    "chart_days",
    "count_of",
    "failed_in",
    "incoming_email",
    "incoming_rows",
    "logged_channels",
    "midnight",
    "notification",
    "notification_rows",
    "page_of",
    "sum_of",
]

CHART_DAYS = 21

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Generic[Row]):
    """One page of a log, newest first; `before` is where the next one begins, if there is more."""

    rows: tuple[Row, ...]
    before: uuid.UUID | None
    counts: Mapping[str, Count]
    all: Count


# --- Messages ------------------------------------------------------------------------------------

# What a row of the list shows; the rest stays where it is.
_NOTE_COLUMNS = (
    *("id", "created_at", "address", "kind", "request_key", "status", "reason"),
    *("subject", "arrived_at"),
)
_MAIL_COLUMNS = (
    *("id", "received_at", "sender", "envelope_from", "subject", "status", "outcome"),
    *("request_key", "raw_key", "reconstructed"),
)


def notification_rows(ids: Sequence[uuid.UUID]) -> list[Notification]:
    """Return the notifications in the order of their ids, with what a list shows."""
    return _in_order(Notification.objects.only(*_NOTE_COLUMNS), ids)


def incoming_rows(ids: Sequence[uuid.UUID]) -> list[InboundEmail]:
    """Return the incoming messages in the order of their ids, with what a list shows."""
    return _in_order(InboundEmail.objects.only(*_MAIL_COLUMNS), ids)


def _in_order(rows: QuerySet[Row], ids: Sequence[uuid.UUID]) -> list[Row]:
    """The ids stand in the query as they are, so that PostgreSQL reads the days of these alone.
    What has gone since it was found is left out."""
    found = {row.pk: row for row in rows.filter(pk__in=ids)} if ids else {}
    return [found[pk] for pk in ids if pk in found]


def notification(project: Project, pk: uuid.UUID) -> Notification | None:
    """Return one notification with the people and things that its drawer names. With
    DESKPOST_LOG_DELIVERED=off, delivered ones have no place in the log."""
    related = ("person", "request__reporter", "comment__author")
    rows = Notification.objects.filter(project=project, pk=pk).select_related(*related)
    if not settings.DESKPOST["LOG_DELIVERED"]:
        rows = rows.exclude(status=NotificationStatus.DELIVERED)
    return rows.first()


def incoming_email(project: Project, pk: uuid.UUID) -> InboundEmail | None:
    """Return one incoming message with its channel."""
    rows = InboundEmail.objects.select_related("channel__request_type")
    return rows.filter(project=project, pk=pk).first()


def failed_in(project: Project) -> Count:
    """Return how many notifications of the project failed, of those that are kept."""
    # PostgreSQL need not look at the days that are to come.
    kept = Notification.objects.filter(id__lt=first_id(timezone.now() + timedelta(days=1)))
    return count_of(kept.filter(project=project, status=NotificationStatus.FAILED))


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
    rows: QuerySet[Row], before: uuid.UUID | None
) -> tuple[tuple[Row, ...], uuid.UUID | None]:
    """Return a page of rows, newest first, and where the next one begins (None: nowhere)."""
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    return tuple(found[:PAGE]), found[PAGE - 1].pk if len(found) > PAGE else None


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
