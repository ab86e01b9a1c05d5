"""Deskpost takes a folder of mail: one process, from the bytes to the last outcome.

    ours.py MAIL_FOLDER        (DESKPOST_DATA and DESKPOST_DATABASE say where)

Intake stores in the batches of the listener, then the inbound worker's own loop runs; both are
the code that serves a real site, as durable as there. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from deskpost.desk import firststart  # noqa: E402
from deskpost.inbound import intake  # noqa: E402
from deskpost.models import Attachment, Channel, Comment, InboundEmail, Request, partitions  # noqa: E402
from deskpost.wake import Stage  # noqa: E402
from deskpost.worker import Worker  # noqa: E402


def arrivals(folder: Path, channel: Channel) -> list[intake.Arrival]:
    target = intake.Target(
        recipient=channel.address, channel_id=channel.pk, project_id=channel.project_id
    )
    return [
        intake.Arrival(
            raw=path.read_bytes(),
            targets=[target],
            transport=InboundEmail.Transport.SMTP,
            envelope_from="bench@customer.test",
            client="127.0.0.1",
        )
        for path in sorted(folder.iterdir())
    ]


def take(folder: Path) -> float:
    """Take all messages of the folder to their outcomes; returns the seconds."""
    worker = Worker([Stage.INBOUND])
    channel = Channel.objects.get(project__key="IT")
    begun = time.perf_counter()
    waiting = arrivals(folder, channel)
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(waiting), intake.GATHER_MESSAGES):
            intake.store(waiting[start : start + intake.GATHER_MESSAGES], pool)
    while worker.inbound():
        pass
    return time.perf_counter() - begun


def main() -> None:
    call_command("migrate", verbosity=0)
    partitions.ensure_ahead()
    firststart.prepare()
    seconds = take(Path(sys.argv[1]))
    outcomes = InboundEmail.objects.values_list("outcome", flat=True)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "requests": Request.objects.count(),
                "comments": Comment.objects.filter(is_description=False).count(),
                "attachments": Attachment.objects.count(),
                "unsettled": sum(1 for outcome in outcomes if not outcome),
                "rows": len(outcomes),
            }
        )
    )


if __name__ == "__main__":
    main()
