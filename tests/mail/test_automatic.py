import pytest

from deskpost.mail import reports
from deskpost.mail.automatic import nature
from deskpost.mail.mime import parse
from tests.mail import samples

ANN = "ann@customer.example"


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: DR, RN, NRN",
        "X-Auto-Response-Suppress: All",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Precedence: normal",
        "Feedback-ID: 1:customer:mail",
        "X-Autoreply: no",
        "X-Deskpost-Site: another-site",
    ],
)
def test_a_person(headers: str) -> None:
    found = nature(parse(samples.simple(headers)), ANN, site_id="our-site")
    assert (found.kind, found.because) == ("human", "")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("Auto-Submitted: auto-generated", "auto_reply"),
        ("Auto-Submitted: auto-replied (zimbra; vacation)", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: Re: Hello", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("Delivered-To: Autoresponder", "auto_reply"),
        ("Precedence: bulk", "bulk"),
        ("Precedence: LIST", "bulk"),
        ("Precedence: junk", "bulk"),
        ("List-Id: <news.customer.example>", "bulk"),
        ("List-Unsubscribe: <https://customer.example/u>", "bulk"),
        ("List-Post: NO", "bulk"),
        ("X-Deskpost-Site: our-site", "own"),
    ],
)
def test_the_header_that_decides_is_named(header: str, kind: str) -> None:
    found = nature(parse(samples.simple(header)), ANN, site_id="our-site")
    assert (found.kind, found.because) == (kind, header)


def test_the_auto_reply_header_comes_before_the_bulk_one() -> None:
    headers = "Precedence: bulk\nAuto-Submitted: auto-replied"
    assert nature(parse(samples.simple(headers)), ANN).kind == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    ["Out of Office: Hello", "Automatic reply: x", "自動返信: こんにちは", "Abwesenheitsnotiz",
     "Réponse automatique : x", "Risposta automatica: x", "Autosvar: x"],
)  # fmt: skip
def test_an_out_of_office_subject_needs_a_null_sender(subject: str) -> None:
    raw = f"From: ann@customer.example\r\nSubject: {subject}\r\n\r\nx".encode()
    assert nature(parse(raw), ANN).kind == "human"
    for null in ("", "<>"):
        found = nature(parse(raw), null)
        assert (found.kind, found.because) == ("auto_reply", f"Subject: {subject}")


def test_reports_and_complaints() -> None:
    assert nature(parse(samples.bounce()), "").kind == "report"
    assert nature(parse(samples.complaint()), "fbl@provider.example").kind == "complaint"


@pytest.mark.parametrize(
    ("raw", "envelope", "kind"),
    [
        (b"From: MAILER-DAEMON@a.example\nSubject: failure notice\n\nx", "", "report"),
        (b"From: postmaster@a.example\nSubject: Undeliverable: Hello\n\nx", "<>", "report"),
        (b"From: postmaster@a.example\nSubject: Undeliverable: Hello\n\nx", ANN, "human"),
        (b"From: postmaster@a.example\nSubject: Our mail server\n\nhelp", ANN, "human"),
        (b"From: ann@a.example\nSubject: delivery failed\n\nhelp", ANN, "human"),
        (b"From: MAILER-DAEMON@a.example\nSubject: Hi\n\nx", "", "auto_reply"),
        (b"From: a@a.example\nX-Failed-Recipients: b@b.example\n\nx", "", "report"),
    ],
)
def test_reports_without_the_form_of_one(raw: bytes, envelope: str, kind: str) -> None:
    assert nature(parse(raw), envelope).kind == kind


@pytest.mark.parametrize(
    ("headers", "envelope", "quiet"),
    [
        ("", ANN, False),
        ("Auto-Submitted: no", ANN, False),
        ("X-Auto-Response-Suppress: None", ANN, False),
        ("X-Auto-Response-Suppress: DR, RN", ANN, False),
        ("X-Auto-Response-Suppress: DR, OOF, RN", ANN, True),
        ("X-Auto-Response-Suppress: all", ANN, True),
        ("X-Auto-Response-Suppress: AutoReply", ANN, True),
        ("Auto-Submitted: auto-replied", ANN, True),
        ("Precedence: bulk", ANN, True),
        ("List-Id: <a.customer.example>", ANN, True),
        ("X-Deskpost-Site: our-site", ANN, True),
        ("", "", True),
        ("", "<>", True),
        ("", "MAILER-DAEMON@customer.example", True),
        ("", "noreply@customer.example", True),
        ("", "no-reply+token@customer.example", True),
        ("", "do-not-reply@customer.example", True),
        ("", "owner-list@customer.example", True),
        ("", "list-request@customer.example", True),
        ("", "list-bounces+ann=customer.example@customer.example", True),
        ("", "norepl@customer.example", False),
        ("", "homeowner@customer.example", False),
        ("", "requests@customer.example", False),
        ("", "postmaster@customer.example", False),
    ],
)
def test_whether_an_automatic_answer_may_follow(headers: str, envelope: str, quiet: bool) -> None:
    found = nature(parse(samples.simple(headers)), envelope, site_id="our-site")
    assert found.quiet is quiet


def test_the_reports_are_quiet() -> None:
    assert nature(parse(samples.bounce()), "").quiet
    assert nature(parse(samples.complaint()), ANN).quiet


def test_a_report_that_was_read_is_believed() -> None:
    email = parse(samples.bounce())
    report = reports.read(email)
    assert nature(email, ANN, report=report).kind == "report"
    assert nature(parse(samples.simple()), ANN, report=report).kind == "report"


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("Out of Office AutoReply: Hello", "auto_reply"),
        ("Re: [desk] Out of office autoreply: back next week", "auto_reply"),
        ("Abwesenheitsnotiz: Hallo", "auto_reply"),
        ("What is an out of office autoreply: a question", "human"),
        ("Automatic reply: Hello", "human"),
    ],
)
def test_the_subject_of_old_servers(subject: str, kind: str) -> None:
    raw = f"From: ann@customer.example\r\nSubject: {subject}\r\n\r\nx".encode()
    assert nature(parse(raw), ANN).kind == kind


def test_a_read_receipt_is_an_automatic_answer() -> None:
    raw = b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
    assert nature(parse(raw), ANN).kind == "auto_reply"
