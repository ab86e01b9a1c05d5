"""What a line says of a message is what its row says, however its journey ended."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from deskpost import journey, worker
from deskpost.desk import people
from deskpost.inbound.channels import removal
from deskpost.models import InboundEmail, LogLine, Notification, logline, queue
from deskpost.outbound import track
from tests.carriers import Accepting, Refusing
from tests.desk import Desk
from tests.parts.site import letter

pytestmark = pytest.mark.django_db


def agree() -> None:
    lines = {line.pk: line for line in LogLine.objects.all()}
    rows = [
        *map(logline.line_in, InboundEmail.objects.filter(due_at__isnull=True)),
        *map(logline.line_out, Notification.objects.filter(due_at__isnull=True)),
    ]
    assert {row.pk for row in rows} == set(lines)
    for row in rows:
        for name in logline._COMPARED:
            assert getattr(row, name) == getattr(lines[row.pk], name), (name, row.status, row.code)


def test_a_notification_that_is_too_large_keeps_what_was_composed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "MESSAGE_LIMIT", 2000)
    desk.take(letter())
    (note,) = desk.deliver(Accepting())
    assert note.reason == "template_too_large"
    agree()
    note.refresh_from_db()
    assert note.raw_size > 2000
    assert note.subject
    with storages["raw"].open(note.raw_key) as file:
        assert len(file.read()) == note.raw_size


def test_lines_agree_with_their_rows_after_all_sorts_of_ends(desk: Desk) -> None:
    desk.take(letter("one"))
    desk.deliver(Accepting())
    desk.take(letter("two"))
    desk.deliver(Refusing(550, "5.7.1 no"))
    desk.take(letter("three"))
    desk.deliver(Refusing(451, "4.7.1 later"))
    people.invite(desk.project, "bob(@x.test", "Bob", desk.agent, timezone.now())
    desk.deliver(Accepting())
    note = Notification.objects.filter(status="delivered").first()
    assert note
    facts = {"at": timezone.now().isoformat(), "server": "mx", "enhanced": "5.1.1"}
    track.apply(note, track.Effect.BLOCKED, facts)
    row = desk.arrive(letter("poison"))
    InboundEmail.objects.filter(pk=row.pk).update(deaths=3, suspect=True)
    (claimed,) = worker.claim_inbound("x")
    journey.set_aside(claimed)
    other = desk.add_channel("other@desk.test")
    desk.arrive(letter("drop"), to="other@desk.test", channel=other)
    removal.remove(other, desk.agent, "drop")
    desk.project.signup_open = False
    desk.project.save(update_fields=["signup_open"])
    again = desk.take(letter("again", sender="new@x.test"), sender="new@x.test")
    desk.project.signup_open = True
    desk.project.save(update_fields=["signup_open"])
    journey.reprocess(again, desk.agent)
    assert queue
    agree()
