"""What each provider's webhook promises: taken once, durably, from nobody else, byte for byte."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import DatabaseError, OperationalError
from django.utils import timezone
from pytest_django.fixtures import Settings

from deskpost.inbound import intake
from deskpost.inbound.channels import webhook
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.webhook import store as webhook_store
from deskpost.inbound.channels.webhook import view as webhook_view
from deskpost.mail import address
from deskpost.models import InboundEmail, WebhookDelivery
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.inbound.channels.webhook_calls import Call, call, every_provider, kept

ASCII = (
    b"From: Ann <ann@x.test>\r\nTo: it@desk.test\r\nSubject:  The printer\r\n\tis   out \r\n"
    b"Message-ID: <1@x.test>\r\n\r\nIt  happened on Monday. \r\n\r\n--xYzZYno\r\nAnn\t \r\n\r\n"
)
# Latin-1, a lone CR, a lone LF, a NUL: what no text field survives.
BYTES = ASCII + b"caf\xe9 \xff\x00 a\rb\nc\r\n"

NAMES = {
    "postmark": "Postmark",
    "mailgun": "Mailgun",
    "sendgrid": "SendGrid",
    "postal": "Postal",
    "amazon_ses": "Amazon SES",
    "resend": "Resend",
}


@pytest.fixture(autouse=True)
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    calls.switch_on(settings, monkeypatch)


# --- Taken ---------------------------------------------------------------------------------------


@every_provider
def test_a_message_is_taken_once_with_its_own_bytes(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = ASCII if provider == "postmark" else BYTES
    made = call(provider, raw, monkeypatch)
    first = made.post()
    assert (first.status_code, first.content) == (200, b"Kept.\n")
    again = made.post()
    assert (again.status_code, again.content) == (200, b"Taken before.\n")
    row = InboundEmail.objects.get()
    assert kept(row) == raw
    assert (row.transport, row.client) == ("webhook", NAMES[provider])
    assert (row.envelope_from, row.envelope_to) == ("ann@x.test", "it@desk.test")
    assert not row.reconstructed and row.oversize_bytes is None
    assert not first.cookies


@every_provider
def test_two_different_messages_are_two(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for raw in (ASCII, ASCII + b"more"):
        assert call(provider, raw, monkeypatch).post().status_code == 200
    assert InboundEmail.objects.count() == 2


def test_a_taken_message_becomes_a_request(desk: Desk) -> None:
    assert calls.postal_raw(ASCII, "it@desk.test").post().status_code == 200
    desk.work_inbound()
    assert desk.request().summary == "The printer is   out"


def test_the_null_sender_stays_one(desk: Desk) -> None:
    for made in (
        calls.postmark_raw(ASCII, "it@desk.test", ""),
        calls.postal_raw(ASCII, "it@desk.test", "<>"),
        calls.sendgrid_raw(ASCII, "it@desk.test", ""),
    ):
        assert made.post().status_code == 200
    assert set(InboundEmail.objects.values_list("envelope_from", flat=True)) == {""}


def test_mail_to_two_projects_has_a_row_in_each_and_a_signed_address_is_ours(
    desk: Desk, settings: Settings
) -> None:
    other = desk.add_channel("hr@desk.test", type(desk.project).objects.create(key="HR", name="HR"))
    token = address.ReplyToken(request=1, person=1)
    signed = address.reply_address("it@desk.test", token, settings.MAIL_KEY)
    fields = calls.mailgun_fields(
        f"{signed}, HR@Desk.Test, it+r.aaaaaaaaaaaaaaaaaaaaaaaa@desk.test"
    )
    assert calls.mailgun({**fields, "body-mime": ASCII}).post().status_code == 200
    rows = {row.channel_id: row.envelope_to for row in InboundEmail.objects.all()}
    assert rows == {desk.channel.pk: signed, other.pk: "HR@Desk.Test"}
    assert webhook.find_all(["it+r.aaaaaaaaaaaaaaaaaaaaaaaa@desk.test", "it@other.test", ""]) == []


def test_a_custom_or_removed_channel_takes_no_webhook(desk: Desk) -> None:
    desk.channel.kind = "custom"
    desk.channel.save()
    gone = desk.add_channel("old@desk.test")
    gone.removed_at = timezone.now()
    gone.save()
    assert webhook.find_all(["it@desk.test", "old@desk.test"]) == []


# --- Too large, not ours, not now -----------------------------------------------------------------


@every_provider
def test_of_a_message_too_large_the_headers_are_kept(
    provider: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "INBOUND_LIMIT": 280_000}
    raw = ASCII + b"x" * 300_000
    assert call(provider, raw, monkeypatch).post().status_code == 200
    row = InboundEmail.objects.get()
    assert row.oversize_bytes == len(raw)
    assert kept(row) == raw[:KEPT_OF_OVERSIZE]


@every_provider
def test_a_call_too_long_is_not_even_read(
    provider: str, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "INBOUND_LIMIT": 1000}
    made = call(provider, ASCII, monkeypatch)
    long = made.but(body=made.body + b" " * (webhook_view.SLACK + 3000))
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest.read", None)
    assert long.post().status_code == 413
    assert not InboundEmail.objects.exists()


def test_a_message_as_large_as_is_taken_passes_djangos_own_limit(
    settings: Settings,
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    raw = ASCII + b"x" * 200_000
    for made in (calls.postal_raw, calls.sendgrid_raw, calls.mailgun_raw):
        assert made(raw, "it@desk.test").post().status_code == 200
    assert {kept(row) for row in InboundEmail.objects.all()} == {raw}


@every_provider
def test_mail_for_nobody_here_is_not_kept_and_one_line_says_so(
    provider: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "deskpost.inbound"):
        answer = call(provider, ASCII, monkeypatch, "no\none@desk.test").post()
    assert answer.status_code == 406
    assert b"None of the recipients is an address of this site." in answer.content
    assert not InboundEmail.objects.exists() and not WebhookDelivery.objects.exists()
    (record,) = [one for one in caplog.records if one.name.startswith("deskpost")]
    assert record.getMessage().isprintable() and len(record.getMessage()) < 600


@every_provider
@pytest.mark.parametrize("error", [OperationalError("gone"), OSError("No space left on device")])
def test_what_cannot_be_stored_is_to_be_sent_again(
    provider: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(provider, ASCII, monkeypatch)
    store = intake.store

    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(intake, "store", fails)
    answer = made.post()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert not InboundEmail.objects.exists() and not WebhookDelivery.objects.exists()
    monkeypatch.setattr(intake, "store", store)
    assert made.post().status_code == 200
    assert InboundEmail.objects.count() == 1


@every_provider
def test_without_a_database_the_provider_is_told_to_come_again(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(WebhookDelivery.objects, "filter", fails)
    answer = call(provider, ASCII, monkeypatch).post()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_a_repetition_that_comes_meanwhile_is_not_taken_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = calls.postal_raw(ASCII, "it@desk.test")
    assert made.post().status_code == 200
    # As if the first were not there yet when the second looked.
    monkeypatch.setattr(
        WebhookDelivery.objects, "filter", lambda **_: WebhookDelivery.objects.none()
    )
    answer = made.post()
    assert (answer.status_code, answer.content) == (200, b"Taken before.\n")
    assert InboundEmail.objects.count() == WebhookDelivery.objects.count() == 1


def test_the_note_of_a_delivery_falls_with_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise DatabaseError("the rows cannot be written")

    monkeypatch.setattr("deskpost.inbound.intake.bulk.insert", fails)
    assert calls.postal_raw(ASCII, "it@desk.test").post().status_code == 503
    assert not WebhookDelivery.objects.exists()


# --- Forgotten in the end -----------------------------------------------------------------------


def test_notes_of_deliveries_go_when_they_are_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deskpost.inbound.channels.webhook.store.FORGOTTEN_AT_ONCE", 2)
    now = timezone.now()
    for n in range(7):
        made = WebhookDelivery.objects.create(provider="postal", delivery=f"{n}")
        WebhookDelivery.objects.filter(pk=made.pk).update(at=now - timedelta(days=n))
    assert webhook.forget(now - timedelta(days=2)) == 4
    left = WebhookDelivery.objects.order_by("id").values_list("delivery", flat=True)
    assert list(left) == ["0", "1", "2"]


def test_two_at_one_time_share_a_few_writers() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: id(webhook_store._pool()), range(20)))
    assert len(found) == 1


def test_mailgun_may_call_with_a_form_that_is_encoded_in_the_other_way() -> None:
    fields = {**calls.mailgun_fields("it@desk.test"), "body-mime": BYTES}
    for path in ("/webhooks/mailgun/", "/webhooks/mailgun/mime/"):
        made = Call(
            path=path,
            body=urlencode(fields).encode(),
            content_type="application/x-www-form-urlencoded",
        )
        assert made.post().status_code == 200
    assert kept(InboundEmail.objects.get()) == BYTES
