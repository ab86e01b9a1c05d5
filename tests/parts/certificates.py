"""A certificate authority of our own and a server certificate made by it, for TLS in tests."""

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

STARTS = datetime.timedelta(hours=-1)
ENDS = datetime.timedelta(days=2)


def make(
    folder: Path,
    *,
    host: str = "localhost",
    addresses: Sequence[str] = ("127.0.0.1",),
    more_names: Sequence[str] = (),
    starts: datetime.timedelta = STARTS,
    ends: datetime.timedelta = ENDS,
) -> Path:
    """Write `server.pem`, `server.key` and `ca.pem` into `folder`; return the path of `ca.pem`.

    The server's certificate is for `host`, `addresses` and `more_names`. It is valid from `starts`
    until `ends`, counted from now: it has expired where `ends` is in the past.
    """
    authority_key, server_key = _key(), _key()
    authority = _name("Deskpost test CA")
    ca = (
        _builder(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(host),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            *(x509.DNSName(name) for name in more_names),
        ]
    )
    server = (
        _builder(_name(host), authority, server_key, starts, ends)
        .add_extension(names, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    key = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").write_bytes(key)
    (folder / "server.pem").write_bytes(server.public_bytes(Encoding.PEM))
    trusted = folder / "ca.pem"
    trusted.write_bytes(ca.public_bytes(Encoding.PEM))
    return trusted


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    starts: datetime.timedelta = STARTS,
    ends: datetime.timedelta = ENDS,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
