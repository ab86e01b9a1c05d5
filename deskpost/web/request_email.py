"""The tab Email of a request: what came in about it, who was told of what, who was not and why."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deskpost.models import Project, Request
from deskpost.models.permission import ALLOWED, Act
from deskpost.web import requests, timelines
from deskpost.web.access import project_view
from deskpost.web.email_logs import company_managed


@require_safe
@never_cache
@project_view(Act.READ_LOGS)
@company_managed
def show(request: HttpRequest, project: Project, request_key: str) -> HttpResponse:
    """Show the timeline of a request: `?way=in` or `out`, `?from=`, `?to=`."""
    asked = requests.find(project, request_key)
    path = reverse("request-email", args=[project.key, asked.key])
    shown = timelines.Timeline(request, path)
    allowed = ALLOWED[request.role]  # type: ignore[attr-defined]
    values = {
        "project": project,
        "asked": asked,
        "tone": requests.TONES[Request.Status(asked.status)],
        "is_open": asked.status in requests.OPEN,
        "may_answer": Act.ANSWER_REQUESTS in allowed,
        "may_read_logs": True,
        "raw_of": {project.pk} if Act.DOWNLOAD_RAW in allowed else set(),
        "email_tab": True,
    }
    context = shown.context(shown.asked([project], request_key=asked.key))
    return render(request, "requests/email.html", values | context)
