"""What a reader must be told of a message's parts that cannot be shown as text: an
invitation, an encrypted or a signed message, Outlook's own container."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from deskpost.mail.words import one_line

NoteKind = Literal[
    "calendar", "smime_encrypted", "smime_signed", "pgp_encrypted", "pgp_signed", "tnef"
]

MAX_CALENDAR: Final = 256 * 1024  # characters of one calendar object that are read
MAX_VALUE: Final = 500  # characters of one of its values that are kept

_UNFOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r'([A-Za-z-]{1,40})((?:[^":\n]|"[^"\n]*")*+):(.*)')
_ZONE = re.compile(r';TZID="?([^";:]{1,100})', re.IGNORECASE)
_START = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_COMPONENTS: Final = frozenset({"VEVENT", "VTODO", "VJOURNAL"})

_TNEF_TYPES: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SMIME_TYPES: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SMIME_KINDS: Final[dict[str, NoteKind | None]] = {
    "enveloped-data": "smime_encrypted",
    "authenveloped-data": "smime_encrypted",
    "signed-data": "smime_signed",
    "compressed-data": None,
    "certs-only": None,
}
# The object identifiers of RFC 5652 at the start of a CMS object: signed, enveloped data.
_CMS: Final[dict[bytes, NoteKind]] = {
    bytes.fromhex("06092a864886f70d010702"): "smime_signed",
    bytes.fromhex("06092a864886f70d010703"): "smime_encrypted",
}
_PROTOCOLS: Final[dict[str, NoteKind]] = {
    "application/pkcs7-signature": "smime_signed",
    "application/x-pkcs7-signature": "smime_signed",
    "application/pgp-signature": "pgp_signed",
    "application/pgp-encrypted": "pgp_encrypted",
}
_PGP_TEXT: Final[tuple[tuple[str, NoteKind], ...]] = (
    ("-----BEGIN PGP MESSAGE-----", "pgp_encrypted"),
    ("-----BEGIN PGP SIGNED MESSAGE-----", "pgp_signed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to say. The rest is of invitations only, and "" where it is not given.

    `method` is REQUEST, CANCEL, REPLY and the like (RFC 5546); `start` is ISO 8601: a date,
    a time with "Z", or a time in the zone that the sender calls `zone`.
    """

    kind: NoteKind
    summary: str = ""
    start: str = ""
    zone: str = ""
    method: str = ""


def of_calendar(text: str) -> Note | None:
    """The first event of a calendar object (RFC 5545), or None where there is none."""
    text = _UNFOLD.sub("", text[:MAX_CALENDAR])
    inside: list[str] = []
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not (match := _LINE.match(line)):
            continue
        name, value = match[1].upper(), match[3].strip()
        if name == "BEGIN":
            inside.append(value.upper())
        elif name == "END" and inside:
            if inside.pop() in _COMPONENTS:
                break
        elif name == "METHOD" or (inside and inside[-1] in _COMPONENTS):
            found.setdefault(name, value)
            if name == "DTSTART" and (zone := _ZONE.search(match[2])):
                found.setdefault("zone", zone[1])
    if not found:
        return None
    return Note(
        kind="calendar",
        summary=_value(_ESCAPED.sub(_unescape, found.get("SUMMARY", "")[:MAX_VALUE])),
        start=_start(found.get("DTSTART", "")),
        zone=_value(found.get("zone", "")),
        method=_value(found.get("METHOD", "").upper()[:20]),
    )


def _unescape(found: re.Match[str]) -> str:
    return " " if found[1] in "nN" else found[1]


def _value(text: str) -> str:
    return one_line(text)[:MAX_VALUE]


def _start(value: str) -> str:
    """A date or a time of RFC 5545 (section 3.3.5) as ISO 8601, or "" where it is neither."""
    if not (found := _START.match(value)):
        return ""
    numbers = [int(group) for group in found.groups()[:6] if group]
    try:
        start = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - in a named zone
    except ValueError:
        return ""
    return f"{start.isoformat()}{found[7]}" if found[4] else start.date().isoformat()


def of_container(content_type: str, protocol: str) -> NoteKind | None:
    """What a multipart says of its parts (RFC 1847, RFC 3156, RFC 8551)."""
    if content_type not in ("multipart/signed", "multipart/encrypted"):
        return None
    return _PROTOCOLS.get(protocol.strip().lower())


def of_file(content_type: str, smime_type: str, name: str, data: bytes) -> NoteKind | None:
    """What an attachment is, by its type, its name and its first octets."""
    if content_type in _TNEF_TYPES or name.lower() == "winmail.dat":
        return "tnef"
    if content_type not in _SMIME_TYPES:
        return None
    smime_type = smime_type.strip().lower()
    if smime_type in _SMIME_KINDS:
        return _SMIME_KINDS[smime_type]
    head = data[:64]
    return next((kind for number, kind in _CMS.items() if number in head), "smime_encrypted")


def of_text(text: str) -> NoteKind | None:
    """Whether a text holds a message of OpenPGP's own form (RFC 9580, section 6.2)."""
    for begin, kind in _PGP_TEXT:
        if text.startswith(begin) or f"\n{begin}" in text:
            return kind
    return None
