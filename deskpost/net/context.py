"""How TLS is spoken: whom it trusts, and how a certificate that it does not trust is still seen."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from deskpost.net import certificates


def tls_context() -> ssl.SSLContext:
    """Return the context of every connection: TLS 1.2 or later, with a certificate for the right
    name by the system's authorities or those of DESKPOST_CA_FILE.

    The context is shared; it is made again when the file has changed. Raises OSError
    (also ssl.SSLError) if the file cannot be read.
    """
    ca_file: Path | None = settings.DESKPOST["CA_FILE"]
    return _context(ca_file, ca_file.stat().st_mtime_ns if ca_file else 0)


@lru_cache(maxsize=4)
def _context(ca_file: Path | None, changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    # Python hands out no certificate that it does not trust, and people need to see just that
    # one. This hook shows it in the same handshake; without it only the facts are missing.
    context.sslsocket_class = _Socket
    if hasattr(context, "_msg_callback"):
        context._msg_callback = _keep_certificate
    return context


def presented(sock: ssl.SSLSocket) -> bytes:
    """Return the certificate (DER) that the server showed, trusted or not; b"" if none was seen."""
    message = sock.certificate_message if isinstance(sock, _Socket) else b""
    return certificates.leaf(message)


class _Socket(ssl.SSLSocket):
    """Keeps the Certificate message of its handshake."""

    certificate_message = b""


_HANDSHAKE, _CERTIFICATE = 22, 11  # RFC 8446, sections 5.1 and 4


def _keep_certificate(
    sock: object, direction: str, version: int, content: int, message: int, data: bytes
) -> None:
    certificate = direction == "read" and content == _HANDSHAKE and message == _CERTIFICATE
    if certificate and isinstance(sock, _Socket):
        sock.certificate_message = data
