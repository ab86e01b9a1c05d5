"""What the drawer of a notification says. Why a notification failed is in explain_reasons.py, why
it waits in explain_waiting.py, what was heard later in explain_late.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.logs import explain_late, explain_waiting, trails, words
from deskpost.logs.explain import Facts, Told, Why, account_of
from deskpost.logs.explain_reasons import failed
from deskpost.logs.explain_titles import title
from deskpost.models import Attempt, Notification, SiteNotice, Suppression
from deskpost.outcomes import (
    ARRIVED_WORDS,
    NOTIFICATION_STATUS_WORDS,
    REASONS,
    WITHHELD,
    Account,
    NotificationStatus,
    Reason,
    Withheld,
)


def notification(
    note: Notification,
    attempts: Sequence[Attempt],
    blocked: Suppression | None,
    down: SiteNotice | None = None,
) -> Told:
    """Explain a notification: `attempts` oldest first; `blocked` if its address is so now; `down`
    is the open notice of its way out, if that cannot be used now."""
    account = account_for(note)
    why = because(note, down)
    return Told(
        title=title(note, blocked),
        happened=_happened(note, attempts),
        reason=str(account.words) if account else status_words(note),
        why=_as_of_now(note, account_of(account, why) if account else why, blocked),
        remedy=str(account.remedy) if account else "",
        page=account.page if account else None,
        trail=trails.of_notification(note),
    )


def _as_of_now(note: Notification, why: Why, blocked: Suppression | None) -> Why:
    if note.reason != Reason.SUPPRESSION_LIST or blocked:
        return why
    unblocked = _("It has been unblocked since.")
    return Why(sentences=(*why.sentences, unblocked), evidence=why.evidence)


def account_for(note: Notification) -> Account | None:
    """Return the account of the row's reason; only failed and withheld ones have one."""
    if note.status == NotificationStatus.FAILED:
        return REASONS[Reason(note.reason)]
    if note.status == NotificationStatus.WITHHELD:
        return WITHHELD[Withheld(note.reason)]
    return None


def status_words(note: Notification) -> str:
    """Say where it stands: Sent once a server took it, Delivered once its arrival was confirmed."""
    status = NotificationStatus(note.status)
    if status == NotificationStatus.DELIVERED and note.arrived_at:
        return str(ARRIVED_WORDS)
    return str(NOTIFICATION_STATUS_WORDS[status])


# --- What happened -------------------------------------------------------------------------------


def _happened(note: Notification, attempts: Sequence[Attempt]) -> tuple[str, ...]:
    made = words.said_at(note.created_at)
    if note.status == NotificationStatus.WITHHELD:
        return (_("Deskpost noted %(when)s that nothing was to be sent.") % {"when": made},)
    first = _("Deskpost made the notification %(when)s.") % {"when": made}
    acts = explain_late.acts(_facts(note))
    if not attempts:
        return (first, *_untried(note), *acts)
    tried = ngettext(
        "It was handed to a server once.",
        "It was handed to a server %(count)d times.",
        len(attempts),
    ) % {"count": len(attempts)}
    said = (first, tried, _twice(attempts), *_ending(note, attempts[-1]), *acts)
    return tuple(filter(None, said))


def _untried(note: Notification) -> tuple[str, ...]:
    if note.status == NotificationStatus.QUEUED:
        return (explain_waiting.next_try(note, None),)
    if note.status == NotificationStatus.DELIVERED:
        return _taken(note)
    return (_("It stopped before sending it. Nothing left this site."),)


def _twice(attempts: Sequence[Attempt]) -> str:
    """Say what a try that was cut off may have done, where another was made after it."""
    cut = next((n for n, one in enumerate(attempts) if one.ended_at is None), len(attempts))
    later = attempts[cut + 1 :]
    if not later:
        return ""
    if any(one.result == "accepted" or one.ended_at is None for one in later):
        return _(
            "A try was cut off, and another made after it: the person may have received it twice, "
            "under the same Message-ID."
        )
    return _("A try was cut off: the person may have received it then, although it was refused.")


def _ending(note: Notification, last: Attempt) -> tuple[str, ...]:
    if note.status == NotificationStatus.DELIVERED:
        return _taken(note)
    if note.status == NotificationStatus.QUEUED:
        return (explain_waiting.next_try(note, last),)
    if last.result == "accepted":
        bounced = _("The server took it at first; a bounce came back later.")
        return (bounced, explain_late.confirmed(note))
    if _facts(note).get("gave_up"):
        return (_("It was refused for now each time, and after a day Deskpost gave up."),)
    if last.ended_at is None:
        return (_("The last try was cut off: whether the server took it is not known."),)
    return (_("The server refused it for good."),)


def _taken(note: Notification) -> tuple[str, ...]:
    if confirmed := explain_late.confirmed(note):
        return (_("The server took it."), confirmed)
    return (_("The server took it. No bounce has come back."),)


# --- Why -----------------------------------------------------------------------------------------


def because(note: Notification, down: SiteNotice | None = None) -> Why:
    """Explain what decided, from the facts of the row."""
    facts = _facts(note)
    if note.status == NotificationStatus.QUEUED:
        return explain_waiting.waiting(note, facts, down)
    if note.status == NotificationStatus.WITHHELD:
        return Why()
    if note.status == NotificationStatus.FAILED:
        why = failed(note, facts)
        evidence = (*why.evidence, *explain_late.acts_evidence(facts))
        return Why(sentences=why.sentences, evidence=evidence)
    took, later = _("The server that takes this site’s mail said yes."), explain_late.news(facts)
    return Why(sentences=(took, *later.sentences), evidence=later.evidence)


def _facts(note: Notification) -> Facts:
    return note.facts if isinstance(note.facts, dict) else {}


# --- Attempts ------------------------------------------------------------------------------------

RESULTS = {
    "accepted": gettext_lazy("Taken"),
    "temporary": gettext_lazy("Refused for now"),
    "permanent": gettext_lazy("Refused for good"),
}


def attempt_words(
    attempt: Attempt, note: Notification, now: datetime, *, is_last: bool = True
) -> str:
    """Say what became of a try. One without an end was cut off, but the last may be under way."""
    if attempt.ended_at is not None:
        return str(RESULTS.get(attempt.result, attempt.result))
    if is_last and explain_waiting.under_way(note, now):
        return _("Under way")
    return _("Cut off: it is not known whether the server took it")
