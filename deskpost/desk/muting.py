"""A person's wish to hear nothing more of one request."""

from datetime import datetime

from django.db.models import QuerySet

from deskpost.models import Muted, Person, Project, Request


def is_muted(request: Request, person: Person) -> bool:
    return Muted.objects.filter(request=request, person=person).exists()


def mute(request: Request, person: Person, *, now: datetime) -> None:
    """Turn off the request's notifications for that person; asking twice keeps the first date."""
    Muted.objects.get_or_create(request=request, person=person, defaults={"at": now})


def unmute(request: Request, person: Person) -> None:
    """Turn them on again. What was not sent in the meantime does not come by itself."""
    Muted.objects.filter(request=request, person=person).delete()


def muted_by(person: Person, project: Project | None = None) -> QuerySet[Muted]:
    """Return what the person has muted in the project, or in all; the last muted first."""
    rows = Muted.objects.filter(person=person)
    if project:
        rows = rows.filter(request__project=project)
    return rows.select_related("request").order_by("-at", "-pk")
