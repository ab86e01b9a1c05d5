"""All places of the site's limit, for a moment: so that what is sent then really finds none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from deskpost.models import QuotaPeriod, SiteNotice
from deskpost.outbound import notices, quota
from deskpost.outcomes import Trouble


@contextmanager
def used_up() -> Iterator[None]:
    """Take the places that are left today, and give them back at the end, whatever ends it. The
    notice that the limit is reached is closed with it, unless it was there before."""
    places = _Places(day=quota.day_of(timezone.now()))
    key = places.day.isoformat()
    told = SiteNotice.objects.filter(kind=Trouble.LIMIT_REACHED, key=key).exists()
    try:
        places.take()
        yield
    finally:
        places.give_back()
        if not told:
            notices.over(Trouble.LIMIT_REACHED, key)


@dataclass(slots=True, kw_only=True)
class _Places:
    """The places that were left in a day. Until `sure` an interrupt may have come on either side
    of the commit."""

    day: date
    left: int = 0
    sure: bool = False

    def take(self) -> None:
        with transaction.atomic():
            QuotaPeriod.objects.bulk_create([QuotaPeriod(day=self.day)], ignore_conflicts=True)
            period = QuotaPeriod.objects.select_for_update().get(day=self.day)
            self.left = max(0, quota.standing().limit - period.sent)
            period.sent += self.left
            period.save(update_fields=["sent"])
        self.sure = True

    def give_back(self) -> None:
        rows = QuotaPeriod.objects.filter(day=self.day)
        if not self.sure:
            rows = rows.filter(sent__gte=quota.standing().limit)
        rows.update(sent=Greatest(F("sent") - self.left, 0))
