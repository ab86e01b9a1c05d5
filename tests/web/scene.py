"""A small desk for the tests of its pages: one project, its people, one request by email."""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client
from django.utils import timezone

from deskpost.desk import requests
from deskpost.desk.entry import Entry
from deskpost.models import (
    Channel,
    Comment,
    InboundEmail,
    Membership,
    Notification,
    Person,
    Project,
    Request,
    RequestType,
    Role,
    new_id,
    partitions,
)
from deskpost.outcomes import Kind, NotificationStatus

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The project and one person of each part; `stranger` has none."""

    project: Project
    channel: Channel
    site_admin: Person
    admin: Person
    agent: Person
    customer: Person
    stranger: Person

    def browser(self, name: str) -> Client:
        """Return a browser in which the person of that part is signed in; `nobody` is not."""
        client = Client()
        if name != "nobody":
            client.force_login(getattr(self, name))
        return client

    def request(self, text: str = "It swallows every third label.", **entry: object) -> Request:
        """Open a request of the customer's, by email."""
        summary = str(entry.pop("summary", "Label printer"))
        said = Entry(text=text, incoming=new_id(), **entry)  # type: ignore[arg-type]
        return requests.open_request(self.channel, self.customer, summary, said, now=timezone.now())

    def email(self, **fields: object) -> InboundEmail:
        """Make the log row of an incoming message."""
        return InboundEmail.objects.create(
            project=self.project,
            channel=self.channel,
            transport=InboundEmail.Transport.SMTP,
            received_at=timezone.now(),
            envelope_to=self.channel.address,
            **fields,
        )


def make() -> Scene:
    """Make the scene in the database."""
    partitions.ensure_ahead()
    project = Project.objects.create(key="IT", name="IT help")
    channel = Channel.objects.create(
        project=project,
        address="it@desk.test",
        request_type=RequestType.objects.create(project=project, name="Get IT help"),
    )
    made = {
        name: Person.objects.create_person(f"{name}@desk.test", name=f"The {name}")
        for name in ("site_admin", "admin", "agent", "customer", "stranger")
    }
    made["site_admin"].is_site_admin = True
    made["site_admin"].save(update_fields=["is_site_admin"])
    for name, role in (("admin", Role.ADMIN), ("agent", Role.AGENT), ("customer", Role.CUSTOMER)):
        Membership.objects.create(project=project, person=made[name], role=role)
    return Scene(project=project, channel=channel, **made)


def add_customer(project: Project, email: str, name: str = "", **fields: object) -> Person:
    """Add a customer to the project."""
    person = Person.objects.create_person(email, None, name=name, **fields)
    project.memberships.create(person=person, role=Role.CUSTOMER)
    return person


def note(
    comment: Comment, person: Person, status: NotificationStatus, **fields: object
) -> Notification:
    """Make the log row of a notification about the comment."""
    return Notification.objects.create(
        project=comment.request.project,
        kind=Kind.COMMENT_ADDED,
        person=person,
        address=person.email,
        address_key=person.email_key,
        request=comment.request,
        request_key=comment.request.key,
        comment=comment,
        created_at=timezone.now(),
        status=status,
        **fields,
    )
