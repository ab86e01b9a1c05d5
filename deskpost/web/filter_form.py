"""The filters of a list as a person meets them: the chips of those in force, the fields of the form
that adds them, the quick choices of days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from deskpost.logs import filters, words
from deskpost.logs.asked import Asked, Box
from deskpost.logs.filters import ALL, When
from deskpost.logs.given import as_day
from deskpost.logs.search_chips import chips as pieces_of
from deskpost.models import Log, Project
from deskpost.outcomes import (
    INCOMING_STATUS_WORDS,
    KIND_WORDS,
    NOTIFICATION_STATUS_WORDS,
    OUTCOMES,
    REASONS,
    WITHHELD,
    IncomingStatus,
    NotificationStatus,
)
from deskpost.web.listing import Chip

# Makes the address of the list with some filters changed; None takes one away.
Url = Callable[[Mapping[str, str | None]], str]

INCOMING_ORDER = (
    IncomingStatus.FAILED,
    IncomingStatus.SKIPPED,
    IncomingStatus.SUCCESS,
    IncomingStatus.PROCESSING,
)
# Failures first: that is what the page is opened for.
NOTIFICATION_ORDER = (
    NotificationStatus.FAILED,
    NotificationStatus.DELIVERED,
    NotificationStatus.QUEUED,
    NotificationStatus.WITHHELD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value that a filter can have, in words; `url` is the list's address with it."""

    value: str
    words: str
    chosen: bool
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One field of the form: of free text or a day (`type`), or with choices."""

    name: str
    label: str
    value: str
    type: str = "text"
    choices: tuple[Choice, ...] = ()
    example: str = ""


def chips(found: Asked, url: Url) -> list[Chip]:
    """Return a chip for each filter in force, and for each piece of the search."""
    shown = {name: text for name, text in found.values.items() if name not in {"q", "channel"}}
    shown["status"] = found.status
    # Where failures are the default, only "all" takes the status away.
    gone = {"status": ALL if found.default else None}
    made = [
        Chip(
            label=_label(found.log, name),
            value=said(found.log, name, text),
            remove=url({name: gone.get(name)}),
        )
        for name, text in _in_order(found.log, shown)
        if text
    ]
    return [*made, *box_chips(found.box, url)]


def box_chips(box: Box, url: Url) -> list[Chip]:
    """Return a chip for each piece of the search."""
    return [
        Chip(
            label=piece.label or _("Search"),
            value=_("not %(value)s") % {"value": piece.value} if piece.negated else piece.value,
            remove=url({"q": piece.without}),
        )
        for piece in (pieces_of(box.parsed) if box.parsed else ())
    ]


def day_chips(values: Mapping[str, str], url: Url) -> list[Chip]:
    """Return a chip for each filter of dates."""
    return [
        Chip(label=_label(None, name), value=said(None, name, text), remove=url({name: None}))
        for name, text in values.items()
        if name in filters.DATES
    ]


def fields(found: Asked, project: Project) -> list[Entry]:
    """Return the fields of the form, without the search box and the quick choice of days."""
    apart = {"q", "channel", "when"}
    return [_entry(found, name, project) for name in filters.names(found.log) if name not in apart]


def days(values: Mapping[str, str]) -> list[Entry]:
    """Return the fields of one's own days."""
    return [_day(name, values.get(name, "")) for name in ("from", "to")]


def quick(values: Mapping[str, str], url: Url) -> list[Choice]:
    """Return the quick choices of days; each one's address has no other filter of dates."""
    days = settings.DESKPOST["RETENTION_DAYS"]
    every = ngettext("Last %(days)s day", "Last %(days)s days", days) % {"days": days}
    chosen = values.get("when", "")
    return [
        Choice(
            value=value,
            words=said_when(value) if value else every,
            chosen=chosen == value,
            url=url({"when": value or None, "from": None, "to": None}),
        )
        for value in ("", *When)
    ]


# --- Words ---------------------------------------------------------------------------------------


def said(log: Log | None, name: str, text: str) -> str:
    """Say the value of a filter."""
    if name == "when":
        return said_when(text)
    if name in {"from", "to"}:
        day = as_day(text)
        return words.day(day) if day else text
    if log:
        return next((words for value, words in _choices(log, name) if value == text), text)
    return text


def said_when(value: str) -> str:
    """Say a quick choice of days."""
    if value == When.WEEK:
        return _("Last 7 days")
    return _("Today") if value == When.TODAY else _("Yesterday")


def status_words(log: Log) -> list[tuple[str, str]]:
    """Return the statuses of a list in the order of its tally, in words."""
    known = filters.statuses(log)
    if log == Log.INCOMING:
        return [(str(one), str(INCOMING_STATUS_WORDS[one])) for one in INCOMING_ORDER]
    order = [one for one in NOTIFICATION_ORDER if one in known]
    return [(str(one), str(NOTIFICATION_STATUS_WORDS[one])) for one in order]


def _label(log: Log | None, name: str) -> str:
    labels = {
        "sender": _("Sender"),
        "recipient": _("Recipient"),
        "subject": _("Subject"),
        "key": _("Key"),
        "status": _("Status"),
        "code": _("Outcome") if log == Log.INCOMING else _("Reason"),
        "kind": _("Notification name"),
        "size": _("Size"),
        "when": _("Dates"),
        "from": pgettext("date filter", "From"),
        "to": _("Until"),
    }
    return labels[name]


def _choices(log: Log, name: str) -> list[tuple[str, str]]:
    if name == "status":
        return status_words(log)
    if name == "code":
        return _codes(log)
    if name == "kind":
        return [(str(kind), str(KIND_WORDS[kind])) for kind in filters.KINDS]
    if name == "size":
        at_least = _("at least %(size)s")
        return [(name, at_least % {"size": words.size(n)}) for name, n in filters.SIZES.items()]
    return []


def _codes(log: Log) -> list[tuple[str, str]]:
    if log == Log.INCOMING:
        return [(str(code), str(account.words)) for code, account in OUTCOMES.items()]
    accounts = (*REASONS.items(), *WITHHELD.items())
    return [(str(code), str(account.words)) for code, account in accounts]


def _in_order(log: Log, values: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((name, values[name]) for name in filters.names(log) if name in values)


def _entry(found: Asked, name: str, project: Project) -> Entry:
    value = found.values.get(name, "")
    if name in {"from", "to"}:
        return _day(name, value)
    label = _("Request key") if name == "key" else _label(found.log, name)
    choices = _choices(found.log, name)
    if not choices:
        example = f"{project.key}-1" if name == "key" else ""
        return Entry(name=name, label=label, value=value, example=example)
    # The default of a status stands in no address, and is chosen nevertheless.
    default = found.default if name == "status" else ""
    offered = [(ALL if default else "", _("Any")), *choices]
    chosen = value or default
    return Entry(
        name=name,
        label=label,
        value=chosen,
        choices=tuple(Choice(value=one, words=said, chosen=one == chosen) for one, said in offered),
    )


def _day(name: str, value: str) -> Entry:
    label = _("From day") if name == "from" else _("To day")
    return Entry(name=name, label=label, value=value, type="date")
