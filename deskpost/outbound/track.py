"""Late news of a notification: a bounce or a complaint that came back by mail.

A report acts only with proof: it came to our signed bounce address, or embeds our signed
Message-ID, and concerns that notification's recipient. Otherwise it changes nothing. Either way
the report's own row says which.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.mail.reports import Report, ReportRecipient
from deskpost.models import Channel, Notification
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus, Reason

Facts = dict[str, Any]


class Proof(StrEnum):
    """Why a report is believed to be about a notification of ours, if it is."""

    ADDRESS = "address"  # it came to the notification's signed bounce address
    MESSAGE_ID = "message_id"  # it holds the notification's signed Message-ID
    NONE = "none"


class Effect(StrEnum):
    """What a report changed."""

    NOTHING = "nothing"  # no proof
    OTHER_RECIPIENT = "other_recipient"  # proof, but about somebody who was not written to
    DELAYED = "delayed"  # noted on the notification, which may yet arrive
    DELIVERED = "delivered"  # good news: nothing to change
    FAILED = "failed"
    BLOCKED = "blocked"  # failed, and the address is on the suppression list
    COMPLAINED = "complained"  # the address is on the suppression list


def note(report: Report, envelope_to: str, channel: Channel, incoming: uuid.UUID) -> Facts:
    """Let a report act on the notification that it is about, if it proves itself.

    Returns what the report's row is to say: `proof`, `effect`, and if there is proof
    `notification`, `recipient` and `about` (the request's key).
    """
    proof, notification = _proven(report, envelope_to, channel)
    if notification is None:
        return {"proof": Proof.NONE, "effect": Effect.NOTHING}
    facts = {
        "proof": proof,
        "notification": str(notification.id),
        "recipient": notification.address,
        "about": notification.request_key,
    }
    for recipient in report.recipients:
        if address.normalise(recipient.address) == notification.address_key:
            return facts | {"effect": _apply(report, recipient, notification, incoming)}
    return facts | {"effect": Effect.OTHER_RECIPIENT}


def _proven(
    report: Report, envelope_to: str, channel: Channel
) -> tuple[Proof, Notification | None]:
    keys = [settings.MAIL_KEY]
    token = address.read_signed(envelope_to, channel.address, keys)
    if isinstance(token, address.BounceToken):
        return Proof.ADDRESS, _kept(token.notification)
    own = address.read_own_message_id(report.original_message_id or "", keys)
    if own and own.notification:
        return Proof.MESSAGE_ID, _kept(own.notification)
    return Proof.NONE, None


def _kept(pk: uuid.UUID) -> Notification | None:
    return Notification.objects.filter(pk=pk).first()


def _apply(
    report: Report, recipient: ReportRecipient, notification: Notification, incoming: uuid.UUID
) -> Effect:
    facts: Facts = {
        "server": recipient.remote_server or report.reporting_server or "",
        "enhanced": recipient.status,
        "answer": recipient.diagnostic,
        "incoming": str(incoming),
        "at": timezone.now().isoformat(),
    }
    evidence = facts | {"notification": str(notification.id)}
    if report.kind == "complaint":
        suppress.block(notification.address, "complaint", evidence)
        return Effect.COMPLAINED
    if recipient.severity == "delivered":
        return Effect.DELIVERED
    if recipient.severity == "delayed" or recipient.action == "delayed":
        _delay(notification, facts)
        return Effect.DELAYED
    _fail(notification, facts)
    if recipient.severity == "hard":
        suppress.block(notification.address, "hard_bounce", evidence)
        return Effect.BLOCKED
    return Effect.FAILED


def _fail(notification: Notification, facts: Facts) -> None:
    Notification.objects.filter(pk=notification.pk, status=NotificationStatus.DELIVERED).update(
        status=NotificationStatus.FAILED,
        reason=Reason.SERVICE_PROVIDER_ERROR,
        facts=facts,
        settled_at=timezone.now(),
    )


def _delay(notification: Notification, facts: Facts) -> None:
    """Keep the news on a row that stands as delivered: its server still tries."""
    rows = Notification.objects.filter(pk=notification.pk, status=NotificationStatus.DELIVERED)
    rows.update(facts=notification.facts | {"delayed": facts})
