"""Letters that are signed by dkimpy, and what DNS has to say about them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from deskpost.inbound.dmarc import Mail, Result, check_all
from tests.parts.dns import NameServer

LETTER = (
    b"Received: from mail.a.test by mx.desk.test; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    b"From: Ann <ann@%s>\r\n"
    b"To: support@desk.test\r\n"
    b"Subject:  The printer\r\n\tis   out of ink \r\n"
    b"Message-ID: <1@a.test>\r\n"
    b"\r\n"
    b"It happened  on Monday. \r\n\r\n  Ann\t \r\n\r\n \r\n\r\n"
)
CLIENT = "192.0.2.25"
SECONDS = 3.0


@dataclass(frozen=True)
class Key:
    """A private key as dkimpy takes it, and the record that publishes its other half."""

    private: bytes
    record: str
    algorithm: bytes = b"rsa-sha256"


def rsa_key(bits: int) -> Key:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def ed25519_key() -> Key:
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    private = base64.b64encode(key.private_bytes_raw())
    return Key(private, f"v=DKIM1; k=ed25519; p={public}", b"ed25519-sha256")


def letter(domain: str = "a.test") -> bytes:
    return LETTER % domain.encode()


def signed(
    raw: bytes,
    key: Key,
    domain: str = "a.test",
    *,
    forms: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    length: bool = False,
) -> bytes:
    signer = dkim.DKIM(raw)
    header: bytes = signer.sign(
        b"k1",
        domain.encode(),
        key.private,
        signature_algorithm=key.algorithm,
        canonicalize=forms,
        length=length,
    )
    return header + raw


def mail(raw: bytes, domain: str | None = "a.test", *, sender: str = "", ip: str = CLIENT) -> Mail:
    return Mail(
        raw=raw, from_domain=domain, envelope_from=sender, client_ip=ip, helo="mail.sender.test"
    )


def check(names: NameServer, *mails: Mail, seconds: float = SECONDS) -> list[Result]:
    return check_all(mails, seconds=seconds, resolvers=[names.address])


def check_one(names: NameServer, one: Mail, seconds: float = SECONDS) -> Result:
    return check(names, one, seconds=seconds)[0]


def publish(names: NameServer, key: Key | None = None, record: str = "v=DMARC1; p=reject") -> None:
    names.txt("_dmarc.a.test", record)
    if key:
        names.txt("k1._domainkey.a.test", key.record)
