"""Where the time of sending goes: one run of outbound_ours.py, by stage.

    outbound_stages.py COUNT        (the environment as for outbound_ours.py)

Each stage's own time in the worker's main thread, without what is called inside it and has a line
of its own; the connections wait for the relay in other threads. Prints a table in Markdown, in ms
for each notification. `bench/outbound.py --stages` runs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import outbound_ours as ours
from bench.stages import Clock
from deskpost import storage
from deskpost.models import queue
from deskpost.outbound import compose, compose_write, guards, prepare, send, settle, templates

STAGES: tuple[tuple[str, Any, str], ...] = (
    ("claim", queue, "claim"),
    ("guards", guards, "ask"),
    ("compose: what a batch asks", prepare, "Around"),
    ("compose: Liquid", templates, "render_own"),
    ("compose: styles onto elements", compose, "inlined"),
    ("compose: the bytes", compose_write, "alternative"),
    ("compose: the rest", prepare, "compose"),
    ("copies to the disk (fsync)", storage.Writing, "finish"),
    ("attempts and outcomes", settle, "step"),
    ("waiting for the relay", send, "wait"),
)


def main() -> None:
    count = int(sys.argv[1])
    ours.prepare(count)
    clock = Clock()
    for stage in STAGES:
        clock.watch(*stage)
    seconds = ours.send()
    clock.spent["the rest"] = seconds - sum(clock.spent.values())
    print("| stage | ms a notification | share |\n|---|---:|---:|")
    for name in (*(stage for stage, _, _ in STAGES), "the rest"):
        spent = clock.spent[name]
        print(f"| {name} | {spent / count * 1000:.2f} | {spent / seconds * 100:.0f} % |")
    print(f"| all | {seconds / count * 1000:.2f} | |")


if __name__ == "__main__":
    main()
