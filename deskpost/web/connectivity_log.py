"""The connectivity log of a custom channel: how its connection did, a line for each change.

As with the processing log, the tab Incoming emails and Email channels show the same at their own
addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from deskpost.logs import connection, explain_connection, queries, words
from deskpost.models import Channel, ConnectionEvent, Mailbox, Project
from deskpost.problems import STATE_WORDS, ConnectionState, Problem
from deskpost.web import listing, strips
from deskpost.web.listing import Chip, Filters, Sum

TALLY = (
    ConnectionState.ATTENTION,
    ConnectionState.RETRYING,
    ConnectionState.CONNECTED,
    ConnectionState.PAUSED,
    ConnectionState.NEW,  # only where there are any: resumed before it was ever connected
)
NAMES = ("channel", "status", "from", "to", "before")
TONES = {
    ConnectionState.NEW: "wait",
    ConnectionState.CONNECTED: "good",
    ConnectionState.RETRYING: "wait",
    ConnectionState.ATTENTION: "fail",
    ConnectionState.PAUSED: "held",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the list."""

    row: ConnectionEvent
    told: explain_connection.Told
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How the connection stands now. `down` says for how long it has been down, if it is."""

    mailbox: Mailbox
    words: str
    tone: str
    down: str
    next_try: datetime | None
    next_words: str
    up: str
    strip: strips.Strip


class Log:
    """The connectivity log of one channel that a request asks for."""

    def __init__(
        self, request: HttpRequest, project: Project, channel: Channel, *, under_channels: bool
    ) -> None:
        self.project, self.channel = project, channel
        names = [name for name in NAMES if not (under_channels and name == "channel")]
        self.filters = listing.canonical(Filters.read(request.GET, names), set(ConnectionState))
        self.which = _which(self.filters)
        if under_channels:
            self.path = reverse("channel-connectivity", args=[project.key, channel.pk])
        else:
            self.path = reverse("email-logs-connectivity", args=[project.key])

    def context(self, mailbox: Mailbox) -> dict[str, Any]:
        """Return everything that the template of the list shows."""
        before = listing.as_uuid(self.filters.get("before"))
        found = connection.events(self.channel, self.which, before)
        lines = [_line(row) for row in found.rows]
        filtered = bool(set(self.filters.values) - {"channel"})
        return {
            "project": self.project,
            "channel": self.channel,
            "state": state(mailbox),
            "path": self.path,
            "filters": self.filters,
            "tally": self._tally(found),
            "chips": self._chips(),
            "count": found.counts.get(str(self.which.status), found.all),
            "days": listing.by_day(
                lines,
                lambda line: line.row.at,
                begins=before is None,
                ends=found.before is None,
            ),
            "empty": not lines and not (filtered and connection.has_events(self.channel)),
            "shown": len(lines),
            "first_page": self.path + self.filters.query(before=None) if before else "",
            "more": self.path + self.filters.query(before=str(found.before))
            if found.before
            else "",
            "clear": self.path + Filters().query(channel=self.filters.get("channel")),
        }

    def _tally(self, found: queries.Rows[ConnectionEvent]) -> list[Sum]:
        shown = [
            (str(status), STATE_WORDS[status])
            for status in TALLY
            if status != ConnectionState.NEW or found.counts[status].value
        ]
        bad = str(ConnectionState.ATTENTION)
        return listing.tally(
            shown, found.counts, self._status_url, chosen=self.which.status, bad=bad
        )

    def _status_url(self, status: str | None) -> str:
        return self.path + self.filters.query(status=status, before=None)

    def _chips(self) -> list[Chip]:
        chips = []
        if self.which.status:
            value = str(STATE_WORDS[self.which.status])
            chips.append(Chip(label=_("Status"), value=value, remove=self._without("status")))
        for name, label in (("from", pgettext("date filter", "From")), ("to", _("Until"))):
            day = listing.as_day(self.filters.get(name))
            if day:
                chips.append(Chip(label=label, value=words.day(day), remove=self._without(name)))
        return chips

    def _without(self, name: str) -> str:
        return self.path + self.filters.query(**{name: None, "before": None})


def state(mailbox: Mailbox) -> State:
    """Say how a connection stands now."""
    uptime = connection.uptime_of(mailbox)
    next_try, next_words = next_of(mailbox)
    return State(
        mailbox=mailbox,
        words=explain_connection.state_words(mailbox.state),
        tone=tone(mailbox.state),
        down=down_for(mailbox),
        next_try=next_try,
        next_words=next_words,
        up=words.share(uptime.share),
        strip=strips.draw(uptime),
    )


def down_for(mailbox: Mailbox) -> str:
    """Say for how long nothing has been taken from a mailbox that fails; "" if it does not."""
    if mailbox.state not in {ConnectionState.RETRYING, ConnectionState.ATTENTION}:
        return ""
    return words.lasting(mailbox.down_since, listing.utc_now()) if mailbox.down_since else ""


def next_of(mailbox: Mailbox) -> tuple[datetime | None, str]:
    """Return when it is tried next, or else words for it."""
    if mailbox.state == ConnectionState.PAUSED:
        return None, _("not while paused")
    at = mailbox.next_try_at
    if at and at > listing.utc_now():
        return at, ""
    if mailbox.problem == Problem.GRANT_REVOKED:
        return None, _("once it is reconnected")
    if mailbox.state == ConnectionState.CONNECTED:
        if mailbox.protocol == Mailbox.Protocol.POP3:
            return None, _("within a minute")
        return None, _("when mail comes")
    return None, _("now")


def tone(status: str) -> str:
    """Return the badge of a state."""
    return TONES[ConnectionState(status)] if status in set(ConnectionState) else "skip"


def _line(row: ConnectionEvent) -> Line:
    return Line(row=row, told=explain_connection.event(row), tone=tone(row.status))


def _which(filters: Filters) -> connection.ConnectionFilter:
    status = filters.get("status")
    return connection.ConnectionFilter(
        status=ConnectionState(status) if status else None,
        since=listing.as_day(filters.get("from")),
        until=listing.as_day(filters.get("to")),
    )
