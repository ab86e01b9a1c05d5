"""Incoming messages: the processing log, and at the same time the queue of its journey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q

from deskpost.models import logline
from deskpost.models.channel import Channel
from deskpost.models.desk import Project
from deskpost.models.ids import new_id
from deskpost.models.queue import Queued
from deskpost.outcomes import IncomingStatus


class InboundEmail(Queued):
    """A message to a project. The row is there before anything reads the message.

    A log table: PostgreSQL partitions it by day on the id, so references bear no constraint and
    what must outlive the days is copied to the desk.
    """

    class Transport(models.TextChoices):
        SMTP = "smtp"
        LMTP = "lmtp"
        IMAP = "imap"
        POP3 = "pop3"
        WEBHOOK = "webhook"
        IMPORT = "import"  # old mail, from a file or a mailbox: nobody is notified of it

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel = models.ForeignKey(
        Channel, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    transport = models.CharField(max_length=8, choices=Transport)
    received_at = models.DateTimeField()
    envelope_from = models.CharField(max_length=320, blank=True)
    envelope_to = models.CharField(max_length=320)
    client = models.CharField(max_length=320, blank=True)  # the peer's IP address, and its HELO
    raw_key = models.CharField(max_length=120, blank=True)
    raw_size = models.PositiveBigIntegerField(default=0)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    # The provider gave no original: the raw message was put together from what it said.
    reconstructed = models.BooleanField(default=False)
    # It lay in its mailbox before the channel was connected, or while it was down: nobody is told
    # that it came, and the loop threshold does not count it.
    backlog = models.BooleanField(default=False)
    # What was declared or read in all, when only the headers (or nothing) could be kept.
    oversize_bytes = models.PositiveBigIntegerField(null=True)

    status = models.CharField(max_length=10, default=IncomingStatus.PROCESSING)
    outcome = models.CharField(max_length=24, blank=True)
    facts = models.JSONField(default=dict)
    trail = models.JSONField(default=list)
    sender = models.CharField(max_length=320, blank=True)
    sender_key = models.CharField(max_length=320, blank=True)
    sender_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    request_key = models.CharField(max_length=24, blank=True)
    settled_at = models.DateTimeField(null=True)
    # What earlier runs came to (see settle.begin_again), the oldest first; the row holds the last.
    runs = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["channel", "-id"], name="inbound_by_channel"),
            models.Index(fields=["channel", "status", "-id"], name="inbound_by_status"),
            models.Index(fields=["project", "sender_key", "-id"], name="inbound_by_sender"),
            models.Index(fields=["project", "request_key", "-id"], name="inbound_by_key"),
            models.Index(
                fields=["project", "id"], name="inbound_due", condition=Q(due_at__isnull=False)
            ),
        ]

    @property
    def run(self) -> int:
        """How often it was processed, this time included; the first run is 1."""
        return (self.runs[-1]["run"] if self.runs else 0) + 1

    @property
    def is_import(self) -> bool:
        """Whether it is old mail that was brought in from a file."""
        return self.transport == self.Transport.IMPORT

    @property
    def is_silent(self) -> bool:
        """Whether nobody is told that it came, and the loop threshold does not count it: old mail,
        and what waited in a mailbox while its channel was down."""
        return self.is_import or self.backlog

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.note_settled([self])

    @classmethod
    def note_settled(cls, rows: Sequence[InboundEmail]) -> None:
        """Give those whose journey is over their lines of the log."""
        logline.put([logline.line_in(row) for row in rows if row.due_at is None])
