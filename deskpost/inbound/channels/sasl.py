"""What servers answer to a sign-in with a token (XOAUTH2, OAUTHBEARER)."""

from __future__ import annotations

import base64
import json

MOST_STATUS = 100  # characters


def status_of(challenge: bytes) -> bytes:
    """Return the status in the JSON with which a server refuses a token (RFC 7628, section 3.2.2),
    or b"" if there is none that can be read."""
    try:
        told = json.loads(base64.b64decode(challenge))
    except (ValueError, RecursionError):
        return b""
    status = told.get("status", "") if isinstance(told, dict) else ""
    if not isinstance(status, str | int):
        return b""
    return str(status)[:MOST_STATUS].encode("utf-8", "replace")
