"""The desk: projects, people, requests, comments and their attachments."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from deskpost.mail import address


class PersonManager(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email_key=address.normalise(username or ""))

    def create_person(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """Make a person; without a password they cannot sign in by one."""
        person = Person(email=email, **fields)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractBaseUser):
    """Everyone: site admins, project admins, agents and customers. The address may be malformed:
    an invitation to it is taken, and becomes a Failed row in the log."""

    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, unique=True, editable=False)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_site_admin = models.BooleanField(default=False)
    language = models.CharField(max_length=8, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(max_length=8, blank=True)
    address_private = models.BooleanField(default=False)
    unsubscribed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[PersonManager] = PersonManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_key = address.normalise(self.email)
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.name or self.email


class Project(models.Model):
    """A service project. Only company-managed ones have the Email logs page."""

    class Kind(models.TextChoices):
        COMPANY = "company", _("Company-managed")
        TEAM = "team", _("Team-managed")

    key = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.COMPANY)
    language = models.CharField(max_length=8, default="en")
    next_number = models.PositiveIntegerField(default=1)
    signup_open = models.BooleanField(default=True)
    # Whether an answer to a closed request opens a new, linked one; else it is Failed.
    closed_opens_new = models.BooleanField(default=False)
    copies_become_participants = models.BooleanField(default=True)
    # Addresses, domains and *.domains, one a line; read by inbound/rules.py.
    block_list = models.TextField(blank=True)
    allow_list = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Role(models.TextChoices):
    ADMIN = "admin", _("project admin")
    AGENT = "agent", _("agent")
    CUSTOMER = "customer", _("customer")


class Membership(models.Model):
    """The part that a person has in a project."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="one_role_in_a_project")
        ]


class RequestType(models.Model):
    """What a request asks for. Fields that mail cannot give make mail to it Failed."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="request_types")
    name = models.CharField(max_length=120)
    required_fields = models.JSONField(default=list, blank=True)

    def __str__(self) -> str:
        return self.name


class Request(models.Model):
    """A customer's request: IT-1."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting for support")
        PENDING = "pending", _("Waiting for customer")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed")

    project = models.ForeignKey(Project, models.PROTECT, related_name="requests")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=24, unique=True)
    summary = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    reporter = models.ForeignKey(Person, models.PROTECT, related_name="+")
    request_type = models.ForeignKey(RequestType, models.PROTECT, null=True, related_name="+")
    channel = models.ForeignKey("Channel", models.PROTECT, null=True, related_name="+")
    # The request that this one follows on, when an answer to a closed one opened it.
    follows = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="number_in_project")
        ]
        indexes = [models.Index(fields=["project", "-updated_at"], name="request_recent")]

    def __str__(self) -> str:
        return self.key


class Participant(models.Model):
    """A person besides the reporter who is told what happens on a request."""

    request = models.ForeignKey(Request, models.CASCADE, related_name="participants")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "person"], name="participant_once")
        ]


class Comment(models.Model):
    """One entry of a request's conversation; the first is the request's own description.

    `text` is the new text; `rest` the quoted history and signature that were cut from it. `html`
    is already sanitised. `incoming` is the id of the log row that it came from: an id, not a
    reference, since the log goes after its days and the desk stays.
    """

    class Source(models.TextChoices):
        EMAIL = "email"
        WEB = "web"

    request = models.ForeignKey(Request, models.CASCADE, related_name="comments")
    author = models.ForeignKey(Person, models.PROTECT, related_name="+")
    is_description = models.BooleanField(default=False)
    source = models.CharField(max_length=8, choices=Source)
    text = models.TextField()
    rest = models.TextField(blank=True)
    html = models.TextField(blank=True)
    incoming = models.UUIDField(null=True, db_index=True)
    # What its reader must know of the message: invitations, encryption, parts that were left out.
    notes = models.JSONField(default=list)
    edited_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["request", "id"], name="comment_order")]


class Attachment(models.Model):
    """A file of a comment. The name is for people; the storage key is ours."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=120)
    content_id = models.CharField(max_length=255, blank=True)  # by which HTML shows it (cid:)


class MessageId(models.Model):
    """Message-IDs by which an answer finds its request; outlives the log. Per project only."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=255)
    request = models.ForeignKey(Request, models.CASCADE, related_name="message_ids")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "message_id"], name="message_id_in_project")
        ]


class Seen(models.Model):
    """Fingerprints of messages taken, so that the second copy is a duplicate."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    incoming = models.UUIDField()
    request_key = models.CharField(max_length=24, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "fingerprint"], name="seen_in_project")
        ]
