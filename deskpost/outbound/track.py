"""Late news of a notification: a bounce or a complaint that came back by mail.

A report acts only with proof: it came to our signed bounce address, or embeds our signed
Message-ID, and concerns that notification's recipient. Otherwise it changes nothing.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.mail.reports import Report, ReportRecipient
from deskpost.models import Channel, Notification
from deskpost.outbound import suppress
from deskpost.outcomes import NotificationStatus, Reason


def note(report: Report, envelope_to: str, channel: Channel, incoming: uuid.UUID) -> None:
    """Let a report act on the notification that it is about, if it proves itself."""
    notification = _proven(report, envelope_to, channel)
    if notification is None:
        return
    for recipient in report.recipients:
        if address.normalise(recipient.address) == notification.address_key:
            _apply(report, recipient, notification, incoming)
            return


def _proven(report: Report, envelope_to: str, channel: Channel) -> Notification | None:
    keys = [settings.MAIL_KEY]
    token = address.read_signed(envelope_to, channel.address, keys)
    if isinstance(token, address.BounceToken):
        return Notification.objects.filter(pk=token.notification).first()
    own = address.read_own_message_id(report.original_message_id or "", keys)
    if own and own.notification:
        return Notification.objects.filter(pk=own.notification).first()
    return None


def _apply(
    report: Report, recipient: ReportRecipient, notification: Notification, incoming: uuid.UUID
) -> None:
    facts: dict[str, Any] = {
        "server": recipient.remote_server or report.reporting_server or "",
        "enhanced": recipient.status,
        "answer": recipient.diagnostic,
        "incoming": str(incoming),
        "at": timezone.now().isoformat(),
    }
    if report.kind == "complaint":
        suppress.block(notification.address, "complaint", facts)
        return
    if recipient.severity == "hard":
        evidence = facts | {"notification": str(notification.id)}
        suppress.block(notification.address, "hard_bounce", evidence)
    if recipient.severity in {"hard", "soft", "policy"} and recipient.action == "failed":
        _fail(notification, facts)


def _fail(notification: Notification, facts: dict[str, Any]) -> None:
    Notification.objects.filter(pk=notification.pk, status=NotificationStatus.DELIVERED).update(
        status=NotificationStatus.FAILED,
        reason=Reason.SERVICE_PROVIDER_ERROR,
        facts=facts,
        settled_at=timezone.now(),
    )
