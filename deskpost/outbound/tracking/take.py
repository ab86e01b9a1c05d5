"""From an event to the notification that it is about: found, understood, and applied once."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deskpost.mail import address, answers_provider
from deskpost.mail.answers_provider import EventMeaning
from deskpost.mail.reports import ReportRecipient
from deskpost.models import Notification, ProviderMessage, WebhookDelivery
from deskpost.outbound import suppress_soft, track
from deskpost.outbound.track import Effect
from deskpost.outbound.tracking.told import Told
from deskpost.outcomes import NotificationStatus


class Result(Enum):
    NOTED = "it is in the database"
    NOTHING = "it is about nothing of ours, or of no interest, or was noted before"
    EARLY = "the sender has not yet written down that the message was taken"


class _Early(Exception):
    """Undoes what was written."""


def take(provider: str, name: str, told: Told) -> Result:
    """Let an event act on its notification. `provider` is as in the settings, `name` as people know
    it. Raises DatabaseError."""
    meaning = answers_provider.event(
        provider, told.kind, told.reject_reason, told.code or None, told.words
    )
    if meaning.effect == "nothing" or (notification := _find(provider, told)) is None:
        return Result.NOTHING
    try:
        with transaction.atomic():
            if not _first(_key(provider, told, meaning, notification), provider):
                return Result.NOTHING
            _apply(provider, name, told, meaning, notification)
    except _Early:
        return Result.EARLY
    return Result.NOTED


def _find(provider: str, told: Told) -> Notification | None:
    """Return the notification that the event names, if it went to the event's recipient."""
    pk = told.notification or _known(provider, told.ids) or _signed(told.ids)
    found = Notification.objects.filter(pk=pk).first() if pk else None
    if found is None or address.normalise(told.recipient) != found.address_key:
        return None
    return found


def _known(provider: str, ids: tuple[str, ...]) -> Any:
    rows = ProviderMessage.objects.filter(provider=provider, message_id__in=ids)
    return rows.values_list("notification", flat=True).first()


def _signed(ids: tuple[str, ...]) -> Any:
    """A provider that is used as a mere relay knows our own Message-ID, which is signed."""
    read = (address.read_own_message_id(one, [settings.MAIL_KEY]) for one in ids)
    return next((own.notification for own in read if own and own.notification), None)


def _apply(
    provider: str, name: str, told: Told, meaning: EventMeaning, notification: Notification
) -> None:
    facts = _facts(provider, name, told, meaning, notification)
    effect = Effect(meaning.effect)
    if effect == Effect.COMPLAINED and told.kind != "complained":
        # The provider did not even send it: the recipient had complained before.
        track.apply(notification, Effect.FAILED, facts)
    before = track.apply(notification, effect, facts, soft=_is_soft(told, meaning))
    if before == NotificationStatus.QUEUED and effect not in {
        Effect.DELIVERED,
        Effect.UNSUBSCRIBED,
    }:
        raise _Early


def _facts(
    provider: str, name: str, told: Told, meaning: EventMeaning, notification: Notification
) -> track.Facts:
    code = told.words.removeprefix("smtp;").strip()[:3]
    return {
        "server": told.server or name,
        "code": int(code) if code.isascii() and code.isdigit() and code[0] in "245" else None,
        "enhanced": meaning.enhanced,
        "answer": meaning.text,
        "at": _moment(told, notification).isoformat(),
        "event": {
            "provider": provider,
            "event": told.kind,
            "at": told.at.isoformat() if told.at else "",
            "raw": told.raw,
        },
    }


def _moment(told: Told, notification: Notification) -> datetime:
    """When it was, as the provider says, where that can be."""
    now = timezone.now()
    return told.at if told.at and notification.created_at <= told.at <= now else now


def _is_soft(told: Told, meaning: EventMeaning) -> bool:
    return meaning.effect == "failed" and suppress_soft.is_soft_report(
        ReportRecipient(
            address=told.recipient,
            action="failed",
            status=meaning.enhanced,
            diagnostic=told.words,
            remote_server=told.server,
            severity="soft",
        )
    )


# --- Each event once -----------------------------------------------------------------------------


def _key(provider: str, told: Told, meaning: EventMeaning, notification: Notification) -> str:
    """What tells one event from another: providers give an id to each event, or to each call, or
    to none. Two that agree in all of this say the same."""
    at = told.at.isoformat() if told.at else ""
    return "\n".join([provider, str(notification.pk), meaning.effect, at, told.code, told.words])


def _first(key: str, provider: str) -> bool:
    _, created = WebhookDelivery.objects.get_or_create(provider=provider, delivery=_digest(key))
    return created


def was_taken(provider: str, once: str) -> bool:
    """Whether a call with this mark was taken before. Raises DatabaseError."""
    rows = WebhookDelivery.objects.filter(provider=provider, delivery=_digest(once))
    return bool(once) and rows.exists()


def remember(provider: str, once: str) -> None:
    """Take no other call with this mark. Raises DatabaseError."""
    if once:
        _first(once, provider)


def _digest(key: str) -> str:
    return hashlib.sha256(f"tracking\n{key}".encode("utf-8", "replace")).hexdigest()
