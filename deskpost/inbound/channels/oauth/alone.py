"""One at a time: who refreshes a mailbox's tokens keeps all other processes from doing so too.

A refresh token may be spent by its use (rotation): of two who use it at once, one would be
refused, and many providers then withdraw the permission altogether. While the provider is asked,
neither the mailbox's row nor, with SQLite, the whole database may stay locked: a poller renews the
leases of all its mailboxes in one statement, and mail must come in meanwhile. Hence a lock beside
the tables.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

# The upper half of the lock's number on PostgreSQL; the lower half is the mailbox's.
_LOCKS = 0x0A07 << 32


@contextmanager
def alone(mailbox: int) -> Iterator[None]:
    """Wait until nobody else, in any thread or process, is here with this mailbox.

    Not to be entered within a transaction: it would keep the lock until its end, and with SQLite
    it would keep from writing whom it waits for.
    """
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCKS | mailbox])
            yield
        return
    # With SQLite all processes are on this host. The lock ends with the file, so with the process.
    path = Path(settings.RUN) / "oauth" / f"{mailbox}.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
