"""Messages that were settled without a line get theirs: a process of an older version that still
runs while the site is brought up to date knows nothing of lines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from deskpost.models import InboundEmail, LogLine, Notification, first_id, queue

BACK: Final = timedelta(days=1)
AT_ONCE: Final = 200  # in one transaction


def catch_up() -> int:
    """Give settled messages of the last day that have no line theirs; return how many."""
    done = 0
    for model in (InboundEmail, Notification):
        while some := _some(model):
            done += some
    return done


def _some(model: Any) -> int:
    with transaction.atomic():
        rows = list(queue.lock(_without(model))[:AT_ONCE])
        model.note_settled(rows)
    return len(rows)


def _without(model: Any) -> QuerySet[Any]:
    now = timezone.now()
    rows: QuerySet[Any] = model.objects.filter(
        id__gte=first_id(now - BACK), id__lt=first_id(now + BACK)
    )
    return rows.filter(~Exists(LogLine.objects.filter(pk=OuterRef("pk"))), due_at__isnull=True)
