"""SendGrid: a form; with the original in `email` where "POST the raw, full MIME message" is on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from anymail.webhooks.sendgrid import SendGridInboundWebhookView
from django.http import HttpRequest

from deskpost.hooks.body import Form
from deskpost.hooks.payload import json_object, mapping, string, strings
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.webhook.delivery import Content, Delivery, from_text
from deskpost.inbound.channels.webhook.rebuild import File, Pieces, rebuild
from deskpost.inbound.channels.webhook.view import InboundView


class SendGridView(InboundView, SendGridInboundWebhookView):  # type: ignore[misc]
    """https://www.twilio.com/docs/sendgrid/for-developers/parsing-email"""

    provider = "sendgrid"
    is_form = True

    def __init__(self, **kwargs: Any) -> None:
        # anymail's own constructor only adds the warning that nobody there has an account at
        # SendGrid to try this with. It would come with each call, and there is nothing to do.
        super(SendGridInboundWebhookView, self).__init__(**kwargs)

    def read(self, request: HttpRequest) -> Delivery:
        content = self._content()
        envelope = json_object(self.form.raw("envelope"))
        sender, recipients = string(envelope.get("from")), strings(envelope.get("to"))
        # SendGrid gives its calls no id: the same message in the same envelope is the same call.
        digest = hashlib.sha256(content.raw).hexdigest()
        return Delivery(
            key="\n".join([digest, sender, *recipients]),
            sender=sender.strip().strip("<>"),
            recipients=recipients,
            content=lambda: content,
        )

    def _content(self) -> Content:
        if "email" in self.form:
            return from_text(self.form.raw("email"))
        if "headers" not in self.form:
            raise Refusal(400, "The form holds no message.")
        charsets = json_object(self.form.raw("charsets") or b"{}")
        return rebuild(
            Pieces(
                headers=_headers(self.form.text("headers")),
                text=self.form.text("text", string(charsets.get("text")) or "utf-8"),
                html=self.form.text("html", string(charsets.get("html")) or "utf-8"),
                files=list(_files(self.form)),
            )
        )


def _headers(block: str) -> list[tuple[str, str]]:
    """Headers as they stood in the message; a line that begins with a space goes on."""
    lines = re.sub(r"\r?\n(?=[ \t])", "", block).splitlines()
    pairs = [line.partition(":") for line in lines]
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon]


def _files(form: Form) -> Iterator[File]:
    about = json_object(form.raw("attachment-info") or b"{}")
    for name in sorted(about, key=lambda name: (len(name), name)):
        field = form.get(name)
        if field is None:
            continue
        told = mapping(about[name])
        yield File(
            content=field.value,
            content_type=field.content_type or string(told.get("type")),
            name=field.filename or string(told.get("filename")),
            content_id=string(told.get("content-id")),
        )
