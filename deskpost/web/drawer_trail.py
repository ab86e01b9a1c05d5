"""The trail of a drawer: beside each rule's answer what it looked at, and where to change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from deskpost.logs import words
from deskpost.logs.explain import Facts, Step
from deskpost.logs.explain_reasons import CAUSE_WORDS, PROBLEMS
from deskpost.logs.original_private import redacted
from deskpost.models import InboundEmail, Notification, Project
from deskpost.outcomes import Guard, Rule
from deskpost.web.drawer_links import Link

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

LENGTH = 500  # characters of a value that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line of the trail. `looked_at` are names and values: headers, addresses, settings."""

    step: Step
    looked_at: tuple[tuple[str, str], ...] = ()
    change: Link | None = None


def _size(value: Any) -> str:
    return words.size(value)


def _moment(value: Any) -> str:
    at = words.parsed(value)
    return words.moment(at, "exact") if at else str(value)


def _text(value: Any) -> str:
    said = words.listed(value) if isinstance(value, list | tuple) else str(value)
    return words.visible(redacted(" ".join(said.split())))[:LENGTH]


def _cause(value: Any) -> str:
    known = {str(cause): str(said) for cause, said in CAUSE_WORDS.items()}
    return known.get(str(value)) or _text(value)


def _problem(value: Any) -> str:
    return str(PROBLEMS.get(str(value)) or _text(value))


# What is stored of an answer, as it is shown: the words for it, and how it is written.
FACTS: Mapping[str, tuple[Words, Callable[[Any], str]]] = {
    "because": (gettext_lazy("Looked at"), _text),
    "where": (gettext_lazy("Found in"), _text),
    "entry": (gettext_lazy("Entry of the list"), _text),
    "domain": (gettext_lazy("Domain"), _text),
    "policy": (gettext_lazy("Its policy"), _text),
    "spf": ("SPF", _text),  # type: ignore[dict-item]
    "dkim": ("DKIM", _text),  # type: ignore[dict-item]
    "dns": ("DNS", _text),  # type: ignore[dict-item]
    "count": (gettext_lazy("Messages"), _text),
    "minutes": (gettext_lazy("Within minutes"), _text),
    "type": (gettext_lazy("Request type"), _text),
    "fields": (gettext_lazy("Required fields"), _text),
    "bytes": (gettext_lazy("Size"), _size),
    "limit": (gettext_lazy("Limit"), _text),
    "sent": (pgettext_lazy("a sum", "Sent"), words.count),
    "resets": (gettext_lazy("Resets"), _moment),
    "cause": (gettext_lazy("Cause"), _cause),
    "since": (pgettext_lazy("moment", "Since"), _moment),
    "expires": (pgettext_lazy("moment", "Until"), _moment),
    "problem": (gettext_lazy("Problem"), _problem),
    "character": (gettext_lazy("Character"), _text),
}


def looked_at(facts: Facts) -> tuple[tuple[str, str], ...]:
    """Return what an answer was taken from, as names and values; none of them is safe HTML."""
    shown = []
    for name, (label, write) in FACTS.items():
        if (value := facts.get(name)) in (None, "", []):
            continue
        if name == "limit":
            write = _size if "bytes" in facts else words.count
        shown.append((str(label), write(value)))
    return tuple(shown)


def of_incoming(project: Project, row: InboundEmail, steps: Sequence[Step]) -> list[Asked]:
    """Return the trail of an incoming message."""
    return _trail(steps, row.trail, "rule", lambda name: _rule_link(project, row, name))


def of_notification(project: Project, note: Notification, steps: Sequence[Step]) -> list[Asked]:
    """Return the trail of a notification."""
    return _trail(steps, note.trail, "guard", lambda name: _guard_link(project, name))


def _trail(
    steps: Sequence[Step], stored: Any, kind: str, change: Callable[[str], Link | None]
) -> list[Asked]:
    """Put beside the steps what is stored of them: one entry for each rule that was asked, in the
    same order, and none for what follows."""
    entries = [entry for entry in stored if isinstance(entry, dict)]
    made = []
    for n, step in enumerate(steps):
        entry = entries[n] if n < len(entries) and step.asked else {}
        facts = entry.get("facts")
        made.append(
            Asked(
                step=step,
                looked_at=looked_at(facts) if isinstance(facts, dict) else (),
                change=change(str(entry.get(kind, ""))),
            )
        )
    return made


_SENDERS = {Rule.BLOCK_LIST, Rule.AUTO_REPLY, Rule.BULK, Rule.CLOSED, Rule.SIGNUP}
_CHANNEL = {Rule.DMARC, Rule.LOOP, Rule.FIELDS}


def _rule_link(project: Project, row: InboundEmail, rule: str) -> Link | None:
    if rule in _SENDERS:
        return Link(words=_("Senders"), url=reverse("senders", args=[project.key]))
    if rule in _CHANNEL:
        url = reverse("channel-settings", args=[project.key, row.channel_id])
        return Link(words=_("Settings of the channel"), url=url)
    return None


def _guard_link(project: Project, guard: str) -> Link | None:
    if guard == Guard.RULE_OFF:
        url = reverse("notification-rules", args=[project.key])
        return Link(words=_("Notifications"), url=url)
    if guard in {Guard.VALIDATION, Guard.PRIVATE}:
        return Link(words=_("Customers"), url=reverse("customers", args=[project.key]))
    if guard in {Guard.UNSUBSCRIBED, Guard.MUTED, Guard.OWN_ACTION}:
        return Link(words=_("Notification preferences"), url=reverse("notification-preferences"))
    if guard in {Guard.LIMIT, Guard.SUPPRESSION}:
        return Link(words=_("Notification limits"), url=reverse("notification-limits"))
    if guard == Guard.SIZE:
        return Link(words=_("Templates"), url=reverse("templates", args=[project.key]))
    return None
