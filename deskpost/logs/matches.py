"""How much an entry of a block or allow list would have matched, in the log that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from deskpost.logs import search
from deskpost.logs.search import Count, Field, Is, Property, Query, Words
from deskpost.mail import address, senders
from deskpost.models import InboundEmail, Log, LogLine, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An entry of a list, and how many messages of the kept log it matches."""

    entry: str
    count: int


def counted(project: Project, entries: str, *, envelope: bool) -> list[Matched]:
    """Return the entries in their order, each with its count.

    With `envelope` the envelope sender counts as well as From: the block list looks at both.
    """
    return [
        Matched(entry=entry, count=_count(project, entry, envelope=envelope))
        for entry in senders.entries(entries)
    ]


def _count(project: Project, entry: str, *, envelope: bool) -> int:
    wanted = _matching("sender_key", entry)
    if envelope:
        wanted |= _matching("envelope_from", entry)
    return InboundEmail.objects.filter(wanted, project=project).count()


def about(project: Project, entry: str) -> Count | None:
    """Return how many kept messages name a sender (From, or the envelope where there is no From)
    that the entry matches: exact up to COUNTED. None if the search took too long."""
    key = address.normalise(entry.removeprefix("@"))
    if "@" in key:
        part: Words | Is = Is(property=Property.ADDRESS, values=(key,))
    else:
        part = Words(
            text=key.removeprefix("*") if key[:1] == "*" else f"@{key}", fields=(Field.WHO,)
        )
    try:
        page = search.page(
            Query(project_id=project.pk, log=Log.INCOMING, parts=(part,)), limit=search.COUNTED + 1
        )
    except search.TooSlow:
        return None
    # The words may also stand in a name, or be followed by more.
    found = LogLine.objects.filter(pk__in=page.ids).values_list("address", flat=True)
    number = sum(senders.matching(entry, sender) is not None for sender in found)
    more = page.before is not None or number > search.COUNTED
    return Count(value=min(number, search.COUNTED), more=more)


def _matching(field: str, entry: str) -> Q:
    key = address.normalise(entry.removeprefix("@"))
    if key.startswith("*."):
        return Q(**{f"{field}__iendswith": key[1:]})
    if "@" in key:
        return Q(**{f"{field}__iexact": key})
    return Q(**{f"{field}__iendswith": f"@{key}"})
