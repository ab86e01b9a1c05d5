"""Thousands of messages through a real mailbox while its poller is killed again and again.

    python -m tests.faults.mailbox [--messages 10000] [--kills 20] [--protocol imap]

Each message must have exactly one row, with its own bytes. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.parts.dovecot import PASSWORD, Dovecot
from tests.parts.process import Process, wait_until
from tests.parts.site import ROOT, Site

USER = "support@desk.test"
ROWS = "SELECT count(*), count(DISTINCT raw_sha256) FROM deskpost_inboundemail"
# Run inside the site: a channel as the settings page makes it.
MAKE = """
from deskpost.models import Channel, Mailbox, Project
project = Project.objects.get(key="IT")
channel = Channel.objects.create(project=project, kind="custom", address={user!r},
    request_type=project.request_types.first(), checks_dmarc=False)
Mailbox.objects.create(channel=channel, protocol={protocol!r}, host="localhost", port={port},
    username={user!r}, password={password!r}, afterwards="delete")
"""


def site_for(server: Dovecot, **env: str) -> Site:
    """A site that may connect to the server, and whose pollers are started apart."""
    return Site(
        env={
            "DESKPOST_ALLOW_PRIVATE_HOSTS": "127.0.0.0/8,::1/128",
            "DESKPOST_CA_FILE": str(server.ca_file),
            "DESKPOST_POLLERS": "0",
            **env,
        }
    )


def connect(site: Site, server: Dovecot, protocol: str = "imap") -> None:
    """Make a custom channel of project IT for the server's mailbox."""
    port = server.imaps_port if protocol == "imap" else server.pop3s_port
    code = MAKE.format(user=USER, port=port, password=PASSWORD, protocol=protocol)
    site.shell(code)


class Pollers:
    """`deskpost poll` processes of a site, that can be killed and started again."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.running: list[Process] = []

    def start(self) -> Process:
        process = Process(
            [sys.executable, "-m", "deskpost", "poll"],
            log=self._site.folder / "poll.log",
            cwd=ROOT,
            env=self._site.environment,
        )
        self.running.append(process)
        return process

    def kill_one(self) -> None:
        """End the oldest with SIGKILL, and start another."""
        self.running.pop(0).kill()
        self.start()

    def stop(self) -> None:
        for process in self.running:
            process.stop()

    def log_text(self) -> str:
        return Path(self._site.folder / "poll.log").read_text(errors="replace")


def state(site: Site) -> str:
    found = site.sql("SELECT state FROM deskpost_mailbox")
    return str(found[0][0]) if found else ""


def run(messages: int, kills: int, protocol: str, seed: int) -> dict[str, object]:
    """Take the messages while pollers are killed; returns the figures."""
    chance = random.Random(seed)
    with Dovecot(USER) as server, site_for(server) as site:
        connect(site, server, protocol)
        pollers = Pollers(site)
        pollers.start()
        try:
            assert wait_until(lambda: state(site) == "connected", seconds=60), pollers.log_text()
            server.fill(USER, messages)
            begun = time.monotonic()
            killed = _kill(site, pollers, kills, messages, chance)
            done = wait_until(
                lambda: site.sql(ROWS)[0][0] >= messages and not server.raw_messages(USER),
                seconds=900,
                every=1,
            )
            seconds = time.monotonic() - begun
        finally:
            pollers.stop()
        rows, distinct = site.sql(ROWS)[0]
        return {
            "messages": messages,
            "kills": killed,
            "rows": rows,
            "doubles": rows - distinct,
            "lost": messages - distinct,
            "left_in_mailbox": len(server.raw_messages(USER)),
            "finished": done,
            "seconds": round(seconds, 1),
        }


def _kill(site: Site, pollers: Pollers, kills: int, messages: int, chance: random.Random) -> int:
    """Kill the poller at random moments, spread over the work; returns how often."""
    for n in range(kills):
        _wait_for(site, messages * n // (kills + 1))
        time.sleep(chance.uniform(0, 0.5))
        pollers.kill_one()
    return kills


def _wait_for(site: Site, count: int) -> None:
    assert wait_until(lambda: site.sql(ROWS)[0][0] >= count, seconds=120, every=0.02)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--protocol", choices=["imap", "pop3"], default="imap")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    quick = given.quick or os.environ.get("QUICK")
    messages, kills = (300, 4) if quick else (given.messages, given.kills)
    figures = run(messages, kills, given.protocol, given.seed) | {"seed": given.seed}
    sys.stdout.write(json.dumps(figures) + "\n")
    good = figures["rows"] == messages and not figures["doubles"] and not figures["lost"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
