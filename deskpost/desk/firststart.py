"""What a new site begins with: its admin, and a demo project with a team-managed sibling."""

from django.conf import settings
from django.db import transaction

from deskpost.models import Channel, Person, Project, RequestType


def prepare() -> Person | None:
    """Make the site admin and the demo projects where there are none yet.

    Returns the first site admin.
    """
    with transaction.atomic():
        if not Person.objects.filter(is_site_admin=True).exists():
            _make_admin()
        if not Project.objects.exists():
            _make_project("IT", "IT help", Project.Kind.COMPANY, "it", "Get IT help")
            _make_project("FAC", "Facilities", Project.Kind.TEAM, "facilities", "Building and desk")
    return Person.objects.filter(is_site_admin=True, is_active=True).order_by("id").first()


def _make_admin() -> None:
    email = settings.DESKPOST["ADMIN"] or f"admin@{settings.DESKPOST['DOMAIN']}"
    language = settings.DESKPOST["LANGUAGE"]
    Person.objects.create_person(email, name="Admin", is_site_admin=True, language=language)


def _make_project(key: str, name: str, kind: str, local: str, request_type: str) -> None:
    project = Project.objects.create(
        key=key, name=name, kind=kind, language=settings.DESKPOST["LANGUAGE"]
    )
    made = RequestType.objects.create(project=project, name=request_type)
    Channel.objects.create(
        project=project, address=f"{local}@{settings.DESKPOST['DOMAIN']}", request_type=made
    )
