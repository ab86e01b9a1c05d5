"""The demo's custom channels: a past that could have been, mail that is real, and no connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any, NoReturn

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from deskpost.demo import mailboxes, pasts
from deskpost.inbound import intake
from deskpost.inbound.channels import connection
from deskpost.inbound.channels.poller import Poller
from deskpost.logs import retention
from deskpost.models import (
    Channel,
    ConnectionEvent,
    InboundEmail,
    Mailbox,
    Person,
    Role,
    moment_of,
)
from deskpost.outcomes import Outcome
from deskpost.problems import ConnectionState, Notice, Problem
from tests.desk import Desk
from tests.parts.process import wait_until

pytestmark = pytest.mark.django_db


def make(desk: Desk) -> mailboxes.Made:
    admin = desk.agent
    Person.objects.filter(pk=admin.pk).update(name="Admin")
    return mailboxes.make(desk.channel, Person.objects.get(pk=admin.pk))


def mailbox(address: str) -> Mailbox:
    return Mailbox.objects.select_related("channel").get(channel__address=address)


def log_of(address: str) -> list[ConnectionEvent]:
    """The connectivity log, the oldest first."""
    channel = mailbox(address).channel
    return list(ConnectionEvent.objects.filter(channel=channel).order_by("id"))


BOTH = pytest.mark.parametrize("address", [mailboxes.SUPPORT, mailboxes.BOOKINGS])


# --- Once ---


def test_they_are_made_once(desk: Desk) -> None:
    assert make(desk).addresses == (mailboxes.SUPPORT, mailboxes.BOOKINGS)
    before = ConnectionEvent.objects.count(), InboundEmail.objects.count()
    assert make(desk) == mailboxes.Made()
    assert Channel.objects.filter(kind=Channel.Kind.CUSTOM).count() == 2
    assert (ConnectionEvent.objects.count(), InboundEmail.objects.count()) == before


def test_one_that_was_removed_is_made_again(desk: Desk) -> None:
    make(desk)
    Channel.objects.filter(address=mailboxes.BOOKINGS).update(removed_at=timezone.now())
    mailbox(mailboxes.BOOKINGS).delete()
    assert make(desk).addresses == (mailboxes.BOOKINGS,)
    assert mailbox(mailboxes.BOOKINGS).channel.removed_at is None


def test_an_address_that_somebody_uses_is_left_as_it_is(desk: Desk) -> None:
    theirs = desk.add_channel(mailboxes.SUPPORT.upper())
    made = make(desk)
    assert made.addresses == (mailboxes.BOOKINGS,)
    assert made.letters == 0
    assert not ConnectionEvent.objects.filter(channel=theirs).exists()


def test_where_its_mail_cannot_be_stored_nothing_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError("no space left")

    monkeypatch.setattr(intake, "store", full)
    with pytest.raises(OSError, match="no space"):
        make(desk)
    assert not Channel.objects.filter(kind=Channel.Kind.CUSTOM).exists()
    assert not ConnectionEvent.objects.exists()


# --- The past ---


@BOTH
def test_the_log_is_in_the_order_of_time_and_within_the_days_that_are_kept(
    desk: Desk, address: str
) -> None:
    make(desk)
    rows = log_of(address)
    assert all(moment_of(row.id) == row.at for row in rows)
    assert all(row.at <= row.last_at for row in rows)
    assert all(earlier.last_at < later.at for earlier, later in pairwise(rows))
    now = timezone.now()
    assert rows[-1].last_at <= now
    assert rows[0].at.date() >= retention.first_day_kept(now) + timedelta(days=1)
    assert mailbox(address).channel.created_at <= rows[0].at


@BOTH
def test_each_failure_is_one_that_the_pollers_would_have_noted_so(desk: Desk, address: str) -> None:
    make(desk)
    rows = log_of(address)
    failures = [row for row in rows if row.code in set(Problem)]
    assert failures
    for row in failures:
        begun = _down_since(rows, row)
        for moment in (row.at, row.last_at):
            found = connection.plan(Problem(row.code), 3, moment - begun)
            assert (found.state, found.quiet) == (row.status, False), row.code
        assert row.facts["host"] == pasts.HOST


def _down_since(rows: list[ConnectionEvent], failure: ConnectionEvent) -> Any:
    """Since when it was down, as the row says that tells of the end."""
    ends = (row for row in rows if row.at > failure.at and row.code == Notice.CONNECTED_AGAIN)
    end = next(ends, None)
    if end is None:
        return failure.at
    begun = end.at - timedelta(seconds=end.facts["down_seconds"])
    assert begun <= failure.at
    return begun


def test_what_support_went_through(desk: Desk) -> None:
    make(desk)
    told = [(row.code, row.count, row.facts) for row in log_of(mailboxes.SUPPORT)]
    codes = [code for code, _, _ in told]
    assert codes[0] == Notice.CONNECTED
    assert told[0][2]["old"] == 12
    assert codes.count(Problem.RATE_LIMITED) == 2
    assert (Problem.REFUSED, 9) in [(code, count) for code, count, _ in told]
    assert {"taken": 143, "down_seconds": 7800} in [facts for _, _, facts in told]
    password = codes.index(Problem.SIGN_IN_REFUSED)
    assert codes[password + 1 : password + 3] == [Notice.SETTINGS_CHANGED, Notice.CONNECTED_AGAIN]
    assert told[password + 1][2] == {"by": "Admin"}
    assert Problem.CERTIFICATE_EXPIRED in codes
    assert (codes[-1], told[-1][2]) == (Notice.PAUSED, {"by": "Deskpost demo"})


# --- Its mail ---


def test_what_lay_in_the_mailbox_goes_the_way_of_all_mail(desk: Desk) -> None:
    made = make(desk)
    desk.work_inbound()
    rows = list(InboundEmail.objects.filter(channel=mailbox(mailboxes.SUPPORT).channel))
    assert len(rows) == made.letters == 8
    assert {row.transport for row in rows} == {InboundEmail.Transport.IMAP}
    outcomes = [row.outcome for row in rows]
    assert outcomes.count(Outcome.REQUEST_CREATED) == 4
    assert {Outcome.COMMENT_ADDED, Outcome.AUTO_REPLY, Outcome.BULK, Outcome.NOT_FETCHED} < set(
        outcomes
    )
    last = ConnectionEvent.objects.order_by("-id").first()
    assert last is not None
    assert all(row.received_at <= last.at for row in rows)  # and then it was paused


def test_what_had_waited_is_answered_to_nobody(desk: Desk) -> None:
    make(desk)
    desk.work_inbound()
    told = {note.address for note in desk.announce()}
    assert "mei.tan@harbour.example" in told
    assert "ruth@pilot-boats.example" not in told


# --- No connection ---


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The servers that anything in this process asked for, by name or address. None is found."""
    found: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> NoReturn:
        found.append(host)
        raise socket.gaierror("no such name")

    class Socket(socket.socket):
        def connect(self, address: Any, /) -> None:
            if self.family != socket.AF_UNIX:
                found.append(str(address))
                raise ConnectionRefusedError
            super().connect(address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "socket", Socket)
    return found


@contextmanager
def poller() -> Iterator[None]:
    """A poller at work, in a thread of this process."""
    at_work = Poller()

    def run() -> None:
        try:
            at_work.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        at_work.stop()
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_neither_making_them_nor_a_poller_asks_for_a_server(desk: Desk, asked: list[str]) -> None:
    make(desk)
    before = ConnectionEvent.objects.count()
    with poller():
        assert wait_until(lambda: bool(mailbox(mailboxes.BOOKINGS).owner), seconds=20)
        time.sleep(1.5)
        support, bookings = mailbox(mailboxes.SUPPORT), mailbox(mailboxes.BOOKINGS)
        assert asked == []
        assert support.owner == ""
        assert support.state == ConnectionState.PAUSED
        assert (bookings.problem, bookings.next_try_at) == (Problem.GRANT_REVOKED, None)
        assert ConnectionEvent.objects.count() == before
        # The watch is not blind: once somebody resumes it, its server is asked for.
        connection.resume(support, desk.agent)
        assert wait_until(lambda: asked == [pasts.HOST], seconds=20), asked


# --- Its pages ---

PAGES = (
    "/projects/IT/settings/email/channels/",
    "/projects/IT/settings/email/channels/{pk}/connectivity/",
    "/projects/IT/settings/email/channels/{pk}/logs/",
    "/projects/IT/settings/email/channels/{pk}/mailbox/",
    "/projects/IT/settings/email/channels/{pk}/",
    "/projects/IT/email-logs/connectivity/?channel={pk}",
    "/projects/IT/email-logs/incoming/?channel={pk}",
)


@BOTH
@pytest.mark.parametrize("language", ["en", "ja"])
def test_its_pages_answer_in_both_languages(desk: Desk, address: str, language: str) -> None:
    make(desk)
    desk.work_inbound()
    client = Client()
    client.force_login(desk.member("boss@desk.test", Role.ADMIN))
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for path in PAGES:
        page = client.get(path.format(pk=mailbox(address).pk))
        text = page.content.decode()
        assert page.status_code == 200, path
        assert f'<html lang="{language}"' in text
        assert address in text
