"""Signatures of Amazon SNS: made with RSA by a key whose certificate lies at Amazon.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import binascii
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.utils.dateparse import parse_datetime

from deskpost.hooks import fetch as hooks_fetch
from deskpost.hooks.payload import string

OLDEST = timedelta(days=15)  # deliveries are remembered for longer, so that none works twice
MOST_CERTIFICATE = 64 * 1024  # bytes
MOST_KEPT = 8

# Amazon's hosts for SNS, in China too: of a region, since sns.s3-us-west-2 is somebody's bucket.
HOST = re.compile(
    r"sns\.[a-z]{2}(?:-[a-z]{2,20}){1,3}-[0-9]{1,2}\.amazonaws\.com(?:\.cn)?", re.ASCII
)
_PATH = re.compile(r"[^/?#]+/[A-Za-z0-9._-]{1,200}\.pem", re.ASCII)

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}


class Certificates:
    """Amazon's certificates by address: a few are kept, since they change about once a year."""

    def __init__(
        self,
        fetch: Callable[[str, int], bytes] = hooks_fetch.fetch,
        host: re.Pattern[str] = HOST,
    ) -> None:
        self._fetch, self.host = fetch, host
        self._kept: OrderedDict[str, x509.Certificate] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str) -> x509.Certificate:
        """Return the certificate. Raises ValueError if it is none, or not at Amazon; Refusal (503)
        if it cannot be fetched."""
        if not is_amazon(url, self.host) or not _PATH.fullmatch(url.partition("://")[2]):
            raise ValueError("the certificate is not at Amazon")
        with self._lock:
            found = self._kept.get(url)
        if found is None or not _is_valid(found):
            found = x509.load_pem_x509_certificate(self._fetch(url, MOST_CERTIFICATE))
            with self._lock:
                self._kept[url] = found
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        if not _is_valid(found):
            raise ValueError("the certificate has run out")
        return found


def is_amazon(url: str, host: re.Pattern[str] = HOST) -> bool:
    """Whether the address is one of Amazon SNS: https, its host, no port, no user."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and host.fullmatch(parts.netloc) is not None
        and url.isascii()
        and url.isprintable()
    )


def is_signed(message: dict[str, Any], certificates: Certificates) -> bool:
    """Whether Amazon has signed the message, not too long ago.

    Raises ValueError if the certificate cannot be used, and Refusal (503) if it cannot be fetched.
    """
    algorithm = _HASHES.get(string(message.get("SignatureVersion")))
    if algorithm is None or not _is_recent(string(message.get("Timestamp"))):
        return False
    key = certificates.get(string(message.get("SigningCertURL"))).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        signature = binascii.a2b_base64(string(message.get("Signature")))
        key.verify(signature, signed_text(message), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def signed_text(message: dict[str, Any]) -> bytes:
    """What is signed: name and value of the fields that count, a line each."""
    names = _NOTIFICATION if message.get("Type") == "Notification" else _CONFIRMATION
    lines = [f"{name}\n{message[name]}\n" for name in names if isinstance(message.get(name), str)]
    return "".join(lines).encode("utf-8", "surrogatepass")


def _is_recent(said: str) -> bool:
    try:
        moment = parse_datetime(said)
    except ValueError:
        return False
    return (
        moment is not None
        and moment.tzinfo is not None
        and abs(datetime.now(UTC) - moment) < OLDEST
    )


def _is_valid(certificate: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
