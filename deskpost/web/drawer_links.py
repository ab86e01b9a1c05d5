"""The links of a drawer: to people, to the channel, and to the messages that belong together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from deskpost.logs import queries, search, words
from deskpost.logs.explain import Facts, entry_id
from deskpost.models import InboundEmail, Log, Notification, Project
from deskpost.outcomes import Outcome

COPIES = 20  # of one message that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address and the words that lead to it."""

    words: str
    url: str


def person(email: str) -> str:
    """Return the address of everything to and from one person, or nothing where there is none."""
    if not email:
        return ""
    try:
        return reverse("person", args=[email])
    except NoReverseMatch:  # no address can hold it
        return ""


def incoming_url(project: Project, row: InboundEmail, *, under_channels: bool) -> str:
    """Return the address of a message's entry; a team-managed project has it under Email channels
    alone."""
    if under_channels or project.kind != Project.Kind.COMPANY:
        path = reverse("channel-logs", args=[project.key, row.channel_id])
        return f"{path}?entry={row.pk}"
    return reverse("incoming", args=[project.key, row.pk])


# --- What belongs to an incoming message ---------------------------------------------------------


def of_incoming(project: Project, row: InboundEmail, *, under_channels: bool) -> list[Link]:
    """Return the links to the first copy, to later ones, and to the notification that a report is
    about; each only while it is kept."""
    found: list[Link] = []
    if row.outcome == Outcome.DUPLICATE:
        first = _incoming(project, row.facts.get("first"))
        if first:
            url = incoming_url(project, first, under_channels=under_channels)
            found.append(Link(words=_("Open the first copy"), url=url))
    elif row.message_id:
        for copy in _copies(project, row):
            when = {"when": words.moment(copy.received_at, "exact")}
            url = incoming_url(project, copy, under_channels=under_channels)
            found.append(Link(words=_("The same message came again: %(when)s") % when, url=url))
    about = entry_id(row.facts.get("notification"))
    note = queries.notification(project, about) if about else None
    if note and project.kind == Project.Kind.COMPANY:
        url = reverse("notification", args=[project.key, note.pk])
        found.append(Link(words=_("Open the notification"), url=url))
    return found


def _incoming(project: Project, stored: object) -> InboundEmail | None:
    pk = entry_id(stored)
    return queries.incoming_email(project, pk) if pk else None


def _copies(project: Project, row: InboundEmail) -> Iterable[InboundEmail]:
    """Return the later copies that came, by their Message-ID: it is part of what makes a copy."""
    asked = search.Query(
        project_id=project.pk,
        log=Log.INCOMING,
        parts=(
            search.Is(property=search.Property.MESSAGE_ID, values=(row.message_id,)),
            search.Is(property=search.Property.CODE, values=(str(Outcome.DUPLICATE),)),
        ),
    )
    try:
        ids = search.page(asked, limit=COPIES).ids
    except search.TooSlow:
        return []
    rows = InboundEmail.objects.filter(pk__in=ids).order_by("-id")
    return [copy for copy in rows if copy.facts.get("first") == str(row.pk)]


# --- What belongs to a notification --------------------------------------------------------------

_NEWS = ("complained", "unsubscribed", "delayed", "was_delayed")


def of_notification(project: Project, note: Notification) -> list[Link]:
    """Return the links to the messages that reported on a notification, while they are kept."""
    found = []
    for pk in _reports(note.facts if isinstance(note.facts, dict) else {}):
        row = queries.incoming_email(project, pk)
        if row:
            when = {"when": words.moment(row.received_at, "exact")}
            url = incoming_url(project, row, under_channels=False)
            found.append(Link(words=_("Open the report of %(when)s") % when, url=url))
    return found


def _reports(facts: Facts) -> list[uuid.UUID]:
    told = [facts, *(facts.get(name) for name in _NEWS)]
    ids = [entry_id(one.get("incoming")) for one in told if isinstance(one, dict)]
    return list(dict.fromkeys(pk for pk in ids if pk))
