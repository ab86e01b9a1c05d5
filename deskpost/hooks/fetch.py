"""What a webhook fetches from its provider, through the one way out (net/http.py)."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from deskpost import net
from deskpost.hooks.refusal import Refusal
from deskpost.net import http

WAIT_SECONDS = 8.0  # to connect, and for the answer to begin: Amazon waits 15 for ours
WHOLE_SECONDS = 60.0


def fetch(url: str, limit: int, headers: Mapping[str, str] | None = None) -> bytes:
    """Return what lies at the address, of `limit` bytes at the most.

    Raises Refusal (503) if it cannot be had: the provider calls again then.
    """
    try:
        with http.session() as session:
            return http.read_bounded(opened(session, url, headers), limit, WHOLE_SECONDS)
    except (net.Fault, requests.RequestException) as fault:
        raise Refusal(503, "The provider cannot be asked at the moment.") from fault


def opened(
    session: requests.Session, url: str, headers: Mapping[str, str] | None = None
) -> requests.Response:
    """Return the answer, of which nothing but its head is read. Raises Refusal (503) if it is no
    200, and what requests raises."""
    answer = session.get(url, headers=headers, stream=True, timeout=WAIT_SECONDS)
    if answer.status_code != 200:
        answer.close()
        raise Refusal(503, f"The provider answered {answer.status_code} when asked.")
    return answer
