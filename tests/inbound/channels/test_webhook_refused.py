"""Who and what a webhook refuses: strangers, changed and old calls, and what is no message."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from deskpost.models import InboundEmail
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.inbound.channels.webhook_calls import MAKERS, Call, call, every_provider

pytestmark = pytest.mark.one_database

ASCII = b"From: Ann <ann@x.test>\r\nTo: it@desk.test\r\nSubject: Hello\r\n\r\nHello\r\n"


@pytest.fixture(autouse=True)
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    calls.switch_on(settings, monkeypatch)


# --- Only from the provider -----------------------------------------------------------------------


@every_provider
@pytest.mark.parametrize("secret", ["", "deskpost:wrong", "deskpost", "d", "ä:\udcff"])
def test_without_the_secret_nothing_is_taken(
    provider: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(provider, ASCII, monkeypatch)
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", None)
    headers = made.all_headers()
    headers.pop("Authorization")
    if secret:
        headers["Authorization"] = (
            "Basic " + base64.b64encode(secret.encode("utf-8", "surrogateescape")).decode()
        )
    answer = made.but(secret="", headers=headers).post()
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert not InboundEmail.objects.exists()


@pytest.mark.parametrize("provider", ["mailgun", "postal", "amazon_ses", "resend"])
def test_a_changed_call_of_one_that_signs_is_refused(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(provider, ASCII, monkeypatch)
    changed = {
        "mailgun": made.but(
            body=made.body.replace(b'name="token"\r\n\r\n', b'name="token"\r\n\r\na')
        ),
        "postal": made.but(body=made.body.replace(b"12345", b"12346")),
        "amazon_ses": made.but(body=made.body.replace(b"ann@x.test", b"eve@x.test")),
        "resend": made.but(body=made.body.replace(b"ann@x.test", b"eve@x.test")),
    }[provider]
    assert changed.body != made.body
    assert changed.post().status_code == 403
    assert not InboundEmail.objects.exists()


@pytest.mark.parametrize(
    ("setting", "provider"),
    [("POSTAL_WEBHOOK_KEY", "postal"), ("RESEND_SIGNING_SECRET", "resend")],
)
def test_a_key_of_ours_that_is_none_refuses_and_does_not_fail(
    setting: str, provider: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, setting: "nonsense"}
    assert call(provider, ASCII, monkeypatch).post().status_code == 403


def test_those_who_sign_need_no_secret(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, recwarn: pytest.WarningsRecorder
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "WEBHOOK_SECRET": ""}
    for provider in ("mailgun", "postal", "resend"):
        made = call(provider, ASCII, monkeypatch).but(secret="")
        assert made.post().status_code == 200
    assert InboundEmail.objects.count() == 3
    assert not [one for one in recwarn if "anymail" in one.category.__module__]


def test_no_provider_warns(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    for provider in MAKERS:
        call(provider, ASCII, monkeypatch).post()
    assert not [one for one in recwarn if "anymail" in one.category.__module__]


def test_an_old_call_of_mailgun_is_refused() -> None:
    fields = calls.mailgun_fields("it@desk.test", at=time.time() - 16 * 24 * 3600)
    assert calls.mailgun({**fields, "body-mime": ASCII}).post().status_code == 403


def test_a_provider_that_is_not_named_is_not_there(settings: Settings) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "WEBHOOKS": ("postmark",)}
    assert calls.postal_raw(ASCII, "it@desk.test").post().status_code == 404
    assert calls.mailgun_raw(ASCII, "it@desk.test").post().status_code == 404
    assert Call(path="/webhooks/elsewhere/", body=b"{}").post().status_code == 404
    assert Client().get("/webhooks/postmark/").status_code == 405


# --- What it cannot read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"RawEmail": 1, "ToFull": "it@desk.test"}',
        b'{"ToFull": [{"Email": "it@desk.test"}], "RawEmail": "  "}',
        b'{"ToFull": [{"Email": "it@desk.test"}], "Attachments": [{"Content": "x"}]}',
        b'{"RecordType": "Bounce", "ToFull": [{"Email": "it@desk.test"}]}',
    ],
)
def test_what_is_no_message_is_refused_in_one_sentence(body: bytes) -> None:
    answer = Call(path="/webhooks/postmark/", body=body).post()
    assert answer.status_code in {400, 406, 411}
    assert answer.content.decode().strip().isprintable()
    assert not InboundEmail.objects.exists()


@every_provider
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[1]", b'{"a": {"b": [null]}}'])
def test_nonsense_never_fails(provider: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anymail.webhooks.postal.PostalBaseWebhookView.validate_request", _passes)
    made = call(provider, ASCII, monkeypatch)
    made = calls.svix(body) if provider == "resend" else made.but(body=body)
    assert made.post().status_code in {400, 403, 406, 411}
    assert made.but(content_type="application/json").post().status_code in {400, 403, 406, 411}


def _passes(*_: Any) -> None:
    return None


def test_nul_and_newlines_in_the_envelope_do_no_harm() -> None:
    made = calls.postal_raw(ASCII, "it@desk.test\0\n", "ann\0\r\n@x.test" + "x" * 900)
    assert made.post().status_code == 200
    row = InboundEmail.objects.get()
    assert row.envelope_to == "it@desk.test"
    assert row.envelope_from.isprintable() and len(row.envelope_from) == 320
