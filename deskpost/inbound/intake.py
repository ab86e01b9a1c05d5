"""STORE: keep each arriving message durably, with its row, before anything reads it.

A listener's messages are written by a pool of threads as they come. One thread gathers what has
been written meanwhile, syncs its folder, inserts the rows in one transaction, and only then answers
them all. Whoever submits gets a future: a result means that message and rows are on the disk; an
exception means that nothing was accepted. Other sources hand whole batches to `store`.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from deskpost import storage, wake
from deskpost.models import InboundEmail, bulk, moment_of, new_id, partitions
from deskpost.outcomes import IncomingStatus, Outcome

WRITERS = 16  # threads that write raws
CHECK_SECONDS = 1.0  # a database connection that rested so long is tried before it is used
GATHER_MESSAGES = 64  # at most in one transaction
GATHER_BYTES = 32 * 1024 * 1024  # at most at one time, where the raws are gathered too
CHECK_VIOLATION = "23514"  # PostgreSQL: among others, a row for which no partition is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One recipient of a message that is ours: the address as given, and its channel."""

    recipient: str
    channel_id: int
    project_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it came. `oversize_bytes` is set when `raw` holds only what could be kept."""

    raw: bytes
    targets: Sequence[Target]
    transport: InboundEmail.Transport
    envelope_from: str
    client: str
    oversize_bytes: int | None = None
    reconstructed: bool = False  # the provider gave no original bytes
    backlog: bool = False  # it waited in its mailbox: nobody is told that it came
    # Why the mailbox's server would not give it: then it is settled as Failed at once.
    not_fetched: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A message whose raw is in the storage, its rows not yet in the database."""

    rows: list[InboundEmail]
    done: Future[None]

    @property
    def keys(self) -> list[str]:
        return [row.raw_key for row in self.rows[:1] if row.raw_key]


class Intake:
    """What a listener hands its messages to. Start it, submit arrivals, close it."""

    def __init__(self) -> None:
        # Each raw is on its way at once; files that are synced at the same time share a commit of
        # the file system's journal.
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="raw")
        self._written: queue.SimpleQueue[_Written | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake")

    def start(self) -> None:
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[None]:
        """Hand over a message; the future is done once it is durable, or failed if it is not."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # whoever loses interest cannot call it back
        self._pool.submit(self._write, arrival, done)
        return done

    def close(self) -> None:
        """Store what was submitted, then stop."""
        self._pool.shutdown()
        self._written.put(None)
        self._thread.join()

    def _write(self, arrival: Arrival, done: Future[None]) -> None:
        try:
            rows = _rows(arrival, timezone.now())
            if rows and arrival.raw:
                _write_raw(rows[0].raw_key, arrival.raw)
        except Exception as error:  # noqa: BLE001 (whoever waits must hear of it)
            done.set_exception(error)
        else:
            self._written.put(_Written(rows, done))

    def _run(self) -> None:
        open_for_more, checked_at = True, time.monotonic()
        while open_for_more:
            batch, open_for_more = self._gather()
            # The database is asked first whether it is there: after a pause, not for each batch.
            if time.monotonic() - checked_at >= CHECK_SECONDS:
                close_old_connections()
                checked_at = time.monotonic()
            if batch:
                self._keep(batch)

    def _gather(self) -> tuple[list[_Written], bool]:
        """What has been written while the batch before was kept, at least one; and whether more
        can come."""
        first = self._written.get()
        batch = []
        while first is not None:
            batch.append(first)
            if len(batch) == GATHER_MESSAGES:
                return batch, True
            try:
                first = self._written.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _keep(self, batch: Sequence[_Written]) -> None:
        try:
            _sync_raws([key for one in batch for key in one.keys])
            _insert([row for one in batch for row in one.rows], None)
        except Exception as error:  # noqa: BLE001 (whoever waits must hear of it)
            for one in batch:
                one.done.set_exception(error)
            close_old_connections()
        else:
            for one in batch:
                one.done.set_result(None)
            wake.send(wake.Stage.INBOUND)


def _write_raw(key: str, raw: bytes) -> None:
    """Store a raw message durably, all but its name in its folder (`_sync_raws`)."""
    place = storages["raw"]
    if isinstance(place, storage.DurableFiles):
        place.write_data(key, raw)
    else:
        place.save(key, ContentFile(raw))


def _sync_raws(keys: Sequence[str]) -> None:
    place = storages["raw"]
    if isinstance(place, storage.DurableFiles):
        place.sync_folders(keys)


def store(
    arrivals: Sequence[Arrival],
    pool: ThreadPoolExecutor,
    first: Callable[[], None] | None = None,
) -> list[InboundEmail]:
    """Keep the raws and then their rows, one row for each project that a message is to.

    `first` runs at the beginning of the rows' transaction: there a source notes what it has taken,
    and whatever that raises undoes the rows. Raises OSError or DatabaseError if any message could
    not be kept; then no row was written.
    """
    rows: list[InboundEmail] = []
    writing = storage.Writing(storages["raw"], pool)
    for arrival in arrivals:
        made = _rows(arrival, timezone.now())
        rows += made
        if made and arrival.raw:
            writing.add(made[0].raw_key, arrival.raw)
    writing.finish()
    _insert(rows, first)
    wake.send(wake.Stage.INBOUND)
    return rows


def _rows(arrival: Arrival, now: datetime) -> list[InboundEmail]:
    digest = hashlib.sha256(arrival.raw).hexdigest()
    shared_key = f"{now:%Y%m%d}/{new_id()}.eml" if arrival.raw else ""
    rows = []
    # A message to two addresses of one channel is one message.
    for target in {target.channel_id: target for target in reversed(arrival.targets)}.values():
        row_id = new_id()
        rows.append(
            InboundEmail(
                id=row_id,
                project_id=target.project_id,
                channel_id=target.channel_id,
                transport=arrival.transport,
                received_at=moment_of(row_id),
                envelope_from=_storable(arrival.envelope_from),
                envelope_to=_storable(target.recipient),
                client=_storable(arrival.client),
                raw_key=shared_key,
                raw_size=len(arrival.raw),
                raw_sha256=digest if arrival.raw else "",
                oversize_bytes=arrival.oversize_bytes,
                reconstructed=arrival.reconstructed,
                backlog=arrival.backlog,
                **_settled(arrival, now),
            )
        )
    return rows


def _storable(text: str) -> str:
    """What any database takes: no NUL, no half of a pair. One odd name must not cost its batch."""
    plain = text[:320]
    if plain.isascii() and "\0" not in plain:
        return plain
    return (
        plain.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def _settled(arrival: Arrival, now: datetime) -> dict[str, Any]:
    if arrival.not_fetched is None:
        return {"due_at": now}
    return {
        "status": IncomingStatus.FAILED,
        "outcome": Outcome.NOT_FETCHED,
        "facts": dict(arrival.not_fetched),
        "settled_at": now,
    }


def _insert(made: list[InboundEmail], first: Callable[[], None] | None) -> None:
    def write() -> None:
        with transaction.atomic():
            if first:
                first()
            bulk.insert(made)
            InboundEmail.note_settled(made)  # those of which there was nothing to fetch

    try:
        write()
    except DatabaseError as error:
        # No partition for the day. The server's words are in the language of its host.
        if getattr(error.__cause__, "sqlstate", "") != CHECK_VIOLATION:
            raise
        partitions.ensure(sorted({moment_of(row.id).date() for row in made}))
        write()
