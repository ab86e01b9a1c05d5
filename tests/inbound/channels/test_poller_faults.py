"""A person’s act and a poller’s write, when a mailbox is tried, and what the loop outlives."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError
from django.utils import timezone

from deskpost.inbound.channels import access, collect, connection, lease, take
from deskpost.inbound.channels import attend as attending
from deskpost.inbound.channels.attend import Charge
from deskpost.inbound.channels.poller import Poller
from deskpost.models import Mailbox
from deskpost.net import Fault
from deskpost.problems import ConnectionState, Problem
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, owned
from tests.inbound.channels.test_collect import Server, hold, message, raws


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def test_a_pause_is_not_undone_by_what_was_begun_before_it(desk: Desk) -> None:
    """A test of the connection, or a permission that comes back, ends after somebody paused."""
    admin = desk.member("mara@desk.test", "admin")
    mailbox = custom(desk)
    begun_before = Mailbox.objects.get(pk=mailbox.pk)
    connection.pause(Mailbox.objects.get(pk=mailbox.pk), admin)
    connection.changed(begun_before, admin)
    assert Mailbox.objects.get(pk=mailbox.pk).state == ConnectionState.PAUSED


def test_try_now_tries_also_where_the_permission_was_withdrawn(desk: Desk) -> None:
    mailbox = owned(custom(desk, provider="google"), "one")
    assert connection.failed(mailbox, Fault(Problem.GRANT_REVOKED)) is None
    lease.release_one(mailbox)
    assert Charge(owned(mailbox, "one")).due_at == math.inf
    lease.bury("one")
    connection.try_now(mailbox)
    assert Charge(owned(mailbox, "one")).due_at <= time.monotonic()


def test_a_clock_that_was_wrong_does_not_put_a_mailbox_off_for_years(desk: Desk) -> None:
    mailbox = custom(desk, next_try_at=timezone.now() + timedelta(days=3000))
    assert Charge(owned(mailbox)).due_at - time.monotonic() < 2 * connection.LONGEST_SECONDS


def test_a_lease_of_a_clock_that_was_wrong_does_not_last_for_years(desk: Desk) -> None:
    mailbox = owned(custom(desk), "on another host")
    ahead = timezone.now() + timedelta(days=3000)
    Mailbox.objects.filter(pk=mailbox.pk).update(lease_until=ahead)
    assert [one.pk for one in lease.claim("two", 10)] == [mailbox.pk]


def test_a_connection_that_took_something_before_it_dropped_is_tried_again_soon(
    desk: Desk,
) -> None:
    """A server that ends each connection after some hundred messages; or messages that fail."""
    mailbox = owned(custom(desk))
    waits = [connection.failed(mailbox, Fault(Problem.DROPPED), taken=400) for _ in range(8)]
    assert max(wait or 0 for wait in waits) <= 60 * (1 + connection.JITTER)


def test_attend_never_raises_whatever_cannot_be_noted(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = Charge(owned(custom(desk)))

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise Fault(Problem.DROPPED)

    def broken(*args: Any, **kwargs: Any) -> float:
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(access, "account", refuse)
    monkeypatch.setattr(connection, "failed", broken)
    attending.attend(charge, pool)
    assert charge.due_at > time.monotonic() + 1


@pytest.mark.django_db(transaction=True)
def test_the_loop_outlives_every_exception(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    poller = Poller()
    rounds = []

    def turn(self: Poller, bell: object) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise InterfaceError("the connection is closed")
        if len(rounds) == 2:
            raise KeyError("7 is not registered")
        self.stopping = True

    monkeypatch.setattr(Poller, "_round", turn)
    poller.run()
    assert len(rounds) == 3


def test_who_waits_for_room_for_a_large_message_gives_up_its_thread(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three slow servers with large messages, and all threads of the poller wait for them."""
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    server.deliver(message() + b"x" * (5 * 1024 * 1024))
    monkeypatch.setattr(attending, "finish_opening", lambda steps: server)
    monkeypatch.setattr(access, "opening", lambda account: None)
    charge = Charge(hold(mailbox))
    for _ in range(3):
        assert take._large.acquire(timeout=1)

    def free() -> None:
        for _ in range(3):
            take._large.release()

    freed = threading.Timer(3.0, free)
    freed.start()
    begun = time.monotonic()
    attending.attend(charge, pool)
    waited = time.monotonic() - begun
    freed.join()
    assert waited < 2
    charge.due_at = 0
    attending.attend(charge, pool)
    assert raws(mailbox).total() == 1


# --- What holds, and no other test would have noticed ---------------------------------------------


def test_also_the_same_owner_under_a_later_fence_is_another(desk: Desk) -> None:
    """A turn that hangs in a poller, which lost the mailbox meanwhile and has it again."""
    before = owned(custom(desk), "one")
    lease.bury("one")
    now = owned(before, "one")
    with pytest.raises(lease.LostLease):
        lease.write(before, next_uid=99)
    lease.release_one(before)
    assert Mailbox.objects.get(pk=before.pk).owner == "one"
    lease.write(now, next_uid=7)
