"""What was heard of a notification after a server took it: that it arrived, is delayed, or was
called spam, and the provider's own event, where one told it."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.logs import words
from deskpost.logs.explain import Evidence, Facts, Why, said
from deskpost.models import Notification

MOST_RAW = 8_000  # characters of a provider's event that are shown


# What the person did, beside whatever became of the message: without a moment, and with one.
ACTS = {
    "complained": (
        gettext_lazy("They called it spam."),
        gettext_lazy("They called it spam %(when)s."),
        gettext_lazy("The complaint"),
    ),
    "unsubscribed": (
        gettext_lazy("They unsubscribed at the provider."),
        gettext_lazy("They unsubscribed at the provider %(when)s."),
        gettext_lazy("Their wish to unsubscribe"),
    ),
}


def news(facts: Facts) -> Why:
    """Explain what was heard of what was sent, with who said it. Nothing, if nothing was."""
    sentences: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    for name, sentence in (
        ("delayed", _("A server on the way reported later that it is delayed, and still tried.")),
        ("was_delayed", _("A server on the way had reported a delay before it arrived.")),
    ):
        if isinstance(told := facts.get(name), dict):
            sentences = (*sentences, sentence)
            evidence = (*evidence, *said(told, _("The report")), *event(told))
    return Why(sentences=sentences, evidence=(*evidence, *event(facts), *acts_evidence(facts)))


def confirmed(note: Notification) -> str:
    """Say when the delivery was confirmed; empty where it was not."""
    if not note.arrived_at:
        return ""
    when = {"when": words.said_at(note.arrived_at)}
    return _("Its server confirmed the delivery %(when)s.") % when


def acts(facts: Facts) -> tuple[str, ...]:
    """Say what the person did since: called it spam, unsubscribed."""
    return tuple(_act(name, facts[name]) for name in ACTS if facts.get(name))


def _act(name: str, told: Any) -> str:
    plain, dated, _source = ACTS[name]
    at = words.parsed(told.get("at") if isinstance(told, dict) else told)
    return str(dated) % {"when": words.said_at(at)} if at else str(plain)


def acts_evidence(facts: Facts) -> tuple[Evidence, ...]:
    """Return who told of it, in their words; where they gave none, at least the way to them."""
    found: list[Evidence] = []
    for name, (_plain, _dated, source) in ACTS.items():
        if not isinstance(told := facts.get(name), dict):
            continue
        one = (*said(told, str(source)), *event(told))
        found += one or said({**told, "answer": _("It gave no words.")}, str(source))
    return tuple(found)


def event(facts: Facts) -> tuple[Evidence, ...]:
    """Return a provider's own event (provider, event, at, raw) as evidence."""
    told = facts.get("event")
    if not isinstance(told, dict):
        return ()
    provider = words.provider(told.get("provider"))
    named, raw = str(told.get("event") or "")[:80], _raw(told.get("raw"))
    if not (named or raw):
        return ()
    source = _("The event of %(provider)s") if provider else _("The provider’s event")
    return (
        Evidence(
            source=source % {"provider": provider} if provider else source,
            at=words.parsed(told.get("at")),
            server=named if raw else "",
            before=raw or named,
        ),
    )


def _raw(raw: Any) -> str:
    """Write what the provider posted: text as it is, else as JSON, and not without end."""
    if raw in (None, "", {}):
        return ""
    text = raw if isinstance(raw, str) else json.dumps(raw, indent=2, ensure_ascii=False)
    return text if len(text) <= MOST_RAW else text[:MOST_RAW] + " …"
