"""Every message through the journey: no crash, in time, within the worker's memory.

A process of its own, with a data folder of its own that goes with it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.conformance.corpus import Item, folder, load

if TYPE_CHECKING:
    from deskpost.models import Channel, InboundEmail

SECONDS = 0.25
SECONDS_OF_HUGE = 2.0
HUGE = 10 * 1024 * 1024
MEGABYTES = 350


def run(items: Iterable[Item]) -> dict[str, Any]:
    """Take the messages through the journey in a child; return its figures, and what failed."""
    names = "\n".join(item.name for item in items)
    with tempfile.TemporaryDirectory(prefix="dp-conformance-") as data:
        done = subprocess.run(
            [sys.executable, "-m", "tests.conformance.every"],
            input=names,
            env=os.environ | {"DESKPOST_DATA": data, "DESKPOST_LOG_LEVEL": "error"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        return {"crashes": 1, "failed": [f"the journey ended with {done.returncode}"]}
    *lines, last = done.stdout.splitlines()
    print("\n".join(lines))
    said: dict[str, Any] = json.loads(last)
    return said


def main() -> None:
    chosen = set(sys.stdin.read().split("\n"))
    channel = _site()
    mails = [
        (item.name, raw)
        for item in load(folder())
        if item.name in chosen and item.kind in {"rfc822", "mbox"}
        for raw in _messages(item)
    ]
    _preview(channel, b"From: a@first.test\r\n\r\nWhat is loaded at the first use is loaded now.")
    crashes, slow = [], []
    for name, raw in mails:
        begun = time.perf_counter()
        try:
            _preview(channel, raw)
        except Exception:
            crashes.append(name)
            print(f"CRASH {name}\n{traceback.format_exc()}")
        spent = time.perf_counter() - begun
        if spent > (SECONDS_OF_HUGE if len(raw) > HUGE else SECONDS):
            slow.append(f"{name}: {spent * 1000:.0f} ms")
    outcomes = _take([raw for _, raw in mails], channel)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    crashes += ["internal_error"] * outcomes["internal_error"]
    print("outcomes: " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    failed = [f"crash: {name}" for name in crashes] + [f"slow: {one}" for one in slow]
    if megabytes > MEGABYTES:
        failed.append(f"{megabytes:.0f} MB, at most {MEGABYTES}")
    said = {
        "messages": len(mails),
        "crashes": len(crashes),
        "slow": len(slow),
        "megabytes": round(megabytes),
        "failed": failed,
    }
    print(json.dumps(said))


def _site() -> Channel:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from deskpost.desk import firststart
    from deskpost.models import Channel, partitions

    call_command("migrate", verbosity=0)
    partitions.ensure_ahead()
    firststart.prepare()
    # No message of the corpus may cause a look-up, and all come from one address of nowhere.
    Channel.objects.update(checks_dmarc=False, most_in_10_minutes=32_000, most_in_60_minutes=32_000)
    return Channel.objects.select_related("project", "request_type").get(project__key="IT")


def _messages(item: Item) -> Iterator[bytes]:
    if item.kind == "rfc822":
        yield item.raw()
        return
    from deskpost.mail import mbox

    with item.path.open("rb") as file:
        for entry in mbox.read(file, limit=HUGE, keep=HUGE):
            yield entry.raw


def _preview(channel: Channel, raw: bytes) -> InboundEmail:
    from deskpost import journey
    from deskpost.inbound.channels.importing import envelope_from
    from deskpost.mail import mime
    from deskpost.models import InboundEmail, moment_of, new_id

    row_id = new_id()
    row = InboundEmail(
        id=row_id,
        project=channel.project,
        channel=channel,
        transport=InboundEmail.Transport.SMTP,
        received_at=moment_of(row_id),
        envelope_from=envelope_from("", mime.parse(raw)),
        envelope_to=channel.address,
        raw_size=len(raw),
    )
    return journey.preview(row, raw)


def _take(raws: list[bytes], channel: Channel) -> Counter[str]:
    """Take all of them as they would arrive; returns how many came to each outcome."""
    from django.utils import timezone

    from deskpost.inbound import intake
    from deskpost.models import InboundEmail
    from deskpost.wake import Stage
    from deskpost.worker import Worker

    target = intake.Target(
        recipient=channel.address, channel_id=channel.pk, project_id=channel.project_id
    )
    with ThreadPoolExecutor(4) as pool:
        for raw in raws:
            arrival = intake.Arrival(
                raw=raw,
                targets=[target],
                transport=InboundEmail.Transport.SMTP,
                envelope_from="corpus@upstream.test",
                client="127.0.0.1",
            )
            intake.store([arrival], pool)
    worker = Worker([Stage.INBOUND])
    while InboundEmail.objects.filter(due_at__isnull=False).exists():
        # What is to be tried again later is tried again now.
        InboundEmail.objects.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())
        worker.inbound()
    return Counter(InboundEmail.objects.values_list("outcome", flat=True))


if __name__ == "__main__":
    main()
