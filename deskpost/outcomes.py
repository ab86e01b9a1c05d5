"""Every status and reason, in the product's words: what became of a message, and why.

A code is stored with its facts; the sentence is made when it is shown. Each list is closed:
what is not in it cannot be recorded. To add a reason, see CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words


class Page(StrEnum):
    """Help pages that a remedy may lead to."""

    LIMITS = "notification-limits"
    PREFERENCES = "notification-preferences"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How one code is explained: its words, what it means, what to do, where to read on."""

    words: Words
    meaning: Words
    remedy: Words
    page: Page | None = None


# --- Notifications -----------------------------------------------------------------------------


class NotificationStatus(StrEnum):
    """Where a notification stands. Only FAILED and WITHHELD have a reason."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"


# DELIVERED means that a server took it: that is Sent, and Delivered only with `arrived_at`, once
# the recipient's server or a provider has confirmed it. See explain_notification.status_words.
NOTIFICATION_STATUS_WORDS: Mapping[NotificationStatus, Words] = {
    NotificationStatus.QUEUED: pgettext_lazy("notification", "Queued"),
    NotificationStatus.DELIVERED: pgettext_lazy("notification", "Sent"),
    NotificationStatus.FAILED: pgettext_lazy("notification", "Failed"),
    NotificationStatus.WITHHELD: pgettext_lazy("notification", "Withheld"),
}
ARRIVED_WORDS = pgettext_lazy("notification", "Delivered")


class Reason(StrEnum):
    """Why a notification failed. Each is decided in one place that bears its name."""

    INTERNAL_ERROR = "internal_error"
    VALIDATION_ERROR = "validation_error"
    TEMPLATE_TOO_LARGE = "template_too_large"
    LIMIT_REACHED = "limit_reached"
    SUPPRESSION_LIST = "suppression_list"
    PRIVATE_ADDRESS = "private_address"
    SERVICE_PROVIDER_ERROR = "service_provider_error"
    UNKNOWN_ERROR = "unknown_error"
    UNSUBSCRIBED = "unsubscribed"


REASONS: Mapping[Reason, Account] = {
    Reason.INTERNAL_ERROR: Account(
        words=_("Internal error"),
        meaning=_("Something went wrong inside Deskpost while it was sending the notification."),
        remedy=_(
            "Try again later. If it happens again for the same person or notification, "
            "give your site admin the error id below."
        ),
    ),
    Reason.VALIDATION_ERROR: Account(
        words=_("Email validation error"),
        meaning=_("The recipient’s email address is malformed, so no server can be found for it."),
        remedy=_("Correct the address on the customer’s page."),
    ),
    Reason.TEMPLATE_TOO_LARGE: Account(
        words=_("Notification template too large"),
        meaning=_("The finished message is larger than this site may send."),
        remedy=_("Make the template simpler, or let it hold less of the request’s content."),
        page=Page.LIMITS,
    ),
    Reason.LIMIT_REACHED: Account(
        words=_("Email notifications limit reached"),
        meaning=_("This site has sent as many notifications as its limit for the period allows."),
        remedy=_("Notifications go out again when the period ends and the limit resets."),
        page=Page.LIMITS,
    ),
    Reason.SUPPRESSION_LIST: Account(
        words=_("Suppression list"),
        meaning=_(
            "The address is blocked, most often after its server said that it does not exist "
            "or after its owner complained of spam."
        ),
        remedy=_(
            "If the address is right and the customer wants mail, unblock it. "
            "Unblocking resends nothing by itself."
        ),
    ),
    Reason.PRIVATE_ADDRESS: Account(
        words=_("Private email address"),
        meaning=_("The customer has set their email address to private; nothing is sent to it."),
        remedy=_("Only the customer can change this, in their notification preferences."),
        page=Page.PREFERENCES,
    ),
    Reason.SERVICE_PROVIDER_ERROR: Account(
        words=_("Email service provider error"),
        meaning=_(
            "The recipient’s mail server refused the message: as spam, because the mailbox is "
            "full or gone, or because it blocks the domain."
        ),
        remedy=_("Ask the customer to take it up with their email provider."),
    ),
    Reason.UNKNOWN_ERROR: Account(
        words=_("Unknown error"),
        meaning=_("The notification was refused, and the answer fits no cause that is known."),
        remedy=_("If it goes on, give your site admin the server’s answer below."),
    ),
    Reason.UNSUBSCRIBED: Account(
        words=_("Unsubscribed"),
        meaning=_("The customer has unsubscribed from email notifications."),
        remedy=_("The customer can subscribe again in their notification preferences."),
        page=Page.PREFERENCES,
    ),
}


class Withheld(StrEnum):
    """Why a notification was never meant to be sent to this person."""

    OWN_ACTION = "own_action"
    MUTED = "muted"
    RULE_OFF = "rule_off"


WITHHELD: Mapping[Withheld, Account] = {
    Withheld.OWN_ACTION: Account(
        words=_("Own action"),
        meaning=_("The person did this themself; nobody is notified of their own action."),
        remedy=_("Nothing to do."),
    ),
    Withheld.MUTED: Account(
        words=_("Muted request"),
        meaning=_("The person has turned off this request’s notifications."),
        remedy=_("The person can turn them on again by the link in any of its notifications."),
    ),
    Withheld.RULE_OFF: Account(
        words=_("Rule switched off"),
        meaning=_("The project does not send this notification."),
        remedy=_("A project admin can switch the rule on in the project settings."),
    ),
}


class Kind(StrEnum):
    """What a notification tells."""

    CUSTOMER_INVITED = "customer_invited"
    REQUEST_CREATED = "request_created"
    COMMENT_ADDED = "comment_added"
    COMMENT_EDITED = "comment_edited"
    PARTICIPANT_ADDED = "participant_added"
    STATUS_CHANGED = "status_changed"
    REQUEST_RESOLVED = "request_resolved"
    REQUEST_REOPENED = "request_reopened"


KIND_WORDS: Mapping[Kind, Words] = {
    Kind.CUSTOMER_INVITED: _("Customer invited"),
    Kind.REQUEST_CREATED: _("Request created"),
    Kind.COMMENT_ADDED: _("Comment added"),
    Kind.COMMENT_EDITED: _("Comment edited"),
    Kind.PARTICIPANT_ADDED: _("Participant added"),
    Kind.STATUS_CHANGED: _("Status changed"),
    Kind.REQUEST_RESOLVED: _("Request resolved"),
    Kind.REQUEST_REOPENED: _("Request reopened"),
}


# --- Incoming messages -------------------------------------------------------------------------


class IncomingStatus(StrEnum):
    """Where an incoming message stands."""

    PROCESSING = "processing"
    SUCCESS = "success"
    SKIPPED = "skipped"
    FAILED = "failed"


INCOMING_STATUS_WORDS: Mapping[IncomingStatus, Words] = {
    IncomingStatus.PROCESSING: pgettext_lazy("incoming", "Processing"),
    IncomingStatus.SUCCESS: pgettext_lazy("incoming", "Success"),
    IncomingStatus.SKIPPED: pgettext_lazy("incoming", "Skipped"),
    IncomingStatus.FAILED: pgettext_lazy("incoming", "Failed"),
}


class Outcome(StrEnum):
    """What became of an incoming message."""

    REQUEST_CREATED = "request_created"
    COMMENT_ADDED = "comment_added"
    TOO_LARGE = "too_large"
    DUPLICATE = "duplicate"
    SENT_BY_THIS_SITE = "sent_by_this_site"
    BLOCKED_SENDER = "blocked_sender"
    DELIVERY_STATUS = "delivery_status"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    BULK = "bulk"
    DMARC = "dmarc"
    TOO_MANY = "too_many"
    NO_SENDER = "no_sender"
    NO_PERMISSION = "no_permission"
    REQUEST_CLOSED = "request_closed"
    SIGNUP_CLOSED = "signup_closed"
    REQUIRED_FIELDS = "required_fields"
    NOT_FETCHED = "not_fetched"
    CHANNEL_REMOVED = "channel_removed"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingAccount(Account):
    """An incoming outcome also fixes the status that it gives."""

    status: IncomingStatus


OUTCOMES: Mapping[Outcome, IncomingAccount] = {
    Outcome.REQUEST_CREATED: IncomingAccount(
        status=IncomingStatus.SUCCESS,
        words=_("Request created"),
        meaning=_("The message became a new request."),
        remedy=_("Nothing to do."),
    ),
    Outcome.COMMENT_ADDED: IncomingAccount(
        status=IncomingStatus.SUCCESS,
        words=_("Comment added"),
        meaning=_("The message answers a request and became a comment on it."),
        remedy=_("Nothing to do."),
    ),
    Outcome.TOO_LARGE: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Too large"),
        meaning=_("The message is larger than this site takes. Only its headers were kept."),
        remedy=_("Ask the sender to share large files in another way and to write again."),
    ),
    Outcome.DUPLICATE: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Duplicate"),
        meaning=_("The same message was already taken by this project."),
        remedy=_("Nothing to do: the first copy was processed."),
    ),
    Outcome.SENT_BY_THIS_SITE: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Sent by this site"),
        meaning=_("A message of this site came back to it."),
        remedy=_("If it happens often, look for a forwarding rule that leads here."),
    ),
    Outcome.BLOCKED_SENDER: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Blocked sender"),
        meaning=_("The sender is on this project’s block list."),
        remedy=_("If the sender is a customer, take the entry off the block list."),
    ),
    Outcome.DELIVERY_STATUS: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Automated delivery status message"),
        meaning=_("A mail server reports on the delivery of a message that this site sent."),
        remedy=_("Nothing to do here: the notification that it is about bears the result."),
    ),
    Outcome.COMPLAINT: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Complaint"),
        meaning=_("A provider reports that its user called a message of this site spam."),
        remedy=_("Nothing to do here: nothing more is sent to that address."),
    ),
    Outcome.AUTO_REPLY: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Auto-reply mail"),
        meaning=_("A machine answered, such as an out-of-office reply. It made no comment."),
        remedy=_(
            "Usually nothing. If a system of this sender writes real requests, "
            "put its domain on the allow list."
        ),
    ),
    Outcome.BULK: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Bulk mail"),
        meaning=_("The message was sent to a list or to many people at once."),
        remedy=_("If this sender writes real requests, put its domain on the allow list."),
    ),
    Outcome.DMARC: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("DMARC validation check"),
        meaning=_("The sender’s domain does not vouch for this message; From may be forged."),
        remedy=_(
            "If the sender is real, their admin must mend SPF or DKIM for the domain. If another "
            "server of yours takes the mail first, name it in the channel’s settings."
        ),
    ),
    Outcome.TOO_MANY: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Too many emails from this sender"),
        meaning=_("The sender wrote more often than a person does; this may be a loop."),
        remedy=_("Find the system that sends them. Later messages are taken when it calms down."),
    ),
    Outcome.NO_SENDER: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("No sender"),
        meaning=_("The message has no usable From address, so there is nobody to answer."),
        remedy=_("Ask the sender to check the settings of their mail program."),
    ),
    Outcome.NO_PERMISSION: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("No permission"),
        meaning=_("The sender answered a request in which they take no part."),
        remedy=_("Add the sender to the request as a participant, then ask them to write again."),
    ),
    Outcome.REQUEST_CLOSED: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Request closed"),
        meaning=_("The message answers a request that is closed for comments."),
        remedy=_("Open the request again, or ask the sender to write a new message."),
    ),
    Outcome.SIGNUP_CLOSED: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Signup is not currently available"),
        meaning=_("The sender is not a customer of this project, and it takes no new ones."),
        remedy=_("Add the sender on the Customers page, or open sign-up for the project."),
    ),
    Outcome.REQUIRED_FIELDS: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Required fields"),
        meaning=_("The channel’s request type requires fields that an email cannot give."),
        remedy=_("Make those fields optional, or give the channel another request type."),
    ),
    Outcome.CHANNEL_REMOVED: IncomingAccount(
        status=IncomingStatus.SKIPPED,
        words=_("Channel removed"),
        meaning=_("The channel was removed while the message waited, and it was left unprocessed."),
        remedy=_("Ask the sender to write to another address of the project."),
    ),
    Outcome.NOT_FETCHED: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Not given by the mailbox’s server"),
        meaning=_(
            "The message lies in the mailbox, but its server failed each time that Deskpost "
            "asked for it."
        ),
        remedy=_("Open the mailbox with a mail program, and send the message on to this address."),
    ),
    Outcome.INTERNAL_ERROR: IncomingAccount(
        status=IncomingStatus.FAILED,
        words=_("Internal error"),
        meaning=_("Deskpost failed on this message three times and set it aside."),
        remedy=_("Give your site admin the error id below. The original is kept."),
    ),
}


# --- The rules that are asked ------------------------------------------------------------------


class Rule(StrEnum):
    """The rules for an incoming message, in the order in which they are asked."""

    SIZE = "size"
    SEEN = "seen"
    OWN = "own"
    BLOCK_LIST = "block_list"
    REPORT = "report"
    AUTO_REPLY = "auto_reply"
    BULK = "bulk"
    DMARC = "dmarc"
    LOOP = "loop"
    SENDER = "sender"
    THREAD = "thread"
    CLOSED = "closed"
    SIGNUP = "signup"
    FIELDS = "fields"


RULE_WORDS: Mapping[Rule, Words] = {
    Rule.SIZE: _("Larger than this site takes"),
    Rule.SEEN: _("Taken already"),
    Rule.OWN: _("Sent by this site"),
    Rule.BLOCK_LIST: _("Sender on the block list"),
    Rule.REPORT: _("Bounce or delay report"),
    Rule.AUTO_REPLY: _("Auto-reply"),
    Rule.BULK: _("List or bulk mail"),
    Rule.DMARC: _("Disowned by the sender’s domain (DMARC)"),
    Rule.LOOP: _("Too many from this sender"),
    Rule.SENDER: _("Has a usable From"),
    Rule.THREAD: _("Answers a request"),
    Rule.CLOSED: _("Request closed for comments"),
    Rule.SIGNUP: _("Sender may write to this project"),
    Rule.FIELDS: _("Required fields that mail cannot give"),
}


class Guard(StrEnum):
    """What is asked before a notification is sent, in order."""

    OWN_ACTION = "own_action"
    MUTED = "muted"
    RULE_OFF = "rule_off"
    VALIDATION = "validation"
    PRIVATE = "private"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSION = "suppression"
    LIMIT = "limit"
    SIZE = "size"


GUARD_WORDS: Mapping[Guard, Words] = {
    Guard.OWN_ACTION: _("Own action"),
    Guard.MUTED: _("Muted request"),
    Guard.RULE_OFF: _("Rule switched off"),
    Guard.VALIDATION: _("Address is well formed"),
    Guard.PRIVATE: _("Address set to private"),
    Guard.UNSUBSCRIBED: _("Unsubscribed"),
    Guard.SUPPRESSION: _("Address on the suppression list"),
    Guard.LIMIT: _("Site’s limit used up"),
    Guard.SIZE: _("Message within the size limit"),
}


# --- What the people of the site must know of sending -------------------------------------------


class Trouble(StrEnum):
    """What a notice is about. One row while it lasts, however many notifications it touches."""

    RELAY_DOWN = "relay_down"
    POLICY = "policy"
    OWN_FAULT = "own_fault"
    TEMPLATE = "template"
    LIMIT_NEAR = "limit_near"
    LIMIT_REACHED = "limit_reached"


TROUBLES: Mapping[Trouble, Account] = {
    Trouble.RELAY_DOWN: Account(
        words=_("The relay cannot be used"),
        meaning=_("It does not answer, or refuses us before any recipient is named."),
        remedy=_("Nothing fails by it: what waits goes out once the relay works again."),
    ),
    Trouble.POLICY: Account(
        words=_("Refused by policy"),
        meaning=_("A server refuses what or who we are, not the address: nobody was blocked."),
        remedy=_(
            "Check SPF, DKIM and DMARC of the sending domain, and whether a block list has it. "
            "Then send again what was refused."
        ),
    ),
    Trouble.OWN_FAULT: Account(
        words=_("Internal errors while sending"),
        meaning=_("Deskpost failed on notifications; nobody was blocked for it."),
        remedy=_("Look for the error’s id in the log of the site. Then send again what failed."),
    ),
    Trouble.TEMPLATE: Account(
        words=_("A template fails"),
        meaning=_("A project’s own template could not be used; the standard one went out instead."),
        remedy=_("Mend the template on the project’s settings pages."),
    ),
    Trouble.LIMIT_NEAR: Account(
        words=_("The limit is near"),
        meaning=_("The site has used up most of the notifications of its period."),
        remedy=_("See who sends most, or have the limit raised before it is reached."),
        page=Page.LIMITS,
    ),
    Trouble.LIMIT_REACHED: Account(
        words=_("The limit is reached"),
        meaning=_("Notifications fail until the period ends. None of them is lost."),
        remedy=_("After the reset, send again in one act what the limit has stopped."),
        page=Page.LIMITS,
    ),
}
