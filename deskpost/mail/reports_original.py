"""The message that a report is about, as far as the report embeds or quotes it."""

from __future__ import annotations

import re
from typing import Final

from deskpost.mail.mime import ParsedEmail
from deskpost.mail.reports_fields import Fields, block

MAX_QUOTED: Final = 64 * 1024  # characters of an original quoted in the text that are read

_TYPES: Final = (
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
)
# Types that some write for text/rfc822-headers, and headers sent as a file.
_FILE_TYPES: Final = ("text/rfc822-header", "message/rfc822-headers", "text/plain")
_ID = re.compile(r"<[^<>\s]{1,998}>")
_QUOTED_ID = re.compile(r"^[>\s]{0,8}message-id:\s{0,4}(<[^<>\s]{1,998}>)", re.I | re.M)


def original_fields(parsed: ParsedEmail) -> Fields:
    """The headers of the embedded original; without any where there is none."""
    return next((fields for fields in _embedded(parsed) if fields.get("from")), Fields(()))


def original_id(parsed: ParsedEmail, quoted: str = "") -> str | None:
    """The original's Message-ID: embedded, or quoted in the text after a separator line, or that
    which the report answers."""
    for fields in _embedded(parsed):
        if found := _ID.search(fields.get("message-id")):
            return found[0]
    if found := _QUOTED_ID.search(quoted[:MAX_QUOTED]):
        return found[1]
    return parsed.in_reply_to[0] if parsed.in_reply_to else None


def embedded_messages(parsed: ParsedEmail) -> list[bytes]:
    """The bytes of the embedded messages (not of mere headers), in order."""
    return [body for kind, body in parsed.report_parts if kind in ("message/rfc822", _TYPES[2])]


def _embedded(parsed: ParsedEmail) -> list[Fields]:
    bodies = [body for content_type, body in parsed.report_parts if content_type in _TYPES]
    bodies += [file.content for file in parsed.attachments if file.content_type in _FILE_TYPES]
    return [block(body) for body in bodies[:5]]
