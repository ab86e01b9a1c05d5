"""Two help pages, to which remedies lead: for everyone, signed in or not."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deskpost.outbound import quota
from deskpost.web import limit_words


@require_safe
def limits(request: HttpRequest) -> HttpResponse:
    """Notification limits: what this site sends and takes, in its own numbers."""
    chosen = settings.DESKPOST
    values = {
        "standing": quota.standing(),
        "rule": limit_words.reset_rule(),
        "message_limit": chosen["MESSAGE_LIMIT"],
        "inbound_limit": chosen["INBOUND_LIMIT"],
    }
    return render(request, "help/limits.html", values)


@require_safe
def preferences(request: HttpRequest) -> HttpResponse:
    """Notification preferences: unsubscribing, subscribing again, private addresses."""
    return render(request, "help/preferences.html")
