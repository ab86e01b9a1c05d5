"""Amazon SES: events and notifications of sent mail, through SNS."""

from __future__ import annotations

from typing import Any

from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from django.http import HttpRequest

from deskpost.hooks.amazon import AmazonChecks
from deskpost.hooks.payload import json_object, mapping, mappings, string
from deskpost.mail.address import normalise
from deskpost.outbound.tracking.told import Details
from deskpost.outbound.tracking.view import TrackingView


class AmazonSESTracking(AmazonChecks, TrackingView, AmazonSESTrackingWebhookView):  # type: ignore[misc]
    """https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html"""

    def parse_events(self, request: HttpRequest) -> list[AnymailTrackingEvent]:
        said = self.said(request)
        if said is None:
            return []
        found: list[AnymailTrackingEvent] = self.esp_to_anymail_events(
            said[1], json_object(request.body)
        )
        for event in found:
            if said[1].get("eventType") == "DeliveryDelay":  # which anymail does not know
                event.event_type = "deferred"
        return found

    def details(self, raw: dict[str, Any], event: AnymailTrackingEvent) -> Details:
        bounce = mapping(raw.get("bounce"))
        kinds = [string(bounce.get("bounceType")), string(bounce.get("bounceSubType"))]
        about = mapping(raw.get("deliveryDelay")) or bounce
        given = mappings(about.get("bouncedRecipients") or about.get("delayedRecipients"))
        of_this = (one for one in given if _is(string(one.get("emailAddress")), event))
        told = next(of_this, {})
        headers = mapping(mapping(raw.get("mail")).get("commonHeaders"))
        return Details(
            code=": ".join(filter(None, kinds)),
            words=string(told.get("diagnosticCode")) or string(told.get("status")),
            ids=(string(headers.get("messageId")),),
        )


def _is(email: str, event: AnymailTrackingEvent) -> bool:
    return normalise(email[:320]) == normalise(string(event.recipient)[:320])
