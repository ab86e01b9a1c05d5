"""SEND AGAIN: what a person missed becomes a new notification, once, because somebody asked for it.

Nothing is sent again by itself. The new row goes to the person's address of today, and its guards
are asked like those of any other; what fails again can be sent again in its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deskpost import wake
from deskpost.mail import address
from deskpost.models import (
    AuditEntry,
    Notification,
    Person,
    Project,
    SentAgain,
    bulk,
    first_id,
    new_id,
)
from deskpost.outbound.again_rules import Obstacle, Stale, obstacles, stales
from deskpost.outcomes import NotificationStatus

__all__ = ["LISTED", "Missed", "Obstacle", "Stale", "missed", "obstacle", "send"]

LISTED: Final = 500  # of what an address missed, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A failed notification that was not sent again yet."""

    note: Notification
    stale: Stale | None
    obstacle: Obstacle | None


def send(notes: Sequence[Notification], by: Person) -> list[Notification]:
    """Queue a repetition of each notification that may be sent again; return the new rows.

    Each original is repeated once, ever, also where two ask at the same moment. Those with an
    obstacle are left out. One transaction and a few statements: give it some hundreds at a time.
    """
    now = timezone.now()
    with transaction.atomic():
        fresh = Notification.objects.select_related("person", "project").in_bulk(
            [note.pk for note in notes]
        )
        hindered = obstacles(list(fresh.values()))
        # Two who ask for the same ones meet them in the same order: neither waits for the other.
        free = [fresh[pk] for pk in sorted(fresh) if not hindered[pk]]
        made = _repeat(free, by, now)
        if made:
            wake.up(wake.Stage.OUTBOUND)
    return made


def _repeat(originals: Sequence[Notification], by: Person, now: datetime) -> list[Notification]:
    """Make the new rows, save of those that another has just repeated."""
    rows = [_row(original, now) for original in originals]
    taken = [
        SentAgain(original=original.pk, notification=row.pk, by=by, at=now)
        for original, row in zip(originals, rows, strict=True)
    ]
    bulk.insert(taken, ignore_conflicts=True)
    ours = SentAgain.objects.filter(original__in=[original.pk for original in originals])
    known = set(ours.values_list("notification", flat=True))
    made = [row for row in rows if row.pk in known]
    bulk.insert(made)
    bulk.insert(_entry(row, by) for row in made)
    return made


def _row(original: Notification, now: datetime) -> Notification:
    person = original.person
    return Notification(
        id=new_id(),
        project_id=original.project_id,
        kind=original.kind,
        event=original.event,
        person=person,
        address=person.email[:320],
        address_key=address.normalise(person.email)[:320],
        request_id=original.request_id,
        request_key=original.request_key,
        comment_id=original.comment_id,
        language=person.language or original.project.language,
        again_of=original.pk,
        created_at=now,
        due_at=now,
    )


def _entry(row: Notification, by: Person) -> AuditEntry:
    return AuditEntry(
        person=by,
        project_id=row.project_id,
        act=AuditEntry.Act.SEND_AGAIN,
        subject=row.address,
        details={"original": str(row.again_of), "notification": str(row.pk), "kind": row.kind},
    )


def obstacle(note: Notification) -> Obstacle | None:
    """Return what keeps a notification from being sent again, if anything does."""
    return obstacles([note])[note.pk]


def missed(project: Project, email: str) -> list[Missed]:
    """Return what an address missed in a project in the days that are kept, the newest first: at
    most LISTED that failed and were not sent again."""
    days = timedelta(days=settings.DESKPOST["RETENTION_DAYS"])
    rows = Notification.objects.select_related("person", "request", "comment__author").filter(
        project=project,
        address_key=address.normalise(email)[:320],
        status=NotificationStatus.FAILED,
        id__gte=first_id(timezone.now() - days),
    )
    notes = list(rows.order_by("-id")[:LISTED])
    hindered, stale = obstacles(notes), stales(notes)
    return [
        Missed(note=note, stale=stale[note.pk], obstacle=hindered[note.pk])
        for note in notes
        if hindered[note.pk] != Obstacle.SENT_AGAIN
    ]
