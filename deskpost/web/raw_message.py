"""The raw message of an entry: the file that came, for whoever may have it."""

from __future__ import annotations

import uuid

from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deskpost.logs import queries
from deskpost.models import AuditEntry, InboundEmail, Project
from deskpost.models.permission import Act
from deskpost.outcomes import Outcome
from deskpost.web.access import project_view, signed_in


@require_safe
@project_view(Act.DOWNLOAD_RAW)
def raw(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponseBase:
    """The message as it came, byte for byte; where the provider gave no original, what was put
    together from its words, under a name that says so. The same file from the Email logs page and
    from Email channels, which team-managed projects have too. That it was taken is written down."""
    row = queries.incoming_email(project, pk)
    if row is None:
        raise Http404
    context = {"project": project, "row": row, "way_back": _way_back(project, row)}
    if not row.raw_key:
        never = "not_fetched" if row.outcome == Outcome.NOT_FETCHED else "raw_gone"
        return render(request, f"email_logs/{never}.html", context | {"never": True}, status=404)
    try:
        file = storages["raw"].open(row.raw_key)
    except FileNotFoundError:
        return render(request, "email_logs/raw_gone.html", context, status=410)
    AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.RAW_DOWNLOAD,
        subject=str(row.pk),
        details={"sender": row.sender or row.envelope_from, "channel": row.channel.address},
    )
    name = f"deskpost-{row.pk}{'-reconstructed' if row.reconstructed else ''}.eml"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="message/rfc822")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response


def _way_back(project: Project, row: InboundEmail) -> str:
    if project.kind == Project.Kind.COMPANY:
        return reverse("incoming", args=[project.key, row.pk])
    return f"{reverse('channel-logs', args=[project.key, row.channel_id])}?entry={row.pk}"
