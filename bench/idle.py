"""How much memory one poller needs for many idle mailboxes.

    python bench/idle.py [--mailboxes 500] [--quick]

Real IMAP connections with TLS to a Dovecot, all of them resting in IDLE. The limit is 400 MB for
500 mailboxes; `ratio` is what was used over that. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.mailbox import Pollers, site_for
from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.process import wait_until

LIMIT_MB = 400
FOR_MAILBOXES = 500
MAKE = """
from deskpost.models import Channel, Mailbox, Project
project = Project.objects.get(key="IT")
for n in range({count}):
    user = f"m{{n}}@desk.test"
    channel = Channel.objects.create(project=project, kind="custom", address=user,
        request_type=project.request_types.first(), checks_dmarc=False)
    Mailbox.objects.create(channel=channel, host="localhost", port={port}, username=user,
        password={password!r})
"""
CONNECTED = "SELECT count(*) FROM deskpost_mailbox WHERE state = 'connected'"


def resident_mb(pid: int) -> float:
    """The memory that a process holds, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def run(count: int) -> dict[str, object]:
    """Connect so many mailboxes; returns the figures."""
    users = [f"m{n}@desk.test" for n in range(count)]
    with Dovecot(*users) as server, site_for(server) as site:
        site.shell(MAKE.format(count=count, port=server.imaps_port, password=PASSWORD))
        pollers = Pollers(site)
        process = pollers.start()
        try:
            begun = time.monotonic()
            assert wait_until(lambda: site.sql(CONNECTED)[0][0] == count, seconds=240, every=0.5), (
                pollers.log_text()
            )
            seconds = time.monotonic() - begun
            time.sleep(3)
            used = resident_mb(process.pid)
        finally:
            pollers.stop()
    limit = LIMIT_MB * count / FOR_MAILBOXES
    return {
        "mailboxes": count,
        "resident_mb": round(used, 1),
        "connected_after_s": round(seconds, 1),
        "ratio": round(used / limit, 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mailboxes", type=int, default=500)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    figures = run(100 if given.quick else given.mailboxes)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
