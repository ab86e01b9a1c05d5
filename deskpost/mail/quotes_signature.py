"""Signatures at the end of a text: "-- " (RFC 3676 section 4.3), a list's footer, a device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from deskpost.mail import quotes_words as words
from deskpost.mail.quotes_lines import is_blank

MAX_SIGNATURE: Final = 20  # lines; a longer one is text, unless
MAX_DELIMITED: Final = 40  # lines stand below the very "-- "
MAX_CONTACT: Final = 8  # written lines below another delimiter, each of at most
MAX_CONTACT_LINE: Final = 80  # characters
MAX_DEVICE: Final = 70  # characters
MAX_DEVICE_WORDS: Final = 10
MAX_NAME: Final = 40  # characters of "-Ann"

_LINES: Final = "_-—–━─~=*"
_CONTACT = re.compile(r"\S@\S|@\w{2}|https?://|www\.|\+\d[\d ()./-]{6,}", re.IGNORECASE)
_LINK = re.compile(r"\s*[<(\[]?https?://\S+$", re.IGNORECASE)
# "-Ann" or "/Ann B.": a name, not an item of a list and not a path.
_NAME = re.compile(
    r"(?:-[^\W\d_]|[–—]\s?[^\W\d_]|/[A-ZÀ-ÖØ-Þ])[^\W\d_]*(?:[ .'-]{1,2}[^\W\d_]+){0,3}\.?"
)


def start(lines: Sequence[str], cut: int) -> int:
    """Return where the signature of lines[:cut] begins, or `cut` if it has none.

    The last of these lines has to be a written one.
    """
    for number in range(max(0, cut - MAX_DELIMITED), cut):
        if _delimits(lines, number, cut):
            return number
    last = lines[cut - 1] if cut else ""
    if is_device(last):
        return cut - 1
    if cut > 1 and _is_name(last) and is_blank(lines[cut - 2]) and not _ends_list(lines, cut - 2):
        return cut - 1
    return cut


def _delimits(lines: Sequence[str], number: int, cut: int) -> bool:
    line = lines[number]
    if line[:1] not in _LINES or line.strip(_LINES + " \t\u00a0"):
        return False
    line = line.rstrip("\t\u00a0\r")
    if line.rstrip() == "--":
        return cut - number <= (MAX_DELIMITED if line == "-- " else MAX_SIGNATURE)
    return _begins_contact(lines, number, cut)


def _begins_contact(lines: Sequence[str], number: int, cut: int) -> bool:
    """Whether few and short lines follow, with an address, a number or a link."""
    above = lines[number - 1] if number else ""
    if not lines[number].strip() or not (is_blank(above) or above.startswith(">")):
        return False
    below = [line for line in lines[number + 1 : cut] if line.strip()]
    if not 0 < len(below) <= MAX_CONTACT or max(map(len, below)) > MAX_CONTACT_LINE:
        return False
    return any(_CONTACT.search(line) for line in below)


def is_device(line: str) -> bool:
    """Whether the line is "Sent from my phone", in any language."""
    line = line.strip()
    if len(line) > MAX_DEVICE * 3 or not line:
        return False
    said = _LINK.sub("", line).rstrip(" .").casefold() if "://" in line else line.casefold()
    if len(said) > MAX_DEVICE or said.endswith((".", ":", "?")) or "," in said:
        return False
    if len(said.split()) > MAX_DEVICE_WORDS:
        return False
    if said.startswith(words.DEVICE_SURE):
        return True
    worded = said.startswith(words.DEVICE_BEGINS) or said.endswith(words.DEVICE_ENDS)
    return worded and words.DEVICE.search(said) is not None


def _is_name(line: str) -> bool:
    line = line.strip()
    return len(line) <= MAX_NAME and _NAME.fullmatch(line) is not None


def _ends_list(lines: Sequence[str], number: int) -> bool:
    """Whether the written line above `number` is an item, or leads to one."""
    while number > 0 and is_blank(lines[number - 1]):
        number -= 1
    above = lines[number - 1].strip() if number else ""
    return not above or above.startswith(("-", "–", "—", "*", "•")) or above.endswith((":", "："))
