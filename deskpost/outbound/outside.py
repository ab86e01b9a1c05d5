"""The demo's outside world: where the site hands its mail while a demo runs and no relay is set.

`deskpost demo` writes the port of its mail server into a file of the run folder and holds a lock
on it for as long as it lives. The lock goes with the process, whatever ends it, so that nothing
has to be cleared up: what is sent later goes to the outbox again.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

HOST = "127.0.0.1"
LOCK_SECONDS = 2.0  # a carrier that looks holds the lock for a moment: that is no other demo


class Taken(Exception):
    """Another demo holds the lock."""


def port() -> int | None:
    """Return the port on which a running demo takes mail, or None if there is no such demo."""
    try:
        with _path().open() as file:
            said = file.read(6) if _is_held(file) else ""
    except OSError:
        return None
    return int(said) if said.isascii() and said.isdigit() and 0 < int(said) < 65536 else None


@contextmanager
def hold(number: int) -> Iterator[None]:
    """Have the site's mail handed to that port of this machine; raises Taken if a demo has it."""
    _path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _path().open("a+") as file:
        _lock(file)
        file.truncate(0)
        file.write(str(number))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _path() -> Path:
    return Path(settings.RUN) / "demo-world"


def _is_held(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _lock(file: IO[str]) -> None:
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Taken from None
            time.sleep(0.05)
        else:
            return
