"""The DNS record of a key that signs, and whether DNS has it (RFC 6376, section 3.6)."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from deskpost.mail import dkim, dkim_sign
from deskpost.mail.dkimcanon import Message
from deskpost.models import DkimKey
from deskpost.net import txt

SECONDS: Final = 6.0  # that a check may take: a person waits for it
STRING: Final = 255  # octets of one string of a TXT record (RFC 1035, section 3.3)
MAX_SAID: Final = 600  # characters of what DNS has instead


class Unreadable(Exception):
    """The key's secret cannot be read: what it was encrypted with is gone."""


class Dns(StrEnum):
    """What DNS has where a key's record belongs."""

    FOUND = "found"
    OTHER = "other"  # something by which our signature does not hold
    MISSING = "missing"
    SILENT = "silent"  # DNS did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found; `said` is the other value, or what went wrong with DNS."""

    state: Dns
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A TXT record: its whole name, and its value as one text."""

    name: str
    value: str

    @property
    def zone(self) -> str:
        """Its line in a zone file, where a value is cut into strings of at most 255 octets."""
        pieces = (self.value[at : at + STRING] for at in range(0, len(self.value), STRING))
        strings = " ".join(f'"{piece}"' for piece in pieces)
        return f"{self.name}. IN TXT ( {strings} )"


def record(key: DkimKey) -> Record:
    """Return the record that publishes the key's other half. Raises Unreadable."""
    public = _readable(key).public_key()
    octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Record(
        name=f"{key.selector}._domainkey.{key.domain}",
        value=f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode('ascii')}",
    )


def check_dns(key: DkimKey, *, seconds: float = SECONDS) -> Checked:
    """Ask DNS for the key's record now, for at most `seconds`. Raises Unreadable.

    It is found where a signature of the key holds by each TXT record that is there: of several,
    a verifier may take any.
    """
    wanted = record(key)
    try:
        found = txt.texts(wanted.name, resolvers=settings.DESKPOST["RESOLVERS"], seconds=seconds)
    except txt.Unanswered as silence:
        return Checked(state=Dns.SILENT, said=str(silence))
    if not found:
        return Checked(state=Dns.MISSING)
    probe = _Probe(key)
    for one in found:
        if not probe.holds_by(one):
            return Checked(state=Dns.OTHER, said=one[:MAX_SAID].decode("ascii", "replace"))
    return Checked(state=Dns.FOUND)


class _Probe:
    """A small message that the key signed."""

    def __init__(self, key: DkimKey) -> None:
        self._now = time.time()
        signed = dkim_sign.sign(
            f"From: probe@{key.domain}\r\n\r\n".encode("ascii"),
            domain=key.domain,
            selector=key.selector,
            key=_readable(key),
            now=self._now,
        )
        self._message = Message(signed)
        (self._signature,) = dkim.signatures(self._message)

    def holds_by(self, published: bytes) -> bool:
        """Whether its signature is good by a record of DNS."""
        signature = self._signature
        return (
            isinstance(signature, dkim.Signature)
            and dkim.verify(self._message, signature, [published], now=self._now) is None
        )


def _readable(key: DkimKey) -> RSAPrivateKey:
    found = private(key.secret)
    if found is None:
        raise Unreadable
    return found


@lru_cache(maxsize=64)  # loading checks a key, which takes longer than a hundred signatures
def private(secret: str) -> RSAPrivateKey | None:
    """Return the key of a PEM text, or None where it cannot be read."""
    try:
        key = load_pem_private_key(secret.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPrivateKey) else None
