"""The page on which a preview of an incoming message stands: the list with the entry's drawer
beside it, as elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from deskpost.models import InboundEmail, Project
from deskpost.web import drawer_place, email_logs, incoming_log

Context = dict[str, Any]


def incoming(
    request: HttpRequest, project: Project, row: InboundEmail, extra: Context
) -> tuple[str, Context]:
    """Return the template and its context: of the Email logs page, or of Email channels › View logs
    where the reader came from there, or the project has no other."""
    name, _, value = drawer_place.UNDER.partition("=")
    if project.kind == Project.Kind.COMPANY and request.GET.get(name) != value:
        return email_logs.incoming_context(request, project, row, extra)
    log = incoming_log.Log(request, project, row.channel, under_channels=True)
    context = log.context(row) | email_logs.common() | {"entry": log.drawer(row) | extra}
    return "channels/logs.html", context
