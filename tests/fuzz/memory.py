"""A worker and the largest hostile messages: what they cost in memory.

    python -m tests.fuzz.memory store        (DESKPOST_DATA says where)
    python -m tests.fuzz.memory work

Two processes, as on a site: the first keeps the messages, the second takes them to their
outcomes and prints one line of JSON with the highest memory that it ever had, in octets.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from deskpost.desk import firststart  # noqa: E402
from deskpost.inbound import intake  # noqa: E402
from deskpost.models import Channel, InboundEmail, partitions  # noqa: E402
from deskpost.wake import Stage  # noqa: E402
from deskpost.worker import Worker  # noqa: E402
from tests.fuzz.monsters import LARGE  # noqa: E402


def store() -> None:
    """Make a site and keep one of each large message in it."""
    call_command("migrate", verbosity=0)
    partitions.ensure_ahead()
    firststart.prepare()
    channel = Channel.objects.get(project__key="IT")
    target = intake.Target(
        recipient=channel.address, channel_id=channel.pk, project_id=channel.project_id
    )
    with ThreadPoolExecutor(1) as pool:
        for number, make in enumerate(LARGE.values()):
            arrival = intake.Arrival(
                raw=make().replace(b"ann@", b"ann%d@" % number, 1),
                targets=[target],
                transport=InboundEmail.Transport.SMTP,
                envelope_from="ann@x.test",
                client="127.0.0.1",
            )
            intake.store([arrival], pool)


def work() -> None:
    """Take all of them to their outcomes."""
    worker = Worker([Stage.INBOUND])
    while worker.inbound():
        pass
    outcomes = Counter(InboundEmail.objects.values_list("outcome", flat=True))
    unsettled = outcomes.pop("", 0)
    print(json.dumps({"peak": peak(), "unsettled": unsettled, "outcomes": outcomes}))


def peak() -> int:
    """The highest resident memory of this process. Not getrusage: that counts its parent's too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    {"store": store, "work": work}[sys.argv[1]]()
