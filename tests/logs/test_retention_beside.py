"""A day leaves the log beside those who read and write it: nobody waits, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from deskpost.logs import retention
from deskpost.logs.batches import Batches
from deskpost.models import InboundEmail, LogLine, first_id, leaving, partitions
from tests.desk import Desk
from tests.logs import rows

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MANY = 50_000
AT_MOST = 0.5  # seconds; of a machine at rest 0.05, and behind one lock it would be READER_STAYS
READER_STAYS = 3.0
LOCKED_AT_MOST = 0.1  # what is asked for is 0.05
TABLES = (InboundEmail, LogLine)

on_postgresql = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="SQLite has plain tables"
)


def fill(desk: Desk, day: datetime, number: int) -> None:
    """Make so many settled messages of a day, and their lines, by copying one."""
    row = rows.mail(desk.channel, at=day, raw=b"")
    first = (first_id(day).int >> 80) + 1
    for model in TABLES:
        table = model._meta.db_table
        columns = [str(field.column) for field in model._meta.concrete_fields]
        names = ", ".join(column for column in columns if column != "id")
        new = "(lpad(to_hex(%s + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (id, {names}) SELECT {new}, {names}"
                f" FROM {table}, generate_series(1, %s) n WHERE id = %s",
                [first, number - 1, row.pk],
            )


def outside() -> psycopg.Connection[Any]:
    """Return a connection of our own to the same database."""
    chosen = connection.settings_dict
    return psycopg.connect(
        host=chosen["HOST"], port=chosen["PORT"], user=chosen["USER"], dbname=chosen["NAME"]
    )


class Steady:
    """Does something again and again in a thread, and knows how long the slowest took."""

    def __init__(self, act: Callable[[], None], pause: float = 0.005) -> None:
        self._act, self._pause = act, pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.slowest, self.times = 0.0, 0
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                began = time.monotonic()
                self._act()
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.times += 1
                time.sleep(self._pause)
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()

    def __enter__(self) -> Steady:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        if self.error:
            raise self.error


class Locks:
    """Looks again and again how long anybody has been waiting for a lock, other than those who
    change tables: what a machine under load takes does not count."""

    WAITING = (
        "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)"
        " FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database() AND query !~ '^(ALTER|DROP|CREATE)'"
    )

    def __init__(self) -> None:
        self._connection = outside()
        self._connection.autocommit = True
        self.longest = 0.0

    def look(self) -> None:
        (seconds,) = self._connection.execute(self.WAITING).fetchone() or (0,)
        self.longest = max(self.longest, float(seconds))

    def close(self) -> None:
        self._connection.close()


@contextmanager
def long_reader() -> Iterator[psycopg.Connection[Any]]:
    """A reader like a back-up: one transaction, which has begun to read everything."""
    with outside() as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("DECLARE old CURSOR FOR SELECT id FROM deskpost_inboundemail ORDER BY id")
        assert len(reader.execute("FETCH 100 FROM old").fetchall()) == 100
        yield reader


def prune_until_gone(day: datetime, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while any(part.day == day.date() for part in leaving.parts()):
        assert time.monotonic() < ends, "the day does not go"
        retention.prune()


@on_postgresql
def test_a_day_of_fifty_thousand_goes_beside_a_long_reader_and_a_steady_writer(desk: Desk) -> None:
    old, young = timezone.now() - timedelta(days=30), timezone.now() - timedelta(days=2)
    fill(desk, old, MANY)
    fill(desk, young, 1_000)
    made: list[uuid.UUID] = []
    readers = [outside() for _ in range(2)]

    def write() -> None:
        made.append(rows.mail(desk.channel, raw=b"").pk)

    def read(reader: psycopg.Connection[Any]) -> None:
        since = first_id(timezone.now() - timedelta(days=3))
        sql = "SELECT count(*) FROM deskpost_logline WHERE id >= %s"
        with reader.transaction():
            (number,) = reader.execute(sql, [since]).fetchone() or (0,)
        assert number >= 1_000

    steady = [Steady(write), *(Steady(partial(read, reader)) for reader in readers)]
    locks = Locks()
    with steady[0], steady[1], steady[2], Steady(locks.look, 0.002):
        with long_reader() as reader:
            began = time.monotonic()
            while time.monotonic() - began < READER_STAYS:
                retention.prune()
                slow = time.monotonic()
                reader.execute("FETCH 100 FROM old")
                again = "SELECT count(*) FROM deskpost_inboundemail WHERE id < %s"
                (seen,) = reader.execute(again, [first_id(young)]).fetchone() or (0,)
                steady[1].slowest = max(steady[1].slowest, time.monotonic() - slow - 0.05)
                assert seen >= MANY, "what it began to read is gone under it"
            # Who asks now finds nothing of the day any more, although its table is there.
            assert not InboundEmail.objects.filter(id__lt=first_id(young)).exists()
        prune_until_gone(old, 20)
    for reader in readers:
        reader.close()
    locks.close()
    waited = [f"{one.slowest * 1000:.0f} ms in {one.times}" for one in steady]
    print(f"\nthe longest act of the writer, and of two readers: {', '.join(waited)}")
    print(f"the longest wait of any of them for a lock: {locks.longest * 1000:.0f} ms")
    assert locks.longest < LOCKED_AT_MOST
    assert max(one.slowest for one in steady) < AT_MOST
    assert min(one.times for one in steady) > 50
    assert InboundEmail.objects.filter(pk__in=made).count() == len(made)
    assert LogLine.objects.count() == InboundEmail.objects.count() == 1_000 + len(made)


CUT = """
import django, sys, time
django.setup()
from deskpost.logs import retention
from deskpost.models import leaving
def hang(part):
    print("detached", flush=True)
    time.sleep(60)
if "hang" in sys.argv:
    leaving.drop = hang
print("begun", flush=True)
retention.prune()
time.sleep(60)
"""


def started(*how: str) -> subprocess.Popen[str]:
    """Start a process that prunes this database; with "hang" it never drops anything."""
    chosen = connection.settings_dict
    url = f"postgresql://{chosen['USER']}@{chosen['HOST']}:{chosen['PORT']}/{chosen['NAME']}"
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "deskpost.settings",
        "DESKPOST_DATABASE": url,
        "DESKPOST_DATA": str(settings.DATA),
    }
    return subprocess.Popen(
        [sys.executable, "-c", CUT, *how], env=env, stdout=subprocess.PIPE, text=True
    )


def killed(process: subprocess.Popen[str], after: str) -> None:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if line.strip() == after:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@on_postgresql
def test_after_a_kill_between_detach_and_drop_the_next_call_ends_it(desk: Desk) -> None:
    old = timezone.now() - timedelta(days=30)
    fill(desk, old, 500)
    killed(started("hang"), "detached")
    there = [part for part in leaving.parts() if part.day == old.date()]
    assert leaving.State.LOOSE in {part.state for part in there}
    prune_until_gone(old, 20)
    assert {part.state for part in leaving.parts()} == {leaving.State.ATTACHED}


@on_postgresql
def test_after_a_kill_while_it_waits_for_a_reader_the_next_call_ends_it(desk: Desk) -> None:
    old = timezone.now() - timedelta(days=30)
    fill(desk, old, 500)
    with long_reader():
        process = started()
        pending = leaving.State.PENDING
        ends = time.monotonic() + 20
        while pending not in {part.state for part in leaving.parts()}:
            assert time.monotonic() < ends
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        # Meanwhile the log takes what comes, for that table too.
        rows.mail(desk.channel, raw=b"")
    prune_until_gone(old, 20)
    assert {part.state for part in leaving.parts()} == {leaving.State.ATTACHED}
    assert InboundEmail.objects.count() == LogLine.objects.count() == 1


@on_postgresql
def test_a_new_day_is_made_beside_a_long_reader_and_nobody_waits(desk: Desk) -> None:
    fill(desk, timezone.now() - timedelta(days=2), 200)
    far = timezone.now().date() + timedelta(days=400)
    with long_reader(), Steady(lambda: void(rows.mail(desk.channel, raw=b""))) as writer:
        partitions.ensure([far])
        time.sleep(0.2)
    print(f"\nthe longest wait of the writer: {writer.slowest * 1000:.0f} ms")
    assert writer.slowest < AT_MOST
    assert {part.table for part in leaving.parts() if part.day == far} == {*partitions.LOG_TABLES}
    for part in leaving.parts():
        if part.day == far:
            assert leaving.detach(part)
            assert leaving.drop(part)


def void(_: object) -> None:
    pass


@pytest.mark.skipif(
    not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="there it is by day"
)
def test_on_sqlite_rows_go_in_moments_and_writers_get_in_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = timezone.now() - timedelta(days=30)
    batch = [
        InboundEmail(
            id=rows.id_at(old + timedelta(milliseconds=7 * n)),
            project=desk.project,
            channel=desk.channel,
            transport="smtp",
            received_at=old,
            envelope_to="it@desk.test",
            status="success",
            outcome="request_created",
            sender=f"p{n}@x.test",
            subject=f"Printer {n} is out of ink and paper",
        )
        for n in range(1_500)
    ]
    InboundEmail.objects.bulk_create(batch, batch_size=500)
    InboundEmail.note_settled(batch)
    used: list[Batches] = []
    before = Batches.__init__

    def watched(self: Batches, seconds: float | None = None) -> None:
        before(self, seconds)
        used.append(self)

    monkeypatch.setattr(Batches, "__init__", watched)
    with Steady(lambda: void(rows.mail(desk.channel, raw=b"")), 0.01) as writer:
        began = time.monotonic()
        retention.prune()
        took = time.monotonic() - began
    longest = max(one.longest for one in used)
    print(
        f"\n{len(batch)} messages in {took:.1f} s, the longest transaction {longest * 1000:.0f} ms,"
        f" the longest wait of a writer {writer.slowest * 1000:.0f} ms in {writer.times}"
    )
    assert longest < AT_MOST
    assert writer.slowest < 2 * AT_MOST
    assert InboundEmail.objects.count() == LogLine.objects.count() == writer.times
