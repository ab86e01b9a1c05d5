"""What an agent does with a request: answering, editing, its status, its participants, muting."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from deskpost.desk import muting
from deskpost.desk import requests as desk
from deskpost.desk.entry import Entry
from deskpost.mail import address
from deskpost.models import Comment, Project, Request
from deskpost.models.permission import Act
from deskpost.web import conversation, plaintext
from deskpost.web.access import project_view, signed_in
from deskpost.web.customers import ADDRESS_LIMIT
from deskpost.web.requests import Typed, find, show

ANSWER_LIMIT = 100_000  # characters

Status = Request.Status


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def reply(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Add an agent's answer, which may resolve the request, too. What cannot be taken is shown
    again with the reason."""
    asked = find(project, request_key)
    if request.method != "POST":
        return _back(asked)
    text = plaintext.typed(request.POST.get("body", ""))
    if error := _fault(asked, text):
        return show(request, project, asked, Typed(answer=text, answer_error=error))
    comment = desk.add_comment(
        asked,
        signed_in(request),
        Entry(text=text.strip("\n")),
        now=timezone.now(),
        resolves="resolve" in request.POST,
    )
    messages.success(request, _("Answer added. The line under it shows how its emails fare."))
    return _back(asked, f"#c{comment.pk}")


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def edit(request: HttpRequest, project: Project, request_key: str, pk: int) -> HttpResponseBase:
    """Change the text of a comment of one's own."""
    asked = find(project, request_key)
    comment = get_object_or_404(Comment, request=asked, pk=pk)
    if not conversation.may_edit(comment, signed_in(request)):
        raise Http404
    if request.method != "POST":
        return _back(asked, f"?edit={comment.pk}#c{comment.pk}")
    text = plaintext.typed(request.POST.get("body", ""))
    if error := _fault(asked, text):
        return show(request, project, asked, Typed(edit=pk, edit_text=text, edit_error=error))
    if desk.edit_comment(comment, text.strip("\n"), signed_in(request), now=timezone.now()):
        messages.success(request, _("Comment changed."))
    return _back(asked, f"#c{comment.pk}")


def _fault(asked: Request, typed: str) -> str:
    """Return why the text cannot be taken, or nothing."""
    if asked.status == Status.CLOSED:
        return _("The request is closed. Open it again, then answer.")
    if not typed.strip():
        return _("There is no text in the answer yet.")
    if len(typed) > ANSWER_LIMIT:
        most = f"{ANSWER_LIMIT:,}"
        return _("The answer is longer than %(most)s characters. Shorten it.") % {"most": most}
    return ""


# --- Status --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def resolve(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Mark the request resolved. A GET (a reload, a stray link) only leads to the request."""
    asked = find(project, request_key)
    if request.method == "POST" and desk.resolve(asked, signed_in(request), now=timezone.now()):
        messages.success(request, _("Request resolved."))
    return _back(asked)


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def reopen(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Take the request up again. A GET only leads to the request."""
    asked = find(project, request_key)
    if request.method == "POST" and desk.reopen(asked, signed_in(request), now=timezone.now()):
        messages.success(request, _("Request opened again."))
    return _back(asked)


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def status(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Give the request another status; one that does not exist changes nothing."""
    asked, wanted = find(project, request_key), request.POST.get("status", "")
    if wanted in Status.values and desk.change_status(
        asked, wanted, signed_in(request), now=timezone.now()
    ):
        said = _("The status is now: %(status)s.") % {"status": asked.get_status_display()}
        messages.success(request, said)
    return _back(asked)


# --- People --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def add_participant(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Let the person with that address take part. Any address is taken, as in an invitation."""
    asked = find(project, request_key)
    if request.method != "POST":
        return _back(asked)
    email = plaintext.typed(request.POST.get("email", "")).strip()
    if error := _address_fault(email):
        return show(request, project, asked, Typed(email=email, email_error=error))
    person = desk.add_participant(asked, email, signed_in(request), now=timezone.now())
    if person:
        messages.success(request, _("%(person)s takes part now.") % {"person": person})
    else:
        messages.info(request, _("%(email)s takes part already.") % {"email": email})
    return _back(asked)


def _address_fault(email: str) -> str:
    """Return why no person can be made of the address, or nothing."""
    if not email:
        return _("There is no address yet.")
    if max(len(email), len(address.normalise(email))) > ADDRESS_LIMIT:
        return _("The address is longer than %(most)d characters.") % {"most": ADDRESS_LIMIT}
    return ""


@require_http_methods(["GET", "POST"])
@project_view(Act.ANSWER_REQUESTS)
def remove_participant(
    request: HttpRequest, project: Project, request_key: str, pk: int
) -> HttpResponseBase:
    """Let the person take part no longer."""
    asked = find(project, request_key)
    if request.method == "POST" and desk.remove_participant(asked, pk):
        messages.success(request, _("They take part no longer."))
    return _back(asked)


@require_http_methods(["GET", "POST"])
@project_view(Act.READ_REQUESTS)
def mute(request: HttpRequest, project: Project, request_key: str) -> HttpResponseBase:
    """Turn this request's notifications off or on again for the reader."""
    asked, reader = find(project, request_key), signed_in(request)
    if request.method == "POST" and request.POST.get("act") == "unmute":
        muting.unmute(asked, reader)
        messages.success(request, _("You get this request’s notifications again."))
    elif request.method == "POST":
        muting.mute(asked, reader, now=timezone.now())
        messages.success(request, _("You get no more notifications of this request."))
    return _back(asked)


def _back(asked: Request, rest: str = "") -> HttpResponse:
    response = redirect("request", asked.project.key, asked.key)
    response["Location"] += rest
    return response
