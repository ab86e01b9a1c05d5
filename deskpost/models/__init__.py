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
from deskpost.models.job import Job
from deskpost.models.logline import Log, LogCount, LogDelta, LogLine
from deskpost.models.mailbox import ConnectionEvent, Mailbox, MailboxUid, WebhookDelivery
from deskpost.models.outbound import (
    Attempt,
    DkimKey,
    Event,
    MessageTemplate,
    Muted,
    Notification,
    NotificationRule,
    ProviderMessage,
    QuotaPeriod,
    QuotaUse,
    SentAgain,
    SentOnce,
    SiteNotice,
    SoftBounce,
    Suppression,
)
from deskpost.models.site import SavedSearch, SiteFact

__all__ = [
    "Attachment",
    "Attempt",
    "AuditEntry",
    "Channel",
    "Comment",
    "ConnectionEvent",
    "DkimKey",
    "Event",
    "InboundEmail",
    "Job",
    "Log",
    "LogCount",
    "LogDelta",
    "LogLine",
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
    "ProviderMessage",
    "QuotaPeriod",
    "QuotaUse",
    "Request",
    "RequestType",
    "Role",
    "SavedSearch",
    "Seen",
    "SentAgain",
    "SentOnce",
    "SiteFact",
    "SiteNotice",
    "SoftBounce",
    "Suppression",
    "WebhookDelivery",
    "first_id",
    "moment_of",
    "new_id",
]
