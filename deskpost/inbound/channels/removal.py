"""Remove a channel: it takes no more mail. Its log, its requests and who did it stay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from deskpost import wake
from deskpost.models import Channel, InboundEmail, Mailbox, Person, Project, bulk
from deskpost.models.queue import DONE
from deskpost.outcomes import OUTCOMES, Outcome


class LastChannel(Exception):
    """It is the only channel of its project, whose notifications would have no sender then."""


def waiting(channel: Channel) -> int:
    """Return how many of its messages are stored and not yet processed."""
    return InboundEmail.objects.filter(channel=channel, due_at__isnull=False).count()


def remove(channel: Channel, by: Person, waiting: str) -> None:
    """Remove a channel, and forget how to get into its mailbox.

    `waiting` says what becomes of messages that are stored and not yet processed: "process" makes
    requests of them, "drop" leaves them Skipped. One that a worker has in hand is processed. What
    is still in the mailbox stays there. Raises LastChannel.
    """
    now = timezone.now()
    with transaction.atomic():
        # First, in the order of a poller that stores: it may just be naming what it took.
        Mailbox.objects.select_for_update().filter(pk=channel.pk).first()
        project = Project.objects.select_for_update().get(pk=channel.project_id)
        if not project.channels.exclude(pk=channel.pk).exists():
            raise LastChannel(channel.address)
        Channel.objects.filter(pk=channel.pk, removed_at__isnull=True).update(removed_at=now)
        Mailbox.objects.filter(pk=channel.pk).delete()
        if waiting == "drop":
            rows = InboundEmail.objects.filter(channel=channel, due_at__isnull=False, owner="")
            _drop(list(rows.select_for_update()), by, now)
    wake.up(wake.Stage.POLL)


def _drop(rows: list[InboundEmail], by: Person, now: datetime) -> None:
    fields: dict[str, Any] = {
        "status": OUTCOMES[Outcome.CHANNEL_REMOVED].status,
        "outcome": Outcome.CHANNEL_REMOVED,
        "facts": {"by": by.name or by.email},
        "settled_at": now,
        **DONE,
    }
    for row in rows:
        for name, value in fields.items():
            setattr(row, name, value)
    bulk.update(rows, list(fields))
    InboundEmail.note_settled(rows)
