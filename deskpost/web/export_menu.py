"""The menu under a list by which it is exported: where each form of file is to be had."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.urls import reverse

from deskpost.jobs import export as mail_export
from deskpost.logs import export
from deskpost.logs.export import Form
from deskpost.models import Project

SEARCH = "search"  # the page over all lists; the others bear the names of models.Log
MAIL = ("mbox", "zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Addresses of the files of a list as it is filtered, and what one file holds at the most.

    CSV and JSONL are to be fetched; mbox and zip are to be posted to, with the token, and are
    empty where a project has no page of jobs.
    """

    csv: str
    jsonl: str
    mbox: str
    zip: str
    token: str
    most: int = export.MOST
    most_messages: int = mail_export.MOST
    most_gib: int = mail_export.MOST_OCTETS // 1024**3


def menu(project: Project, page: str, query: str) -> Menu:
    """Return the menu of a list: `page` is one of models.Log, or SEARCH; `query` the query string
    of its address (with its `?`, or empty), without paging and the open entry."""
    addresses = {
        form: reverse("export", args=[project.key, page, form]) + query for form in (*Form, *MAIL)
    }
    with_jobs = project.kind == Project.Kind.COMPANY
    return Menu(
        csv=addresses[Form.CSV],
        jsonl=addresses[Form.JSONL],
        mbox=addresses["mbox"] if with_jobs else "",
        zip=addresses["zip"] if with_jobs else "",
        token=secrets.token_urlsafe(12),
    )
