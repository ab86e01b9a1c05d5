"""The search over both directions: incoming messages and notifications in one list, by time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from deskpost.logs import asked, explain_incoming, explain_notification, search
from deskpost.logs.queries import incoming_rows, notification_rows, sum_of
from deskpost.logs.search import PAGE, Count, Page, Query, TooSlow
from deskpost.models import InboundEmail, Log, Notification, Project
from deskpost.outcomes import KIND_WORDS, Kind
from deskpost.web import (
    drawer_incoming,
    drawer_notification,
    filter_form,
    list_parts,
    listing,
    message_list,
    news,
)
from deskpost.web.drawer_place import Place
from deskpost.web.listing import Filters

SEARCH = "search"
ENTRIES = ("incoming", "notification")  # the names of their addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(message_list.Line):
    """One row: a message that came, or a notification. `what` is its subject or its name."""

    incoming: bool
    who: str
    what: str
    status: str
    said: str | None
    key: str
    details: str


class Search:
    """What a request asks of all lists of a project."""

    def __init__(self, request: HttpRequest, project: Project) -> None:
        self.request, self.project = request, project
        self.asked = asked.read_everywhere(project, request.GET)
        self.path = reverse("email-logs-search", args=[project.key])
        self.before = listing.as_uuid(request.GET.get("before", ""))
        paging = {"before": str(self.before)} if self.before else {}
        self.filters = Filters({**self.asked.values, **paging})

    @property
    def address(self) -> str:
        """The address of the first page, under the filters."""
        return self._url({})

    def context(self, opened: uuid.UUID | None = None, of: str = "") -> dict[str, Any]:
        """Return everything that the template shows; `opened` is the entry in the drawer, and `of`
        says which it is: incoming or notification."""
        try:
            page, slow = merged(self.asked.queries, self.before), False
        except TooSlow:
            page, slow = Page(ids=()), True
        lines = self._lines(page, opened)
        whole = self.filters.query(before=None)
        return {
            "project": self.project,
            "path": self.path,
            "list_url": self.address,
            "filters": self.filters,
            "box": self.asked.box,
            "chips": filter_form.day_chips(self.asked.values, self._url)
            + filter_form.box_chips(self.asked.box, self._url),
            "fields": filter_form.days(self.asked.values),
            "quick": filter_form.quick(self.asked.values, self._url),
            "slow": slow,
            "count": None if slow else self._count(),
            "days": listing.by_day(
                lines, lambda line: line.at, begins=not self.before, ends=page.before is None
            ),
            "shown": len(lines),
            "first_page": self.address if self.before else "",
            "more": self.path + self.filters.query(before=str(page.before)) if page.before else "",
            "clear": self.path,
            "news": self._news(page, opened, of) if not (slow or self.before) else "",
        } | list_parts.around(self.request, self.project, SEARCH, whole)

    def entry_url(self, name: str, pk: uuid.UUID) -> str:
        """Return the address of an entry (`incoming` or `notification`) beside this list."""
        query = self.filters.query(both="1")
        return reverse(name, args=[self.project.key, pk]) + query

    def incoming_drawer(self, row: InboundEmail) -> dict[str, Any]:
        """Return the drawer of an incoming message beside this list."""
        return drawer_incoming.drawer(self.project, row, self._place("incoming", row.pk))

    def notification_drawer(self, note: Notification) -> dict[str, Any]:
        """Return the drawer of a notification beside this list."""
        return drawer_notification.drawer(self.project, note, self._place("notification", note.pk))

    # --- Rows ------------------------------------------------------------------------------------

    def _lines(self, page: Page, opened: uuid.UUID | None) -> list[Line]:
        """An id is in one of the tables only, so both are asked for all."""
        made = [self._note(note, opened) for note in notification_rows(page.ids)]
        made += [self._mail(row, opened) for row in incoming_rows(page.ids)]
        return sorted(made, key=lambda line: line.pk, reverse=True)

    def _note(self, note: Notification, opened: uuid.UUID | None) -> Line:
        account = explain_notification.account_for(note)
        return Line(
            pk=note.pk,
            at=note.created_at,
            url=self.entry_url("notification", note.pk),
            open=note.pk == opened,
            incoming=False,
            who=note.address,
            what=str(KIND_WORDS[Kind(note.kind)]),
            status=note.status,
            said=explain_notification.status_words(note),
            key=note.request_key,
            details=str(account.words) if account else "",
        )

    def _mail(self, row: InboundEmail, opened: uuid.UUID | None) -> Line:
        return Line(
            pk=row.pk,
            at=row.received_at,
            url=self.entry_url("incoming", row.pk),
            open=row.pk == opened,
            incoming=True,
            who=row.sender or row.envelope_from,
            what=row.subject,
            status=row.status,
            said=None,
            key=row.request_key,
            details=explain_incoming.details(row, listing.utc_now()),
        )

    def _count(self) -> Count | None:
        """Return how many messages there are in all; None where it takes too long."""
        sums: list[Count] = []
        for query in self.asked.queries.values():
            counts = message_list.counts_of(query)
            if counts is None:
                return None
            sums += counts.values()
        return sum_of(sums)

    # --- Addresses -------------------------------------------------------------------------------

    def _url(self, changes: Mapping[str, str | None]) -> str:
        return self.path + self.filters.query(**{"before": None, **changes})

    def _news(self, page: Page, opened: uuid.UUID | None, of: str) -> str:
        if self.asked.box.error:
            return ""
        given = news.written(page.ids, page.before)
        query = self.filters.query(given=given, entry=str(opened) if opened else None, of=of)
        return reverse("log-news", args=[self.project.key, SEARCH]) + query

    def _place(self, name: str, pk: uuid.UUID) -> Place:
        newer, older = self._beside(pk)
        return Place(
            newer=newer,
            older=older,
            close=f"{self.path}{self.filters.query()}#e-{pk}",
            here=self.entry_url(name, pk),
            query=self.filters.query(both="1"),
        )

    def _beside(self, pk: uuid.UUID) -> tuple[str, str]:
        """Return the addresses of the entries above and below one, whatever their direction."""
        newer: list[tuple[uuid.UUID, str]] = []
        older: list[tuple[uuid.UUID, str]] = []
        for log, query in self.asked.queries.items():
            found = message_list.beside(query, pk)
            name = "incoming" if log == Log.INCOMING else "notification"
            newer += [(found.newer, name)] if found.newer else []
            older += [(found.older, name)] if found.older else []
        return self._first(sorted(newer)), self._first(sorted(older, reverse=True))

    def _first(self, found: list[tuple[uuid.UUID, str]]) -> str:
        return next((self.entry_url(name, pk) for pk, name in found), "")


def queries(request: HttpRequest, project: Project) -> Mapping[Log, Query]:
    """Return what the request asks of each list; those that its words exclude are left out."""
    return Search(request, project).asked.queries


def merged(found: Mapping[Log, Query], before: uuid.UUID | None = None) -> Page:
    """Return the newest messages of several lists in one order. Raises TooSlow."""
    pages = [search.page(query, before) for query in found.values()]
    ids = sorted((pk for page in pages for pk in page.ids), reverse=True)
    goes_on = len(ids) > PAGE or any(page.before for page in pages)
    return Page(ids=tuple(ids[:PAGE]), before=ids[PAGE - 1] if goes_on else None)
