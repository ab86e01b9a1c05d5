"""The tab Customer notifications: its two lists, and the drawer of an entry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from deskpost.logs import explain_notification, queries
from deskpost.models import Log as Lists
from deskpost.models import Notification, Project
from deskpost.outcomes import KIND_WORDS, Kind, NotificationStatus
from deskpost.web import drawer_notification, message_list
from deskpost.web.message_list import MessageList

INVITATIONS = "email-logs-invitations"
REQUESTS = "email-logs"
LISTS = {INVITATIONS: Lists.INVITATIONS, REQUESTS: Lists.REQUESTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(message_list.Line):
    """One row of the list."""

    note: Notification
    name: str
    details: str


class Log(MessageList):
    """The notifications that a request asks for, of the list with that name."""

    def __init__(self, request: HttpRequest, project: Project, name: str) -> None:
        super().__init__(request, project, LISTS[name], reverse(name, args=[project.key]))

    def context(self, opened: Notification | None = None) -> dict[str, Any]:
        """Return everything that the template of the list shows."""
        return self.shown(opened.pk if opened else None) | {
            "invitations": self.log == Lists.INVITATIONS,
            "failed_only": self.asked.status == NotificationStatus.FAILED,
            "all_url": self.status_url(None),
        }

    def entry_url(self, pk: object) -> str:
        return reverse("notification", args=[self.project.key, pk]) + self.filters.query(
            both=self.both
        )

    def lines(self, ids: Sequence[uuid.UUID], opened: uuid.UUID | None) -> list[Line]:
        return [self._line(note, opened) for note in queries.notification_rows(ids)]

    def _line(self, note: Notification, opened: uuid.UUID | None) -> Line:
        account = explain_notification.account_for(note)
        return Line(
            pk=note.pk,
            at=note.created_at,
            url=self.entry_url(note.pk),
            open=note.pk == opened,
            note=note,
            name=str(KIND_WORDS[Kind(note.kind)]),
            details=str(account.words) if account else explain_notification.status_words(note),
        )

    def drawer(self, note: Notification) -> dict[str, Any]:
        """Return everything that the drawer of an entry shows."""
        return drawer_notification.drawer(self.project, note, self.place(note.pk))


def name_for(note: Notification) -> str:
    """Return the name of the list to which a notification belongs."""
    return INVITATIONS if note.kind == Kind.CUSTOMER_INVITED else REQUESTS
