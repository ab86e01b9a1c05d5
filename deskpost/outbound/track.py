"""Late news of a notification: a bounce or a complaint that came back by mail.

A report acts only with proof: it came to our signed bounce address, or embeds our signed
Message-ID, and concerns that notification's recipient. Otherwise it changes nothing. Either way
the report's own row says which.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from deskpost.mail import address
from deskpost.mail.reports import Report, ReportRecipient
from deskpost.models import Channel, Notification
from deskpost.outbound import suppress, suppress_soft
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
    DELIVERED = "delivered"  # good news: soft bounces of the address are forgotten
    FAILED = "failed"
    BLOCKED = "blocked"  # failed, and the address is on the suppression list
    COMPLAINED = "complained"  # the address is on the suppression list


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a report says of a notification of ours, if it is about one."""

    proof: Proof
    effect: Effect
    notification: Notification | None = None
    recipient: ReportRecipient | None = None

    @property
    def facts(self) -> Facts:
        """What the report's row is to say: proof and effect, and whom it is about."""
        facts: Facts = {"proof": self.proof, "effect": self.effect}
        if self.notification:
            facts |= {
                "notification": str(self.notification.id),
                "recipient": self.notification.address,
                "about": self.notification.request_key,
            }
        return facts


def read(report: Report, envelope_to: str, channel: Channel) -> News:
    """Return what a report proves and would change; nothing is written."""
    proof, notification = _proven(report, envelope_to, channel)
    if notification is None:
        return News(proof=Proof.NONE, effect=Effect.NOTHING)
    for recipient in report.recipients:
        if address.normalise(recipient.address) == notification.address_key:
            effect = _effect(report, recipient)
            return News(proof=proof, effect=effect, notification=notification, recipient=recipient)
    return News(proof=proof, effect=Effect.OTHER_RECIPIENT, notification=notification)


def _effect(report: Report, recipient: ReportRecipient) -> Effect:
    if report.kind == "complaint":
        return Effect.COMPLAINED
    if recipient.severity == "delivered":
        return Effect.DELIVERED
    if recipient.severity == "delayed" or recipient.action == "delayed":
        return Effect.DELAYED
    return Effect.BLOCKED if recipient.severity == "hard" else Effect.FAILED


def note(report: Report, envelope_to: str, channel: Channel, incoming: uuid.UUID) -> Facts:
    """Let a report act on the notification that it is about, if it proves itself. Returns what
    the report's row is to say."""
    news = read(report, envelope_to, channel)
    if news.notification and news.recipient:
        _apply(report, news.recipient, news.notification, news.effect, incoming)
    return news.facts


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
    report: Report,
    recipient: ReportRecipient,
    notification: Notification,
    effect: Effect,
    incoming: uuid.UUID,
) -> None:
    facts: Facts = {
        "server": recipient.remote_server or report.reporting_server or "",
        "enhanced": recipient.status,
        "answer": recipient.diagnostic,
        "incoming": str(incoming),
        "at": timezone.now().isoformat(),
    }
    evidence = facts | {"notification": str(notification.id)}
    if effect == Effect.DELAYED:
        _delay(notification, facts)
    if effect == Effect.DELIVERED and recipient.action == "delivered":  # not only relayed on
        suppress_soft.arrived(notification.address_key)
    if effect in {Effect.FAILED, Effect.BLOCKED}:
        is_news = _fail(notification, facts)
        if effect == Effect.FAILED and is_news and suppress_soft.is_soft_report(recipient):
            suppress_soft.count(notification, facts, timezone.now())
    if effect == Effect.BLOCKED:
        suppress.block(notification.address, "hard_bounce", evidence)
    if effect == Effect.COMPLAINED:
        suppress.block(notification.address, "complaint", evidence)


def _fail(notification: Notification, facts: Facts) -> bool:
    """Let what stood as delivered stand as failed; returns whether it did, which is so once."""
    rows = Notification.objects.filter(pk=notification.pk, status=NotificationStatus.DELIVERED)
    changed = rows.update(
        status=NotificationStatus.FAILED,
        reason=Reason.SERVICE_PROVIDER_ERROR,
        facts=facts,
        settled_at=timezone.now(),
    )
    return bool(changed)


def _delay(notification: Notification, facts: Facts) -> None:
    """Keep the news on a row that stands as delivered: its server still tries."""
    rows = Notification.objects.filter(pk=notification.pk, status=NotificationStatus.DELIVERED)
    rows.update(facts=notification.facts | {"delayed": facts})
