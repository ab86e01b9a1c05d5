"""Where the time of the inbound journey goes: one run of ours.py, by stage.

    stages.py MAIL_FOLDER        (DESKPOST_DATA and DESKPOST_DATABASE say where)

Each stage's own time, without what is called inside it and has a line of its own. Prints a table
in Markdown for docs/speed.md, in ms for each message. `bench/inbound.py --stages` runs it on both
databases.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from django.core.management import call_command
from django.db import transaction

from bench import ours
from deskpost import storage, worker
from deskpost.desk import book, firststart
from deskpost.inbound import context, history, intake, parse, rules, settle
from deskpost.models import partitions

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("raw and attachments to the disk (fsync)", storage.Writing, "finish"),
    ("row of the log, hash of the raw", intake, "store"),
    ("claim", worker, "claim_inbound"),
    ("parse", parse, "read"),
    ("decide: what a batch asks", context, "_load"),
    ("decide: rules", rules, "decide"),
    ("apply: in memory", settle, "record"),
    ("apply: rows of the desk", book.Book, "write"),
    ("apply: fingerprints", history.History, "write"),
    ("log: outcome and trail", settle, "write"),
    ("commit", transaction.Atomic, "__exit__"),
)


class Clock:
    """Adds up the own time of each stage."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def watch(self, stage: str, owner: Any, name: str) -> None:
        """Measure every call of that function from now on."""
        setattr(owner, name, self._measured(stage, getattr(owner, name)))

    def _measured(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*given, **named)
            finally:
                whole = time.perf_counter() - begun
                self.spent[stage] += whole - self._inner.pop()
                if self._inner:
                    self._inner[-1] += whole

        return measured


def main() -> None:
    call_command("migrate", verbosity=0)
    partitions.ensure_ahead()
    firststart.prepare()
    clock = Clock()
    for stage in STAGES:
        clock.watch(*stage)
    folder = Path(sys.argv[1])
    seconds, count = ours.take(folder), len(list(folder.iterdir()))
    clock.spent["the rest"] = seconds - sum(clock.spent.values())
    print("| stage | ms a message | share |\n|---|---:|---:|")
    for name in (*(stage for stage, _, _ in STAGES), "the rest"):
        spent = clock.spent[name]
        print(f"| {name} | {spent / count * 1000:.2f} | {spent / seconds * 100:.0f} % |")
    print(f"| all | {seconds / count * 1000:.2f} | |")


if __name__ == "__main__":
    main()
