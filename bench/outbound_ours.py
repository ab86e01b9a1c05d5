"""Deskpost sends notifications: one outbound worker, from the rows to the last outcome.

    outbound_ours.py COUNT        (DESKPOST_DATA, DESKPOST_DATABASE and DESKPOST_RELAY say where)
    outbound_ours.py template     (the same words as a template of Django's, for the peer)

The rows are there before the clock starts; then the outbound worker's own loop runs until nothing
is due, as on a real site: every attempt is written before it is made and again with its answer,
and the copy of every message is kept. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench import letter  # noqa: E402
from deskpost.desk import firststart, requests  # noqa: E402
from deskpost.desk.entry import Entry  # noqa: E402
from deskpost.models import (  # noqa: E402
    Attempt,
    Channel,
    Comment,
    Membership,
    MessageTemplate,
    Notification,
    Person,
    Project,
    Role,
    partitions,
)
from deskpost.outbound import templates  # noqa: E402
from deskpost.outbound.compose import compose, inlined  # noqa: E402
from deskpost.outbound.templates_check import Source  # noqa: E402
from deskpost.outbound.templates_values import MARKERS  # noqa: E402
from deskpost.outcomes import Kind, NotificationStatus  # noqa: E402
from deskpost.wake import Stage  # noqa: E402
from deskpost.worker import Worker  # noqa: E402


def prepare(count: int) -> None:
    """Make a site with so many notifications that are due."""
    call_command("migrate", verbosity=0)
    partitions.ensure_ahead()
    firststart.prepare()
    project = Project.objects.get(key="IT")
    MessageTemplate.objects.create(
        project=project,
        kind=Kind.COMMENT_ADDED,
        language="en",
        subject=letter.SUBJECT,
        text=letter.TEXT,
        html=letter.HTML,
        changed_at=timezone.now(),
    )
    agent = Person.objects.create_person("ben@desk.test", name="Ben Sample")
    Membership.objects.create(project=project, person=agent, role=Role.AGENT)
    for one in letter.requests(count):
        _request(project, agent, one)


def _request(project: Project, agent: Person, one: dict[str, object]) -> None:
    assert isinstance(one["people"], list)
    people = [
        Person(email=email, email_key=email, name=name, language="en")
        for name, email in one["people"]
    ]
    people = Person.objects.bulk_create(people)
    Membership.objects.bulk_create(
        Membership(project=project, person=person, role=Role.CUSTOMER) for person in people
    )
    now = timezone.now()
    channel = Channel.objects.get(project=project)
    said = Entry(text="It swallows them.", silent=True)
    request = requests.open_request(channel, people[0], str(one["summary"]), said, now=now)
    comment = Comment.objects.create(
        request=request, author=agent, text=str(one["text"]), created_at=now
    )
    Notification.objects.bulk_create(
        Notification(
            project=project,
            kind=Kind.COMMENT_ADDED,
            person=person,
            address=person.email,
            address_key=person.email_key,
            request=request,
            request_key=request.key,
            comment=comment,
            language="en",
            created_at=now,
            due_at=now,
        )
        for person in people
    )


def send() -> float:
    """Send what is due; returns the seconds."""
    worker = Worker([Stage.OUTBOUND])
    begun = time.perf_counter()
    while worker.outbound():
        pass
    return time.perf_counter() - begun


def for_django() -> dict[str, str]:
    """Return subject, text and page as Django's templates: the words and their frame with Django's
    tags for values, and the styles already on the elements."""

    def filled(after: str, of_text: str) -> templates.Rendered:
        def tag(name: str) -> str:
            return "{{ " + name + after + " }}"

        values: dict[str, Any] = {
            "marker": MARKERS["en"],
            "project": {"name": tag("project.name"), "address": tag("project.address")},
            "person": {"name": tag("person.name")},
            "request": {name: tag(f"request.{name}") for name in ("key", "summary", "status")},
            "comment": {"author": tag("comment.author"), "text": tag(f"comment.text{of_text}")},
            "unsubscribe_url": tag("unsubscribe_url"),
            "mute_url": tag("mute_url"),
        }
        source = Source(subject=letter.SUBJECT, text=letter.TEXT, html=letter.HTML)
        return templates.apply(source, "en", values)

    plain = filled("|safe", "")
    page = inlined(filled("", "|linebreaksbr").html)
    return {"subject": plain.subject, "text": plain.text, "html": page}


def main() -> None:
    if sys.argv[1] == "template":
        print(json.dumps(for_django()))
        return
    prepare(int(sys.argv[1]))
    example = Notification.objects.order_by("id").first()
    assert example
    message = compose(example).message.decode("latin-1")
    seconds = send()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "sent": Notification.objects.filter(status=NotificationStatus.DELIVERED).count(),
                "attempts": Attempt.objects.filter(result="accepted").count(),
                "message": message,
            }
        )
    )


if __name__ == "__main__":
    main()
