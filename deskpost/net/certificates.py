"""What a server's certificate says of itself. Pure: nothing here decides whether it is trusted."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

MOST_NAMES = 10
MOST_SAID_OF_A_NAME = 255


def facts(der: bytes) -> dict[str, Any]:
    """Return the facts of a certificate (RFC 5280) that people can read.

    `subject` and `issuer` are common names, or the organisation's where there is none; `names` are
    at most ten names and addresses for which it holds; `valid_from` and `valid_until` are ISO
    dates in UTC. What cannot be read is left out.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        return {
            "subject": _common_name(found.subject),
            "names": _names(found),
            "issuer": _common_name(found.issuer),
            "valid_from": found.not_valid_before_utc.date().isoformat(),
            "valid_until": found.not_valid_after_utc.date().isoformat(),
        }
    except Exception:  # noqa: BLE001 (a stranger's, for which cryptography has errors of its own)
        return {}


def leaf(message: bytes) -> bytes:
    """Return the server's own certificate from its Certificate message, b"" if there is none.

    The message is a handshake message of TLS 1.2 (RFC 5246, section 7.4.2) or of TLS 1.3
    (RFC 8446, section 4.4.2), whose list comes after a context of the request.
    """
    body = message[4:]  # after its type and its length
    if int.from_bytes(body[:3], "big") != len(body) - 3:
        body = body[1 + body[0] :] if body else b""
    length = int.from_bytes(body[3:6], "big")
    return body[6 : 6 + length]


def _common_name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return _text(attribute.value)
    return ""


def _names(found: x509.Certificate) -> list[str]:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 (none, two, or kinds of names that cryptography does not know)
        return []
    kinds = (x509.DNSName, x509.IPAddress)
    names = [_text(name.value) for name in extension.value if isinstance(name, kinds)]
    return names[:MOST_NAMES]


def _text(value: object) -> str:
    text = str(value)[:MOST_SAID_OF_A_NAME]
    return "".join(c if c.isprintable() else " " for c in text)
