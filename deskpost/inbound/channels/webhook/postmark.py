"""Postmark: JSON, with the original in it where "Include raw email content" is switched on."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from anymail.webhooks.postmark import PostmarkInboundWebhookView
from django.http import HttpRequest

from deskpost.hooks.payload import json_object, mapping, mappings, string
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.webhook.delivery import Content, Delivery, from_text
from deskpost.inbound.channels.webhook.rebuild import File, Pieces, address, rebuild
from deskpost.inbound.channels.webhook.view import InboundView


class PostmarkView(InboundView, PostmarkInboundWebhookView):  # type: ignore[misc]
    """https://postmarkapp.com/developer/webhooks/inbound-webhook"""

    provider = "postmark"
    # The attachments come a second time beside the original, in which each line break takes four.
    size_factor = 3

    def read(self, request: HttpRequest) -> Delivery:
        payload = json_object(request.body)
        if string(payload.get("RecordType")) not in {"", "Inbound"}:
            raise Refusal(400, "This address is for Postmark’s inbound webhook, not for others.")
        return Delivery(
            key=string(payload.get("MessageID")) or hashlib.sha256(request.body).hexdigest(),
            sender=_sender(payload),
            recipients=list(_recipients(payload)),
            content=partial(_content, payload),
        )


def _sender(payload: dict[str, Any]) -> str:
    """Postmark puts the envelope's sender before the headers. Empty is the null sender."""
    first = next(iter(mappings(payload.get("Headers"))), {})
    if string(first.get("Name")).lower() == "return-path":
        return string(first.get("Value")).strip().strip("<>")
    return string(mapping(payload.get("FromFull")).get("Email"))


def _recipients(payload: dict[str, Any]) -> Iterator[str]:
    """Mail that was forwarded to Postmark has our address only in its headers."""
    yield string(payload.get("OriginalRecipient"))
    for name in ("ToFull", "CcFull", "BccFull"):
        for one in mappings(payload.get(name)):
            yield string(one.get("Email"))


def _content(payload: dict[str, Any]) -> Content:
    if raw := string(payload.get("RawEmail")):
        return from_text(raw)
    return rebuild(
        Pieces(
            headers=list(_headers(payload)),
            text=string(payload.get("TextBody")),
            html=string(payload.get("HtmlBody")),
            files=[_file(one) for one in mappings(payload.get("Attachments"))],
        )
    )


def _headers(payload: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The headers, and before them those that Postmark gives by themselves."""
    listed = [
        (string(one.get("Name")), string(one.get("Value")))
        for one in mappings(payload.get("Headers"))
    ]
    if listed and listed[0][0].lower() == "return-path":
        del listed[0]
    there = {name.lower() for name, _ in listed}
    apart = {
        "From": _addresses([payload.get("FromFull")]),
        "To": _addresses(payload.get("ToFull")),
        "Cc": _addresses(payload.get("CcFull")),
        "Subject": string(payload.get("Subject")),
        "Date": string(payload.get("Date")),
        "Reply-To": string(payload.get("ReplyTo")),
    }
    for name, value in apart.items():
        if value and name.lower() not in there:
            yield name, value
    yield from listed


def _addresses(value: Any) -> str:
    return ", ".join(
        address(string(one.get("Name")), string(one.get("Email"))) for one in mappings(value)
    )


def _file(attachment: dict[str, Any]) -> File:
    # Postmark's own test payloads say Data.
    encoded = string(attachment.get("Content")) or string(attachment.get("Data"))
    try:
        content = binascii.a2b_base64(encoded)
    except ValueError as error:
        raise Refusal(400, "An attachment is not Base64.") from error
    return File(
        content=content,
        content_type=string(attachment.get("ContentType")),
        name=string(attachment.get("Name")),
        content_id=string(attachment.get("ContentID")),
    )
