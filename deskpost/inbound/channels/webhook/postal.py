"""Postal: JSON with the original in Base64, signed with RSA."""

from __future__ import annotations

import binascii
import hashlib
from functools import partial
from typing import Any

from anymail.webhooks.postal import PostalInboundWebhookView
from django.http import HttpRequest

from deskpost.hooks.payload import json_object, string
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.webhook.delivery import Content, Delivery, from_text, original
from deskpost.inbound.channels.webhook.view import InboundView


class PostalView(InboundView, PostalInboundWebhookView):  # type: ignore[misc]
    """https://docs.postalserver.io/developer/http-payloads"""

    provider = "postal"

    def read(self, request: HttpRequest) -> Delivery:
        payload = json_object(request.body)
        if "rcpt_to" not in payload:
            raise Refusal(400, "This address is for a route’s HTTP endpoint, not for events.")
        if not string(payload.get("message")):
            raise Refusal(400, "The endpoint must be set to deliver the raw message.")
        sender, recipient = string(payload.get("mail_from")), string(payload.get("rcpt_to"))
        # The mail servers of one Postal count each for itself and sign with the same key.
        digest = hashlib.sha256(string(payload["message"]).encode("utf-8", "replace"))
        return Delivery(
            key="\n".join([str(payload.get("id"))[:80], sender, recipient, digest.hexdigest()]),
            sender=sender.strip().strip("<>"),
            recipients=[recipient],
            content=partial(_content, payload),
        )


def _content(payload: dict[str, Any]) -> Content:
    message = string(payload["message"])
    if payload.get("base64") is not True:
        return from_text(message)
    try:
        return original(binascii.a2b_base64(message))
    except ValueError as error:
        raise Refusal(400, "The message is not Base64.") from error
