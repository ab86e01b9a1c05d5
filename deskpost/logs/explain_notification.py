"""What the drawer of a notification says: one function for each family of reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.logs import trails, words
from deskpost.logs.explain import Evidence, Facts, Told, Why, account_of, said
from deskpost.models import Attempt, Notification, Suppression
from deskpost.outcomes import (
    NOTIFICATION_STATUS_WORDS,
    REASONS,
    WITHHELD,
    Account,
    Kind,
    NotificationStatus,
    Reason,
    Withheld,
)

# --- The title: the answer to "did they get it?" -------------------------------------------------

NOT_GOT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("%(name)s did not get this invitation."),
    Kind.REQUEST_CREATED: gettext_lazy("%(name)s was not told that the request was created."),
    Kind.COMMENT_ADDED: gettext_lazy("%(name)s did not get this comment."),
    Kind.COMMENT_EDITED: gettext_lazy("%(name)s was not told that the comment was edited."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("%(name)s was not told that they now take part."),
    Kind.STATUS_CHANGED: gettext_lazy("%(name)s was not told that the status has changed."),
    Kind.REQUEST_RESOLVED: gettext_lazy("%(name)s was not told that the request is resolved."),
    Kind.REQUEST_REOPENED: gettext_lazy("%(name)s was not told that the request is open again."),
}
SENT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("%(name)s was sent this invitation."),
    Kind.REQUEST_CREATED: gettext_lazy("%(name)s was told that the request was created."),
    Kind.COMMENT_ADDED: gettext_lazy("%(name)s was sent this comment."),
    Kind.COMMENT_EDITED: gettext_lazy("%(name)s was told that the comment was edited."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("%(name)s was told that they now take part."),
    Kind.STATUS_CHANGED: gettext_lazy("%(name)s was told that the status has changed."),
    Kind.REQUEST_RESOLVED: gettext_lazy("%(name)s was told that the request is resolved."),
    Kind.REQUEST_REOPENED: gettext_lazy("%(name)s was told that the request is open again."),
}
WAITS = {
    Kind.CUSTOMER_INVITED: gettext_lazy("This invitation waits to be sent to %(name)s."),
    Kind.REQUEST_CREATED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.COMMENT_ADDED: gettext_lazy("This comment waits to be sent to %(name)s."),
    Kind.COMMENT_EDITED: gettext_lazy("The edited comment waits to be sent to %(name)s."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.STATUS_CHANGED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.REQUEST_RESOLVED: gettext_lazy("This notification waits to be sent to %(name)s."),
    Kind.REQUEST_REOPENED: gettext_lazy("This notification waits to be sent to %(name)s."),
}
NOT_MEANT = {
    Kind.CUSTOMER_INVITED: gettext_lazy("This invitation was not meant for %(name)s."),
    Kind.REQUEST_CREATED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.COMMENT_ADDED: gettext_lazy("This comment was not meant for %(name)s."),
    Kind.COMMENT_EDITED: gettext_lazy("The edited comment was not meant for %(name)s."),
    Kind.PARTICIPANT_ADDED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.STATUS_CHANGED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.REQUEST_RESOLVED: gettext_lazy("This notification was not meant for %(name)s."),
    Kind.REQUEST_REOPENED: gettext_lazy("This notification was not meant for %(name)s."),
}
TITLES = {
    NotificationStatus.FAILED: NOT_GOT,
    NotificationStatus.DELIVERED: SENT,
    NotificationStatus.QUEUED: WAITS,
    NotificationStatus.WITHHELD: NOT_MEANT,
}
BRIEFLY = {
    Reason.INTERNAL_ERROR: gettext_lazy("Deskpost failed."),
    Reason.VALIDATION_ERROR: gettext_lazy("The address is malformed."),
    Reason.TEMPLATE_TOO_LARGE: gettext_lazy("The message was too large."),
    Reason.LIMIT_REACHED: gettext_lazy("The site’s limit was used up."),
    Reason.SUPPRESSION_LIST: gettext_lazy("The address is blocked."),
    Reason.PRIVATE_ADDRESS: gettext_lazy("The address is set to private."),
    Reason.SERVICE_PROVIDER_ERROR: gettext_lazy("The mail server refused it."),
    Reason.UNKNOWN_ERROR: gettext_lazy("It was refused, and the cause is not known."),
    Reason.UNSUBSCRIBED: gettext_lazy("They have unsubscribed."),
}
NO_LONGER = gettext_lazy("The address was blocked, and is no longer.")


def notification(
    note: Notification, attempts: Sequence[Attempt], blocked: Suppression | None
) -> Told:
    """Explain a notification: `attempts` oldest first; `blocked` if its address is so now."""
    status, account = NotificationStatus(note.status), account_for(note)
    why = account_of(account, because(note)) if account else because(note)
    return Told(
        title=_title(note, blocked),
        happened=_happened(note, attempts),
        reason=str(account.words if account else NOTIFICATION_STATUS_WORDS[status]),
        why=_as_of_now(note, why, blocked),
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


def _title(note: Notification, blocked: Suppression | None) -> str:
    name = words.outside(note.person.name or note.address)
    title = str(TITLES[NotificationStatus(note.status)][Kind(note.kind)]) % {"name": name}
    if note.status != NotificationStatus.FAILED:
        return title
    briefly = BRIEFLY[Reason(note.reason)]
    if note.reason == Reason.SUPPRESSION_LIST and blocked is None:
        briefly = NO_LONGER
    return words.sentences((title, briefly))


# --- What happened -------------------------------------------------------------------------------


def _happened(note: Notification, attempts: Sequence[Attempt]) -> tuple[str, ...]:
    made = words.said_at(note.created_at)
    if note.status == NotificationStatus.WITHHELD:
        return (_("Deskpost noted %(when)s that nothing was to be sent.") % {"when": made},)
    first = _("Deskpost made the notification %(when)s.") % {"when": made}
    if not attempts:
        if note.status == NotificationStatus.QUEUED:
            return (first, _("Nothing left this site yet."))
        return (first, _("It stopped before sending it. Nothing left this site."))
    tried = ngettext(
        "It was handed to a server once.",
        "It was handed to a server %(count)d times.",
        len(attempts),
    ) % {"count": len(attempts)}
    ending = _ending(note, attempts[-1])
    return (first, tried, ending) if ending else (first, tried)


def _ending(note: Notification, last: Attempt) -> str:
    if note.status == NotificationStatus.DELIVERED:
        return _("The server took it. No bounce has come back.")
    if note.status == NotificationStatus.QUEUED:
        return _next_try(note, last)
    if last.result == "accepted":
        return _("The server took it at first; a bounce came back later.")
    if note.facts.get("gave_up"):
        return _("It was refused for now each time, and after a day Deskpost gave up.")
    if last.ended_at is None:
        return _("The last try was cut off: whether the server took it is not known.")
    return _("The server refused it for good.")


def _next_try(note: Notification, last: Attempt) -> str:
    if note.due_at is None:
        return ""
    when = {"when": words.said_at(note.due_at)}
    if last.ended_at is None:
        return _("The last try has no end yet; the next is due %(when)s.") % when
    return _("It was refused for now, and is tried again %(when)s.") % when


# --- Why: a function for each family -------------------------------------------------------------


def because(note: Notification) -> Why:
    """Explain what decided, from the facts of the row."""
    facts: Facts = note.facts if isinstance(note.facts, dict) else {}
    if note.status == NotificationStatus.QUEUED:
        return _waiting(note, facts)
    if note.status == NotificationStatus.DELIVERED:
        return _delivered(facts)
    if note.status == NotificationStatus.WITHHELD:
        return Why()
    return WHY[Reason(note.reason)](note, facts)


def _delivered(facts: Facts) -> Why:
    took = _("The server that takes this site’s mail said yes.")
    delayed = facts.get("delayed")
    if not isinstance(delayed, dict):
        return Why(sentences=(took,))
    later = _("A server on the way reported later that it is delayed, and still tried.")
    return Why(sentences=(took, later), evidence=said(delayed, _("The report")))


def _waiting(note: Notification, facts: Facts) -> Why:
    if facts.get("answer") or facts.get("code"):
        return Why(
            sentences=(_("The server asked to try again later."),),
            evidence=said(facts, _("The last answer")),
        )
    return Why(sentences=(_("It waits for its turn."),))


def _internal(note: Notification, facts: Facts) -> Why:
    text = "\n".join(str(facts[name]) for name in ("error", "id") if facts.get(name))
    if not text:
        return Why()
    return Why(evidence=(Evidence(source=_("The error, and its id to quote"), before=text),))


PROBLEMS = {
    "empty": gettext_lazy("There is no address."),
    "missing_at": gettext_lazy("It has no @."),
    "many_at": gettext_lazy("It has more than one @."),
    "comma": gettext_lazy("It has a comma or semicolon."),
    "space": gettext_lazy("It has a space."),
    "control": gettext_lazy("It has a character that cannot be seen."),
    "brackets": gettext_lazy("It has a bracket or quotation mark."),
    "bad_domain": gettext_lazy("What follows the @ is not the name of a mail domain."),
    "empty_local": gettext_lazy("Nothing stands before the @."),
    "too_long": gettext_lazy("It is longer than an address can be."),
    "encoded_word": gettext_lazy("It has =? in it, which mail programs take for encoded text."),
    "non_ascii_local": gettext_lazy("It has letters that the mail server may not take."),
}


def _malformed(note: Notification, facts: Facts) -> Why:
    if "problem" not in facts:  # the server found it, not we
        return _refused(note, facts)
    sentences = [str(PROBLEMS.get(str(facts.get("problem")), ""))]
    if facts.get("suggestion"):
        suggestion = words.outside(facts["suggestion"])
        sentences.append(_("Was %(address)s meant?") % {"address": suggestion})
    at, shown = facts.get("position"), note.address
    cut = at if isinstance(at, int) and 0 <= at < len(shown) else len(shown)
    evidence = Evidence(
        source=_("The address as given"),
        before=shown[:cut],
        marked=shown[cut : cut + 1],
        after=shown[cut + 1 :],
    )
    return Why(sentences=tuple(filter(None, sentences)), evidence=(evidence,))


def _too_large(note: Notification, facts: Facts) -> Why:
    if "bytes" not in facts:  # the server found it, not we
        return _refused(note, facts)
    sentence = _("It has %(size)s; this site sends up to %(limit)s.") % {
        "size": words.size(facts["bytes"]),
        "limit": words.size(facts.get("limit")),
    }
    parts = [part for part in facts.get("largest") or () if isinstance(part, dict)]
    text = "\n".join(f"{part.get('name')}: {words.size(part.get('bytes'))}" for part in parts)
    evidence = (Evidence(source=_("The largest parts"), before=text),) if text else ()
    return Why(sentences=(sentence,), evidence=evidence)


def _limit(note: Notification, facts: Facts) -> Why:
    sentences = []
    if "sent" in facts:
        sentences.append(
            _("%(sent)s of %(limit)s notifications were sent that day (UTC).")
            % {"sent": words.count(facts["sent"]), "limit": words.count(facts.get("limit"))}
        )
    if resets := words.parsed(facts.get("resets")):
        sentences.append(_("The limit resets %(when)s.") % {"when": words.said_at(resets)})
    return Why(sentences=tuple(sentences))


CAUSES = {
    Suppression.Cause.HARD_BOUNCE: gettext_lazy(
        "It went on the suppression list on %(when)s, after a hard bounce."
    ),
    Suppression.Cause.SOFT_BOUNCES: gettext_lazy(
        "It went on the suppression list on %(when)s, after several temporary failures in a row."
    ),
    Suppression.Cause.COMPLAINT: gettext_lazy(
        "It went on the suppression list on %(when)s, after a complaint of spam."
    ),
    Suppression.Cause.BY_HAND: gettext_lazy("A person put it on the suppression list on %(when)s."),
}
EVIDENCE_OF: Mapping[str, object] = {
    Suppression.Cause.HARD_BOUNCE: gettext_lazy("The bounce"),
    Suppression.Cause.SOFT_BOUNCES: gettext_lazy("The last of these failures"),
}
CAUSE_WORDS = {
    Suppression.Cause.HARD_BOUNCE: gettext_lazy("Hard bounce"),
    Suppression.Cause.SOFT_BOUNCES: gettext_lazy("Soft bounces"),
    Suppression.Cause.COMPLAINT: gettext_lazy("Complaint"),
    Suppression.Cause.BY_HAND: gettext_lazy("By hand"),
}


def _suppressed(note: Notification, facts: Facts) -> Why:
    cause, since = str(facts.get("cause", "")), words.parsed(facts.get("since"))
    sentences: tuple[str, ...] = ()
    if cause in CAUSES and since:
        said_when = words.moment(since)
        sentences = (str(CAUSES[Suppression.Cause(cause)]) % {"when": said_when},)
    if ends := words.parsed(facts.get("expires")):
        sentences = (*sentences, _("The block ends on %(when)s.") % {"when": words.moment(ends)})
    source = EVIDENCE_OF.get(cause, gettext_lazy("The report"))
    return Why(sentences=sentences, evidence=(*said(facts, str(source)), *_note_of(facts)))


def _note_of(facts: Facts) -> tuple[Evidence, ...]:
    text = str(facts.get("note") or "")
    return (Evidence(source=_("The note of who did it"), before=text),) if text else ()


def _private(note: Notification, facts: Facts) -> Why:
    return Why()


def _unsubscribed(note: Notification, facts: Facts) -> Why:
    since = words.parsed(facts.get("since"))
    if since is None:
        return Why()
    return Why(sentences=(_("They did so on %(date)s.") % {"date": words.moment(since, "date")},))


POLICY = gettext_lazy(
    "It is a refusal by policy: of this site or of the message, not of the address, which was "
    "not blocked for it."
)


def _refused(note: Notification, facts: Facts) -> Why:
    bounced = bool(facts.get("incoming"))
    policy = (str(POLICY),) if is_policy(facts) else ()
    return Why(
        sentences=policy,
        evidence=said(facts, _("The bounce") if bounced else _("The server’s answer")),
    )


def is_policy(facts: Facts) -> bool:
    """Whether a server refused what or who we are (RFC 3463, x.7.x), and not the address."""
    return str(facts.get("enhanced") or "")[1:3] == ".7"


WHY: Mapping[Reason, Callable[[Notification, Facts], Why]] = {
    Reason.INTERNAL_ERROR: _internal,
    Reason.VALIDATION_ERROR: _malformed,
    Reason.TEMPLATE_TOO_LARGE: _too_large,
    Reason.LIMIT_REACHED: _limit,
    Reason.SUPPRESSION_LIST: _suppressed,
    Reason.PRIVATE_ADDRESS: _private,
    Reason.SERVICE_PROVIDER_ERROR: _refused,
    Reason.UNKNOWN_ERROR: _refused,
    Reason.UNSUBSCRIBED: _unsubscribed,
}


# --- Attempts ------------------------------------------------------------------------------------

RESULTS = {
    "accepted": gettext_lazy("Taken"),
    "temporary": gettext_lazy("Refused for now"),
    "permanent": gettext_lazy("Refused for good"),
}


def attempt_words(attempt: Attempt, note: Notification, now: datetime) -> str:
    """Say what became of a try. One without an end is under way, or was cut off."""
    if attempt.ended_at is not None:
        return str(RESULTS.get(attempt.result, attempt.result))
    if note.owner and note.lease_until and note.lease_until > now:
        return _("Under way")
    return _("Cut off: it is not known whether the server took it")
