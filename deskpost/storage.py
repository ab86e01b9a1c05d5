"""Files that are there after a power cut: written aside, synced, linked into place.

Used for raw messages and attachments through Django's storage API, so that an object store can
stand in its place (STORAGES in settings.py).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage


class DurableFiles(FileSystemStorage):
    """Storage in a folder. A save has returned only once data and name are on the disk."""

    def _save(self, name: str, content: File[bytes]) -> str:
        self._write(name, content.read())
        self._sync_folder(Path(self.path(name)).parent)
        return name

    def save_all(self, files: Iterable[tuple[str, bytes]], pool: Executor) -> None:
        """Store many new files at the price of few folder syncs: their data in the pool, then
        each folder once. Raises OSError if any of them could not be stored."""
        pairs = list(files)
        for _ in pool.map(lambda pair: self._write(*pair), pairs):
            pass
        for folder in {Path(self.path(name)).parent for name, _ in pairs}:
            self._sync_folder(folder)

    def _write(self, name: str, data: bytes) -> None:
        target = Path(self.path(name))
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sync_folder(target.parent.parent)
        draft = target.with_name(f".{secrets.token_hex(8)}.part")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            draft.rename(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    @staticmethod
    def _sync_folder(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_all(storage: Storage, files: Iterable[tuple[str, bytes]], pool: Executor) -> None:
    """Store many files durably in any storage; see DurableFiles.save_all."""
    if isinstance(storage, DurableFiles):
        storage.save_all(files, pool)
        return
    for _ in pool.map(lambda pair: storage.save(pair[0], ContentFile(pair[1])), files):
        pass
