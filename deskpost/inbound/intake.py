"""STORE: keep each arriving message durably, with its row, before anything reads it.

One thread gathers what waits, writes the raws in a pool, then the rows in one transaction, and
only then answers. Whoever submits gets a future: a result means that message and rows are on the
disk; an exception means that nothing was accepted.
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

from django.core.files.storage import storages
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from deskpost import storage, wake
from deskpost.models import InboundEmail, bulk, moment_of, new_id, partitions
from deskpost.outcomes import IncomingStatus, Outcome

GATHER_SECONDS = 0.005
GATHER_MESSAGES = 64
GATHER_BYTES = 32 * 1024 * 1024


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


class Intake:
    """The intake thread of a listener. Start it, submit arrivals, close it."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Arrival, Future[None]] | None] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="raw")
        self._thread = threading.Thread(target=self._run, name="intake")

    def start(self) -> None:
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[None]:
        """Hand over a message; the future is done once it is durable, or failed if it is not."""
        done: Future[None] = Future()
        self._waiting.put((arrival, done))
        return done

    def close(self) -> None:
        """Store what was submitted, then stop."""
        self._waiting.put(None)
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            batch, open_for_more = self._gather()
            if batch:
                self._keep(batch)

    def _gather(self) -> tuple[list[tuple[Arrival, Future[None]]], bool]:
        first = self._waiting.get()
        if first is None:
            return [], False
        batch, size = [first], len(first[0].raw)
        end = time.monotonic() + GATHER_SECONDS
        while len(batch) < GATHER_MESSAGES and size < GATHER_BYTES:
            try:
                following = self._waiting.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            if following is None:
                return batch, False
            batch.append(following)
            size += len(following[0].raw)
        return batch, True

    def _keep(self, batch: list[tuple[Arrival, Future[None]]]) -> None:
        try:
            store([arrival for arrival, _ in batch], self._pool)
        except Exception as error:  # noqa: BLE001 (whoever waits must hear of it)
            for _, done in batch:
                done.set_exception(error)
        else:
            for _, done in batch:
                done.set_result(None)
        finally:
            close_old_connections()


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
                envelope_from=arrival.envelope_from[:320],
                envelope_to=target.recipient[:320],
                client=arrival.client[:320],
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

    try:
        write()
    except DatabaseError as error:
        if "no partition of relation" not in str(error):
            raise
        partitions.ensure(sorted({moment_of(row.id).date() for row in made}))
        write()
