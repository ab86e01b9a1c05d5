"""SEND AGAIN: what a person missed becomes a new notification, once, because somebody asked for it.

Nothing is sent again by itself. The new row goes to the person's address of today, and its guards
are asked like those of any other; what fails again can be sent again in its turn.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deskpost import wake
from deskpost.mail import address
from deskpost.models import (
    AuditEntry,
    Muted,
    Notification,
    Person,
    Project,
    SentAgain,
    first_id,
    new_id,
)
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus, Reason

LISTED: Final = 500  # of what an address missed, the newest
# What the person chose is no failure to make good; everything else can be cured.
CHOSEN: Final = frozenset({Reason.PRIVATE_ADDRESS, Reason.UNSUBSCRIBED})


class Obstacle(StrEnum):
    """Why a notification cannot be sent again, now or ever."""

    NOT_FAILED = "not_failed"  # it was delivered, still waits, or was never meant to be sent
    SENT_AGAIN = "sent_again"  # once already
    CHOSEN = "chosen"  # the person wanted no mail when it was made
    PRIVATE = "private"
    UNSUBSCRIBED = "unsubscribed"
    MUTED = "muted"  # the person has turned off the request's notifications since
    BLOCKED = "blocked"
    MALFORMED = "malformed"  # the address has not been corrected


class Stale(StrEnum):
    """Why what was missed may be of no use any more."""

    RESOLVED = "resolved"  # the request was resolved since
    LATER = "later"  # a later notification of the same request was delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A failed notification that was not sent again yet."""

    note: Notification
    stale: Stale | None
    obstacle: Obstacle | None


def send(notes: Sequence[Notification], by: Person) -> list[Notification]:
    """Queue a repetition of each notification that may be sent again; return the new rows.

    Each original is repeated once, ever, also where two ask at the same moment. Those with an
    obstacle are left out.
    """
    now = timezone.now()
    with transaction.atomic():
        fresh = Notification.objects.select_related("person", "project").in_bulk(
            [note.pk for note in notes]
        )
        # Two who ask for the same ones meet them in the same order: neither waits for the other.
        rows = [_repeat(fresh[pk], by, now) for pk in sorted(fresh) if not obstacle(fresh[pk])]
        made = [row for row in rows if row]
        if made:
            wake.up(wake.Stage.OUTBOUND)
    return made


def _repeat(original: Notification, by: Person, now: datetime) -> Notification | None:
    """Make the new row, unless another has just made it."""
    row = _row(original, now)
    _, first = SentAgain.objects.get_or_create(
        original=original.pk, defaults={"notification": row.pk, "by": by, "at": now}
    )
    if not first:
        return None
    row.save(force_insert=True)
    AuditEntry.objects.create(
        person=by,
        project_id=original.project_id,
        act=AuditEntry.Act.SEND_AGAIN,
        subject=row.address,
        details={"original": str(original.pk), "notification": str(row.pk), "kind": row.kind},
    )
    return row


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


def obstacle(note: Notification) -> Obstacle | None:
    """Return what keeps a notification from being sent again, if anything does."""
    if note.status != NotificationStatus.FAILED:
        return Obstacle.NOT_FAILED
    if SentAgain.objects.filter(original=note.pk).exists():
        return Obstacle.SENT_AGAIN
    if note.reason in CHOSEN:
        return Obstacle.CHOSEN
    muted = Muted.objects.filter(request=note.request_id, person=note.person_id)
    if note.request_id and muted.exists():
        return Obstacle.MUTED
    return _of_person(note)


def _of_person(note: Notification) -> Obstacle | None:
    person = note.person
    if person.address_private:
        return Obstacle.PRIVATE
    if person.unsubscribed_at:
        return Obstacle.UNSUBSCRIBED
    uncorrected = note.reason == Reason.VALIDATION_ERROR and note.address == person.email[:320]
    if uncorrected or address.problem(person.email, smtputf8=True):
        return Obstacle.MALFORMED
    blocked = suppress.in_force().filter(address_key=address.normalise(person.email))
    return Obstacle.BLOCKED if blocked.exists() else None


# --- What was missed -----------------------------------------------------------------------------


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
    notes = _not_sent_again(notes)
    delivered = _delivered(project, notes)
    # What is asked of the person is asked once: the person is the same in most rows, if not in all.
    of_person = {note.person_id: note for note in notes if not _by_address(note)}
    known = {person: _of_person(note) for person, note in of_person.items()}
    muted = _muted(notes)
    return [
        Missed(
            note=note,
            stale=_stale(note, delivered),
            obstacle=_of_missed(note, known, muted),
        )
        for note in notes
    ]


def _by_address(note: Notification) -> bool:
    return note.reason == Reason.VALIDATION_ERROR


def _of_missed(
    note: Notification,
    known: dict[int, Obstacle | None],
    muted: set[tuple[int | None, int]],
) -> Obstacle | None:
    if note.reason in CHOSEN:
        return Obstacle.CHOSEN
    if (note.request_id, note.person_id) in muted:
        return Obstacle.MUTED
    return _of_person(note) if _by_address(note) else known[note.person_id]


def _muted(notes: list[Notification]) -> set[tuple[int | None, int]]:
    rows = Muted.objects.filter(person__in={note.person_id for note in notes})
    return set(rows.values_list("request_id", "person_id"))


def _not_sent_again(notes: list[Notification]) -> list[Notification]:
    originals = SentAgain.objects.filter(original__in=[note.pk for note in notes])
    sent = set(originals.values_list("original", flat=True))
    return [note for note in notes if note.pk not in sent]


def _delivered(project: Project, notes: Iterable[Notification]) -> dict[tuple[int, str], uuid.UUID]:
    """Return the last delivered notification of each person and request: those of invitations
    have no request."""
    notes = list(notes)
    if not notes:
        return {}
    keys = {note.address_key for note in notes} | {note.person.email_key for note in notes}
    rows = Notification.objects.filter(
        project=project,
        address_key__in=keys,
        status=NotificationStatus.DELIVERED,
        id__gt=min(note.pk for note in notes),
        request_key__in={note.request_key for note in notes},
    )
    ordered = rows.order_by("id").values_list("person_id", "request_key", "id")
    return {(person, key): pk for person, key, pk in ordered}


def _stale(note: Notification, delivered: dict[tuple[int, str], uuid.UUID]) -> Stale | None:
    request = note.request if note.request_id else None
    if request and request.resolved_at and request.resolved_at > note.created_at:
        return Stale.RESOLVED
    later = delivered.get((note.person_id, note.request_key))
    return Stale.LATER if later and later > note.pk else None
