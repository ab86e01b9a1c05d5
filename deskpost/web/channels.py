"""Project settings › Email › Email channels: the addresses of a project, and their logs."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deskpost.logs import connection, queries
from deskpost.models import Channel, InboundEmail, Project
from deskpost.models.permission import Act
from deskpost.web import channel_cards, connectivity_log, incoming_log
from deskpost.web.access import project_view
from deskpost.web.email_logs import common
from deskpost.web.listing import as_uuid


@require_safe
@project_view(Act.CHANGE_SETTINGS)
def settings(request: HttpRequest, project: Project) -> HttpResponse:
    """Project settings: so far, its email channels."""
    return HttpResponseRedirect(reverse("channels", args=[project.key]))


@require_safe
@project_view(Act.CHANGE_SETTINGS)
def listing(request: HttpRequest, project: Project) -> HttpResponse:
    """The project's channels with their state."""
    shown = {"project": project, "cards": channel_cards.cards(project)}
    return render(request, "channels/listing.html", shown | common())


@require_safe
@project_view(Act.READ_LOGS)
def logs(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The processing log of one channel: the same as on the Email logs page."""
    channel = _find(project, pk)
    log = incoming_log.Log(request, project, channel, under_channels=True)
    row = _opened(request, project, channel.pk)
    context = log.context(row) | common()
    if row:
        context["entry"] = log.drawer(row)
    return render(request, "channels/logs.html", context)


@require_safe
@project_view(Act.READ_LOGS)
def connectivity(request: HttpRequest, project: Project, pk: int) -> HttpResponse:
    """The connectivity log of one channel: the same as on the Email logs page. One that has none
    leads to its processing log."""
    channel = _find(project, pk)
    mailbox = connection.mailbox_of(channel)
    if mailbox is None:
        return HttpResponseRedirect(reverse("channel-logs", args=[project.key, pk]))
    log = connectivity_log.Log(request, project, channel, under_channels=True)
    return render(request, "channels/connectivity.html", log.context(mailbox) | common())


def _find(project: Project, pk: int) -> Channel:
    channel = next((one for one in queries.logged_channels(project) if one.pk == pk), None)
    if channel is None:
        raise Http404
    return channel


def _opened(request: HttpRequest, project: Project, channel_id: int) -> InboundEmail | None:
    """Return the entry that the address opens, if it names one of this channel."""
    pk = as_uuid(request.GET.get(incoming_log.ENTRY, ""))
    row = queries.incoming_email(project, pk) if pk else None
    if pk and (row is None or row.channel_id != channel_id):
        raise Http404
    return row
