"""How much an entry of a block or allow list would have matched, in the log that is kept."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from deskpost.mail import address, senders
from deskpost.models import InboundEmail, Project


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


def _matching(field: str, entry: str) -> Q:
    key = address.normalise(entry.removeprefix("@"))
    if key.startswith("*."):
        return Q(**{f"{field}__iendswith": key[1:]})
    if "@" in key:
        return Q(**{f"{field}__iexact": key})
    return Q(**{f"{field}__iendswith": f"@{key}"})
