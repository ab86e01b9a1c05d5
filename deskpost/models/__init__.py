"""The tables. Every other folder is a stage of a journey."""

from deskpost.models.audit import AuditEntry
from deskpost.models.channel import Channel
from deskpost.models.desk import (
    Attachment,
    Comment,
    Membership,
    MessageId,
    Participant,
    Person,
    Project,
    Request,
    RequestType,
    Role,
    Seen,
)
from deskpost.models.ids import first_id, moment_of, new_id
from deskpost.models.inbound import InboundEmail
from deskpost.models.mailbox import ConnectionEvent, Mailbox, MailboxUid, WebhookDelivery
from deskpost.models.outbound import (
    Attempt,
    Event,
    MessageTemplate,
    Muted,
    Notification,
    NotificationRule,
    QuotaPeriod,
    SentAgain,
    SentOnce,
    SoftBounce,
    Suppression,
)

__all__ = [
    "Attachment",
    "Attempt",
    "AuditEntry",
    "Channel",
    "Comment",
    "ConnectionEvent",
    "Event",
    "InboundEmail",
    "Mailbox",
    "MailboxUid",
    "Membership",
    "MessageId",
    "MessageTemplate",
    "Muted",
    "Notification",
    "NotificationRule",
    "Participant",
    "Person",
    "Project",
    "QuotaPeriod",
    "Request",
    "RequestType",
    "Role",
    "Seen",
    "SentAgain",
    "SentOnce",
    "SoftBounce",
    "Suppression",
    "WebhookDelivery",
    "first_id",
    "moment_of",
    "new_id",
]
