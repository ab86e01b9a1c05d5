"""The way in: the person's projects, and each project's first page."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from deskpost.models import Person, Project
from deskpost.models.permission import ALLOWED, Act, role_in
from deskpost.web import home_numbers, my_notifications
from deskpost.web.access import person_view, signed_in


@require_safe
@person_view
def projects(request: HttpRequest) -> HttpResponseBase:
    """List the person's projects; where there is only one, lead to it."""
    rows = _projects(signed_in(request))
    if len(rows) == 1:
        return redirect("project", rows[0].key)
    return render(request, "home/projects.html", _values(signed_in(request), rows))


def _values(person: Person, rows: list[Project]) -> dict[str, Any]:
    """With each project, how its mail stands, where the person may read its logs."""
    roles = dict(person.memberships.values_list("project", "role"))
    logged = [
        project
        for project in rows
        if project.kind == Project.Kind.COMPANY
        and (person.is_site_admin or Act.READ_LOGS in ALLOWED[roles[project.pk]])
    ]
    found = home_numbers.numbers(logged) if logged else {}
    return {
        "projects": [(project, found.get(project.pk)) for project in rows],
        "with_numbers": bool(found),
    }


def _projects(person: Person) -> list[Project]:
    rows = Project.objects.prefetch_related("channels").order_by("name", "pk")
    return list(rows if person.is_site_admin else rows.filter(memberships__person=person))


@require_safe
@person_view
def project(request: HttpRequest, key: str) -> HttpResponseBase:
    """Lead agents and admins to the requests; tell customers how to write."""
    found = Project.objects.filter(key=key).first() if "\x00" not in key else None
    role = role_in(signed_in(request), found) if found else None
    if found is None or role is None:
        raise Http404
    if Act.READ_REQUESTS in ALLOWED[role]:
        return redirect("requests", found.key)
    return _for_customers(request, found, role)


def _for_customers(request: HttpRequest, found: Project, role: str) -> HttpResponse:
    request.project, request.role = found, role  # type: ignore[attr-defined]
    values = {
        "project": found,
        "channels": found.channels.filter(removed_at__isnull=True).order_by("pk"),
        "muted": my_notifications.muted(signed_in(request), found),
    }
    return render(request, "home/customer.html", values)
