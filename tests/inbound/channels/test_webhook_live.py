"""A provider's call over a real connection, to the site as it is served."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from deskpost.models import InboundEmail, WebhookDelivery
from tests.desk import Desk
from tests.inbound.channels import webhook_calls as calls
from tests.inbound.channels.webhook_calls import Call

RAW = b"From: Ann <ann@x.test>\r\nSubject: Hello\r\n\r\ncaf\xe9\r\n" + b"x" * 6_000_000


def send(server: LiveServer, made: Call) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    headers = {**made.all_headers(), "Content-Type": made.content_type}
    connection.request("POST", made.path, made.body, headers)
    answer = connection.getresponse()
    assert answer.getheader("Set-Cookie") is None
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.fixture
def site(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Desk:
    calls.switch_on(settings, monkeypatch)
    return Desk()


def test_a_message_of_six_megabytes_comes_through(site: Desk, live_server: LiveServer) -> None:
    made = calls.sendgrid_raw(RAW, "it@desk.test")
    assert send(live_server, made) == (200, b"Kept.\n")
    assert send(live_server, made) == (200, b"Taken before.\n")
    assert calls.kept(InboundEmail.objects.get()) == RAW


def test_the_same_call_at_the_same_time_is_taken_once(site: Desk, live_server: LiveServer) -> None:
    made = calls.postal_raw(RAW[:1000], "it@desk.test")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(live_server, made), range(4)))
    assert sorted(answers) == [(200, b"Kept.\n"), *[(200, b"Taken before.\n")] * 3]
    assert InboundEmail.objects.count() == WebhookDelivery.objects.count() == 1
