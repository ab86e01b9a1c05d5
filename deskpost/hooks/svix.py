"""Signatures of Svix and Standard Webhooks: HMAC-SHA256 over id, time and body.

https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

LEAST_KEY = 16  # bytes; Svix gives 24
TOLERANCE = 5 * 60  # seconds, before and after
MOST_SIGNATURES = 20


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the call was signed with the secret (`whsec_` and Base64), within the tolerance.

    Raises ValueError where the secret is none.
    """
    key = binascii.a2b_base64(secret.removeprefix("whsec_"), strict_mode=True)
    if len(key) < LEAST_KEY:  # of an empty one everybody knows the signatures
        raise ValueError("the signing secret is too short")
    call_id, sent = _header(headers, "id"), _header(headers, "timestamp")
    if not call_id or not sent.isascii() or not sent.isdigit() or len(sent) > 12:
        return False
    if abs(time.time() - int(sent)) > TOLERANCE:
        return False
    signed = f"{call_id}.{sent}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # While a secret is changed there are two signatures.
    given = _header(headers, "signature").split(" ")[:MOST_SIGNATURES]
    found = [one.removeprefix("v1,").encode() for one in given if one.startswith("v1,")]
    return any(hmac.compare_digest(one, expected) for one in found)


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(f"svix-{name}") or headers.get(f"webhook-{name}") or ""
