"""When a provider gives no token: why, in its own words, and with no secret told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from deskpost.inbound.channels import oauth
from deskpost.inbound.channels.oauth import tokens as oauth_tokens
from deskpost.models import Mailbox
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.inbound.channels.oauth_scene import (
    ADDRESS,
    BACK,
    as_google,
    connected,
    fault_of,
    new_mailbox,
    run_out,
)
from tests.parts import ports
from tests.parts.authority import CLIENT_SECRET, Authority

pytestmark = pytest.mark.one_database


@pytest.fixture
def authority(settings: Settings) -> Iterator[Authority]:
    with as_google(settings) as part:
        yield part


@pytest.fixture
def mailbox(db: None, authority: Authority) -> Mailbox:
    return connected(authority)


def test_a_withdrawn_permission_is_called_that(mailbox: Mailbox, authority: Authority) -> None:
    authority.revoke()
    fault = fault_of(mailbox)
    assert fault.problem == Problem.GRANT_REVOKED
    assert fault.said == "invalid_grant"
    assert fault.facts == {"host": "127.0.0.1", "status": 400}
    assert Mailbox.objects.get(pk=mailbox.pk).refresh_token == mailbox.refresh_token


def test_a_mailbox_that_was_never_permitted_needs_a_person(db: None, authority: Authority) -> None:
    assert fault_of(new_mailbox()).problem == Problem.GRANT_REVOKED
    assert authority.asked == []


def test_a_provider_that_is_not_set_up_any_more_is_named(
    mailbox: Mailbox, settings: Settings
) -> None:
    settings.DESKPOST = {**settings.DESKPOST, "GOOGLE_CLIENT_ID": ""}
    fault = fault_of(mailbox)
    assert fault.problem == Problem.TOKEN_NOT_REFRESHED
    assert fault.facts == {"setting": "DESKPOST_GOOGLE_CLIENT_ID"}


GOOD = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "refresh_token": "r"}


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"<h1>Oops", "500 Internal Server Error"),
        (503, b'{"error": "temporarily_unavailable"}', "503 Service Unavailable"),
        (400, b'{"error": "invalid_client", "error_description": "No"}', "invalid_client: No"),
        (401, b'{"error": "x\\r\\n<b>", "error_description": ["y"]}', "x <b>"),
        (302, b"", "302 Found"),
        (200, b"<html>", "200 OK"),
        (200, b"[1]", "200 OK"),
        (200, b"[" * 60_000, "200 OK"),
        (200, b'{"access_token": "' + b"x" * 70_000, "an answer that cannot be read"),
        (200, b"{}", "200 OK: no access_token that can be used"),
        (201, GOOD, "201 Created: no access_token that can be used"),
        (200, GOOD | {"access_token": 5}, "200 OK: no access_token that can be used"),
        (200, GOOD | {"access_token": "a\x01b"}, "200 OK: no access_token that can be used"),
        (200, GOOD | {"access_token": "a\r\nb"}, "200 OK: no access_token that can be used"),
        (200, GOOD | {"refresh_token": "r\n"}, "200 OK: no access_token that can be used"),
        (200, GOOD | {"token_type": "mac"}, "200 OK: no access_token that can be used"),
    ],
    ids=range(16),
)
def test_any_other_answer_is_told_in_the_providers_words(
    mailbox: Mailbox, authority: Authority, status: int, body: bytes | dict[str, object], said: str
) -> None:
    authority.instead = (status, body if isinstance(body, bytes) else json.dumps(body).encode())
    fault = fault_of(mailbox)
    assert (fault.problem, fault.said) == (Problem.TOKEN_NOT_REFRESHED, said)
    assert fault.facts["host"] == "127.0.0.1"
    json.dumps(fault.facts)
    kept = Mailbox.objects.get(pk=mailbox.pk)
    assert (kept.access_token, kept.refresh_token) == (mailbox.access_token, mailbox.refresh_token)


@pytest.mark.parametrize("lasts", [None, "x", -5, 1e400, float("nan"), [], 10**30])
def test_a_strange_lifetime_is_taken_for_a_usual_one(
    mailbox: Mailbox, authority: Authority, lasts: object
) -> None:
    authority.instead = (200, json.dumps(GOOD | {"expires_in": lasts}).encode())
    assert oauth.access_token(mailbox) == "a"
    until = mailbox.access_until
    assert until and until <= timezone.now() + timedelta(days=7)


def test_a_permission_without_a_refresh_token_is_refused_at_once(authority: Authority) -> None:
    """It would work for an hour and then never again."""
    (provider,) = oauth.offered()
    authority.instead = (200, json.dumps(GOOD | {"refresh_token": None}).encode())
    begun = oauth.begin(provider, ADDRESS, "imap", BACK)
    with pytest.raises(Fault) as caught:
        oauth.complete(provider, begun, state=begun.state, code="c", redirect_uri=BACK)
    assert caught.value.said == "no refresh_token in the answer"


def test_a_provider_that_does_not_answer_is_not_waited_for(
    mailbox: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth_tokens, "SECONDS", 0.3)
    authority.delay = 1.5
    fault = fault_of(mailbox)
    assert (fault.problem, fault.said) == (Problem.TOKEN_NOT_REFRESHED, "no answer in time")


def test_a_provider_that_is_not_there_is_a_problem_of_the_network(
    mailbox: Mailbox, settings: Settings
) -> None:
    nobody = f"http://127.0.0.1:{ports.free()}/token"
    settings.DESKPOST = {**settings.DESKPOST, "GOOGLE_ENDPOINTS": (nobody, nobody)}
    assert fault_of(mailbox).problem == Problem.REFUSED
    settings.DESKPOST = {**settings.DESKPOST, "ALLOW_PRIVATE_HOSTS": ()}
    assert fault_of(mailbox).problem == Problem.PRIVATE_ADDRESS


def test_no_token_is_in_a_log_an_error_or_a_repr(
    mailbox: Mailbox, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {CLIENT_SECRET, mailbox.access_token, mailbox.refresh_token}
    oauth.access_token(mailbox)
    secrets |= {mailbox.access_token, mailbox.refresh_token}
    echo = f"{mailbox.refresh_token} {CLIENT_SECRET}"
    body = json.dumps({"error": "server_error", "error_description": echo})
    authority.instead = (400, body.encode())
    fault = fault_of(run_out(mailbox))
    assert fault.said == "server_error: … …"
    # authlib's server part logs what it gives, at its end of the wire.
    ours = [one for one in caplog.records if not one.name.startswith("authlib.oauth2.rfc")]
    assert len(ours) < len(caplog.records)
    said = [f"{one.getMessage()} {one.exc_text}" for one in ours]
    said += [repr(fault), str(fault), repr(fault.facts), repr(mailbox), repr(oauth.offered())]
    for secret in secrets:
        assert not any(secret in line for line in said)
