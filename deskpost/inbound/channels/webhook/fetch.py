"""A message that lies at its provider, and how it is had."""

from __future__ import annotations

import requests

from deskpost import net
from deskpost.hooks.fetch import WHOLE_SECONDS, opened
from deskpost.hooks.refusal import Refusal
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.webhook import delivery
from deskpost.inbound.channels.webhook.delivery import Content, original
from deskpost.net import http


def download(url: str) -> Content:
    """Return the message that lies at the address; of one too large its beginning.

    Raises Refusal (503).
    """
    limit = delivery.limit()
    try:
        with http.session() as session:
            answer = opened(session, url)
            declared = answer.headers.get("Content-Length", "")
            try:
                return original(http.read_bounded(answer, limit, WHOLE_SECONDS))
            except http.TooLarge as large:
                said = int(declared) if declared.isascii() and declared.isdigit() else 0
                raw = large.beginning[:KEPT_OF_OVERSIZE]
                return Content(raw=raw, size=max(said, limit + 1))
    except (net.Fault, requests.RequestException) as fault:
        raise Refusal(503, "The provider cannot be asked at the moment.") from fault
