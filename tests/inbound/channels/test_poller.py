"""A poller over real mailboxes: what arrives is taken, what fails is told and tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connections
from django.utils import timezone

from deskpost.inbound.channels import connection, oauth
from deskpost.inbound.channels.poller import Poller
from deskpost.models import ConnectionEvent, InboundEmail, Mailbox
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, rows
from tests.inbound.channels.oauth_scene import as_google, permit
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.process import wait_until
from tests.parts.site import letter, wire

pytestmark = [pytest.mark.dovecot, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

USER = "support@desk.test"


@pytest.fixture
def server(settings: Any) -> Iterator[Dovecot]:
    """A Dovecot of the test's own: it is stopped and changed."""
    with Dovecot(USER) as part:
        settings.DESKPOST = {
            **settings.DESKPOST,
            "ALLOW_PRIVATE_HOSTS": _loopback(),
            "CA_FILE": part.ca_file,
        }
        yield part


def _loopback() -> tuple[Any, ...]:
    return (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that do not take a test's whole time."""
    monkeypatch.setattr(connection, "QUIET", (0.2, 0.2))
    monkeypatch.setattr(connection, "LADDER", (1, 1, 1))
    monkeypatch.setattr(connection, "SLOW_LADDER", (1, 1))


@contextmanager
def running() -> Iterator[Poller]:
    """A poller at work, in a thread of this process."""
    poller = Poller()

    def run() -> None:
        try:
            poller.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield poller
    finally:
        poller.stop()
        thread.join(60)
        assert not thread.is_alive()


def imap(desk: Desk, server: Dovecot, **fields: Any) -> Mailbox:
    return custom(desk, USER, **{"port": server.imaps_port, "password": PASSWORD} | fields)


def pop3(desk: Desk, server: Dovecot, **fields: Any) -> Mailbox:
    return imap(desk, server, port=server.pop3s_port, protocol="pop3", **fields)


def taken(mailbox: Mailbox) -> int:
    return InboundEmail.objects.filter(channel=mailbox.channel_id).count()


def soon(ready: Callable[[], bool], seconds: float = 30) -> None:
    assert wait_until(ready, seconds=seconds, every=0.1), list(
        ConnectionEvent.objects.values_list("status", "code", "facts")
    )


def state(mailbox: Mailbox) -> str:
    return Mailbox.objects.get(pk=mailbox.pk).state


def deliver(server: Dovecot, subject: str = "Help") -> bytes:
    raw = wire(letter(subject))
    server.deliver(raw, USER)
    return raw


def test_new_mail_is_taken_within_seconds_and_old_mail_is_left(desk: Desk, server: Dovecot) -> None:
    deliver(server, "before")
    mailbox = imap(desk, server)
    with running():
        soon(lambda: state(mailbox) == "connected")
        deliver(server, "after")
        soon(lambda: taken(mailbox) == 1, seconds=5)  # IDLE: not a minute
    row = InboundEmail.objects.get()
    assert row.transport == "imap"
    with storages_open(row) as raw:
        assert raw == server.raw_messages(USER)[1]
    desk.work_inbound()
    row.refresh_from_db()
    assert (row.subject, row.outcome, row.request_key) == ("after", "request_created", "IT-1")
    mailbox.refresh_from_db()
    assert (mailbox.old_count, mailbox.waiting, mailbox.owner) == (1, 0, "")


@contextmanager
def storages_open(row: InboundEmail) -> Iterator[bytes]:
    with storages["raw"].open(row.raw_key) as file:
        yield file.read()


def test_pop3_leaves_old_mail_takes_new_mail_once_and_deletes_it(
    desk: Desk, server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deskpost.inbound.channels.attend.POLL_SECONDS", 0.5)
    deliver(server, "before")
    mailbox = pop3(desk, server, afterwards="delete")
    with running():
        soon(lambda: state(mailbox) == "connected")
        deliver(server, "after")
        soon(lambda: taken(mailbox) == 1)
        soon(lambda: len(server.raw_messages(USER)) == 1)
    assert b"Subject: before" in server.raw_messages(USER)[0]
    assert taken(mailbox) == 1


def test_a_restarted_server_is_found_again_without_a_word(desk: Desk, server: Dovecot) -> None:
    mailbox = imap(desk, server)
    with running():
        soon(lambda: state(mailbox) == "connected")
        server.restart()
        deliver(server)
        soon(lambda: taken(mailbox) == 1)
    assert rows(mailbox) == [("connected", "connected", 1)]


def test_a_server_that_was_down_is_told_of_and_then_what_was_taken_up(
    desk: Desk, server: Dovecot
) -> None:
    mailbox = imap(desk, server)
    with running():
        soon(lambda: state(mailbox) == "connected")
        server.stop()
        soon(lambda: state(mailbox) == "retrying")
        server.start()
        for n in range(3):
            deliver(server, f"{n}")
        soon(lambda: state(mailbox) == "connected" and taken(mailbox) == 3)
    codes = [code for _, code, _ in rows(mailbox)]
    assert codes[0] == "connected"
    assert codes[-1] == "connected_again"
    assert set(codes[1:-1]) <= {"refused", "dropped"}
    assert ConnectionEvent.objects.latest("id").facts["taken"] in range(4)


def test_a_changed_password_needs_attention_and_the_right_one_mends_it(
    desk: Desk, server: Dovecot
) -> None:
    mailbox = imap(desk, server)
    admin = desk.member("mara@desk.test", "admin")
    with running():
        soon(lambda: state(mailbox) == "connected")
        server.set_password(USER, "another")
        server.restart()
        deliver(server)
        soon(lambda: state(mailbox) == "attention")
        assert rows(mailbox)[-1][1] == "sign_in_refused"
        event = ConnectionEvent.objects.latest("id")
        assert "Authentication failed" in event.facts["said"]
        assert "secret" not in str(event.facts)
        Mailbox.objects.filter(pk=mailbox.pk).update(password="another")
        connection.changed(Mailbox.objects.get(pk=mailbox.pk), admin)
        soon(lambda: taken(mailbox) == 1 and state(mailbox) == "connected")
    assert rows(mailbox)[-2:] == [
        ("retrying", "settings_changed", 1),
        ("connected", "connected_again", 1),
    ]


def test_a_certificate_for_another_name_says_which(desk: Desk, server: Dovecot) -> None:
    mailbox = imap(desk, server, host="127.0.0.2")
    with running():
        soon(lambda: state(mailbox) == "attention")
    event = ConnectionEvent.objects.latest("id")
    assert event.code == "certificate_other_name"
    assert "localhost" in str(event.facts["names"])


def test_mail_waits_in_order_however_much_there_is(desk: Desk, server: Dovecot) -> None:
    mailbox = imap(desk, server, afterwards="delete")
    with running():
        soon(lambda: state(mailbox) == "connected")
    server.fill(USER, 600)
    with running():
        soon(lambda: taken(mailbox) == 600, seconds=120)
        soon(lambda: server.raw_messages(USER) == [])
    found = list(InboundEmail.objects.order_by("id").values_list("raw_sha256", flat=True))
    assert len(set(found)) == 600


def test_numbers_that_change_lose_nothing_and_take_nothing_twice(
    desk: Desk, server: Dovecot
) -> None:
    deliver(server, "before")
    mailbox = imap(desk, server)
    with running():
        soon(lambda: state(mailbox) == "connected")
        time.sleep(1.1)  # a mailbox's server tells whole seconds
        Mailbox.objects.update(begun_at=timezone.now())
        time.sleep(1.1)
        deliver(server, "one")
        soon(lambda: taken(mailbox) == 1)
    desk.work_inbound()
    server.renumber(USER)
    deliver(server, "two")
    with running():
        soon(lambda: taken(mailbox) == 2)
        soon(lambda: "renumbered" in [code for _, code, _ in rows(mailbox)])
    desk.work_inbound()
    subjects = InboundEmail.objects.order_by("id").values_list("subject", "status")
    assert list(subjects) == [("one", "success"), ("two", "success")]


def test_two_pollers_share_and_nothing_is_taken_twice(desk: Desk, server: Dovecot) -> None:
    mailbox = imap(desk, server)
    with running(), running():
        soon(lambda: state(mailbox) == "connected")
        for n in range(20):
            deliver(server, f"{n}")
        soon(lambda: taken(mailbox) == 20)
    assert InboundEmail.objects.values("raw_sha256").distinct().count() == 20


def test_paused_it_takes_nothing_and_resumed_it_takes_what_waited(
    desk: Desk, server: Dovecot
) -> None:
    mailbox = imap(desk, server)
    admin = desk.member("mara@desk.test", "admin")
    with running():
        soon(lambda: state(mailbox) == "connected")
        connection.pause(Mailbox.objects.get(pk=mailbox.pk), admin)
        soon(lambda: Mailbox.objects.get(pk=mailbox.pk).owner == "")
        deliver(server)
        threading.Event().wait(2)
        assert taken(mailbox) == 0
        connection.resume(Mailbox.objects.get(pk=mailbox.pk), admin)
        soon(lambda: taken(mailbox) == 1)


def test_a_token_that_ran_out_is_refreshed_and_a_withdrawn_permission_waits_for_a_person(
    desk: Desk, server: Dovecot, settings: Any
) -> None:
    with as_google(settings, server.token_key) as authority:
        mailbox = imap(desk, server, provider="google", password="")
        oauth.keep(mailbox, permit(authority))
        # It looks good to us, but the mail server refuses it.
        stale = server.token(USER, seconds=-60)
        Mailbox.objects.filter(pk=mailbox.pk).update(access_token=stale)
        admin = desk.member("mara@desk.test", "admin")
        with running():
            soon(lambda: state(mailbox) == "connected")
            deliver(server)
            soon(lambda: taken(mailbox) == 1)
            authority.revoke()
            Mailbox.objects.filter(pk=mailbox.pk).update(access_until=timezone.now())
            server.restart()
            soon(lambda: state(mailbox) == "attention")
            assert rows(mailbox)[-1][1] == "grant_revoked"
            assert Mailbox.objects.get(pk=mailbox.pk).next_try_at is None
            deliver(server, "while it waits")
            oauth.keep(mailbox, permit(authority))
            connection.changed(Mailbox.objects.get(pk=mailbox.pk), admin)
            soon(lambda: taken(mailbox) == 2)
    assert rows(mailbox)[-1][1] == "connected_again"
    log = str(list(ConnectionEvent.objects.values_list("facts", flat=True)))
    assert stale not in log
