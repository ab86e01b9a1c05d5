"""EXPORT raw messages: an mbox or a zip, in the background, chunk by chunk.

The job's options name the pieces that make up the file (export_files.py), so that they and the
count of messages are written in one step: a chunk that died leaves pieces that nobody reads.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from email.utils import parseaddr
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from deskpost.jobs.doing import Doing, Done, Pace
from deskpost.logs import export_files, export_mail
from deskpost.logs.export_files import Pieces
from deskpost.logs.export_mail import Mbox, Message, Zip
from deskpost.models import InboundEmail, Job, Notification

MOST: Final = 10_000  # messages of one file
MOST_OCTETS: Final = 2 * 1024**3
KEPT: Final = timedelta(hours=24)
GONE, OVER_LIMIT = "raw_gone", "over_limit"

Row = InboundEmail | Notification


class _Chunk:
    """Writes the messages of one chunk, and the lines of the index about them."""

    def __init__(self, job: Job, kind: type[Mbox] | type[Zip]) -> None:
        self._job = job
        self._file, self._index = Pieces(job, "file"), Pieces(job, "index")
        sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        self._writer = kind(self._file, export_files.size(of(job, "pieces")), sender)
        self._octets = int(job.options.get("octets", 0))
        self.made, self.left_out = 0, Counter[str]()

    def add(self, row: Row) -> None:
        told = export_mail.message(row)
        if self._is_full(row):
            self._leave_out(told, OVER_LIMIT)
        elif raw := _open(row):
            with raw:
                self._writer.add(told, raw)
            self.made += 1
            self._octets += row.raw_size
            self._index.write(export_mail.index_line(told, self._name(told), ""))
        else:
            self._leave_out(told, GONE)

    def _is_full(self, row: Row) -> bool:
        there = self._job.made + self.made
        return there >= MOST or self._octets + row.raw_size > MOST_OCTETS

    def _name(self, told: Message) -> str:
        return told.name if isinstance(self._writer, Zip) else str(self._job.made + self.made)

    def _leave_out(self, told: Message, why: str) -> None:
        self.left_out[why] += 1
        self._index.write(export_mail.index_line(told, "", why))

    def options(self) -> dict[str, Any]:
        """Keep what is written; return the options that name it."""
        entries = Pieces(self._job, "entries")
        entries.write(self._writer.entries())
        written = {"pieces": self._file, "index": self._index, "entries": entries}
        named = {name: [*of(self._job, name), *some.finish()] for name, some in written.items()}
        return {**self._job.options, **named, "octets": self._octets}


def of(job: Job, name: str) -> list[Any]:
    """Return the pieces of that name that the job has so far."""
    return list(job.options.get(name, []))


def _open(row: Row) -> IO[bytes] | None:
    if not row.raw_key:
        return None
    try:
        return storages["raw"].open(row.raw_key)
    except FileNotFoundError:
        return None


def _write(kind: type[Mbox] | type[Zip], job: Job, ids: Sequence[uuid.UUID], pace: Pace) -> Done:
    rows: dict[uuid.UUID, Row] = dict(InboundEmail.objects.in_bulk(ids))
    rows |= Notification.objects.in_bulk(ids)
    chunk, gone, looked = _Chunk(job, kind), 0, 0
    for pk in ids:
        if looked and pace.over():
            break
        looked += 1
        if row := rows.get(pk):
            chunk.add(row)
        else:
            gone += 1  # its days were over just now
    left_out = chunk.left_out + Counter({GONE: gone} if gone else {})
    fields = {"options": chunk.options()}
    return Done(looked=looked, made=chunk.made, left_out=left_out, fields=fields)


def _finish(job: Job) -> Mapping[str, Any]:
    """Offer the file, if all of it is there."""
    pieces = of(job, "pieces")
    options = job.options
    if job.act == Job.Act.EXPORT_ZIP:
        end = Pieces(job, "end")
        export_mail.end_zip(end, export_files.size(pieces), _entries(job), index(job))
        pieces = [*pieces, *end.finish()]
        options = {**options, "pieces": pieces}
    export_files.check(job, [*pieces, *of(job, "index")])
    return {
        "options": options,
        "file_key": export_files.folder(job),
        "file_size": export_files.size(pieces),
        "file_until": timezone.now() + KEPT,
    }


def _entries(job: Job) -> Iterator[bytes]:
    held = b""
    for some in export_files.read(job, of(job, "entries")):
        *whole, held = (held + some).split(b"\n")
        yield from whole


def index(job: Job) -> Iterator[bytes]:
    """Yield the index of a job's file: each message that was asked for, the ones left out too."""
    yield export_mail.index_head()
    yield from export_files.read(job, of(job, "index"))


def _drop(job: Job) -> None:
    export_files.remove(job.pk)


def _mbox(job: Job, ids: Sequence[uuid.UUID], pace: Pace) -> Done:
    return _write(Mbox, job, ids, pace)


def _zip(job: Job, ids: Sequence[uuid.UUID], pace: Pace) -> Done:
    return _write(Zip, job, ids, pace)


MBOX: Final = Doing(chunk=_mbox, finish=_finish, drop=_drop)
ZIP: Final = Doing(chunk=_zip, finish=_finish, drop=_drop)
