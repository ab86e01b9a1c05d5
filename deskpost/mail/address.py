"""Addresses: read, compared, judged, signed.

The parts live in `domains` (comparison), `mailboxes` (headers) and `signed` (tokens); all
of them are to be imported from here.
"""

import re
from dataclasses import dataclass
from typing import Final

from deskpost.mail.domains import ascii_domain, normalise
from deskpost.mail.mailboxes import Mailbox, first_mailbox, parse_mailboxes
from deskpost.mail.signed import (
    MAX_CHANNEL_LOCAL,
    BounceToken,
    OwnId,
    ReplyToken,
    base_address,
    bounce_address,
    own_message_id,
    read_own_message_id,
    read_signed,
    reply_address,
)

__all__ = [
    "MAX_CHANNEL_LOCAL",
    "AddressProblem",
    "BounceToken",
    "Mailbox",
    "OwnId",
    "ReplyToken",
    "base_address",
    "bounce_address",
    "first_mailbox",
    "normalise",
    "own_message_id",
    "parse_mailboxes",
    "problem",
    "read_own_message_id",
    "read_signed",
    "reply_address",
]

MAX_LOCAL: Final = 64  # octets, RFC 5321 section 4.5.3.1.1
MAX_ADDRESS: Final = 254  # octets, RFC 5321 section 4.5.3.1.3 with erratum 1690

# Which characters are wrong wherever they stand, and the code for each, in the order in
# which they are looked for.
_FORBIDDEN: Final = (
    ("control", re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")),
    ("brackets", re.compile(r'[<>()\[\]"\\]')),
    ("comma", re.compile(r"[,;、，]")),
    ("space", re.compile(r"\s")),
)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)
_ODD = re.compile(r"\.\.|^\.|^-|\.-|-\.|-$|\.$|[!-,/:-@\[-`{-~]")
_INNER = re.compile(r"<([^<>]+)>")
_NOISE = re.compile(r"[\s\x00-\x1f\x7f-\x9f<>()\[\]\"\\\u202a-\u202e\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressProblem:
    """Why an address cannot be sent to.

    `code` is one of empty, missing_at, many_at, comma, space, control, brackets,
    bad_domain, empty_local, too_long, encoded_word, non_ascii_local. `position` counts
    characters from 0 in the address as given; `suggestion` is an address without any problem.
    """

    code: str
    position: int | None
    character: str | None
    suggestion: str | None


def problem(address: str, *, smtputf8: bool = False) -> AddressProblem | None:
    """What is wrong with an address, or None.

    Dots in the local part are not judged: `a..b@docomo.ne.jp` exists. The domain needs a
    dot, save `localhost`. `smtputf8` says whether the next server takes local parts beyond
    ASCII (RFC 6531).
    """
    found = _first_problem(address, smtputf8)
    if found is None:
        return None
    code, position = found
    return AddressProblem(
        code=code,
        position=position,
        character=address[position] if position is not None else None,
        suggestion=_suggestion(address, smtputf8),
    )


def wire(address: str) -> str:
    """Return the address as it goes over the wire: the domain in ASCII (RFC 5891) where the local
    part is ASCII too, so that no server on the way need know SMTPUTF8 (RFC 6531)."""
    local, at, domain = address.rpartition("@")
    if address.isascii() or not local.isascii():
        return address
    return f"{local}{at}{ascii_domain(domain) or domain}"


def _first_problem(address: str, smtputf8: bool) -> tuple[str, int | None] | None:
    if not address.strip():
        return "empty", None
    if len(address.encode("utf-8", "replace")) > MAX_ADDRESS:
        return "too_long", None
    for code, pattern in _FORBIDDEN:
        if found := pattern.search(address):
            return code, found.start()
    if "@" not in address:
        return "missing_at", None
    if address.count("@") > 1:
        return "many_at", address.index("@", address.index("@") + 1)
    local, _, domain = address.partition("@")
    return _local_problem(local, smtputf8) or _domain_problem(domain, len(local) + 1)


def _local_problem(local: str, smtputf8: bool) -> tuple[str, int | None] | None:
    if not local:
        return "empty_local", 0
    if len(local.encode()) > MAX_LOCAL:
        return "too_long", None
    if "=?" in local:  # mail programs would decode it (RFC 2047), into whatever
        return "encoded_word", local.index("=?")
    if not local.isascii() and not smtputf8:
        return "non_ascii_local", next(i for i, c in enumerate(local) if c > "\x7f")
    return None


def _domain_problem(domain: str, offset: int) -> tuple[str, int | None] | None:
    if domain.lower() == "localhost":
        return None
    in_ascii = ascii_domain(domain)
    if in_ascii is None or "." not in in_ascii or domain.endswith("."):
        return "bad_domain", _odd_character(domain, offset)
    labels = in_ascii.split(".")
    if all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit():
        return None
    return "bad_domain", _odd_character(domain, offset)


def _odd_character(domain: str, offset: int) -> int | None:
    """Where the domain goes wrong, if one character is to blame."""
    if found := _ODD.search(domain):
        return offset + found.start()
    return None


def _suggestion(address: str, smtputf8: bool) -> str | None:
    """The address that was most likely meant, if one is."""
    inner = _INNER.search(address[: 4 * MAX_ADDRESS])
    stripped = _NOISE.sub("", address[: 4 * MAX_ADDRESS]).strip(",;、，.")
    candidates = [inner[1].strip()] if inner else []
    candidates += [
        stripped.removeprefix("mailto:"),
        re.sub(r"[,;、，]", ".", stripped),
        stripped.replace("＠", "@"),
        re.sub(r"@+", "@", stripped),
        re.sub(r"\.{2,}", ".", stripped),
    ]
    for candidate in candidates:
        if candidate != address and _first_problem(candidate, smtputf8) is None:
            return candidate
    return None
