"""NOTICES: what the people of the site must know of sending. One row while a trouble lasts, however
many notifications it touches; it is closed by what ends it, or by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deskpost.models import Person, SiteNotice
from deskpost.outcomes import Trouble

KEPT: Final = timedelta(days=90)  # closed ones, for those who ask later
QUIET: Final = timedelta(days=7)  # what did not come again for so long is closed by itself


def note(kind: Trouble, key: str = "", facts: dict[str, Any] | None = None) -> bool:
    """Say that something happened: opens a notice, or counts one more on the open one. Returns
    whether it is a new one. `key` says of which relay, domain, project or day."""
    now, facts = timezone.now(), facts or {}
    with transaction.atomic():
        again = SiteNotice.objects.filter(kind=kind, key=key[:320], closed_at__isnull=True)
        if again.update(count=F("count") + 1, last_at=now, facts=facts):
            return False
        _, new = SiteNotice.objects.get_or_create(
            kind=kind,
            key=key[:320],
            closed_at=None,
            defaults={"opened_at": now, "last_at": now, "facts": facts},
        )
    return new


def over(kind: Trouble, key: str = "", by: Person | None = None) -> bool:
    """Say that it is over; returns whether there was an open notice."""
    rows = SiteNotice.objects.filter(kind=kind, key=key[:320], closed_at__isnull=True)
    return bool(rows.update(closed_at=timezone.now(), closed_by=by))


def open_now() -> list[SiteNotice]:
    """Return the open notices, the newest first."""
    return list(SiteNotice.objects.filter(closed_at__isnull=True).order_by("-last_at"))


def tidy() -> None:
    """Close what did not come again, and forget what has long been closed."""
    now = timezone.now()
    quiet = SiteNotice.objects.filter(closed_at__isnull=True, last_at__lt=now - QUIET)
    quiet.exclude(kind=Trouble.RELAY_DOWN).update(closed_at=now)
    SiteNotice.objects.filter(closed_at__lt=now - KEPT).delete()
