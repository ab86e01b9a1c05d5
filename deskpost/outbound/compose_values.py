"""What a template may use of a notification (templates_values.py says what each name holds)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import translation

from deskpost.models import Channel, Notification, Request
from deskpost.outbound import links, templates
from deskpost.outbound.templates_values import MARKERS


def values_of(
    note: Notification, channel: Channel, unsubscribe: str, mute: str, *, may_open: bool
) -> dict[str, Any]:
    """Return the values of a notification, with the tokens of its links. In Liquid an empty text is
    true: what is not there is None."""
    language = templates.written_in(note.language)
    return {
        "marker": MARKERS[language] if note.request_id else None,
        "project": {"name": note.project.name, "address": channel.address},
        "person": {"name": note.person.name or None},
        "request": _request(note, note.request, language, may_open) if note.request else {},
        "comment": {
            "author": str(note.comment.author) if note.comment else "",
            "text": note.comment.text if note.comment else "",
        },
        "unsubscribe_url": links.unsubscribe_at(unsubscribe),
        "mute_url": links.mute_at(mute) if mute else None,
    }


def _request(note: Notification, request: Request, language: str, may_open: bool) -> dict[str, Any]:
    """The request's values; its address only for those who can open it."""
    url = f"{settings.BASE_URL}/projects/{note.project.key}/requests/{request.key}/"
    return {
        "key": request.key,
        "summary": request.summary,
        "status": _status(request.status, language),
        "is_resolved": True if request.status == Request.Status.RESOLVED else None,
        "url": url if may_open else None,
    }


@lru_cache(maxsize=100)
def _status(status: str, language: str) -> str:
    """Return the words for a status in that language."""
    with translation.override(language):
        return str(Request(status=status).get_status_display())
