"""Signatures of Svix (Resend) and of Amazon SNS: the right ones hold, and no others."""

from __future__ import annotations

import base64
import datetime
import json
import time
from typing import Any

import pytest
from pytest_django import Settings

from deskpost.hooks import fetch as hooks_fetch
from deskpost.hooks import sns as webhook_sns
from deskpost.hooks import svix as webhook_svix
from deskpost.hooks.refusal import Refusal
from deskpost.hooks.sns import Certificates
from deskpost.inbound.channels.webhook.ses import AmazonSESView
from deskpost.models import InboundEmail
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.inbound.channels.webhook_calls import Call

BODY = b'{"type": "email.received"}'
SECRET = f"whsec_{calls.SVIX_KEY}"
RAW = b"From: Ann <ann@x.test>\r\n\r\nHello\r\n"


@pytest.fixture
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    calls.switch_on(settings, monkeypatch)


# --- Svix ----------------------------------------------------------------------------------------


def test_the_example_of_the_documentation_is_signed_rightly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1614265330.0)
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert webhook_svix.is_signed(secret, headers, b'{"test": 2432232314}')
    assert not webhook_svix.is_signed(secret, headers, b'{"test": 2432232315}')


def test_one_right_signature_among_others_is_enough() -> None:
    headers = dict(calls.svix(BODY).headers)
    right = headers["svix-signature"]
    headers["svix-signature"] = f"v1a,{right[3:]} v1,AAAA v1,é {right}"
    assert webhook_svix.is_signed(SECRET, headers, BODY)
    headers["svix-signature"] = f"v2,{right[3:]} {right[3:]} v1,"
    assert not webhook_svix.is_signed(SECRET, headers, BODY)


def test_the_names_of_standard_webhooks_are_known() -> None:
    headers = {k.replace("svix", "webhook"): v for k, v in calls.svix(BODY).headers.items()}
    assert webhook_svix.is_signed(SECRET, headers, BODY)


@pytest.mark.parametrize(
    ("seconds", "good"), [(-290, True), (290, True), (-310, False), (310, False)]
)
def test_a_signature_holds_for_five_minutes(seconds: int, good: bool) -> None:
    headers = calls.svix(BODY, at=time.time() + seconds).headers
    assert webhook_svix.is_signed(SECRET, headers, BODY) is good


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("value", [None, "", "x", "١٢٣", "9" * 5000])
def test_each_header_counts(name: str, value: str | None) -> None:
    headers = dict(calls.svix(BODY).headers)
    del headers[name]
    if value is not None:
        headers[name] = value
    assert not webhook_svix.is_signed(SECRET, headers, BODY)


def test_another_secret_signs_nothing() -> None:
    other = base64.b64encode(b"another secret of 24 byte").decode()
    assert not webhook_svix.is_signed(SECRET, calls.svix(BODY, secret=other).headers, BODY)


# --- Amazon SNS --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_amazons_signature_hold(version: str, site: None) -> None:
    assert calls.ses_raw(RAW, "it@desk.test", version=version).post().status_code == 200
    assert InboundEmail.objects.count() == 1


def changed(made: Call, **fields: Any) -> Call:
    payload = {**json.loads(made.body), **fields}
    return calls.sns_call(payload)


@pytest.mark.parametrize(
    "fields",
    [
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": ""},
        {"Signature": "é"},
        {"Signature": None},
        {"Subject": "Another"},
        {"Subject": None},
        {"MessageId": "another"},
        {"TopicArn": "arn:aws:sns:eu-west-1:999999999999:mail"},
        {"Timestamp": "2026-01-01T00:00:00.000Z"},
        {"Timestamp": "nonsense"},
        {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem#"},
        {"SigningCertURL": None},
    ],
)
def test_a_changed_notification_is_refused(fields: dict[str, Any], site: None) -> None:
    made = changed(calls.ses_raw(RAW, "it@desk.test"), **fields)
    assert made.post().status_code == 403
    assert not InboundEmail.objects.exists()


def test_an_old_notification_is_refused_though_it_is_signed(site: None) -> None:
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=16)
    event = calls.ses_event("it@desk.test", "", {"type": "SNS"}, content="From: a@x.test\r\n\r\n")
    assert calls.sns(event, Timestamp=old.isoformat()).post().status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.test/a.pem",
        "https://evil.test/sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.test#sns.eu-west-1.amazonaws.com/a.pem",
        "https://me@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.test/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.test/a.pem",
        "https://s3.eu-west-1.amazonaws.com/a.pem",
        "https://sns.a.b.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://[sns.eu-west-1.amazonaws.com/a.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    def never(*_: Any) -> bytes:
        raise AssertionError(url)

    with pytest.raises(ValueError, match="not at Amazon"):
        Certificates(fetch=never).get(url)


def test_a_certificate_is_fetched_once_and_few_are_kept() -> None:
    asked: list[str] = []

    def fetch(url: str, limit: int) -> bytes:
        asked.append(url)
        return calls.certificate()

    kept = Certificates(fetch=fetch)
    for _ in range(3):
        kept.get(calls.CERTIFICATE_URL)
    assert asked == [calls.CERTIFICATE_URL]
    for n in range(20):
        kept.get(f"https://sns.eu-west-1.amazonaws.com/{n}.pem")
    assert len(kept._kept) == webhook_sns.MOST_KEPT


def test_a_certificate_that_has_run_out_or_is_none_proves_nothing(
    site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found in (calls.certificate(-1), b"nonsense"):
        monkeypatch.setattr(
            AmazonSESView, "certificates", Certificates(fetch=lambda *_, pem=found: pem)
        )
        assert calls.ses_raw(RAW, "it@desk.test").post().status_code == 403


def test_a_certificate_that_cannot_be_had_now_is_no_refusal_for_good(
    site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> bytes:
        raise Refusal(503, "Away.")

    monkeypatch.setattr(AmazonSESView, "certificates", Certificates(fetch=away))
    answer = calls.ses_raw(RAW, "it@desk.test").post()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


# --- Subscribing to a topic --------------------------------------------------------------------

CONFIRM = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"


def confirmation(url: str = CONFIRM) -> Call:
    return calls.sns(
        "You have chosen to subscribe",
        Type="SubscriptionConfirmation",
        Token="abc",
        SubscribeURL=url,
    )


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def fetch(url: str, limit: int) -> bytes:
        found.append(url)
        return b"<ok/>"

    monkeypatch.setattr(hooks_fetch, "fetch", fetch)
    return found


def test_a_topic_is_confirmed_by_whoever_knows_the_secret(site: None, fetched: list[str]) -> None:
    assert confirmation().post().status_code == 200
    assert fetched == [CONFIRM]


def test_without_the_secret_no_topic_is_confirmed(
    site: None, fetched: list[str], settings: Settings
) -> None:
    assert confirmation().but(secret="deskpost:wrong").post().status_code == 401
    settings.DESKPOST = {**settings.DESKPOST, "WEBHOOK_SECRET": ""}
    assert confirmation().but(secret="").post().status_code == 403
    assert fetched == []


def test_a_topic_is_confirmed_nowhere_but_at_amazon(site: None, fetched: list[str]) -> None:
    for url in ("http://169.254.169.254/", "https://evil.test/?sns.eu-west-1.amazonaws.com"):
        assert confirmation(url).post().status_code == 400
    assert changed(confirmation(), SubscribeURL=f"{CONFIRM}d").post().status_code == 403
    assert fetched == []


def test_what_else_amazon_says_is_answered_and_not_kept(site: None, fetched: list[str]) -> None:
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    assert calls.sns(greeting).post().status_code == 200
    ended = calls.sns("", Type="UnsubscribeConfirmation", Token="abc", SubscribeURL=CONFIRM)
    assert ended.post().status_code == 200
    assert calls.sns('{"notificationType": "Bounce"}').post().status_code == 400
    assert (
        calls.sns(calls.ses_event("it@desk.test", "", {"type": "Lambda"})).post().status_code == 400
    )
    assert fetched == [] and not InboundEmail.objects.exists()
