"""What strangers wrote, as a page may show it: text only, with its paragraphs and links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

# Nobody reads more on a page; the whole is in the original, and a page must stay light.
SHOWN = 50_000
LINK = re.compile(r"https?://[^\s<>\"'`\\^{|}]{1,2000}", re.IGNORECASE)
TRAILING = ".,;:!?)]*_"
REL = "noopener noreferrer nofollow"
# Characters that are no part of a text: controls, and those that turn its direction round.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def paragraphs(text: str) -> SafeString:
    """Return the text as paragraphs with line breaks; http and https addresses become links."""
    clean = UNSEEN.sub("", text[:SHOWN].replace("\r\n", "\n").replace("\r", "\n"))
    blocks = [block.strip("\n") for block in re.split(r"\n[ \t]*\n", clean)]
    made = (f"<p>{_lines(block)}</p>" for block in blocks if block.strip())
    return mark_safe("".join(made))  # noqa: S308 (every piece was escaped by _lines)


def _lines(block: str) -> str:
    return "<br>".join("".join(_pieces(line)) for line in block.split("\n"))


def _pieces(line: str) -> Iterator[str]:
    end = 0
    for match in LINK.finditer(line):
        address = match[0].rstrip(TRAILING)
        yield escape(line[end : match.start()])
        yield format_html('<a href="{}" rel="{}">{}</a>', address, REL, address)
        end = match.start() + len(address)
    yield escape(line[end:])


def typed(text: str) -> str:
    """Return what somebody typed into a form, as it is kept: no NUL (PostgreSQL takes none), and
    line breaks of one kind."""
    return text.replace("\x00", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str) -> str:
    """Return a name as it may stand within a sentence."""
    return " ".join(UNSEEN.sub("", text).split())
