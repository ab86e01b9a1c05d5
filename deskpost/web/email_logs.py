"""The Email logs page: what was sent and what came, why, and the raw original."""

from __future__ import annotations

import uuid
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.storage import storages
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deskpost.logs import connection, queries
from deskpost.models import AuditEntry, Channel, InboundEmail, Project
from deskpost.models.permission import Act
from deskpost.outbound import again, suppress
from deskpost.outcomes import Outcome
from deskpost.web import connectivity_log, incoming_log, limit_strip, notification_log
from deskpost.web.access import View, project_view, signed_in


def company_managed(view: View) -> View:
    """Answer 404, with words and a way on, in a team-managed project: it has no such page."""

    @wraps(view)
    def guarded(request: HttpRequest, project: Project, **kwargs: Any) -> HttpResponseBase:
        if project.kind != Project.Kind.COMPANY:
            return render(request, "email_logs/team_managed.html", {"project": project}, status=404)
        return view(request, project, **kwargs)

    return guarded


# --- Customer notifications ----------------------------------------------------------------------


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def request_notifications(request: HttpRequest, project: Project) -> HttpResponse:
    """Customer notifications › Request notifications."""
    return _notifications(request, project, notification_log.REQUESTS)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def invitations(request: HttpRequest, project: Project) -> HttpResponse:
    """Customer notifications › Customer invitations."""
    return _notifications(request, project, notification_log.INVITATIONS)


def _notifications(request: HttpRequest, project: Project, name: str) -> HttpResponse:
    log = notification_log.Log(request, project, name)
    return render(
        request,
        "email_logs/notifications.html",
        log.context() | common() | limit_strip.values(project),
    )


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def notification(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """One notification in its drawer, beside the list to which it belongs."""
    note = queries.notification(project, pk)
    if note is None:
        raise Http404
    log = notification_log.Log(request, project, notification_log.name_for(note))
    shown = {"entry": log.drawer(note)}
    context = log.context(note) | common() | limit_strip.values(project) | shown
    return render(request, "email_logs/notifications.html", context)


@require_POST
@project_view(Act.UNBLOCK)
@company_managed
def unblock(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Allow mail to the notification's address again. Resends nothing; where the address missed
    more than this one, what it missed is listed next."""
    note = queries.notification(project, pk)
    if note is None:
        raise Http404
    address = {"address": note.address}
    if suppress.unblock(note.address, by=signed_in(request), project=project):
        messages.success(
            request, _("%(address)s can get mail again. Nothing was resent.") % address
        )
        if any(one.note.pk != note.pk for one in again.missed(project, note.address)):
            return HttpResponseRedirect(reverse("missed", args=[project.key, note.pk]))
    else:
        messages.info(request, _("%(address)s was not blocked. Nothing was changed.") % address)
    log = notification_log.Log(request, project, notification_log.name_for(note))
    return HttpResponseRedirect(log.entry_url(note.pk))


# --- Incoming emails -----------------------------------------------------------------------------


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def incoming(request: HttpRequest, project: Project) -> HttpResponse:
    """Incoming emails: the processing log of the chosen channel."""
    channels, channel = incoming_log.choose(project, request.GET.get("channel", ""))
    if channel is None:
        return render(request, "email_logs/no_channel.html", {"project": project} | common())
    return _incoming(request, project, channels, channel, None)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def incoming_email(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """One incoming message in its drawer, beside its channel's log."""
    row = queries.incoming_email(project, pk)
    if row is None:
        raise Http404
    return _incoming(request, project, queries.logged_channels(project), row.channel, row)


def _incoming(
    request: HttpRequest,
    project: Project,
    channels: list[Channel],
    channel: Channel,
    row: InboundEmail | None,
) -> HttpResponse:
    log = incoming_log.Log(request, project, channel, under_channels=False)
    context = log.context(row) | common() | {"channels": channels}
    if row:
        context["entry"] = log.drawer(row)
    return render(request, "email_logs/incoming.html", context)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def connectivity(request: HttpRequest, project: Project) -> HttpResponse:
    """Incoming emails: the connectivity log of the chosen channel. One that has none leads to its
    processing log."""
    channels, channel = incoming_log.choose(project, request.GET.get("channel", ""))
    mailbox = connection.mailbox_of(channel) if channel else None
    if channel is None or mailbox is None:
        chosen = f"?channel={channel.pk}" if channel else ""
        return HttpResponseRedirect(reverse("email-logs-incoming", args=[project.key]) + chosen)
    log = connectivity_log.Log(request, project, channel, under_channels=False)
    context = log.context(mailbox) | common() | {"channels": channels}
    return render(request, "email_logs/connectivity.html", context)


def common() -> dict[str, Any]:
    """Return what every page of the log shows. With a relay the demo refuses to run."""
    return {
        "kept_days": settings.DESKPOST["RETENTION_DAYS"],
        "demo": settings.DESKPOST["RELAY"] is None,
    }


# --- The raw message -----------------------------------------------------------------------------


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
