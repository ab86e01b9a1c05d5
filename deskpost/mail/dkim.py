"""DKIM signatures: read and verified (RFC 6376, with RFC 8301 and RFC 8463).

Keys are given, not fetched. A message of 25 MiB is hashed piece by piece and once for each
canonicalisation, however many signatures it bears; RSA is left to OpenSSL, which bounds what a
hostile key costs.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from deskpost.mail.dkimcanon import Message, canonical_header
from deskpost.mail.tags import read_tags

MAX_SIGNATURES: Final = 100  # signature headers of one message that are read
MAX_HEADER: Final = 16_384  # octets of one signature header
MAX_KEY: Final = 8_192  # octets of one key record
MAX_SIGNED: Final = 500  # names in h=
LEAST_KEY: Final = 1_024  # bits, RFC 8301 section 3.2
GREATEST_KEY: Final = 8_192
LEEWAY: Final = 12 * 3_600  # seconds that a message may have waited past x=

# What d= and s= may be.
DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*+")

_SPACE = re.compile(r"\s++")
_CANONICAL: Final = ("simple", "relaxed")
_ALGORITHMS: Final = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One DKIM-Signature that can be verified; `raw` is its header as it was sent."""

    domain: str
    selector: str
    identity: str  # the domain of i=
    key_type: str
    header_form: str
    body_form: str
    signed: tuple[str, ...]
    body_hash: bytes
    proof: bytes
    length: int | None
    expires: int | None
    raw: tuple[bytes, bytes]

    @property
    def key_name(self) -> str:
        """Where its key is published."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A signature that cannot count, the domain that it names (perhaps empty), and why."""

    domain: str
    why: str


def signatures(message: Message) -> tuple[Signature | Unusable, ...]:
    """The signatures of a message, topmost first. Never raises."""
    found = [raw for raw in message.headers if raw[0].lower() == b"dkim-signature"]
    return tuple(_read(name, value) for name, value in found[:MAX_SIGNATURES])


def _read(name: bytes, value: bytes) -> Signature | Unusable:
    if len(value) > MAX_HEADER:
        return Unusable(domain="", why="its header is too long")
    tags = read_tags(value.decode("ascii", "replace"))
    if tags is None:
        return Unusable(domain="", why="malformed")
    domain = tags.get("d", "").lower().removesuffix(".")
    try:
        return _signature((name, value), tags, domain)
    except (ValueError, KeyError) as error:
        why = f"{error}" if isinstance(error, _No) else "malformed"
        return Unusable(domain=domain if DOMAIN.fullmatch(domain) else "", why=why)


class _No(ValueError):
    """Why a signature or a key does not count."""


def _signature(raw: tuple[bytes, bytes], tags: dict[str, str], domain: str) -> Signature:
    selector = tags["s"].lower()
    if tags["v"] != "1" or not DOMAIN.fullmatch(domain) or not DOMAIN.fullmatch(selector):
        raise ValueError
    algorithm = tags["a"].lower()
    if algorithm not in _ALGORITHMS:
        raise _No(f"{_shown(algorithm)} does not count")
    header_form, _, body_form = tags.get("c", "simple").lower().partition("/")
    body_form = body_form or "simple"
    if header_form not in _CANONICAL or body_form not in _CANONICAL:
        raise ValueError
    signed = tuple(_SPACE.sub("", tags["h"]).lower().split(":"))
    if "from" not in signed or len(signed) > MAX_SIGNED:
        raise _No("it does not cover From")
    return Signature(
        domain=domain,
        selector=selector,
        identity=_identity(tags.get("i", ""), domain),
        key_type=_ALGORITHMS[algorithm],
        header_form=header_form,
        body_form=body_form,
        signed=signed,
        body_hash=_base64(tags["bh"]),
        proof=_base64(tags["b"]),
        length=_number(tags.get("l")),
        expires=_number(tags.get("x")),
        raw=raw,
    )


def _shown(text: str) -> str:
    return re.sub(r"[^a-z0-9-]", "?", text[:30])


def _identity(value: str, domain: str) -> str:
    """The domain of i=, which is d= or lies below it (RFC 6376, section 3.5)."""
    found = value.rpartition("@")[2].lower().removesuffix(".") or domain
    if found != domain and not found.endswith("." + domain):
        raise ValueError
    return found


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,20}", value):
        raise ValueError
    return int(value)


def _base64(value: str) -> bytes:
    """Decoded; raises ValueError (binascii.Error is one)."""
    return base64.b64decode(_SPACE.sub("", value), validate=True)


def verify(
    message: Message, signature: Signature, keys: Iterable[bytes], *, now: float
) -> str | None:
    """None where the signature holds for the whole message, or why it does not count.

    `keys` are the TXT records at the signature's `key_name`; `now` is in seconds of the epoch.
    Never raises.
    """
    try:
        key = _key(keys, signature)
        _check_reach(message, signature, now)
        data = signed_data(message, signature.signed, signature.raw, form=signature.header_form)
        _check_proof(key, signature, data)
    except _No as no:
        return str(no)
    return None


def _check_reach(message: Message, signature: Signature, now: float) -> None:
    if message.truncated:
        raise _No("its headers are too long")
    # A second From would be shown and not be signed (RFC 6376, section 8.15).
    if message.count(b"from") != 1:
        raise _No("the message has more than one From")
    if signature.expires is not None and signature.expires + LEEWAY < now:
        raise _No("it has expired")
    digest, length = message.body_digest(signature.body_form)
    if signature.length is not None and signature.length < length:
        raise _No("it covers only a part of the body")
    if digest != signature.body_hash:
        raise _No("the body was changed")


def signed_data(
    message: Message, names: Iterable[str], raw: tuple[bytes, bytes], *, form: str
) -> bytes:
    """What is signed: the headers of h=, from the last of each name upwards (section 5.4.2), and
    the signature's own header, `raw`."""
    waiting: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for header in message.headers:
        waiting.setdefault(header[0].lower(), []).append(header)
    found = []
    for name in names:
        if left := waiting.get(name.encode("ascii", "replace")):
            found.append(canonical_header(*left.pop(), form=form))
    label, value = raw
    last = canonical_header(label, _without_proof(value), form=form)
    return b"".join((*found, last.removesuffix(b"\r\n")))


def _without_proof(value: bytes) -> bytes:
    """The signature's header with an empty b= (section 3.7)."""
    pieces = value.split(b";")
    for at, piece in enumerate(pieces):
        name, equals, _ = piece.partition(b"=")
        if equals and name.strip() == b"b":
            pieces[at] = name + equals
    return b";".join(pieces)


def _key(records: Iterable[bytes], signature: Signature) -> RSAPublicKey | Ed25519PublicKey:
    """The public key of the record, if it may be used for this signature (section 3.6.1)."""
    listed = [read_tags(one.decode("ascii", "replace")) for one in records if len(one) <= MAX_KEY]
    tags = next((one for one in listed if one and "p" in one), None)
    if tags is None or tags.get("v", "DKIM1") != "DKIM1":
        raise _No("no key is published")
    if not tags["p"]:
        raise _No("its key was revoked")
    _check_use(tags, signature)
    return _public_key(tags["p"], signature.key_type)


def _check_use(tags: dict[str, str], signature: Signature) -> None:
    if tags.get("k", "rsa").lower() != signature.key_type:
        raise _No("its key is of another type")
    if "sha256" not in _words(tags.get("h", "sha256")):
        raise _No("its key does not allow sha256")
    if not {"*", "email"} & _words(tags.get("s", "*")):
        raise _No("its key is not for email")
    if "s" in _words(tags.get("t", "")) and signature.identity != signature.domain:
        raise _No("its key is not for subdomains")


def _words(value: str) -> set[str]:
    return set(_SPACE.sub("", value).lower().split(":"))


def _public_key(text: str, kind: str) -> RSAPublicKey | Ed25519PublicKey:
    try:
        data = _base64(text)
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(data)
        key = load_der_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error) as error:
        raise _No("its key cannot be read") from error
    if not isinstance(key, RSAPublicKey):
        raise _No("its key is of another type")
    if not LEAST_KEY <= key.key_size <= GREATEST_KEY:
        raise _No(f"its key has {key.key_size} bits")
    return key


def _check_proof(key: RSAPublicKey | Ed25519PublicKey, signature: Signature, data: bytes) -> None:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature.proof, hashlib.sha256(data).digest())
        else:
            key.verify(signature.proof, data, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm) as error:
        raise _No("the signature did not verify") from error
