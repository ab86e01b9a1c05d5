"""Which entries of the audit log a page shows. The table has no index but its key, which grows with
time: each page looks at a bounded stretch of keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from deskpost.mail import address
from deskpost.models import AuditEntry

PAGE: Final = 50
LOOKED_AT: Final = 20_000  # keys that a page looks at
SLACK: Final = 200  # keys within which the order of time may differ from that of keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters: a part of the person's name or address, a project's key, an act, a part of the
    subject, and the time (`since` inclusive, `until` exclusive)."""

    person: str = ""
    project: str = ""
    act: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def rows(self) -> QuerySet[AuditEntry]:
        """Return the entries that fit, in no order."""
        found = AuditEntry.objects.select_related("person", "project")
        if self.person:
            key = address.normalise(self.person)
            named = Q(person__name__icontains=self.person)
            found = found.filter(named | Q(person__email_key__contains=key))
        if self.project:
            found = found.filter(project__key=self.project)
        if self.act:
            found = found.filter(act=self.act)
        if self.text:
            found = found.filter(subject__icontains=self.text)
        if self.since:
            found = found.filter(at__gte=self.since)
        if self.until:
            found = found.filter(at__lt=self.until)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries, the newest first. `before` is where the next page begins; `looked_on` tells that
    this one ended because enough was looked at, not because it is full."""

    rows: tuple[AuditEntry, ...]
    before: int | None = None
    looked_on: bool = False


def page(wanted: Wanted, before: int | None = None) -> Page:
    """Return the entries older than the key `before`."""
    least, most = _stretch(wanted)
    top = min(most, before - 1 if before is not None else most)
    bottom = max(least, top - LOOKED_AT + 1)
    found = wanted.rows().filter(pk__lte=top, pk__gte=bottom)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    if len(rows) > PAGE:
        return Page(rows=tuple(rows[:PAGE]), before=rows[PAGE - 1].pk)
    more = bottom > least
    return Page(rows=tuple(rows), before=bottom if more else None, looked_on=more)


def everything(wanted: Wanted) -> Iterator[AuditEntry]:
    """Yield all entries that fit, the newest first, stretch by stretch."""
    least, top = _stretch(wanted)
    while top >= least:
        bottom = max(least, top - LOOKED_AT + 1)
        found = wanted.rows().filter(pk__lte=top, pk__gte=bottom)
        yield from found.order_by("-pk").iterator(chunk_size=1000)
        top = bottom - 1


def _stretch(wanted: Wanted) -> tuple[int, int]:
    """Return the least and the greatest key that the dates leave; no key where there is none."""
    rows = AuditEntry.objects.order_by("pk").values_list("pk", flat=True)
    least, most = rows.first(), rows.last()
    if least is None or most is None:
        return 1, 0
    begin = _first_at(wanted.since, least, most) - SLACK if wanted.since else least
    end = _first_at(wanted.until, least, most) + SLACK if wanted.until else most
    return max(least, begin), min(most, end)


def _first_at(moment: datetime, least: int, most: int) -> int:
    """Return about the least key that was made at or after the moment, by halving."""
    while least <= most:
        middle = (least + most) // 2
        entry = AuditEntry.objects.filter(pk__gte=middle).order_by("pk").only("at").first()
        if entry is None or entry.at >= moment:
            most = middle - 1
        else:
            least = entry.pk + 1
    return least
