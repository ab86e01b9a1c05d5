"""DELIVER: a batch of claimed notifications over the lanes of their carriers, to their outcomes.

The database is used here, in one thread; the lanes wait for servers in others. Each outcome is
committed before its lane takes the next message: a worker that is killed leaves at most one message
on each lane of which nobody knows whether it was taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError
from django.db.models import Q
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
PATIENCE: Final = 240.0  # seconds for which they are tried: the claims hold for longer


class Sender:
    """Sends batches; its lanes are kept from one to the next. `stopping` is asked between
    messages: then what has not begun is given back."""

    def __init__(self, carriers: Carriers, stopping: Callable[[], bool] = lambda: False) -> None:
        self._carriers, self._stopping = carriers, stopping
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="copy")
        self._crew = ThreadPoolExecutor(THREADS, thread_name_prefix="lane")
        self._fairways: dict[str, Fairway] = {}

    def send(self, notes: Sequence[Notification]) -> None:
        """Take claimed notifications to their outcomes, or to their next try. What cannot go for
        now, because a way is down or a disk is full, is given back untouched. Raises
        DatabaseError; what had not begun then is given back too."""
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
        """Give back what is still claimed and not under way."""
        for fairway in self._fairways.values():
            fairway.waiting.clear()
        under_way = {pk for fairway in self._fairways.values() for pk in fairway.under_way()}
        left = [note for note in notes if note.owner and note.pk not in under_way]
        queue.release(left, **fields)

    def _blame(self, notes: Sequence[Notification]) -> None:
        """A fault of ours that belongs to no single message: each is tried alone from now on."""
        if len(notes) > 1:
            self._give_back(notes, suspect=True)
        else:
            queue.blame(notes[0], timezone.now() + AGAIN)

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
        while True:
            self._step(list(self._fairways.values()))
            fed = feed is not None and not feed.is_done and self._wants_more()
            if feed and fed:
                self._queue(feed.more())
            busy = [future for one in self._fairways.values() for future in one.busy()]
            if fed:
                continue
            if not busy:
                return
            wait(busy, return_when=FIRST_COMPLETED)
            wait(busy, timeout=GATHER)  # what ends at about the same time shares a transaction

    def _wants_more(self) -> bool:
        """Whether another chunk is to be composed: the lanes have little to do, and there is room
        in memory."""
        if self._stopping():
            return False
        loads = [load for one in self._fairways.values() for load in one.loads()]
        lanes = sum(one.carrier.lanes for one in self._fairways.values())
        size = sum(len(load.outgoing.message) for load in loads)
        return len(loads) < max(CHUNK, 2 * lanes) and size < 2 * CHUNK_BYTES

    def _queue(self, loads: Sequence[Load]) -> None:
        for load in loads:
            fairway = self._fairway(load.note.project.key)
            if not fairway.is_paused:  # else it is given back with what waits
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
                else:
                    unheard.append(trying)
        starts = [] if self._stopping() else _starts(fairways)
        beginning = [trying for _, _, _, trying in starts]
        work = settle.Step(answered=answered, unheard=unheard, beginning=beginning)
        going = {id(trying) for trying in _written(work)}
        for fairway, berth, load, trying in starts:
            if id(trying) in going:
                fairway.send(berth, load, trying)

    # --- What may be claimed ---

    def open_to(self) -> Q | None:
        """Return which notifications may be claimed: not those whose way is down for now. None
        where nothing may."""
        paused = {key for key, fairway in self._fairways.items() if fairway.is_paused}
        if not paused:
            return Q()
        projects = list(Project.objects.values_list("pk", "key"))
        going = [pk for pk, key in projects if self._carriers.of(key).key not in paused]
        return Q(project__in=going) if going else None

    def rest(self) -> None:
        """Nothing is due: close what has long been idle."""
        for fairway in self._fairways.values():
            fairway.rest()

    def close(self) -> None:
        """End all lanes."""
        for fairway in self._fairways.values():
            fairway.close()
        self._crew.shutdown()
        self._writers.shutdown()


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


def _written(work: settle.Step) -> list[settle.Try]:
    """Write the step down. A server has taken what it has taken: a database that fails is tried
    again for as long as the claims hold, and nothing new begins meanwhile."""
    if not (work.answered or work.unheard or work.beginning):
        return []
    if not work.answered:
        return settle.step(work)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return settle.step(work)
        except DatabaseError:
            if time.monotonic() > end:
                raise
            log.exception("outcomes cannot be written; trying again")
            time.sleep(PAUSE)
            queue.reconnect()
            work = settle.Step(answered=work.answered, unheard=work.unheard)
