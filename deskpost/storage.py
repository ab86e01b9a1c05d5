"""Files that are there after a power cut: synced, and whole before anything refers to them.

Used for raw messages and attachments through Django's storage API, so that an object store can
stand in its place (STORAGES in settings.py).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage


class DurableFiles(FileSystemStorage):
    """Storage in a folder. A save has returned only once data and name are on the disk."""

    def _save(self, name: str, content: File[bytes]) -> str:
        self._write(name, content.read())
        self._sync_folder(Path(self.path(name)).parent)
        return name

    def write_data(self, name: str, data: bytes) -> None:
        """Store a file durably, all but its name in its folder: `sync_folders` does that for many
        files at the price of one.

        A new file is not written aside: nothing refers to it before it is whole, and file and name
        then share one commit of the file system's journal.
        """
        target = self._target(name)
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            self._write(name, data)
            return
        self._fill(descriptor, target, data)

    def sync_folders(self, names: Iterable[str]) -> None:
        """Make the names of files durable that `write_data` has stored."""
        for folder in {Path(self.path(name)).parent for name in names}:
            self._sync_folder(folder)

    def _write(self, name: str, data: bytes) -> None:
        target = self._target(name)
        draft = target.with_name(f".{secrets.token_hex(8)}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._fill(descriptor, draft, data)
        try:
            draft.rename(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _target(self, name: str) -> Path:
        """The file's path; its folder is made if it is missing."""
        target = Path(self.path(name))
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sync_folder(target.parent.parent)
        return target

    @staticmethod
    def _fill(descriptor: int, path: Path, data: bytes) -> None:
        """Write and sync a file that was just made; one that cannot be written is taken away."""
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Writing:
    """Many new files on their way into a storage, while their caller goes on.

    `add` them, then `finish`: once that has returned, all of them are as durable as the storage
    makes them. It raises what went wrong (OSError, or the storage's own) if any of them is not.
    """

    def __init__(self, storage: Storage, pool: Executor) -> None:
        self._storage, self._pool = storage, pool
        self._names: list[str] = []
        self._waiting: list[Future[None]] = []

    def add(self, name: str, data: bytes) -> None:
        """Begin to store a new file under that name."""
        self._names.append(name)
        self._waiting.append(self._pool.submit(self._save, name, data))

    def _save(self, name: str, data: bytes) -> None:
        if isinstance(self._storage, DurableFiles):
            self._storage.write_data(name, data)
        else:
            self._storage.save(name, ContentFile(data))

    def another(self) -> Writing:
        """Return a new one for the same storage."""
        return Writing(self._storage, self._pool)

    def finish(self) -> None:
        """Wait until all that was added is stored."""
        for one in self._waiting:
            one.result()
        if isinstance(self._storage, DurableFiles):
            self._storage.sync_folders(self._names)
        self._names, self._waiting = [], []
