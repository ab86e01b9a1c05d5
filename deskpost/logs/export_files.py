"""The files of an export of raw messages: pieces in the storage, in a folder of their job's.

The pieces one after another are the file that is offered: nothing is copied together, and memory
holds one piece. Each claim of a job writes under its own number, and the job names the pieces that
count (its option `pieces`): what a death or a late worker leaves lies beside them unread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from deskpost.models import Job

FOLDER: Final = "exports"
PIECE: Final = 4 * 1024 * 1024  # octets of a piece, at least
_READ: Final = 64 * 1024

Piece = Sequence[object]  # its name in the job's folder and its size, as JSON holds them


class Broken(Exception):
    """A piece is gone or is not whole: the file must not be offered."""


def folder(job: Job) -> str:
    return f"{FOLDER}/{job.pk}"


class Pieces:
    """Takes octets and keeps them as pieces of the job's file. `finish` says which."""

    def __init__(self, job: Job, kind: str) -> None:
        self._job, self._kind = job, kind
        self._held = bytearray()
        self._kept: list[Piece] = []
        self.size = 0

    def write(self, octets: bytes) -> int:
        """Take octets; they are in the storage only once `finish` has returned."""
        self._held += octets
        self.size += len(octets)
        if len(self._held) >= PIECE:
            self._keep()
        return len(octets)

    def finish(self) -> list[Piece]:
        """Keep what is held and return the pieces, in order."""
        if self._held:
            self._keep()
        return self._kept

    def _keep(self) -> None:
        name = f"{self._job.attempt:06d}-{self._kind}-{len(self._kept):04d}"
        storage, key = storages["default"], f"{folder(self._job)}/{name}"
        storage.delete(key)  # a storage would give a second one another name
        storage.save(key, ContentFile(bytes(self._held)))
        self._kept.append([name, len(self._held)])
        self._held.clear()


def size(pieces: Iterable[Piece]) -> int:
    """Return how many octets the pieces have together."""
    return sum(int(str(length)) for _, length in pieces)


def check(job: Job, pieces: Iterable[Piece]) -> None:
    """Raise Broken unless each piece is there, as long as it was."""
    storage = storages["default"]
    for name, length in pieces:
        key = f"{folder(job)}/{name}"
        if not storage.exists(key) or storage.size(key) != length:
            raise Broken(key)


def read(job: Job, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Yield what the pieces hold, in order."""
    for name, _ in pieces:
        with storages["default"].open(f"{folder(job)}/{name}") as file:
            while some := file.read(_READ):
                yield some


def remove(job_id: int) -> None:
    """Remove the files of a job, whatever there is of them."""
    storage, place = storages["default"], f"{FOLDER}/{job_id}"
    if not storage.exists(place):
        return
    for name in storage.listdir(place)[1]:
        storage.delete(f"{place}/{name}")
    storage.delete(place)


def there() -> list[int]:
    """Return the jobs that have files."""
    storage = storages["default"]
    folders = storage.listdir(FOLDER)[0] if storage.exists(FOLDER) else []
    return [int(name) for name in folders if name.isascii() and name.isdigit()]
