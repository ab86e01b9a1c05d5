"""Soft bounces: five in fourteen days without a success between them block an address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deskpost.mail.answers import Answer, read_reply
from deskpost.mail.reports import ReportRecipient
from deskpost.models import Notification, SoftBounce, Suppression, new_id
from deskpost.outbound import suppress, suppress_soft
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.carriers import Carriers
from deskpost.outcomes import Reason
from tests.carriers import Accepting, Refusing
from tests.desk import Desk
from tests.logs import rows
from tests.parts.site import letter

FULL = (452, "4.2.2 The mailbox is over its quota")


def receipt(desk: Desk) -> Notification:
    """Ann writes; the row of the receipt to her, which waits."""
    desk.take(letter())
    return desk.announce()[-1]


def hand_over(desk: Desk, carriers: Carriers, *, hours_old: int = 0) -> Notification:
    """Hand a new receipt over, as if it had been tried for that long."""
    note = receipt(desk)
    if hours_old:
        first = timezone.now() - timedelta(hours=hours_old)
        Notification.objects.filter(pk=note.pk).update(first_try_at=first)
    desk.send(Notification.objects.filter(pk=note.pk), carriers)
    note.refresh_from_db()
    return note


def give_up(desk: Desk, code: int = FULL[0], text: str = FULL[1]) -> Notification:
    return hand_over(desk, Refusing(code, text), hours_old=25)


def bounce(desk: Desk, note: Notification, status: str, action: str = "failed") -> None:
    """A report of the notification comes by mail."""
    diagnostic = f"smtp; 450 {status} the mailbox does not answer"
    report = (
        "From: MAILER-DAEMON@relay.test\r\nTo: it@desk.test\r\nSubject: Undelivered\r\n"
        f"MIME-Version: 1.0\r\nMessage-ID: <{new_id()}@relay.test>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.test\r\n\r\n"
        f"Final-Recipient: rfc822; ann@x.test\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Remote-MTA: dns; mx.x.test\r\nDiagnostic-Code: {diagnostic}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {note.message_id}\r\n\r\n"
        "--b--\r\n"
    )
    assert desk.take(report.encode(), sender="").facts["proof"] == "message_id"


def blocked() -> Suppression | None:
    return suppress.entry("ann@x.test")


def test_five_soft_bounces_in_a_row_block_the_address_with_their_evidence(desk: Desk) -> None:
    for _ in range(4):
        note = give_up(desk)
        assert (note.status, note.reason) == ("failed", Reason.SERVICE_PROVIDER_ERROR)
        assert blocked() is None
    last = give_up(desk)
    entry = blocked()
    assert entry is not None
    assert entry.cause == Suppression.Cause.SOFT_BOUNCES
    assert entry.evidence["answer"] == FULL[1]
    assert entry.evidence["notification"] == str(last.pk)
    assert [one["code"] for one in entry.evidence["bounces"]] == [452] * 5
    stopped = hand_over(desk, Accepting())
    assert stopped.reason == Reason.SUPPRESSION_LIST
    assert not SoftBounce.objects.exists()  # they are in the evidence now


def test_a_refusal_that_is_tried_again_is_no_soft_bounce_yet(desk: Desk) -> None:
    note = hand_over(desk, Refusing(*FULL))
    assert note.status == "queued"
    assert not SoftBounce.objects.exists()


def test_a_success_in_between_begins_the_count_anew(desk: Desk) -> None:
    for _ in range(4):
        give_up(desk)
    assert hand_over(desk, Accepting()).status == "delivered"
    assert not SoftBounce.objects.exists()
    for _ in range(4):
        give_up(desk)
    assert blocked() is None


def test_soft_bounces_of_more_than_fourteen_days_ago_do_not_count(desk: Desk) -> None:
    for _ in range(4):
        give_up(desk)
    SoftBounce.objects.update(at=timezone.now() - suppress.SOFT_WITHIN)
    give_up(desk)
    assert blocked() is None
    assert suppress_soft.forget(timezone.now() - timedelta(days=1)) == 4
    assert SoftBounce.objects.count() == 1


def test_soft_bounces_of_another_address_do_not_count(desk: Desk) -> None:
    for _ in range(4):
        give_up(desk)
    SoftBounce.objects.update(address_key="bea@x.test")
    give_up(desk)
    assert blocked() is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (450, "4.7.1 Greylisted"),
        (450, "4.2.0 Recipient address rejected: Greylisted, try again later"),
        (421, "4.7.0 Too many messages from your address"),
        (451, "4.7.26 SPF and DKIM did not pass"),
        (550, "5.7.1 Refused as spam"),
        (450, "4.1.8 Sender address rejected: Domain not found"),
        (450, "4.2.1 The user is receiving mail at a rate that prevents delivery"),
        (452, "4.3.1 Insufficient system storage"),
        (452, "Insufficient system storage"),
        (451, "4.3.0 Local error in processing"),
        (454, "TLS not available due to temporary reason"),
        (552, "5.3.4 Message too large"),
    ],
)
def test_policy_and_our_own_faults_never_count(desk: Desk, code: int, text: str) -> None:
    for _ in range(6):
        assert give_up(desk, code, text).status == "failed"
    assert not SoftBounce.objects.exists()
    assert blocked() is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (450, "4.1.1 <ann@x.test>: unverified address"),
        (450, "4.2.1 The mailbox is disabled for now"),
        (452, "Mailbox full"),
        (450, "Requested action not taken"),
        (552, "5.2.2 Quota exceeded"),
        (552, "5.2.2 <spam@x.test>: mailbox full"),  # an address is not what a server says
    ],
)
def test_what_the_server_says_of_the_recipient_counts(code: int, text: str) -> None:
    assert suppress_soft.is_soft_answer(read_reply(code, text))


def test_a_server_that_names_no_code_counts_for_nobody(desk: Desk) -> None:
    note = hand_over(desk, Silent(), hours_old=25)
    assert (note.status, note.facts["gave_up"]) == ("failed", True)
    assert not SoftBounce.objects.exists()


class Silent(Accepting):
    """Hangs up once it has heard of the recipient."""

    def send(self, outgoing: Outgoing) -> Answer:
        return Answer(kind="temporary", text="the relay ended the connection")


def test_five_reports_block_though_the_relay_took_each_message_first(desk: Desk) -> None:
    for n in range(5):
        assert blocked() is None
        note = hand_over(desk, Accepting())
        bounce(desk, note, "4.4.7" if n % 2 else "5.2.2")
    entry = blocked()
    assert entry is not None
    assert (entry.cause, entry.evidence["server"]) == ("soft_bounces", "mx.x.test")
    assert entry.evidence["incoming"]


def test_a_report_that_comes_twice_counts_once(desk: Desk) -> None:
    note = hand_over(desk, Accepting())
    bounce(desk, note, "4.4.7")
    bounce(desk, note, "4.4.7")
    assert SoftBounce.objects.count() == 1


@pytest.mark.parametrize("status", ["4.7.1", "5.7.1", "5.6.0", "5.3.4"])
def test_reports_of_policy_or_of_the_message_do_not_count(desk: Desk, status: str) -> None:
    note = hand_over(desk, Accepting())
    bounce(desk, note, status)
    note.refresh_from_db()
    assert note.status == "failed"
    assert not SoftBounce.objects.exists()


def test_a_report_of_an_expired_queue_counts_only_if_the_last_words_were_no_policy() -> None:
    def counts(diagnostic: str, **fields: str) -> bool:
        values = {"status": "4.4.7", "remote_server": "", **fields}
        return suppress_soft.is_soft_report(
            ReportRecipient(
                address="ann@x.test",
                action="failed",
                diagnostic=diagnostic,
                severity="soft",
                **values,
            )
        )

    assert counts("smtp; 450 the mailbox does not answer")
    assert not counts("smtp; 451 4.7.1 come back later")
    assert not counts("smtp; 451 blocked using a block list")
    assert not counts("451 local trouble", status="4.3.0")  # of whom? The relay's own, maybe
    assert counts("451 local trouble", status="4.3.0", remote_server="mx.x.test")


def test_a_report_of_arrival_forgets_the_soft_bounces(desk: Desk) -> None:
    bounce(desk, hand_over(desk, Accepting()), "4.4.7")
    assert SoftBounce.objects.count() == 1
    bounce(desk, hand_over(desk, Accepting()), "2.0.0", "delivered")
    assert not SoftBounce.objects.exists()


def test_a_message_that_no_bounce_followed_for_days_is_a_success(desk: Desk) -> None:
    old = [hand_over(desk, Accepting()) for _ in range(4)]
    for note in old:
        bounce(desk, note, "4.4.7")
    # The four were made ten days ago; one that was taken six days ago never came back.
    for row, days in zip(SoftBounce.objects.all(), (10, 10, 10, 10), strict=True):
        made = str(rows.id_at(timezone.now() - timedelta(days=days)))
        SoftBounce.objects.filter(pk=row.pk).update(evidence=row.evidence | {"notification": made})
    person, taken = old[0].person, timezone.now() - timedelta(days=6)
    rows.note(desk.project, person, status="delivered", at=taken)
    bounce(desk, hand_over(desk, Accepting()), "4.4.7")
    assert blocked() is None
    assert SoftBounce.objects.count() == 1


def test_unblocking_forgets_the_soft_bounces_of_before(desk: Desk) -> None:
    for _ in range(4):
        give_up(desk)
    suppress.block("ann@x.test", Suppression.Cause.BY_HAND, {})
    suppress.unblock("ann@x.test", desk.agent)
    give_up(desk)
    assert blocked() is None


def test_after_unblocking_one_more_soft_bounce_does_not_block_again(desk: Desk) -> None:
    for _ in range(5):
        give_up(desk)
    assert suppress.unblock("ann@x.test", desk.agent, desk.project)
    give_up(desk)
    assert blocked() is None
