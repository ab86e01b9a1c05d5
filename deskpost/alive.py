"""Who is at work: a name for each process that claims things, and whether its owner still lives.

A process holds a lock on a file of its name for as long as it lives; others on this host see by
the lock that it is gone, and need not wait for its leases to run out.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings


class Identity:
    """A process's name among all that claim, and the lock by which others see that it lives."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._path = _lock_folder() / f"{self.name}.lock"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def end(self) -> None:
        """Give the name up: everything that was claimed under it has been given back."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def dead() -> Iterator[str]:
    """Yield the names of this host whose processes are gone. Each is forgotten once the caller
    comes back for the next: it has freed then what was claimed under it."""
    for path in _lock_folder().glob("*.lock"):
        with path.open("a") as file:
            if _can_lock(file):
                yield path.name.removesuffix(".lock")
                path.unlink(missing_ok=True)


def _lock_folder() -> Path:
    return Path(settings.RUN) / "workers"


def _can_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
