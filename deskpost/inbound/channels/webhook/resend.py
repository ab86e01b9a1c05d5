"""Resend: JSON that names the message, which is fetched from Resend; signed by Svix."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urljoin

from anymail.webhooks.resend import ResendInboundWebhookView
from django.http import HttpRequest

from deskpost.hooks import fetch as hooks_fetch
from deskpost.hooks.payload import json_object, mapping, mappings, string, strings
from deskpost.hooks.refusal import Refusal
from deskpost.hooks.resend import ResendChecks
from deskpost.inbound.channels.webhook import delivery, fetch
from deskpost.inbound.channels.webhook.delivery import Content, Delivery
from deskpost.inbound.channels.webhook.rebuild import File, Pieces, rebuild
from deskpost.inbound.channels.webhook.view import SLACK, InboundView
from deskpost.mail.address import first_mailbox

MOST_FILES = 200


class ResendView(ResendChecks, InboundView, ResendInboundWebhookView):  # type: ignore[misc]
    """https://resend.com/docs/dashboard/receiving/introduction"""

    api_key = ""
    api_url = "https://api.resend.com/"

    def read(self, request: HttpRequest) -> Delivery:
        payload = json_object(request.body)
        if payload.get("type") != "email.received":
            raise Refusal(400, "This address is for Resend’s event email.received only.")
        data = mapping(payload.get("data"))
        named = string(data.get("email_id"))
        if not named:
            raise Refusal(400, "The event names no message.")
        to = [one for name in ("to", "cc", "bcc") for one in strings(data.get(name))]
        return Delivery(
            key=request.headers.get("svix-id") or request.headers["webhook-id"],
            sender=_bare(string(data.get("from"))),
            recipients=[_bare(one) for one in to],
            content=partial(self._fetch, named),
        )

    def _fetch(self, named: str) -> Content:
        """In the place of anymail's: through net_http, bounded, and the bytes as they are."""
        found = hooks_fetch.fetch(
            urljoin(self.api_url, f"emails/receiving/{quote(named, safe='')}"),
            int(delivery.limit() * self.size_factor) + SLACK,
            {"Authorization": f"Bearer {self.api_key}"},
        )
        try:
            message = json_object(found)
        except Refusal as error:
            raise Refusal(503, "Resend’s answer cannot be read.") from error
        if url := string(mapping(message.get("raw")).get("download_url")):
            return fetch.download(url)
        return rebuild(
            Pieces(
                headers=list(_headers(message)),
                text=string(message.get("text")),
                html=string(message.get("html")),
                files=list(_files(message)),
            )
        )


def _files(message: dict[str, Any]) -> Iterator[File]:
    """Fetch the attachments, until they are too large together."""
    left = delivery.limit()
    for one in mappings(message.get("attachments"))[:MOST_FILES]:
        url = string(one.get("download_url"))
        if not url or left < 0:
            continue
        content = fetch.download(url)
        left -= content.size
        yield File(
            content=content.raw,
            content_type=string(one.get("content_type")),
            name=string(one.get("filename")),
            content_id=string(one.get("content_id")),
        )


def _bare(written: str) -> str:
    found = first_mailbox(written)
    return found.address if found else ""


def _headers(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    given = message.get("headers")
    listed = [(string(one.get("name")), string(one.get("value"))) for one in mappings(given)]
    for name, value in mapping(given).items():
        listed += [(name, one) for one in (strings(value) or [string(value)])]
    there = {name.lower() for name, _ in listed}
    apart = {
        "From": string(message.get("from")),
        "To": ", ".join(strings(message.get("to"))),
        "Cc": ", ".join(strings(message.get("cc"))),
        "Reply-To": ", ".join(strings(message.get("reply_to"))),
        "Subject": string(message.get("subject")),
        "Message-ID": string(message.get("message_id")),
        "Date": string(message.get("created_at")),
    }
    for name, value in apart.items():
        if value and name.lower() not in there:
            yield name, value
    yield from listed
