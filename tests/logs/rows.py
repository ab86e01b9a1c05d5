"""Rows of the log for tests: notifications and incoming messages of any day and outcome."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from deskpost.mail import address
from deskpost.models import (
    Channel,
    InboundEmail,
    Notification,
    Person,
    Project,
    first_id,
    new_id,
    partitions,
)
from deskpost.outcomes import (
    OUTCOMES,
    IncomingStatus,
    Kind,
    NotificationStatus,
    Outcome,
    Reason,
    Rule,
)

RAW = b"From: Ann <ann@x.test>\r\nSubject: Printer\r\n\r\nIt is \xff\x00 out of ink.\r\n"


def id_at(moment: datetime) -> uuid.UUID:
    """Return an id as if it had been made at the moment; the log has room for that day."""
    partitions.ensure([moment.date()])
    return uuid.UUID(int=first_id(moment).int | (new_id().int & (1 << 80) - 1))


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def note(
    project: Project,
    person: Person,
    reason: str = Reason.SUPPRESSION_LIST,
    *,
    status: str = NotificationStatus.FAILED,
    at: datetime | None = None,
    **fields: Any,
) -> Notification:
    """Make a notification that is settled, by default one that failed."""
    at = at or datetime.now(UTC)
    failed = status in {NotificationStatus.FAILED, NotificationStatus.WITHHELD}
    values: dict[str, Any] = {
        "id": id_at(at),
        "kind": Kind.COMMENT_ADDED,
        "address": person.email,
        "address_key": address.normalise(person.email),
        "request_key": "IT-1",
        "created_at": at,
        "settled_at": None if status == NotificationStatus.QUEUED else at,
        "reason": reason if failed else "",
    }
    return Notification.objects.create(
        project=project, person=person, status=status, **(values | fields)
    )


def mail(
    channel: Channel,
    outcome: Outcome | None = Outcome.REQUEST_CREATED,
    *,
    at: datetime | None = None,
    raw: bytes = RAW,
    **fields: Any,
) -> InboundEmail:
    """Make an incoming message and keep its raw; without an outcome it still waits."""
    at = at or datetime.now(UTC)
    row_id = id_at(at)
    key = f"{at:%Y%m%d}/{row_id}.eml" if raw else ""
    if raw:
        storages["raw"].save(key, ContentFile(raw))
    values: dict[str, Any] = {
        "id": row_id,
        "transport": InboundEmail.Transport.SMTP,
        "received_at": at,
        "envelope_from": "ann@x.test",
        "envelope_to": channel.address,
        "raw_key": key,
        "raw_size": len(raw),
        "raw_sha256": hashlib.sha256(raw).hexdigest(),
        "status": OUTCOMES[outcome].status if outcome else IncomingStatus.PROCESSING,
        "outcome": outcome or "",
        "sender": "ann@x.test" if outcome else "",
        "sender_key": "ann@x.test" if outcome else "",
        "subject": "Printer" if outcome else "",
        "trail": trail_to(None) if outcome else [],
    }
    return InboundEmail.objects.create(
        project_id=channel.project_id, channel=channel, **(values | fields)
    )


def trail_to(last: Rule | None, **facts: Any) -> list[dict[str, Any]]:
    """Return a trail that was stopped by a rule, or by none."""
    trail: list[dict[str, Any]] = []
    for rule in Rule:
        stops = rule == last
        trail.append(
            {"rule": rule, "answer": "yes" if stops else "no", "facts": facts if stops else {}}
        )
        if stops:
            break
    return trail
