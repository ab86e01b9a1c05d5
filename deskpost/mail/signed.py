"""Local parts and Message-IDs that this site signed.

`support+r.TOKEN@` names a request and a person, `support+b.TOKEN@` a notification, and
`<dp.TOKEN@domain>` a request and perhaps a notification. A token is lower-case Base32
without padding of a payload and a truncated HMAC-SHA256 over purpose, payload and the
address or domain that it is for: it is worth nothing at another one.
"""

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deskpost.mail.domains import normalise

MAX_LOCAL: Final = 64  # octets of a local part, RFC 5321 section 4.5.3.1.1
REPLY_MAC: Final = 10  # octets of the truncated HMAC
BOUNCE_MAC: Final = 8  # fewer: it stands beside a random UUID
ID_MAC: Final = 10
# "+b." and 24 octets in Base32 take 42 of the 64 octets.
MAX_CHANNEL_LOCAL: Final = MAX_LOCAL - len("+b.") - -(-(16 + BOUNCE_MAC) * 8 // 5)

_SIGNED_LOCAL = re.compile(r"(.+)\+([rb])\.([a-z2-7]{16,60})", re.IGNORECASE | re.ASCII)
_OWN_ID = re.compile(r"<?dp\.([a-z2-7]{16,80})@([^<>@\s]{1,253})>?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyToken:
    """The request that a reply address stands for, and the person it was given to."""

    request: int
    person: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceToken:
    """The notification that a bounce address (envelope sender) stands for."""

    notification: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnId:
    """What one of our own Message-IDs stands for.

    With no notification it is the request's constant thread id.
    """

    request: int
    notification: uuid.UUID | None


def reply_address(channel: str, token: ReplyToken, key: bytes) -> str:
    """The channel's address with a signed reply token in its local part.

    Raises ValueError where the local part would exceed 64 octets, where a number is
    negative, or where the channel has no "@".
    """
    payload = _number(token.request) + _number(token.person)
    return _join(channel, "r", payload, _mac("r", payload, channel, key)[:REPLY_MAC])


def bounce_address(channel: str, token: BounceToken, key: bytes) -> str:
    """The channel's address with a signed bounce token in its local part.

    Raises ValueError like `reply_address`; never where the channel's local part is within
    MAX_CHANNEL_LOCAL octets.
    """
    payload = token.notification.bytes
    return _join(channel, "b", payload, _mac("b", payload, channel, key)[:BOUNCE_MAC])


def read_signed(
    recipient: str, channel: str, keys: Sequence[bytes]
) -> ReplyToken | BounceToken | None:
    """The token in a recipient's local part, if one of the keys signed it for the channel.

    Letter case does not count: servers change it. Never raises.
    """
    local, _, domain = recipient.strip().rpartition("@")
    found = _SIGNED_LOCAL.fullmatch(local)
    if found is None or normalise(f"{found[1]}@{domain}") != normalise(channel):
        return None
    purpose = found[2].lower()
    size = REPLY_MAC if purpose == "r" else BOUNCE_MAC
    payload = _verified(found[3], purpose, channel, keys, size)
    if payload is None:
        return None
    if purpose == "b":
        return BounceToken(notification=uuid.UUID(bytes=payload)) if len(payload) == 16 else None
    return _reply_token(payload)


def base_address(recipient: str) -> str:
    """The address with `+r.TOKEN` or `+b.TOKEN` taken off its local part, if it has one.

    Only the form is looked at, not the signature. Never raises.
    """
    local, at, domain = recipient.strip().rpartition("@")
    found = _SIGNED_LOCAL.fullmatch(local)
    return f"{found[1]}@{domain}" if at and found else recipient.strip()


def own_message_id(own: OwnId, domain: str, key: bytes) -> str:
    """A signed Message-ID with its angle brackets (RFC 5322, section 3.6.4).

    The same input gives the same id. Raises ValueError on a negative request.
    """
    payload = _number(own.request) + (own.notification.bytes if own.notification else b"")
    signature = _mac("id", payload, domain, key)[:ID_MAC]
    return f"<dp.{_encode(payload + signature)}@{domain}>"


def read_own_message_id(message_id: str, keys: Sequence[bytes]) -> OwnId | None:
    """What one of our own Message-IDs stands for, or None where no key signed it.

    With or without angle brackets. Never raises.
    """
    found = _OWN_ID.fullmatch(message_id.strip())
    payload = _verified(found[1], "id", found[2], keys, ID_MAC) if found else None
    if payload is None:
        return None
    request, rest = _take_number(payload)
    if request is None or len(rest) not in (0, 16):
        return None
    return OwnId(request=request, notification=uuid.UUID(bytes=rest) if rest else None)


def _join(channel: str, purpose: str, payload: bytes, signature: bytes) -> str:
    local, at, domain = channel.strip().rpartition("@")
    if not (local and at and domain):
        raise ValueError(f"not an address: {channel!r}")
    signed = f"{local}+{purpose}.{_encode(payload + signature)}"
    if len(signed.encode("utf-8", "replace")) > MAX_LOCAL:
        raise ValueError(f"the local part of {channel!r} is too long to be signed")
    return f"{signed}@{domain}"


def _mac(purpose: str, payload: bytes, audience: str, key: bytes) -> bytes:
    """The whole HMAC; the purpose and the payload's length keep the three fields apart."""
    message = b"deskpost\0%s\0%d\0%s%s" % (
        purpose.encode("ascii"),
        len(payload),
        payload,
        normalise(audience).encode("utf-8", "replace"),
    )
    return hmac.new(key, message, hashlib.sha256).digest()


def _verified(
    token: str, purpose: str, audience: str, keys: Sequence[bytes], size: int
) -> bytes | None:
    """The payload of a token that one of the keys signed, or None."""
    data = _decode(token)
    if data is None or len(data) <= size:
        return None
    payload, signature = data[:-size], data[-size:]
    # Every key is tried whatever the others say: the time taken tells nothing.
    good = [
        hmac.compare_digest(_mac(purpose, payload, audience, key)[:size], signature) for key in keys
    ]
    return payload if any(good) else None


def _reply_token(payload: bytes) -> ReplyToken | None:
    request, rest = _take_number(payload)
    person, rest = _take_number(rest)
    if request is None or person is None or rest:
        return None
    return ReplyToken(request=request, person=person)


def _number(value: int) -> bytes:
    """One octet of length, then the number, big-endian and without leading zeros."""
    if value < 0:
        raise ValueError("a token holds no negative number")
    size = (value.bit_length() + 7) // 8
    return bytes((size,)) + value.to_bytes(size, "big")


def _take_number(data: bytes) -> tuple[int | None, bytes]:
    if not data or len(data) < 1 + data[0]:
        return None, b""
    size = data[0]
    return int.from_bytes(data[1 : 1 + size], "big"), data[1 + size :]


def _encode(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _decode(token: str) -> bytes | None:
    token = token.lower()
    try:
        data = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    except binascii.Error:
        return None
    # The last character may hold bits that no octet uses: one spelling only is ours.
    return data if _encode(data) == token else None
