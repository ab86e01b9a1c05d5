"""What a webhook fetches from its provider, through the one way out (http.py)."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from deskpost import net
from deskpost.inbound.channels.smtp import KEPT_OF_OVERSIZE
from deskpost.inbound.channels.webhook import delivery
from deskpost.inbound.channels.webhook.delivery import Content, Refusal, original
from deskpost.net import http

WAIT_SECONDS = 8.0  # to connect, and for the answer to begin: Amazon waits 15 for ours
WHOLE_SECONDS = 60.0


def fetch(url: str, limit: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return what lies at the address, of `limit` bytes at the most.

    Raises Refusal (503) if it cannot be had: the provider calls again then.
    """
    try:
        with http.session() as session:
            return http.read_bounded(_opened(session, url, headers), limit, WHOLE_SECONDS)
    except (net.Fault, requests.RequestException) as fault:
        raise Refusal(503, "The provider cannot be asked at the moment.") from fault


def download(url: str) -> Content:
    """Return the message that lies at the address; of one too large its beginning.

    Raises Refusal (503).
    """
    limit = delivery.limit()
    try:
        with http.session() as session:
            answer = _opened(session, url, None)
            declared = answer.headers.get("Content-Length", "")
            try:
                return original(http.read_bounded(answer, limit, WHOLE_SECONDS))
            except http.TooLarge as large:
                said = int(declared) if declared.isascii() and declared.isdigit() else 0
                raw = large.beginning[:KEPT_OF_OVERSIZE]
                return Content(raw=raw, size=max(said, limit + 1))
    except (net.Fault, requests.RequestException) as fault:
        raise Refusal(503, "The provider cannot be asked at the moment.") from fault


def _opened(
    session: requests.Session, url: str, headers: Mapping[str, str] | None
) -> requests.Response:
    answer = session.get(url, headers=headers, stream=True, timeout=WAIT_SECONDS)
    if answer.status_code != 200:
        answer.close()
        raise Refusal(503, f"The provider answered {answer.status_code} when asked.")
    return answer
