"""THE LIMIT: a place among those that the site may send in a day, one for each notification.

A place is taken before the first try and kept through every other, also those of the next day; so
what is counted is never less than what may have gone out. A day is one of DESKPOST_LIMIT_ZONE, from
DESKPOST_LIMIT_RESET on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from deskpost.models import Notification, Project, QuotaPeriod, QuotaUse, SiteNotice
from deskpost.outbound import notices
from deskpost.outcomes import Trouble

NEAR: Final = 80  # per cent of the limit, from which on people are told
A_DAY: Final = timedelta(days=1)


# --- The day -------------------------------------------------------------------------------------


def zone() -> ZoneInfo:
    """Return the zone of the limit's days."""
    return ZoneInfo(settings.DESKPOST["LIMIT_ZONE"] or settings.DESKPOST["TIME_ZONE"])


def day_of(moment: datetime) -> date:
    """Return the day of the limit to which an aware moment belongs. Before the reset time it is
    still that of yesterday."""
    day = moment.astimezone(zone()).date() + A_DAY
    while _start(day) > moment.astimezone(UTC):
        day -= A_DAY
    return day


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and when the next one does, in UTC. Each moment is of one day."""
    return _start(day), _start(day + A_DAY)


def _start(day: date) -> datetime:
    """The first moment of a day. A reset time that the clock skips counts as much later as the
    clock jumps; one that comes twice counts the first time. So no day begins before the last."""
    # In UTC: Python compares two times of one zone by their clock faces.
    return datetime.combine(day, settings.DESKPOST["LIMIT_RESET"], zone()).astimezone(UTC)


# --- Places --------------------------------------------------------------------------------------


def reserve(notes: Sequence[Notification], now: datetime | None = None) -> set[UUID]:
    """Give claimed notifications, in this order, the places that are left today; return the ids of
    those that have one.

    What has a place of any day keeps it and takes no other. `quota_day` is set in the row and on
    the instance. A row that is not this claim's any more gets none: its completion will say so.
    """
    open_notes = [note for note in notes if note.quota_day is None]
    if open_notes:
        with transaction.atomic():
            _take(open_notes, now or timezone.now())
    return {note.pk for note in notes if note.quota_day is not None}


def _take(notes: Sequence[Notification], now: datetime) -> None:
    day, limit = day_of(now), settings.DESKPOST["DAILY_LIMIT"]
    ours = [note for note in _lock_notes(notes) if note.quota_day is None]
    period = _lock_day(day)
    before = period.sent
    taken = ours[: max(0, limit - before)]
    if taken:
        _mark(taken, day)
        _count(period, Counter(note.project_id for note in taken))
    _tell(day, before, period.sent, limit)


def _lock_notes(notes: Sequence[Notification]) -> list[Notification]:
    """Lock the rows that are still of this claim and return them, each with the place that its row
    has. Rows are locked before a day everywhere: so nobody waits in a circle."""
    found = Notification.objects.select_for_update().filter(pk__in=[note.pk for note in notes])
    rows = found.order_by("pk").values_list("pk", "owner", "attempt", "quota_day")
    known = {pk: (owner, attempt, day) for pk, owner, attempt, day in rows}
    ours = {}
    for note in notes:
        owner, attempt, day = known.get(note.pk, (None, None, None))
        if (owner, attempt) == (note.owner, note.attempt):
            note.quota_day = day
            ours[note.pk] = note
    return list(ours.values())


def _lock_day(day: date) -> QuotaPeriod:
    """Return the day's row, locked: who holds it is alone in counting that day."""
    rows = QuotaPeriod.objects.select_for_update()
    period = rows.filter(day=day).first()
    if period is None:
        QuotaPeriod.objects.bulk_create([QuotaPeriod(day=day)], ignore_conflicts=True)
        period = rows.get(day=day)
    return period


def _mark(notes: Sequence[Notification], day: date | None) -> None:
    """Write the day of their place, or none, into locked rows and on the instances."""
    Notification.objects.filter(pk__in=[note.pk for note in notes]).update(quota_day=day)
    for note in notes:
        note.quota_day = day


def _count(period: QuotaPeriod, sent: Mapping[int, int]) -> None:
    """Add places of projects to a locked day; those given back are less than nothing."""
    period.sent = max(0, period.sent + sum(sent.values()))
    period.save(update_fields=["sent"])
    for project, number in sorted(sent.items()):
        _add(period, project, "sent", number)


def _add(period: QuotaPeriod, project: int, name: str, number: int) -> None:
    row = QuotaUse.objects.filter(day=period.day, project=project)
    if not row.update(**{name: Greatest(F(name) + number, 0)}):
        QuotaUse.objects.create(day=period.day, project_id=project, **{name: max(0, number)})


def note_stopped(notes: Sequence[Notification], now: datetime | None = None) -> None:
    """Count notifications that found no place. Call it in the transaction in which they fail, with
    the moment that becomes their `settled_at`: by that they are found again."""
    if not notes:
        return
    with transaction.atomic():
        period = _lock_day(day_of(now or timezone.now()))
        for project, number in sorted(Counter(note.project_id for note in notes).items()):
            _add(period, project, "stopped", number)


def give_back(notes: Sequence[Notification]) -> None:
    """Free the places of claimed notifications that end before any server was asked; call it before
    they are let go. What had its first try keeps its place, and so does what is not this claim's
    any more."""
    untried = [note for note in notes if note.quota_day and not note.first_try_at]
    if not untried:
        return
    with transaction.atomic():
        of_day = defaultdict(list)
        for note in _lock_notes(untried):
            if note.quota_day:
                of_day[note.quota_day].append(note)
        for day in sorted(of_day):
            _count(
                _lock_day(day),
                {
                    project: -number
                    for project, number in Counter(note.project_id for note in of_day[day]).items()
                },
            )
            _mark(of_day[day], None)


# --- Who is told ---------------------------------------------------------------------------------


def _tell(day: date, before: int, after: int, limit: int) -> None:
    """Tell people once a day that the limit is near, and that it is reached; a new day ends it."""
    if after and not before:
        _end_others(day)
    if after >= limit:
        notices.over(Trouble.LIMIT_NEAR, day.isoformat())
        _tell_once(Trouble.LIMIT_REACHED, day, after, limit)
    elif after * 100 >= limit * NEAR > before * 100:
        _tell_once(Trouble.LIMIT_NEAR, day, after, limit)


def _tell_once(kind: Trouble, day: date, sent: int, limit: int) -> None:
    key, resets = day.isoformat(), bounds(day)[1]
    if not SiteNotice.objects.filter(kind=kind, key=key).exists():
        notices.note(kind, key, {"sent": sent, "limit": limit, "resets": resets.isoformat()})


def _end_others(day: date) -> None:
    kinds = (Trouble.LIMIT_NEAR, Trouble.LIMIT_REACHED)
    rows = SiteNotice.objects.filter(kind__in=kinds, closed_at__isnull=True)
    for kind, key in rows.exclude(key=day.isoformat()).values_list("kind", "key"):
        notices.over(Trouble(kind), key)


# --- Where the site stands -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One day of the limit: places taken and the limit, when it began and when the next begins."""

    day: date
    sent: int
    limit: int
    starts: datetime
    resets: datetime

    @property
    def left(self) -> int:
        """How many places are left."""
        return max(0, self.limit - self.sent)


def standing(now: datetime | None = None) -> Standing:
    """Return where the site stands today."""
    day = day_of(now or timezone.now())
    starts, resets = bounds(day)
    period = QuotaPeriod.objects.filter(day=day).first()
    return Standing(
        day=day,
        sent=period.sent if period else 0,
        limit=settings.DESKPOST["DAILY_LIMIT"],
        starts=starts,
        resets=resets,
    )


def uses(day: date) -> list[tuple[Project, int, int]]:
    """Return each project's places of a day and what it had stopped; who took the most first."""
    rows = QuotaUse.objects.filter(day=day).select_related("project")
    ordered = rows.order_by("-sent", "-stopped", "project__key")
    return [(use.project, use.sent, use.stopped) for use in ordered]
