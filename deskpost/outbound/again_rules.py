"""What keeps a notification from being sent again, and what makes it stale. Asked of many at once,
in a few queries whatever their number."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from deskpost.mail import address
from deskpost.models import Muted, Notification, Person, SentAgain
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus, Reason

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


# --- Obstacles -----------------------------------------------------------------------------------


def obstacles(notes: Sequence[Notification]) -> dict[uuid.UUID, Obstacle | None]:
    """Return for each notification, by its id, what keeps it from being sent again, if anything
    does. Their persons should have been fetched with them."""
    sent = _sent_again(notes)
    muted = _muted(notes)
    blocked = _blocked({note.person_id: note.person for note in notes})
    return {note.pk: _obstacle(note, sent, muted, blocked) for note in notes}


def _sent_again(notes: Sequence[Notification]) -> set[uuid.UUID]:
    originals = SentAgain.objects.filter(original__in=[note.pk for note in notes])
    return set(originals.values_list("original", flat=True))


def _muted(notes: Sequence[Notification]) -> set[tuple[int, int]]:
    rows = Muted.objects.filter(
        request__in={note.request_id for note in notes if note.request_id},
        person__in={note.person_id for note in notes},
    )
    return set(rows.values_list("request_id", "person_id"))


def _blocked(persons: dict[int, Person]) -> set[int]:
    keys = {pk: address.normalise(person.email) for pk, person in persons.items()}
    rows = suppress.in_force().filter(address_key__in=set(keys.values()))
    found = set(rows.values_list("address_key", flat=True))
    return {pk for pk, key in keys.items() if key in found}


def _obstacle(
    note: Notification,
    sent: set[uuid.UUID],
    muted: set[tuple[int, int]],
    blocked: set[int],
) -> Obstacle | None:
    if note.status != NotificationStatus.FAILED:
        return Obstacle.NOT_FAILED
    if note.pk in sent:
        return Obstacle.SENT_AGAIN
    if note.reason in CHOSEN:
        return Obstacle.CHOSEN
    if (note.request_id, note.person_id) in muted:
        return Obstacle.MUTED
    return _of_person(note) or (Obstacle.BLOCKED if note.person_id in blocked else None)


def _of_person(note: Notification) -> Obstacle | None:
    person = note.person
    if person.address_private:
        return Obstacle.PRIVATE
    if person.unsubscribed_at:
        return Obstacle.UNSUBSCRIBED
    uncorrected = note.reason == Reason.VALIDATION_ERROR and note.address == person.email[:320]
    if uncorrected or address.problem(person.email, smtputf8=True):
        return Obstacle.MALFORMED
    return None


# --- Staleness -----------------------------------------------------------------------------------

# The requests of all projects differ in their keys; invitations have none.
Thread = tuple[int, int, str]


def stales(notes: Sequence[Notification]) -> dict[uuid.UUID, Stale | None]:
    """Return for each notification, by its id, why it may be of no use any more, if it may. Their
    persons and requests should have been fetched with them."""
    delivered = _delivered(notes)
    return {note.pk: _stale(note, delivered) for note in notes}


def _delivered(notes: Sequence[Notification]) -> dict[Thread, uuid.UUID]:
    """Return the last notification delivered to each person on each request."""
    if not notes:
        return {}
    keys = {note.address_key for note in notes} | {note.person.email_key for note in notes}
    rows = Notification.objects.filter(
        project__in={note.project_id for note in notes},
        address_key__in=keys,
        status=NotificationStatus.DELIVERED,
        id__gt=min(note.pk for note in notes),
        request_key__in={note.request_key for note in notes},
    )
    ordered = rows.order_by("id").values_list("project_id", "person_id", "request_key", "id")
    return {(project, person, key): pk for project, person, key, pk in ordered}


def _stale(note: Notification, delivered: dict[Thread, uuid.UUID]) -> Stale | None:
    request = note.request if note.request_id else None
    if request and request.resolved_at and request.resolved_at > note.created_at:
        return Stale.RESOLVED
    later = delivered.get((note.project_id, note.person_id, note.request_key))
    return Stale.LATER if later and later > note.pk else None
