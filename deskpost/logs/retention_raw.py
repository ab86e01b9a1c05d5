"""Raw messages go after their rows, and files of exports after their day."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from django.core.files.storage import storages

from deskpost.logs import export_files
from deskpost.logs.batches import Batches
from deskpost.models import InboundEmail, Job, Notification, first_id
from deskpost.storage import DurableFiles

CHECKED: Final = 500  # files between two looks at the clock


def prune(oldest: date, now: datetime, clear: Batches) -> None:
    """Remove the raws of the days before the oldest that is kept, and exports that are past their
    time. What a row still names stays. Raises OutOfTime."""
    storage = storages["raw"]
    folders, _ = storage.listdir("") if storage.exists("") else ([], [])
    for folder in sorted(folders):
        if re.fullmatch(r"\d{8}", folder) and folder < f"{oldest:%Y%m%d}":
            _remove_day(folder, clear)
    _remove_exports(now, clear)


def _remove_exports(now: datetime, clear: Batches) -> None:
    """What is not being written, and not offered (any more), goes; a job that failed or was
    cancelled may have left something."""
    for pk in export_files.there():
        job = Job.objects.filter(pk=pk).first()
        if job and (job.due_at or (job.file_key and job.file_until and job.file_until > now)):
            continue
        export_files.remove(pk)
        Job.objects.filter(pk=pk).update(file_key="")
        clear.check()


def _remove_day(folder: str, clear: Batches) -> None:
    storage, named = storages["raw"], _named(folder)
    for n, name in enumerate(_names(folder), 1):
        if f"{folder}/{name}" not in named:
            storage.delete(f"{folder}/{name}")
        if n % CHECKED == 0:
            clear.check()
    if not named and isinstance(storage, DurableFiles):
        Path(storage.path(folder)).rmdir()


def _named(folder: str) -> frozenset[str]:
    """Return the files of the day that rows still name: rows go first."""
    day = datetime.strptime(folder, "%Y%m%d").replace(tzinfo=UTC)
    # A message is kept under the day of its arrival, which its id may miss by a moment.
    since, until = first_id(day - timedelta(days=1)), first_id(day + timedelta(days=2))
    kept = {
        key
        for model in (InboundEmail, Notification)
        for key in model._default_manager.filter(
            id__gte=since, id__lt=until, raw_key__startswith=f"{folder}/"
        ).values_list("raw_key", flat=True)
    }
    return frozenset(kept)


def _names(folder: str) -> Iterator[str]:
    storage = storages["raw"]
    if not isinstance(storage, DurableFiles):
        yield from storage.listdir(folder)[1]
        return
    with os.scandir(storage.path(folder)) as found:
        yield from (entry.name for entry in found)
