"""Tracking: what providers post of messages that they took, to /webhooks/PROVIDER/tracking/.

Who may call, and what an event says, is django-anymail's; docs/webhooks.md says what to set up.
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

if TYPE_CHECKING:
    from deskpost.outbound.tracking.view import TrackingView

__all__ = ["VIEWS", "receive"]

# By name: a site that tracks nothing need not load Amazon's client.
VIEWS: Mapping[str, str] = {
    provider: f"{__package__}.{module}"
    for provider, module in {
        "amazon_ses": "amazon.AmazonSESTracking",
        "brevo": "secret.BrevoTracking",
        "mailersend": "signed.MailerSendTracking",
        "mailgun": "signed.MailgunTracking",
        "mailjet": "secret.MailjetTracking",
        "mailtrap": "signed.MailtrapTracking",
        "mandrill": "signed.MandrillTracking",
        "postal": "signed.PostalTracking",
        "postmark": "secret.PostmarkTracking",
        "resend": "signed.ResendTracking",
        "sendgrid": "signed.SendGridTracking",
        "sparkpost": "secret.SparkPostTracking",
        "unisender_go": "signed.UnisenderGoTracking",
    }.items()
}

# What the views are told, out of our settings.
KEYS: Mapping[str, Mapping[str, str]] = {
    "mailersend": {"signing_secret": "MAILERSEND_TRACKING_SECRET"},
    "mailgun": {"webhook_signing_key": "MAILGUN_SIGNING_KEY"},
    "mailtrap": {"tracking_secret": "MAILTRAP_TRACKING_SECRET"},
    "mandrill": {"webhook_key": "MANDRILL_TRACKING_KEY"},
    "postal": {"webhook_key": "POSTAL_WEBHOOK_KEY"},
    "resend": {"signing_secret": "RESEND_TRACKING_SECRET"},
    "sendgrid": {"tracking_key": "SENDGRID_TRACKING_KEY"},
    "unisender_go": {"api_key": "UNISENDER_GO_TRACKING_KEY"},
}


@csrf_exempt
@login_not_required
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a provider's call. 404 for providers that the settings do not name."""
    if provider not in settings.DESKPOST["TRACKING"] or provider not in VIEWS:
        raise Http404
    view: type[TrackingView] = import_string(VIEWS[provider])
    return answer_call(request, view, KEYS.get(provider, {}))
