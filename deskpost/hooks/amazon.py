"""Amazon SES calls through SNS: its signatures, the confirmation of a topic, what a call says."""

from __future__ import annotations

import logging
from typing import Any

from anymail.exceptions import AnymailWebhookValidationFailure
from django.http import HttpRequest

from deskpost.hooks import fetch, sns
from deskpost.hooks.payload import json_object, string
from deskpost.hooks.refusal import Refusal
from deskpost.hooks.view import HookView
from deskpost.net import one_line

log = logging.getLogger(__name__)

MOST_OF_ANSWER = 64 * 1024  # bytes of what SNS says to a confirmation
# What SES tests its topic with.
GREETING = "Successfully validated SNS topic for Amazon SES"

CERTIFICATES = sns.Certificates()


class AmazonChecks(HookView):
    """Stands before django-anymail's views of Amazon SES."""

    provider = "amazon_ses"
    certificates = CERTIFICATES

    def validate_request(self, request: HttpRequest) -> None:
        """Beside anymail's checks: the signature, which anymail does not look at."""
        if not sns.is_signed(json_object(request.body), self.certificates):
            raise AnymailWebhookValidationFailure("wrong signature, or too old")

    def said(self, request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
        """Return the id and the content of a notification; None for a greeting, or a confirmation,
        which is given. Raises Refusal."""
        message = json_object(request.body)
        if message.get("Type") == "SubscriptionConfirmation":
            self._confirm(message)
            return None
        text = string(message.get("Message"))
        if message.get("Type") != "Notification" or text.startswith(GREETING):
            return None
        return string(message.get("MessageId")), json_object(text)

    def _confirm(self, message: dict[str, Any]) -> None:
        """Whoever knows our secret may subscribe us: a signature shows only that it is Amazon that
        calls, and anyone can have a topic there."""
        url, topic = string(message.get("SubscribeURL")), one_line(str(message.get("TopicArn")))
        if not self.basic_auth:
            raise Refusal(403, "A topic is confirmed only if the address holds the secret.")
        if not sns.is_amazon(url, self.certificates.host):
            raise Refusal(400, "The address to confirm at is not Amazon’s.")
        fetch.fetch(url, MOST_OF_ANSWER)
        log.info("Amazon SES: subscribed to the topic %s", topic)
