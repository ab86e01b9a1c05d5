"""Candidates for a part of an address: people of the reader's projects, and whoever stands in their
logs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from deskpost.logs import search
from deskpost.mail import address
from deskpost.models import InboundEmail, Log, Membership, Notification, Project
from deskpost.web.listing import clean

MOST = 20
SECONDS = 2.0  # for all logs together


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address, the name that belongs to it (empty: none is known), and its projects' keys."""

    email: str
    name: str
    projects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who was found. `more`: there may be others, so a longer part of the address is wanted."""

    candidates: tuple[Candidate, ...] = ()
    more: bool = False


def wanted(text: str) -> str:
    """Return what was typed, fit for a search."""
    return clean(text)


def find(text: str, projects: Sequence[Project]) -> Found:
    """Return those whose address, or name, holds the text: people first, then the logs."""
    found: dict[str, Candidate] = {}
    more = False
    for candidate in _people(text, projects):
        found.setdefault(address.normalise(candidate.email), candidate)
    if len(found) < MOST:
        logged, more = _in_logs(text, projects)
        for candidate in logged:
            found.setdefault(address.normalise(candidate.email), candidate)
    exact = address.normalise(text)
    ordered = sorted(found, key=lambda key: key != exact)
    return Found(
        candidates=tuple(found[key] for key in ordered[:MOST]), more=more or len(found) > MOST
    )


def _people(text: str, projects: Sequence[Project]) -> list[Candidate]:
    key = address.normalise(text)
    rows = Membership.objects.filter(project__in=[project.pk for project in projects])
    rows = rows.filter(Q(person__email_key__contains=key) | Q(person__name__icontains=text))
    found: dict[int, Candidate] = {}
    shown = rows.select_related("person", "project").order_by("person__email_key", "project__key")
    for row in shown[: MOST * 5]:
        known = found.get(row.person_id)
        keys = (*known.projects, row.project.key) if known else (row.project.key,)
        found[row.person_id] = Candidate(
            email=row.person.email, name=row.person.name, projects=keys
        )
    return list(found.values())[: MOST + 1]


def _in_logs(text: str, projects: Sequence[Project]) -> tuple[list[Candidate], bool]:
    """Search the logs one after the other, for SECONDS at the most."""
    until, found = time.monotonic() + SECONDS, dict[str, Candidate]()
    words = search.Words(text=text, fields=(search.Field.WHO,))
    for project in projects:
        for log in Log:
            if time.monotonic() > until:
                return list(found.values()), True
            query = search.Query(project_id=project.pk, log=log, parts=(words,))
            try:
                ids = search.page(query, limit=MOST * 5).ids
            except search.TooSlow:
                return list(found.values()), True
            for email, name in _addresses(log, ids):
                one = Candidate(email=email, name=name, projects=(project.key,))
                found.setdefault(address.normalise(email), one)
            if len(found) > MOST:
                return list(found.values()), True
    return list(found.values()), False


def _addresses(log: Log, ids: Sequence[uuid.UUID]) -> Iterator[tuple[str, str]]:
    if log == Log.INCOMING:
        rows = InboundEmail.objects.filter(pk__in=ids).order_by("-pk")
        for sender, envelope, name in rows.values_list("sender", "envelope_from", "sender_name"):
            if sender or envelope:
                yield sender or envelope, name
        return
    notes = Notification.objects.filter(pk__in=ids).order_by("-pk")
    for email in notes.values_list("address", flat=True):
        if email:
            yield email, ""
