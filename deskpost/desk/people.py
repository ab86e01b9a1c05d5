"""The sole writer of people and of the part they have in a project."""

from datetime import datetime

from django.db import transaction

from deskpost.desk.events import happened
from deskpost.mail import address
from deskpost.models import AuditEntry, Membership, Person, Project, Role
from deskpost.outcomes import Kind

NAME_LIMIT = 200


def find(email: str) -> Person | None:
    """Return the person with this address, however it is written."""
    return Person.objects.filter(email_key=address.normalise(email)).first()


def find_or_add(email: str, name: str, language: str) -> Person:
    """Return the person with this address, made if new. A known name is not overwritten."""
    person, _ = Person.objects.get_or_create(
        email_key=address.normalise(email),
        defaults={
            "email": email,
            "name": name[:NAME_LIMIT],
            "language": language,
            "password": "!",  # unusable: they sign in by invitation or reset
        },
    )
    if name and not person.name:
        person.name = name[:NAME_LIMIT]
        person.save(update_fields=["name"])
    return person


def make_customer(project: Project, person: Person) -> None:
    """Let the person write to the project; a greater part that they have is kept."""
    Membership.objects.get_or_create(
        project=project, person=person, defaults={"role": Role.CUSTOMER}
    )


def invite(project: Project, email: str, name: str, by: Person, now: datetime) -> Person:
    """Add a customer on someone's behalf and tell them. A malformed address is taken as it is:
    what becomes of the invitation stands in the log."""
    with transaction.atomic():
        person = find_or_add(email.strip(), name.strip(), project.language)
        make_customer(project, person)
        happened(Kind.CUSTOMER_INVITED, project=project, actor=by, person=person, now=now)
        AuditEntry.objects.create(
            person=by, project=project, act=AuditEntry.Act.INVITE, subject=person.email
        )
    return person
