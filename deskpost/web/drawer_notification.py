"""Everything that the drawer of a notification shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from deskpost.logs import explain_notification, explain_reasons, words
from deskpost.logs.explain import said
from deskpost.logs.original_private import redacted
from deskpost.mail import address
from deskpost.models import Attempt, Notification, Project, SiteNotice, Suppression
from deskpost.outbound import suppress
from deskpost.outcomes import KIND_WORDS, Kind, NotificationStatus
from deskpost.web import drawer_links, drawer_trail, entry_acts, preview_tabs, site_notices
from deskpost.web.drawer_incoming import Time, private_told
from deskpost.web.drawer_place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One row of the table of attempts."""

    attempt: Attempt
    said: str
    answer: str
    cut_off: bool


def drawer(project: Project, note: Notification, place: Place) -> dict[str, Any]:
    """Return what the template shows."""
    attempts = list(Attempt.objects.filter(notification=note.pk).order_by("id"))
    blocked = blocked_entry(note)
    told = explain_notification.notification(note, attempts, blocked, down_for(note))
    return {
        "note": note,
        "name": str(KIND_WORDS[Kind(note.kind)]),
        "told": private_told(told),
        "trail": drawer_trail.of_notification(project, note, told.trail),
        "status": explain_notification.status_words(note),
        "person": drawer_links.person(note.address),
        "sender": _sender(note),
        "times": _times(note, attempts),
        "evidence_tone": "fail" if note.status == NotificationStatus.FAILED else "skip",
        "related": drawer_links.of_notification(project, note),
        "tries": tries(note, attempts),
        "waits": note.due_at if note.status == NotificationStatus.QUEUED else None,
        "raw_words": _("Download the raw message"),
        "blocked": blocked,
        "blocked_because": _cause(blocked),
        "tabs": preview_tabs.of_notification(project, note, place),
        "acts": entry_acts.notification(project, note, place.query),
        "newer": place.newer,
        "older": place.older,
        "close": place.close,
        "here": place.here,
        "unblock": reverse("unblock", args=[project.key, note.pk]) + place.query,
    }


def blocked_entry(note: Notification) -> Suppression | None:
    """Return what blocks the notification's address now, if anything does."""
    return suppress.in_force().filter(address_key=address.normalise(note.address)).first()


def down_for(note: Notification) -> SiteNotice | None:
    """Return the notice that the way out of a notification that waits cannot be used, if so."""
    if note.status != NotificationStatus.QUEUED:
        return None
    return site_notices.relay_down(note.project)


def _sender(note: Notification) -> str:
    """Return the address that it is sent from, as far as the row tells: its request's channel."""
    channel = note.request.channel if note.request else None
    return channel.address if channel and channel.removed_at is None else ""


def _times(note: Notification, attempts: Sequence[Attempt]) -> list[Time]:
    taken = next((one.ended_at for one in attempts if one.result == "accepted"), None)
    stages = (
        (_("Made"), note.created_at),
        (_("First try"), note.first_try_at or (attempts[0].started_at if attempts else None)),
        (_("Taken by a server"), taken),
        (pgettext("notification", "Delivered"), note.arrived_at),
        (_("Settled"), note.settled_at),
    )
    return [Time(words=name, at=at) for name, at in stages if at]


# --- Attempts ------------------------------------------------------------------------------------


def tries(note: Notification, attempts: Sequence[Attempt]) -> list[Try]:
    """Return the table of attempts, each with what became of it and the server's words."""
    now = timezone.now()
    return [
        Try(
            attempt=attempt,
            said=explain_notification.attempt_words(
                attempt, note, now, is_last=attempt is attempts[-1]
            ),
            answer=redacted("".join(one.text for one in said(_answer(attempt), ""))),
            cut_off=attempt.ended_at is None,
        )
        for attempt in attempts
    ]


def _answer(attempt: Attempt) -> dict[str, Any]:
    return {"code": attempt.code, "enhanced": attempt.enhanced, "answer": attempt.answer}


def _cause(blocked: Suppression | None) -> str:
    if blocked is None:
        return ""
    cause = explain_reasons.CAUSE_WORDS[Suppression.Cause(blocked.cause)]
    return words.listed((cause, words.moment(blocked.created_at)))
