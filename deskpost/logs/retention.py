"""Rows live their days, then they and their raw messages are gone: rows first, raws within the
hour."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from deskpost.models import (
    Attempt,
    ConnectionEvent,
    Event,
    InboundEmail,
    Notification,
    ProviderMessage,
    first_id,
    partitions,
)
from deskpost.outcomes import NotificationStatus
from deskpost.storage import DurableFiles

BATCH = 500  # rows deleted in one SQLite transaction: a writer waits for one batch at the most
DELIVERED_DAYS = 7  # with DESKPOST_LOG_DELIVERED=off


def prune() -> None:
    """Drop what is past its days. Waiting messages and notifications are never dropped."""
    now = timezone.now()
    partitions.ensure_ahead()
    oldest = first_day_kept(now)
    _prune_rows(oldest)
    if not settings.DESKPOST["LOG_DELIVERED"]:
        _prune_delivered(now - timedelta(days=DELIVERED_DAYS))
    # An hour's grace: whoever has just read a row can still fetch its raw.
    _prune_raw(first_day_kept(now - timedelta(hours=1)))


def first_day_kept(now: datetime) -> date:
    """Return the oldest day (UTC) whose rows are kept whole."""
    return (now.astimezone(UTC) - timedelta(days=settings.DESKPOST["RETENTION_DAYS"])).date()


def _start(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)


def _prune_rows(oldest: date) -> None:
    bound = first_id(_start(oldest))
    done: tuple[QuerySet[Any], ...] = (
        Attempt.objects.all(),
        Event.objects.filter(due_at__isnull=True),
        Notification.objects.filter(due_at__isnull=True),
        InboundEmail.objects.filter(due_at__isnull=True),
        # A failure that still repeats is counted on its row, however old that is.
        ConnectionEvent.objects.filter(last_at__lt=_start(oldest)),
    )
    for rows in done:
        past = rows.filter(id__lt=bound).order_by("id").values_list("id", flat=True)
        while ids := list(past[:BATCH]):
            rows.model._default_manager.filter(id__in=ids).delete()
    known = ProviderMessage.objects.filter(at__lt=_start(oldest)).values_list("pk", flat=True)
    while pks := list(known[:BATCH]):
        ProviderMessage.objects.filter(pk__in=pks).delete()
    _drop_empty_days(oldest)


def _drop_empty_days(oldest: date) -> None:
    past = [name for name, day in partitions.days_there() if day < oldest]
    for name in past:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {name} LIMIT 1")  # noqa: S608 (a name of ours)
            if cursor.fetchone() is None:
                cursor.execute(f"DROP TABLE {name}")


def _prune_delivered(before: datetime) -> None:
    rows = Notification.objects.filter(
        status=NotificationStatus.DELIVERED, due_at__isnull=True, settled_at__lt=before
    )
    while ids := list(rows.values_list("id", flat=True)[:BATCH]):
        Attempt.objects.filter(notification__in=ids).delete()
        Notification.objects.filter(id__in=ids).delete()


def _prune_raw(oldest: date) -> None:
    storage = storages["raw"]
    folders, _ = storage.listdir("") if storage.exists("") else ([], [])
    for folder in folders:
        if re.fullmatch(r"\d{8}", folder) and folder < f"{oldest:%Y%m%d}" and not _waiting(folder):
            _delete_day(folder)


def _waiting(day: str) -> bool:
    """Whether a message of that day still waits: its raw must stay."""
    return InboundEmail.objects.filter(raw_key__startswith=f"{day}/", due_at__isnull=False).exists()


def _delete_day(folder: str) -> None:
    storage = storages["raw"]
    if isinstance(storage, DurableFiles):
        shutil.rmtree(Path(storage.path(folder)), ignore_errors=True)
        return
    for name in storage.listdir(folder)[1]:
        storage.delete(f"{folder}/{name}")
