"""Each of the nine reasons, what is withheld, and what is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from deskpost.desk import people, requests
from deskpost.desk.entry import Entry
from deskpost.models import (
    Attempt,
    AuditEntry,
    Notification,
    Person,
    QuotaPeriod,
    Request,
    SentOnce,
    Suppression,
    queue,
)
from deskpost.outbound import guards, prepare
from deskpost.outbound.schedule import GIVE_UP_AFTER, next_try
from deskpost.outbound.suppress import block, unblock
from deskpost.outcomes import REASONS, Guard, Reason
from tests.carriers import Accepting, Refusing
from tests.desk import Desk
from tests.parts.site import letter


def receipt(desk: Desk, carrier: Accepting, **person: object) -> Notification:
    """Ann writes; the row of the receipt to her, after a first try."""
    desk.take(letter())
    if person:
        Person.objects.filter(email="ann@x.test").update(**person)
    (note,) = desk.deliver(carrier)
    return note


def test_a_receipt_is_delivered_with_its_attempt_on_record(desk: Desk, outside: Accepting) -> None:
    note = receipt(desk, outside)
    assert (note.status, note.reason) == ("delivered", "")
    attempt = Attempt.objects.get()
    assert (attempt.result, attempt.code, attempt.answer) == ("accepted", 250, "2.0.0 OK")
    assert attempt.ended_at is not None
    assert [step["guard"] for step in note.trail] == list(Guard)[3:]


# --- The nine reasons ---


def test_internal_error_names_the_error_and_an_id_but_shows_no_trace(
    desk: Desk, outside: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(prepare, "compose", fail)
    note = receipt(desk, outside)
    assert (note.status, note.reason) == ("failed", Reason.INTERNAL_ERROR)
    assert note.facts["error"] == "ZeroDivisionError"
    assert note.facts["id"]
    assert "secret" not in str(note.facts)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("bob.x.test", "missing_at"),
        ("bob,keller@x.test", "comma"),
        ("bob(@x.test", "brackets"),
        ("bob@x..test", "bad_domain"),
    ],
)
def test_email_validation_error_says_which_character(
    desk: Desk, outside: Accepting, address: str, problem: str
) -> None:
    people.invite(desk.project, address, "Bob", desk.agent, timezone.now())
    (note,) = desk.deliver(outside)
    assert (note.status, note.reason) == ("failed", Reason.VALIDATION_ERROR)
    assert note.facts["problem"] == problem
    assert not outside.sent
    assert not Attempt.objects.exists()


def test_template_too_large_names_its_largest_parts(
    desk: Desk, outside: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "MESSAGE_LIMIT", 2000)
    note = receipt(desk, outside)
    assert (note.status, note.reason) == ("failed", Reason.TEMPLATE_TOO_LARGE)
    assert note.facts["bytes"] > 2000
    assert note.facts["largest"][0]["name"] == "text/html"
    assert not outside.sent


def test_limit_reached_says_when_it_resets(
    desk: Desk, outside: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 2)
    for n in range(3):
        desk.take(letter(f"{n}"))
    notes = desk.deliver(outside)
    assert [note.status for note in notes] == ["delivered", "delivered", "failed"]
    assert notes[2].reason == Reason.LIMIT_REACHED
    resets = datetime.fromisoformat(notes[2].facts["resets"])
    assert timedelta(0) < resets - timezone.now() <= timedelta(days=1)
    assert QuotaPeriod.objects.get().sent == 2


def test_a_try_that_is_repeated_costs_no_second_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "DAILY_LIMIT", 1)
    receipt(desk, Refusing(451, "4.7.1 greylisted"))
    Notification.objects.update(due_at=timezone.now())
    (note,) = desk.deliver(Accepting())
    assert note.status == "delivered"
    assert QuotaPeriod.objects.get().sent == 1


def test_what_is_too_large_gives_its_place_back(
    desk: Desk, outside: Accepting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DESKPOST, "MESSAGE_LIMIT", 2000)
    receipt(desk, outside)
    assert QuotaPeriod.objects.get().sent == 0


def test_suppression_list_after_a_hard_bounce_at_once_with_its_evidence(desk: Desk) -> None:
    refused = receipt(desk, Refusing(550, "5.1.1 <ann@x.test>: no such user"))
    assert (refused.status, refused.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    desk.take(letter("again"))
    second = desk.deliver(Accepting())[-1]
    assert (second.status, second.reason) == ("failed", Reason.SUPPRESSION_LIST)
    assert second.facts["answer"] == "5.1.1 <ann@x.test>: no such user"
    assert second.facts["notification"] == str(refused.id)


def test_private_email_address(desk: Desk, outside: Accepting) -> None:
    note = receipt(desk, outside, address_private=True)
    assert (note.status, note.reason) == ("failed", Reason.PRIVATE_ADDRESS)
    assert not outside.sent


def test_service_provider_error_keeps_the_servers_words(desk: Desk) -> None:
    note = receipt(desk, Refusing(552, "5.2.2 mailbox full"))
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert note.facts == {
        "server": "relay.test:25",
        "code": 552,
        "enhanced": "5.2.2",
        "answer": "5.2.2 mailbox full",
    }
    assert not Suppression.objects.exists()


def test_a_policy_refusal_blocks_nobody(desk: Desk) -> None:
    note = receipt(desk, Refusing(550, "5.7.1 looks like spam"))
    assert note.reason == Reason.SERVICE_PROVIDER_ERROR
    assert not Suppression.objects.exists()


def test_unknown_error_keeps_the_raw_answer(desk: Desk) -> None:
    note = receipt(desk, Refusing(554, "the moon is wrong"))
    assert (note.status, note.reason) == ("failed", Reason.UNKNOWN_ERROR)
    assert note.facts["answer"] == "the moon is wrong"


def test_unsubscribed(desk: Desk, outside: Accepting) -> None:
    note = receipt(desk, outside, unsubscribed_at=timezone.now())
    assert (note.status, note.reason) == ("failed", Reason.UNSUBSCRIBED)
    assert not outside.sent


def test_the_nine_reasons_in_the_references_words() -> None:
    assert [str(REASONS[reason].words) for reason in Reason] == [
        "Internal error",
        "Email validation error",
        "Notification template too large",
        "Email notifications limit reached",
        "Suppression list",
        "Private email address",
        "Email service provider error",
        "Unknown error",
        "Unsubscribed",
    ]


def test_the_first_guard_that_stops_decides(desk: Desk, outside: Accepting) -> None:
    block("ann@x.test", "by_hand", {})
    note = receipt(desk, outside, address_private=True)
    assert note.reason == Reason.PRIVATE_ADDRESS
    assert note.trail[-1]["guard"] == Guard.PRIVATE


# --- Trying again ---


def test_a_temporary_refusal_is_tried_again_in_a_minute(desk: Desk) -> None:
    note = receipt(desk, Refusing(451, "4.7.1 greylisted"))
    assert (note.status, note.tries) == ("queued", 1)
    assert note.due_at is not None
    assert timedelta(seconds=50) < note.due_at - timezone.now() <= timedelta(seconds=66)
    assert note.facts["answer"] == "4.7.1 greylisted"
    Notification.objects.update(due_at=timezone.now())
    (again,) = desk.deliver(Accepting())
    assert again.status == "delivered"
    assert again.facts == {}
    assert Attempt.objects.count() == 2


def test_the_schedule_of_tries_and_its_end() -> None:
    start = now = datetime(2026, 11, 24, tzinfo=UTC)
    waits, tries = [], 0
    while True:
        tries += 1
        following = next_try(start, tries, now)
        if following is None:
            break
        waits.append((following - now).total_seconds() / 60)
        now = following
    for wait, minutes in zip(waits, [1, 5, 15, 60, 120, 240, 480, 480], strict=False):
        assert minutes <= wait <= minutes * 1.1  # never sooner, and not all at one moment
    assert len(waits) in {7, 8}
    assert now - start + timedelta(minutes=480) > GIVE_UP_AFTER


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4.7.1 Greylisted, please try again in 300 seconds", 300),
        ("4.2.1 try again in 10 minutes", 600),
        ("Greylisting in action, please come back in 00:04:59", 299),
        ("4.7.0 retry after 2 hours", 7200),
        ("4.3.2 retry-after: 45", 45),
        ("4.7.1 try again later", None),
        ("4.7.1 come back in 90 days", 86400),
        ("4.7.1 you have sent 300 messages in 60 seconds", None),
    ],
)
def test_a_servers_own_time_for_the_next_try_is_respected(
    desk: Desk, text: str, seconds: int | None
) -> None:
    note = receipt(desk, Refusing(451, text))
    if seconds == 86400:  # longer than a day's patience
        assert (note.status, note.facts["gave_up"]) == ("failed", True)
        return
    assert note.due_at is not None
    wait = (note.due_at - timezone.now()).total_seconds()
    expected = seconds or 60
    assert expected - 10 < wait <= expected * 1.1
    assert note.facts.get("again_after") == seconds


def test_it_is_given_up_after_a_day(desk: Desk) -> None:
    carrier = Refusing(451, "4.4.1 no answer")
    note = receipt(desk, carrier)
    assert note.first_try_at is not None
    Notification.objects.update(
        first_try_at=note.first_try_at - timedelta(hours=24), due_at=timezone.now()
    )
    (note,) = desk.deliver(carrier)
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert note.facts["gave_up"] is True


def test_a_guard_is_asked_again_before_each_try(desk: Desk, outside: Accepting) -> None:
    receipt(desk, Refusing(451, "later"))
    block("ann@x.test", "by_hand", {})
    Notification.objects.update(due_at=timezone.now())
    (note,) = desk.deliver(outside)
    assert note.reason == Reason.SUPPRESSION_LIST
    assert not outside.sent


def test_a_notification_whose_worker_died_three_times_is_an_internal_error(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    desk.announce()
    for _ in range(4):
        assert queue.claim(Notification.objects.order_by("id"), "dying", timezone.now(), 10)
        queue.bury(Notification, ["dying"])
    (note,) = desk.deliver(outside)
    assert (note.status, note.reason) == ("failed", Reason.INTERNAL_ERROR)
    assert not outside.sent


# --- To whom ---


def test_a_comment_goes_to_reporter_and_participants_but_not_to_its_author(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter(Cc="Bob <bob@x.test>"))
    desk.take(letter("Re: IT-1", sender="bob@x.test"))
    notes = desk.deliver(outside)
    comment = {
        note.address: (note.status, note.reason) for note in notes if note.kind != "request_created"
    }
    assert comment == {
        "ann@x.test": ("delivered", ""),
        "bob@x.test": ("withheld", "own_action"),
    }
    assert [recipient for _, recipient, _ in outside.sent] == ["ann@x.test", "ann@x.test"]


def test_an_agents_answer_goes_to_the_customer_and_waits_for_them(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    requests.add_comment(desk.request(), desk.agent, Entry(text="Try again."), now=timezone.now())
    notes = desk.deliver(outside)
    assert [note.kind for note in notes] == ["request_created", "comment_added"]
    assert desk.request().status == Request.Status.PENDING
    assert b"Try again." in outside.sent[-1][2]


def test_an_invitation_goes_to_the_invited(desk: Desk, outside: Accepting) -> None:
    people.invite(desk.project, "cy@x.test", "Cy", desk.agent, timezone.now())
    (note,) = desk.deliver(outside)
    assert (note.kind, note.address, note.status) == ("customer_invited", "cy@x.test", "delivered")
    assert AuditEntry.objects.get().act == "invite"


def test_signing_up_by_mail_is_no_invitation(desk: Desk) -> None:
    desk.take(letter())
    assert [note.kind for note in desk.announce()] == ["request_created"]


def test_one_person_hears_of_one_event_once(desk: Desk) -> None:
    desk.take(letter())
    (note,) = desk.announce()
    from deskpost.models import Event

    Event.objects.update(due_at=timezone.now())
    assert len(desk.announce()) == 1
    assert SentOnce.objects.count() == 1
    assert note.event is not None


# --- Unblocking ---


def test_unblocking_allows_future_mail_and_resends_nothing(desk: Desk) -> None:
    receipt(desk, Refusing(550, "5.1.1 no such user"))
    assert unblock("Ann@X.test", desk.agent, desk.project) is True
    outside = Accepting()
    assert [note.status for note in desk.deliver(outside)] == ["failed"]
    assert not outside.sent
    desk.take(letter("again"))
    assert desk.deliver(outside)[-1].status == "delivered"
    entry = AuditEntry.objects.get(act="unblock")
    assert entry.details["evidence"]["enhanced"] == "5.1.1"
    assert unblock("ann@x.test", desk.agent, desk.project) is False


# --- The message ---


class TestMessage:
    """What leaves: headers by which answers come back and machines keep silent."""

    def sent(self, desk: Desk, outside: Accepting, **how: str) -> tuple[str, object]:
        import email
        import email.policy

        desk.take(letter(**how))
        desk.deliver(outside)
        sender, _, raw = outside.sent[-1]
        return sender, email.message_from_bytes(raw, policy=email.policy.default)

    def test_its_headers(self, desk: Desk, outside: Accepting) -> None:
        sender, message = self.sent(desk, outside)
        assert message["Subject"] == "IT-1 The printer is out of ink"  # type: ignore[index]
        assert message["From"] == "IT help <it@desk.test>"  # type: ignore[index]
        assert message["Auto-Submitted"] == "auto-generated"  # type: ignore[index]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # type: ignore[index]
        assert "it+r." in message["Reply-To"]  # type: ignore[index]
        assert sender.startswith("it+b.")

    def test_it_travels_in_seven_bits_and_no_link_is_encoded_in_a_header(
        self, desk: Desk, outside: Accepting
    ) -> None:
        self.sent(desk, outside, subject="Grüße", body="日本語 and ünïcode\n" + "x" * 2000)
        raw = outside.sent[-1][2]
        assert raw.isascii()
        assert max(len(line) for line in raw.split(b"\r\n")) < 998
        head = raw.partition(b"\r\n\r\n")[0]
        assert b"\r\nList-Unsubscribe: <http" in head

    def test_a_customer_is_shown_no_link_that_they_cannot_open(
        self, desk: Desk, outside: Accepting
    ) -> None:
        _, message = self.sent(desk, outside, sender="ann@x.test")
        text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        assert "See the request" not in text
        assert "Hello," in text

    def test_all_messages_of_a_request_answer_one_constant_id(
        self, desk: Desk, outside: Accepting
    ) -> None:
        _, first = self.sent(desk, outside)
        requests.add_comment(desk.request(), desk.agent, Entry(text="x"), now=timezone.now())
        desk.deliver(outside)
        import email

        second = email.message_from_bytes(outside.sent[-1][2])
        assert second["In-Reply-To"] == first["In-Reply-To"]  # type: ignore[index]
        assert second["Message-ID"] != first["Message-ID"]  # type: ignore[index]

    @pytest.mark.parametrize(
        "subject", ["x\r\nBcc: eve@evil.test", "x\nBcc: eve@evil.test", "x\x07y", "\u202etxt.exe"]
    )
    def test_no_header_can_be_injected(self, desk: Desk, outside: Accepting, subject: str) -> None:
        desk.take(letter())
        request = desk.request()
        request.summary = subject
        request.save()
        request.reporter.name = subject
        request.reporter.save()
        requests.add_comment(request, desk.agent, Entry(text="x"), now=timezone.now())
        desk.deliver(outside)
        import email

        message = email.message_from_bytes(outside.sent[-1][2])
        assert message["Bcc"] is None
        assert "\n" not in str(message["Subject"]).replace("\r\n ", "").replace("\n ", "")

    def test_markup_of_customers_is_text_in_the_html_part(
        self, desk: Desk, outside: Accepting
    ) -> None:
        _, message = self.sent(desk, outside, body="<script>alert(1)</script> & <b>x</b>")
        html = message.get_body(("html",)).get_content()  # type: ignore[attr-defined]
        assert "<script>" not in html
        assert "&lt;script&gt;" in html

    def test_japanese_is_told_in_japanese(self, desk: Desk, outside: Accepting) -> None:
        desk.project.language = "ja"
        desk.project.save()
        _, message = self.sent(desk, outside)
        text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        assert "リクエストを受け付けました" in text
        assert text.startswith("## この行より上に返信してください ##")

    def test_the_kept_copy_has_placeholders_where_its_tokens_were(
        self, desk: Desk, outside: Accepting
    ) -> None:
        self.sent(desk, outside)
        note = Notification.objects.get()
        with storages["raw"].open(note.raw_key) as file:
            kept = file.read()
        assert b"it+r.TOKEN@desk.test" in kept
        sent = outside.sent[-1][2]
        reply_to = next(line for line in sent.splitlines() if line.startswith(b"Reply-To"))
        assert reply_to not in kept
        assert b"/unsubscribe/TOKEN/" in kept


def test_every_guard_but_the_last_is_in_the_table() -> None:
    before = [Guard.OWN_ACTION, Guard.MUTED, Guard.RULE_OFF]
    asked = [*before, *(guard for guard, _ in guards.GUARDS), Guard.SIZE]
    assert asked == list(Guard)
