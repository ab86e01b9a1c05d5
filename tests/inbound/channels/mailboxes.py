"""Custom channels for tests."""

from __future__ import annotations

from typing import Any

from deskpost.inbound.channels import lease
from deskpost.models import Channel, ConnectionEvent, Mailbox
from tests.desk import Desk


def custom(desk: Desk, address: str = "support@x.test", **fields: Any) -> Mailbox:
    """A custom channel of the desk's project, whose mailbox is at localhost unless said."""
    channel = Channel.objects.create(
        project=desk.project,
        kind=Channel.Kind.CUSTOM,
        address=address,
        request_type=desk.type,
        checks_dmarc=False,
    )
    values: dict[str, Any] = {
        "channel": channel,
        "host": "localhost",
        "port": 993,
        "username": address,
        "password": "secret",
    }
    return Mailbox.objects.create(**values | fields)


def owned(mailbox: Mailbox, owner: str = "poller-one") -> Mailbox:
    """The mailbox as its poller holds it; it must be free."""
    claimed = {one.pk: one for one in lease.claim(owner, 100)}
    return claimed[mailbox.pk]


def rows(mailbox: Mailbox) -> list[tuple[str, str, int]]:
    """Its connectivity log, the oldest first: status, code and count."""
    found = ConnectionEvent.objects.filter(channel=mailbox.channel_id).order_by("id")
    return [(row.status, row.code, row.count) for row in found]
