"""What stands around a list of messages besides its rows: help for the search box, saved searches,
acts on many, exports, jobs that run."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from deskpost.logs.search_help import help_rows
from deskpost.models import Log, Project
from deskpost.web import bulk, export_menu, jobs_line
from deskpost.web.access import signed_in
from deskpost.web.saved import saved


def values(request: HttpRequest, project: Project, log: Log, query: str) -> dict[str, Any]:
    """Return it for a list; `query` is its query string (with its `?`) without paging, and with
    the channel of incoming messages."""
    return around(request, project, log, query) | {"bulk": bulk.bar(request, project, log, query)}


def around(request: HttpRequest, project: Project, page: str, query: str) -> dict[str, Any]:
    """Return what the search over both directions has too: all but acts on many."""
    return {
        "search_help": help_rows(project),
        "saved": saved(signed_in(request), project, page, query),
        "export": export_menu.menu(project, page, query),
        "jobs": jobs_line.running(project),
    }
