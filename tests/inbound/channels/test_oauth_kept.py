"""Tokens of mailboxes are kept safe, and kept fresh by one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from deskpost.inbound.channels import oauth
from deskpost.inbound.channels.oauth import tokens as oauth_tokens
from deskpost.models import Mailbox
from tests.inbound.channels.oauth_scene import (
    SECONDS,
    as_google,
    connected,
    new_mailbox,
    permit,
    run_out,
)
from tests.parts.authority import Authority


@pytest.fixture
def authority(settings: Settings) -> Iterator[Authority]:
    with as_google(settings) as part:
        yield part


@pytest.fixture
def mailbox(db: None, authority: Authority) -> Mailbox:
    return connected(authority)


def test_tokens_are_not_in_the_database_in_the_clear(mailbox: Mailbox) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT access_token, refresh_token FROM deskpost_mailbox WHERE channel_id = %s",
            [mailbox.pk],
        )
        access, refresh = cursor.fetchone()
    assert mailbox.access_token and mailbox.refresh_token
    assert mailbox.access_token not in access
    assert mailbox.refresh_token not in refresh
    assert access.startswith("gAAAA") and refresh.startswith("gAAAA")


def test_a_token_that_holds_is_used_without_asking(mailbox: Mailbox, authority: Authority) -> None:
    oauth.keep(mailbox, permit(authority))
    before = len(authority.asked)
    assert oauth.access_token(mailbox) == Mailbox.objects.get(pk=mailbox.pk).access_token
    assert len(authority.asked) == before


@pytest.mark.parametrize("left", [-1, 30, 59])
def test_a_token_that_runs_out_is_refreshed_before_it_is_used(
    mailbox: Mailbox, authority: Authority, left: int
) -> None:
    mailbox.access_until = timezone.now() + timedelta(seconds=left)
    mailbox.save(update_fields=["access_until"])
    old, spent = mailbox.access_token, mailbox.refresh_token
    token = oauth.access_token(mailbox)
    assert token != old
    kept = Mailbox.objects.get(pk=mailbox.pk)
    assert (kept.access_token, kept.refresh_token) == (token, mailbox.refresh_token)
    assert kept.access_until and kept.access_until > timezone.now() + timedelta(minutes=50)
    # The provider rotates: the new refresh token holds, and the old one is spent.
    assert kept.refresh_token != spent
    assert authority.grants[spent].revoked
    assert not authority.grants[kept.refresh_token].revoked
    assert oauth.access_token(run_out(kept)) not in (old, token)


def test_a_provider_that_does_not_rotate_keeps_its_refresh_token(
    mailbox: Mailbox, authority: Authority
) -> None:
    authority.rotate(rotates=False)
    before = mailbox.refresh_token
    for _ in range(2):
        oauth.access_token(run_out(mailbox))
        assert Mailbox.objects.get(pk=mailbox.pk).refresh_token == before


def test_a_refused_token_is_forgotten_and_another_fetched(mailbox: Mailbox) -> None:
    first = oauth.access_token(mailbox)
    oauth.forget_access(mailbox)
    kept = Mailbox.objects.get(pk=mailbox.pk)
    assert (kept.access_token, kept.access_until) == ("", None)
    assert kept.refresh_token
    assert oauth.access_token(mailbox) != first


def test_what_another_process_has_fetched_since_is_not_forgotten(mailbox: Mailbox) -> None:
    late = Mailbox.objects.get(pk=mailbox.pk)
    token = oauth.access_token(mailbox)
    oauth.forget_access(late)
    assert Mailbox.objects.get(pk=mailbox.pk).access_token == token
    assert oauth.access_token(late) == token


def test_who_signs_in_anew_during_a_refresh_is_not_undone(
    mailbox: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = permit(authority)
    refresh = oauth_tokens.refresh

    def meanwhile(*told: object) -> oauth.Tokens:
        tokens = refresh(*told)  # type: ignore[arg-type]
        oauth.keep(Mailbox.objects.get(pk=mailbox.pk), anew)
        return tokens

    monkeypatch.setattr(oauth_tokens, "refresh", meanwhile)
    assert oauth.access_token(mailbox) == anew.access
    assert Mailbox.objects.get(pk=mailbox.pk).refresh_token == anew.refresh


@pytest.mark.django_db(transaction=True)
def test_of_many_who_refresh_at_once_one_asks_and_all_have_the_token(authority: Authority) -> None:
    """The authority ends a permission whose refresh token is used twice."""
    mailbox = new_mailbox()
    oauth.keep(mailbox, permit(authority))
    run_out(mailbox)
    authority.delay = 0.3
    before = len(authority.asked)
    line = threading.Barrier(4)

    def fetch(_: int) -> str:
        try:
            mine = Mailbox.objects.get(pk=mailbox.pk)
            line.wait(SECONDS)
            return oauth.access_token(mine)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(fetch, range(4)))
    assert len(authority.asked) == before + 1
    kept = Mailbox.objects.get(pk=mailbox.pk)
    assert set(tokens) == {kept.access_token}
    authority.delay = 0
    assert oauth.access_token(run_out(kept)) != tokens[0]


@pytest.mark.django_db(transaction=True)
def test_while_a_provider_takes_its_time_the_mailbox_can_be_written(authority: Authority) -> None:
    """A poller renews its leases there, and with SQLite all mail would wait."""
    mailbox = new_mailbox()
    oauth.keep(mailbox, permit(authority))
    mine = run_out(mailbox)
    authority.delay = 2
    before = len(authority.asked)

    def fetch() -> str:
        try:
            return oauth.access_token(mine)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        token = pool.submit(fetch)
        waited = threading.Event()
        while len(authority.asked) == before:
            waited.wait(0.01)
        Mailbox.objects.filter(pk=mailbox.pk).update(owner="a-poller")
        assert not token.done()
        assert token.result(SECONDS)
    assert Mailbox.objects.get(pk=mailbox.pk).owner == "a-poller"
