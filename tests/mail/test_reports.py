import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskpost.mail.mime import parse
from deskpost.mail.reports import read
from tests.mail import samples


def severity(action: str, status: str, diagnostic: str = "") -> str:
    report = read(parse(samples.bounce(action, status, diagnostic)))
    assert report is not None
    return report.recipients[0].severity


def test_a_bounce() -> None:
    report = read(parse(samples.bounce()))
    assert report is not None
    assert report.kind == "bounce"
    assert report.original_message_id == "<dp.original@desk.example>"
    assert report.reporting_server == "relay.example"
    (recipient,) = report.recipients
    assert recipient.address == "ann@customer.example"
    assert (recipient.action, recipient.status) == ("failed", "5.1.1")
    assert recipient.diagnostic == "550 5.1.1 <ann@customer.example>: User unknown"
    assert recipient.remote_server == "mx.customer.example"
    assert recipient.severity == "hard"


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "expected"),
    [
        ("failed", "5.1.1", "", "hard"),
        ("failed", "5.1.10", "", "hard"),
        ("failed", "5.0.0", "550 no such user", "hard"),
        ("failed", "4.2.2", "452 4.2.2 mailbox full", "soft"),
        ("failed", "4.4.7", "user unknown", "soft"),
        ("failed", "5.2.2", "552 mailbox full", "soft"),
        ("failed", "5.3.4", "552 too large", "soft"),
        ("failed", "5.7.1", "550 no such user", "policy"),
        ("failed", "5.0.0", "550 5.7.26 unauthenticated", "policy"),
        ("failed", "5.1.1", "550 5.7.1 blocked", "policy"),
        ("delayed", "4.4.1", "timed out", "delayed"),
        ("delayed", "5.1.1", "", "delayed"),
        ("delivered", "2.0.0", "250 ok", "delivered"),
        ("relayed", "2.0.0", "250 ok", "delivered"),
        ("failed", "", "550 5.1.1 user unknown", "hard"),
        ("failed", "", "452 user unknown", "soft"),
        ("failed", "", "", "soft"),
    ],
)
def test_severity(action: str, status: str, diagnostic: str, expected: str) -> None:
    assert severity(action, status, diagnostic or "none") == expected


@settings(deadline=None)
@given(st.sampled_from(["failed", "delayed", ""]), st.integers(0, 9), st.integers(0, 99))
def test_a_temporary_status_is_never_hard(action: str, subject: int, detail: int) -> None:
    assert severity(action, f"4.{subject}.{detail}", "550 5.1.1 user unknown") != "hard"


def report_of(fields: str) -> bytes:
    return samples.encode(
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\n\n'
        f"--r\nContent-Type: message/delivery-status\n\n{fields}\n--r--\n"
    )


def test_many_recipients_are_read_and_bounded() -> None:
    groups = "".join(
        f"\nFinal-Recipient: rfc822; u{n}@a.example\nAction: failed\nStatus: 5.1.1\n"
        for n in range(500)
    )
    report = read(parse(report_of(f"Reporting-MTA: dns; relay.example\n{groups}")))
    assert report is not None
    assert len(report.recipients) == 100
    assert report.original_message_id is None


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("Final-Recipient: rfc822; <ann@a.example>", "ann@a.example"),
        ("Final-Recipient: ann@a.example", "ann@a.example"),
        ("Final-Recipient: rfc822; ann+40a.example", "ann@a.example"),
        ("Final-Recipient: rfc822; ann+tag@a.example", "ann+tag@a.example"),
        ("Final-Recipient: rfc822; a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("Original-Recipient: rfc822; x@a.example\nFinal-Recipient: rfc822; y@b", "x@a.example"),
    ],
)
def test_recipients(field: str, address: str) -> None:
    report = read(parse(report_of(f"Reporting-MTA: dns; x\n\n{field}\nAction: failed\n")))
    assert report is not None
    assert report.recipients[0].address == address


def test_a_complaint() -> None:
    report = read(parse(samples.complaint()))
    assert report is not None
    assert report.kind == "complaint"
    assert report.original_message_id == "<dp.original@desk.example>"
    assert report.reporting_server == "fbl.provider.example"
    assert [box.address for box in report.recipients] == ["ann@customer.example"]


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_feedback_that_is_no_complaint(kind: str) -> None:
    assert read(parse(samples.complaint(kind))) is None


def test_a_complaint_without_a_recipient_takes_the_originals() -> None:
    raw = samples.complaint().replace(b"Original-Rcpt-To: <ann@customer.example>\r\n", b"")
    report = read(parse(raw))
    assert report is not None
    assert [box.address for box in report.recipients] == ["ann@customer.example"]


def test_no_report() -> None:
    assert read(parse(samples.encode(samples.MIXED))) is None
    assert read(parse(samples.simple())) is None


def test_a_delivery_report_without_fields_names_nobody() -> None:
    report = read(parse(report_of("nothing: here\n")))
    assert report is not None
    assert report.recipients == ()


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.0.0", "550 5.1.1 no such user", "5.1.1"),
        ("5.1.0", "550 5.1.1 no such user", "5.1.1"),
        ("5.1.1", "552 5.2.2 mailbox full", "5.2.2"),
        ("5.1.1", "550 5.5.0 no such user", "5.1.1"),
        ("4.4.7", "450 4.7.1 try later", "4.7.1"),
        ("4.4.7", "550 5.1.1 no such user", "4.4.7"),
        ("5.0.0", "554 4.4.7 expired", "5.0.0"),
        ("5.0.0", "550 no such user", "5.0.0"),
        ("", "550 no such user", "5.1.1"),
        ("", "552 mailbox full", "5.2.2"),
        ("", "452 mailbox full", "4.2.2"),
        ("", "550 host unknown", "5.1.2"),
        ("", "retry timeout exceeded", "4.4.7"),
        ("", "552 message too large", "5.3.4"),
        ("", "550 rejected as spam", "5.7.1"),
        ("", "450 no", "4.0.0"),
        ("", "none", ""),
    ],
)
def test_the_code(status: str, diagnostic: str, expected: str) -> None:
    report = read(parse(samples.bounce("failed", status, diagnostic)))
    assert report is not None
    assert report.recipients[0].status == expected


def test_a_full_mailbox_is_never_hard() -> None:
    assert severity("failed", "5.1.1", "550 5.1.1 mailbox is full") == "soft"


def test_a_malformed_type_of_recipient_is_read() -> None:
    report = read(parse(report_of("Final-Recipient : rfc/822;ann@a.example\nStatus : 5.1.1\n")))
    assert report is not None
    assert report.recipients[0].address == "ann@a.example"


def test_a_complaint_of_a_programme_without_feedback_parts() -> None:
    raw = samples.encode(
        "From: staff@provider.example\nSubject: complaint about message\n"
        'Content-Type: multipart/mixed; boundary="j"\n\n'
        "--j\nContent-Type: message/rfc822\n\n"
        "X-HmXmrOriginalRecipient: ann@customer.example\nFrom: support@desk.example\n"
        "To: someone@elsewhere.example\nMessage-ID: <dp.original@desk.example>\n\nHello\n--j--\n"
    )
    report = read(parse(raw))
    assert report is not None
    assert report.kind == "complaint"
    assert report.original_message_id == "<dp.original@desk.example>"
    assert [it.address for it in report.recipients] == ["ann@customer.example"]


def test_a_request_to_unsubscribe_is_a_complaint() -> None:
    raw = samples.simple(body='Mail sent this email to unsubscribe from the message "Hello".\n')
    assert read(parse(raw)) is None
    report = read(parse(raw.replace(b"Subject: Hello", b"Subject: unsubscribe")))
    assert report is not None
    assert (report.kind, report.recipients[0].action) == ("complaint", "opt-out")
    assert report.recipients[0].address == "ann@customer.example"


def test_who_is_to_be_removed_complains() -> None:
    raw = samples.complaint("opt-out").replace(b"Original-Rcpt-To", b"Removal-Recipient")
    report = read(parse(raw))
    assert report is not None
    assert [(it.address, it.action) for it in report.recipients] == [
        ("ann@customer.example", "opt-out")
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1500), st.binary(max_size=4))), st.booleans())
def test_never_raises(edits: list[tuple[int, bytes]], is_bounce: bool) -> None:
    raw = samples.bounce() if is_bounce else samples.complaint()
    for place, piece in edits:
        raw = raw[:place] + piece + raw[place + 2 :]
    report = read(parse(raw))
    for recipient in report.recipients if report else ():
        f"{recipient.address}{recipient.diagnostic}{recipient.remote_server}".encode()
