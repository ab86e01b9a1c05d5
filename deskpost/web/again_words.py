"""What a drawer says of sending again: whether it can be, was, or is itself a repetition."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy

from deskpost.logs import queries
from deskpost.models import Notification, Project, SentAgain
from deskpost.outbound import again
from deskpost.outbound.again import Obstacle, Stale
from deskpost.outcomes import NotificationStatus

WHY_NOT = {
    Obstacle.CHOSEN: gettext_lazy("The person had chosen to get no mail when it was made."),
    Obstacle.PRIVATE: gettext_lazy("The customer’s address is set to private."),
    Obstacle.UNSUBSCRIBED: gettext_lazy("The customer has unsubscribed."),
    Obstacle.MUTED: gettext_lazy("The customer has turned off this request’s notifications."),
    Obstacle.BLOCKED: gettext_lazy("The address is on the suppression list. Unblock it first."),
    Obstacle.MALFORMED: gettext_lazy("The customer’s address is malformed. Correct it first."),
}
STALE = {
    Stale.RESOLVED: gettext_lazy("The request was resolved since."),
    Stale.LATER: gettext_lazy("A later notification of the request was sent."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Addresses are empty where there is nothing behind them. `repeats_at` and `sent_at`: when the
    other notification was made."""

    send: str = ""
    why_not: str = ""
    missed: str = ""
    sent_at: datetime | None = None
    sent_url: str = ""
    repeats: bool = False
    repeats_url: str = ""
    repeats_at: datetime | None = None


def offer(project: Project, note: Notification, query: str) -> Offer:
    """Return what to say of sending the notification again; `query` are the list's filters."""
    original = _shown(project, note.again_of)
    sent = SentAgain.objects.filter(original=note.pk).first()
    repetition = _shown(project, sent.notification) if sent else None
    may = _may(project, note, query) if not sent else Offer()
    return Offer(
        send=may.send,
        why_not=may.why_not,
        missed=may.missed,
        sent_at=sent.at if sent else None,
        sent_url=_url(project, repetition, query),
        repeats=note.again_of is not None,
        repeats_url=_url(project, original, query),
        repeats_at=original.created_at if original else None,
    )


def _may(project: Project, note: Notification, query: str) -> Offer:
    if note.status != NotificationStatus.FAILED:
        return Offer()
    args = [project.key, note.pk]
    if hindrance := again.obstacle(note):
        return Offer(why_not=str(WHY_NOT.get(hindrance, "")))
    return Offer(send=reverse("send-again", args=args) + query, missed=reverse("missed", args=args))


def _shown(project: Project, pk: uuid.UUID | None) -> Notification | None:
    return queries.notification(project, pk) if pk else None


def _url(project: Project, note: Notification | None, query: str) -> str:
    return reverse("notification", args=[project.key, note.pk]) + query if note else ""
