"""Amazon SES: a notification of SNS with the original in it, or with its place in S3."""

from __future__ import annotations

import binascii
import logging
from functools import partial
from typing import Any

from anymail.exceptions import AnymailError
from anymail.webhooks.amazon_ses import AmazonSESInboundWebhookView
from botocore.client import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from django.http import HttpRequest

from deskpost.hooks.amazon import AmazonChecks
from deskpost.hooks.payload import mapping, string, strings
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.webhook.delivery import (
    Content,
    Delivery,
    from_text,
    gathered,
    original,
)
from deskpost.inbound.channels.webhook.view import InboundView

log = logging.getLogger(__name__)

# Amazon SNS waits 15 seconds for our answer.
S3 = Config(connect_timeout=4, read_timeout=8, retries={"total_max_attempts": 2})


class AmazonSESView(AmazonChecks, InboundView, AmazonSESInboundWebhookView):  # type: ignore[misc]
    """https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications.html"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        params: dict[str, Any] = vars(self)["client_params"]  # anymail's
        params["config"] = params["config"].merge(S3)

    def read(self, request: HttpRequest) -> Delivery | None:
        said = self.said(request)
        return self._received(*said) if said else None

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
