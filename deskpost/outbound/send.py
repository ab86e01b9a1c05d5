"""DELIVER: a batch of claimed notifications over the lanes of their carriers, to their outcomes.

The database is used here, in one thread; the lanes wait for servers in others. Each outcome is
committed before its lane takes the next message: a worker that is killed leaves at most one message
on each lane of which nobody knows whether it was taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import F, Q
from django.utils import timezone

from deskpost.mail.answers import Answer
from deskpost.models import Notification, Project, queue
from deskpost.outbound import settle
from deskpost.outbound.carriers import Carriers
from deskpost.outbound.lanes import Berth, Fairway
from deskpost.outbound.prepare import CHUNK, CHUNK_BYTES, Feed, Load

log = logging.getLogger(__name__)

THREADS: Final = 64  # all lanes of a worker together; what is beyond waits
WRITERS: Final = 8  # threads that keep copies
AGAIN: Final = timedelta(seconds=10)  # after a fault of ours
GATHER: Final = 0.002
PAUSE: Final = 1.0  # seconds between tries to write outcomes down
SLOW: Final = 5.0  # seconds without a word from any lane; then others get their turn
HELD: Final = 240.0  # seconds for which a batch is held: the claims of what waits last longer
LOOK: Final = 0.25  # seconds between looks at whether to stop
# What is still under way when a worker stops has so many seconds; who stops it kills it after 20.
FAREWELL: Final = 12.0
UNKNOWN: Final = Answer(
    kind="temporary",
    text="Deskpost was stopped before the server had answered: it may have taken the message",
)


class Sender:
    """Sends batches; its lanes are kept from one to the next. `stopping` is asked between
    messages: then what has not begun is given back."""

    def __init__(self, carriers: Carriers, stopping: Callable[[], bool] = lambda: False) -> None:
        self._carriers, self._stopping = carriers, stopping
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="copy")
        self._crew = ThreadPoolExecutor(THREADS, thread_name_prefix="lane")
        self._fairways: dict[str, Fairway] = {}
        self._is_closing = False
        self._blocked: set[str] = set()  # addresses that a server has ended during this batch

    def send(self, notes: Sequence[Notification]) -> None:
        """Take claimed notifications to their outcomes, or to their next try. What cannot go for
        now, because a way is down or hangs or a disk is full, is given back untouched; what a
        server is slow to answer stays under way, and the next call or `rest` hears of it. Raises
        DatabaseError; what had not begun then is given back too."""
        self._blocked.clear()
        try:
            self._carry(Feed(notes, self._writers))
        except OSError:
            log.exception("the copies of notifications cannot be kept; waiting")
            self._carry(None)  # what is under way comes to its end
            time.sleep(PAUSE)
        except DatabaseError:
            self._give_back(notes)
            raise
        except Exception:
            log.exception("a batch of notifications failed")
            self._blame(notes)
            return
        self._give_back(notes)

    def _give_back(self, notes: Sequence[Notification], **fields: Any) -> None:
        """Give back what is still claimed and not under way; also what waits again of batches
        before this one."""
        fairways = self._fairways.values()
        ours = {note.pk for note in notes}
        waiting = [load.note for one in fairways for load in one.waiting]
        for fairway in fairways:
            fairway.waiting.clear()
        under_way = {pk for fairway in fairways for pk in fairway.under_way()}
        left = [note for note in notes if note.owner and note.pk not in under_way]
        queue.release(left, **fields)
        queue.release([note for note in waiting if note.owner and note.pk not in ours])

    def _blame(self, notes: Sequence[Notification]) -> None:
        """A fault of ours that belongs to no single message: each is tried alone from now on."""
        if len(notes) > 1:
            self._give_back(notes, suspect=True)
        else:
            due_at = timezone.now() + AGAIN
            self._give_back(notes, suspect=True, deaths=F("deaths") + 1, due_at=due_at)

    def _fairway(self, project_key: str) -> Fairway:
        carrier = self._carriers.of(project_key)
        if carrier.key not in self._fairways:
            self._fairways[carrier.key] = Fairway(carrier, self._crew)
        return self._fairways[carrier.key]

    def _carry(self, feed: Feed | None) -> None:
        """Send what the feed gives, and what is under way. Messages are composed while the lanes
        wait for their servers."""
        for fairway in self._fairways.values():
            fairway.probe()
        heard = begun = time.monotonic()
        while True:
            self._step(list(self._fairways.values()))
            now = time.monotonic()
            if self._stopping() or now - begun > HELD or now - heard > SLOW:
                return  # what has not begun is given back; what is under way goes on
            fed = feed is not None and not feed.is_done and self._wants_more()
            if feed and fed:
                self._queue(feed.more())
                heard = time.monotonic()
            busy = self._busy()
            if fed:
                continue
            if not busy:
                return
            if wait(busy, timeout=LOOK, return_when=FIRST_COMPLETED).done:
                heard = time.monotonic()
                wait(busy, timeout=GATHER)  # what ends at about the same time shares a transaction

    def _busy(self) -> list[Future[Any]]:
        return [future for one in self._fairways.values() for future in one.busy()]

    def _wants_more(self) -> bool:
        """Whether another chunk is to be composed: the lanes have little to do, and there is room
        in memory."""
        if self._stopping():
            return False
        fairways = [one for one in self._fairways.values() if not one.is_paused]
        loads = [load for one in fairways for load in one.loads()]
        lanes = sum(one.carrier.lanes for one in self._fairways.values())
        size = sum(len(load.outgoing.message) for load in loads)
        return len(loads) < max(CHUNK, 2 * lanes) and size < 2 * CHUNK_BYTES

    def _queue(self, loads: Sequence[Load]) -> None:
        for load in loads:
            fairway = self._fairway(load.note.project.key)
            # What cannot go now is given back at the end; then its guards are asked again.
            if not fairway.is_paused and load.note.address_key not in self._blocked:
                fairway.waiting.append(load)

    def _step(self, fairways: Sequence[Fairway]) -> None:
        """Write down what has finished and what begins, then let it begin."""
        answered: list[tuple[settle.Try, Answer]] = []
        unheard: list[settle.Try] = []
        for fairway in fairways:
            for berth in fairway.finished():
                trying, answer = _result(berth)
                if fairway.free(berth, answer):
                    answered.append((trying, answer))
                    if answer.suppress:
                        self._block(trying.note.address_key)
                else:
                    unheard.append(trying)
        starts = [] if self._is_closing or self._stopping() else _starts(fairways)
        beginning = [trying for _, _, _, trying in starts]
        work = settle.Step(answered=answered, unheard=unheard, beginning=beginning)
        going = {id(trying) for trying in _written(work, self._stopping)}
        for fairway, berth, load, trying in starts:
            if id(trying) in going:
                fairway.send(berth, load, trying)

    def _block(self, address_key: str) -> None:
        """What else waits for that address must ask its guards again."""
        self._blocked.add(address_key)
        for fairway in self._fairways.values():
            fairway.drop(address_key)

    # --- What may be claimed ---

    def open_to(self) -> Q | None:
        """Return which notifications may be claimed: not those whose way is down for now, or whose
        lanes all wait for their servers. None where nothing may."""
        closed = {key for key, one in self._fairways.items() if one.is_paused or one.is_full}
        shunned = [pk for one in self._fairways.values() for pk in one.shunned()]
        others = ~Q(pk__in=shunned) if shunned else Q()
        if not closed:
            return others
        projects = list(Project.objects.values_list("pk", "key"))
        going = [pk for pk, key in projects if self._carriers.of(key).key not in closed]
        return Q(project__in=going) & others if going else None

    def rest(self) -> None:
        """Nothing is due: hear what is still under way, and close what has long been idle. Raises
        DatabaseError."""
        if self._busy():
            try:
                self._step(list(self._fairways.values()))
            finally:
                self._give_back(())
        for fairway in self._fairways.values():
            fairway.rest()

    def close(self) -> None:
        """End all lanes. What is under way has FAREWELL seconds; then its row says that nobody
        knows, and it is tried again."""
        self._is_closing = True
        end = time.monotonic() + FAREWELL
        try:
            while (busy := self._sending()) and (left := end - time.monotonic()) > 0:
                wait(busy, timeout=min(left, LOOK), return_when=FIRST_COMPLETED)
                self._step(list(self._fairways.values()))
            berths = [berth for one in self._fairways.values() for berth in one.abandon()]
            unknown = [(berth.trying, UNKNOWN) for berth in berths if berth.trying]
            _written(settle.Step(answered=unknown), self._stopping)
            self._give_back(())
        except DatabaseError:
            log.exception("what was under way cannot be written down")
        for fairway in self._fairways.values():
            fairway.close()
        self._crew.shutdown(wait=False, cancel_futures=True)
        self._writers.shutdown()

    def _sending(self) -> list[Future[Answer]]:
        return [future for one in self._fairways.values() for future in one.sending()]


Start = tuple[Fairway, Berth, Load, settle.Try]


def _starts(fairways: Sequence[Fairway]) -> list[Start]:
    return [
        (fairway, berth, load, _try(load, fairway))
        for fairway in fairways
        for berth, load in fairway.take()
    ]


def _try(load: Load, fairway: Fairway) -> settle.Try:
    row = settle.attempt(load.note, fairway.carrier.server)
    return settle.Try(note=load.note, attempt=row, trail=load.trail, soft=load.soft)


def _result(berth: Berth) -> tuple[settle.Try, Answer]:
    """What a lane says. One that raises, though it should not, has not said what became of it."""
    assert berth.trying is not None
    assert berth.sending is not None
    error = berth.sending.exception()
    if error is None:
        return berth.trying, berth.sending.result()
    log.error("a lane failed", exc_info=error)
    return berth.trying, Answer(kind="temporary", text=f"{type(error).__name__} while sending")


def _written(work: settle.Step, stopping: Callable[[], bool]) -> list[settle.Try]:
    """Write the step down. A server has taken what it has taken: a database that fails is tried
    again until it is back or the worker is to stop, and nothing new begins meanwhile."""
    if not (work.answered or work.unheard or work.beginning):
        return []
    if not (work.answered or work.unheard):
        return settle.step(work)
    end: float | None = None
    is_plain = False
    while True:
        try:
            return settle.step(work)
        except (DataError, IntegrityError):
            if is_plain:
                raise
            log.exception("an answer cannot be stored as it is")
            plain = [(one, _plain(answer)) for one, answer in work.answered]
            work, is_plain = settle.Step(answered=plain, unheard=work.unheard), True
        except DatabaseError:
            now = time.monotonic()
            if stopping():
                end = end or now + FAREWELL / 2
            if end and now > end:
                raise
            log.exception("outcomes cannot be written; trying again")
            time.sleep(PAUSE)
            queue.reconnect()
            work = settle.Step(answered=work.answered, unheard=work.unheard)


def _plain(answer: Answer) -> Answer:
    """The answer in words that any database takes."""
    return replace(answer, text=ascii(answer.text)[:500], enhanced=None, provider_id="")
