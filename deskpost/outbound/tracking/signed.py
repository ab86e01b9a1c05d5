"""Providers that sign their calls."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mailtrap import MailtrapTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postal import PostalTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridBaseWebhookView, SendGridTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings
from django.http import HttpRequest

from deskpost.hooks.mailgun import check_age
from deskpost.hooks.payload import json_object, mapping, string
from deskpost.hooks.refusal import Refusal
from deskpost.hooks.resend import ResendChecks
from deskpost.outbound.tracking.told import Details
from deskpost.outbound.tracking.view import LIMIT, TrackingView

_REPLY = re.compile(r"(?!499)[245]\d\d")  # 499 is Mailgun's own, as 605 is


class MailgunTracking(TrackingView, MailgunTrackingWebhookView):  # type: ignore[misc]
    """https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads"""

    provider = "mailgun"

    def validate_request(self, request: HttpRequest) -> None:
        """Beside anymail's check of the signature."""
        if request.content_type != "application/json":
            raise Refusal(400, "This address is for Mailgun’s webhooks, which are JSON.")
        check_age(string(_signature(request).get("timestamp")))

    def once(self, request: HttpRequest) -> str:
        """The signature covers the token, but not what comes with it: each is taken once."""
        return string(_signature(request).get("token"))

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        data = mapping(raw.get("event-data"))
        status, reason = mapping(data.get("delivery-status")), string(data.get("reason"))
        code = reason if reason.startswith("suppress-") else str(status.get("code") or "")
        words = string(status.get("message")) or string(status.get("description"))
        if words and _REPLY.fullmatch(code):
            words = f"{code} {words}"  # the server's, as it said it
        return Details(code=code, words=words, server=string(status.get("mx-host")), raw=data)


def _signature(request: HttpRequest) -> dict[str, Any]:
    return mapping(json_object(request.body).get("signature"))


class SendGridTracking(TrackingView, SendGridTrackingWebhookView):  # type: ignore[misc]
    """https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""

    provider = "sendgrid"
    tracking_key = ""

    def __init__(self, **kwargs: Any) -> None:
        # anymail's own constructor adds a warning to each call that nobody there has an account at
        # SendGrid to try this with.
        super(SendGridBaseWebhookView, self).__init__(**kwargs)

    def validate_request(self, request: HttpRequest) -> None:
        """anymail checks nothing where there is no key. Raises ValueError where ours is none."""
        pem = f"-----BEGIN PUBLIC KEY-----\n{self.tracking_key}\n-----END PUBLIC KEY-----"
        self.webhook_verification_key = load_pem_public_key(pem.encode())
        SendGridBaseWebhookView.validate_request(self, request)

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        said, status = string(raw.get("type")) or string(raw.get("reason")), raw.get("status")
        code = string(status) if event.event_type == "bounced" and said != "blocked" else said
        return Details(
            code=code.lower(), words=string(raw.get("reason")), ids=(string(raw.get("smtp-id")),)
        )


class PostalTracking(TrackingView, PostalTrackingWebhookView):  # type: ignore[misc]
    """https://docs.postalserver.io/developer/webhooks"""

    provider = "postal"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        payload = mapping(raw.get("payload"))
        message = mapping(payload.get("message")) or mapping(payload.get("original_message"))
        return Details(ids=(string(message.get("message_id")),))


class ResendTracking(ResendChecks, TrackingView, ResendTrackingWebhookView):  # type: ignore[misc]
    """https://resend.com/docs/webhooks/event-types"""

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        bounce = mapping(mapping(raw.get("data")).get("bounce"))
        kinds = [string(bounce.get("type")), string(bounce.get("subType"))]
        return Details(code=": ".join(filter(None, kinds)))


class MailerSendTracking(TrackingView, MailerSendTrackingWebhookView):  # type: ignore[misc]
    """https://developers.mailersend.com/api/v1/webhooks.html"""

    provider = "mailersend"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        return Details(code=string(mapping(raw.get("data")).get("type")))


class MailtrapTracking(TrackingView, MailtrapTrackingWebhookView):  # type: ignore[misc]
    """https://docs.mailtrap.io/email-api-smtp/advanced/webhooks"""

    provider = "mailtrap"

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        said = string(raw.get("response")) or string(raw.get("reason"))
        return Details(code=string(raw.get("event")), words=said)


class MandrillTracking(TrackingView, MandrillCombinedWebhookView):  # type: ignore[misc]
    """https://mailchimp.com/developer/transactional/docs/webhooks/"""

    provider = "mandrill"
    is_form = True
    most_simple = LIMIT  # all events are in one field

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # What is signed begins with the address as it was entered at Mandrill: not what a proxy
        # has made of it.
        parts = urlsplit(settings.BASE_URL)
        secret = f"{self.basic_auth[0]}@" if self.basic_auth else ""
        place = f"{secret}{parts.netloc}{parts.path}/webhooks/mandrill/tracking/"
        self.webhook_url = f"{parts.scheme}://{place}"

    def mandrill_inbound_to_anymail_event(self, esp_event: Any) -> Any:
        raise AnymailConfigurationError("this address is not for incoming mail")

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        description = string(mapping(raw.get("msg")).get("bounce_description"))
        code = description if description not in {"", "general"} else string(raw.get("event"))
        return Details(code=code)


class UnisenderGoTracking(TrackingView, UnisenderGoTrackingWebhookView):  # type: ignore[misc]
    """https://godocs.unisender.ru/web-api-ref#callback-format"""

    provider = "unisender_go"

    def validate_request(self, request: HttpRequest) -> None:
        """anymail puts its key wherever the mark of the call stands: that may not be everywhere."""
        mark = string(json_object(request.body).get("auth"))
        if not re.fullmatch(r"[0-9a-f]{32}", mark) or request.body.count(mark.encode()) != 1:
            raise AnymailWebhookValidationFailure("no signature")

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        info = mapping(raw.get("delivery_info"))
        whole = {name: value for name, value in raw.items() if name != "auth"}
        return Details(code=string(info.get("delivery_status")), raw=whole)
