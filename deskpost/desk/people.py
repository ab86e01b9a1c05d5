"""Finding and inviting people. Those who write by mail are added by the book (book.py)."""

from datetime import datetime

from django.db import transaction

from deskpost.desk.book import Book
from deskpost.desk.events import happened
from deskpost.mail import address
from deskpost.models import AuditEntry, Person, Project
from deskpost.outcomes import Kind


def find(email: str) -> Person | None:
    """Return the person with this address, however it is written."""
    return Person.objects.filter(email_key=address.normalise(email)).first()


def invite(project: Project, email: str, name: str, by: Person, now: datetime) -> Person:
    """Add a customer on someone's behalf and tell them. A malformed address is taken as it is:
    what becomes of the invitation stands in the log."""
    with transaction.atomic():
        book = Book(Project.objects.select_for_update().get(pk=project.pk))
        book.load_people([email])
        person = book.customer(email.strip(), name.strip())
        book.write()
        happened(Kind.CUSTOMER_INVITED, project=project, actor=by, person=person, now=now)
        AuditEntry.objects.create(
            person=by, project=project, act=AuditEntry.Act.INVITE, subject=person.email
        )
    return person
