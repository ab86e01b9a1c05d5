"""A list of messages as a request asks for it: its page, its sums, and the addresses around it.

What its rows show is said by notification_log.py and incoming_log.py. Where a search takes too
long, the page still comes: without rows, or without sums.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from deskpost.logs import asked, queries, search
from deskpost.logs.filters import ALL, DATES, statuses
from deskpost.logs.search import Beside, Count, Query, TooSlow
from deskpost.models import Channel, Log, Project
from deskpost.outcomes import IncomingStatus
from deskpost.web import filter_form, list_parts, listing, news
from deskpost.web.drawer_place import Place
from deskpost.web.listing import Filters, Sum

# An entry that was opened from the search over both directions leads back to it.
BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What every row of a list has; `at` is the time under whose day it stands."""

    pk: uuid.UUID
    at: datetime
    url: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found: a page of ids, and the sum of each status (None: it took too long). `slow`:
    the page itself took too long."""

    ids: tuple[uuid.UUID, ...] = ()
    before: uuid.UUID | None = None
    counts: Mapping[str, Count] | None = None
    slow: bool = False


class MessageList(ABC):
    """One list under the filters of a request. `channel` is that of the incoming messages; it is
    in the addresses if the request names it, or if `named`."""

    def __init__(
        self,
        request: HttpRequest,
        project: Project,
        log: Log,
        path: str,
        *,
        channel: Channel | None = None,
        named: bool = False,
    ) -> None:
        self.request, self.project, self.log, self.path = request, project, log, path
        self.channel = channel
        self.asked = asked.read(project, log, request.GET, channel.pk if channel else None)
        self.before = listing.as_uuid(request.GET.get("before", ""))
        values = dict(self.asked.values)
        if channel and (named or values.get("channel") != str(channel.pk)):
            values = {"channel": str(channel.pk) if named else "", **_without(values, "channel")}
        if self.before:
            values["before"] = str(self.before)
        self.filters = Filters({name: text for name, text in values.items() if text})
        self.under_channels = False
        self.both = "1" if request.GET.get(BOTH) == "1" else None

    @property
    def query(self) -> Query:
        """All that is asked, the status among it."""
        return self.asked.query

    @property
    def address(self) -> str:
        """The address of the first page, under the filters."""
        return self._url({})

    @abstractmethod
    def lines(self, ids: Sequence[uuid.UUID], opened: uuid.UUID | None) -> Sequence[Line]:
        """Return the rows of a page."""

    @abstractmethod
    def entry_url(self, pk: object) -> str:
        """Return the address of an entry, under the same filters."""

    def shown(self, opened: uuid.UUID | None) -> dict[str, Any]:
        """Return what the templates of all lists show; `opened` is the entry in the drawer."""
        found = self._find()
        lines = self.lines(found.ids, opened)
        return {
            "project": self.project,
            "path": self.path,
            "list_url": self.address,
            "filters": self.filters,
            "asked": self.asked,
            "box": self.asked.box,
            "why_not": self.asked.box.why_not(self.log),
            "tally": self._tally(found),
            "chips": filter_form.chips(self.asked, self._url),
            "fields": filter_form.fields(self.asked, self.project),
            "quick": filter_form.quick(self.asked.values, self._url),
            "everywhere": self._everywhere(),
            "slow": found.slow,
            "count": self._count(found),
            "days": listing.by_day(
                lines, lambda line: line.at, begins=not self.before, ends=found.before is None
            ),
            "shown": len(lines),
            "nothing_at_all": not lines and self._is_empty(found),
            "first_page": self.address if self.before else "",
            "more": self.path + self.filters.query(before=str(found.before))
            if found.before
            else "",
            "clear": self.path + Filters().query(channel=self.filters.get("channel")),
            "news": self._news(found, opened),
        } | list_parts.values(self.request, self.project, self.log, self._whole())

    def place(self, pk: uuid.UUID) -> Place:
        """Return where an entry stands: the addresses of those beside it, its list's, its own."""
        next_to = beside(self.query, pk)
        return Place(
            newer=self.entry_url(next_to.newer) if next_to.newer else "",
            older=self.entry_url(next_to.older) if next_to.older else "",
            close=f"{self.path}{self.filters.query()}#e-{pk}",
            here=self.entry_url(pk),
            query=self.filters.query(both=self.both),
            under_channels=self.under_channels,
        )

    # --- What is found ---------------------------------------------------------------------------

    def _find(self) -> Found:
        try:
            page = search.page(self.query, self.before)
        except TooSlow:
            return Found(slow=True)
        counts = None if self._adds_rows else counts_of(self.asked.base)
        return Found(ids=page.ids, before=page.before, counts=counts)

    @property
    def _adds_rows(self) -> bool:
        """Whether only the rows of the page are wanted, to be added to those that are there."""
        return self.before is not None and self.request.headers.get("HX-Target") == "ledger"

    def _count(self, found: Found) -> Count | None:
        if found.counts is None:
            return None
        if self.asked.status:
            return found.counts.get(self.asked.status)
        return queries.sum_of(found.counts.values())

    def _is_empty(self, found: Found) -> bool:
        """Whether the list holds nothing at all, as far as can be told without its filters."""
        apart = set(self.asked.values) - {"channel", "status"}
        return found.counts is not None and not (
            apart or self.asked.box.error or any(c.value for c in found.counts.values())
        )

    # --- Addresses -------------------------------------------------------------------------------

    def _url(self, changes: Mapping[str, str | None]) -> str:
        """Return the address of the list's first page with some filters changed."""
        return self.path + self.filters.query(**{"before": None, **changes})

    def _whole(self) -> str:
        """Return the query string that says everything, the channel too, without the paging."""
        channel = str(self.channel.pk) if self.channel else None
        return self.filters.query(before=None, channel=channel)

    def _everywhere(self) -> str:
        """Return the address of the same search over both directions, where there is one."""
        if self.project.kind != Project.Kind.COMPANY:
            return ""
        path = reverse("email-logs-search", args=[self.project.key])
        return path + self.filters.query(
            **{n: None for n in self.filters.values if n not in {"q", *DATES}}
        )

    def _news(self, found: Found, opened: uuid.UUID | None) -> str:
        """Return the address that says what is new; none where the newest are not shown."""
        if self.before or found.slow or self.asked.box.error:
            return ""
        given = news.written(found.ids, found.before)
        channel = str(self.channel.pk) if self.channel else None
        query = self.filters.query(
            channel=channel,
            given=given,
            entry=str(opened) if opened else None,
            under="1" if self.under_channels else None,
        )
        return reverse("log-news", args=[self.project.key, self.log]) + query

    def status_url(self, status: str | None) -> str:
        """Return the address of the list with one status, or with every one (None)."""
        if status is None:
            return self._url({"status": ALL if self.asked.default else None})
        return self._url({"status": None if status == self.asked.default else status})

    def _tally(self, found: Found) -> list[Sum]:
        """Notifications have the sum of all at the end: failures come first."""
        every, *sums = listing.tally(
            filter_form.status_words(self.log),
            found.counts or {},
            self.status_url,
            chosen=self.asked.status,
            bad=str(IncomingStatus.FAILED),
        )
        return [every, *sums] if self.log == Log.INCOMING else [*sums, every]


def beside(query: Query, pk: uuid.UUID) -> Beside:
    """Return the messages next to one; none where it takes too long."""
    try:
        return search.beside(query, pk)
    except TooSlow:
        return Beside()


def counts_of(query: Query) -> Mapping[str, Count] | None:
    """Return the sum of each status; None where it takes too long."""
    try:
        return search.counts(query, statuses(query.log))
    except TooSlow:
        return None


def _without(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {one: text for one, text in values.items() if one != name}
