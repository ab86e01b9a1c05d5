"""SMTP acceptance: Deskpost's listener beside a stock Postfix, in one run.

    python bench/receive.py [--quick] [--messages N] [--runs N] [--listeners N] [--postfix WAY]

Both take the same mail from Postfix's own smtp-source over 8 sessions, in turns, on the same file
system; each answers 250 only once the message is on the disk. Deskpost keeps the raw file and its
row (SQLite or PostgreSQL, durable as on a real site), Postfix a file in its queue. Postfix is as
it comes, save what keeps mail in the queue: by `--postfix held`, the default, it spends nothing at
all on delivery and slows no sender down; by `--postfix deferred` its queue manager takes each
message up and defers it, as that of a stock Postfix does. After each run every message must be
there on either side. Sessions either end after each message (smtp-source's way) or go on with the
next. Medians of the runs. The last line is JSON: the messages a second of each, and `ratio`, ours
over theirs (the least of all rows of the table).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.parts import ports  # noqa: E402
from tests.parts.postfix import Postfix  # noqa: E402
from tests.parts.postgres import Postgres  # noqa: E402
from tests.parts.process import Process, program, wait_until  # noqa: E402
from tests.parts.site import Site  # noqa: E402

SESSIONS = 8
KILOBYTES = (27, 67)
WARM_UP = 40  # messages before the clock
PEERS = {
    # Held: nothing is spent on delivery, and no sender is slowed down for want of it.
    "held": "smtpd_client_restrictions = static:hold\nin_flow_delay = 0",
    # Deferred: the queue manager, too, does its part of each message, and nothing is tried again.
    "deferred": "defer_transports = smtp\nqueue_run_delay = 1h\nminimal_backoff_time = 1h\n"
    "maximal_backoff_time = 1h\nmaximal_queue_lifetime = 5d",
}


class Side(Protocol):
    """One of the two servers."""

    @property
    def port(self) -> int:
        """Where it listens."""

    def check(self, count: int, octets: int) -> None:
        """End the bench unless `count` messages of at least that size are there; remove them."""


class Listeners(Site):
    """The listener processes of a site, and nothing else of it."""

    def __init__(self, database: str, count: int) -> None:
        super().__init__(env={"DESKPOST_DATABASE": database, "DESKPOST_LISTENERS": str(count)})
        self.count = count
        self.processes: list[Process] = []

    @property
    def port(self) -> int:
        return self.smtp_port

    def start(self) -> None:
        self._database = self._database or str(self.data / "deskpost.sqlite3")
        self.shell(
            "from django.core.management import call_command\n"
            "from deskpost.desk import firststart\n"
            "from deskpost.models import partitions\n"
            "call_command('migrate', verbosity=0)\n"
            "partitions.ensure_ahead()\n"
            "firststart.prepare()\n"
        )
        command = [sys.executable, "-m", "deskpost", "receive"]
        for number in range(self.count):
            log = self.folder / f"receive{number}.log"
            self.processes.append(Process(command, log=log, cwd=ROOT, env=self.environment))
        for process in self.processes:
            process.wait_ready(lambda: self._listening() == self.count)

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
        super().stop()

    def _listening(self) -> int:
        """How many sockets listen on the port."""
        wanted = f"0100007F:{self.port:04X} 00000000:0000 0A"
        return sum(wanted in line for line in Path("/proc/net/tcp").read_text().splitlines())

    def check(self, count: int, octets: int) -> None:
        rows = self.sql("SELECT raw_key, raw_size, raw_sha256 FROM deskpost_inboundemail")
        names = {path.name for path in (self.data / "raw").rglob("*.eml")}
        if len(rows) != count or len(names) != count:
            raise SystemExit(f"Deskpost has {len(rows)} rows and {len(names)} files, not {count}")
        for key, size, digest in rows:
            path = self.data / "raw" / key
            raw = path.read_bytes()
            if len(raw) != size or size < octets or hashlib.sha256(raw).hexdigest() != digest:
                raise SystemExit(f"Deskpost has not kept {key} as it came")
            path.unlink()
        self.shell("from deskpost.models import InboundEmail\nInboundEmail.objects.all().delete()")


class Holding(Postfix):
    """A Postfix that takes mail and keeps it in its queue, in one of two ways (PEERS)."""

    def __init__(self, way: str) -> None:
        super().__init__(ports.free(), settings=PEERS[way])

    @property
    def port(self) -> int:
        return self.smtp_port

    def check(self, count: int, octets: int) -> None:
        # A message that the queue manager is busy with is on its way from one folder to the next.
        wait_until(lambda: sum(self.queue()[name] for name in ("hold", "deferred")) == count)
        folders = (self.folder / "spool" / name for name in ("hold", "deferred"))
        kept = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        small = [path for path in kept if path.stat().st_size < octets]
        if len(kept) != count or small:
            raise SystemExit(f"Postfix holds {len(kept)} of {count} messages: {self.queue()}")
        for path in kept:
            path.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent in one run."""

    messages: int
    kilobytes: int
    keeps: bool  # a session goes on with the next message

    def send(self, side: Side) -> float:
        """Send it all; returns the seconds until the last answer."""
        command = [program("smtp-source", "postfix"), "-s", str(SESSIONS), "-4"]
        command += ["-m", str(self.messages), "-l", str(self.kilobytes * 1024)]
        command += ["-f", "bench@customer.test", "-t", "it@desk.test", "-M", "mx.customer.test"]
        command += ["-d"] * self.keeps + [f"127.0.0.1:{side.port}"]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(f"smtp-source failed: {done.stderr[-2000:]}")
        side.check(self.messages, self.kilobytes * 1024)
        return seconds


def measure(load: Load, sides: dict[str, Side], runs: int) -> dict[str, float]:
    """Let the sides take turns; return the medians in messages a second, and their ratio."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(runs):
        # Who begins changes: what one leaves to the disk, the other would always pay.
        for name in sorted(sides, reverse=bool(turn % 2)):
            seconds[name].append(load.send(sides[name]))
    rates = {name: load.messages / statistics.median(each) for name, each in seconds.items()}
    return rates | {"ratio": rates["ours"] / rates["theirs"]}


@contextmanager
def both(kind: str, listeners: int, way: str) -> Iterator[dict[str, Side]]:
    """Start the two sides, and let each take a little first."""
    with ExitStack() as stack:
        database = stack.enter_context(Postgres(fsync=True)).url if kind == "postgresql" else ""
        ours = stack.enter_context(Listeners(database, listeners))
        theirs = stack.enter_context(Holding(way))
        sides: dict[str, Side] = {"ours": ours, "theirs": theirs}
        for side in sides.values():
            Load(messages=WARM_UP, kilobytes=KILOBYTES[0], keeps=False).send(side)
        yield sides


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--messages", type=int, default=1500)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--listeners", type=int, default=2)
    parser.add_argument("--postfix", choices=list(PEERS), default="held")
    chosen = parser.parse_args()
    if chosen.quick or os.environ.get("QUICK"):
        chosen.messages, chosen.runs = 300, 3
    rows = []
    for kind in chosen.databases:
        with both(kind, chosen.listeners, chosen.postfix) as sides:
            for kilobytes in KILOBYTES:
                for keeps in (False, True):
                    load = Load(messages=chosen.messages, kilobytes=kilobytes, keeps=keeps)
                    rates = measure(load, sides, chosen.runs)
                    rows.append({"database": kind, "kilobytes": kilobytes, "keeps": keeps, **rates})
                    sys.stdout.write(
                        f"{kind:10}, {kilobytes} KB, sessions {'go on' if keeps else 'end  '}: "
                        f"Deskpost {rates['ours']:6.0f}/s, Postfix {rates['theirs']:6.0f}/s, "
                        f"{rates['ratio']:5.2f} times\n"
                    )
                    sys.stdout.flush()
    ratio = round(min(row["ratio"] for row in rows), 2)
    said: dict[str, object] = {"bench": "receive", "sessions": SESSIONS, "runs": chosen.runs}
    said |= {"postfix": chosen.postfix, "listeners": chosen.listeners}
    print(json.dumps(said | {"rows": rows, "ratio": ratio}))


if __name__ == "__main__":
    main()
