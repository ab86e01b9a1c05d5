"""The bar of a list with what can be done to many of its rows: those ticked, or all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from deskpost.models import Log, Project
from deskpost.models.permission import Act, may
from deskpost.web.access import signed_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Which list the rows are of, its filters as a query string, and which acts are offered."""

    log: Log
    query: str
    process_again: bool
    send_again: bool
    unblock: bool


def bar(request: HttpRequest, project: Project, log: Log, query: str) -> Bar | None:
    """Return the bar of a list, None where the person may do nothing of it, or the project has no
    such page."""
    if project.kind != Project.Kind.COMPANY:
        return None
    person, incoming = signed_in(request), log == Log.INCOMING
    found = Bar(
        log=log,
        query=query.removeprefix("?"),
        process_again=incoming and may(person, Act.REPROCESS, project),
        send_again=not incoming and may(person, Act.SEND_AGAIN, project),
        unblock=not incoming and may(person, Act.UNBLOCK, project),
    )
    return found if found.process_again or found.send_again or found.unblock else None
