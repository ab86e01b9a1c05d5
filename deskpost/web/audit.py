"""The audit log, for site admins: who looked at or changed what, and as a CSV file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from deskpost import cells
from deskpost.logs import words
from deskpost.models import AuditEntry, Project
from deskpost.web import audit_rows, audit_words, listing
from deskpost.web.access import signed_in
from deskpost.web.audit_rows import Wanted
from deskpost.web.listing import Chip, Filters
from deskpost.web.suppression import site_admin_view

NAMES = ("person", "project", "act", "q", "from", "to")
COLUMNS = ("at", "person", "project", "act", "subject", "details")
DETAILS_LIMIT = 2_000


@require_safe
@site_admin_view
def show(request: HttpRequest) -> HttpResponse:
    """List the entries, the newest first: `?person=`, `?project=`, `?act=`, `?q=` (a part of the
    subject), `?from=`, `?to=`, and `?before=` for older ones."""
    filters = _filters(request)
    before = _number(request.GET.get("before", ""))
    found = audit_rows.page(_wanted(filters), before)
    path = reverse("audit")
    values = {
        "path": path,
        "filters": filters,
        "acts": [(act, name, act == filters.get("act")) for act, name in _acts()],
        "projects": list(Project.objects.order_by("key")),
        "chips": _chips(filters, path),
        "days": listing.by_day(
            audit_words.lines(found.rows),
            lambda line: line.entry.at,
            begins=before is None,
            ends=found.before is None,
        ),
        "more": path + filters.query(before=str(found.before)) if found.before else "",
        "looked_on": found.looked_on,
        "first_page": path + filters.query() if before else "",
        "export": reverse("audit-export") + filters.query(),
    }
    return render(request, "audit/list.html", values)


def _acts() -> list[tuple[str, str]]:
    return [(str(act), str(name)) for act, name in audit_words.ACT_WORDS.items()]


def _filters(request: HttpRequest) -> Filters:
    """Read the filters; what is none is left out."""
    read = Filters.read(request.GET, NAMES)
    drop = {name for name in ("from", "to") if not listing.as_day(read.get(name))}
    if read.get("act") not in AuditEntry.Act.values:
        drop.add("act")
    return Filters({name: text for name, text in read.values.items() if name not in drop})


def _wanted(filters: Filters) -> Wanted:
    since, until = (listing.as_day(filters.get(name)) for name in ("from", "to"))
    zone = timezone.get_current_timezone()
    return Wanted(
        person=filters.get("person"),
        project=filters.get("project"),
        act=filters.get("act"),
        text=filters.get("q"),
        since=datetime.combine(since, time(), zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _chips(filters: Filters, path: str) -> list[Chip]:
    labels = {
        "person": _("Person"),
        "project": _("Project"),
        "act": _("Act"),
        "q": _("Search"),
        "from": pgettext("date filter", "From"),
        "to": _("Until"),
    }
    return [
        Chip(label=label, value=_said(filters, name), remove=path + filters.query(**{name: None}))
        for name, label in labels.items()
        if filters.get(name)
    ]


def _said(filters: Filters, name: str) -> str:
    text = filters.get(name)
    if name == "act":
        return str(audit_words.ACT_WORDS[AuditEntry.Act(text)])
    day = listing.as_day(text) if name in {"from", "to"} else None
    return words.day(day) if day else text


# --- CSV -----------------------------------------------------------------------------------------


@require_safe
@site_admin_view
def export(request: HttpRequest) -> HttpResponseBase:
    """Stream the entries, as they are filtered, as a CSV file (RFC 4180, UTF-8), the newest first.
    That it was taken is an entry itself."""
    filters = _filters(request)
    if request.method == "GET":
        AuditEntry.objects.create(
            person=signed_in(request),
            act=AuditEntry.Act.EXPORT,
            subject="audit",
            details={"filters": dict(filters.values)},
        )
    response = StreamingHttpResponse(
        (line.encode() for line in _lines(audit_rows.everything(_wanted(filters)))),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = 'attachment; filename="deskpost-audit.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    yield cells.written(COLUMNS)
    for entry in entries:
        yield cells.written(map(cells.harmless, _cells(entry)))


def _cells(entry: AuditEntry) -> list[str]:
    return [
        entry.at.astimezone(UTC).isoformat(timespec="seconds"),
        entry.person.email,
        entry.project.key if entry.project else "",
        entry.act,
        entry.subject,
        _details(entry.details),
    ]


def _details(details: Any) -> str:
    text = json.dumps(details, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= DETAILS_LIMIT else text[:DETAILS_LIMIT] + "…"
