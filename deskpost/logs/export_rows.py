"""What an export says of a message: what the list shows, codes beside their words, and ids.

Each record is a mapping of the same names in the same order, whatever list it comes from; what a
message has not is empty. Times are the reader's, in ISO 8601 with their zone.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Count
from django.utils import timezone

from deskpost.logs import explain_incoming, explain_notification
from deskpost.logs.original_private import redacted
from deskpost.models import Attempt, Channel, InboundEmail, Log, Notification
from deskpost.outcomes import INCOMING_STATUS_WORDS, KIND_WORDS, IncomingStatus, Kind

COLUMNS: Final = (
    "log",
    "id",
    "time",
    "status",
    "status_words",
    "code",
    "details",
    "sender",
    "sender_name",
    "recipient",
    "subject",
    "key",
    "kind",
    "name",
    "channel",
    "source",
    "attempts",
    "settled",
    "size",
    "message_id",
)
FACTS: Final = "facts"  # beside the columns, where a value may be more than a text

Record = Mapping[str, Any]


def records(ids: Sequence[uuid.UUID]) -> list[Record]:
    """Return the records of messages, of any list and in that order; those that are gone are left
    out."""
    rows: dict[uuid.UUID, Any] = {}
    for model in (InboundEmail, Notification):
        rows |= {row.pk: row for row in model._default_manager.filter(pk__in=ids)}
    channels = Channel.objects.in_bulk(
        {row.channel_id for row in rows.values() if isinstance(row, InboundEmail)}
    )
    tries = _tries([row.pk for row in rows.values() if isinstance(row, Notification)])
    found = [rows[pk] for pk in ids if pk in rows]
    return [
        _incoming(row, channels)
        if isinstance(row, InboundEmail)
        else _notification(row, tries.get(row.pk, 0))
        for row in found
    ]


def _tries(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    counted = Attempt.objects.filter(notification__in=ids).values("notification")
    return dict(counted.annotate(number=Count("id")).values_list("notification", "number"))


def _incoming(row: InboundEmail, channels: Mapping[int, Channel]) -> Record:
    channel = channels.get(row.channel_id)
    return _record(
        log=Log.INCOMING,
        id=str(row.pk),
        time=_iso(row.received_at),
        status=row.status,
        status_words=str(INCOMING_STATUS_WORDS[IncomingStatus(row.status)]),
        code=row.outcome,
        details=explain_incoming.details(row, timezone.now()),
        sender=row.sender or row.envelope_from,
        sender_name=row.sender_name,
        recipient=row.envelope_to,
        subject=row.subject,
        key=row.request_key,
        channel=channel.address if channel else "",
        source=row.transport,
        attempts=row.run,
        settled=_iso(row.settled_at),
        size=row.raw_size,
        message_id=row.message_id,
        facts=row.facts,
    )


def _notification(note: Notification, attempts: int) -> Record:
    account = explain_notification.account_for(note)
    status = explain_notification.status_words(note)
    return _record(
        log=Log.INVITATIONS if note.kind == Kind.CUSTOMER_INVITED else Log.REQUESTS,
        id=str(note.pk),
        time=_iso(note.created_at),
        status=note.status,
        status_words=status,
        code=note.reason,
        details=str(account.words) if account else status,
        recipient=note.address,
        subject=note.subject,
        key=note.request_key,
        kind=note.kind,
        name=str(KIND_WORDS[Kind(note.kind)]),
        attempts=attempts,
        settled=_iso(note.settled_at),
        size=note.raw_size,
        message_id=note.message_id,
        facts=note.facts,
    )


def _record(facts: Any, **values: Any) -> Record:
    """As on the pages, no token of this site stands in it: files go further than pages."""
    return {name: private(values.get(name, "")) for name in COLUMNS} | {FACTS: private(facts)}


def private(value: Any) -> Any:
    """Return a value as JSON holds it without the tokens of this site in its texts."""
    if isinstance(value, str):  # most have none of the marks that each token has beside it
        return redacted(value) if any(mark in value for mark in "+/%") else value
    if isinstance(value, dict):
        return {name: private(inner) for name, inner in value.items()}
    return [private(inner) for inner in value] if isinstance(value, list | tuple) else value


def _iso(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""
