"""SEND AGAIN what the site's limit has stopped: the whole of a day in one act, once it is over.

The rules are those of again.py. What is stale is left out unless a person wants it too. An act is
bounded, and takes no more than the places that are left today: else the limit would stop it again.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.utils import timezone

from deskpost.models import (
    AuditEntry,
    Notification,
    Person,
    Project,
    QuotaUse,
    SentAgain,
    first_id,
)
from deskpost.outbound import again, quota
from deskpost.outbound.again_rules import Obstacle, Stale, obstacles, stales
from deskpost.outcomes import NotificationStatus, Reason

MOST: Final = 5000  # sent in one act
LOOKED_AT: Final = 20_000  # in one act, sent or left out
CHUNK: Final = 200  # in one transaction
WAITED: Final = timedelta(days=2)  # few wait longer for their place; then all kept days are asked

Hindrance = Obstacle | Stale


class TooEarly(Exception):
    """The day is not over: what is sent again would find no place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A day whose limit stopped notifications: how many, and how many were not sent again yet."""

    day: date
    stopped: int
    left: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """What goes, or went, by kind; what is left out, by why; and what was not looked at yet: of
    that the next act begins after `last`."""

    kinds: Counter[str] = field(default_factory=Counter)
    left_out: Counter[Hindrance] = field(default_factory=Counter)
    remain: int = 0
    last: uuid.UUID | None = None

    @property
    def sent(self) -> int:
        """How many go, or went."""
        return self.kinds.total()


# --- Which days ----------------------------------------------------------------------------------


def what(project: Project | None, now: datetime | None = None) -> list[Stopped]:
    """Return the days that are over and kept, the newest first, whose limit stopped notifications
    of the project, or of any, that were not sent again yet."""
    now = now or timezone.now()
    days = QuotaUse.objects.filter(
        stopped__gt=0, day__gte=quota.day_of(_oldest(now)), day__lt=quota.day_of(now)
    )
    if project:
        days = days.filter(project=project)
    sums = days.values("day").annotate(all=Sum("stopped")).order_by("-day")
    found = [_stopped(project, row["day"], row["all"], now) for row in sums]
    return [one for one in found if one.left]


def _stopped(project: Project | None, day: date, stopped: int, now: datetime) -> Stopped:
    """Count the day's rows: at first where nearly all of them are, for the sake of a busy log."""
    every, left = _numbers(_rows(project, day, quota.bounds(day)[0] - WAITED))
    if every < stopped:
        _, left = _numbers(_rows(project, day, _oldest(now)))
    return Stopped(day=day, stopped=stopped, left=left)


def _numbers(rows: QuerySet[Notification]) -> tuple[int, int]:
    sums = rows.aggregate(all=Count("pk"), left=Count("pk", filter=~Exists(_repeated())))
    return sums["all"], sums["left"]


def _oldest(now: datetime) -> datetime:
    return now - timedelta(days=settings.DESKPOST["RETENTION_DAYS"])


def _rows(project: Project | None, day: date, made_since: datetime) -> QuerySet[Notification]:
    """Return the rows that found no place on the day: they were made then, or before."""
    starts, ends = quota.bounds(day)
    projects = [project.pk] if project else _projects(day)
    return Notification.objects.filter(
        project__in=projects,
        status=NotificationStatus.FAILED,
        reason=Reason.LIMIT_REACHED,
        settled_at__gte=starts,
        settled_at__lt=ends,
        id__gte=first_id(made_since),
        id__lt=first_id(ends),
    )


def _projects(day: date) -> list[int]:
    uses = QuotaUse.objects.filter(day=day, stopped__gt=0)
    return list(uses.values_list("project", flat=True))


def _repeated() -> QuerySet[SentAgain]:
    return SentAgain.objects.filter(original=OuterRef("pk"))


# --- What would go, and what goes ----------------------------------------------------------------


def plan(
    project: Project | None,
    day: date,
    *,
    stale: bool = False,
    after: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Tally:
    """Return what `send` would do now, without doing it. Raises TooEarly."""
    return _run(project, day, None, stale=stale, after=after, now=now or timezone.now())


def send(
    project: Project | None,
    day: date,
    by: Person,
    *,
    stale: bool = False,
    after: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Tally:
    """Send again what the limit stopped on the day, in the project or, with None, in all; the
    oldest first. Return what went, what was left out, and how much remains for another act.

    With `stale` also what may be of no use any more. An act that looks at its most begins the next
    one `after` the last that it looked at. Raises TooEarly before the reset of the day.
    """
    now = now or timezone.now()
    tally = _run(project, day, by, stale=stale, after=after, now=now)
    AuditEntry.objects.create(
        person=by,
        project=project,
        act=AuditEntry.Act.SEND_AGAIN,
        subject=_subject(day),
        details={
            "sent": tally.sent,
            "left_out": {str(why): number for why, number in tally.left_out.items()},
            "remain": tally.remain,
        },
    )
    return tally


def places() -> int:
    """Return how many places of today an act may take: those left, less one for each that waits."""
    waiting = Notification.objects.filter(due_at__isnull=False, quota_day__isnull=True)
    return max(0, quota.standing().left - waiting.count())


def _run(
    project: Project | None,
    day: date,
    by: Person | None,
    *,
    stale: bool,
    after: uuid.UUID | None,
    now: datetime,
) -> Tally:
    """Go through the day's rows; without anyone who sends them, only tell."""
    if quota.bounds(day)[1] > now:
        raise TooEarly(day.isoformat())
    rows = _rows(project, day, _oldest(now)).exclude(Exists(_repeated()))
    room, tally, looked = min(MOST, places()), Tally(last=after), 0
    while looked < LOOKED_AT and tally.sent < room:
        chunk = list(_after(rows, tally.last).order_by("id")[:CHUNK])
        if not chunk:
            break
        free = _free(chunk, tally, room - tally.sent, stale=stale)
        made = again.send(free, by) if by else free
        tally.kinds.update(note.kind for note in made)
        if len(made) < len(free):  # another was quicker
            tally.left_out[Obstacle.SENT_AGAIN] += len(free) - len(made)
        looked += len(chunk)
    tally.remain = _after(rows, tally.last).count()
    return tally


def _after(rows: QuerySet[Notification], last: uuid.UUID | None) -> QuerySet[Notification]:
    rows = rows.select_related("person", "request")
    return rows.filter(id__gt=last) if last else rows


def _free(notes: list[Notification], tally: Tally, most: int, *, stale: bool) -> list[Notification]:
    """Return those that may go, at most so many; count the others that come before their last."""
    hindered = obstacles(notes)
    old = {} if stale else stales(notes)
    free: list[Notification] = []
    for note in notes:
        if len(free) == most:
            break
        tally.last = note.pk
        if why := hindered[note.pk] or old.get(note.pk):
            tally.left_out[why] += 1
        else:
            free.append(note)
    return free


def _subject(day: date) -> str:
    return f"limit {day.isoformat()}"


def dealt_with(project: Project, days: list[date]) -> set[date]:
    """Return those of the days of which a person has sent again all that could go."""
    subjects = {_subject(day): day for day in days}
    acts = AuditEntry.objects.filter(act=AuditEntry.Act.SEND_AGAIN, subject__in=subjects)
    both = acts.filter(project=project) | acts.filter(project=None)
    return {
        subjects[subject]
        for subject, details in both.values_list("subject", "details")
        if details.get("remain") == 0
    }
