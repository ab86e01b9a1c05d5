"""A desk for tests that need no process: messages go through the real intake, rules and worker
functions, in this process and on the test database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from deskpost import journey, worker
from deskpost.inbound import intake
from deskpost.models import (
    Channel,
    Event,
    InboundEmail,
    Notification,
    Person,
    Project,
    Request,
    RequestType,
    Role,
    partitions,
    queue,
)
from deskpost.outbound.carriers import Carriers
from deskpost.outbound.send import Sender

ME = "test-worker"


class Desk:
    """Project IT with the address it@desk.test, and what a test does to it."""

    def __init__(self) -> None:
        partitions.ensure_ahead()
        self.project = Project.objects.create(key="IT", name="IT help")
        self.type = RequestType.objects.create(project=self.project, name="Get IT help")
        self.channel = self.add_channel("it@desk.test")
        self.agent = self.member("agent@desk.test", Role.AGENT)

    def add_channel(self, address: str, project: Project | None = None) -> Channel:
        project = project or self.project
        request_type, _ = RequestType.objects.get_or_create(project=project, name="Get IT help")
        return Channel.objects.create(project=project, address=address, request_type=request_type)

    def member(self, address: str, role: str, project: Project | None = None) -> Person:
        person = Person.objects.create_person(address, name=address.partition("@")[0].title())
        (project or self.project).memberships.create(person=person, role=role)
        return person

    def arrive(
        self,
        message: bytes | EmailMessage,
        *,
        to: str = "it@desk.test",
        sender: str = "ann@x.test",
        channel: Channel | None = None,
        oversize: int | None = None,
        transport: InboundEmail.Transport = InboundEmail.Transport.SMTP,
        client: str = "127.0.0.1 x.test",
    ) -> InboundEmail:
        """Store a message as the listener does."""
        channel = channel or self.channel
        raw = message if isinstance(message, bytes) else message.as_bytes()
        arrival = intake.Arrival(
            raw=raw,
            targets=[
                intake.Target(recipient=to, channel_id=channel.pk, project_id=channel.project_id)
            ],
            transport=transport,
            envelope_from=sender,
            client=client,
            oversize_bytes=oversize,
        )
        with ThreadPoolExecutor(1) as pool:
            (row,) = intake.store([arrival], pool)
        return row

    def take(self, message: bytes | EmailMessage, **how: object) -> InboundEmail:
        """Store a message and take it to its outcome; returns its row."""
        row = self.arrive(message, **how)  # type: ignore[arg-type]
        self.work_inbound()
        row.refresh_from_db()
        return row

    def work_inbound(self) -> None:
        """Do what an inbound worker does until nothing is due."""
        while batch := worker.claim_inbound(ME):
            journey.process(batch)

    def announce(self) -> list[Notification]:
        """Turn waiting events into rows; returns all rows, oldest first."""
        rows = Event.objects.order_by("id")
        for event in queue.claim(rows, ME, timezone.now(), 1000):
            journey.announce(event)
        return list(Notification.objects.order_by("id"))

    def deliver(self, carriers: Carriers) -> list[Notification]:
        """Announce, then try each notification that is due; returns all rows, oldest first."""
        self.announce()
        self.send(Notification.objects.order_by("id"), carriers)
        return list(Notification.objects.order_by("id"))

    def send(self, rows: QuerySet[Notification], carriers: Carriers) -> None:
        """Try those of the rows that are due."""
        sender = Sender(carriers)
        while batch := queue.claim(rows, ME, timezone.now(), 1000):
            journey.deliver(batch, sender)
        sender.close()

    def request(self, key: str = "IT-1") -> Request:
        return Request.objects.get(key=key)


@pytest.fixture
def desk(db: None) -> Iterator[Desk]:
    yield Desk()
