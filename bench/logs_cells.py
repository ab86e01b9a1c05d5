"""Measure a filled log.

    logs_cells.py [--runs 5] [--only NAME ...] [--no-views | --few-views] [--days-stay]

DESKPOST_DATA and DESKPOST_DATABASE say where.

Each cell is run once, then `--runs` times more, in this process. `page` is the first page of a list
with its rows loaded, `deep` one 14 days back, `counts` the sums of each status. With `--days-stay`
no day is dropped at the end. Prints one line of JSON: times in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")

import django

django.setup()

from django.db.models import Count  # noqa: E402

from bench import logs_grid, logs_pages, logs_pruned  # noqa: E402
from bench.logs_clock import measure  # noqa: E402
from bench.logs_grid import Cell, Known  # noqa: E402
from bench.logs_notes import DAYS, Notes  # noqa: E402
from deskpost.logs import counts, filters, queries, search  # noqa: E402
from deskpost.models import Attempt, Log, LogLine, Project, first_id  # noqa: E402

DEEP = timedelta(days=14)
Act = Callable[[], Any]


def known() -> Known:
    """Look up what the data hold. The busiest of a day stand for the busy."""
    notes = Notes()
    project = Project.objects.get(key="P07")
    day = notes.first + timedelta(days=DAYS // 2)
    lines = LogLine.objects.filter(
        project_id=project.pk, id__gte=first_id(day), id__lt=first_id(day + timedelta(days=1))
    )
    mails = lines.filter(log=Log.INCOMING)
    most = mails.values_list("address").annotate(n=Count("id"))
    key = lines.exclude(key="").values_list("key").annotate(n=Count("id")).order_by("-n", "key")
    channel = project.channels.order_by("pk").first()
    assert channel
    return Known(
        project_id=project.pk,
        channel_id=channel.pk,
        key=key[0][0],
        busy=most.order_by("-n", "address")[0][0],
        quiet=most.order_by("n", "address")[0][0],
        day=day,
        end=notes.end,
    )


# --- Cells ---------------------------------------------------------------------------------------


def acts(given: Known) -> Iterator[tuple[str, str, str, Act]]:
    """Return list, name, what is measured, and the act itself."""
    for log in Log:
        for cell in logs_grid.cells(log, given):
            yield log, cell.name, "page", partial(_page, cell)
            yield log, cell.name, "deep", partial(_page, cell, given.end - DEEP)
            yield log, cell.name, "counts", partial(_counts, cell)
            if cell.name in BESIDE:
                yield from _drawer(log, cell, given)
    days = [(given.end - timedelta(days=n)).date() for n in range(counts.DAYS, 0, -1)]
    every = list(Project.objects.values_list("pk", flat=True))
    yield "", "sums of a project, 21 days", "sums", lambda: counts.sums([given.project_id], days)
    yield "", "sums of all projects, one day", "sums", lambda: counts.sums(every, days[-1:])


def visits(given: Known, *, few: bool) -> Iterator[tuple[str, str, str, Act]]:
    """Return the whole pages, as `acts`; or a few of them."""
    for name, visit in logs_pages.visits(given):
        if not few or name in logs_pages.FEW:
            yield "", name, "view", visit


# A drawer beside these: its row, its attempts, and the next ones up and down.
BESIDE = frozenset(
    {"no filter", "status: failed", "reason: rare", "word: rare", "word: common", "key"}
)


def _page(cell: Cell, until: datetime | None = None) -> int:
    before = first_id(until) if until else None
    found = search.page(cell.query, before)
    if cell.query.log == Log.INCOMING:
        return len(queries.incoming_rows(found.ids))
    return len(queries.notification_rows(found.ids))


def _counts(cell: Cell) -> int:
    found = search.counts(cell.query, filters.statuses(cell.query.log))
    return sum(count.value for count in found.values())


def _drawer(log: Log, cell: Cell, given: Known) -> Iterator[tuple[str, str, str, Act]]:
    page = search.page(cell.query, first_id(given.day))
    if not page.ids:
        return
    pk = page.ids[-1]
    project = Project.objects.get(pk=given.project_id)

    def opened() -> int:
        if log == Log.INCOMING:
            queries.incoming_email(project, pk)
        else:
            queries.notification(project, pk)
            list(Attempt.objects.filter(notification=pk))
        search.beside(cell.query, pk)
        return 1

    yield log, cell.name, "drawer", opened


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--no-views", action="store_true")
    parser.add_argument("--few-views", action="store_true")
    parser.add_argument("--days-stay", action="store_true")
    chosen = parser.parse_args()
    given, cells = known(), []
    pages = [] if chosen.no_views else visits(given, few=chosen.few_views)
    for log, name, what, act in chain(acts(given), pages):
        label = f"{log} {name} {what}"
        if chosen.only and not any(part in label for part in chosen.only):
            continue
        cells.append({"log": log, "name": name, "what": what, **measure(act, chosen.runs)})
    said: dict[str, Any] = {"cells": cells, "lines_of_project": _lines_of()}
    if not chosen.days_stay:
        said["drop"] = logs_pruned.drop_a_day()
    print(json.dumps(said))


def _lines_of() -> dict[str, int]:
    """Return how many lines the lists of the measured project have, about."""
    given = known()
    lines = LogLine.objects.filter(
        project_id=given.project_id,
        id__gte=first_id(given.day),
        id__lt=first_id(given.day + timedelta(days=1)),
    )
    return {log: DAYS * lines.filter(log=log).count() for log in Log}


if __name__ == "__main__":
    main()
