"""Custom channels and rows of their connectivity log for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from deskpost.models import Channel, ConnectionEvent, Mailbox, Project
from tests.logs.rows import ago, id_at


def custom(project: Project, address: str = "support@harbour.test", **fields: Any) -> Mailbox:
    """Make a custom channel that was connected 90 days ago."""
    request_type = project.request_types.get()
    channel = Channel.objects.create(
        project=project, address=address, kind=Channel.Kind.CUSTOM, request_type=request_type
    )
    Channel.objects.filter(pk=channel.pk).update(created_at=ago(days=90))
    channel.refresh_from_db()
    values = {"host": "imap.harbour.test", "port": 993, "begun_at": ago(days=90)}
    return Mailbox.objects.create(channel=channel, username=address, **(values | fields))


def event(
    mailbox: Mailbox, status: str, code: str, at: datetime | None = None, **fields: Any
) -> ConnectionEvent:
    """Write a row of the mailbox's log."""
    at = at or ago()
    values = {"id": id_at(at), "at": at, "last_at": at, "status": status, "code": code}
    channel = mailbox.channel
    return ConnectionEvent.objects.create(
        project_id=channel.project_id, channel=channel, **(values | fields)
    )
