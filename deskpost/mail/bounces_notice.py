"""The words of a bounce, without the original that it quotes, and lines that say whom it is
about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from deskpost.mail.bounces_words import HEADER_START, SEPARATOR
from deskpost.mail.html import to_text
from deskpost.mail.mime import ParsedEmail
from deskpost.mail.words import decode

MAX_NOTICE: Final = 32 * 1024  # characters that are read
MAX_LINES: Final = 800
MAX_LINE: Final = 600  # characters of a line that are read

_STATUS_TYPE: Final = "message/delivery-status"


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice's lines, and what follows them: the original, if the text quotes it."""

    lines: tuple[str, ...]
    original: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_notice(parsed: ParsedEmail) -> Notice:
    """Cut a message's text where the original begins."""
    text = _text(parsed)
    lines = text[:MAX_NOTICE].split("\n", MAX_LINES)[:MAX_LINES]
    end = next((at for at, line in enumerate(lines) if at and _begins_original(line)), len(lines))
    return Notice(
        lines=tuple(line.rstrip()[:MAX_LINE] for line in lines[:end]),
        original="\n".join(text[: 4 * MAX_NOTICE].split("\n")[end:]),
    )


def _begins_original(line: str) -> bool:
    line = line[:200]
    return HEADER_START.match(line) is not None or SEPARATOR.search(line) is not None


def _text(parsed: ParsedEmail) -> str:
    """The text, else the HTML as text, else a text that was sent as a file or as a status."""
    if parsed.text and parsed.text.strip():
        return parsed.text
    if parsed.html:
        return to_text(parsed.html[: 4 * MAX_NOTICE])
    for content_type, body in parsed.report_parts:
        if content_type == _STATUS_TYPE:
            return decode(body[:MAX_NOTICE])
    for file in parsed.attachments:
        # A multipart whose boundary is lost is kept as a file.
        if file.content_type.startswith(("text/plain", "multipart/")):
            return decode(file.content[:MAX_NOTICE])
    return ""
