"""The processing log of a channel: its list, and the drawer of a message.

The tab Incoming emails and Email channels › View logs show the same; they differ in the addresses
of the list and of its entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from deskpost.logs import arrival, connection, explain_incoming, queries, words
from deskpost.logs.explain import entry_id
from deskpost.models import Channel, InboundEmail, Project
from deskpost.outcomes import INCOMING_STATUS_WORDS, IncomingStatus, Outcome
from deskpost.web import listing
from deskpost.web.listing import Chip, Filters, Sum

TALLY = (
    IncomingStatus.FAILED,
    IncomingStatus.SKIPPED,
    IncomingStatus.SUCCESS,
    IncomingStatus.PROCESSING,
)
TEXTS = ("q", "sender", "subject", "key")
NAMES = ("channel", "status", *TEXTS, "from", "to", "before")
# What a list under Email channels keeps besides: the open entry.
ENTRY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the list."""

    row: InboundEmail
    time: str
    sender: str
    details: str
    url: str
    open: bool


class Log:
    """The messages of one channel that a request asks for.

    With `under_channels` the list stands under Email channels, and an entry opens at the list's
    own address; else it stands on the Email logs page.
    """

    def __init__(
        self, request: HttpRequest, project: Project, channel: Channel, *, under_channels: bool
    ) -> None:
        self.project, self.channel, self.under_channels = project, channel, under_channels
        names = [name for name in NAMES if not (under_channels and name == "channel")]
        self.filters = listing.canonical(Filters.read(request.GET, names), set(IncomingStatus))
        self.which = _which(self.filters)
        if under_channels:
            self.path = reverse("channel-logs", args=[project.key, channel.pk])
        else:
            self.path = reverse("email-logs-incoming", args=[project.key])

    def context(self, opened: InboundEmail | None = None) -> dict[str, Any]:
        """Return everything that the template of the list shows."""
        before = listing.as_uuid(self.filters.get("before"))
        found = queries.incoming(self.channel, self.which, before)
        lines = [self._line(row, opened) for row in found.rows]
        filtered = bool(set(self.filters.values) - {"channel"})
        return {
            "project": self.project,
            "channel": self.channel,
            "mailbox": connection.mailbox_of(self.channel),
            "path": self.path,
            "filters": self.filters,
            "tally": self._tally(found),
            "chips": self._chips(),
            "count": found.counts.get(str(self.which.status), found.all),
            "days": listing.by_day(
                lines,
                lambda line: line.row.received_at,
                begins=before is None,
                ends=found.before is None,
            ),
            "empty": not lines and not (filtered and queries.has_mail(self.channel)),
            "next_key": f"{self.project.key}-{self.project.next_number}",
            "shown": len(lines),
            "first_page": self.path + self.filters.query(before=None) if before else "",
            "more": self._more(found),
            "clear": self.path + Filters().query(channel=self.filters.get("channel")),
            "more_filters": any(self.filters.get(name) for name in ("sender", "subject", "key"))
            or any(self.filters.get(name) for name in ("from", "to")),
            "status_words": [(s.value, INCOMING_STATUS_WORDS[s]) for s in TALLY],
        }

    def entry_url(self, pk: object) -> str:
        """Return the address of an entry, under the same filters."""
        if self.under_channels:
            return self.path + self.filters.query(entry=str(pk))
        return reverse("incoming", args=[self.project.key, pk]) + self.filters.query()

    def _line(self, row: InboundEmail, opened: InboundEmail | None) -> Line:
        return Line(
            row=row,
            time=words.moment(row.received_at, "time"),
            sender=row.sender or row.envelope_from,
            details=explain_incoming.details(row, listing.utc_now()),
            url=self.entry_url(row.pk),
            open=opened is not None and opened.pk == row.pk,
        )

    def _tally(self, found: queries.Rows[InboundEmail]) -> list[Sum]:
        shown = [(str(status), INCOMING_STATUS_WORDS[status]) for status in TALLY]
        bad = str(IncomingStatus.FAILED)
        return listing.tally(shown, found, self._status_url, chosen=self.which.status, bad=bad)

    def _status_url(self, status: str | None) -> str:
        return self.path + self.filters.query(status=status, before=None)

    def _chips(self) -> list[Chip]:
        labels = {
            "q": _("Search"),
            "sender": _("Sender"),
            "subject": _("Subject"),
            "key": _("Key"),
            "from": pgettext("date filter", "From"),
            "to": _("Until"),
        }
        chips = []
        if self.which.status:
            value = str(INCOMING_STATUS_WORDS[self.which.status])
            chips.append(Chip(label=_("Status"), value=value, remove=self._without("status")))
        for name, label in labels.items():
            if self.filters.get(name):
                chips.append(Chip(label=label, value=self._said(name), remove=self._without(name)))
        return chips

    def _said(self, name: str) -> str:
        day = listing.as_day(self.filters.get(name)) if name in {"from", "to"} else None
        return words.day(day) if day else self.filters.get(name)

    def _without(self, name: str) -> str:
        return self.path + self.filters.query(**{name: None, "before": None})

    def _more(self, found: queries.Rows[InboundEmail]) -> str:
        return self.path + self.filters.query(before=str(found.before)) if found.before else ""

    def drawer(self, row: InboundEmail) -> dict[str, Any]:
        """Return everything that the drawer of a message shows."""
        beside = queries.beside_incoming(self.channel, self.which, row.pk)
        now = listing.utc_now()
        return {
            "row": row,
            "told": explain_incoming.incoming(row, now),
            "sender": row.sender or row.envelope_from,
            "way": arrival.way(row),
            "evidence_tone": "fail" if row.status == IncomingStatus.FAILED else "skip",
            "first_copy": self._first_copy(row),
            "reported": self._reported(row),
            "newer": self.entry_url(beside.newer) if beside.newer else "",
            "older": self.entry_url(beside.older) if beside.older else "",
            "close": f"{self.path}{self.filters.query()}#e-{row.pk}",
            "here": self.entry_url(row.pk),
        }

    def _reported(self, row: InboundEmail) -> str:
        """Return the address of the notification that a report is about, while it is kept."""
        pk = entry_id(row.facts.get("notification"))
        if pk is None or queries.notification(self.project, pk) is None:
            return ""
        return reverse("notification", args=[self.project.key, pk])

    def _first_copy(self, row: InboundEmail) -> str:
        """Return the address of the message of which this one is a copy, while it is kept."""
        first = entry_id(row.facts.get("first")) if row.outcome == Outcome.DUPLICATE else None
        if first is None:
            return ""
        found = queries.incoming_email(self.project, first)
        if found is None:
            return ""
        if self.under_channels:
            path = reverse("channel-logs", args=[self.project.key, found.channel_id])
            return f"{path}?entry={first}"
        return reverse("incoming", args=[self.project.key, first])


def choose(project: Project, asked: str) -> tuple[list[Channel], Channel | None]:
    """Return the project's channels, and the one that was asked for, else the first."""
    found = queries.logged_channels(project)
    chosen = next((channel for channel in found if str(channel.pk) == asked), None)
    return found, chosen or (found[0] if found else None)


def _which(filters: Filters) -> queries.IncomingFilter:
    status = filters.get("status")
    return queries.IncomingFilter(
        status=IncomingStatus(status) if status else None,
        since=listing.as_day(filters.get("from")),
        until=listing.as_day(filters.get("to")),
        **{name: filters.get(name) for name in TEXTS},
    )
