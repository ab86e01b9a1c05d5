"""Late news, whichever way it comes: reports by mail and providers' events act alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.models import (
    Notification,
    Person,
    SiteNotice,
    SoftBounce,
    Suppression,
    new_id,
)
from deskpost.outbound import track
from deskpost.outbound.track import Effect
from deskpost.outcomes import NotificationStatus, Reason, Trouble
from tests.desk import Desk
from tests.logs import rows

FACTS = {"server": "mx.x.test", "code": 550, "enhanced": "5.1.1", "answer": "gone"}


@pytest.fixture
def note(desk: Desk) -> Notification:
    """Taken by a relay an hour ago."""
    ann = Person.objects.create_person("ann@x.test", name="Ann")
    at = timezone.now() - timedelta(hours=1)
    return rows.note(desk.project, ann, status="delivered", at=at)


def report(desk: Desk, note: Notification, status: str, action: str = "failed") -> None:
    """A report of the notification comes by mail."""
    own = address.OwnId(request=1, notification=note.pk)
    original = address.own_message_id(own, "desk.test", settings.MAIL_KEY)
    message = (
        "From: MAILER-DAEMON@relay.test\r\nTo: it@desk.test\r\nSubject: A report\r\n"
        f"MIME-Version: 1.0\r\nMessage-ID: <{new_id()}@relay.test>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.test\r\n\r\n"
        f"Final-Recipient: rfc822; ann@x.test\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mx.x.test\r\nDiagnostic-Code: smtp; 550 {status} so it is\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original}\r\n\r\n"
        "--b--\r\n"
    )
    assert desk.take(message.encode(), sender="").facts["proof"] == "message_id"
    note.refresh_from_db()


def apply(
    note: Notification, effect: Effect, soft: bool = False, **more: object
) -> NotificationStatus:
    facts = FACTS | {"at": timezone.now().isoformat()} | more
    before = track.apply(note, effect, facts, soft=soft)
    note.refresh_from_db()
    return before


def test_a_report_of_arrival_says_when_it_arrived(desk: Desk, note: Notification) -> None:
    report(desk, note, "2.0.0", "delivered")
    assert note.status == "delivered"
    assert note.arrived_at is not None
    assert timezone.now() - note.arrived_at < timedelta(minutes=1)


@pytest.mark.parametrize("action", ["relayed", "expanded"])
def test_that_it_was_passed_on_is_no_arrival(desk: Desk, note: Notification, action: str) -> None:
    report(desk, note, "2.0.0", action)
    assert note.arrived_at is None


def test_a_report_of_delay_is_noted_until_it_has_arrived(desk: Desk, note: Notification) -> None:
    report(desk, note, "4.4.1", "delayed")
    assert note.facts["delayed"]["incoming"]
    report(desk, note, "2.0.0", "delivered")
    assert "delayed" not in note.facts
    assert note.facts["was_delayed"]["incoming"]


def test_a_report_of_a_hard_bounce_fails_the_row_and_blocks(desk: Desk, note: Notification) -> None:
    report(desk, note, "5.1.1")
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert (note.facts["server"], note.facts["enhanced"]) == ("mx.x.test", "5.1.1")
    assert Suppression.objects.get().evidence["incoming"] == note.facts["incoming"]


def test_a_report_of_a_refusal_by_policy_tells_the_people_of_the_site(
    desk: Desk, note: Notification
) -> None:
    report(desk, note, "5.7.26")
    assert note.status == "failed"
    assert not Suppression.objects.exists()
    assert not SoftBounce.objects.exists()
    notice = SiteNotice.objects.get()
    assert (notice.kind, notice.key, notice.count) == (Trouble.POLICY, "x.test", 1)
    assert notice.facts["enhanced"] == "5.7.26"
    assert notice.facts["notification"] == str(note.pk)


def test_the_second_report_of_one_refusal_is_no_second_trouble(
    desk: Desk, note: Notification
) -> None:
    report(desk, note, "5.7.1")
    report(desk, note, "5.7.1")
    assert SiteNotice.objects.get().count == 1


def test_a_refusal_by_policy_blocks_nobody_whoever_calls_it_hard(note: Notification) -> None:
    apply(note, Effect.BLOCKED, enhanced="5.7.1")
    assert note.status == "failed"
    assert not Suppression.objects.exists()


def test_good_news_after_a_failure_leaves_it_failed_with_what_was_said(note: Notification) -> None:
    apply(note, Effect.FAILED, soft=True)
    before, facts = note.settled_at, note.facts
    assert apply(note, Effect.DELIVERED) == NotificationStatus.FAILED
    assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
    assert (note.settled_at, note.facts) == (before, facts)
    assert SoftBounce.objects.count() == 1


def test_a_second_failure_does_not_replace_the_first(note: Notification) -> None:
    apply(note, Effect.FAILED, soft=True)
    apply(note, Effect.FAILED, soft=True, answer="again")
    assert note.facts["answer"] == "gone"
    assert SoftBounce.objects.count() == 1


def test_a_hard_bounce_after_a_soft_one_blocks_all_the_same(note: Notification) -> None:
    apply(note, Effect.FAILED, soft=True)
    apply(note, Effect.BLOCKED)
    assert Suppression.objects.get().cause == "hard_bounce"


def test_a_complaint_keeps_what_the_row_said(note: Notification) -> None:
    apply(note, Effect.DELAYED)
    apply(note, Effect.COMPLAINED, answer="spam")
    assert note.status == "delivered"
    assert note.facts["delayed"]["answer"] == "gone"
    assert note.facts["complained"]["answer"] == "spam"
    assert Suppression.objects.get().cause == "complaint"


@pytest.mark.parametrize("status", ["queued", "withheld"])
def test_what_never_stood_as_delivered_does_not_fail_by_news(
    note: Notification, status: str
) -> None:
    Notification.objects.filter(pk=note.pk).update(status=status)
    assert apply(note, Effect.FAILED) == status
    assert (note.status, note.facts) == (status, {})


@pytest.mark.parametrize("effect", [Effect.NOTHING, Effect.OTHER_RECIPIENT])
def test_news_that_proves_nothing_changes_nothing(note: Notification, effect: Effect) -> None:
    apply(note, effect)
    assert (note.status, note.facts, note.arrived_at) == ("delivered", {}, None)
