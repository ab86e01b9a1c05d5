"""Each outcome of an incoming message: the rule that gives it, in order, with its trail."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings

from deskpost.desk import requests
from deskpost.inbound.rules import RULES
from deskpost.mail import address
from deskpost.models import Comment, InboundEmail, Project, Request, Role, Suppression
from deskpost.outcomes import OUTCOMES, Outcome, Rule
from tests.carriers import Accepting
from tests.desk import Desk
from tests.parts.site import letter


def outcome(row: InboundEmail) -> tuple[str, str]:
    return row.status, row.outcome


def deciding(row: InboundEmail) -> str:
    return str(row.trail[-1]["rule"])


def test_the_rules_are_asked_in_the_products_order() -> None:
    assert [rule for rule, _ in RULES] == list(Rule)


def test_a_message_becomes_a_request(desk: Desk) -> None:
    row = desk.take(letter())
    assert outcome(row) == ("success", "request_created")
    assert row.request_key == "IT-1"
    request = desk.request()
    assert request.summary == "The printer is out of ink"
    assert request.reporter.email == "ann@x.test"
    comment = request.comments.get()
    assert comment.text.strip() == "It happened on Monday."
    assert comment.incoming == row.id
    assert [step["rule"] for step in row.trail] == list(Rule)


def test_a_message_too_large_is_failed_and_keeps_its_headers(desk: Desk) -> None:
    row = desk.take(b"Subject: holiday film\r\nFrom: ann@x.test\r\n\r\nAAAA", oversize=30_000_000)
    assert outcome(row) == ("failed", "too_large")
    assert row.subject == "holiday film"
    assert row.facts == {"bytes": 30_000_000, "limit": settings.DESKPOST["INBOUND_LIMIT"]}
    assert not Request.objects.exists()


def test_the_same_message_again_is_a_duplicate_and_names_the_first(desk: Desk) -> None:
    message = letter()
    first = desk.take(message)
    message["Received"] = "from elsewhere by another"
    second = desk.take(message)
    assert outcome(second) == ("skipped", "duplicate")
    assert second.facts["first"] == str(first.id)
    assert second.request_key == "IT-1"
    assert Request.objects.count() == 1


def test_the_same_message_id_with_another_body_is_no_duplicate(desk: Desk) -> None:
    first = letter(body="one")
    other = letter(body="two")
    other.replace_header("Message-ID", first["Message-ID"])
    desk.take(first)
    assert desk.take(other).outcome != "duplicate"


def test_one_message_to_two_projects_is_taken_by_each(desk: Desk) -> None:
    other = Project.objects.create(key="HR", name="People")
    channel = desk.add_channel("hr@desk.test", other)
    message = letter()
    desk.take(message)
    desk.take(message, channel=channel, to="hr@desk.test")
    assert {request.key for request in Request.objects.all()} == {"IT-1", "HR-1"}


def test_one_message_to_two_addresses_of_a_project_is_taken_once(desk: Desk) -> None:
    channel = desk.add_channel("help@desk.test")
    message = letter()
    first = desk.take(message)
    second = desk.take(message, channel=channel, to="help@desk.test")
    assert second.outcome == "duplicate"
    assert second.facts["first"] == str(first.id)
    assert Request.objects.count() == 1


def test_two_copies_in_one_batch_make_one_request(desk: Desk) -> None:
    message = letter()
    rows = [desk.arrive(message), desk.arrive(message)]
    desk.work_inbound()
    for row in rows:
        row.refresh_from_db()
    assert [row.outcome for row in rows] == ["request_created", "duplicate"]


def test_own_mail_that_comes_back_is_skipped(desk: Desk) -> None:
    by_header = letter(X_Deskpost_Site="desk.test")
    assert desk.take(by_header).outcome == "sent_by_this_site"
    by_id = letter()
    own = address.OwnId(request=1, notification=None)
    by_id.replace_header("Message-ID", address.own_message_id(own, "desk.test", settings.MAIL_KEY))
    assert desk.take(by_id).outcome == "sent_by_this_site"


@pytest.mark.parametrize("entry", ["ann@x.test", "x.test", "ANN@X.TEST"])
def test_a_blocked_sender_is_skipped(desk: Desk, entry: str) -> None:
    desk.project.block_list = f"other.test\n{entry}"
    desk.project.save()
    row = desk.take(letter())
    assert outcome(row) == ("skipped", "blocked_sender")
    assert row.facts["entry"] == entry
    assert deciding(row) == Rule.BLOCK_LIST


def test_a_blocked_envelope_sender_is_skipped_whatever_from_says(desk: Desk) -> None:
    desk.project.block_list = "*.spam.test"
    desk.project.save()
    assert desk.take(letter(), sender="x@mail.spam.test").outcome == "blocked_sender"


def bounce_of(note_to: str, message_id: str, status: str = "5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.x.test\r\nTo: it@desk.test\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        "Auto-Submitted: auto-replied\r\nMessage-ID: <bounce@mx.x.test>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.x.test\r\n\r\n"
        f"Final-Recipient: rfc822; {note_to}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {message_id}\r\nSubject: IT-1 x\r\n\r\n--b--\r\n"
    ).encode()


def test_a_bounce_with_proof_fails_its_notification_and_blocks_the_address(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    assert note.status == "delivered"
    row = desk.take(bounce_of("ann@x.test", note.message_id), sender="")
    assert outcome(row) == ("skipped", "delivery_status")
    note.refresh_from_db()
    assert (note.status, note.reason) == ("failed", "service_provider_error")
    assert note.facts["enhanced"] == "5.1.1"
    assert note.facts["incoming"] == str(row.id)
    evidence = Suppression.objects.get(address_key="ann@x.test").evidence
    assert "no such user" in evidence["answer"]
    assert (row.facts["proof"], row.facts["effect"]) == ("message_id", "blocked")
    assert row.facts["notification"] == str(note.id)


def test_a_bounce_without_proof_or_for_another_changes_nothing(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    forged = desk.take(bounce_of("ann@x.test", "<forged@desk.test>"), sender="")
    assert (forged.facts["proof"], forged.facts["effect"]) == ("none", "nothing")
    of_bob = bounce_of("bob@x.test", note.message_id).replace(b"<bounce@", b"<other@")
    other = desk.take(of_bob, sender="")
    assert (other.facts["proof"], other.facts["effect"]) == ("message_id", "other_recipient")
    note.refresh_from_db()
    assert note.status == "delivered"
    assert not Suppression.objects.exists()


def test_a_policy_refusal_fails_the_notification_and_blocks_nobody(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    row = desk.take(bounce_of("ann@x.test", note.message_id, status="5.7.1"), sender="")
    assert row.facts["effect"] == "failed"
    note.refresh_from_db()
    assert note.status == "failed"
    assert not Suppression.objects.exists()


def test_a_delay_is_noted_on_the_notification_which_stands(desk: Desk, outside: Accepting) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    report = bounce_of("ann@x.test", note.message_id, status="4.4.1")
    row = desk.take(report.replace(b"Action: failed", b"Action: delayed"), sender="")
    assert row.facts["effect"] == "delayed"
    note.refresh_from_db()
    assert note.status == "delivered"
    assert note.facts["delayed"]["enhanced"] == "4.4.1"


def test_a_bounce_to_the_signed_address_is_proof_without_the_original(
    desk: Desk, outside: Accepting
) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    token = address.BounceToken(notification=note.id)
    to = address.bounce_address("it@desk.test", token, settings.MAIL_KEY)
    row = desk.take(bounce_of("ann@x.test", "<lost@x.test>"), sender="", to=to)
    assert (row.facts["proof"], row.facts["effect"]) == ("address", "blocked")
    forged = to.replace("+b.", "+b.a")
    row = desk.take(bounce_of("ann@x.test", "<gone@x.test>").replace(b"<b", b"<c"), to=forged)
    assert row.facts["proof"] == "none"


def test_a_4xx_status_never_blocks_whatever_the_action_says(desk: Desk, outside: Accepting) -> None:
    desk.take(letter())
    (note,) = desk.deliver(outside)
    desk.take(bounce_of("ann@x.test", note.message_id, status="4.2.2"), sender="")
    assert not Suppression.objects.exists()


def test_an_auto_reply_bears_the_requests_key_and_makes_no_comment(desk: Desk) -> None:
    desk.take(letter())
    row = desk.take(letter("Automatic reply: IT-1", Auto_Submitted="auto-replied"))
    assert outcome(row) == ("skipped", "auto_reply")
    assert row.request_key == "IT-1"
    assert row.facts["because"] == "Auto-Submitted: auto-replied"
    assert desk.request().comments.count() == 1


def test_auto_submitted_no_is_a_person(desk: Desk) -> None:
    assert desk.take(letter(Auto_Submitted="no")).outcome == "request_created"


def test_list_mail_is_skipped_unless_its_domain_is_allowed(desk: Desk) -> None:
    assert desk.take(letter(List_Id="<news.x.test>")).outcome == "bulk"
    desk.project.allow_list = "x.test"
    desk.project.save()
    row = desk.take(letter("again", List_Id="<news.x.test>"))
    assert row.outcome == "request_created"
    assert {"rule": "bulk", "answer": "passed"}.items() <= row.trail[6].items()


def test_an_allowed_machine_is_never_acknowledged(desk: Desk) -> None:
    desk.project.allow_list = "x.test"
    desk.project.save()
    desk.take(letter(Auto_Submitted="auto-generated"))
    (note,) = desk.announce()
    assert (note.status, note.reason) == ("withheld", "own_action")


def test_whoever_asks_for_no_automatic_answer_gets_none(desk: Desk, outside: Accepting) -> None:
    row = desk.take(letter(X_Auto_Response_Suppress="All"))
    assert row.outcome == "request_created"
    (note,) = desk.deliver(outside)
    assert (note.status, note.reason) == ("withheld", "own_action")


def test_allowing_a_domain_never_lifts_the_block_list_or_the_loop_threshold(desk: Desk) -> None:
    desk.project.allow_list = desk.project.block_list = "x.test"
    desk.project.save()
    assert desk.take(letter()).outcome == "blocked_sender"
    desk.project.block_list = ""
    desk.project.save()
    outcomes = [desk.take(letter(f"{n}")).outcome for n in range(11)]
    assert outcomes[-1] == "too_many"


def test_the_eleventh_message_in_ten_minutes_is_too_many(desk: Desk) -> None:
    outcomes = [desk.take(letter(f"{n}")).outcome for n in range(11)]
    assert outcomes == ["request_created"] * 10 + ["too_many"]
    assert desk.take(letter(sender="Bob <bob@x.test>")).outcome == "request_created"


def test_a_channel_has_its_own_loop_threshold(desk: Desk) -> None:
    desk.channel.most_in_10_minutes = 2
    desk.channel.save()
    rows = [desk.take(letter(f"{n}")) for n in range(3)]
    assert [row.outcome for row in rows] == ["request_created"] * 2 + ["too_many"]
    assert rows[2].facts == {"count": 2, "minutes": 10}


@pytest.mark.parametrize("sender", ["", "undisclosed", "Ann <>", "@x.test"])
def test_a_message_without_a_usable_from_is_failed(desk: Desk, sender: str) -> None:
    raw = f"From: {sender}\r\nSubject: hello\r\n\r\nhello\r\n".encode()
    row = desk.take(raw)
    assert outcome(row) == ("failed", "no_sender")
    assert row.sender == "ann@x.test"  # the envelope's, so that the log can be searched


class TestAnswers:
    """Answers find their request: by token, signed ids, known ids, or the key in the subject."""

    def first(self, desk: Desk) -> EmailMessage:
        message = letter()
        desk.take(message)
        return message

    def token_address(self, desk: Desk) -> str:
        token = address.ReplyToken(request=desk.request().pk, person=1)
        return address.reply_address("it@desk.test", token, settings.MAIL_KEY)

    def test_by_reply_token(self, desk: Desk) -> None:
        self.first(desk)
        row = desk.take(letter("another subject"), to=self.token_address(desk))
        assert outcome(row) == ("success", "comment_added")
        assert row.request_key == "IT-1"

    def test_by_reply_token_in_the_to_header_when_the_envelope_lost_it(self, desk: Desk) -> None:
        self.first(desk)
        assert desk.take(letter("x", to=self.token_address(desk))).outcome == "comment_added"

    @pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "X-Forwarded-To"])
    def test_by_reply_token_in_the_headers_of_a_forwarder(self, desk: Desk, header: str) -> None:
        self.first(desk)
        forwarded = letter("x", to="someone@x.test")
        forwarded[header] = self.token_address(desk)
        assert desk.take(forwarded).outcome == "comment_added"

    def test_a_forged_token_gives_nothing(self, desk: Desk) -> None:
        self.first(desk)
        local, _, domain = self.token_address(desk).partition("@")
        forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
        assert desk.take(letter("x", to=forged)).outcome == "request_created"

    def test_by_own_signed_message_id(self, desk: Desk) -> None:
        self.first(desk)
        own = address.OwnId(request=desk.request().pk, notification=None)
        message_id = address.own_message_id(own, "desk.test", settings.MAIL_KEY)
        assert desk.take(letter("x", In_Reply_To=message_id)).outcome == "comment_added"

    def test_by_known_message_id_of_this_project_only(self, desk: Desk) -> None:
        message_id = self.first(desk)["Message-ID"]
        other = Project.objects.create(key="HR", name="People")
        channel = desk.add_channel("hr@desk.test", other)
        elsewhere = letter("x", References=message_id)
        assert desk.take(elsewhere, channel=channel).outcome == "request_created"
        assert desk.take(letter("y", References=message_id)).outcome == "comment_added"

    def test_by_the_leftmost_key_in_the_subject(self, desk: Desk) -> None:
        self.first(desk)
        desk.take(letter("second"))
        row = desk.take(letter("Re: [IT-2] and IT-1"))
        assert (row.outcome, row.request_key) == ("comment_added", "IT-2")

    @pytest.mark.parametrize("subject", ["EXIT-1", "IT-10", "IT-1x", "it 1", "MIT-1 course"])
    def test_what_only_resembles_a_key_is_none(self, desk: Desk, subject: str) -> None:
        self.first(desk)
        assert desk.take(letter(subject)).outcome == "request_created"

    def test_a_stranger_has_no_permission_and_the_row_bears_the_key(self, desk: Desk) -> None:
        self.first(desk)
        row = desk.take(letter("Re: IT-1", sender="Eve <eve@evil.test>"))
        assert outcome(row) == ("failed", "no_permission")
        assert row.request_key == "IT-1"
        assert desk.request().comments.count() == 1

    def test_an_agent_may_answer_any_request(self, desk: Desk) -> None:
        self.first(desk)
        row = desk.take(letter("Re: IT-1", sender="agent@desk.test"))
        assert row.outcome == "comment_added"

    def test_a_participant_may_answer(self, desk: Desk) -> None:
        desk.take(letter(Cc="Bob <bob@x.test>"))
        assert desk.take(letter("Re: IT-1", sender="bob@x.test")).outcome == "comment_added"

    def test_an_answer_opens_a_resolved_request_again(self, desk: Desk) -> None:
        self.first(desk)
        requests.resolve(desk.request(), now=desk.project.created_at)
        desk.take(letter("Re: IT-1"))
        assert desk.request().status == Request.Status.OPEN

    def test_a_closed_request_takes_no_comment(self, desk: Desk) -> None:
        self.first(desk)
        Request.objects.update(status=Request.Status.CLOSED)
        row = desk.take(letter("Re: IT-1"))
        assert outcome(row) == ("failed", "request_closed")
        assert Comment.objects.count() == 1

    def test_a_closed_request_is_followed_by_a_new_one_where_the_project_says_so(
        self, desk: Desk
    ) -> None:
        self.first(desk)
        Request.objects.update(status=Request.Status.CLOSED)
        Project.objects.update(closed_opens_new=True)
        row = desk.take(letter("Re: IT-1"))
        assert (row.outcome, row.request_key) == ("request_created", "IT-2")
        assert desk.request("IT-2").follows == desk.request("IT-1")


def test_a_stranger_is_refused_while_signup_is_closed(desk: Desk) -> None:
    desk.project.signup_open = False
    desk.project.save()
    assert outcome(desk.take(letter())) == ("failed", "signup_closed")
    desk.member("ann@x.test", Role.CUSTOMER)
    assert desk.take(letter("again")).outcome == "request_created"


def test_required_fields_that_mail_cannot_give(desk: Desk) -> None:
    desk.type.required_fields = ["Room"]
    desk.type.save()
    row = desk.take(letter())
    assert outcome(row) == ("failed", "required_fields")
    assert row.facts["fields"] == ["Room"]


def test_every_outcome_of_the_rules_fixes_its_status() -> None:
    assert set(OUTCOMES) == set(Outcome)


def test_people_in_to_and_cc_become_participants_but_never_our_channels(desk: Desk) -> None:
    desk.add_channel("hr@desk.test")
    message = letter(to="it@desk.test, Bob <bob@x.test>", Cc="hr@desk.test, cy@x.test, ann@x.test")
    desk.take(message)
    people = {part.person.email for part in desk.request().participants.all()}
    assert people == {"bob@x.test", "cy@x.test"}


def test_quoted_history_is_cut_and_the_whole_is_kept(desk: Desk) -> None:
    desk.take(letter())
    body = "Thank you, it works.\n\nOn Mon, 23 Nov 2026 Agent wrote:\n> Did you try it?\n"
    desk.take(letter("Re: IT-1", body=body))
    comment = desk.request().comments.order_by("-id")[0]
    assert comment.text.strip() == "Thank you, it works."
    assert "Did you try it?" in comment.rest


def test_attachments_are_kept_whole(desk: Desk) -> None:
    message = letter()
    data = bytes(range(256)) * 10
    message.add_attachment(data, maintype="image", subtype="png", filename="../../screen.png")
    desk.take(message)
    attachment = desk.request().comments.get().attachments.get()
    assert "/" not in attachment.name
    from django.core.files.storage import storages

    with storages["default"].open(attachment.storage_key) as file:
        assert file.read() == data


def test_old_messages_do_not_count_towards_the_loop_threshold(desk: Desk) -> None:
    for n in range(10):
        row = desk.take(letter(f"{n}"))
        moved = row.received_at - timedelta(minutes=11 + n)
        InboundEmail.objects.filter(pk=row.pk).update(id=_at(moved))
    assert desk.take(letter("now")).outcome == "request_created"


def _at(moment: object) -> object:
    import uuid
    from datetime import datetime

    from deskpost.models import first_id

    assert isinstance(moment, datetime)
    return uuid.UUID(int=first_id(moment).int | (uuid.uuid4().int & ((1 << 80) - 1)))
