"""What the drawer of an incoming message says: one function for each family of outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from deskpost.logs import arrival, notes, trails, words
from deskpost.logs.connection_facts import SAID_LENGTH
from deskpost.logs.explain import Evidence, Facts, Told, Why, account_of
from deskpost.models import InboundEmail
from deskpost.outcomes import (
    INCOMING_STATUS_WORDS,
    OUTCOMES,
    IncomingStatus,
    Outcome,
    Rule,
)

TITLES = {
    Outcome.REQUEST_CREATED: gettext_lazy("This message became %(key)s."),
    Outcome.COMMENT_ADDED: gettext_lazy("This message became a comment on %(key)s."),
    Outcome.TOO_LARGE: gettext_lazy("This message was too large to be taken."),
    Outcome.DUPLICATE: gettext_lazy("This message was here already. Nothing was done twice."),
    Outcome.SENT_BY_THIS_SITE: gettext_lazy("Mail of this site came back. It made nothing."),
    Outcome.BLOCKED_SENDER: gettext_lazy("The sender is blocked. The message made nothing."),
    Outcome.DELIVERY_STATUS: gettext_lazy("A mail server reports on a message of this site."),
    Outcome.COMPLAINT: gettext_lazy("A message of this site was called spam."),
    Outcome.AUTO_REPLY: gettext_lazy("An automatic reply. It was kept, and made no comment."),
    Outcome.BULK: gettext_lazy("Mail to a list or to many. It was kept, and made no request."),
    Outcome.DMARC: gettext_lazy("The sender may be forged. The message made nothing."),
    Outcome.TOO_MANY: gettext_lazy("This sender writes too often. The message made nothing."),
    Outcome.NO_SENDER: gettext_lazy("The message has no usable sender, and made nothing."),
    Outcome.NO_PERMISSION: gettext_lazy("The sender has no part in %(key)s. No comment was made."),
    Outcome.REQUEST_CLOSED: gettext_lazy("%(key)s is closed. No comment was made."),
    Outcome.SIGNUP_CLOSED: gettext_lazy("The sender is not a customer here. No request was made."),
    Outcome.REQUIRED_FIELDS: gettext_lazy(
        "Mail cannot give what is required. No request was made."
    ),
    Outcome.CHANNEL_REMOVED: gettext_lazy("The channel was removed while this message waited."),
    Outcome.NOT_FETCHED: gettext_lazy("The mailbox’s server does not give this message out."),
    Outcome.INTERNAL_ERROR: gettext_lazy("Deskpost failed on this message and set it aside."),
}


def incoming(row: InboundEmail, now: datetime) -> Told:
    """Explain an incoming message."""
    if row.status == IncomingStatus.PROCESSING or not row.outcome:
        return _waiting(row, now)
    outcome = Outcome(row.outcome)
    account = OUTCOMES[outcome]
    return Told(
        title=str(TITLES[outcome]) % {"key": row.request_key or _("a request")},
        happened=_happened(row, outcome),
        reason=str(account.words),
        why=account_of(account, because(row, outcome)),
        remedy=_unproven(row) or str(account.remedy),
        page=account.page,
        trail=trails.of_incoming(row, outcome),
    )


def _unproven(row: InboundEmail) -> str:
    """Return the remedy of a report that changed nothing, in place of the usual one."""
    if row.facts.get("effect") in {"nothing", "other_recipient"}:
        return _("Nothing to do: whoever forges a report must not be able to stop mail to anybody.")
    return ""


def details(row: InboundEmail, now: datetime) -> str:
    """Say the outcome in the words of the list."""
    if row.status == IncomingStatus.PROCESSING or not row.outcome:
        return _("In the queue for %(span)s") % {"span": words.span(row.received_at, now)}
    return str(OUTCOMES[Outcome(row.outcome)].words)


def _waiting(row: InboundEmail, now: datetime) -> Told:
    waits = _("It waits to be read for %(span)s.") % {"span": words.span(row.received_at, now)}
    return Told(
        title=_("This message waits to be processed."),
        happened=(arrival.happened(row), waits),
        reason=str(INCOMING_STATUS_WORDS[IncomingStatus.PROCESSING]),
        why=_broken(row, row.facts) if row.facts else Why(),
        remedy=_("Usually nothing: a message is processed within seconds."),
    )


# --- What happened -------------------------------------------------------------------------------

BECAME = {
    IncomingStatus.SUCCESS: gettext_lazy("It was read, and nothing stood in its way."),
    IncomingStatus.SKIPPED: gettext_lazy(
        "It was set aside: nothing was added to a request, and nobody was notified."
    ),
    IncomingStatus.FAILED: gettext_lazy(
        "It made no request and no comment, and nobody was notified."
    ),
}


def _happened(row: InboundEmail, outcome: Outcome) -> tuple[str, ...]:
    account = OUTCOMES[outcome]
    sentences = [arrival.happened(row, outcome), str(BECAME[account.status])]
    if row.request_key and account.status != IncomingStatus.SUCCESS:
        sentences.append(_("It is about %(key)s.") % {"key": row.request_key})
    if row.facts.get("import"):
        sentences.append(_("It is old mail that was imported: nobody was notified of it."))
    if row.facts.get("backlog"):
        waited = _(
            "It waited in the mailbox while the channel was down: nobody was told that it came."
        )
        sentences.append(waited)
    return (*sentences, *notes.said(row.facts.get("notes")), *_earlier_runs(row))


RUNS_TOLD = 3


def _earlier_runs(row: InboundEmail) -> tuple[str, ...]:
    """Say what it came to before it was processed again, the last runs last."""
    said = []
    for run in row.runs[-RUNS_TOLD:]:
        at, outcome = words.parsed(run.get("at")), run.get("outcome")
        if at is None or outcome not in OUTCOMES:
            continue
        facts = {"run": run["run"], "when": words.said_at(at), "outcome": OUTCOMES[outcome].words}
        said.append(_("Run %(run)s, %(when)s: %(outcome)s.") % facts)
    if said and row.settled_at:
        now = {"run": row.run, "when": words.said_at(row.settled_at)}
        said.append(_("This is what run %(run)s came to, %(when)s.") % now)
    return tuple(said)


# --- Why: a function for each family -------------------------------------------------------------


def because(row: InboundEmail, outcome: Outcome) -> Why:
    """Explain what decided, from the facts of the row."""
    facts: Facts = row.facts if isinstance(row.facts, dict) else {}
    return WHY[outcome](row, facts)


def _taken(row: InboundEmail, facts: Facts) -> Why:
    """Success: what led to the request, if something did."""
    thread = next((e for e in trails.entries(row) if e.get("rule") == Rule.THREAD), {})
    found: Facts = thread.get("facts") or {}
    return _says(row, found) if found.get("because") else Why()


def _says(row: InboundEmail, facts: Facts) -> Why:
    """The message says so itself, in a header."""
    if not facts.get("because"):
        return Why()
    return Why(evidence=(Evidence(source=_("The message says"), before=str(facts["because"])),))


PROOFS = {
    "address": gettext_lazy(
        "It came to the address that only the bounces of one notification come to."
    ),
    "message_id": gettext_lazy("It holds the signed Message-ID of a notification of this site."),
    "none": gettext_lazy(
        "It does not prove to be about a notification of this site, so it changed nothing."
    ),
}
EFFECTS = {
    "other_recipient": gettext_lazy(
        "It reports on another address than that notification’s, so it changed nothing."
    ),
    "delayed": gettext_lazy("The notification to %(recipient)s is delayed, and still tried."),
    "delivered": gettext_lazy("The notification to %(recipient)s has arrived."),
    "failed": gettext_lazy("The notification to %(recipient)s is Failed now."),
    "blocked": gettext_lazy(
        "The notification to %(recipient)s is Failed now, and the address is blocked."
    ),
    "complained": gettext_lazy("The address %(recipient)s is blocked now."),
}


def _reports(row: InboundEmail, facts: Facts) -> Why:
    """What a report proves, and what it changed."""
    named = {"recipient": words.outside(facts.get("recipient", ""))}
    said = [str(PROOFS.get(str(facts.get("proof")), ""))]
    said.append(str(EFFECTS.get(str(facts.get("effect")), "")) % named)
    return Why(sentences=tuple(filter(None, said)), evidence=_says(row, facts).evidence)


POLICIES = {
    "quarantine": gettext_lazy("The domain %(domain)s asks that such mail be set aside."),
    "reject": gettext_lazy("The domain %(domain)s asks that such mail be refused."),
}


def _disowned(row: InboundEmail, facts: Facts) -> Why:
    policy = POLICIES.get(str(facts.get("policy")))
    named = {"domain": words.outside(facts.get("domain", ""))}
    checked = trails.authentication(facts)
    return Why(
        sentences=(str(policy) % named,) if policy else (),
        evidence=(Evidence(source=_("What was checked"), before=checked),) if checked else (),
    )


def _measured(row: InboundEmail, facts: Facts) -> Why:
    if "bytes" not in facts:
        return Why()
    sizes = {"size": words.size(facts["bytes"]), "limit": words.size(facts.get("limit"))}
    sentences = [_("It has %(size)s; this site takes up to %(limit)s.") % sizes]
    if not row.raw_key:
        sentences.append(_("Here not even these: it was refused before anything of it was sent."))
    return Why(sentences=tuple(sentences))


def _twice(row: InboundEmail, facts: Facts) -> Why:
    if not facts.get("key"):
        return Why()
    return Why(sentences=(_("The first copy belongs to %(key)s.") % {"key": facts["key"]},))


def _listed(row: InboundEmail, facts: Facts) -> Why:
    if not facts.get("entry"):
        return Why()
    sentence = _("The entry %(entry)s matches.") % {"entry": words.outside(facts["entry"])}
    said = f"{facts.get('where', '')}: {facts.get('because', '')}"
    return Why(
        sentences=(sentence,), evidence=(Evidence(source=_("The message says"), before=said),)
    )


def _often(row: InboundEmail, facts: Facts) -> Why:
    if not isinstance(facts.get("count"), int):
        return Why()
    sentence = ngettext(
        "%(count)s message of this sender had come within %(minutes)s minutes.",
        "%(count)s messages of this sender had come within %(minutes)s minutes.",
        facts["count"],
    )
    return Why(sentences=(sentence % {"count": facts["count"], "minutes": facts.get("minutes")},))


def _answers(row: InboundEmail, facts: Facts) -> Why:
    """It answers a request to which it cannot be added."""
    return _taken(row, facts)


def _closed_to_new(row: InboundEmail, facts: Facts) -> Why:
    return Why(sentences=(_("Sign-up for the project is closed."),))


def _fields(row: InboundEmail, facts: Facts) -> Why:
    names = [str(name) for name in facts.get("fields") or ()]
    if not names:
        return Why()
    fields = words.outside(words.listed(names))
    said = {"type": words.outside(facts.get("type", "")), "fields": fields}
    return Why(sentences=(_("“%(type)s” requires: %(fields)s.") % said,))


def _removed(row: InboundEmail, facts: Facts) -> Why:
    if not facts.get("by"):
        return Why()
    by = {"name": words.outside(str(facts["by"])[:255])}
    return Why(sentences=(_("%(name)s removed the channel.") % by,))


def _withheld(row: InboundEmail, facts: Facts) -> Why:
    """The mailbox's server did not give it."""
    sentences, tries = [], facts.get("tries")
    if isinstance(tries, int) and tries > 0:
        asked = ngettext(
            "Deskpost asked for it %(count)s time.", "Deskpost asked for it %(count)s times.", tries
        )
        sentences.append(asked % {"count": words.count(tries)})
    named = {name: words.outside(str(facts.get(name) or "")[:255]) for name in ("folder", "uid")}
    if all(named.values()):
        sentences.append(_("It lies in the folder “%(folder)s” as number %(uid)s.") % named)
    text = str(facts.get("said") or "")[:SAID_LENGTH].strip()
    said = (Evidence(source=_("The server says"), before=text),) if text else ()
    return Why(sentences=tuple(sentences), evidence=said)


def _broken(row: InboundEmail, facts: Facts) -> Why:
    text = "\n".join(str(facts[name]) for name in ("error", "id") if facts.get(name))
    if not text:
        return Why()
    return Why(evidence=(Evidence(source=_("The error, and its id to quote"), before=text),))


WHY: Mapping[Outcome, Callable[[InboundEmail, Facts], Why]] = {
    Outcome.REQUEST_CREATED: _taken,
    Outcome.COMMENT_ADDED: _taken,
    Outcome.TOO_LARGE: _measured,
    Outcome.DUPLICATE: _twice,
    Outcome.SENT_BY_THIS_SITE: _says,
    Outcome.BLOCKED_SENDER: _listed,
    Outcome.DELIVERY_STATUS: _reports,
    Outcome.COMPLAINT: _reports,
    Outcome.AUTO_REPLY: _says,
    Outcome.BULK: _says,
    Outcome.DMARC: _disowned,
    Outcome.TOO_MANY: _often,
    Outcome.NO_SENDER: _says,
    Outcome.NO_PERMISSION: _answers,
    Outcome.REQUEST_CLOSED: _answers,
    Outcome.SIGNUP_CLOSED: _closed_to_new,
    Outcome.REQUIRED_FIELDS: _fields,
    Outcome.CHANNEL_REMOVED: _removed,
    Outcome.NOT_FETCHED: _withheld,
    Outcome.INTERNAL_ERROR: _broken,
}
