"""Where the history of a conversation begins in a message's lines, and where its tail does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from deskpost.mail import quotes_attribution as attribution
from deskpost.mail import quotes_html, quotes_signature
from deskpost.mail.htmltext import Mark
from deskpost.mail.quotes_lines import (
    MAX_LINE,
    SIGNS,
    bare,
    header,
    is_blank,
    is_forward,
    is_header_block,
    is_original,
    is_ruler,
    quoted_flags,
)

MAX_TAILS: Final = 4  # signatures and quoted blocks below each other
MAX_LEAD: Final = 6  # written lines that may stand above the first quoted one
MAX_HEADERS: Final = 12  # lines above our marker
MAX_TRIED: Final = 300  # attributions looked at in one text
MAX_LINES: Final = 20_000  # in which history is looked for; below, only in the tail

_BY_SIGHT = re.compile(r"@|\d[^\n]*[:：]$")  # enough right above our own marker
_COLONS: Final = (":", "：")


@dataclass(frozen=True, slots=True)
class Page:
    """A message's lines, and what is known of each.

    `own` has for each line the next one that is written and not quoted, or how many there are.
    """

    lines: list[str]
    quoted: list[bool]
    own: list[int]
    markers: frozenset[str]
    history: frozenset[int]
    quotes: frozenset[int]
    signatures: tuple[Mark, ...]


def page(lines: list[str], markers: Sequence[str], marks: Sequence[Mark]) -> Page:
    """Look at the lines once. `markers` are the wordings of "reply above this line"."""
    text = "\n".join(lines)
    quoted = quoted_flags(lines) if any(sign in text for sign in SIGNS) else [False] * len(lines)
    return Page(
        lines=lines,
        quoted=quoted,
        own=_next_own(lines, quoted) if True in quoted else [],
        markers=_present({bare(marker) for marker in markers} - {""}, text),
        history=frozenset(mark.start for mark in marks if mark.kind == quotes_html.HISTORY),
        quotes=frozenset(mark.start for mark in marks if mark.kind == quotes_html.QUOTE),
        signatures=tuple(mark for mark in marks if mark.kind == quotes_html.SIGNATURE),
    )


def _next_own(lines: Sequence[str], quoted: Sequence[bool]) -> list[int]:
    found = [0] * len(lines)
    following = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if not quoted[number] and lines[number].strip():
            following = number
        found[number] = following
    return found


def _present(markers: set[str], text: str) -> frozenset[str]:
    """The markers that stand anywhere: mostly none, and no line has to be looked at for them."""
    text = text.casefold()
    return frozenset(marker for marker in markers if marker in text)


def new_lines(page: Page) -> tuple[int, int]:
    """Return the first line of what the sender wrote now, and the line below its last."""
    count = len(page.lines)
    forward = _forward(page)
    end = count if forward < count else _above_tail(page, count)
    begin = _below_quote(page, end)
    cut = _history(page, begin, min(end, forward, MAX_LINES), end)
    if cut >= 0:
        return begin, _above_tail(page, cut)
    return begin, end


def has_marker(page: Page) -> bool:
    """Whether one of our markers stands on a line of its own."""
    return bool(page.markers) and any(bare(line) in page.markers for line in page.lines)


def _forward(page: Page) -> int:
    """Where a forwarded message begins, or how many lines there are."""
    for number, line in enumerate(page.lines[:MAX_LINES]):
        if line and not page.quoted[number] and is_forward(line):
            return number
    return len(page.lines)


def _history(page: Page, begin: int, last: int, end: int) -> int:
    """Where history begins between these lines, or -1. What is written ends at `end`."""
    tries = MAX_TRIED
    written = False
    marked = bool(page.history or page.quotes)
    for number in range(begin, last):
        line = page.lines[number]
        if marked and written and _begins_by_mark(page, number, end):
            return _above_rulers(page, number)
        if not line.strip():
            continue
        if page.markers and bare(line) in page.markers:
            return _above_marker(page, number)
        if tries and attribution.may_end(line):
            tries -= 1
            found = _attribution(page, number, end)
        else:
            found = number if _begins_by_line(page, number, end, written=written) else -1
        if found >= 0:
            return _above_rulers(page, found)
        written = written or not page.quoted[number]
    return -1


def _begins_by_line(page: Page, number: int, end: int, *, written: bool) -> bool:
    if is_original(page.lines[number]) or is_header_block(page.lines, number):
        return not _is_answered(page, number, end)
    return written and _is_device_above_rest(page, number)


def _attribution(page: Page, number: int, end: int) -> int:
    """Where the attribution begins that ends here, unless the sender wrote below it; or -1."""
    below = _next_written(page, number + 1)
    above_quote = below < len(page.lines) and page.quoted[below]
    found = attribution.start(page.lines, number, above_quote=above_quote)
    if found < 0 or _is_answered(page, number + 1, end):
        return -1
    return found


def _next_written(page: Page, number: int) -> int:
    while number < len(page.lines) and not page.lines[number].strip():
        number += 1
    return number


def _is_answered(page: Page, start: int, end: int, *, lead: int = 0) -> bool:
    """Whether quoted lines begin here, `lead` others before them, and own words follow them."""
    if not page.own:
        return False
    number = _next_written(page, start)
    while lead and number < end and not page.quoted[number]:
        number = _next_written(page, number + 1)
        lead -= 1
    if number >= end or not page.quoted[number]:
        return False  # quoted without signs
    answer = page.own[number]
    return answer < end and bare(page.lines[answer]) not in page.markers


def _begins_by_mark(page: Page, number: int, end: int) -> bool:
    """Whether a mail program's container begins that was neither passed on nor answered within."""
    if number not in page.history and number not in page.quotes:
        return False
    first = _next_written(page, number)
    if first >= len(page.lines) or is_forward(page.lines[first]):
        return False
    return number in page.history or not _is_answered(page, number, end, lead=MAX_LEAD)


def _is_device_above_rest(page: Page, number: int) -> bool:
    """Whether "Sent from my phone" stands alone: mail programs write it above what they quote."""
    lines = page.lines
    if number + 1 >= len(lines) or lines[number - 1].strip() or lines[number + 1].strip():
        return False
    return quotes_signature.is_device(lines[number])


def _below_quote(page: Page, end: int) -> int:
    """Where an answer begins that stands below all that it quotes, or 0."""
    if not page.own or (first := _next_written(page, 0)) >= end:
        return 0
    quote = first
    for _ in range(MAX_LEAD):
        if quote >= end or page.quoted[quote]:
            break
        quote = _next_written(page, quote + 1)
    if quote >= end or not page.quoted[quote] or not _is_lead(page, first, quote):
        return 0
    answer = page.own[quote]
    answered_once = answer < end and True not in page.quoted[answer:end]
    return answer if answered_once else 0


def _is_lead(page: Page, first: int, quote: int) -> bool:
    """Whether lines[first:quote] are nothing but what a mail program puts above a quote."""
    if first == quote or first in page.quotes or is_header_block(page.lines, first):
        return True
    last = last_written(page.lines, quote) - 1
    if not attribution.may_end(page.lines[last]):
        return is_original(page.lines[first])
    return attribution.start(page.lines, last, above_quote=True) == first


def _above_marker(page: Page, number: int) -> int:
    """Our marker is certain; the attribution or header block right above it goes as well."""
    lines = page.lines
    above = last_written(lines, number)
    if above > 0 and attribution.may_end(lines[above - 1]):
        start = attribution.start(lines, above - 1, above_quote=True, certain=True)
        if start >= 0:
            return _above_rulers(page, start)
    start = above
    while start > 0 and above - start < MAX_HEADERS and header(lines[start - 1]):
        start -= 1
    if above - start >= 2:
        return _above_rulers(page, start)
    if above > 1 and _BY_SIGHT.search(last := lines[above - 1][:MAX_LINE].strip()):
        return above - 1 if last.endswith(_COLONS) else above
    return above


def _above_rulers(page: Page, number: int) -> int:
    """The separators above history belong to it."""
    for _ in range(MAX_TAILS):
        above = last_written(page.lines, number)
        if above == 0 or not (
            is_ruler(page.lines[above - 1]) or is_original(page.lines[above - 1])
        ):
            break
        number = above - 1
    return number


def last_written(lines: Sequence[str], number: int) -> int:
    """Return how many lines above `number` are left without the empty ones at their end."""
    while number > 0 and is_blank(lines[number - 1]):
        number -= 1
    return number


def _above_tail(page: Page, cut: int) -> int:
    """Where the signatures and quoted blocks begin that end lines[:cut]."""
    for _ in range(MAX_TAILS):
        before = cut
        cut = last_written(page.lines, cut)
        cut = _above_signature(page, cut)
        cut = _above_quoted(page, cut)
        if cut == before:
            break
    return cut


def _above_signature(page: Page, cut: int) -> int:
    for mark in page.signatures:
        if 0 < mark.start < cut <= mark.end and cut - mark.start <= quotes_signature.MAX_SIGNATURE:
            return mark.start
    return quotes_signature.start(page.lines, cut)


def _above_quoted(page: Page, cut: int) -> int:
    """Where the quoted lines at the end begin, with the attribution above them."""
    if not page.own:
        return cut
    number = cut
    while number > 0 and (page.quoted[number - 1] or not page.lines[number - 1].strip()):
        number -= 1
    if True not in page.quoted[number:cut]:
        return cut
    above = last_written(page.lines, number)
    if above > 0 and attribution.may_end(page.lines[above - 1]):
        start = attribution.start(page.lines, above - 1, above_quote=True)
        if start >= 0:
            return _above_rulers(page, start)
    barred = all(line.lstrip()[:1] in ("", "|") for line in page.lines[number:cut])
    return cut if barred else number
