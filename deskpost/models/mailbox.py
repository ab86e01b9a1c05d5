"""Custom channels: the mailbox behind the address, how its connection stands, and its log."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from deskpost.models.channel import Channel
from deskpost.models.desk import Project
from deskpost.models.ids import new_id
from deskpost.models.secret import SecretField
from deskpost.problems import ConnectionState


class Mailbox(models.Model):
    """The mailbox of a custom channel: how to get in, how far it is taken, and who works on it.

    Three groups of columns with a writer each: people change the settings (and `revision` with
    them), `inbound.channels.connection` the state, and the poller that owns it the place. Each
    writes with `update_fields` or a conditional update, so that none undoes another's work.
    """

    class Protocol(models.TextChoices):
        IMAP = "imap", "IMAP"
        POP3 = "pop3", "POP3"

    class Security(models.TextChoices):
        TLS = "tls", _("TLS from the beginning")
        STARTTLS = "starttls", _("STARTTLS")
        NONE = "none", _("none (only to private addresses)")

    class Provider(models.TextChoices):
        PASSWORD = "", _("Password")
        GOOGLE = "google", "Google"
        MICROSOFT = "microsoft", "Microsoft"

    class Afterwards(models.TextChoices):
        SEEN = "seen", _("Mark it as read")
        MOVE = "move", _("Move it to a folder")
        DELETE = "delete", _("Delete it")
        LEAVE = "leave", _("Leave it as it is")  # POP3, which has no marks and folders

    channel = models.OneToOneField(
        Channel, models.CASCADE, primary_key=True, related_name="mailbox"
    )

    # --- Settings: how to get in, and what becomes of a message once it is taken ---
    protocol = models.CharField(max_length=4, choices=Protocol, default=Protocol.IMAP)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    security = models.CharField(max_length=8, choices=Security, default=Security.TLS)
    username = models.CharField(max_length=320)
    # Who has this account already: the same one twice would take each other's mail.
    account_key = models.CharField(max_length=640, editable=False)
    provider = models.CharField(max_length=10, choices=Provider, default="", blank=True)
    password = SecretField(blank=True, default="")
    access_token = SecretField(blank=True, default="")
    access_until = models.DateTimeField(null=True)
    refresh_token = SecretField(blank=True, default="")
    folder = models.CharField(max_length=255, default="INBOX")
    afterwards = models.CharField(max_length=6, choices=Afterwards, default=Afterwards.SEEN)
    move_to = models.CharField(max_length=255, blank=True, default="")
    revision = models.PositiveIntegerField(default=1)  # grows with each change by a person

    # --- Place: how far it is taken ---
    begun_at = models.DateTimeField(null=True)  # since when its mail is taken
    validity = models.BigIntegerField(default=0)  # IMAP's UIDVALIDITY (RFC 3501, section 2.3.1.1)
    next_uid = models.BigIntegerField(default=0)  # all UIDs below it are taken or were there before
    # After UIDVALIDITY changed: those below may be known already, under the numbers of before.
    recheck_until_uid = models.BigIntegerField(default=0)
    # UIDs that are stored, but not yet marked, moved or deleted in the mailbox.
    unfinished = models.JSONField(default=list)
    # After a batch failed: how many are taken alone, to find the one that fails; which that is,
    # and how often it was tried.
    careful = models.PositiveSmallIntegerField(default=0)
    stuck_uid = models.CharField(max_length=80, blank=True, default="")
    stuck_tries = models.PositiveSmallIntegerField(default=0)
    # What lay there when the channel was connected, and whether a person wants it too.
    old_count = models.PositiveIntegerField(default=0)
    old_wanted = models.BooleanField(default=False)
    old_next_uid = models.BigIntegerField(default=1)
    old_until_uid = models.BigIntegerField(default=0)
    old_taken = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(
        null=True
    )  # seen in the mailbox and not taken; null: unknown
    last_message_at = models.DateTimeField(null=True)

    # --- State of the connection ---
    state = models.CharField(max_length=10, default=ConnectionState.NEW)
    problem = models.CharField(max_length=24, blank=True, default="")
    facts = models.JSONField(default=dict)  # of the problem, as on its row of the log
    failures = models.JSONField(default=dict)  # in a row, by family
    down_since = models.DateTimeField(null=True)  # the first failure since it last worked
    last_success_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)  # null: as its protocol has it (IDLE, a minute)

    # --- Ownership: one poller at a time, by a lease on the database's clock ---
    owner = models.CharField(max_length=120, blank=True, default="")
    fence = models.BigIntegerField(default=0)  # grows with each change of the owner
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_key", "folder"], name="mailbox_once")
        ]

    def save(self, *args: object, **kwargs: object) -> None:
        self.account_key = account_key(self.username, self.host)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.username} at {self.host}"


MOST_ACCOUNT_NAME = 380


def account_key(username: str, host: str) -> str:
    """Return by which key the same account is known again."""
    name = username.strip().casefold()[:MOST_ACCOUNT_NAME]  # it may have grown threefold
    return f"{name} {host.strip().rstrip('.').lower()}"


class MailboxUid(models.Model):
    """A message in a POP3 mailbox that is not to be taken, by its UIDL (RFC 1939).

    One that is not in the mailbox any more loses its row, unless it was there before: a list that
    is empty for once would make all of it new mail.
    """

    class Why(models.TextChoices):
        TAKEN = "taken"
        BEFORE = "before"  # there when the channel was connected
        REFUSED = "refused"  # the server never gave it: it is left where it is

    mailbox = models.ForeignKey(Mailbox, models.CASCADE, related_name="uids")
    uid = models.CharField(max_length=80)  # RFC 1939 has 70 characters at most
    why = models.CharField(max_length=8, choices=Why, default=Why.TAKEN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "uid"], name="mailbox_uid")]


class WebhookDelivery(models.Model):
    """A delivery of a provider that was taken, so that its repetition is not taken again."""

    provider = models.CharField(max_length=16)
    delivery = models.CharField(max_length=64)  # SHA-256 of the provider's id, or of its content
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "delivery"], name="webhook_delivery_once")
        ]


class ConnectionEvent(models.Model):
    """A row of a channel's connectivity log. A log table: partitioned by day on the id.

    A failure that repeats is counted on its row. `at` is when it first was, `last_at` when last.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    channel = models.ForeignKey(
        Channel, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10)  # a ConnectionState
    code = models.CharField(max_length=24)  # a Problem or a Notice
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["channel", "-id"], name="connection_by_channel")]
