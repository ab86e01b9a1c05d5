"""Late news of a notification: what a bounce or a complaint that came back by mail, or a provider's
event (tracking/), does to its row.

A report acts only with proof: it came to our signed bounce address, or embeds our signed
Message-ID, and concerns that notification's recipient. Otherwise it changes nothing. Either way
the report's own row says which.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deskpost.mail import address
from deskpost.mail.reports import Report, ReportRecipient
from deskpost.models import Channel, Notification, Person
from deskpost.outbound import notices, suppress, suppress_soft
from deskpost.outcomes import NotificationStatus, Reason, Trouble

Facts = dict[str, Any]


class Proof(StrEnum):
    """Why a report is believed to be about a notification of ours, if it is."""

    ADDRESS = "address"  # it came to the notification's signed bounce address
    MESSAGE_ID = "message_id"  # it holds the notification's signed Message-ID
    NONE = "none"


class Effect(StrEnum):
    """What late news changes."""

    NOTHING = "nothing"  # no proof, or nothing that matters
    OTHER_RECIPIENT = "other_recipient"  # proof, but about somebody who was not written to
    DELAYED = "delayed"  # noted on the notification, which may yet arrive
    DELIVERED = "delivered"  # good news: soft bounces of the address are forgotten
    FAILED = "failed"
    BLOCKED = "blocked"  # failed, and the address is on the suppression list
    COMPLAINED = "complained"  # the address is on the suppression list
    UNSUBSCRIBED = "unsubscribed"  # the person has said so to the provider


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
    recipient = news.recipient
    if news.notification and recipient and not _only_relayed(news.effect, recipient):
        facts: Facts = {
            "server": recipient.remote_server or report.reporting_server or "",
            "enhanced": recipient.status,
            "answer": recipient.diagnostic,
            "incoming": str(incoming),
            "at": timezone.now().isoformat(),
        }
        soft = suppress_soft.is_soft_report(recipient)
        apply(news.notification, news.effect, facts, soft=soft)
    return news.facts


def _only_relayed(effect: Effect, recipient: ReportRecipient) -> bool:
    """A server that sends no reports has it now: that is no arrival (RFC 3464, section 2.3.3)."""
    return effect == Effect.DELIVERED and recipient.action != "delivered"


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


# --- What any late news does ---------------------------------------------------------------------


def apply(
    notification: Notification, effect: Effect, facts: Facts, *, soft: bool = False
) -> NotificationStatus:
    """Let news act on the notification that it is about; return how that stood before.

    `facts`: server, code, enhanced, answer, at (ISO 8601), and the news itself: `incoming`, the
    report's row, or `event`, the provider's own. `soft`: a failure says that the address failed
    and may yet work. What a notification has once is not undone by what comes later: a failure
    stays, and so does an arrival, which a bounce may follow all the same.
    """
    with transaction.atomic():
        row = Notification.objects.select_for_update().get(pk=notification.pk)
        before = NotificationStatus(row.status)
        if effect == Effect.DELAYED:
            _delay(row, facts)
        if effect == Effect.DELIVERED:
            _arrive(row, facts)
        if effect in {Effect.FAILED, Effect.BLOCKED} and _fail(row, facts):
            _tell_of_policy(row, facts)
            if soft and effect == Effect.FAILED:
                suppress_soft.count(row, facts, timezone.now())
        if effect == Effect.BLOCKED and not _is_policy(facts):
            suppress.block(row.address, "hard_bounce", facts | {"notification": str(row.pk)})
        if effect == Effect.COMPLAINED:
            _keep(row, "complained", facts)
            suppress.block(row.address, "complaint", facts | {"notification": str(row.pk)})
        if effect == Effect.UNSUBSCRIBED:
            _keep(row, "unsubscribed", facts)
            person = Person.objects.filter(pk=row.person_id, unsubscribed_at__isnull=True)
            person.update(unsubscribed_at=timezone.now())
    return before


def _delay(row: Notification, facts: Facts) -> None:
    """Keep the news on a row that stands as delivered: its server still tries."""
    if row.status == NotificationStatus.DELIVERED and row.arrived_at is None:
        row.facts = row.facts | {"delayed": facts}
        row.save(update_fields=["facts"])


def _arrive(row: Notification, facts: Facts) -> None:
    if row.arrived_at is not None:
        return
    row.arrived_at = datetime.fromisoformat(facts["at"])
    if delayed := row.facts.pop("delayed", None):
        row.facts["was_delayed"] = delayed
    if row.status != NotificationStatus.FAILED:  # the evidence of a failure stays
        row.facts |= {"event": facts["event"]} if "event" in facts else {}
    row.save(update_fields=["arrived_at", "facts"])
    if row.status != NotificationStatus.FAILED:
        suppress_soft.arrived(row.address_key)


def _fail(row: Notification, facts: Facts) -> bool:
    """Let what stood as delivered stand as failed; returns whether it did, which is so once."""
    if row.status != NotificationStatus.DELIVERED:
        return False
    kept = {name: row.facts[name] for name in ("complained", "unsubscribed") if name in row.facts}
    row.status, row.reason = NotificationStatus.FAILED, Reason.SERVICE_PROVIDER_ERROR
    row.facts, row.settled_at = facts | kept, timezone.now()
    row.save(update_fields=["status", "reason", "facts", "settled_at"])
    return True


def _keep(row: Notification, name: str, facts: Facts) -> None:
    """Keep the first such news beside what the row says already."""
    if name not in row.facts:
        row.facts = row.facts | {name: facts}
        row.save(update_fields=["facts"])


def _is_policy(facts: Facts) -> bool:
    return str(facts.get("enhanced") or "")[1:3] == ".7"  # RFC 3463, section 3.8


def _tell_of_policy(row: Notification, facts: Facts) -> None:
    """A refusal for what or who we are: people of the site must know, and nobody is blocked."""
    if _is_policy(facts):
        told = {name: facts.get(name) for name in ("server", "code", "enhanced", "answer")}
        told |= {"notification": str(row.pk), "project": row.project_id}
        notices.note(Trouble.POLICY, row.address.rpartition("@")[2], told)
