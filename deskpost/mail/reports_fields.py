"""Groups of fields as reports have them (RFC 3464, section 2.1; RFC 5965, section 3)."""

from __future__ import annotations

import re
from typing import Final

from deskpost.mail.mailboxes import parse_mailboxes
from deskpost.mail.structure import Headers, read_headers
from deskpost.mail.words import decode_words, header_text, one_line

MAX_GROUPS: Final = 200
MAX_FIELDS: Final = 500
MAX_REPORT: Final = 256 * 1024  # octets of a part of a report that are read
MAX_VALUE: Final = 2_000  # characters of one field that are kept
MAX_ADDRESS: Final = 320

_GROUP_END = re.compile(rb"\r?\n[ \t]*+(?:\r?\n[ \t]*+)++")
_TYPED = re.compile(r"\s*[A-Za-z0-9/-]{1,30}\s*;\s*(.*)", re.DOTALL)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


class Fields:
    """The fields of one group, by name; the first of each counts."""

    def __init__(self, headers: Headers) -> None:
        self._values: dict[str, list[str]] = {}
        for name, raw in headers:
            text = one_line(decode_words(header_text(raw)))[:MAX_VALUE]
            self._values.setdefault(name.lower(), []).append(text)

    def get(self, name: str) -> str:
        return self._values.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def typed(self, name: str) -> str:
        """A value without its type: `dns; mx.example` (RFC 3464, section 2.1.2)."""
        value = self.get(name)
        found = _TYPED.fullmatch(value)
        return (found[1] if found else value).strip()


def groups(body: bytes) -> list[Fields]:
    """The groups that empty lines divide; at most 200."""
    body = body[:MAX_REPORT].lstrip(b"\r\n \t")
    found = []
    for block in _GROUP_END.split(body, maxsplit=MAX_GROUPS)[:MAX_GROUPS]:
        headers, _, _ = read_headers(block, 0, len(block), size=MAX_REPORT, count=100)
        if headers:
            found.append(Fields(headers))
    return found


def block(body: bytes) -> Fields:
    """The header block with which `body` begins."""
    body = body[:MAX_REPORT].lstrip(b"\r\n")
    headers, _, _ = read_headers(body, 0, len(body), size=MAX_REPORT, count=MAX_FIELDS)
    return Fields(headers)


def address(group: Fields) -> str:
    """The address that the sender used where the report knows it, else the final one."""
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = _unxtext(group.typed(name))
        if mailboxes := parse_mailboxes(value):
            return mailboxes[0].address.strip("<>")
    return _unxtext(group.typed("final-recipient")).strip("<> ")[:MAX_ADDRESS]


def _unxtext(value: str) -> str:
    """Undo the xtext of an ORCPT (RFC 3461, section 4): "+40" is "@".

    Only where the value has no "@" of its own: a plus sign is common in addresses.
    """
    if "@" in value:
        return value
    return one_line(_XTEXT.sub(lambda found: chr(int(found[1], 16)), value))
