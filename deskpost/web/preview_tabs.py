"""The views of one entry: its account, and its content in four forms, each at its own address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import pgettext_lazy

from deskpost.models import InboundEmail, Notification, Project
from deskpost.web.drawer_place import Place

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

ACCOUNT, TEXT, FORMATTED, HEADERS, ATTACHMENTS = (
    "account",
    "text",
    "formatted",
    "headers",
    "attachments",
)
# The view's words, and the end of the name of its address.
VIEWS: Mapping[str, tuple[Words, str]] = {
    TEXT: (pgettext_lazy("view of a message", "Text"), "preview"),
    FORMATTED: (pgettext_lazy("view of a message", "Formatted"), "formatted"),
    HEADERS: (pgettext_lazy("view of a message", "Headers"), "headers"),
    ATTACHMENTS: (pgettext_lazy("view of a message", "Attachments"), "attachments"),
}
_ACCOUNT = pgettext_lazy("view of a message", "Account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One view: what it is called and its address."""

    view: str
    words: str
    url: str


def of_incoming(project: Project, row: InboundEmail, place: Place) -> list[Tab]:
    """Return the views of an incoming message."""
    return _tabs("incoming", project, row, place)


def of_notification(project: Project, note: Notification, place: Place) -> list[Tab]:
    """Return the views of a notification."""
    return _tabs("notification", project, note, place)


def _tabs(
    prefix: str, project: Project, row: InboundEmail | Notification, place: Place
) -> list[Tab]:
    first = Tab(view=ACCOUNT, words=str(_ACCOUNT), url=place.here)
    return [
        first,
        *(
            Tab(
                view=view,
                words=str(words),
                url=place.within(reverse(f"{prefix}-{end}", args=[project.key, row.pk])),
            )
            for view, (words, end) in VIEWS.items()
        ),
    ]
