"""Addresses as comparison keys."""

import unicodedata
from typing import Final

import idna

MAX_DOMAIN: Final = 253  # octets, RFC 1035 section 2.3.4, without the final dot


def ascii_domain(domain: str) -> str | None:
    """The domain in lower-case ASCII (IDNA 2008 with UTS 46 mapping), or None.

    None where it has no such form or is over 253 octets. ASCII domains are only lowered,
    not judged.
    """
    domain = domain.lower().removesuffix(".")
    if len(domain) > MAX_DOMAIN:
        return None
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except UnicodeError:  # idna.IDNAError is one
        return None


def normalise(address: str) -> str:
    """The address as a comparison key: stripped, NFC, lower case, its domain in ASCII.

    Never raises: what is no address is still folded the same way every time.
    """
    address = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).strip().lower())
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    return f"{local}@{ascii_domain(domain) or domain}"
