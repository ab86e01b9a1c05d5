"""Notifications out: Deskpost beside django-post-office, in one run.

    python bench/outbound.py [--quick] [--notifications N] [--runs N] [--stages]

The same mail from a template of 6 KB (letter.py), rendered as it is sent; the same PostgreSQL, with
fsync; one worker process each, taking turns, to Postfix's smtp-sink, which counts what it took. On
both sides the rows are there before the clock starts, and every attempt is recorded. The peer is
used as it comes: `send_queued_mail` in batches of 100 with five threads, successes logged. Deskpost
has its four connections to a relay; it also signs its links, keeps a copy of every message, and
writes each attempt before it is made. Medians of the runs. The last line is JSON: the notifications
a second of each, and `ratio`, ours over theirs. With `--stages` it prints instead where Deskpost's
time goes (outbound_stages.py).
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import letter  # noqa: E402
from bench.inbound import peer_python, run  # noqa: E402
from tests.parts import ports  # noqa: E402
from tests.parts.postgres import Postgres  # noqa: E402
from tests.parts.process import Part, Process, ordinary, program  # noqa: E402

OURS = ROOT / "bench" / "outbound_ours.py"
PEER = ROOT / "bench" / "peers" / "post_office_queue.py"
BACKLOG = 1000  # connections that may wait at the sink


class Sink(Part):
    """Postfix's smtp-sink: takes every message to its end and throws it away."""

    def start(self) -> None:
        account = ordinary("postfix")
        account.own(self.folder)
        self.port = ports.free()
        self.process = Process(
            [program("smtp-sink", "postfix"), "-c", f"127.0.0.1:{self.port}", str(BACKLOG)],
            log=self.folder / "counters",
            cwd=self.folder,
            account=account,
        )
        self.process.wait_ready(lambda: ports.answers(self.port))

    def taken(self) -> int:
        """Return how many messages it has taken."""
        counters = (self.folder / "counters").read_text("ascii")
        return int(re.findall(r"mesg=(\d+)", counters)[-1])


def environment(folder: Path, database: str, sink: Sink, count: int) -> dict[str, str]:
    return {
        "DESKPOST_DATA": str(folder / "data"),
        "DESKPOST_DATABASE": database,
        "DESKPOST_RELAY": f"smtp://127.0.0.1:{sink.port}?tls=none",
        "DESKPOST_DAILY_LIMIT": str(count + 1),
        "DESKPOST_LOG_LEVEL": "error",
    }


def ours(folder: Path, database: str, sink: Sink, count: int) -> dict[str, Any]:
    """One run of Deskpost."""
    return run([sys.executable, OURS, str(count)], **environment(folder, database, sink, count))


def theirs(folder: Path, database: str, sink: Sink, count: int) -> dict[str, Any]:
    """One run of django-post-office."""
    template = run([sys.executable, OURS, "template"], DESKPOST_DATA=str(folder / "data"))
    given = folder / "letter.json"
    given.write_text(json.dumps({"template": template, "mails": list(mails(count))}), "utf-8")
    return run([peer_python(), PEER, given, database, str(sink.port)])


def mails(count: int) -> list[dict[str, Any]]:
    """Return address, context and headers of each mail, for the peer."""
    return [
        _mail(one, name, address)
        for one in letter.requests(count)
        for name, address in one["people"]
    ]


def _mail(one: dict[str, Any], name: str, address: str) -> dict[str, Any]:
    key, site, number = f"IT-{one['number']}", "http://127.0.0.1:8025", address.split("@")[0]
    unsubscribe = f"{site}/unsubscribe/{number}:1xX31a:NcPJjtZz3RW-FU-4mT9qZgMOxK0jxOy0ktBLE_N7U/"
    thread = f"<dp.{one['number']:020}@desk.test>"
    return {
        "address": address,
        "context": {
            "project": {"name": "IT help", "address": "it@desk.test"},
            "person": {"name": name},
            "request": {
                "key": key,
                "summary": one["summary"],
                "status": "Waiting for support",
            },
            "comment": {"author": "Ben Sample", "text": one["text"]},
            "unsubscribe_url": unsubscribe,
            "mute_url": unsubscribe.replace("unsubscribe", "mute"),
        },
        "headers": {
            "Reply-To": f"IT help <it+r.{number}.s6efn36lfy@desk.test>",
            "Message-ID": f"<dp.{number}.eaqdiq6zvzfu4foriuxuuj3luhlb6lx3a@desk.test>",
            "In-Reply-To": thread,
            "References": thread,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Feedback-ID": "comment_added:IT:desk.test",
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }


def words(message: str) -> list[str]:
    """Return subject, text and page of a message (a character for each octet) without space and
    tokens, to be compared."""
    read = email.message_from_bytes(message.encode("latin-1"), policy=email.policy.default)
    bodies = [str(part.get_content()) for part in read.walk() if not part.is_multipart()]
    said = [re.sub(r"/(unsubscribe|mute)/[^/]+/", r"/\1/", body) for body in bodies]
    return ["".join(one.split()) for one in (str(read["Subject"]), *said)]


def measure(count: int, runs: int) -> dict[str, float]:
    """Let both sides take turns; return the medians in notifications a second, and their ratio."""
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    examples: dict[str, list[str]] = {}
    with Postgres(fsync=True) as server:
        for turn in range(runs):
            for name, side in (("ours", ours), ("theirs", theirs)):
                with Sink() as sink, tempfile.TemporaryDirectory(prefix="dp-bench-") as folder:
                    database = server.create(f"{name}_{turn}")
                    said = side(Path(folder), database, sink, count)
                    examples[name] = words(said.pop("message"))
                    if (said["sent"], said["attempts"], sink.taken()) != (count, count, count):
                        raise SystemExit(f"{name}: not all arrived: {said}, {sink.taken()}")
                    seconds[name].append(said["seconds"])
    if examples["ours"] != examples["theirs"]:
        raise SystemExit("they do not send the same mail")
    rates = {name: count / statistics.median(each) for name, each in seconds.items()}
    return rates | {"ratio": rates["ours"] / rates["theirs"]}


def show_stages(count: int) -> None:
    """Print where the time of one run goes."""
    with (
        Postgres(fsync=True) as server,
        Sink() as sink,
        tempfile.TemporaryDirectory(prefix="dp-bench-") as folder,
    ):
        env = environment(Path(folder), server.create("stages"), sink, count)
        script = ROOT / "bench" / "outbound_stages.py"
        subprocess.run(
            [sys.executable, script, str(count)], env=os.environ | env, check=True, cwd=ROOT
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--notifications", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stages", action="store_true")
    chosen = parser.parse_args()
    if chosen.quick or os.environ.get("QUICK"):
        chosen.notifications, chosen.runs = 300, 2
    count = chosen.notifications // letter.PER_REQUEST * letter.PER_REQUEST
    if chosen.stages:
        show_stages(count)
        return
    rates = measure(count, chosen.runs)
    sys.stdout.write(
        f"{count:5} notifications, postgresql: Deskpost {rates['ours']:7.1f}/s, "
        f"django-post-office {rates['theirs']:6.1f}/s, {rates['ratio']:5.1f} times\n"
    )
    row = {"notifications": count, "database": "postgresql", **rates}
    ratio = round(rates["ratio"], 2)
    print(json.dumps({"bench": "outbound", "runs": chosen.runs, "rows": [row], "ratio": ratio}))


if __name__ == "__main__":
    main()
