"""Why a notification failed, in this case: one function for each family of reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import explain_late, words
from deskpost.logs.explain import Evidence, Facts, Why, said
from deskpost.models import Notification, Suppression
from deskpost.outcomes import Reason


def failed(note: Notification, facts: Facts) -> Why:
    """Explain a failure from the facts of its row, which nobody need have checked."""
    return WHY[Reason(note.reason)](note, facts)


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
            _("%(sent)s of %(limit)s notifications were sent that day (%(zone)s).")
            % {
                "sent": words.count(facts["sent"]),
                "limit": words.count(facts.get("limit")),
                "zone": words.outside(facts.get("zone") or _zone()),
            }
        )
    resets = words.parsed(facts.get("resets"))
    if resets and resets > timezone.now():
        sentences.append(_("The limit resets %(when)s.") % {"when": words.said_at(resets)})
        sentences.append(_("After the reset it can be sent again."))
    elif resets:
        sentences.append(_("The limit was reset %(when)s.") % {"when": words.said_at(resets)})
        sentences.append(_("It can be sent again."))
    return Why(sentences=tuple(sentences))


def _zone() -> str:
    return str(settings.DESKPOST.get("LIMIT_ZONE") or settings.TIME_ZONE)


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
    told = (*said(facts, str(source)), *explain_late.event(facts), *_note_of(facts))
    return Why(sentences=sentences, evidence=told)


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
    bounced = bool(facts.get("incoming") or facts.get("event"))
    policy = (str(POLICY),) if is_policy(facts) else ()
    answer = said(facts, _("The bounce") if bounced else _("The server’s answer"))
    return Why(sentences=policy, evidence=(*answer, *explain_late.event(facts)))


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
