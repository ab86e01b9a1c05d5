"""DMARC of a batch of messages: asked of DNS, or taken from a server before us that is trusted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from deskpost.inbound.dmarc_check import Check, Mail, Result, Verdict
from deskpost.inbound.dmarc_dns import Lookups
from deskpost.inbound.dmarc_upstream import from_upstream

__all__ = ["Mail", "Result", "Verdict", "check_all", "from_upstream"]

MAX_THREADS = 100  # one for each message of a batch: none waits for another's name servers
FOR_LOOKUPS = 0.9  # of the time; the rest is for what remains to be done after the last
FOR_ONE = 0.6  # of the time, for one lookup


def check_all(
    mails: Sequence[Mail], *, seconds: float, resolvers: Sequence[str] = ()
) -> list[Result]:
    """Check a batch; all of it together takes no longer than `seconds`. Never raises.

    What has no answer by then is unknown, and its facts say which name was asked. `resolvers` are
    `host:port`; none means the system's.
    """
    until = time.monotonic() + seconds
    lookups = Lookups(
        resolvers,
        until=until - seconds * (1 - FOR_LOOKUPS),
        patience=seconds * FOR_ONE,
    )
    checks = [Check(mail, lookups) for mail in mails]
    _run([check.run for check in checks], until)
    return [check.result or check.late() for check in checks]


def _run(jobs: Sequence[Callable[[], None]], until: float) -> None:
    """Run the jobs in threads, until all are done or the time is over.

    The threads are daemons: the last lookup of each ends with the time, and none of them keeps a
    process from ending.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    for job in jobs:
        waiting.put(job)

    def work() -> None:
        while time.monotonic() < until:
            try:
                waiting.get_nowait()()
            except Empty:
                return

    count = min(len(jobs), MAX_THREADS)
    threads = [threading.Thread(target=work, name="dmarc", daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
