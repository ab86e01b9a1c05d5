"""The values behind the prefixes of the search box: days, sizes, keys, Message-IDs, words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

from django.utils.translation import gettext as _

from deskpost import terms
from deskpost.logs.search_grammar import SearchError, Token, shown

EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
MESSAGE_ID_LIMIT = 255  # characters that a row holds
LARGEST = 1 << 40  # bytes
STEP = 1024  # as the log writes sizes

_TODAY = {"today": 0, "今日": 0, "本日": 0, "yesterday": 1, "昨日": 1}
_DAYS_AGO = re.compile(r"(\d{1,4})(d|days?|日|日前|w|weeks?|週|週間|週間前)")
_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?")
_SIZE = re.compile(r"(\d{1,15}(?:[.,]\d{1,3})?)\s?([kmg]?)i?(?:b|bytes?|バイト)?")
_KEY = re.compile(r"(\w{1,10})-(\d{1,13})")
_NUMBER = re.compile(r"\d{1,13}")
_MARKS = re.compile(r"^[\W_]+|[\W_]+$")


def folded(text: str) -> str:
    """Return a value without the difference of width and case."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def words(token: Token, value: str) -> str:
    """Return a text as it is searched for, without the marks around it where they leave too little
    to go by: `it@` is looked for as `it`. Raises SearchError for one letter of a script that
    writes with blanks, and where there is no letter and no digit."""
    whole = terms.normal(value)
    for text in (whole, _MARKS.sub("", whole)):
        if _is_enough(text):
            return text
    if not any(c.isalnum() for c in value):
        why = _("“%(word)s” holds no letter and no digit.")
    else:
        why = _("“%(word)s” is too short.")
    raise SearchError(
        token.source,
        token.offset,
        why % {"word": shown(value)},
        _("Write two letters or more, or put it in quotes with the word beside it."),
    )


def short_key(value: str) -> str:
    """Return the key that a word is, if it is one and has too little to be looked for in texts."""
    text = folded(value).upper()
    return text if _KEY.fullmatch(text) and not _is_enough(terms.normal(value)) else ""


def _is_enough(text: str) -> bool:
    return bool(terms.wanted(text) or terms.beginning(text))


def span(token: Token, today: date) -> tuple[date, date]:
    """Return the day, month or year that a value names: its first day, and the day after its last.
    Raises SearchError."""
    text = folded(token.values[0])
    try:
        found = _span(text, today)
    except (ValueError, OverflowError):
        found = None
    if found is None or not EARLIEST <= found[0] < LATEST:
        raise SearchError(
            token.source,
            token.offset,
            _("“%(word)s” is no day.") % {"word": shown(token.values[0])},
            _("Write a day as 2026-11-01, a month as 2026-11, or today, yesterday, 7d (days ago)."),
        )
    return found


def _span(text: str, today: date) -> tuple[date, date] | None:
    if text in _TODAY:
        first = today - timedelta(days=_TODAY[text])
        return first, first + timedelta(days=1)
    if match := _DAYS_AGO.fullmatch(text):
        weeks = match[2].startswith(("w", "週"))
        first = today - timedelta(days=int(match[1]) * (7 if weeks else 1))
        return first, first + timedelta(days=1)
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    first = date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    if match[3]:
        return first, first + timedelta(days=1)
    if match[2]:
        return first, (first + timedelta(days=31)).replace(day=1)
    return first, first.replace(year=first.year + 1)


def size(token: Token) -> int:
    """Return a size in bytes; k is 1,024 bytes, as in the log. Raises SearchError."""
    text = folded(token.values[0])
    match = _SIZE.fullmatch(text)
    if match and not text[-1].isdigit():
        number = float(match[1].replace(",", "."))
        found = int(number * STEP ** " kmg".index(match[2] or " "))
        if found <= LARGEST:
            return found
    raise SearchError(
        token.source,
        token.offset,
        _("“%(word)s” is no size.") % {"word": shown(token.values[0])},
        _("Write a number with its unit: 5mb, 300k, 1.5 MiB or 2000b. 1 KB is 1,024 bytes."),
    )


def key(token: Token, value: str, project_key: str) -> str:
    """Return the key of a request; a number alone is one of the project's. Raises SearchError."""
    text = folded(value).upper()
    if _NUMBER.fullmatch(text):
        return f"{project_key}-{int(text)}"
    if match := _KEY.fullmatch(text):
        return f"{match[1]}-{int(match[2])}"
    raise SearchError(
        token.source,
        token.offset,
        _("“%(word)s” is no key of a request.") % {"word": shown(value)},
        _("Write a whole key, as %(key)s-42.") % {"key": project_key},
    )


def message_id(token: Token) -> str:
    """Return a Message-ID as the rows hold it, in angle brackets (RFC 5322, section 3.6.4)."""
    bare = "".join(token.values[0].split()).strip("<>＜＞")
    if not bare:
        raise SearchError(
            token.source,
            token.offset,
            _("“%(word)s” is no Message-ID.") % {"word": shown(token.values[0])},
            _("Copy it from the header of the message; the angle brackets may be left out."),
        )
    return f"<{bare}>"[:MESSAGE_ID_LIMIT]
