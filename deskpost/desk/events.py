"""Each change on the desk writes an Event in its own transaction: there the way out begins."""

from datetime import datetime
from typing import Any

from deskpost import wake
from deskpost.models import Event, Project
from deskpost.outcomes import Kind


def happened(kind: Kind, *, project: Project, now: datetime, **what: Any) -> Event:
    """Record that something happened; must be called inside the transaction of the change.

    `what` names the fields of Event: actor, person, request, comment, incoming, quiet.
    """
    event = Event.objects.create(kind=kind, project=project, due_at=now, **what)
    wake.up(wake.Stage.ANNOUNCE)
    return event
