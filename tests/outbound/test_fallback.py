"""A project's own template that fails keeps nobody from their mail, and is not kept quiet."""

from __future__ import annotations

from django.utils import timezone

from deskpost.desk import requests
from deskpost.desk.entry import Entry
from deskpost.logs import trails
from deskpost.mail import address
from deskpost.models import MessageTemplate, Notification
from deskpost.outcomes import Guard
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter


def sent(desk: Desk, carrier: Accepting) -> Notification:
    desk.take(letter("Out of ink"))
    return desk.deliver(carrier)[-1]


def test_the_standard_template_goes_out_and_the_trail_says_so(desk: Desk) -> None:
    MessageTemplate.objects.create(
        project=desk.project,
        kind="request_created",
        language="en",
        subject="{{ request.key }}",
        text="{% for n in (1..100000000) %}x{% endfor %}",
        html="<p>Hello</p>",
        changed_at=timezone.now(),
    )
    carrier = Accepting()
    note = sent(desk, carrier)
    assert note.status == "delivered"
    assert b"IT-1 Out of ink" in carrier.sent[-1][2]
    step = next(one for one in note.trail if one["guard"] == Guard.SIZE)
    (told,) = trails.guard_step(Guard.SIZE, step).notes
    assert "own template failed" in told


def test_an_answer_that_resolves_says_that_it_does(desk: Desk) -> None:
    carrier = Accepting()
    sent(desk, carrier)
    entry = Entry(text="I put in new ink.")
    requests.add_comment(desk.request(), desk.agent, entry, now=timezone.now(), resolves=True)
    desk.deliver(carrier)
    assert len(carrier.sent) == 2
    assert b"The request is resolved." in carrier.sent[-1][2]


def test_an_address_that_mail_programs_would_decode_is_malformed() -> None:
    found = address.problem("=?utf-8?q?x=0D=0ABcc=3A?=@x.test", smtputf8=True)
    assert found is not None
    assert (found.code, found.position) == ("encoded_word", 0)
