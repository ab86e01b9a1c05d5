"""Why a notification waits, and until when: for its turn, for a server, or for the relay."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from deskpost.logs import words
from deskpost.logs.explain import Facts, Why, said
from deskpost.models import Attempt, Notification, SiteNotice


def waiting(note: Notification, facts: Facts, down: SiteNotice | None) -> Why:
    """Explain a queued notification. `down` is the open notice of its relay, if that cannot be
    used."""
    answered = bool(facts.get("answer") or facts.get("code"))
    last = said(facts, _("The last answer")) if answered else ()
    if down:
        words_of_relay = said(down.facts if isinstance(down.facts, dict) else {}, _("The relay"))
        return Why(sentences=_down(down), evidence=(*words_of_relay, *last))
    if under_way(note, timezone.now()):
        return Why(sentences=(_("It is being sent just now."),), evidence=last)
    if answered:
        return Why(sentences=(_until(note, facts),), evidence=last)
    return Why(sentences=(_("It waits for its turn."),))


def _down(down: SiteNotice) -> tuple[str, ...]:
    since = {"when": words.moment(down.opened_at)}
    return (
        _("It waits for the relay, which cannot be used since %(when)s.") % since,
        _("Nothing counts as a try meanwhile, and nothing is lost."),
    )


def _until(note: Notification, facts: Facts) -> str:
    after = facts.get("again_after")
    if isinstance(after, bool) or not isinstance(after, int | float) or after <= 0:
        return _("The server asked to try again later.")
    asked = {"span": words.length(after)}
    if note.due_at is None:
        return _("The server asked to be tried again in %(span)s.") % asked
    return _("It waits until %(when)s, because the server asked to be tried again in %(span)s.") % {
        **asked,
        "when": words.moment(note.due_at),
    }


def next_try(note: Notification, last: Attempt | None) -> str:
    """Say when the next try is; `last` is the one before it. Empty where none is due."""
    if last is None:
        return _("It was never tried yet: nothing has left this site.")
    if note.due_at is None:
        return ""
    when = {"when": words.said_at(note.due_at)}
    if last.ended_at is None:
        return _("The last try has no end yet; the next is due %(when)s.") % when
    return _("It was refused for now, and is tried again %(when)s.") % when


def under_way(note: Notification, now: datetime) -> bool:
    """Whether a worker has it in hand."""
    return bool(note.owner and note.lease_until and note.lease_until > now)
