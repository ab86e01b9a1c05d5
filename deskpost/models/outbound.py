"""Events of the desk, the notifications they cause, their attempts, and blocked addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q

from deskpost.models import logline
from deskpost.models.desk import Person, Project
from deskpost.models.ids import new_id
from deskpost.models.queue import Queued
from deskpost.models.secret import SecretField
from deskpost.outcomes import NotificationStatus


class Event(Queued):
    """Something happened on the desk of which people may want to know. A log table.

    Written in the same transaction as the change; announced by outbound/announce.py.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=24)
    actor = models.ForeignKey(
        Person, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    # The person it is about: who was invited.
    person = models.ForeignKey(
        Person, models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    request = models.ForeignKey(
        "Request",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    comment = models.ForeignKey(
        "Comment",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    # The message that caused it, if it was one.
    incoming = models.UUIDField(null=True)
    # Said by a machine: nothing that answers its sender may follow.
    quiet = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="event_due", condition=Q(due_at__isnull=False)),
        ]


class Notification(Queued):
    """One message to one person about one event: whether it went, and if not why. A log table."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=24)
    event = models.UUIDField(null=True)
    person = models.ForeignKey(
        Person, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    address = models.CharField(max_length=320)
    address_key = models.CharField(max_length=320)
    request = models.ForeignKey(
        "Request",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    request_key = models.CharField(max_length=24, blank=True)
    comment = models.ForeignKey(
        "Comment", models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    status = models.CharField(max_length=10, default=NotificationStatus.QUEUED)
    # A Reason when failed, a Withheld when withheld, else empty.
    reason = models.CharField(max_length=24, blank=True)
    facts = models.JSONField(default=dict)
    trail = models.JSONField(default=list)
    subject = models.CharField(max_length=500, blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    language = models.CharField(max_length=8, blank=True)
    # As composed, with placeholders where its tokens were.
    raw_key = models.CharField(max_length=120, blank=True)
    raw_size = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    first_try_at = models.DateTimeField(null=True)  # from then on its day of tries is counted
    # The day of the site's quota in which it has its place: reserved once, whatever the tries.
    quota_day = models.DateField(null=True)
    arrived_at = models.DateTimeField(null=True)  # the recipient's server, or a provider, said so
    again_of = models.UUIDField(null=True)  # the notification that it repeats, by a person's wish
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "status", "-id"], name="note_by_status"),
            models.Index(fields=["project", "address_key", "-id"], name="note_by_address"),
            models.Index(fields=["project", "request_key", "-id"], name="note_by_key"),
            models.Index(fields=["id"], name="note_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["project", "id"], name="note_waits", condition=Q(due_at__isnull=False)
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        self.note_settled([self])

    @classmethod
    def note_settled(cls, rows: Sequence[Notification]) -> None:
        """Give those whose journey is over their lines of the log."""
        logline.put([logline.line_out(row) for row in rows if row.due_at is None])


class Attempt(models.Model):
    """One try to hand a notification over: written before the act, completed after. A log table.

    An attempt without an end was cut off: whether the server took the message is not known.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    notification = models.ForeignKey(
        Notification, models.DO_NOTHING, db_constraint=False, related_name="attempts"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    server = models.CharField(max_length=320, blank=True)
    result = models.CharField(max_length=10, blank=True)  # accepted, temporary, permanent
    code = models.PositiveSmallIntegerField(null=True)
    enhanced = models.CharField(max_length=16, blank=True)
    answer = models.TextField(blank=True)  # the server's own words


class SentOnce(models.Model):
    """One person hears of one event once, whatever dies in between."""

    event = models.UUIDField()
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "person"], name="sent_once")]


class Suppression(models.Model):
    """An address to which nothing is sent, with its own copy of the evidence."""

    class Cause(models.TextChoices):
        HARD_BOUNCE = "hard_bounce"
        SOFT_BOUNCES = "soft_bounces"  # too many in a row
        COMPLAINT = "complaint"
        BY_HAND = "by_hand"

    address = models.CharField(max_length=320)
    address_key = models.CharField(max_length=320, unique=True)
    cause = models.CharField(max_length=12, choices=Cause)
    evidence = models.JSONField(default=dict)  # server, code, enhanced, answer, notification, at
    created_at = models.DateTimeField()
    by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField(null=True)  # null: until a person unblocks it


class SoftBounce(models.Model):
    """A temporary failure of an address's own server, given up: so many of them block it."""

    address_key = models.CharField(max_length=320)
    at = models.DateTimeField()
    evidence = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["address_key", "at"], name="soft_bounce_by_address")]


class SentAgain(models.Model):
    """A notification that was missed is sent again once: `notification` repeats `original`."""

    original = models.UUIDField(unique=True)
    notification = models.UUIDField()
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField()


class MessageTemplate(models.Model):
    """A project's own words for a notification, in one language; Liquid. Without one, the standard
    template is used."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="templates")
    kind = models.CharField(max_length=24)
    language = models.CharField(max_length=8)
    subject = models.CharField(max_length=500)
    text = models.TextField()
    html = models.TextField()
    changed_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "language"], name="template_in_project"
            )
        ]


class NotificationRule(models.Model):
    """Whom a project tells of what. Without a row, everyone is told."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=24)
    to_reporter = models.BooleanField(default=True)
    to_participants = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="rule_in_project")]


class Muted(models.Model):
    """A person wants no notifications of one request."""

    request = models.ForeignKey("Request", models.CASCADE, related_name="muted")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "person"], name="muted_once")]


class QuotaPeriod(models.Model):
    """How many places of the site's quota are taken in a day (of its own zone and reset time)."""

    day = models.DateField(primary_key=True)
    sent = models.PositiveIntegerField(default=0)


class QuotaUse(models.Model):
    """One project's part in a day of the quota: places taken, and notifications that found none."""

    day = models.DateField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    sent = models.PositiveIntegerField(default=0)
    stopped = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "project"], name="quota_use")]


class SiteNotice(models.Model):
    """Something about sending that people of the site must know: one row while it lasts, however
    many notifications it is about."""

    kind = models.CharField(max_length=24)  # an outcomes.Trouble
    key = models.CharField(max_length=320, blank=True)  # which relay, domain or day
    opened_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    facts = models.JSONField(default=dict)  # of the last time
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(closed_at__isnull=True), name="one_open_notice"
            )
        ]
        indexes = [models.Index(fields=["-last_at"], name="notice_by_time")]


class ProviderMessage(models.Model):
    """Which notification a provider knows by which id: late news names no other."""

    provider = models.CharField(max_length=20)
    message_id = models.CharField(max_length=255)
    notification = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "message_id"], name="provider_message")
        ]
        indexes = [models.Index(fields=["at"], name="provider_message_at")]


class DkimKey(models.Model):
    """A key by which the site signs what it sends from a domain (RFC 6376)."""

    domain = models.CharField(max_length=253, unique=True)
    selector = models.CharField(max_length=63)
    secret = SecretField()  # the private key, as PEM
    is_on = models.BooleanField(default=False)  # signs; else only its DNS record is shown
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
