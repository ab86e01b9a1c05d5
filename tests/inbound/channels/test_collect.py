"""None lost, none twice, none that blocks the rest: whatever fails, at whatever moment."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from deskpost import storage
from deskpost.inbound.channels import collect, connection, lease
from deskpost.inbound.channels import take as take_batch
from deskpost.inbound.channels.collect import Collector
from deskpost.inbound.channels.lease import LostLease
from deskpost.inbound.channels.source import Fetched, Item, Look
from deskpost.inbound.channels.take import NotStored
from deskpost.models import InboundEmail, Mailbox, MailboxUid
from deskpost.net import Fault
from deskpost.problems import Problem
from tests.desk import Desk
from tests.inbound.channels.mailboxes import custom, rows
from tests.parts.site import letter, wire

_numbers = itertools.count(1)


class Server:
    """A mailbox's server, as far as a protocol shows it, that fails when it is told to."""

    can_idle = False

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.validity, self.next_uid = 1, 1
        self.messages: dict[str, tuple[bytes, datetime]] = {}
        self.poisoned: set[bytes] = set()
        self.fail_at = ""  # the method that fails next

    @property
    def is_pop3(self) -> bool:
        return self.mailbox.protocol == Mailbox.Protocol.POP3

    def deliver(self, raw: bytes) -> None:
        uid = f"u{self.next_uid}" if self.is_pop3 else str(self.next_uid)
        self.messages[uid] = (raw, datetime.now(UTC))
        self.next_uid += 1

    def renumber(self) -> None:
        kept = list(self.messages.values())
        self.validity += 1
        self.next_uid = 1
        self.messages = {}
        for raw, arrived in kept:
            self.deliver(raw)
            self.messages[str(self.next_uid - 1)] = (raw, arrived)

    def _fail(self, method: str) -> None:
        if self.fail_at == method:
            self.fail_at = ""
            raise Fault(Problem.DROPPED, "bye")

    def look(self, since: int = 0, until: int = 0) -> Look:
        self._fail("look")
        items = [
            Item(uid=uid, size=len(raw), arrived=None if self.is_pop3 else arrived)
            for uid, (raw, arrived) in self.messages.items()
            if self.is_pop3 or (int(uid) >= since and (not until or int(uid) < until))
        ]
        return Look(
            validity=0 if self.is_pop3 else self.validity,
            next_uid=0 if self.is_pop3 else self.next_uid,
            total=len(self.messages),
            items=items,
        )

    def fetch(self, items: Sequence[Item], limit: int) -> list[Fetched]:
        self._fail("fetch")
        found = []
        for item in items:
            raw = self.messages.get(item.uid, (None, None))[0]
            if raw in self.poisoned:
                raise Fault(Problem.STRANGE_ANSWER, "* BAD internal")
            found.append(Fetched(item=item, raw=raw))
        return found

    def finish(self, items: Sequence[Item]) -> None:
        self._fail("finish")
        for item in items:
            if item.uid not in self.messages:
                continue
            rows = raws(self.mailbox)
            assert rows[digest(self.messages[item.uid][0])], "finished before it was stored"
            if self.mailbox.afterwards == Mailbox.Afterwards.DELETE:
                del self.messages[item.uid]

    def close(self) -> None: ...

    def rest(self) -> None: ...

    def stir(self) -> bool:
        return False

    def fileno(self) -> int:
        return -1

    def pending(self) -> bool:
        return False


def message() -> bytes:
    return wire(letter(f"Number {next(_numbers)}"))


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def hold(mailbox: Mailbox, owner: str = "one") -> Mailbox:
    lease.bury("one"), lease.bury("two")
    return next(found for found in lease.claim(owner, 1000) if found.pk == mailbox.pk)


def take(mailbox: Mailbox, server: Server, pool: ThreadPoolExecutor) -> int:
    """Connect again and again, as the poller does, until nothing waits; returns how many tries."""
    for tries in range(1, 60):
        try:
            held = hold(mailbox)
            collector = Collector(held, server, pool)
            list(collector.run())
            if not collector.more:
                return tries
        except (Fault, LostLease, NotStored):
            continue
    raise AssertionError("it never comes to an end")


def raws(mailbox: Mailbox) -> Counter[str]:
    """How many rows there are of each message."""
    found = InboundEmail.objects.filter(channel=mailbox.channel_id, outcome="")
    return Counter(found.values_list("raw_sha256", flat=True))


def test_mail_from_before_the_connection_is_left_and_its_count_is_known(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    for protocol in Mailbox.Protocol:
        mailbox = custom(desk, f"{protocol}@x.test", protocol=protocol)
        server = Server(mailbox)
        server.deliver(message())
        server.deliver(message())
        assert collect.begin(mailbox, server) == 2
        new = message()
        server.deliver(new)
        take(mailbox, server, pool)
        assert raws(mailbox) == {digest(new): 1}


def test_it_is_taken_too_if_a_person_wants_it_and_nobody_is_told(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    admin = desk.member("mara@desk.test", "admin")
    for protocol in Mailbox.Protocol:
        mailbox = custom(desk, f"{protocol}@x.test", protocol=protocol)
        server = Server(mailbox)
        old = [message() for _ in range(3)]
        for raw in old:
            server.deliver(raw)
        collect.begin(mailbox, server)
        connection.want_old(mailbox, admin)
        take(mailbox, server, pool)
        take(mailbox, server, pool)
        assert raws(mailbox) == {digest(raw): 1 for raw in old}
        found = InboundEmail.objects.filter(channel=mailbox.channel_id)
        assert {row.transport for row in found} == {"import"}
        assert [code for _, code, _ in rows(mailbox)] == ["old_mail_taken"]


def test_a_message_that_always_fails_gets_a_row_that_says_so_and_the_rest_is_taken(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    some = [message() for _ in range(120)]
    for raw in some:
        server.deliver(raw)
    server.poisoned = {some[57]}
    tries = take(mailbox, server, pool)
    assert tries <= 1 + take_batch.TRIES + 1
    assert raws(mailbox) == {digest(raw): 1 for raw in some if raw is not some[57]}
    (row,) = InboundEmail.objects.filter(channel=mailbox.channel_id, outcome="not_fetched")
    assert row.status == "failed"
    assert row.facts["said"] == "* BAD internal"
    assert row.facts["uid"] == "58"
    assert row.due_at is None


def test_a_disk_that_is_full_loses_nothing(
    desk: Desk, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = custom(desk, afterwards=Mailbox.Afterwards.DELETE)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    raw = message()
    server.deliver(raw)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage.Writing, "finish", full)
        with pytest.raises(NotStored):
            list(Collector(hold(mailbox), server, pool).run())
    assert len(server.messages) == 1
    assert raws(mailbox) == {}
    take(mailbox, server, pool)
    assert raws(mailbox) == {digest(raw): 1}
    assert server.messages == {}


def test_what_waited_while_the_channel_was_down_is_a_backlog(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    now = datetime.now(UTC)
    Mailbox.objects.update(last_success_at=now - timedelta(days=2))
    waited, fresh = message(), message()
    server.deliver(waited)
    server.messages["1"] = (waited, now - timedelta(days=1))
    server.deliver(fresh)
    take(mailbox, server, pool)
    found = InboundEmail.objects.filter(channel=mailbox.channel_id).order_by("id")
    assert [row.backlog for row in found] == [True, False]


def test_a_poller_whose_time_is_over_stores_nothing(desk: Desk, pool: ThreadPoolExecutor) -> None:
    mailbox = custom(desk)
    server = Server(mailbox)
    collect.begin(mailbox, server)
    server.deliver(message())
    first = hold(mailbox, "one")
    second = hold(mailbox, "two")
    with pytest.raises(LostLease):
        list(Collector(first, server, pool).run())
    assert raws(mailbox) == {}
    list(Collector(second, server, pool).run())
    assert raws(mailbox).total() == 1


class Mailboxes(RuleBasedStateMachine):
    """Mail arrives, connections die at every step, numbers change, pollers change."""

    desk: ClassVar[Desk]
    pool: ClassVar[ThreadPoolExecutor]

    @initialize(
        protocol=st.sampled_from(list(Mailbox.Protocol)),
        delete=st.booleans(),
        before=st.integers(0, 3),
    )
    def connect(self, protocol: str, delete: bool, before: int) -> None:
        keep = Mailbox.Afterwards.LEAVE if protocol == "pop3" else Mailbox.Afterwards.SEEN
        self.mailbox = custom(
            self.desk,
            f"m{next(_numbers)}@x.test",
            protocol=protocol,
            afterwards=Mailbox.Afterwards.DELETE if delete else keep,
        )
        self.server = Server(self.mailbox)
        for _ in range(before):
            self.server.deliver(message())
        collect.begin(self.mailbox, self.server)
        self.wanted: list[bytes] = []
        self.refused: set[bytes] = set()

    @rule(count=st.integers(1, 70))
    def mail_arrives(self, count: int) -> None:
        for _ in range(count):
            raw = message()
            self.wanted.append(raw)
            self.server.deliver(raw)

    @rule()
    def a_message_cannot_be_fetched(self) -> None:
        self.mail_arrives(1)
        if not self.refused:
            self.refused.add(self.wanted[-1])
            self.server.poisoned.add(self.wanted[-1])

    @rule(method=st.sampled_from(["look", "fetch", "finish"]))
    def a_connection_dies(self, method: str) -> None:
        self.server.fail_at = method
        self._one_connection()

    @rule()
    def a_connection_works(self) -> None:
        self._one_connection()

    @rule(batches=st.integers(0, 2))
    def a_poller_is_killed(self, batches: int) -> None:
        with contextlib.suppress(Fault):
            collector = Collector(hold(self.mailbox), self.server, self.pool)
            list(itertools.islice(collector.run(), batches))

    @rule()
    def the_server_numbers_anew(self) -> None:
        # What a process of ours has stored and no worker has settled is known by its bytes.
        if not self.server.is_pop3:
            self.server.renumber()

    def _one_connection(self) -> None:
        with contextlib.suppress(Fault):
            list(Collector(hold(self.mailbox), self.server, self.pool).run())

    def teardown(self) -> None:
        self.server.fail_at = ""
        take(self.mailbox, self.server, self.pool)
        missing = [raw for raw in self.wanted if raw not in self.refused]
        assert raws(self.mailbox) == {digest(raw): 1 for raw in missing}
        refused = InboundEmail.objects.filter(
            channel=self.mailbox.channel_id, outcome="not_fetched"
        )
        if self.refused:
            assert refused.exists()
        if self.server.is_pop3:
            names = MailboxUid.objects.filter(mailbox=self.mailbox)
            assert set(names.values_list("uid", flat=True)) >= set(self.server.messages)


def test_none_lost_and_none_twice_whatever_happens(desk: Desk, pool: ThreadPoolExecutor) -> None:
    Mailboxes.desk, Mailboxes.pool = desk, pool
    run_state_machine_as_test(
        Mailboxes,
        settings=settings(
            max_examples=40,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
