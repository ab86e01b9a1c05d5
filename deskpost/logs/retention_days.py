"""How many days are kept: what the settings say, and an hour's grace where they say fewer.

Whoever lowers DESKPOST_RETENTION_DAYS by mistake would else find it out when the days are gone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from deskpost.models import SiteFact

log = logging.getLogger(__name__)

FACT: Final = "retention_days"
GRACE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewer:
    """Fewer days are wanted than are kept now: from `at` on they will be."""

    kept: int
    wanted: int
    at: datetime


def wanted() -> int:
    """Return what the settings say."""
    return int(settings.DESKPOST["RETENTION_DAYS"])


def in_force() -> int:
    """Return how many days are kept now."""
    fewer = pending()
    return fewer.kept if fewer else wanted()


def first_day(now: datetime, days: int) -> date:
    """Return the oldest day (UTC) that is kept whole, when so many are kept."""
    return (now.astimezone(UTC) - timedelta(days=days)).date()


def pending() -> Fewer | None:
    """Return the change to fewer days that has not come into force yet, if there is one."""
    row = SiteFact.objects.filter(name=FACT).first()
    return _fewer(row.value) if row else None


def _fewer(value: Any) -> Fewer | None:
    """A change that nobody has noticed yet has no time: it is as if it was noticed now."""
    kept = int(value["days"])
    if kept <= wanted():
        return None
    at = value.get("at") if value.get("wanted") == wanted() else None
    begins = datetime.fromisoformat(at) if at else datetime.now(UTC) + GRACE
    return Fewer(kept=kept, wanted=wanted(), at=begins)


def compare(now: datetime, *, at_once: bool = False) -> Fewer | None:
    """Compare the settings with the number in force, and write down what changes: more days at
    once, fewer after the grace (or `at_once`). Returns the change to fewer that waits, if any."""
    row = SiteFact.objects.filter(name=FACT).first()
    value = _next(row.value if row else None, now, at_once=at_once)
    if row is None or row.value != value:
        with transaction.atomic():
            SiteFact.objects.update_or_create(name=FACT, defaults={"value": value})
    return _fewer(value)


def _next(value: Any, now: datetime, *, at_once: bool) -> dict[str, Any]:
    fewer = _fewer(value) if value else None
    if fewer is None or at_once:
        return {"days": wanted()}
    if value.get("wanted") == fewer.wanted and fewer.at <= now:
        log.warning("%d days are kept from now on, no longer %d", fewer.wanted, fewer.kept)
        return {"days": fewer.wanted}
    if value.get("wanted") == fewer.wanted:
        return dict(value)
    ends = now + GRACE
    log.warning(
        "DESKPOST_RETENTION_DAYS is %d, no longer %d: what is older than %s (UTC) goes at %s. "
        "`deskpost prune --dry-run` says how much that is; set it back before, and nothing goes.",
        fewer.wanted,
        fewer.kept,
        first_day(now, fewer.wanted),
        ends.isoformat(timespec="minutes"),
    )
    return {"days": fewer.kept, "wanted": fewer.wanted, "at": ends.isoformat()}
