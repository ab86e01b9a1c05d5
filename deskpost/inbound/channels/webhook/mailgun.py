"""Mailgun: a form; with the original in `body-mime` where the address called ends in "mime"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from anymail.webhooks.mailgun import MailgunInboundWebhookView
from django.http import HttpRequest

from deskpost.hooks.body import Form
from deskpost.hooks.mailgun import check_age
from deskpost.hooks.payload import json_object, sequence, string
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.webhook.delivery import Content, Delivery, from_text
from deskpost.inbound.channels.webhook.rebuild import File, Pieces, rebuild
from deskpost.inbound.channels.webhook.view import InboundView

MOST_FILES = 1000


class MailgunView(InboundView, MailgunInboundWebhookView):  # type: ignore[misc]
    """https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store"""

    provider = "mailgun"
    is_form = True  # JSON is refused unread: anymail would read it before it knows from whom it is

    def validate_request(self, request: HttpRequest) -> None:
        """Beside anymail's check of the signature, which covers this time."""
        check_age(self.form.text("timestamp"))

    def read(self, request: HttpRequest) -> Delivery:
        if self.form.text("event") not in {"", "inbound"}:
            raise Refusal(400, "This address is for Mailgun’s routes, not for its events.")
        if "attachments" in self.form:
            raise Refusal(400, "The route must use forward(), not store().")
        return Delivery(
            key=self.form.text("token"),
            sender=self.form.text("sender").strip().strip("<>"),
            recipients=[one.strip() for one in self.form.text("recipient").split(",")],
            content=self._content,
        )

    def _content(self) -> Content:
        if "body-mime" in self.form:
            return from_text(self.form.raw("body-mime"))
        if "message-headers" not in self.form:
            raise Refusal(400, "The form holds no message.")
        return rebuild(
            Pieces(
                headers=_headers(self.form.text("message-headers")),
                text=self.form.text("body-plain"),
                html=self.form.text("body-html"),
                files=list(_files(self.form)),
            )
        )


def _headers(text: str) -> list[tuple[str, str]]:
    """Mailgun's are pairs in a list."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The headers of the message cannot be read.") from error
    pairs = [one for one in sequence(found) if isinstance(one, list) and len(one) == 2]
    return [(string(name), string(value)) for name, value in pairs]


def _files(form: Form) -> Iterator[File]:
    ids: dict[str, str] = {}
    if "content-id-map" in form:
        ids = {
            string(field): content_id
            for content_id, field in json_object(form.raw("content-id-map")).items()
        }
    for n in range(1, MOST_FILES):
        field = form.get(f"attachment-{n}")
        if field is None:
            return
        yield File(
            content=field.value,
            content_type=field.content_type,
            name=field.filename,
            content_id=ids.get(field.name, ""),
        )
