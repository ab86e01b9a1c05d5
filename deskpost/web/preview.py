"""The safe preview of a message: in the drawer as text, as its sender formatted it, its headers and
its attachments.

The formatted page stands in a frame that may do nothing (no scripts, no forms, no navigation), and
its own policy forbids it once more to fetch anything. Only the answer to a click on "Load remote
images" may fetch images, and the next look at the message does not.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from deskpost.logs import original, queries
from deskpost.models import AuditEntry, InboundEmail, Notification, Project
from deskpost.models.permission import Act
from deskpost.web import email_logs, files, formatted, preview_html, preview_pages, preview_shown
from deskpost.web.access import project_view, signed_in

Message = InboundEmail | Notification
Find = Callable[[Project, uuid.UUID], Message | None]

_OWN_FRAME = "; frame-ancestors 'self'"
POLICY = formatted.POLICY + _OWN_FRAME
WITH_IMAGES = POLICY.replace("img-src data:", "img-src https: http: data:")
_STYLE = (
    "<style>.hole{border:1px dashed #6b6b6b;color:#4a4a4a;padding:.5rem;display:inline-block;"
    "font-size:13px}a[title]{text-decoration:underline dotted}img{max-width:100%}"
    "body{overflow-wrap:anywhere}</style>"
)


def _of(find: Find) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Call the view with the message in place of its id; 404 where the project has none."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def found(
            request: HttpRequest, project: Project, pk: uuid.UUID, **kwargs: Any
        ) -> HttpResponseBase:
            message = find(project, pk)
            if message is None:
                raise Http404
            return view(request, project, message, **kwargs)

        return found

    return decorate


def _notification(project: Project, pk: uuid.UUID) -> Notification | None:
    """A team-managed project has no page for its notifications."""
    return queries.notification(project, pk) if project.kind == Project.Kind.COMPANY else None


# --- In the drawer -------------------------------------------------------------------------------


@require_safe
@never_cache
@project_view(Act.PREVIEW)
@_of(queries.incoming_email)
def incoming(
    request: HttpRequest, project: Project, row: InboundEmail, view: str
) -> HttpResponseBase:
    """One view of an incoming message, beside the list in which it stands."""
    shown = _shown("incoming", "raw", project, row, view)
    template, context = preview_pages.incoming(request, project, row, {"shown": shown})
    return render(request, template, context)


@require_safe
@never_cache
@project_view(Act.PREVIEW)
@_of(_notification)
def notification(
    request: HttpRequest, project: Project, note: Notification, view: str
) -> HttpResponseBase:
    """One view of a notification, as it was kept: without its tokens."""
    shown = _shown("notification", "notification-raw", project, note, view)
    template, context = email_logs.notification_context(request, project, note, {"shown": shown})
    return render(request, template, context)


def _shown(
    prefix: str, raw: str, project: Project, message: Message, view: str
) -> preview_shown.Shown:
    args = [project.key, message.pk]
    return preview_shown.shown(
        view,
        original.read(message.raw_key),
        frame=reverse(f"{prefix}-frame", args=args),
        raw=reverse(raw, args=args),
        part=reverse(f"{prefix}-part", args=[*args, 1]),
    )


# --- The page in the frame -----------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Act.PREVIEW)
@_of(queries.incoming_email)
def incoming_frame(request: HttpRequest, project: Project, row: InboundEmail) -> HttpResponse:
    """The HTML of an incoming message; by POST with its remote images, this once."""
    return _frame(request, row)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@project_view(Act.PREVIEW)
@_of(_notification)
def notification_frame(request: HttpRequest, project: Project, note: Notification) -> HttpResponse:
    """The HTML of a notification; by POST with its remote images, this once."""
    return _frame(request, note)


def _frame(request: HttpRequest, message: Message) -> HttpResponse:
    found = original.read(message.raw_key)
    remote = request.method == "POST"
    if found.html:
        body = preview_html.letter(found.html, found.attachments, remote=remote).html
    else:
        body = escape(_("Nothing to show.") if found.email else preview_shown.missing(found.state))
    page = formatted.PAGE.format(title=escape(_("Message")), body=_STYLE + body)
    response = HttpResponse(page, status=200 if found.html else 404)
    response["Content-Security-Policy"] = WITH_IMAGES if remote else POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


# --- Files ---------------------------------------------------------------------------------------


@require_safe
@never_cache
@project_view(Act.DOWNLOAD_RAW)
@_of(queries.incoming_email)
def incoming_part(
    request: HttpRequest, project: Project, row: InboundEmail, number: int
) -> HttpResponse:
    """One attachment of an incoming message, as a file to be kept. That it was taken is written
    down."""
    details = {"sender": row.sender or row.envelope_from, "channel": row.channel.address}
    return _part(request, project, row, number, details)


@require_safe
@never_cache
@project_view(Act.DOWNLOAD_RAW)
@_of(_notification)
def notification_part(
    request: HttpRequest, project: Project, note: Notification, number: int
) -> HttpResponse:
    """One attachment of a notification."""
    return _part(request, project, note, number, {"recipient": note.address})


def _part(
    request: HttpRequest, project: Project, message: Message, number: int, details: dict[str, str]
) -> HttpResponse:
    found = original.read(message.raw_key).attachments
    if not 1 <= number <= len(found):
        raise Http404
    file = found[number - 1]
    name = files.safe_name(file.name, f"attachment-{number}")
    _note(request, project, message, details | {"part": name})
    kind = file.content_type if file.content_type in files.TOLD else "application/octet-stream"
    return _as_file(file.content, name, kind)


@require_safe
@never_cache
@project_view(Act.DOWNLOAD_RAW)
@_of(_notification)
def notification_raw(request: HttpRequest, project: Project, note: Notification) -> HttpResponse:
    """The notification as it was kept: byte for byte, with placeholders where its tokens were.
    That it was taken is written down."""
    found = original.read(note.raw_key)
    if found.state != original.State.KEPT:
        words = {"project": project, "note": note, "missing": preview_shown.missing(found.state)}
        return render(request, "email_logs/notification_raw_gone.html", words, status=404)
    _note(request, project, note, {"recipient": note.address, "kind": note.kind})
    return _as_file(found.raw, f"deskpost-{note.pk}.eml", "message/rfc822")


def _note(
    request: HttpRequest, project: Project, message: Message, details: dict[str, str]
) -> None:
    AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.RAW_DOWNLOAD,
        subject=str(message.pk),
        details=details,
    )


def _as_file(content: bytes, name: str, kind: str) -> HttpResponse:
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return HttpResponse(content, content_type=kind, headers=headers)
