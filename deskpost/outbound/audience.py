"""Whom each kind of notification is for, and for which of them the project has switched it off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deskpost.models import Event, NotificationRule, Person, Request
from deskpost.outcomes import Kind


class Part(StrEnum):
    """As what a person is told. In NotificationRule the first two are switched by `to_reporter`,
    the last two by `to_participants`: no kind has two of a pair."""

    CUSTOMER = "customer"  # who was invited
    REPORTER = "reporter"
    PARTICIPANTS = "participants"
    PARTICIPANT = "participant"  # who was added


BOTH = (Part.REPORTER, Part.PARTICIPANTS)
TOLD: Mapping[Kind, tuple[Part, ...]] = {
    Kind.CUSTOMER_INVITED: (Part.CUSTOMER,),
    Kind.REQUEST_CREATED: (Part.REPORTER,),
    Kind.COMMENT_ADDED: BOTH,
    Kind.COMMENT_EDITED: BOTH,
    Kind.PARTICIPANT_ADDED: (Part.PARTICIPANT,),
    Kind.STATUS_CHANGED: BOTH,
    Kind.REQUEST_RESOLVED: BOTH,
    Kind.REQUEST_REOPENED: BOTH,
}
SWITCHES: Mapping[Part, str] = {
    Part.CUSTOMER: "to_reporter",
    Part.REPORTER: "to_reporter",
    Part.PARTICIPANTS: "to_participants",
    Part.PARTICIPANT: "to_participants",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """A person whom an event concerns, and as what."""

    person: Person
    part: Part


def concerned(event: Event) -> list[Concerned]:
    """Return whom the event concerns, each once: also those to whom nothing is sent in the end."""
    parts = TOLD[Kind(event.kind)]
    if parts == BOTH:
        return involved(event.request) if event.request else []
    if parts == (Part.REPORTER,):
        person = event.request.reporter if event.request else None
    else:
        person = event.person
    return [Concerned(person=person, part=parts[0])] if person else []


def involved(request: Request) -> list[Concerned]:
    """Return the request's reporter and participants, in that order, each once."""
    rows = request.participants.select_related("person").order_by("pk")
    people = {request.reporter.pk: Concerned(person=request.reporter, part=Part.REPORTER)}
    for row in rows:
        people.setdefault(row.person_id, Concerned(person=row.person, part=Part.PARTICIPANTS))
    return list(people.values())


class Rules:
    """Whom a project tells of what; without a row everyone is told."""

    def __init__(self, project_id: int, kinds: Iterable[Kind]) -> None:
        rows = NotificationRule.objects.filter(project=project_id, kind__in=list(kinds))
        self._rows = {row.kind: row for row in rows}

    def tell(self, kind: Kind, part: Part) -> bool:
        """Whether people with that part are told of it."""
        row = self._rows.get(kind)
        return row is None or bool(getattr(row, SWITCHES[part]))
