"""What people do with a channel: pause, resume, try now, take the old mail too, remove."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from deskpost.inbound.channels import connection, removal
from deskpost.models import AuditEntry, Channel, Mailbox, Project
from deskpost.models.permission import Act
from deskpost.web.access import project_view, signed_in
from deskpost.web.mailboxes import find


@require_POST
@project_view(Act.CHANGE_SETTINGS)
def pause(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take no more mail from a mailbox until it is resumed."""
    mailbox = find(project, pk)
    connection.pause(mailbox, signed_in(request))
    return _back(request, mailbox.channel, "pause", _("Paused. Mail stays in the mailbox."))


@require_POST
@project_view(Act.CHANGE_SETTINGS)
def resume(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take mail from a paused mailbox again, with what has arrived meanwhile."""
    mailbox = find(project, pk)
    connection.resume(mailbox, signed_in(request))
    said = _("Resumed. What has arrived meanwhile is taken now.")
    return _back(request, mailbox.channel, "resume", said)


@require_POST
@project_view(Act.CHANGE_SETTINGS)
def try_now(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Connect at once instead of at the next try."""
    mailbox = find(project, pk)
    connection.try_now(mailbox)
    return _back(request, mailbox.channel, "try", _("It is tried now."))


@require_POST
@project_view(Act.CHANGE_SETTINGS)
def take_old(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Take the messages too that lay in the mailbox before it was connected."""
    mailbox = find(project, pk)
    connection.want_old(mailbox, signed_in(request))
    said = _("The messages from before are taken too, and nobody is told that they came.")
    return _back(request, mailbox.channel, "take_old", said)


def _back(request: HttpRequest, channel: Channel, act: str, said: str) -> HttpResponseBase:
    _audit(request, channel, {"act": act})
    messages.success(request, said)
    return redirect("channels", channel.project.key)


@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def remove(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Ask what becomes of the mail that waits, then remove a channel. The last one stays."""
    channel = get_object_or_404(Channel, project=project, pk=pk)
    if request.method == "POST":
        try:
            return _remove(request, channel)
        except removal.LastChannel:
            return _ask(request, channel, status=409)
    return _ask(request, channel, status=200)


def _ask(request: HttpRequest, channel: Channel, status: int) -> HttpResponseBase:
    others = Channel.objects.filter(project=channel.project).exclude(pk=channel.pk)
    values = {
        "project": channel.project,
        "channel": channel,
        "mailbox": Mailbox.objects.filter(pk=channel.pk).first(),
        "is_last": not others.exists(),
        "waiting": removal.waiting(channel),
    }
    return render(request, "channels/remove.html", values, status=status)


def _remove(request: HttpRequest, channel: Channel) -> HttpResponseBase:
    waiting = "drop" if request.POST.get("waiting") == "drop" else "process"
    removal.remove(channel, by=signed_in(request), waiting=waiting)
    _audit(request, channel, {"removed": channel.kind, "waiting": waiting})
    messages.success(
        request,
        _("%(address)s was removed. Its log and its requests stay.") % {"address": channel.address},
    )
    return redirect("channels", channel.project.key)


def _audit(request: HttpRequest, channel: Channel, details: dict[str, str]) -> None:
    AuditEntry.objects.create(
        person=signed_in(request),
        project=channel.project,
        act=AuditEntry.Act.SETTINGS,
        subject=channel.address,
        details=details,
    )
