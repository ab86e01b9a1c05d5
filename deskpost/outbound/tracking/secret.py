"""Providers whose calls have no signature: the secret in the address shows that it is they."""

from __future__ import annotations

from typing import Any

from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailjet import MailjetTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView

from deskpost.hooks.payload import mapping, string
from deskpost.outbound.tracking.told import Details
from deskpost.outbound.tracking.view import TrackingView


class PostmarkTracking(TrackingView, PostmarkTrackingWebhookView):  # type: ignore[misc]
    """https://postmarkapp.com/developer/webhooks/webhooks-overview"""

    provider = "postmark"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details | None:
        if event.event_type == "unsubscribed" and raw.get("Origin", "Recipient") != "Recipient":
            return None  # somebody with access to the account has done it
        return Details(code=string(raw.get("Type")) or string(raw.get("SuppressionReason")))


class BrevoTracking(TrackingView, BrevoTrackingWebhookView):  # type: ignore[misc]
    """https://developers.brevo.com/docs/transactional-webhooks"""

    provider = "brevo"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        return Details(code=string(raw.get("event")))


class MailjetTracking(TrackingView, MailjetTrackingWebhookView):  # type: ignore[misc]
    """https://dev.mailjet.com/email/guides/webhooks/"""

    provider = "mailjet"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        return Details(
            code=string(raw.get("error")),
            words=string(raw.get("smtp_reply")) or string(raw.get("comment")),
        )


class SparkPostTracking(TrackingView, SparkPostTrackingWebhookView):  # type: ignore[misc]
    """https://developers.sparkpost.com/api/webhooks/"""

    provider = "sparkpost"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        (one,) = mapping(raw.get("msys")).values()
        code = string(one.get("bounce_class")) or string(one.get("error_code"))
        return Details(code=code, server=string(one.get("ip_address")))
