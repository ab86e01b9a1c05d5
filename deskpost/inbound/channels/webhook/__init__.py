"""Webhooks: what providers receive by mail for us, and post to /webhooks/PROVIDER/.

Who may call, and how that is known, is django-anymail's; docs/webhooks.md says what to set up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from deskpost.hooks.view import answer_call
from deskpost.inbound.channels.webhook.store import find_all, forget

if TYPE_CHECKING:
    from deskpost.inbound.channels.webhook.view import InboundView

__all__ = ["VIEWS", "find_all", "forget", "receive"]

# By name: a site that has no webhooks need not load Amazon's client.
VIEWS: Mapping[str, str] = {
    provider: f"{__package__}.{module}"
    for provider, module in {
        "amazon_ses": "ses.AmazonSESView",
        "mailgun": "mailgun.MailgunView",
        "postal": "postal.PostalView",
        "postmark": "postmark.PostmarkView",
        "resend": "resend.ResendView",
        "sendgrid": "sendgrid.SendGridView",
    }.items()
}

# What anymail's views are told, out of our settings.
KEYS: Mapping[str, Mapping[str, str]] = {
    "mailgun": {"webhook_signing_key": "MAILGUN_SIGNING_KEY"},
    "postal": {"webhook_key": "POSTAL_WEBHOOK_KEY"},
    "resend": {"api_key": "RESEND_API_KEY", "signing_secret": "RESEND_SIGNING_SECRET"},
}


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a provider's call. 404 for providers that the settings do not name."""
    if provider not in settings.DESKPOST["WEBHOOKS"] or provider not in VIEWS:
        raise Http404
    view: type[InboundView] = import_string(VIEWS[provider])
    return answer_call(request, view, KEYS.get(provider, {}))
