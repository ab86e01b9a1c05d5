"""Requests: the list, one request with its conversation, its attachments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deskpost.desk import muting
from deskpost.models import Attachment, InboundEmail, Project, Request
from deskpost.models.permission import ALLOWED, Act
from deskpost.outbound import audience
from deskpost.web import conversation, files
from deskpost.web.access import project_view, signed_in
from deskpost.web.pages import page

KEY = re.compile(r"\w{1,12}-\d{1,10}", re.ASCII)

Status = Request.Status
OPEN, RESOLVED = (Status.OPEN, Status.PENDING), (Status.RESOLVED, Status.CLOSED)
FILTERS: Mapping[str, tuple[Status, ...]] = {
    "open": OPEN,
    "resolved": RESOLVED,
    "all": OPEN + RESOLVED,
}
# The icon of each status; only what waits for us is coloured.
TONES: Mapping[Status, str] = {
    Status.OPEN: "wait",
    Status.PENDING: "held",
    Status.RESOLVED: "good",
    Status.CLOSED: "skip",
}


@require_safe
@project_view(Act.READ_REQUESTS)
def listing(request: HttpRequest, project: Project) -> HttpResponse:
    """List requests, the last touched first: `?show=open`, `resolved` or `all`."""
    sums = _sums(project)
    if not sums["all"]:
        return render(request, "requests/none_yet.html", _first_steps(request, project))
    show = request.GET.get("show", "open")
    show = show if show in FILTERS else "open"
    found = page(_found(project, show), request.GET.get("page"))
    values = {"page": found, "days": _days(found.rows), "show": show, "sums": sums}
    return render(request, "requests/list.html", values)


def _sums(project: Project) -> dict[str, int]:
    """Return how many requests each filter would show."""
    rows = Request.objects.filter(project=project).values_list("status")
    by_status = dict(rows.annotate(count=Count("pk")).order_by())
    return {name: sum(by_status.get(s, 0) for s in chosen) for name, chosen in FILTERS.items()}


def _found(project: Project, show: str) -> QuerySet[Request]:
    rows = Request.objects.filter(project=project).select_related("reporter")
    if show != "all":
        rows = rows.filter(status__in=FILTERS[show])
    return rows.order_by("-updated_at", "-pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the list."""

    request: Request
    tone: str


def _days(rows: list[Request]) -> list[tuple[date, list[Line]]]:
    """Return the lines by the reader's day."""
    days = groupby(rows, key=lambda row: timezone.localtime(row.updated_at).date())
    return [
        (day, [Line(request=row, tone=TONES[Status(row.status)]) for row in of_day])
        for day, of_day in days
    ]


def _first_steps(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return what the page says while there is no request: where to write, and to the site admin
    how to try it from the shell."""
    channel = project.channels.order_by("pk").first()
    port = settings.DESKPOST["SMTP_PORT"]
    host = settings.DESKPOST["SMTP_HOST"]
    return {
        "project": project,
        "channel": channel,
        "port": port if signed_in(request).is_site_admin else 0,
        "demo": settings.DESKPOST["RELAY"] is None,  # with a relay it refuses to run
        "host": "127.0.0.1" if host in {"0.0.0.0", "::"} else host,  # noqa: S104 (compared only)
        "mail_came": InboundEmail.objects.filter(project=project).exists(),
        **_rights(request, project),
    }


def _rights(request: HttpRequest, project: Project) -> dict[str, bool]:
    """Return what the templates ask about the reader; only company-managed projects have logs."""
    allowed = ALLOWED[request.role]  # type: ignore[attr-defined]
    has_logs = project.kind == Project.Kind.COMPANY
    return {
        "may_answer": Act.ANSWER_REQUESTS in allowed,
        "may_read_logs": has_logs and Act.READ_LOGS in allowed,
        "may_download_raw": has_logs and Act.DOWNLOAD_RAW in allowed,
        "may_change_settings": Act.CHANGE_SETTINGS in allowed,
    }


def find(project: Project, key: str) -> Request:
    """Return the request of that key in the project, or raise Http404."""
    if not KEY.fullmatch(key):
        raise Http404
    rows = Request.objects.select_related("reporter", "channel", "request_type", "follows")
    return get_object_or_404(rows, project=project, key=key.upper())


@require_safe
@never_cache
@project_view(Act.READ_REQUESTS)
def detail(request: HttpRequest, project: Project, request_key: str) -> HttpResponse:
    """Show a request and its conversation."""
    return show(request, project, find(project, request_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What was typed into the forms of a request's page and could not be taken, and why not."""

    answer: str = ""
    answer_error: str = ""
    edit: int | None = None  # the comment
    edit_text: str = ""
    edit_error: str = ""
    email: str = ""
    email_error: str = ""


def show(
    request: HttpRequest, project: Project, asked: Request, typed: Typed | None = None
) -> HttpResponse:
    """Return the request's page, with 422 if it shows what could not be taken."""
    reader = signed_in(request)
    values = {
        "project": project,
        "asked": asked,
        "tone": TONES[Status(asked.status)],
        "is_open": asked.status in OPEN,
        "is_closed": asked.status == Status.CLOSED,
        "statuses": Status.choices,
        "conversation": conversation.read(asked, reader, _number(request, "before")),
        "participants": asked.participants.select_related("person").order_by("pk")[:100],
        "takes_part": any(one.person.pk == reader.pk for one in audience.involved(asked)),
        "is_muted": muting.is_muted(asked, reader),
        "hint": conversation.reach(asked, reader).sentences(),
        "shows_delivered": settings.DESKPOST["LOG_DELIVERED"],
        "typed": typed or _begun(request, asked),
        **_rights(request, project),
    }
    return render(request, "requests/detail.html", values, status=422 if typed else 200)


def _begun(request: HttpRequest, asked: Request) -> Typed:
    """Return the forms as they are at first: `?edit=` opens a comment of the reader's own."""
    pk = _number(request, "edit")
    comment = asked.comments.filter(pk=pk).first() if pk is not None else None
    if comment is None or not conversation.may_edit(comment, signed_in(request)):
        return Typed()
    return Typed(edit=comment.pk, edit_text=comment.text)


def _number(request: HttpRequest, name: str) -> int | None:
    given = request.GET.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 18 else None


@require_safe
@project_view(Act.READ_REQUESTS)
def attachment(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Hand out a file of one of the project's requests."""
    if pk >= 2**63:
        raise Http404
    rows = Attachment.objects.filter(comment__request__project=project)
    return files.response(get_object_or_404(rows, pk=pk))
