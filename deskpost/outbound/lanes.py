"""The lanes of one carrier: how many are open, which is free, and whether the way is open."""

from __future__ import annotations

import logging
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import DatabaseError

from deskpost.mail.answers import Answer
from deskpost.models import queue
from deskpost.outbound import notices, settle
from deskpost.outbound.carrier import Carrier, Lane
from deskpost.outbound.prepare import Load
from deskpost.outcomes import Trouble

log = logging.getLogger(__name__)

# Seconds until a way that is down is tried again: longer each time, up to the last.
PAUSES: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
UNHEARD_ALLOWED: Final = 2  # a message under which lanes fail so often is the trouble itself
# RFC 4954, section 6: the relay wants us to sign in. That is never the message's fault.
SIGN_IN: Final = frozenset({530, 534, 535, 538})
SAY_AGAIN: Final = 60.0  # another worker may have opened the notice since
CLOSE_AFTER: Final = 30.0  # seconds for which a lane is kept that nobody needs


@dataclass(slots=True)
class Berth:
    """One lane and what it is about."""

    lane: Lane
    is_open: bool = False
    opening: Future[Answer | None] | None = None
    sending: Future[Answer] | None = None
    load: Load | None = None
    trying: settle.Try | None = None
    free_since: float = field(default_factory=time.monotonic)
    not_before: float = 0.0  # a lane that could not be opened beside others waits for a while

    @property
    def future(self) -> Future[Any] | None:
        return self.opening or self.sending


class Fairway:
    """The lanes of a carrier. Only `Sender` uses it, in one thread; the futures run in others."""

    def __init__(self, carrier: Carrier, pool: Executor) -> None:
        self.carrier = carrier
        self._pool = pool
        self._berths: list[Berth] = []
        self.waiting: deque[Load] = deque()
        self._failures = 0
        self._paused_until = 0.0
        self._told_at = -SAY_AGAIN
        self._is_proven = True  # no message has found it closed since one went through
        # Since one went through: under which messages even a new lane has failed.
        self._failed_under: set[uuid.UUID] = set()
        self._shunned: dict[uuid.UUID, float] = {}  # and until when another is to be first

    # --- Whether the way is open ---

    @property
    def is_paused(self) -> bool:
        """Whether the way is down, and not yet to be tried again."""
        return time.monotonic() < self._paused_until

    @property
    def is_full(self) -> bool:
        """Whether all its lanes wait for their servers."""
        return sum(1 for berth in self._berths if berth.future) >= self.carrier.lanes

    def shunned(self) -> list[uuid.UUID]:
        """Return the notifications under which it failed, while others are to show whether they
        were the trouble."""
        now = time.monotonic()
        self._shunned = {pk: until for pk, until in self._shunned.items() if until > now}
        return list(self._shunned)

    def _down(self, answer: Answer) -> None:
        """No lane can be opened: everything waits, nothing fails, and one notice says so."""
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        pause = max(pause, min(float(answer.again_after or 0), 3600.0))
        self._failures += 1
        self._paused_until = time.monotonic() + pause
        self._told_at = -SAY_AGAIN
        facts = {
            "server": self.carrier.server,
            "code": answer.code,
            "enhanced": answer.enhanced,
            "answer": answer.text,
            "pause": pause,
        }
        with _unless_the_database_fails():
            if notices.note(Trouble.RELAY_DOWN, self.carrier.key, facts):
                log.error("%s cannot be used: %s", self.carrier.key, answer.text)

    def _up(self) -> None:
        self._failures, self._paused_until = 0, 0.0
        now = time.monotonic()
        if now - self._told_at > SAY_AGAIN:
            with _unless_the_database_fails():
                if notices.over(Trouble.RELAY_DOWN, self.carrier.key):
                    log.warning("%s works again", self.carrier.key)
                self._told_at = now

    # --- What its lanes are about ---

    def finished(self) -> list[Berth]:
        """Take note of lanes that were opened or failed; return those that have sent."""
        for berth in self._berths:
            if berth.opening and berth.opening.done():
                self._opened(berth, _fault(berth.opening))
        return [berth for berth in self._berths if berth.sending and berth.sending.done()]

    def _opened(self, berth: Berth, fault: Answer | None) -> None:
        berth.opening = None
        berth.is_open = fault is None
        if fault is None:
            return  # whether the way is open a message tells: a provider is never "connected"
        if any(other.is_open for other in self._berths):
            berth.not_before = time.monotonic() + PAUSES[0]
        else:
            self._down(fault)

    def free(self, berth: Berth, answer: Answer) -> bool:
        """The lane has answered and takes the next. Returns whether the answer is one: else no
        server has heard of the recipient, and the message waits at the head of the line again."""
        load, berth.sending, berth.load, berth.trying = berth.load, None, None, None
        berth.free_since = time.monotonic()
        self._is_proven = answer.kind != "down"
        if self._is_proven:
            self._failed_under.clear()
            self._up()
            return True
        assert load is not None
        berth.is_open = False
        load.unheard += 1
        if load.unheard > 1:  # the first time it may have been an old connection
            self._failed_under.add(load.note.pk)
        if len(self._failed_under) > 1:  # one message may be the trouble itself; several are not
            if not self.is_paused:
                self._down(answer)
            later = 2 * self._paused_until - time.monotonic()
            self._shunned[load.note.pk] = later
        elif load.unheard > UNHEARD_ALLOWED and answer.code not in SIGN_IN:
            return True
        self.waiting.appendleft(load)
        return False

    def take(self) -> list[tuple[Berth, Load]]:
        """Give what waits to the lanes that are open and free; open others if there is more."""
        if self.is_paused:
            return []
        idle = [berth for berth in self._berths if berth.future is None and berth.is_open]
        pairs = [(berth, self.waiting.popleft()) for berth in idle[: len(self.waiting)]]
        if self.waiting:
            self._open_more(len(self.waiting))
        return pairs

    def _open_more(self, wanted: int) -> None:
        """Open lanes: one until the way proves itself, then as many as there is work for."""
        proven = any(berth.is_open for berth in self._berths)
        if proven and not self._is_proven:
            return
        opening = sum(1 for berth in self._berths if berth.opening)
        most = min(wanted, self.carrier.lanes) if proven else 1
        for _ in range(most - opening):
            berth = self._closed()
            if berth is None:
                return
            berth.opening = self._pool.submit(berth.lane.ready)

    def _closed(self) -> Berth | None:
        now = time.monotonic()
        for berth in self._berths:
            if not berth.is_open and berth.future is None and now >= berth.not_before:
                return berth
        if len(self._berths) >= self.carrier.lanes:
            return None
        self._berths.append(Berth(self.carrier.lane()))
        return self._berths[-1]

    def drop(self, address_key: str) -> None:
        """Let go of what waits for that address."""
        left = (load for load in self.waiting if load.note.address_key != address_key)
        self.waiting = deque(left)

    def send(self, berth: Berth, load: Load, trying: settle.Try) -> None:
        """Hand the message to the lane."""
        berth.load, berth.trying = load, trying
        berth.sending = self._pool.submit(berth.lane.send, load.outgoing)

    def busy(self) -> list[Future[Any]]:
        """Return what is under way."""
        return [berth.future for berth in self._berths if berth.future]

    def loads(self) -> list[Load]:
        """Return what waits and what is under way."""
        return [*self.waiting, *(berth.load for berth in self._berths if berth.load)]

    def under_way(self) -> list[uuid.UUID]:
        """Return the notifications that its lanes are handing over."""
        return [berth.load.note.pk for berth in self._berths if berth.load]

    # --- Rest ---

    def probe(self) -> None:
        """Before a batch: lanes that have been idle are tested by `ready` before they are used."""
        for berth in self._berths:
            if berth.future is None:
                berth.is_open = False

    def rest(self) -> None:
        """Close the lanes that nobody has needed for a while."""
        now = time.monotonic()
        for berth in self._berths:
            if berth.future is None and now - berth.free_since > CLOSE_AFTER:
                berth.lane.close()
                berth.is_open = False

    def sending(self) -> list[Future[Answer]]:
        """Return what is being handed over."""
        return [berth.sending for berth in self._berths if berth.sending]

    def abandon(self) -> list[Berth]:
        """Wait for its lanes no longer; return those that are handing something over."""
        left = [berth for berth in self._berths if berth.sending]
        self._berths = [berth for berth in self._berths if berth.future is None]
        return left

    def close(self) -> None:
        """Close all lanes."""
        for berth in self._berths:
            berth.lane.close()
        self._berths = []


def _fault(opening: Future[Answer | None]) -> Answer | None:
    """Why a lane could not be opened. One that raises, though it should not, is not open."""
    error = opening.exception()
    if error is None:
        return opening.result()
    log.error("a lane cannot be opened", exc_info=error)
    return Answer(kind="down", text=f"{type(error).__name__} while connecting")


@contextmanager
def _unless_the_database_fails() -> Iterator[None]:
    """A notice is said again at the next occasion; the answers that are just being gathered are
    not: they must reach the database though this one statement fails."""
    try:
        yield
    except DatabaseError:
        log.exception("a notice of the way cannot be written")
        queue.reconnect()
