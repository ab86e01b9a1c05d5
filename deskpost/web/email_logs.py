"""The Email logs page: what was sent and what came, why, and the raw original."""

from __future__ import annotations

import uuid
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import (
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
from deskpost.models import Channel, InboundEmail, Log, Notification, Project
from deskpost.models.permission import Act
from deskpost.outbound import again, suppress
from deskpost.web import (
    connectivity_log,
    incoming_log,
    limit_strip,
    notification_log,
    overview,
    search_page,
)
from deskpost.web.access import View, project_view, signed_in
from deskpost.web.message_list import BOTH


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
    context = log.context() | _around_notifications(request, project, log)
    return render(request, "email_logs/notifications.html", context)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def notification(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """One notification in its drawer, beside the list to which it belongs."""
    note = queries.notification(project, pk)
    if note is None:
        raise Http404
    return render(request, *notification_context(request, project, note, {}))


def notification_context(
    request: HttpRequest, project: Project, note: Notification, extra: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the template of the page on which a notification is open, and its values; `extra` is
    added to those of the drawer. It stands beside its own list, or beside the search from which it
    was opened."""
    if _is_from_search(request):
        found = search_page.Search(request, project)
        entry = found.notification_drawer(note) | extra
        context = (
            found.context(note.pk, "notification") | common() | {"entry": entry, "outgoing": True}
        )
        return "email_logs/search.html", context
    log = notification_log.Log(request, project, notification_log.name_for(note))
    context = log.context(note) | _around_notifications(request, project, log)
    return "email_logs/notifications.html", context | {"entry": log.drawer(note) | extra}


def _around_notifications(
    request: HttpRequest, project: Project, log: notification_log.Log
) -> dict[str, Any]:
    shown = overview.values(request, project, log.log)
    return common() | limit_strip.values(project) | shown


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
    return HttpResponseRedirect(_entry_url(request, project, note))


def _entry_url(request: HttpRequest, project: Project, note: Notification) -> str:
    if _is_from_search(request):
        return search_page.Search(request, project).entry_url("notification", note.pk)
    log = notification_log.Log(request, project, notification_log.name_for(note))
    return log.entry_url(note.pk)


def _is_from_search(request: HttpRequest) -> bool:
    return request.GET.get(BOTH) == "1"


# --- Incoming emails -----------------------------------------------------------------------------


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def incoming(request: HttpRequest, project: Project) -> HttpResponse:
    """Incoming emails: the processing log of the chosen channel."""
    channels, channel = incoming_log.choose(project, request.GET.get("channel", ""))
    if channel is None:
        return render(request, "email_logs/no_channel.html", {"project": project} | common())
    log = incoming_log.Log(request, project, channel, under_channels=False)
    context = log.context() | _around_incoming(request, project, channels, channel)
    return render(request, "email_logs/incoming.html", context)


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def incoming_email(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """One incoming message in its drawer, beside its channel's log."""
    row = queries.incoming_email(project, pk)
    if row is None:
        raise Http404
    return render(request, *incoming_context(request, project, row, {}))


def incoming_context(
    request: HttpRequest, project: Project, row: InboundEmail, extra: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the template of the page on which an incoming message is open, and its values, as
    notification_context does."""
    if _is_from_search(request):
        found = search_page.Search(request, project)
        entry = found.incoming_drawer(row) | extra
        context = found.context(row.pk, "incoming") | common() | {"entry": entry, "incoming": True}
        return "email_logs/search.html", context
    channels = queries.logged_channels(project)
    # The log of the first channel needs no name in its address; that of another does.
    named = row.channel_id != channels[0].pk if channels else True
    log = incoming_log.Log(request, project, row.channel, under_channels=False, named=named)
    context = log.context(row) | _around_incoming(request, project, channels, row.channel)
    return "email_logs/incoming.html", context | {"entry": log.drawer(row) | extra}


def _around_incoming(
    request: HttpRequest, project: Project, channels: list[Channel], channel: Channel
) -> dict[str, Any]:
    shown = overview.values(request, project, Log.INCOMING, channel)
    return common() | shown | {"channels": channels}


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


# --- Both directions -----------------------------------------------------------------------------


@require_safe
@project_view(Act.READ_LOGS)
@company_managed
def search(request: HttpRequest, project: Project) -> HttpResponse:
    """The search over incoming messages and notifications."""
    context = search_page.Search(request, project).context() | common()
    return render(request, "email_logs/search.html", context)


def common() -> dict[str, Any]:
    """Return what every page of the log shows. With a relay the demo refuses to run."""
    return {
        "kept_days": settings.DESKPOST["RETENTION_DAYS"],
        "demo": settings.DESKPOST["RELAY"] is None,
    }
