"""Attributions: "On Monday, Ann wrote:", in many languages and on up to four lines.

A line is looked at only where it ends like one. What then counts is a date, an address, a verb
of writing and what it begins with; the less there is, the more must stand around it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from deskpost.mail import quotes_words as words
from deskpost.mail.quotes_lines import LAST_SIGN, MAX_LINE, is_blank

MAX_LINES: Final = 4  # of one attribution
MAX_BEFORE_DATE: Final = 32  # characters, and
MAX_WORDS_BEFORE: Final = 4  # words, before the first digit
MAX_NAME: Final = 10  # words of an attribution that has neither date nor address

_BRACKETS: Final = ("<", "(")
_ENDING: Final = 24  # characters of a line's end that are looked at
_COLONS: Final = (":", "：")
_ENDS: Final = (*_COLONS, *words.BARE_ENDINGS)
# Dashes (Zoho: "---- On ... wrote ----"), bold, and marks of direction.
_TRIMMED: Final = " \t\u00a0-—*_\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_QUOTE: Final = "> \t\u00a0＞|"
_SIGNS: Final = (">", "|", "＞")

_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}")
_TIME = re.compile(r"\d{1,2}[:.h時点]\s?\d{2}(?!\d)")
_DIGIT = re.compile(r"\d")
_ADDRESS = re.compile(r"\S@\S")
# At the end, without a verb: "Ann <ann@a.example>:".
_ADDRESS_LAST = re.compile(r"@[^\s@]*[>)\]][\u200e\u200f\u202c\u2069]*\s?[:：][\u202c\u2069]*$")


class _Kind(IntEnum):
    """How surely a text is an attribution."""

    NONE = 0
    ABOVE_QUOTE = 1  # only where quoted lines follow
    PARAGRAPH = 2  # only where quoted lines follow or an empty line is above
    SURE = 3


def may_end(line: str) -> bool:
    """Whether an attribution may end with this line; quick, and mostly no."""
    return line[-_ENDING:].rstrip(_TRIMMED).casefold().endswith(_ENDS)


def start(lines: Sequence[str], last: int, *, above_quote: bool, certain: bool = False) -> int:
    """Return the line where the attribution begins that ends with line `last`, or -1.

    `above_quote`: quoted lines follow. `certain`: something below says that this is history.
    """
    found = _windows(lines, last)
    for number in _in_order(lines, found):
        kind, _ = found[number]
        if kind is _Kind.SURE or above_quote or certain:
            return number
        if kind is _Kind.PARAGRAPH and _begins_paragraph(lines, number):
            return number
    return -1


def _windows(lines: Sequence[str], last: int) -> dict[int, tuple[_Kind, bool]]:
    """Return, by first line, how surely it is one and whether it begins with "On" or the like."""
    found: dict[int, tuple[_Kind, bool]] = {}
    texts: list[str] = []
    size = 0
    for number in range(last, max(-1, last - MAX_LINES), -1):
        line = lines[number]
        size += len(line)
        if size > MAX_LINE or is_blank(line):
            break
        texts.insert(0, line)
        joined = _joined(texts)
        opened = _opens(joined)
        kind = _kind(joined, opened=opened)
        if kind is not _Kind.NONE:
            found[number] = kind, opened
    return found


def _in_order(lines: Sequence[str], found: dict[int, tuple[_Kind, bool]]) -> list[int]:
    """The likeliest first lines first: the nearest, unless the date or the name was cut in two."""
    opened = [number for number, (_, opens) in found.items() if opens]
    if opened:
        return opened
    likely = [number for number in found if not _is_cut(lines, number)] or list(found)
    whole = [
        number
        for number in likely
        if _begins_paragraph(lines, number) and _DIGIT.search(lines[number])
    ]
    return [*whole, *likely]


def _is_cut(lines: Sequence[str], number: int) -> bool:
    """Whether the name that belongs to an address is in the line above."""
    if _begins_paragraph(lines, number):
        return False
    return lines[number].lstrip(_QUOTE).startswith(_BRACKETS) or lines[
        number - 1
    ].rstrip().endswith(_BRACKETS)


def _is_quoted(line: str) -> bool:
    line = line.strip()
    return line.startswith(_SIGNS) and line != LAST_SIGN


def _begins_paragraph(lines: Sequence[str], number: int) -> bool:
    return number == 0 or is_blank(lines[number - 1])


def _joined(texts: Sequence[str]) -> str:
    """The lines as one, without the quote signs that all of them have."""
    first = texts[0].lstrip()
    if first.startswith(_SIGNS):
        texts = [text.strip(" \t").lstrip(_QUOTE) for text in texts]
    joined = " ".join(text.strip() for text in texts)
    return joined.replace(" >:", ">:").strip(_TRIMMED)


def _opens(joined: str) -> bool:
    """Whether it begins with "On" or the like, and a date."""
    return words.OPENING.match(joined) is not None and _dated(joined)


def _dated(joined: str) -> bool:
    """Whether a number stands near the beginning: a date's day, year or hour."""
    digit = _DIGIT.search(joined, 0, MAX_BEFORE_DATE)
    return digit is not None and len(joined[: digit.start()].split()) <= MAX_WORDS_BEFORE


def _kind(joined: str, *, opened: bool) -> _Kind:
    has_address = _ADDRESS.search(joined) is not None
    has_date = _YEAR.search(joined) is not None
    has_time = _TIME.search(joined) is not None
    colon = joined.endswith(_COLONS)
    short = len(joined.split()) <= MAX_NAME
    if not (has_address or has_date or has_time or short):
        return _Kind.NONE
    if not words.VERB.search(joined):
        return _without_verb(joined, address=has_address, date=has_date, time=has_time)
    if not colon and not (opened and (has_address or has_date)):
        return _Kind.NONE
    if opened and has_date and (has_address or has_time):
        return _Kind.SURE
    return _with_verb(joined, opened=opened, address=has_address, date=has_date or has_time)


def _without_verb(joined: str, *, address: bool, date: bool, time: bool) -> _Kind:
    if not address or not joined.endswith(_COLONS):
        return _Kind.NONE
    if date and time and _ADDRESS_LAST.search(joined) and _dated(joined):
        return _Kind.PARAGRAPH
    return _Kind.ABOVE_QUOTE if date or words.QUOTING.match(joined) else _Kind.NONE


def _with_verb(joined: str, *, opened: bool, address: bool, date: bool) -> _Kind:
    if address and (opened or date):
        return _Kind.SURE
    if date and (opened or (_dated(joined) and not _says_who_first(joined))):
        return _Kind.PARAGRAPH
    return _Kind.ABOVE_QUOTE


def _says_who_first(joined: str) -> bool:
    """Whether the verb stands before the date: "I wrote on 5 January 2026:" may be text."""
    digit = _DIGIT.search(joined)
    return digit is not None and words.VERB.search(joined, 0, digit.start()) is not None
