"""What a server answers, at each point of the dialogue, and what the row then says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deskpost.models import Attempt, Notification, Suppression
from deskpost.outcomes import Reason
from tests.outbound.sending import Sending, attempts, row, told
from tests.parts.refusing import Refusing

ANN = "ann@x.test"
VERBS = ["mail", "rcpt", "data", "dot"]
GREYLISTED = "451 4.7.1 Greylisted"
# After so many refusals, so many minutes (PRODUCT.md).
SCHEDULE = [1, 5, 15, 60, 120, 240, 480, 480]


def refused(sending: Sending, server: Refusing, point: str, answer: str) -> Notification:
    """Ann's notification after a first try that is answered so."""
    server.at(point, answer)
    sending.through(server.port)
    sending.invite(ANN)
    sending.work()
    return row(ANN)


def wait_of(note: Notification) -> float:
    """Seconds from the end of the last try to the next."""
    ended = Attempt.objects.order_by("-id").values_list("ended_at", flat=True)[0]
    assert ended is not None
    assert note.due_at is not None
    return (note.due_at - ended).total_seconds()


# --- Refused for good ---


@pytest.mark.parametrize(
    ("point", "answer", "reason"),
    [
        ("mail", "550 5.7.1 we take nothing from you", Reason.SERVICE_PROVIDER_ERROR),
        ("mail", "552 5.3.4 too large for us", Reason.TEMPLATE_TOO_LARGE),
        ("rcpt", "550 5.1.1 no such user", Reason.SERVICE_PROVIDER_ERROR),
        ("rcpt", "553 5.1.3 bad destination address syntax", Reason.VALIDATION_ERROR),
        ("rcpt", "550 the moon is wrong", Reason.UNKNOWN_ERROR),
        ("data", "554 5.7.1 no service for that", Reason.SERVICE_PROVIDER_ERROR),
        ("data", "554 the moon is wrong", Reason.UNKNOWN_ERROR),
        ("dot", "552 5.2.2 mailbox full", Reason.SERVICE_PROVIDER_ERROR),
        ("dot", "552 5.3.4 message too big", Reason.TEMPLATE_TOO_LARGE),
        ("dot", "550 5.7.1 looks like spam", Reason.SERVICE_PROVIDER_ERROR),
        ("dot", "554 the moon is wrong", Reason.UNKNOWN_ERROR),
    ],
)
def test_a_refusal_for_good_has_its_reason_and_the_servers_words(
    sending: Sending, server: Refusing, point: str, answer: str, reason: Reason
) -> None:
    note = refused(sending, server, point, answer)
    assert (note.status, note.reason, note.due_at) == ("failed", reason, None)
    code, words = int(answer[:3]), answer[4:]
    enhanced = words.split()[0] if words[:2] == "5." else None
    said = {"code": code, "enhanced": enhanced, "answer": words}
    assert note.facts == {"server": f"127.0.0.1:{server.port}", **said}
    assert attempts(ANN) == [("permanent", code)]
    assert told() == []
    sending.make_due()
    sending.work()
    assert attempts(ANN) == [("permanent", code)]


def test_only_what_is_said_of_the_recipient_blocks_the_address(
    sending: Sending, server: Refusing
) -> None:
    server.at("rcpt", "550 5.1.1 no such user", of=ANN)
    server.at("dot", "550 5.7.1 looks like spam", of="bob@x.test")
    sending.through(server.port)
    sending.invite(ANN, "bob@x.test")
    sending.work()
    assert [one.address for one in Suppression.objects.all()] == [ANN]
    assert Suppression.objects.get().evidence["notification"] == str(row(ANN).pk)


@pytest.mark.parametrize(
    "answer", ["550 5.1.1 user unknown", "550 no such user", "550 5.1.8 sender's domain not found"]
)
def test_a_refusal_of_the_sender_blocks_nobody(
    sending: Sending, server: Refusing, answer: str
) -> None:
    note = refused(sending, server, "mail", answer)
    assert note.status == "failed"
    assert not Suppression.objects.exists()


def test_an_answer_of_several_lines_is_kept_as_one(sending: Sending, server: Refusing) -> None:
    note = refused(sending, server, "rcpt", "550-5.1.1 no such\n550-5.1.1 user\n550 5.1.1 here")
    assert note.facts["answer"] == "5.1.1 no such user here"


def test_a_message_beyond_the_size_that_is_offered_is_not_handed_over(
    sending: Sending, server: Refusing
) -> None:
    server.offers = ["PIPELINING", "SIZE 500"]
    note = refused(sending, server, "noop", "250 ok")
    assert (note.status, note.reason) == ("failed", Reason.TEMPLATE_TOO_LARGE)
    assert server.received == []


# --- Refused for now ---


@pytest.mark.parametrize("point", VERBS)
def test_a_refusal_for_now_is_tried_again_in_a_minute(
    sending: Sending, server: Refusing, point: str
) -> None:
    note = refused(sending, server, point, GREYLISTED)
    assert (note.status, note.reason, note.tries) == ("queued", "", 1)
    assert note.facts["answer"] == "4.7.1 Greylisted"
    assert attempts(ANN) == [("temporary", 451)]
    assert 60 <= wait_of(note) <= 66
    sending.work()
    assert len(attempts(ANN)) == 1  # not before its time
    server.behave()
    sending.make_due()
    sending.work()
    assert attempts(ANN) == [("temporary", 451), ("accepted", 250)]
    note.refresh_from_db()
    assert (note.status, note.facts) == ("delivered", {})
    assert len(server.messages) == 1
    assert told() == []


def test_the_waits_follow_the_schedule_and_are_never_shorter(
    sending: Sending, server: Refusing
) -> None:
    note = refused(sending, server, "rcpt", GREYLISTED)
    for tries, minutes in enumerate(SCHEDULE, 1):
        assert note.tries == tries
        assert minutes * 60 <= wait_of(note) <= minutes * 60 * 1.1 + 1
        sending.make_due()
        sending.work()
        note.refresh_from_db()


def test_what_was_refused_together_is_not_tried_again_together(
    sending: Sending, server: Refusing
) -> None:
    server.at("rcpt", GREYLISTED)
    sending.through(server.port)
    sending.invite(*[f"p{n}@x.test" for n in range(30)])
    sending.work()
    dues = [one.due_at for one in Notification.objects.all() if one.due_at]
    assert len(dues) == 30
    assert max(dues) - min(dues) > timedelta(seconds=2)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("4.7.1 Greylisted, try again in 300 seconds", 300),
        ("4.7.1 please try again in 5 minutes", 300),
        ("4.2.0 Greylisted, retry after 1200", 1200),
        ("4.7.0 come back in 00:09:59", 599),
    ],
)
def test_the_time_that_a_server_names_is_respected(
    sending: Sending, server: Refusing, words: str, seconds: int
) -> None:
    note = refused(sending, server, "rcpt", f"450 {words}")
    assert seconds <= wait_of(note) <= seconds * 1.1 + 1
    assert note.facts["answer"] == words


# --- Given up ---


def test_it_is_given_up_a_day_after_the_first_try(sending: Sending, server: Refusing) -> None:
    note = refused(sending, server, "rcpt", GREYLISTED)
    assert note.first_try_at is not None
    long_ago = note.first_try_at - timedelta(hours=23, minutes=50)
    Notification.objects.update(first_try_at=long_ago, tries=8)
    sending.make_due()
    sending.work()
    note.refresh_from_db()
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert note.facts["gave_up"] is True
    assert note.facts["answer"] == "4.7.1 Greylisted"
    assert attempts(ANN) == [("temporary", 451)] * 2
    assert not Suppression.objects.exists()


def test_the_day_begins_with_the_first_try_and_not_while_the_relay_is_down(
    sending: Sending, server: Refusing
) -> None:
    server.at("greeting", "421 4.3.2 full up")
    sending.through(server.port)
    sending.invite(ANN)
    Notification.objects.update(created_at=timezone.now() - timedelta(days=3))
    sending.work()
    server.behave()
    server.at("rcpt", GREYLISTED)
    while row(ANN).tries == 0:
        sending.work()
    assert row(ANN).status == "queued"
    server.behave()
    sending.make_due()
    sending.work()
    assert row(ANN).status == "delivered"


def test_a_try_that_no_server_heard_of_does_not_begin_the_day(
    sending: Sending, server: Refusing
) -> None:
    server.at("mail", "421 4.3.2 going down", times=1)
    server.at("rcpt", GREYLISTED)
    sending.through(server.port)
    sending.invite(ANN)
    Notification.objects.update(created_at=timezone.now() - timedelta(days=3))
    sending.work()
    assert (row(ANN).status, attempts(ANN)) == ("queued", [("temporary", 451)])
