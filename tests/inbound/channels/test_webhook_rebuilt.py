"""Where a provider gives no original, the message is put together again, and labelled so."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from deskpost.inbound.channels.webhook.rebuild import File, Pieces, rebuild
from deskpost.mail import mime
from deskpost.models import InboundEmail
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.inbound.channels.webhook_calls import Call, Upload

HEADERS = [
    ("Message-ID", "<7@x.test>"),
    ("From", "Ann Ö <ann@x.test>"),
    ("To", "it@desk.test"),
    ("Subject", "Drucker – 故障"),
    ("Subject", "a second one"),
    ("Date", "Tue, 24 Nov 2026 10:00:00 +0000"),
]
PICTURE = b"\x89PNG\r\n\x1a\n\x00"


def postmark() -> Call:
    encoded = base64.b64encode(PICTURE).decode()
    return calls.postmark(
        {
            "FromFull": {"Email": "ann@x.test", "Name": "Ann Ö"},
            "ToFull": [{"Email": "it@desk.test", "Name": 'The "IT" desk'}],
            "OriginalRecipient": "b1d9@inbound.postmark.example",
            "MessageID": "22c74902-a0c1-4511-804f-341342852c90",
            "Subject": "Drucker – 故障",
            "Date": "Tue, 24 Nov 2026 10:00:00 +0000",
            "Headers": [
                {"Name": "Return-Path", "Value": "<bounce@x.test>"},
                {"Name": "Message-ID", "Value": "<7@x.test>"},
            ],
            "TextBody": "Er druckt nicht.\n",
            "HtmlBody": "<p>Er druckt nicht.</p><img src='cid:p1'>",
            "Attachments": [
                {
                    "Name": "p.png",
                    "Content": encoded,
                    "ContentType": "image/png",
                    "ContentID": "p1",
                },
                {"Name": "日本.pdf", "Content": encoded, "ContentType": "application/pdf"},
            ],
        }
    )


def mailgun() -> Call:
    return calls.mailgun(
        {
            **calls.mailgun_fields("it@desk.test", "bounce@x.test"),
            "message-headers": json.dumps(HEADERS),
            "body-plain": "Er druckt nicht.\n",
            "body-html": "<p>Er druckt nicht.</p><img src='cid:p1'>",
            "attachment-count": "2",
            "content-id-map": json.dumps({"<p1>": "attachment-1"}),
            "attachment-1": Upload(name="p.png", content=PICTURE, content_type="image/png"),
            "attachment-2": Upload(name="日本.pdf", content=PICTURE),
        }
    )


def sendgrid() -> Call:
    block = "".join(f"{name}: {value}\n" for name, value in HEADERS)
    return calls.sendgrid(
        {
            "headers": block.replace("Drucker – ", "Drucker –\n "),
            "envelope": json.dumps({"to": ["it@desk.test"], "from": "bounce@x.test"}),
            "charsets": json.dumps({"text": "utf-16-le", "html": "UTF-8"}),
            "text": "Er druckt nicht.\n".encode("utf-16-le"),
            "html": "<p>Er druckt nicht.</p><img src='cid:p1'>",
            "attachment-info": json.dumps({"attachment2": {}, "attachment1": {"content-id": "p1"}}),
            "attachment1": Upload(name="p.png", content=PICTURE, content_type="image/png"),
            "attachment2": Upload(name="日本.pdf", content=PICTURE),
        }
    )


@pytest.mark.parametrize("made", [postmark, mailgun, sendgrid])
def test_a_message_without_an_original_is_put_together_and_labelled(
    made: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    calls.switch_on(settings, monkeypatch)
    one = made()
    assert (one.post().status_code, one.post().content) == (200, b"Taken before.\n")
    row = InboundEmail.objects.get()
    assert row.reconstructed and row.envelope_from == "bounce@x.test"
    email = mime.parse(calls.kept(row))
    assert email.subject == "Drucker – 故障"
    assert email.message_id == "<7@x.test>"
    assert email.from_ is not None and str(email.from_) == "Ann Ö <ann@x.test>"
    assert email.text is not None and email.text.strip() == "Er druckt nicht."
    assert email.html is not None and "cid:p1" in email.html
    found = [(one.name, one.content_id, one.content) for one in email.attachments]
    assert found == [("p.png", "p1", PICTURE), ("日本.pdf", None, PICTURE)]


@pytest.mark.parametrize(
    "made",
    [
        calls.postmark_raw("caf\ufffd".encode(), "it@desk.test"),
        calls.postmark_raw(b"a", "it@desk.test", RawEmail="From: a@x.test\r\n\r\n\ud800"),
        calls.mailgun_raw("From: a@x.test\r\n\r\ncaf\ufffd".encode(), "it@desk.test"),
        calls.sns(
            calls.ses_event(
                "it@desk.test", "", {"type": "SNS", "encoding": "UTF-8"}, content="caf\ufffd"
            )
        ),
    ],
)
def test_an_original_that_a_text_field_has_spoilt_is_labelled(
    made: Call, settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    calls.switch_on(settings, monkeypatch)
    assert made.post().status_code == 200
    assert InboundEmail.objects.get().reconstructed


def test_utf_8_survives_a_text_field(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    calls.switch_on(settings, monkeypatch)
    raw = "From: Ö <a@x.test>\r\n\r\n故障\r\n".encode()
    assert calls.postmark_raw(raw, "it@desk.test").post().status_code == 200
    row = InboundEmail.objects.get()
    assert (calls.kept(row), row.reconstructed) == (raw, False)


def test_a_delivery_report_stays_one() -> None:
    status = (
        b"Reporting-MTA: dns; x.test\r\n\r\nFinal-Recipient: rfc822; b@y.test\r\nStatus: 5.1.1\r\n"
    )
    content = rebuild(
        Pieces(
            headers=[
                ("Content-Type", 'multipart/report; report-type="delivery-status"; boundary=a')
            ],
            text="It failed.",
            files=[
                File(content=status, content_type="message/delivery-status"),
                File(content=b"From: a@x.test\r\n\r\n\xff\r\n", content_type="message/rfc822"),
            ],
        )
    )
    email = mime.parse(content.raw)
    assert ("message/delivery-status", status) in [
        (kind, data.rstrip(b"\r\n") + b"\r\n") for kind, data in email.report_parts
    ]
    assert "multipart/report" in dict(email.headers)["Content-Type"]


def test_the_same_pieces_give_the_same_bytes() -> None:
    pieces = Pieces(headers=HEADERS, text="a", files=[File(content=b"b", content_type="")])
    assert rebuild(pieces) == rebuild(pieces)


anything = st.text(max_size=40)


@given(
    st.lists(
        st.tuples(st.sampled_from(["From", "Subject", "X", "Content-Type"]) | anything, anything)
    ),
    anything,
    anything,
    st.binary(max_size=40),
)
def test_whatever_the_pieces_are_a_message_comes_of_them(
    headers: list[tuple[str, str]], text: str, name: str, content: bytes
) -> None:
    file = File(content=content, content_type=name, name=name, content_id=name)
    made = rebuild(Pieces(headers=headers, text=text, html=text, files=[file, file]))
    head, _, _ = made.raw.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        assert b":" in line and b"\n" not in line and b"\r" not in line
    mime.parse(made.raw)
