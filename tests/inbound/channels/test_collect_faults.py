"""What could lose mail, take it unasked, or hold up the rest, and must not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import CheckViolation

from deskpost.inbound.channels import access, collect, connection, letters
from deskpost.inbound.channels import attend as attending
from deskpost.inbound.channels.attend import Charge
from deskpost.inbound.channels.collect import Collector
from deskpost.inbound.channels.lease import LostLease
from deskpost.inbound.channels.source import Fetched, Item, Look
from deskpost.models import InboundEmail, Mailbox, bulk, partitions
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom
from tests.inbound.channels.test_collect import Server, digest, hold, message, raws, take


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def _opens(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(attending, "finish_opening", lambda steps: server)
    monkeypatch.setattr(access, "opening", lambda account: None)


def test_a_database_that_stops_within_the_transaction_loses_nothing(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    raw = message()
    server.deliver(raw)
    _opens(monkeypatch, server)
    charge = Charge(hold(mailbox))

    def stopped(rows: Any, **more: Any) -> None:
        raise OperationalError("the database system is shutting down")

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "insert", stopped)
        attending.attend(charge, pool)
    assert raws(mailbox) == {}
    attending.attend(charge, pool)  # as the poller does ten seconds later
    assert raws(mailbox) == {digest(raw): 1}


def test_what_was_not_finished_is_not_finished_under_new_numbers(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk, afterwards=Mailbox.Afterwards.DELETE)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    first, second, third = message(), message(), message()
    server.deliver(first)
    take(mailbox, server, pool)  # number 1 is deleted
    server.deliver(second)  # number 2
    server.fail_at = "finish"
    with pytest.raises(Fault):
        list(Collector(hold(mailbox), server, pool).run())
    server.renumber()  # the second is number 1 now
    server.deliver(third)  # number 2
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(raw): 1 for raw in (first, second, third)}


def test_a_message_that_cannot_be_read_does_not_hold_up_the_rest(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    bad, good = message(), message()
    server.deliver(bad)
    server.deliver(good)
    parse = letters.read

    def read(raw: bytes) -> Any:
        if raw == bad:
            raise RecursionError("maximum recursion depth exceeded")
        return parse(raw)

    monkeypatch.setattr(letters, "read", read)
    for _ in range(10):
        try:
            list(Collector(hold(mailbox), server, pool).run())
        except (RecursionError, Fault):
            continue
    assert raws(mailbox)[digest(good)] == 1


def test_a_server_that_says_it_is_busy_costs_no_message(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    raw = message()
    server.deliver(raw)
    given = server.fetch

    def busy(items: Sequence[Item], limit: int) -> list[Fetched]:
        raise Fault(Problem.RATE_LIMITED, "[OVERQUOTA] Account exceeded bandwidth limits")

    server.fetch = busy  # type: ignore[method-assign]
    for _ in range(8):
        with contextlib.suppress(Fault):
            list(Collector(hold(mailbox), server, pool).run())
    server.fetch = given  # type: ignore[method-assign]
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(raw): 1}


def test_a_pop3_listing_that_is_empty_for_once_does_not_make_old_mail_new(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk, protocol="pop3", afterwards=Mailbox.Afterwards.LEAVE)
    server = Server(mailbox)
    server.deliver(message())
    server.deliver(message())
    collect.begin(mailbox, server)
    hidden, server.messages = server.messages, {}
    take(mailbox, server, pool)
    server.messages = hidden
    take(mailbox, server, pool)
    assert raws(mailbox) == {}


def test_what_was_found_in_one_account_is_not_noted_of_another(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    admin = desk.member("mara@desk.test", "admin")
    mailbox = custom(desk)
    server = Server(mailbox)

    def look(since: int = 0, until: int = 0) -> Look:
        # While the old server answers, a person corrects the folder.
        Mailbox.objects.filter(pk=mailbox.pk).update(folder="Support")
        connection.changed(Mailbox.objects.get(pk=mailbox.pk), admin)
        return Look(validity=1, next_uid=5000, total=4999, items=[])

    server.look = look  # type: ignore[method-assign]
    with pytest.raises(LostLease):
        list(Collector(hold(mailbox), server, pool).run())
    mailbox.refresh_from_db()
    assert (mailbox.begun_at, mailbox.next_uid) == (None, 0)


def test_mail_that_came_in_while_numbers_changed_is_taken_whatever_its_date(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    """Moved into the folder: IMAP keeps the date of a message that is moved."""
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    server.renumber()
    moved, fresh = message(), message()
    Mailbox.objects.update(validity=server.validity, next_uid=1, recheck_until_uid=1)
    server.next_uid = 3
    Mailbox.objects.update(recheck_until_uid=3)
    server.deliver(moved)
    server.messages["3"] = (moved, datetime.now(UTC) - timedelta(days=3))
    server.deliver(fresh)
    take(mailbox, server, pool)
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(moved): 1, digest(fresh): 1}


def test_rows_that_need_a_new_partition_are_counted_once(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = desk.member("mara@desk.test", "admin")
    mailbox = custom(desk)
    server = Server(mailbox)
    for _ in range(3):
        server.deliver(message())
    collect.begin(mailbox, server)
    connection.want_old(mailbox, admin)
    real, calls = bulk.insert, list[int]()

    def insert(rows: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError from CheckViolation("no partition, in whatever language")
        real(rows, **more)

    monkeypatch.setattr(bulk, "insert", insert)
    monkeypatch.setattr(partitions, "ensure", lambda days: None)
    list(Collector(hold(mailbox), server, pool).run())
    mailbox.refresh_from_db()
    assert mailbox.old_taken == InboundEmail.objects.count() == 3


def test_a_server_that_gives_no_message_at_all_for_a_while_costs_none(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    """Sign-in and lists come through, and what is large does not (a path with too small an MTU)."""
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    some = [message() for _ in range(3)]
    for raw in some:
        server.deliver(raw)
    given = server.fetch

    def silent(items: Sequence[Item], limit: int) -> list[Fetched]:
        raise Fault(Problem.TIMED_OUT)

    server.fetch = silent  # type: ignore[method-assign]
    for _ in range(12):
        with contextlib.suppress(Fault):
            list(Collector(hold(mailbox), server, pool).run())
    server.fetch = given  # type: ignore[method-assign]
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(raw): 1 for raw in some}


def test_a_message_at_which_the_server_hangs_up_does_not_block_the_rest(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    some = [message() for _ in range(5)]
    for raw in some:
        server.deliver(raw)
    given = server.fetch

    def fetch(items: Sequence[Item], limit: int) -> list[Fetched]:
        if any(item.uid == "3" for item in items):
            raise Fault(Problem.DROPPED)
        return given(items, limit)

    server.fetch = fetch  # type: ignore[method-assign]
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(raw): 1 for raw in some if raw is not some[2]}
    assert InboundEmail.objects.filter(outcome="not_fetched").count() == 1


# --- What holds, and no other test would have noticed ---------------------------------------------


def test_what_was_stored_and_not_finished_is_finished_first_the_next_time(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk, afterwards=Mailbox.Afterwards.DELETE)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    server.deliver(message())
    server.fail_at = "finish"
    with pytest.raises(Fault):
        list(Collector(hold(mailbox), server, pool).run())
    assert len(server.messages) == 1
    take(mailbox, server, pool)
    assert server.messages == {}
    assert raws(mailbox).total() == 1


def test_new_numbers_take_nothing_twice_and_nothing_from_before(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    server.deliver(message())
    collect.begin(mailbox, server)
    known, new = message(), message()
    server.deliver(known)
    take(mailbox, server, pool)
    server.renumber()
    server.deliver(new)
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(known): 1, digest(new): 1}
    # And a person who wants the old mail afterwards gets that alone.
    connection.want_old(mailbox, desk.member("mara@desk.test", "admin"))
    take(mailbox, server, pool)
    assert raws(mailbox).total() == 3
    assert InboundEmail.objects.filter(transport="import").count() == 1
