"""Bounces in words: the forms of many servers, in words of this project's own."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.automatic import nature
from deskpost.mail.mime import parse
from deskpost.mail.reports import Report, ReportRecipient, read
from tests.mail import samples

ANN = "ann@customer.example"
DAEMON = "Mail Delivery System <MAILER-DAEMON@relay.example>"
ORIGINAL = """
Received: from desk.example by relay.example; Mon, 5 Jan 2026 10:00:00 +0000
From: support@desk.example
To: ann@customer.example
Message-ID: <dp.original@desk.example>
Subject: IT-1 Printer

Hello
"""


def bounce(
    body: str,
    *,
    subject: str = "Undelivered mail returned to sender",
    sender: str = DAEMON,
    headers: str = "Return-Path: <>\n",
) -> bytes:
    start = f"{headers}From: {sender}\nTo: support@desk.example\nSubject: {subject}\n"
    return samples.encode(f"{start}Content-Type: text/plain; charset=utf-8\n\n{body}")


def report_of(raw: bytes) -> Report:
    report = read(parse(raw))
    assert report is not None
    assert nature(parse(raw), "").kind == "report"
    return report


def only(raw: bytes) -> ReportRecipient:
    (recipient,) = report_of(raw).recipients
    return recipient


FORMS = {
    "exim": (
        "A message that you sent could not be delivered to one of its recipients.\n"
        "This address failed:\n\n"
        "  ann@customer.example\n"
        "    host mx.customer.example [192.0.2.1]\n"
        "    SMTP error from remote mail server after RCPT TO:<ann@customer.example>:\n"
        "    550 5.1.1 <ann@customer.example>: no such user\n\n"
        "------ This is a copy of the message, with its headers. ------\n" + ORIGINAL,
        ("5.1.1", "hard"),
    ),
    "exim, a queue that expired": (
        "The following address failed:\n\n  ann@customer.example\n    retry timeout exceeded\n",
        ("4.4.7", "soft"),
    ),
    "exim, an alias": (
        "The following address failed:\n\n"
        "  someone@elsewhere.example\n    (generated from ann@customer.example)\n"
        "    Unrouteable address\n",
        ("5.1.2", "hard"),
    ),
    "qmail": (
        "Hi. I was not able to deliver your message to these addresses.\n\n"
        "<ann@customer.example>:\n192.0.2.1 does not like recipient.\n"
        "Remote host said: 552 mailbox full\nGiving up on 192.0.2.1.\n\n"
        "--- Below this line is a copy of the message.\n" + ORIGINAL,
        ("5.2.2", "soft"),
    ),
    "qmail, with a code at the end": (
        "I was not able to deliver to:\n\n<ann@customer.example>:\n"
        "Sorry, there is no mailbox here by that name. (#5.1.1)\n",
        ("5.1.1", "hard"),
    ),
    "postfix": (
        "Your message could not be delivered to a recipient.\n"
        "For help please contact <postmaster@relay.example>\n\n"
        "<ann@customer.example>: host mx.customer.example[192.0.2.1] said: 550 5.7.1\n"
        "    Message blocked by our policy (in reply to end of DATA command)\n",
        ("5.7.1", "policy"),
    ),
    "sendmail": (
        "   ----- The following addresses had permanent fatal errors -----\n"
        "<ann@customer.example>\n    (reason: 550 5.1.1 User unknown)\n\n"
        "   ----- Transcript of session follows -----\n"
        "... while talking to mx.customer.example.:\n>>> RCPT To:<ann@customer.example>\n"
        "<<< 550 5.1.1 User unknown\n",
        ("5.1.1", "hard"),
    ),
    "sendmail 5": (
        "   ----- Transcript of session follows -----\nWhile talking to mx.customer.example:\n"
        ">>> RCPT To:<ann@customer.example>\n<<< 550 <ann@customer.example>, User unknown\n"
        "550 <ann@customer.example>... User unknown\n\n   ----- Unsent message follows -----\n"
        + ORIGINAL,
        ("5.1.1", "hard"),
    ),
    "exchange 5.5": (
        "Your message\n\n  To:      Ann\n  Subject: Printer\n  Sent:    Mon, 5 Jan 2026\n\n"
        "did not reach the following recipient(s):\n\n"
        "ann@customer.example on Mon, 5 Jan 2026 10:00:00 +0000\n"
        "    The recipient name is not recognized\n    MSEXCH:IMS:MX 0 Unknown Recipient\n",
        ("5.1.1", "hard"),
    ),
    "exchange 5.5, an X.400 address": (
        "Your message\n\ndid not reach the following recipient(s):\n\n"
        "c=US;a= ;p=CUSTOMER;o=HQ;dda:SMTP=ann@customer.example; on Mon, 5 Jan 2026\n"
        "    The recipient name is not recognized\n",
        ("5.1.1", "hard"),
    ),
    "exchange 2007": (
        "Delivery has failed to these recipients or groups:\n\n"
        "ann@customer.example<mailto:ann@customer.example>\nThe mailbox is full.\n\n"
        "Diagnostic information for administrators:\n\nann@customer.example\n"
        "mx.customer.example #550 5.2.2 STOREDRV.Deliver: mailbox full ##\n",
        ("5.2.2", "soft"),
    ),
    "domino": (
        "Your message\n\n  Subject: Printer\n\nwas not delivered to:\n\n"
        "  ann@customer.example\n\nbecause:\n\n"
        "  User Ann (ann@customer.example) not listed in Domino Directory\n",
        ("5.1.1", "hard"),
    ),
    "gmail": (
        "Delivery to the following recipient failed permanently:\n\n     ann@customer.example\n\n"
        "Technical details of permanent failure:\nThe other server returned:\n"
        "550 550 5.1.1 No such user (state 14).\n\n----- Original message -----\n" + ORIGINAL,
        ("5.1.1", "hard"),
    ),
    "yahoo": (
        "Sorry, we were unable to deliver your message to this address.\n\n"
        "<ann@customer.example>:\n554: 5.4.14 hop count exceeded\n",
        ("5.4.14", "soft"),
    ),
    "imail": (
        "User mailbox exceeds allowed size: ann@customer.example\n\nOriginal message follows.\n"
        + ORIGINAL,
        ("5.2.2", "soft"),
    ),
    "imail, a response": (
        "Unknown user: ann@customer.example\n\nRCPT TO generated following response:\n"
        "553 5.3.0 <ann@customer.example>... Addressee unknown\n",
        ("5.3.0", "hard"),
    ),
    "mailmarshal": (
        "Your message:\n   From:    support@desk.example\n   Subject: Printer\n\n"
        "could not be delivered because of\n\n550 5.1.1 User unknown\n\n"
        "These recipients were affected:\n    ann@customer.example\n",
        ("5.1.1", "hard"),
    ),
    "interscan": (
        "Sent <<< RCPT TO:<ann@customer.example>\nReceived >>> 550 5.1.1 unknown user\n"
        "Unable to deliver message to <ann@customer.example>.\n",
        ("5.1.1", "hard"),
    ),
    "zoho": (
        "A message that you sent could not be delivered to one of its recipients.\n\n"
        "ann@customer.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 no such user\n\n"
        "Received:from mail.relay.example by mx.relay.example\n"
        "Message-ID:<dp.original@desk.example>\n",
        ("5.1.1", "hard"),
    ),
    "opensmtpd": (
        "    An error has occurred while attempting to deliver a message for\n"
        "    the following list of recipients:\n\n"
        "ann@customer.example: 550 5.7.1 Relaying denied\n",
        ("5.7.1", "policy"),
    ),
    "dragonfly": (
        "There was an error delivering your mail to <ann@customer.example>.\n\n"
        "mx.customer.example [192.0.2.1] did not like our RCPT TO:\n550 5.1.1 User unknown\n\n"
        "Message headers follow.\n" + ORIGINAL,
        ("5.1.1", "hard"),
    ),
    "mimecast": (
        "This is a delivery failure notification: an email you addressed to email address :\n"
        "-- ann@customer.example\n\ncould not be delivered. The problem appears to be :\n"
        "-- Recipient email address is possibly incorrect\n\nAdditional information follows :\n"
        "-- 5.1.10 recipient not found by SMTP address lookup\n",
        ("5.1.10", "hard"),
    ),
    "mailenable": (
        "Message could not be delivered to some recipients.\n\n"
        "\tRecipient: [SMTP:ann@customer.example]\n"
        "\tReason: Remote SMTP Server Returned: 550 not a valid mailbox\n",
        ("5.1.1", "hard"),
    ),
    "mdaemon": (
        "YOUR MESSAGE WAS NOT DELIVERED!\n\n"
        "The following addresses did NOT receive a copy of your message:\n\n"
        "> ann@customer.example\n\n--- Session ---\n  --> RCPT To:<ann@customer.example>\n"
        "  <-- 550 <ann@customer.example>, Recipient unknown\n",
        ("5.1.1", "hard"),
    ),
    "listserv": (
        "An error was detected while processing the enclosed message.\n\n"
        "Error-for:  ann@customer.example\nError-Code: 3\n"
        'Error-Text: Mailer mx said: "550 5.1.1 no such mailbox"\n',
        ("5.1.1", "hard"),
    ),
    "kddi": (
        "次のあて先へのメッセージはエラーのため送信できませんでした。\n\n"
        "    Recipient: <ann@customer.example>\n    >>> RCPT TO:<ann@customer.example>\n"
        "    <<< 550 <ann@customer.example>: User unknown\n",
        ("5.1.1", "hard"),
    ),
    "japanese, a full mailbox": (
        "送信先のメールボックスが一杯のため、送信できませんでした。\n\nann@customer.example\n",
        ("5.2.2", "soft"),
    ),
    "japanese, an unknown address": (
        "以下の宛先へ配信できませんでした。\n宛先が見つかりません。\n\n<ann@customer.example>\n",
        ("5.1.1", "hard"),
    ),
    "german": (
        "Ihre Nachricht konnte nicht zugestellt werden an:\n\nann@customer.example\n"
        "Der Empfänger existiert nicht.\n",
        ("5.1.1", "hard"),
    ),
    "french": (
        "Votre message n'a pas pu être remis au destinataire suivant :\n\nann@customer.example\n"
        "La boîte aux lettres est pleine.\n",
        ("5.2.2", "soft"),
    ),
    "spanish": (
        "No se pudo entregar el mensaje al siguiente destinatario:\n\nann@customer.example\n"
        "El usuario no existe.\n",
        ("5.1.1", "hard"),
    ),
    "portuguese": (
        "A sua mensagem não pôde ser entregue:\n\nann@customer.example\n"
        "O destinatário é desconhecido.\n",
        ("5.1.1", "hard"),
    ),
    "italian": (
        "Il messaggio non è stato consegnato a:\n\nann@customer.example\nUtente sconosciuto.\n",
        ("5.1.1", "hard"),
    ),
    "dutch": (
        "Uw bericht kan niet worden bezorgd aan:\n\nann@customer.example\n"
        "Het adres van de ontvanger bestaat niet.\n",
        ("5.1.1", "hard"),
    ),
    "chinese": ("您的邮件无法投递：\n\nann@customer.example\n该用户不存在\n", ("5.1.1", "hard")),
    "chinese, labelled": (
        "您发送的邮件被退回：\n收件人邮件地址：ann@customer.example\n退信原因：收件人邮箱不存在\n",
        ("5.1.1", "hard"),
    ),
    "too large": (
        "Your message could not be delivered to ann@customer.example:\n"
        "the message size exceeds the limit of that mailbox\n",
        ("5.3.4", "soft"),
    ),
    "no such host": (
        "Could not be delivered:\n\n<ann@customer.example>: Host or domain name not found.\n",
        ("5.1.2", "hard"),
    ),
    "no connection": (
        "Could not be delivered:\n\n<ann@customer.example>:\nconnect: Connection refused\n",
        ("4.4.1", "soft"),
    ),
    "suspended": (
        "Could not be delivered:\n\n<ann@customer.example>: 550 account is locked\n",
        ("5.2.0", "soft"),
    ),
    "our own domain is refused": (
        "Could not be delivered:\n\n<ann@customer.example>: 550 Sender address rejected:\n"
        "    Domain not found\n",
        ("5.7.1", "policy"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    body, (status, severity) = FORMS[form]
    recipient = only(bounce(body))
    assert recipient.address == ANN
    assert (recipient.status, recipient.severity) == (status, severity)
    assert recipient.action == "failed"


@pytest.mark.parametrize("form", [form for form, (body, _) in FORMS.items() if ORIGINAL in body])
def test_the_quoted_original_is_named(form: str) -> None:
    report = report_of(bounce(FORMS[form][0]))
    assert report.original_message_id == "<dp.original@desk.example>"
    assert report.free_text


def test_the_original_that_is_answered_is_named() -> None:
    raw = bounce("<ann@customer.example>: no\n", headers="Return-Path: <>\nIn-Reply-To: <a@b>\n")
    assert report_of(raw).original_message_id == "<a@b>"


@pytest.mark.parametrize(
    "body",
    [
        "It has not yet been delivered to:\n\n  ann@customer.example\n    550 no such user\n",
        "Delivery to ann@customer.example has been delayed. It will be retried for 2 days.\n",
        "<ann@customer.example>: 452 4.2.2 mailbox full\n\nWe will continue to try.\n",
    ],
)
def test_a_delay_is_no_failure(body: str) -> None:
    recipient = only(bounce(body, subject="Warning: message delayed"))
    assert (recipient.action, recipient.severity) == ("delayed", "delayed")
    assert recipient.status.startswith(("4", "5.1.1"))


def test_several_recipients_each_with_its_own_words() -> None:
    raw = bounce(
        "These addresses failed:\n\n<ann@customer.example>:\n550 5.1.1 User unknown\n\n"
        "<bob@customer.example>:\n552 5.2.2 Mailbox full\n\n"
        "<carl@customer.example>:\n550 5.7.1 Spam\n"
    )
    found = {it.address: (it.status, it.severity) for it in report_of(raw).recipients}
    assert found == {
        "ann@customer.example": ("5.1.1", "hard"),
        "bob@customer.example": ("5.2.2", "soft"),
        "carl@customer.example": ("5.7.1", "policy"),
    }


def test_a_transcript_of_several_recipients() -> None:
    raw = bounce(
        "   ----- Transcript of session follows -----\n"
        "554 <ann@customer.example>... Remote protocol error\n"
        "550 other.example (smtp)... 550 Host unknown\n"
        "554 <bob@other.example>... 550 Host unknown\n"
    )
    found = {it.address: it.severity for it in report_of(raw).recipients}
    assert found == {"ann@customer.example": "soft", "bob@other.example": "hard"}


def test_failed_recipients_header() -> None:
    headers = "Return-Path: <>\nX-Failed-Recipients: ann@customer.example\n"
    raw = bounce("We write to you, support@desk.example, about a group.\n", headers=headers)
    assert only(raw).address == ANN


def test_the_servers_are_named() -> None:
    report = report_of(
        bounce(
            "This is the mail system at host relay.example.\n\n"
            "<ann@customer.example>: host mx.customer.example[192.0.2.1] said: 550 no such user\n"
        )
    )
    assert report.reporting_server == "relay.example"
    assert report.recipients[0].remote_server == "mx.customer.example"


def test_fields_of_a_status_in_the_text() -> None:
    raw = bounce(
        "Technical report:\n\nReporting-MTA: dns; relay.example\n\nAction: failed\n"
        "Final-Recipient: rfc822; ann@customer.example\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\nStatus: 5.0.0\n"
    )
    assert (only(raw).status, only(raw).severity) == ("5.1.1", "hard")


def test_a_report_within_a_report() -> None:
    inner = samples.bounce().decode().replace("\r\n", "\n")
    raw = samples.encode(
        f"Return-Path: <>\nFrom: {DAEMON}\nSubject: Returned mail\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="gateway"\n\n'
        "--gateway\nContent-Type: text/plain\n\nThis address had delivery errors.\n"
        f"--gateway\nContent-Type: message/rfc822\n\n{inner}\n--gateway--\n"
    )
    assert only(raw).address == ANN
    assert report_of(raw).original_message_id == "<dp.original@desk.example>"


def test_html_alone_is_read() -> None:
    raw = bounce("").replace(b"text/plain", b"text/html")
    raw += b"<p>Your mail could not be delivered to:</p><p>ann@customer.example</p><p>No such user"
    assert (only(raw).address, only(raw).severity) == (ANN, "hard")


def test_the_sole_recipient_of_the_original() -> None:
    raw = bounce(
        "   ----- Transcript of session follows -----\n"
        "421 customer.example (smtp)... Deferred: Connection timed out\n\n"
        "   ----- Unsent message follows -----\n" + ORIGINAL
    )
    assert (only(raw).address, only(raw).severity) == (ANN, "soft")


def test_an_address_ends_before_a_control_character() -> None:
    raw = bounce("I am sorry.\n\n<ann@customer.example\x0f>: 550 5.1.1 User unknown\n")
    assert only(raw).address == "ann@customer.example"


def test_names_without_a_domain_are_the_daemons() -> None:
    raw = bounce("The following recipients could not be reached:\n\tann\n\tbob\n")
    assert [it.address for it in report_of(raw).recipients] == [
        "ann@relay.example",
        "bob@relay.example",
    ]


def test_a_daemon_needs_no_subject() -> None:
    raw = bounce("<ann@customer.example>: mail loops back to myself\n", subject="Printer")
    assert (only(raw).address, only(raw).status) == (ANN, "5.4.6")
    assert read(parse(bounce("Good day\n", subject="Printer"))) is None


def test_a_daemon_that_names_nobody() -> None:
    assert report_of(bounce("It could not be delivered.\n")).recipients == ()


def test_words_better_a_vague_status() -> None:
    raw = samples.bounce(status="5.0.0", diagnostic="see the text")
    raw = raw.replace(
        b"I am sorry.", b"<ann@customer.example>: host said: 550 5.2.1 mailbox closed"
    )
    assert only(raw).status == "5.2.1"


def test_a_refusal_of_the_message_is_not_one_of_the_address() -> None:
    words = "550 User unknown (in reply to end of DATA command)"
    assert only(bounce(f"<ann@customer.example>: {words}\n")).severity == "soft"
    words = "550 User unknown (in reply to RCPT TO command)"
    assert only(bounce(f"<ann@customer.example>: {words}\n")).severity == "hard"


FORWARDED = FORMS["postfix"][0]


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        (ANN, "Fwd: Undelivered mail returned to sender", FORWARDED),
        (ANN, "Undelivered mail returned to sender", f"Hello,\nI got this:\n\n{FORWARDED}"),
        (ANN, "Mail delivery failed", FORWARDED),
        ("postmaster@customer.example", "Your delivery", f"Dear all,\n\n{FORWARDED}"),
        (
            "postmaster@customer.example",
            "Re: Undeliverable: Printer",
            "It was ann@customer.example.",
        ),
        (
            "noreply@shop.example",
            "Delivery failed",
            "Your parcel for ann@customer.example is back.",
        ),
        ("noreply@shop.example", "Your order was delivered", "Delivery to ann@customer.example"),
    ],
)
def test_people_and_shops_write_of_deliveries_too(sender: str, subject: str, body: str) -> None:
    raw = bounce(body, sender=sender, subject=subject, headers="")
    assert read(parse(raw)) is None
    assert nature(parse(raw), sender).kind == "human"


@pytest.mark.parametrize("raw", [samples.bounce(), samples.complaint()])
def test_a_report_that_a_person_forwards_is_that_persons_mail(raw: bytes) -> None:
    for old, new in (
        (b"Return-Path: <>\r\n", b""),
        (b"Auto-Submitted: auto-replied\r\n", b""),
        (b"From: Mail Delivery System <MAILER-DAEMON@relay.example>", b"From: " + ANN.encode()),
        (b"multipart/report; report-type=delivery-status", b"multipart/mixed"),
        (b"multipart/report; report-type=feedback-report", b"multipart/mixed"),
        (b"\r\nSubject: ", b"\r\nSubject: Fwd: "),
    ):
        raw = raw.replace(old, new, 1)
    assert read(parse(raw)) is None
    assert nature(parse(raw), ANN).kind == "human"


def test_a_shop_is_no_daemon() -> None:
    raw = bounce("Your parcel was not delivered to ann@customer.example.\n",
                 sender="Mail Delivery Service <care@shop.example>", headers="")  # fmt: skip
    assert read(parse(raw)) is None


def test_an_absence_is_no_bounce() -> None:
    body = "I am away; your mail was not delivered to ann@customer.example.\n"
    raw = bounce(body, sender=ANN, subject="Automatic reply: Printer")
    assert read(parse(raw)) is None
    assert nature(parse(raw), "").kind == "auto_reply"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Bounce", ("bounce", "hard")), ("Complaint", ("complaint", "policy")),
     ("Delivery", ("bounce", "delivered"))],
)  # fmt: skip
def test_notifications_in_json(kind: str, expected: tuple[str, str]) -> None:
    raw = bounce(
        f'{{"notificationType":"{kind}","mail":{{"commonHeaders":{{"messageId":"<m@desk.example>"}}}},'
        '"bounce":{"bouncedRecipients":[{"emailAddress":"ann@customer.example","action":"failed",'
        '"status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},'
        '"complaint":{"complainedRecipients":[{"emailAddress":"ann@customer.example"}]},'
        '"delivery":{"recipients":["ann@customer.example"],"smtpResponse":"250 2.0.0 ok"}}\n\n--\n'
        "Unsubscribe here\n",
        sender="no-reply@sns.example",
        subject="Notification",
        headers="",
    )
    report = read(parse(raw))
    assert report is not None
    (recipient,) = report.recipients
    assert (report.kind, recipient.severity) == expected
    assert recipient.address == ANN
    assert report.original_message_id == "<m@desk.example>"


@pytest.mark.parametrize(
    "body",
    ['{"notificationType":', '{"notificationType":"Bounce"}',
     '{"notificationType":"Bounce","bounce":3}',
     '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[[],null,7]}}',
     '{"notificationType":"Bounce","bounce":' + "[" * 100_000],
)  # fmt: skip
def test_broken_json(body: str) -> None:
    read(parse(bounce(body, sender="no-reply@sns.example", headers="")))


@settings(deadline=None)
@given(
    st.sampled_from(sorted(FORMS)), st.lists(st.tuples(st.integers(0, 900), st.text(max_size=4)))
)
def test_never_raises(form: str, edits: list[tuple[int, str]]) -> None:
    body = FORMS[form][0]
    for place, piece in edits:
        body = body[:place] + piece + body[place + 3 :]
    raw = bounce(body.encode("utf-8", "replace").decode())
    report = read(parse(raw), "")
    for it in report.recipients if report else ():
        f"{it.address}{it.diagnostic}{it.remote_server}".encode()
        assert it.severity != "hard" or not it.status.startswith("4")


PIECES = (
    "a", "<", ">", "@", " ", "\n", "-", "=", ":", ".", "5", "{", "[", '"', "ann@customer.example ",
    "<a@b>\n", "<a@b>:\n550 5.1.1 no such user\n", "550 ", "5.1.1 ", "not ", "could not \t",
    "said: ", "host a.", "Final-Recipient: rfc822; a@b\n\n", "--- \n", "user ", "> ",
    "delivery of ",
    "宛先", "message-id: <", "(generated from ", "smtp=", "following recipients:\n ann\n",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("head", ["", "could not be delivered <ann@customer.example>: "])
def test_time_is_linear(piece: str, head: str) -> None:
    body = head + piece * (1_000_000 // len(piece))
    messages = [
        parse(bounce(body)),
        parse(bounce(body, sender="noreply@relay.example", subject=piece * 10_000, headers="")),
        parse(samples.bounce(diagnostic="x").replace(b"I am sorry.", body.encode())),
        parse(samples.bounce(diagnostic=piece * 10_000)),
    ]
    for email in messages:
        start = time.perf_counter()
        read(email)
        nature(email, "")
        assert time.perf_counter() - start < 1
