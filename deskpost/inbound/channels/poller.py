"""One process over many mailboxes: it owns some, rests on their connections, takes what comes.

A mailbox that idles costs a connection and no thread: one loop watches all sockets, and hands
what has news or is due to a few threads. The loop also keeps the leases, and sees what people
change.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections

from deskpost import alive
from deskpost.inbound.channels import lease
from deskpost.inbound.channels.attend import Charge, attend
from deskpost.inbound.channels.lease import Holding
from deskpost.wake import Bell, Stage

log = logging.getLogger(__name__)

THREADS = 12
TICK_SECONDS = 1.0
RENEW_SECONDS = 5.0
ROUSE_SECONDS = 1.0
# So many at a time, so that pollers that start together share the mailboxes.
CLAIMS_AT_ONCE = 25


class Poller:
    """Owns mailboxes and takes their mail until told to stop."""

    def __init__(self) -> None:
        self._identity = alive.Identity()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mailbox")
        self._raw = ThreadPoolExecutor(4, thread_name_prefix="raw")
        self._charges: dict[int, Charge] = {}
        self._done: queue.SimpleQueue[Charge] = queue.SimpleQueue()
        self._watched = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._next_renewal = 0.0
        self.stopping = False

    def run(self) -> None:
        """Work until `stopping` is set; then end what is begun, and give the mailboxes back."""
        self._watched.register(self._woken, selectors.EVENT_READ)
        with Bell([Stage.POLL]) as bell:
            for number in bell.filenos():
                self._watched.register(number, selectors.EVENT_READ)
            while not self.stopping:
                try:
                    self._round(bell)
                except DatabaseError:
                    log.exception("the database does not answer; waiting")
                    time.sleep(TICK_SECONDS)
                except Exception:
                    # Whatever it is, all mailboxes depend on this loop.
                    log.exception("a round of the poller failed; it goes on")
                    time.sleep(TICK_SECONDS)
                finally:
                    close_old_connections()
        self._end()

    def stop(self) -> None:
        """Have `run` come to an end. May be called from a signal handler."""
        self.stopping = True
        for charge in self._charges.values():
            charge.stopping = True
        self._poke()

    def _round(self, bell: Bell) -> None:
        self._take_back()
        if time.monotonic() >= self._next_renewal:
            self._tend_leases()
        now = time.monotonic()
        for charge in list(self._charges.values()):
            if not charge.busy and charge.due_at <= now:
                self._hand_out(charge)
        self._wait(bell)

    # --- Leases ---

    def _tend_leases(self) -> None:
        """Keep what is ours, let go of what is not or was changed, and take up what is free."""
        self._next_renewal = time.monotonic() + RENEW_SECONDS
        holdings = lease.renew(self._identity.name, self._charges)
        for pk, charge in list(self._charges.items()):
            ours = Holding(fence=charge.mailbox.fence, revision=charge.mailbox.revision)
            if holdings.get(pk) != ours:
                self._let_go(charge)
        claimed = lease.claim(self._identity.name, CLAIMS_AT_ONCE)
        for mailbox in claimed:
            self._charges[mailbox.pk] = Charge(mailbox)
        if len(claimed) == CLAIMS_AT_ONCE:
            self._next_renewal = time.monotonic() + TICK_SECONDS

    def _let_go(self, charge: Charge) -> None:
        """Forget a mailbox. One at work ends at its next batch, and writes nothing."""
        charge.stopping = charge.lost = True
        if not charge.busy:
            self._forget(charge)

    def _forget(self, charge: Charge) -> None:
        self._unwatch(charge)
        if self._charges.get(charge.mailbox.pk) is charge:
            del self._charges[charge.mailbox.pk]
        self._threads.submit(charge.close)
        lease.release_one(charge.mailbox)
        self._next_renewal = 0.0

    # --- Work ---

    def _hand_out(self, charge: Charge) -> None:
        self._unwatch(charge)
        charge.busy = True
        self._threads.submit(self._attend, charge)

    def _attend(self, charge: Charge) -> None:
        try:
            attend(charge, self._raw)
        finally:
            close_old_connections()
            self._done.put(charge)
            self._poke()

    def _take_back(self) -> None:
        while not self._done.empty():
            charge = self._done.get()
            charge.busy = False
            if charge.lost:
                self._forget(charge)
            elif charge.resting and charge.source:
                charge.watched = charge.source.fileno()
                self._watched.register(charge.watched, selectors.EVENT_READ, charge)

    def _unwatch(self, charge: Charge) -> None:
        if charge.watched is not None:
            self._watched.unregister(charge.watched)
            charge.watched = None

    def _wait(self, bell: Bell) -> None:
        for key, _ in self._watched.select(self._pause()):
            if isinstance(key.data, Charge):
                self._rouse(key.data)
            elif key.fd == self._woken:
                os.read(self._woken, 4096)
            else:
                bell.hush()
                self._next_renewal = 0.0

    def _rouse(self, charge: Charge) -> None:
        """Its server has said something. One that babbles is heard once in a while only."""
        self._unwatch(charge)
        now = time.monotonic()
        charge.due_at = max(now, charge.woken_at + ROUSE_SECONDS)
        charge.woken_at = now

    def _pause(self) -> float:
        waiting: Iterable[float] = (c.due_at for c in self._charges.values() if not c.busy)
        until = min([self._next_renewal, *waiting])
        return min(max(0.0, until - time.monotonic()), TICK_SECONDS)

    def _poke(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full of pokes: the loop will wake
            os.write(self._wake, b"!")

    def _end(self) -> None:
        for charge in self._charges.values():
            charge.stopping = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        with ThreadPoolExecutor(THREADS) as closing:
            for charge in self._charges.values():
                closing.submit(charge.close)
        lease.release(self._identity.name, self._charges)
        self._raw.shutdown()
        self._identity.end()
