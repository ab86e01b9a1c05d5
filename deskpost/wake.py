"""Tell a stage that there is work: a datagram to each of its workers on this host.

It carries nothing and may be lost: every worker also sweeps once a second. The tables are the
queue.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import select
import socket
import tempfile
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType

from django.conf import settings
from django.db import transaction


class Stage(StrEnum):
    """The stages that can be woken."""

    INBOUND = "inbound"
    ANNOUNCE = "announce"
    OUTBOUND = "outbound"
    POLL = "poll"
    JOBS = "jobs"


def up(stage: Stage) -> None:
    """Wake the workers of the stage once the current transaction has been committed."""
    transaction.on_commit(partial(send, stage))


def send(stage: Stage) -> None:
    """Wake the workers of the stage now. Never raises: a sweep finds what a wake-up missed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        for path in _folder().glob(f"{stage}.*.sock"):
            try:
                out.sendto(b"!", str(path))
            except BlockingIOError:
                continue  # its buffer is full of wake-ups: it will wake
            except OSError:
                path.unlink(missing_ok=True)  # its worker is gone


def _folder() -> Path:
    """A socket's address has 107 bytes at most: a long data folder gets a short stand-in."""
    folder = Path(settings.RUN)
    if len(os.fsencode(folder)) < 75:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"deskpost-{os.getuid()}-{digest}"


_numbers = itertools.count(1)


class Bell:
    """The receiving end, held by a worker for its stages."""

    def __init__(self, stages: list[Stage]) -> None:
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sockets: list[tuple[socket.socket, Path]] = []
        for stage in stages:
            path = _folder() / f"{stage}.{os.getpid()}.{next(_numbers)}.sock"
            path.unlink(missing_ok=True)
            bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            bell.bind(str(path))
            bell.setblocking(False)
            self._sockets.append((bell, path))

    def wait(self, seconds: float) -> None:
        """Return when woken, or after the given time at the latest."""
        select.select(self.filenos(), [], [], seconds)
        self.hush()

    def filenos(self) -> list[int]:
        """The sockets to watch, for a process that waits for other things besides."""
        return [bell.fileno() for bell, _ in self._sockets]

    def hush(self) -> None:
        """Take note of all wake-ups that have come."""
        for bell, _ in self._sockets:
            try:
                while bell.recv(16):
                    pass
            except BlockingIOError:
                continue

    def __enter__(self) -> Bell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for bell, path in self._sockets:
            bell.close()
            path.unlink(missing_ok=True)
