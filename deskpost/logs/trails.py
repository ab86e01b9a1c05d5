"""The trail of a log entry: which guards or rules were asked, what each answered, which decided."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.logs import words
from deskpost.logs.explain import Facts, Step
from deskpost.models import InboundEmail, Notification, Role
from deskpost.outcomes import (
    GUARD_WORDS,
    INCOMING_STATUS_WORDS,
    OUTCOMES,
    RULE_WORDS,
    Guard,
    IncomingStatus,
    NotificationStatus,
    Outcome,
    Rule,
)


def entries(row: Notification | InboundEmail) -> list[Facts]:
    """Return what is stored of the trail."""
    return [entry for entry in row.trail if isinstance(entry, dict)]


def _unasked(names: list[str]) -> Step:
    return Step(words=" · ".join(names), answer=_("not asked"), asked=False)


# --- Guards of a notification --------------------------------------------------------------------

# What a guard that let the notification pass has found: "well formed: yes", "unsubscribed: no".
PASSED_MEANS_YES = frozenset({Guard.VALIDATION, Guard.SIZE})
# Settled before the row was made: they stand in the trail only where they decided.
AT_FIRST = frozenset({Guard.OWN_ACTION, Guard.MUTED, Guard.RULE_OFF})


def of_notification(note: Notification) -> tuple[Step, ...]:
    """Return the trail of a notification."""
    stored = entries(note)
    steps = [guard_step(Guard(entry["guard"]), entry) for entry in stored]
    asked = {entry["guard"] for entry in stored}
    rest = [guard for guard in Guard if guard not in asked and guard not in AT_FIRST]
    if rest and note.status != NotificationStatus.QUEUED:
        steps.append(_unasked([str(GUARD_WORDS[guard]) for guard in rest]))
    return tuple(steps)


def guard_step(guard: Guard, entry: Facts) -> Step:
    """Return one line of the trail from what is stored of it."""
    facts: Facts = entry.get("facts") or {}
    if entry.get("answer") == "stopped":
        return Step(words=str(GUARD_WORDS[guard]), answer=_("stopped"), decides=True)
    answer = _("yes") if guard in PASSED_MEANS_YES else _("no")
    if guard == Guard.SIZE and "bytes" in facts:
        answer = _("yes, %(size)s") % {"size": words.size(facts["bytes"])}
    elif guard == Guard.LIMIT and "sent" in facts:
        answer = _("no, %(sent)s of %(limit)s") % {
            "sent": words.count(facts["sent"]),
            "limit": words.count(facts.get("limit")),
        }
    return Step(words=str(GUARD_WORDS[guard]), answer=answer, notes=_fallback(guard, facts))


def _fallback(guard: Guard, facts: Facts) -> tuple[str, ...]:
    """Say that the project's own template failed: it was noticed while composing."""
    if guard != Guard.SIZE or not isinstance(facts.get("template"), dict):
        return ()
    said = words.outside(str(facts["template"].get("said", "")))
    text = _("The project’s own template failed (%(said)s). The standard one was used.")
    return (text % {"said": said},)


# --- Rules for an incoming message ---------------------------------------------------------------

ANSWERS = {
    "no": gettext_lazy("no"),
    "yes": gettext_lazy("yes"),
    "passed": gettext_lazy("yes, but let pass"),
    "unknown": gettext_lazy("no answer"),
    "n/a": gettext_lazy("does not apply"),
}


def of_incoming(row: InboundEmail, outcome: Outcome) -> tuple[Step, ...]:
    """Return the trail of an incoming message that came to this outcome."""
    stored, status = entries(row), OUTCOMES[outcome].status
    if not stored:
        return ()
    steps = [rule_step(Rule(entry["rule"]), entry) for entry in stored]
    if status == IncomingStatus.SUCCESS:
        steps.append(Step(words=str(OUTCOMES[outcome].words), answer=_status(status), decides=True))
        return tuple(steps)
    last = steps[-1]
    steps[-1] = Step(
        words=last.words,
        answer=_status(status),
        decides=True,
        notes=_notes(Rule(stored[-1]["rule"]), stored[-1].get("facts") or {}),
    )
    asked = {entry["rule"] for entry in stored}
    if rest := [str(RULE_WORDS[rule]) for rule in Rule if rule not in asked]:
        steps.append(_unasked(rest))
    return tuple(steps)


def _status(status: IncomingStatus) -> str:
    return str(INCOMING_STATUS_WORDS[status])


def rule_step(rule: Rule, entry: Facts) -> Step:
    """Return one line of the trail from what is stored of it."""
    facts: Facts = entry.get("facts") or {}
    answer = str(ANSWERS.get(str(entry.get("answer")), entry.get("answer", "")))
    if looked_at := _looked_at(rule, facts):
        answer = _("%(answer)s, %(looked_at)s") % {"answer": answer, "looked_at": looked_at}
    notes = _notes(rule, facts) if entry.get("answer") in {"passed", "unknown"} else ()
    return Step(words=str(RULE_WORDS[rule]), answer=answer, notes=notes)


def _looked_at(rule: Rule, facts: Facts) -> str:
    """Say briefly what the rule looked at."""
    if facts.get("backlog"):
        return _("it waited in the mailbox")
    if rule == Rule.SIZE and "bytes" in facts:
        return words.size(facts["bytes"])
    if rule == Rule.BLOCK_LIST and isinstance(facts.get("entries"), int):
        count = facts["entries"]
        return ngettext("%(count)d entry", "%(count)d entries", count) % {"count": count}
    if rule in {Rule.THREAD, Rule.CLOSED} and facts.get("key"):
        return str(facts["key"])
    if rule == Rule.DMARC:
        return _domain(facts)
    if rule == Rule.SIGNUP:
        return _standing(facts)
    return ""


VERDICTS = {
    "pass": gettext_lazy("%(domain)s vouches for it"),
    "none": gettext_lazy("%(domain)s publishes no policy"),
}


def _domain(facts: Facts) -> str:
    domain = {"domain": words.outside(facts.get("domain", ""))}
    if facts.get("verdict") in VERDICTS:
        return str(VERDICTS[facts["verdict"]]) % domain
    if facts.get("policy") == "none":
        return _("%(domain)s asks for nothing to be done") % domain
    return str(facts.get("domain") or "")


AUTHENTICATION = ("spf", "dkim", "record", "upstream", "from_upstream", "dns")


def authentication(facts: Facts) -> str:
    """Return what SPF, DKIM and DNS said, a line each, in the terms of the field."""
    return "\n".join(f"{name}: {facts[name]}" for name in AUTHENTICATION if facts.get(name))


def _standing(facts: Facts) -> str:
    if facts.get("role") in Role.values:
        return str(Role(facts["role"]).label)
    return _("sign-up is open") if facts.get("signup") == "open" else ""


# Where a rule can be changed, or what it means that it decided.
NOTES = {
    Rule.SIZE: gettext_lazy("The site admin sets the limit (DESKPOST_INBOUND_LIMIT)."),
    Rule.SEEN: gettext_lazy("The same Message-ID, sender, date and text as an earlier message."),
    Rule.BLOCK_LIST: gettext_lazy("The block list of the project."),
    Rule.AUTO_REPLY: gettext_lazy(
        "An allowed domain passes this rule: the allow list of the project."
    ),
    Rule.BULK: gettext_lazy("An allowed domain passes this rule: the allow list of the project."),
    Rule.DMARC: gettext_lazy("The settings of the channel say whether it checks this."),
    Rule.LOOP: gettext_lazy("The settings of the channel hold the threshold; no list lifts it."),
    Rule.CLOSED: gettext_lazy("The project decides whether an answer then opens a new request."),
    Rule.SIGNUP: gettext_lazy("The project decides whether strangers may write to it."),
    Rule.FIELDS: gettext_lazy("The request type of the channel decides which fields are required."),
}


def _notes(rule: Rule, facts: Facts) -> tuple[str, ...]:
    notes = [str(NOTES[rule])] if rule in NOTES else []
    if rule == Rule.DMARC and (said := authentication(facts)):
        notes.append(words.outside(said.replace("\n", "; ")))
    if facts.get("entry"):
        entry = words.outside(facts["entry"])
        notes.append(_("The entry that matches: %(entry)s") % {"entry": entry})
    return tuple(notes)
