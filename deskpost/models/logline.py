"""The lines of the log, as they are found: one narrow row for each message whose journey is over,
with what the lists filter by, its texts made comparable, and the tokens of its search index.

Written in the transaction that settles the message (see `put`). What still waits has no line: it is
found among the due rows of its own table.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection, models

from deskpost import terms
from deskpost.mail import address
from deskpost.models import bulk, lineindex, partitions
from deskpost.models.ids import moment_of
from deskpost.outcomes import Kind

BUCKET = timedelta(minutes=30)  # of counts: most zones begin their days on one


class Log(StrEnum):
    """The lists of the Email logs page that hold messages."""

    INCOMING = "in"
    REQUESTS = "req"  # request notifications
    INVITATIONS = "inv"  # customer invitations


if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class Tokens(_Field):
    """The tokens of a line: an array on PostgreSQL. On SQLite they stand in an index of their own
    (FIND), and the column stays empty."""

    def db_type(self, connection: Any) -> str:
        return "integer[]" if connection.vendor == "postgresql" else "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return value if connection.vendor == "postgresql" else None


class LogLine(models.Model):
    """One settled message in its list. A log table: it goes with its day."""

    id = models.UUIDField(primary_key=True, editable=False)  # of the message
    project_id = models.BigIntegerField()
    log = models.CharField(max_length=3, choices=[(log.value, log.value) for log in Log])
    channel_id = models.BigIntegerField(null=True)  # of an incoming message
    status = models.CharField(max_length=10)
    code = models.CharField(max_length=24, blank=True)  # outcome, or reason
    kind = models.CharField(max_length=24, blank=True)  # of a notification
    key = models.CharField(max_length=24, blank=True)  # of the request
    address = models.CharField(max_length=320, blank=True)  # normalised: sender, or recipient
    size = models.PositiveBigIntegerField(default=0)  # bytes of the raw
    message_id = models.CharField(max_length=255, blank=True)
    who = models.CharField(max_length=terms.TEXT_LIMIT, blank=True)  # name and address, comparable
    subject = models.CharField(max_length=terms.TEXT_LIMIT, blank=True)  # comparable
    tokens = Tokens(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "log", "-id"], name="line_by_log"),
            models.Index(fields=["project_id", "log", "status", "-id"], name="line_by_status"),
        ]

    @property
    def scope(self) -> str:
        """What its tokens are numbered within: no search looks into two projects or lists."""
        return scope(self.project_id, self.log)

    @property
    def bucket(self) -> datetime:
        """The half hour in which it is counted."""
        return bucket_of(self.id)

    def leaves(self) -> set[str]:
        """Return everything by which it can be found."""
        found = {f"w{gram}" for gram in terms.grams(self.who)}
        found |= {f"s{gram}" for gram in terms.grams(self.subject)}
        found |= {
            "*",
            f"status={self.status}",
            f"code={self.code}",
            f"address={self.address}",
            f"size={size_class(self.size)}",
        }
        if self.kind:
            found.add(f"kind={self.kind}")
        if self.key:
            found.add(f"key={self.key}")
        if self.channel_id:
            found.add(f"channel={self.channel_id}")
        if self.message_id:
            found.add(f"id={self.message_id}")
        return found


class LogCount(models.Model):
    """How many lines a half hour has, of each sort: for charts and sums over days. What was counted
    and not yet folded in stands in LogDelta."""

    project_id = models.BigIntegerField()
    log = models.CharField(max_length=3)
    channel_id = models.BigIntegerField(default=0)  # 0: none
    bucket = models.DateTimeField()
    kind = models.CharField(max_length=24, blank=True)
    status = models.CharField(max_length=10)
    code = models.CharField(max_length=24, blank=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project_id", "bucket", "log", "channel_id", "kind", "status", "code"],
                name="log_count",
            )
        ]


class LogDelta(models.Model):
    """A change to LogCount that its writer left behind: nobody waits for another's counts."""

    project_id = models.BigIntegerField()
    log = models.CharField(max_length=3)
    channel_id = models.BigIntegerField(default=0)
    bucket = models.DateTimeField()
    kind = models.CharField(max_length=24, blank=True)
    status = models.CharField(max_length=10)
    code = models.CharField(max_length=24, blank=True)
    number = models.BigIntegerField(default=0)


def scope(project_id: int, log: str) -> str:
    return f"{project_id}/{log}"


def size_class(size: int) -> int:
    """Return the power of two at or below the size: 0 for nothing, 1 for 1 byte, 11 for 1 KiB."""
    return size.bit_length()


def bucket_of(log_id: uuid.UUID) -> datetime:
    """Return the beginning of the half hour in which the id was made."""
    moment = moment_of(log_id)
    minute = moment.minute - moment.minute % 30
    return moment.replace(minute=minute, second=0, microsecond=0)


def line_in(row: Any) -> LogLine:
    """Return the line of an incoming message. While nothing has read it, only the envelope names
    its sender."""
    sender = row.sender or row.envelope_from
    return LogLine(
        id=row.id,
        project_id=row.project_id,
        log=Log.INCOMING,
        channel_id=row.channel_id,
        status=row.status,
        code=row.outcome,
        key=row.request_key,
        address=address.normalise(sender)[:320],
        size=row.raw_size,
        message_id=row.message_id,
        who=terms.normal(f"{row.sender_name} {sender}"),
        subject=terms.normal(row.subject),
    )


def line_out(row: Any) -> LogLine:
    """Return the line of a notification."""
    return LogLine(
        id=row.id,
        project_id=row.project_id,
        log=Log.INVITATIONS if row.kind == Kind.CUSTOMER_INVITED else Log.REQUESTS,
        status=row.status,
        code=row.reason,
        kind=row.kind,
        key=row.request_key,
        address=address.normalise(row.address)[:320],
        size=row.raw_size,
        message_id=row.message_id,
        who=terms.normal(row.address),
        subject=terms.normal(row.subject),
    )


# --- Writing -------------------------------------------------------------------------------------


def put(lines: Sequence[LogLine]) -> None:
    """Write lines, new or changed, with their index and their counts. Call it in the transaction
    that settles their messages."""
    for start in range(0, len(lines), _CHUNK):
        _put(lines[start : start + _CHUNK])


def _put(lines: Sequence[LogLine]) -> None:
    _make_room(lines)
    known = {line.pk: line for line in LogLine.objects.filter(pk__in=[line.pk for line in lines])}
    new = [line for line in lines if line.pk not in known]
    changed = [line for line in lines if line.pk in known and _differs(line, known[line.pk])]
    if not (new or changed):
        return
    for line in (*new, *changed):
        line.tokens = terms.tokens(line.scope, line.leaves())
    bulk.insert(new)
    bulk.update(changed, _WRITTEN)
    if connection.vendor == "sqlite":
        lineindex.remove([line.pk for line in changed])
        lineindex.add((line.pk, line.tokens) for line in (*new, *changed))
    _count((*((line, 1) for line in (*new, *changed)), *((known[o.pk], -1) for o in changed)))


def _make_room(lines: Sequence[LogLine]) -> None:
    """A day that leaves the log loses its lines before its messages, of which there may still be
    news: then its table is made again (or put back), and goes when days are next taken away."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    days = {moment_of(line.pk).date() for line in lines}
    if past := sorted(day for day in days if day < yesterday):
        partitions.ensure(past, (LogLine._meta.db_table,))


_CHUNK = 1000
_WRITTEN = [field.name for field in LogLine._meta.concrete_fields if not field.primary_key]
_COMPARED = [name for name in _WRITTEN if name != "tokens"]
_COUNTED = ("project_id", "log", "channel_id", "bucket", "kind", "status", "code")


def _differs(line: LogLine, other: LogLine) -> bool:
    return any(getattr(line, name) != getattr(other, name) for name in _COMPARED)


def _count(changes: Iterable[tuple[LogLine, int]]) -> None:
    sums: Counter[tuple[Any, ...]] = Counter()
    for line, number in changes:
        values = (line.project_id, line.log, line.channel_id or 0, line.bucket)
        sums[(*values, line.kind, line.status, line.code)] += number
    bulk.insert(
        LogDelta(**dict(zip(_COUNTED, values, strict=True)), number=number)
        for values, number in sums.items()
        if number
    )


def forget(ids: Sequence[uuid.UUID]) -> None:
    """Remove lines with their index. Their counts stay: they go with their days."""
    if connection.vendor == "sqlite":
        lineindex.remove(ids)
    LogLine.objects.filter(pk__in=ids).delete()


# --- For the migration ---------------------------------------------------------------------------


def fill(apps: Any, schema_editor: Any) -> None:
    """Give the messages that are settled already their lines."""
    if schema_editor.connection.vendor == "postgresql":
        partitions.ensure(sorted({day for _, day in partitions.days_there()}))
    for name, line in (("InboundEmail", line_in), ("Notification", line_out)):
        rows = apps.get_model("deskpost", name).objects.filter(due_at__isnull=True).order_by("id")
        last = uuid.UUID(int=0)
        while some := list(rows.filter(id__gt=last)[:_CHUNK]):
            put([line(row) for row in some])
            last = some[-1].pk
