"""EVENT: what happened on the desk becomes one notification row for each person concerned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from deskpost import wake
from deskpost.mail import address
from deskpost.models import Event, Notification, Person, SentOnce
from deskpost.models.queue import complete
from deskpost.outcomes import Guard, Kind, NotificationStatus, Withheld


def audience(event: Event) -> list[Person]:
    """Return who is concerned, each once: also those to whom nothing will be sent in the end."""
    if event.kind == Kind.CUSTOMER_INVITED:
        return [event.person] if event.person else []
    if event.request is None:
        return []
    people = [event.request.reporter]
    if event.kind == Kind.COMMENT_ADDED:
        rows = event.request.participants.select_related("person").order_by("id")
        people += [row.person for row in rows]
    return list({person.pk: person for person in people}.values())


def withheld(event: Event, person: Person) -> Withheld | None:
    """Return why this person is not to be told, if so.

    Nobody is told of their own action. "Request created" is the exception: it is the receipt for
    the one who wrote, unless a machine wrote.
    """
    if event.actor_id != person.pk:
        return None
    if event.kind == Kind.REQUEST_CREATED and not event.quiet:
        return None
    return Withheld.OWN_ACTION


def announce(event: Event) -> list[Notification]:
    """Write the rows of a claimed event and complete it, in one transaction. A person who already
    has a row for this event gets no second."""
    now = timezone.now()
    with transaction.atomic():
        told = set(SentOnce.objects.filter(event=event.id).values_list("person_id", flat=True))
        new = [person for person in audience(event) if person.pk not in told]
        rows = [_row(event, person, now) for person in new]
        Notification.objects.bulk_create(rows)
        _remember(event, new)
        complete(event)
        wake.up(wake.Stage.OUTBOUND)
    return rows


def _remember(event: Event, people: Iterable[Person]) -> None:
    SentOnce.objects.bulk_create(SentOnce(event=event.id, person=person) for person in people)


def _row(event: Event, person: Person, now: datetime) -> Notification:
    why = withheld(event, person)
    row = Notification(
        project_id=event.project_id,
        kind=event.kind,
        event=event.id,
        person=person,
        address=person.email[:320],
        address_key=address.normalise(person.email)[:320],
        request=event.request,
        request_key=event.request.key if event.request else "",
        comment_id=event.comment_id,
        created_at=now,
        language=person.language or event.project.language,
        due_at=now,
    )
    if why:
        row.status, row.reason, row.due_at, row.settled_at = (
            NotificationStatus.WITHHELD,
            why,
            None,
            now,
        )
        row.trail = [{"guard": Guard.OWN_ACTION, "answer": "stopped", "facts": {}}]
    return row
