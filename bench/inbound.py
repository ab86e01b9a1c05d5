"""Inbound mail, durable, to the database: Deskpost beside django-helpdesk, in one run.

    python bench/inbound.py [--quick] [--messages N ...] [--runs N] [--stages]

The same generated mail (corpus.py), the same kind of database, one worker process each, taking
turns; the clock runs from the bytes at intake to the last outcome, attachments stored. Medians of
the runs. The peer has its own virtual environment, which is made at the first run, and its check
of attachment types is off. The last line is JSON: the messages a second of each, and `ratio`, ours
over theirs (the least of all rows of the table). With `--stages` it prints instead where Deskpost's
time goes (stages.py).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import corpus  # noqa: E402
from tests.parts.postgres import Postgres  # noqa: E402

PEER = ROOT / ".venv-peers"


def peer_python() -> Path:
    """Return the Python of the peer's virtual environment, made if it is missing."""
    python = PEER / "bin" / "python"
    wanted = (ROOT / "requirements" / "peers.txt").read_text("utf-8")
    stamp = PEER / "stamp"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        shutil.rmtree(PEER, ignore_errors=True)
        venv.create(PEER, with_pip=True)
        pins = str(ROOT / "requirements" / "peers.txt")
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", pins], check=True
        )
        stamp.write_text(wanted, "utf-8")
    return python


def run(command: list[str | Path], **env: str) -> dict[str, Any]:
    """Run one side; return the JSON of its last line."""
    done = subprocess.run(
        command, env=os.environ | env, capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def ours(mail: Path, folder: Path, database: str) -> float:
    """One run of Deskpost; returns its seconds."""
    data = str(folder / "data")
    said = run(
        [sys.executable, ROOT / "bench" / "ours.py", mail],
        DESKPOST_DATA=data,
        DESKPOST_DATABASE=database,
        DESKPOST_LOG_LEVEL="error",
    )
    count = len(list(mail.iterdir()))
    if said["rows"] != count or said["unsettled"]:
        raise SystemExit(f"Deskpost did not settle every message: {said}")
    return float(said["seconds"])


def theirs(mail: Path, folder: Path, database: str) -> float:
    """One run of django-helpdesk on a copy of the mail, which it deletes; returns its seconds."""
    copy = folder / "mail"
    shutil.copytree(mail, copy)
    script = ROOT / "bench" / "peers" / "django_helpdesk.py"
    said = run([peer_python(), script, copy, folder / "work", database])
    if said["left"] or not said["followups"]:
        raise SystemExit(f"django-helpdesk did not take every message: {said}")
    return float(said["seconds"])


@contextmanager
def databases(kind: str) -> Iterator[Any]:
    """Give a function that makes an empty database of that kind; empty text stands for SQLite."""
    if kind == "sqlite":
        yield lambda name: ""
        return
    with Postgres(fsync=True) as server:
        yield server.create


def measure(kind: str, mail: Path, runs: int) -> dict[str, float]:
    """Let both sides take turns; return the medians in messages a second, and their ratio."""
    count = len(list(mail.iterdir()))
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    with databases(kind) as make:
        for turn in range(runs):
            for name, side in (("ours", ours), ("theirs", theirs)):
                with tempfile.TemporaryDirectory(prefix="dp-bench-") as folder:
                    database = make(f"{name}_{turn}")
                    seconds[name].append(side(mail, Path(folder), database))
    rates = {name: count / statistics.median(each) for name, each in seconds.items()}
    return rates | {"ratio": rates["ours"] / rates["theirs"]}


def show_stages(kind: str, mail: Path) -> None:
    """Print where the time of one run goes."""
    with databases(kind) as make, tempfile.TemporaryDirectory(prefix="dp-bench-") as folder:
        env = {
            "DESKPOST_DATA": str(Path(folder) / "data"),
            "DESKPOST_DATABASE": make("stages"),
            "DESKPOST_LOG_LEVEL": "error",
        }
        sys.stdout.write(f"{kind}:\n\n")
        sys.stdout.flush()
        script = ROOT / "bench" / "stages.py"
        subprocess.run([sys.executable, script, mail], env=os.environ | env, check=True, cwd=ROOT)
        sys.stdout.write("\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--messages", type=int, nargs="+", default=[300, 2000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stages", action="store_true")
    chosen = parser.parse_args()
    if chosen.quick or os.environ.get("QUICK"):
        chosen.messages, chosen.runs = [100], 2
    rows = []
    for count in chosen.messages:
        with tempfile.TemporaryDirectory(prefix="dp-mail-") as folder:
            megabytes = corpus.write(Path(folder), count) / 1e6
            for kind in chosen.databases:
                if chosen.stages:
                    show_stages(kind, Path(folder))
                    continue
                rates = measure(kind, Path(folder), chosen.runs)
                rows.append({"messages": count, "database": kind, **rates})
                sys.stdout.write(
                    f"{count:5} messages, {megabytes:6.1f} MB, {kind:10}: "
                    f"Deskpost {rates['ours']:7.1f}/s, django-helpdesk {rates['theirs']:6.1f}/s, "
                    f"{rates['ratio']:5.1f} times\n"
                )
                sys.stdout.flush()
    if chosen.stages:
        return
    ratio = round(min(row["ratio"] for row in rows), 2)
    print(json.dumps({"bench": "inbound", "runs": chosen.runs, "rows": rows, "ratio": ratio}))


if __name__ == "__main__":
    main()
