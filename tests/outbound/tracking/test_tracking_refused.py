"""Whose news is not taken: strangers', changed, too large, and what is no news."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from deskpost import config, config_tracking
from deskpost.hooks import body as hooks_body
from deskpost.models import Notification, Person, Suppression, WebhookDelivery
from deskpost.outbound import suppress
from deskpost.outbound.tracking import VIEWS
from deskpost.outbound.tracking import view as tracking_view
from tests.inbound.channels import webhook_calls
from tests.inbound.channels.webhook_calls import Call
from tests.outbound.tracking import calls
from tests.outbound.tracking.calls import SIGNED
from tests.outbound.tracking.payloads import EVENTS, PROVIDERS, About

pytestmark = pytest.mark.one_database

every_provider = pytest.mark.parametrize("provider", PROVIDERS)


def hard(provider: str, note: Notification) -> Call:
    return calls.call(
        provider, EVENTS[provider]("hard", About(metadata={"deskpost": str(note.pk)}))
    )


@pytest.fixture
def untouched(note: Notification) -> Any:
    """Checks in the end that nothing has changed."""
    yield note
    note.refresh_from_db()
    assert (note.status, note.facts, note.arrived_at) == ("delivered", {}, None)
    assert not Suppression.objects.exists()


# --- Only from the provider ----------------------------------------------------------------------


@every_provider
def test_without_the_secret_nothing_is_even_read(
    provider: str, untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hard(provider, untouched)
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", None)
    assert made.but(secret="").post().status_code == 401
    answer = made.but(secret="deskpost:0123456789abcdeX").post()
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("provider", [*SIGNED, "unisender_go"])
def test_a_forged_call_of_one_that_signs_is_refused(provider: str, untouched: Notification) -> None:
    made = hard(provider, untouched)
    forged = made.but(body=made.body.replace(b"ann", b"eve"))
    if provider == "mailgun":  # it signs a time and a token only
        forged = made.but(body=made.body.replace(b'"token": "', b'"token": "0'))
    assert forged.body != made.body
    assert forged.post().status_code == 403
    bare = {n: v for n, v in made.headers.items() if n.lower().startswith("x-amz")}
    if provider not in {"mailgun", "amazon_ses", "unisender_go"}:
        assert made.but(headers=bare).post().status_code == 403


def test_those_who_sign_need_no_secret(note: Notification, settings: Settings) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "WEBHOOK_SECRET": ""}
    for provider in {*SIGNED, "unisender_go"} - {"amazon_ses", "mandrill"}:
        assert hard(provider, note).but(secret="").post().status_code == 200


@pytest.mark.parametrize(
    ("provider", "setting"),
    [
        ("postal", "POSTAL_WEBHOOK_KEY"),
        ("resend", "RESEND_TRACKING_SECRET"),
        ("sendgrid", "SENDGRID_TRACKING_KEY"),
    ],
)
def test_a_key_of_ours_that_is_none_refuses_and_does_not_fail(
    provider: str, setting: str, settings: Settings, untouched: Notification
) -> None:
    for value in ("", "nonsense"):
        settings.DESKPOST = {**settings.DESKPOST, setting: value}
        assert hard(provider, untouched).post().status_code == 403


def test_a_token_of_mailgun_works_once_since_it_does_not_sign_what_it_comes_with(
    note: Notification,
) -> None:
    first = calls.call("mailgun", EVENTS["mailgun"]("delivered", About()))
    assert first.post().status_code == 200
    block = json.loads(first.body)["signature"]
    event = EVENTS["mailgun"]("hard", About(metadata={"deskpost": str(note.pk)}))
    forged = first.but(body=json.dumps({"signature": block, "event-data": event}).encode())
    assert forged.post().content == b"Taken before.\n"
    note.refresh_from_db()
    assert note.status == "delivered"


def test_an_old_call_of_mailgun_is_refused(
    untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hard("mailgun", untouched)
    now = time.time()
    monkeypatch.setattr("deskpost.hooks.mailgun.time.time", lambda: now + 16 * 24 * 3600)
    assert made.post().status_code == 403


def test_the_secret_of_inbound_mail_does_not_sign_news_where_they_differ(
    untouched: Notification, settings: Settings
) -> None:
    settings.DESKPOST = {
        **settings.DESKPOST,
        "RESEND_TRACKING_SECRET": "whsec_YW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXM=",
    }
    assert hard("resend", untouched).post().status_code == 403


def test_a_mark_that_unisender_would_not_make_is_refused_before_it_is_worked_with(
    untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It puts a key in the place of the mark: in that of a short one a million times.
    monkeypatch.setattr("anymail.webhooks.unisender_go.md5", lambda _: pytest.fail("worked with"))
    for mark in ("", "a", "x" * 32):
        body = json.dumps({"auth": mark, "events_by_user": [{"events": []}]}).encode()
        made = Call(path="/webhooks/unisender_go/tracking/", body=body)
        assert made.post().status_code == 403


@every_provider
def test_a_provider_that_is_not_named_is_not_there(
    provider: str, untouched: Notification, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "TRACKING": ()}
    assert hard(provider, untouched).post().status_code == 404
    assert Client().head(f"/webhooks/{provider}/tracking/").status_code == 404


@every_provider
def test_the_providers_that_look_whether_somebody_is_there_find_it(provider: str, db: None) -> None:
    assert Client().head(f"/webhooks/{provider}/tracking/").status_code == 200
    assert Client().get("/webhooks/postmark/tracking/").status_code == 405


def test_the_settings_know_the_same_providers() -> None:
    assert set(VIEWS) == set(config_tracking.TRACKING) == set(PROVIDERS)


@every_provider
def test_a_provider_whose_calls_nobody_could_tell_from_anyones_stops_the_start(
    provider: str,
) -> None:
    with pytest.raises(config.ConfigError, match=f"names {provider}, which needs DESKPOST_"):
        config.read_all({"DESKPOST_TRACKING": provider})


def test_a_wrong_provider_and_a_wrong_key_are_named_and_the_key_is_not_shown() -> None:
    with pytest.raises(config.ConfigError, match=r"TRACKING cannot be used \('pigeon'\)"):
        config.read_all({"DESKPOST_TRACKING": "pigeon"})
    with pytest.raises(config.ConfigError) as caught:
        config.read_all({"DESKPOST_MANDRILL_TRACKING_KEY": "hush"})
    assert "DESKPOST_MANDRILL_TRACKING_KEY cannot be used: it is not a key" in str(caught.value)


# --- Sizes and shapes ----------------------------------------------------------------------------


@every_provider
def test_a_call_over_two_mebibytes_is_refused_unread(
    provider: str, untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hard(provider, untouched)
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", None)
    large = made.but(body=made.body + b" " * (2 * 1024 * 1024))
    assert large.post().status_code == 413


def test_many_events_of_mandrill_in_one_field_are_taken(note: Notification) -> None:
    about = About(metadata={"deskpost": str(note.pk)})
    others = [EVENTS["mandrill"]("hard", About(to="bea@x.test")) for _ in range(400)]
    made = calls.call("mandrill", *others, EVENTS["mandrill"]("hard", about))
    assert len(made.body) > hooks_body.MOST_SIMPLE
    assert made.post().content == b"1 of 401 events noted.\n"


def test_too_many_events_are_refused(
    untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking_view, "MOST_EVENTS", 2)
    event = EVENTS["sendgrid"]("hard", About(metadata={"deskpost": str(untouched.pk)}))
    assert calls.call("sendgrid", event, event, event).post().status_code == 413


NONSENSE: list[Any] = [
    None,
    1,
    "text",
    [],
    [1],
    [[]],
    {},
    {"event": []},
    {"RecordType": "Bounce", "Email": {}, "MessageID": [], "Details": {}, "Metadata": []},
    {"RecordType": "Delivery", "DeliveredAt": "yesterday", "Recipient": 7},
    {"Type": "Notification", "Message": "{"},
    {"msys": {"a": {}, "b": {}}},
    {"payload": [], "data": [], "event-data": []},
    {"payload": {"status": [], "message": {"to": "<"}}, "timestamp": "soon"},
    {"event": "sent", "time": 1e300, "MessageID": {}, "email": []},
    {"event": "delivered", "ts_epoch": 10**40, "email": None, "message-id": 3},
]


@every_provider
@pytest.mark.parametrize("payload", NONSENSE, ids=str)
def test_nonsense_never_fails(provider: str, payload: Any, untouched: Notification) -> None:
    made = calls.call(provider, payload)
    if provider in {"sendgrid", "mailjet", "mailtrap", "sparkpost"}:
        assert calls.call(provider, payload, payload).post().status_code in {200, 400}
    assert made.post().status_code in {200, 400, 403}


@every_provider
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"\0"])
def test_what_is_no_payload_is_refused(provider: str, body: bytes, db: None) -> None:
    made = Call(path=f"/webhooks/{provider}/tracking/", body=body)
    if provider == "resend":
        made = webhook_calls.svix(body).but(path=made.path)
    else:
        made = made.but(headers=calls.headers(provider, body))
    assert made.post().status_code in {400, 403, 411}


@pytest.mark.parametrize("provider", ["postmark", "brevo", "postal", "sparkpost", "amazon_ses"])
def test_incoming_mail_is_refused_here(provider: str, untouched: Notification) -> None:
    inbound: dict[str, Any] = {
        "postmark": {"RecordType": "Inbound", "FromFull": {}},
        "brevo": {"items": []},
        "postal": {"rcpt_to": "it@desk.test", "message": ""},
        "sparkpost": {"msys": {"relay_message": {}}},
        "amazon_ses": {"notificationType": "Received", "mail": {}},
    }
    assert calls.call(provider, inbound[provider]).post().status_code == 400


def test_a_greeting_and_a_confirmation_of_amazon_are_answered(
    untouched: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(url: str, limit: int) -> bytes:
        fetched.append(url)
        return b""

    monkeypatch.setattr("deskpost.hooks.fetch.fetch", fetch)
    path = "/webhooks/amazon_ses/tracking/"
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    assert webhook_calls.sns(greeting).but(path=path).post().status_code == 200
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    made = webhook_calls.sns("x", Type="SubscriptionConfirmation", SubscribeURL=url, Token="t")
    assert made.but(path=path).post().status_code == 200
    assert fetched == [url]


# --- 200 only when it is in the database ---------------------------------------------------------


def test_a_database_that_fails_is_to_be_told_again(
    note: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hard("postmark", note)

    def fails(*_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(suppress, "block", fails)
        assert made.post().status_code == 503
    note.refresh_from_db()
    assert (note.status, note.facts) == ("delivered", {})
    assert not WebhookDelivery.objects.exists()
    assert made.post().status_code == 200
    note.refresh_from_db()
    assert note.status == "failed"


def test_no_call_warns_or_shows_a_secret(
    note: Notification,
    ann: Person,
    recwarn: pytest.WarningsRecorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for provider in PROVIDERS:
        hard(provider, note).post()
        hard(provider, note).but(secret="deskpost:wrong-and-long-enough").post()
    assert not [one for one in recwarn if "anymail" in one.category.__module__]
    for secret in (webhook_calls.SECRET, calls.MANDRILL_KEY, calls.UNISENDER_KEY):
        assert secret not in caplog.text
