"""GUARD and RENDER: claimed notifications become messages that are ready to go; what a guard
stops, or what breaks, ends here."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.core.files.storage import storages
from django.db import DatabaseError
from django.db.models import prefetch_related_objects

from deskpost import storage
from deskpost.mail import address
from deskpost.models import Notification
from deskpost.models.queue import LostClaim
from deskpost.outbound import guards, notices, settle, signing, suppress_soft
from deskpost.outbound.carrier import Outgoing
from deskpost.outbound.compose import Around, Composed, compose
from deskpost.outcomes import Guard, Trouble

log = logging.getLogger(__name__)


# So many messages are composed while those before them are written to the disk and sent; fewer if
# they are large: a worker's memory is flat.
CHUNK: Final = 8
CHUNK_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Load:
    """A message that is ready to go. `soft` says that its address has soft bounces on record;
    `unheard` counts how often a lane failed under it before any server had heard of its
    recipient."""

    note: Notification
    outgoing: Outgoing
    trail: list[dict[str, Any]]
    soft: bool = False
    unheard: int = 0


class Feed:
    """A batch of claimed notifications on its way to the lanes, a chunk at a time.

    The guards are asked at once, of all. Then `more` composes chunk after chunk, and gives each
    out when its copies are on the disk. Raises OSError where they cannot be kept, and
    DatabaseError; whoever has claimed the rest gives it back.
    """

    def __init__(self, notes: Sequence[Notification], pool: Executor) -> None:
        alive = [note for note in notes if not _is_poison(note)]
        self._asked = guards.ask(alive)
        stopped = [_stopped(note, self._asked[note.pk]) for note in alive]
        settle.stop([one for one in stopped if one])
        passed = [note for note in alive if not self._asked[note.pk].stop]
        self._left = deque(passed)
        self._around = Around(passed) if passed else None
        self._soft = suppress_soft.known([note.address_key for note in passed])
        self._writing = storage.Writing(storages["raw"], pool)
        self._composed: list[Load] = []

    @property
    def is_done(self) -> bool:
        """Whether everything has been given out."""
        return not self._left and not self._composed

    def more(self) -> list[Load]:
        """Compose the next chunk; return the one before it, whose copies are being written
        meanwhile, once they are there."""
        ready, writing = self._composed, self._writing
        self._writing = writing.another()
        self._composed = self._chunk()
        _finish(writing)
        return ready

    def _chunk(self) -> list[Load]:
        loads: list[Load] = []
        stopped: list[settle.Stopped] = []
        size = 0
        some = [note for note in islice(self._left, CHUNK) if note.comment_id]
        prefetch_related_objects(some, "comment__author")  # large: of one chunk at a time
        while self._left and len(loads) < CHUNK and size < CHUNK_BYTES:
            note = self._left.popleft()
            found = self._load(note)
            note._state.fields_cache.pop("comment", None)
            if isinstance(found, Load):
                loads.append(found)
                size += len(found.outgoing.message)
            elif found:
                stopped.append(found)
        if stopped:
            _finish(self._writing)  # what stops here has its copy too
            settle.stop(stopped)
        return loads

    def _load(self, note: Notification) -> Load | settle.Stopped | None:
        trail = self._asked[note.pk].trail
        try:
            composed = compose(note, self._around)
            message = signing.sign(composed.message, composed.sender_domain)
        except (DatabaseError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 (it is the reason Internal error)
            _broke(note, error)
            return None
        finding = guards.size(message, composed.parts)
        trail = [*trail, guards.step(Guard.SIZE, finding)]
        if composed.fallback:
            trail[-1]["facts"] = {**trail[-1]["facts"], "template": composed.fallback}
            notices.note(Trouble.TEMPLATE, note.project.key, composed.fallback)
        _keep(note, composed, self._writing)
        if finding.stop:
            return settle.Stopped(note=note, reason=finding.stop, facts=finding.facts, trail=trail)
        outgoing = Outgoing(
            envelope_from=composed.envelope_from,
            recipient=address.wire(note.address),
            message=message,
            notification=note.pk,
        )
        return Load(note=note, outgoing=outgoing, trail=trail, soft=note.address_key in self._soft)


def _finish(writing: storage.Writing) -> None:
    """Wait for the copies. An object store that is away raises what is its own: like a full disk,
    that is no fault of the messages."""
    try:
        writing.finish()
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"the store fails: {type(error).__name__}") from error


def _is_poison(note: Notification) -> bool:
    if note.is_poison:
        _broke(note, None)
    return note.is_poison


def _broke(note: Notification, error: Exception | None) -> None:
    try:
        settle.broke(note, error)
    except LostClaim:
        log.warning("a notification was taken over by another worker")


def _stopped(note: Notification, asked: guards.Asked) -> settle.Stopped | None:
    if asked.stop is None:
        return None
    return settle.Stopped(note=note, reason=asked.stop, facts=asked.facts, trail=asked.trail)


def _keep(note: Notification, composed: Composed, writing: storage.Writing) -> None:
    """Keep the message once, without its tokens. The row learns of it when the try begins; a copy
    of a try that never began is written over by the next."""
    if note.raw_key:
        return
    note.raw_key = f"{note.created_at:%Y%m%d}/{note.id}.out.eml"
    note.raw_size = len(composed.kept)
    note.subject, note.message_id = composed.subject[:500], composed.message_id[:255]
    writing.add(note.raw_key, composed.kept)
