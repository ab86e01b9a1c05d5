"""Turning off one request's notifications by the link in them, without sign-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from deskpost.desk import muting
from deskpost.outbound import links


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a button would do on GET, since mail scanners follow links; do it on POST.

    The token alone is the right to do so, and for nothing else: one request and one person.
    """
    found = links.read_mute(token)
    if found is None:
        return render(request, "account/unsubscribe_unknown.html", status=404)
    asked, person = found
    done = request.method == "POST"
    if done and request.POST.get("act") == "unmute":
        muting.unmute(asked, person)
    elif done:
        muting.mute(asked, person, now=timezone.now())
    values = {
        "asked": asked,
        "person": person,
        "done": done,
        "is_reporter": asked.reporter_id == person.pk,
        "is_muted": muting.is_muted(asked, person),
    }
    return render(request, "account/mute.html", values)
