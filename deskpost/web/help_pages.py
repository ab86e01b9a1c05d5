"""Two help pages, to which remedies lead: for everyone, signed in or not."""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe


@require_safe
def limits(request: HttpRequest) -> HttpResponse:
    """Notification limits: what this site sends and takes, in its own numbers."""
    chosen = settings.DESKPOST
    values = {
        "daily_limit": chosen["DAILY_LIMIT"],
        "message_limit": chosen["MESSAGE_LIMIT"],
        "inbound_limit": chosen["INBOUND_LIMIT"],
        "resets_at": next_day(timezone.now()),
    }
    return render(request, "help/limits.html", values)


@require_safe
def preferences(request: HttpRequest) -> HttpResponse:
    """Notification preferences: unsubscribing, subscribing again, private addresses."""
    return render(request, "help/preferences.html")


def next_day(now: datetime) -> datetime:
    """Return when the day of the limits (UTC) ends."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
