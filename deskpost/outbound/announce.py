"""EVENT: what happened on the desk becomes one notification row for each person concerned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from deskpost import wake
from deskpost.mail import address
from deskpost.models import Event, Muted, Notification, Person, SentOnce, bulk, queue
from deskpost.models.queue import complete
from deskpost.outbound import audience
from deskpost.outbound.audience import Concerned, Part, Rules
from deskpost.outcomes import Guard, Kind, NotificationStatus, Withheld

GUARDS = {
    Withheld.OWN_ACTION: Guard.OWN_ACTION,
    Withheld.MUTED: Guard.MUTED,
    Withheld.RULE_OFF: Guard.RULE_OFF,
}


def announce(event: Event) -> list[Notification]:
    """Write the rows of a claimed event and complete it, in one transaction. A person who already
    has a row for this event gets no second."""
    now = timezone.now()
    with queue.undoing([event]):
        told = set(SentOnce.objects.filter(event=event.id).values_list("person_id", flat=True))
        new = [one for one in audience.concerned(event) if one.person.pk not in told]
        wishes = _wishes(event)
        rows = [_row(event, one, wishes, now) for one in new]
        bulk.insert(rows)
        Notification.note_settled(rows)  # those that are withheld
        _remember(event, (one.person for one in new))
        complete(event)
        wake.up(wake.Stage.OUTBOUND)
    return rows


def kinds(event: Event) -> Sequence[Kind]:
    """Return what the event tells of, what matters most first. An answer that resolves the request
    in the same step tells of both, in one message."""
    kind, comment, request = Kind(event.kind), event.comment, event.request
    if kind == Kind.COMMENT_ADDED and comment and request:
        in_one_step = request.resolved_at == comment.created_at
        return (kind, Kind.REQUEST_RESOLVED) if in_one_step else (kind,)
    return (kind,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Who does not want to be told: those who muted the request, and the project's rules."""

    muted: frozenset[int]
    rules: Rules


def _wishes(event: Event) -> Wishes:
    muted = Muted.objects.filter(request=event.request_id).values_list("person_id", flat=True)
    return Wishes(
        muted=frozenset(muted) if event.request_id else frozenset(),
        rules=Rules(event.project_id, kinds(event)),
    )


def withheld(event: Event, kind: Kind, one: Concerned, wishes: Wishes) -> Withheld | None:
    """Return why this person is not to be told of it, if so; the first that holds.

    Nobody is told of their own action. "Request created" is the exception: it is the receipt for
    the one who wrote, unless a machine wrote. That a request is resolved its reporter learns even
    if they have muted it.
    """
    own = event.actor_id == one.person.pk
    if own and (kind != Kind.REQUEST_CREATED or event.quiet):
        return Withheld.OWN_ACTION
    last_word = kind == Kind.REQUEST_RESOLVED and one.part == Part.REPORTER
    if one.person.pk in wishes.muted and not last_word:
        return Withheld.MUTED
    return None if wishes.rules.tell(kind, one.part) else Withheld.RULE_OFF


def _remember(event: Event, people: Iterable[Person]) -> None:
    bulk.insert(SentOnce(event=event.id, person=person) for person in people)


def _row(event: Event, one: Concerned, wishes: Wishes, now: datetime) -> Notification:
    """Return the person's row: of the first kind of which they are to be told, or withheld."""
    found = [(kind, withheld(event, kind, one, wishes)) for kind in kinds(event)]
    kind, why = next(((kind, why) for kind, why in found if why is None), found[0])
    person = one.person
    row = Notification(
        project_id=event.project_id,
        kind=kind,
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
        row.trail = [{"guard": GUARDS[why], "answer": "stopped", "facts": {}}]
    return row
