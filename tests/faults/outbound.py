"""Thousands of notifications to a counting mail server while the sender is killed again and again.

    python -m tests.faults.outbound [--notifications 2000] [--kills 20] [--connections 4]

None may be lost; a kill may repeat at most one message for each open connection, under the same
Message-ID, and the row of each repeated one has a try that was cut off. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.parts.process import Process, wait_until
from tests.parts.refusing import Refusing
from tests.parts.site import ROOT, Site

# Run inside the site: invitations, and one row for each that waits.
FILL = """
from django.db import transaction
from django.utils import timezone
from deskpost import journey
from deskpost.desk import people
from deskpost.models import Event, Person, Project, partitions, queue
partitions.ensure_ahead()
project, by = Project.objects.get(key="IT"), Person.objects.filter(is_site_admin=True).first()
with transaction.atomic():
    for n in range({first}, {first} + {count}):
        people.invite(project, f"p{{n}}@x.test", "", by, timezone.now())
while events := queue.claim(Event.objects.order_by("id"), "filling", timezone.now(), 500):
    with transaction.atomic():
        for event in events:
            journey.announce(event)
"""
STATUSES = "SELECT status, reason, count(*) FROM deskpost_notification GROUP BY 1, 2"
OPEN = "SELECT count(*) FROM deskpost_notification WHERE settled_at IS NULL"
# Each row with its Message-ID, its tries, and how many of them have no end.
TRIES = """
SELECT n.address, n.message_id, count(a.id), count(a.id) - count(a.ended_at)
FROM deskpost_notification n LEFT JOIN deskpost_attempt a ON a.notification_id = n.id GROUP BY n.id,
n.address, n.message_id
"""


class Senders:
    """`deskpost work outbound` processes of a site, that can be killed and started again."""

    def __init__(self, site: Site, count: int = 1) -> None:
        self._site = site
        self.running: list[Process] = []
        for _ in range(count):
            self.start()

    def start(self) -> None:
        process = Process(
            [sys.executable, "-m", "deskpost", "work", "outbound"],
            log=self._site.folder / "work.log",
            cwd=ROOT,
            env=self._site.environment,
        )
        self.running.append(process)

    def kill_one(self) -> None:
        """End the oldest with SIGKILL, and start another."""
        self.running.pop(0).kill()
        self.start()

    def stop(self) -> None:
        for process in self.running:
            process.stop()

    def log_text(self) -> str:
        return Path(self._site.folder / "work.log").read_text(errors="replace")


def fill(site: Site, count: int, first: int = 0) -> None:
    """Make so many notifications, to p0@x.test and so on; 500 come to wait in one moment."""
    site.shell(FILL.format(count=count, first=first))


def run(notifications: int, kills: int, connections: int, seed: int) -> dict[str, object]:
    """Send them while the worker is killed; returns the figures."""
    chance = random.Random(seed)
    settings = {"DESKPOST_RELAY_CONNECTIONS": str(connections)}
    with Refusing() as world, Site(relay=f"smtp://127.0.0.1:{world.port}", env=settings) as site:
        assert site.process is not None
        site.process.stop()  # its own worker: those that are killed work alone
        fill(site, notifications)
        begun = time.monotonic()
        senders = Senders(site)
        try:
            for n in range(kills):
                _wait_for(world, notifications * n // (kills + 1))
                time.sleep(chance.uniform(0, 0.2))
                senders.kill_one()
            done = wait_until(lambda: site.sql(OPEN) == [(0,)], seconds=600, every=0.5)
            seconds = time.monotonic() - begun
        finally:
            senders.stop()
        if not done:
            sys.stderr.write(senders.log_text()[-4000:])
        figures = {"notifications": notifications, "kills": kills, "connections": connections}
        return figures | tally(site, world) | {"finished": done, "seconds": round(seconds, 1)}


def _wait_for(world: Refusing, count: int) -> None:
    assert wait_until(lambda: len(world.received) >= count, seconds=120, every=0.005)


def tally(site: Site, world: Refusing) -> dict[str, object]:
    """Compare the rows with what arrived."""
    arrived = Counter(one.recipients[0] for one in world.messages)
    ids: dict[str, set[str]] = {}
    for one in world.messages:
        head = email.message_from_bytes(one.content, policy=email.policy.default)
        ids.setdefault(one.recipients[0], set()).add(str(head["Message-ID"]))
    rows = {address: (name, tries, cut) for address, name, tries, cut in site.sql(TRIES)}
    unsaid = [
        address for address, times in arrived.items() if times > 1 and rows[address][2] < times - 1
    ]
    return {
        "statuses": {f"{s} {r}".strip(): count for s, r, count in site.sql(STATUSES)},
        "lost": len(rows.keys() - arrived.keys()),
        "repeats": arrived.total() - len(arrived),
        "other_ids": sum(found != {rows[to][0]} for to, found in ids.items()),
        "cut_off_tries": sum(cut for _, _, cut in rows.values()),
        "repeats_without_a_cut_off_try": len(unsaid),
    }


def is_good(figures: dict[str, object]) -> bool:
    """Whether what was promised was kept."""
    allowed = int(str(figures["kills"])) * int(str(figures["connections"]))
    return (
        figures["finished"] is True
        and figures["statuses"] == {"delivered": figures["notifications"]}
        and figures["lost"] == figures["other_ids"] == 0
        and figures["repeats_without_a_cut_off_try"] == 0
        and int(str(figures["repeats"])) <= allowed
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--notifications", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    quick = given.quick or os.environ.get("QUICK")
    count, kills = (200, 3) if quick else (given.notifications, given.kills)
    figures = run(count, kills, given.connections, given.seed) | {"seed": given.seed}
    good = is_good(figures)
    sys.stdout.write(json.dumps(figures | {"good": good}) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
