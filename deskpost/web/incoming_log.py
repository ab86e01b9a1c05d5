"""The processing log of a channel: its list, and the drawer of a message.

The tab Incoming emails and Email channels › View logs show the same; they differ in the addresses
of the list and of its entries.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from deskpost.logs import connection, explain_incoming, queries, words
from deskpost.models import Channel, InboundEmail, Project
from deskpost.models import Log as Lists
from deskpost.web import drawer_incoming, listing, message_list
from deskpost.web.message_list import MessageList

# What an address under Email channels has besides its filters: the open entry.
ENTRY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(message_list.Line):
    """One row of the list."""

    row: InboundEmail
    time: str
    sender: str
    details: str


class Log(MessageList):
    """The messages of one channel that a request asks for.

    With `under_channels` the list stands under Email channels, and an entry opens at the list's
    own address; else it stands on the Email logs page, whose addresses name the channel if the
    request does, or if `named`.
    """

    channel: Channel

    def __init__(
        self,
        request: HttpRequest,
        project: Project,
        channel: Channel,
        *,
        under_channels: bool,
        named: bool = False,
    ) -> None:
        if under_channels:
            path = reverse("channel-logs", args=[project.key, channel.pk])
        else:
            path = reverse("email-logs-incoming", args=[project.key])
        super().__init__(request, project, Lists.INCOMING, path, channel=channel, named=named)
        self.under_channels = under_channels

    def context(self, opened: InboundEmail | None = None) -> dict[str, Any]:
        """Return everything that the template of the list shows."""
        shown = self.shown(opened.pk if opened else None)
        return shown | {
            "channel": self.channel,
            "mailbox": connection.mailbox_of(self.channel),
            "empty": shown["nothing_at_all"],
            "next_key": f"{self.project.key}-{self.project.next_number}",
        }

    def entry_url(self, pk: object) -> str:
        if self.under_channels:
            return self.path + self.filters.query(entry=str(pk))
        return reverse("incoming", args=[self.project.key, pk]) + self.filters.query(both=self.both)

    def lines(self, ids: Sequence[uuid.UUID], opened: uuid.UUID | None) -> list[Line]:
        now = listing.utc_now()
        return [
            Line(
                pk=row.pk,
                at=row.received_at,
                url=self.entry_url(row.pk),
                open=row.pk == opened,
                row=row,
                time=words.moment(row.received_at, "time"),
                sender=row.sender or row.envelope_from,
                details=explain_incoming.details(row, now),
            )
            for row in queries.incoming_rows(ids)
        ]

    def drawer(self, row: InboundEmail) -> dict[str, Any]:
        """Return everything that the drawer of a message shows."""
        return drawer_incoming.drawer(self.project, row, self.place(row.pk))


def choose(project: Project, asked: str) -> tuple[list[Channel], Channel | None]:
    """Return the project's channels, and the one that was asked for, else the first."""
    found = queries.logged_channels(project)
    chosen = next((channel for channel in found if str(channel.pk) == asked), None)
    return found, chosen or (found[0] if found else None)
