"""What the lines of a timeline say: an event's title, and what became of it for one person."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs import explain_notification, explain_waiting, words
from deskpost.models import Notification
from deskpost.outcomes import KIND_WORDS, Kind, NotificationStatus


def title(kind: Kind, actor: str, again_by: str | None, again_of: uuid.UUID | None) -> str:
    """Name what happened and who did it: Comment added by Bob. Of a repetition, who sent it again;
    names are empty or None where nobody is known."""
    what = str(KIND_WORDS[kind])
    if actor:
        what = _("%(what)s by %(name)s") % {"what": what, "name": words.outside(actor)}
    if again_of is None:
        return what
    if again_by:
        by = {"what": what, "name": words.outside(again_by)}
        return _("%(what)s: sent again by %(name)s") % by
    return _("%(what)s: sent again") % {"what": what}


def became(note: Notification, now: datetime) -> str:
    """Say what became of a notification: Delivered 10:03, Failed: Suppression list, Not mailed: Own
    action, or Queued with its next try."""
    status = NotificationStatus(note.status)
    if status == NotificationStatus.QUEUED:
        return _waits(note, now)
    if status == NotificationStatus.DELIVERED:
        at = note.arrived_at or note.settled_at
        said = explain_notification.status_words(note)
        return _with_time(said, at, note.created_at) if at else said
    account = explain_notification.account_for(note)
    reason = {"reason": str(account.words) if account else ""}
    if status == NotificationStatus.WITHHELD:
        return _("Not mailed: %(reason)s") % reason
    return _("Failed: %(reason)s") % reason


def _with_time(said: str, at: datetime, beside: datetime) -> str:
    """Add when; the day too, where it is not that of the line."""
    return f"{said} {clock(at, beside)}"


def clock(at: datetime, beside: datetime) -> str:
    """Write a time of day; with its day where that is another than the day beside it."""
    return words.moment(at, "time" if _same_day(at, beside) else "short")


def _waits(note: Notification, now: datetime) -> str:
    said = explain_notification.status_words(note)
    if explain_waiting.under_way(note, now):
        return _("It is being sent just now.")
    if note.due_at is None or note.due_at <= now:
        return said
    when = {"when": clock(note.due_at, note.created_at)}
    return _("Queued, next try %(when)s") % when


def _same_day(one: datetime, other: datetime) -> bool:
    return timezone.localdate(one) == timezone.localdate(other)
