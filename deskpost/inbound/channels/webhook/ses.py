"""Amazon SES: a notification of SNS with the original in it, or with its place in S3."""

from __future__ import annotations

import binascii
import logging
from functools import partial
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.amazon_ses import AmazonSESInboundWebhookView
from botocore.client import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from django.http import HttpRequest

from deskpost.inbound.channels.webhook import fetch, sns
from deskpost.inbound.channels.webhook.delivery import (
    Content,
    Delivery,
    Refusal,
    from_text,
    gathered,
    json_object,
    mapping,
    original,
    string,
    strings,
)
from deskpost.inbound.channels.webhook.view import InboundView
from deskpost.net import one_line

log = logging.getLogger(__name__)

MOST_OF_ANSWER = 64 * 1024  # bytes of what SNS says to a confirmation
# Amazon SNS waits 15 seconds for our answer.
S3 = Config(connect_timeout=4, read_timeout=8, retries={"total_max_attempts": 2})
# What SES tests its topic with.
GREETING = "Successfully validated SNS topic for Amazon SES"

CERTIFICATES = sns.Certificates()


class AmazonSESView(InboundView, AmazonSESInboundWebhookView):  # type: ignore[misc]
    """https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications.html"""

    provider = "amazon_ses"
    certificates = CERTIFICATES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        params: dict[str, Any] = vars(self)["client_params"]  # anymail's
        params["config"] = params["config"].merge(S3)

    def validate_request(self, request: HttpRequest) -> None:
        """Beside anymail's checks: the signature, which anymail does not look at."""
        if not sns.is_signed(json_object(request.body), self.certificates):
            raise AnymailWebhookValidationFailure("wrong signature, or too old")

    def read(self, request: HttpRequest) -> Delivery | None:
        message = json_object(request.body)
        if message.get("Type") == "SubscriptionConfirmation":
            self._confirm(message)
            return None
        if message.get("Type") != "Notification":
            return None
        text = string(message.get("Message"))
        if text.startswith(GREETING):
            return None
        return self._received(string(message.get("MessageId")), json_object(text))

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

    def _received(self, message_id: str, event: dict[str, Any]) -> Delivery:
        if event.get("notificationType") != "Received":
            raise Refusal(400, "This address is for received mail, not for events of sent mail.")
        receipt = mapping(event.get("receipt"))
        return Delivery(
            key=message_id,
            sender=string(mapping(event.get("mail")).get("source")).strip().strip("<>"),
            recipients=strings(receipt.get("recipients")),
            content=partial(self._content, event, mapping(receipt.get("action"))),
        )

    def _content(self, event: dict[str, Any], action: dict[str, Any]) -> Content:
        if action.get("type") == "S3":
            return self._from_s3(string(action.get("bucketName")), string(action.get("objectKey")))
        if action.get("type") != "SNS" or not isinstance(event.get("content"), str):
            raise Refusal(400, "The receipt rule must use the action SNS, or S3 with a topic.")
        if action.get("encoding") != "BASE64":
            return from_text(event["content"])
        try:
            return original(binascii.a2b_base64(event["content"]))
        except ValueError as error:
            raise Refusal(400, "The message is not Base64.") from error

    def _from_s3(self, bucket: str, key: str) -> Content:
        """Fetch it as anymail does: with boto3, and Amazon's usual places for credentials."""
        try:
            return gathered(self.fetch_s3_chunks(bucket, key))
        except (ClientError, BotoCoreError, AnymailError) as error:
            log.warning("Amazon SES: S3 does not give a message: %s", type(error).__name__)
            raise Refusal(503, "The message cannot be had from S3 at the moment.") from error
