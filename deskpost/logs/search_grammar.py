"""Read the text of the search box into pieces: words, phrases, prefixes with values, minus signs.

Pure: what a value means is not looked at. Japanese typing is taken as it comes: full-width colons,
minus signs and blanks, and every kind of quotation marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from deskpost.logs import search_words
from deskpost.logs.search_words import LISTED, SIZES, Prefix

LIMIT = 500  # characters of a search
PARTS = 20  # pieces of a search
SHOWN = 60  # characters of a word in an error

_MINUS = frozenset("-－−")
_COMMAS = frozenset(",，、")
# Each opening mark with what closes it. Two of `"` within a phrase stand for one.
_QUOTES = {
    '"': '"',
    "“": '”“"',
    "”": '”"',
    "„": '“”"',
    "＂": '＂"',
    "「": "」",
    "『": "』",
    "«": "»",
}
_PREFIX = re.compile(r"([^\W\d_]{1,20}(?:-[^\W\d_]{1,20})?)[:：]")
_SIZE = re.compile(r"\d{1,15}(?:[.,]\d{1,3})?\s?[a-zａ-ｚ]{1,5}(?=\s|$)", re.IGNORECASE)
_BLANK = re.compile(r"\s*")


class SearchError(ValueError):
    """A search that cannot be read: the `word`, its `offset` in the `text` (characters from 0),
    `why` it cannot be, and what is `todo`. Both are sentences in the reader's language."""

    def __init__(self, word: str, offset: int, why: str, todo: str) -> None:
        super().__init__(f"{why} {todo}".strip())
        self.word, self.offset, self.why, self.todo = shown(word), offset, why, todo
        self.text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One piece as it was typed (`source`, at `offset`), and what was read in it."""

    prefix: Prefix
    negated: bool
    values: tuple[str, ...]
    source: str
    offset: int


def clean(text: str) -> str:
    """Return the text with a blank for each character that cannot be seen."""
    return "".join(c if c.isprintable() else " " for c in text)


def shown(word: str) -> str:
    """Return a word as an error shows it, cut where it is long."""
    return word if len(word) <= SHOWN else f"{word[: SHOWN - 1]}…"


def read(text: str) -> tuple[Token, ...]:
    """Return the pieces of a clean text. Raises SearchError."""
    if len(text) > LIMIT:
        raise SearchError(
            text[LIMIT:],
            LIMIT,
            _("The search is longer than %(limit)d characters.") % {"limit": LIMIT},
            _("Leave something out."),
        )
    tokens: list[Token] = []
    reader = _Reader(text)
    while not reader.ended():
        token = reader.token()
        if len(tokens) == PARTS:
            raise SearchError(
                token.source,
                token.offset,
                _("The search has more than %(limit)d parts.") % {"limit": PARTS},
                _("Leave something out, or put words that belong together in quotes."),
            )
        tokens.append(token)
    return tuple(tokens)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def ended(self) -> bool:
        self._skip_blanks()
        return self.at >= len(self.text)

    def token(self) -> Token:
        start = self.at
        negated = self._next() in _MINUS
        if negated:
            self.at += 1
            if self._is_blank():
                raise SearchError(
                    self.text[start],
                    start,
                    _("Nothing stands behind the minus."),
                    _("Write what is not wanted right behind it: -bulk. Or leave it out."),
                )
        prefix = self._prefix()
        values = self._values(prefix, start) if prefix else (self._value(prefix),)
        return Token(
            prefix=prefix,
            negated=negated,
            values=values,
            source=self.text[start : self.at].strip(),
            offset=start,
        )

    def _prefix(self) -> Prefix:
        match = _PREFIX.match(self.text, self.at)
        if match is None:
            return Prefix.FREE
        if prefix := search_words.prefix_of(match[1]):
            self.at = match.end()
            return prefix
        self._refuse_unknown(match)
        return Prefix.FREE

    def _refuse_unknown(self, match: re.Match[str]) -> None:
        """Let through what only looks like a prefix: Re:, https://, a colon before a blank."""
        if search_words.is_reply_mark(match[1]) or self.text.startswith("//", match.end()):
            return
        near = search_words.near_prefix(match[1])
        follows = self.text[match.end() : match.end() + 1].strip()
        if not near and not follows:
            return
        name = shown(match[1])
        why = _("“%(name)s:” is no prefix.") % {"name": name}
        if near:
            todo = _("Did you mean “%(near)s:”? To search for the text itself, put it in quotes.")
            todo %= {"near": near}
        else:
            known = " ".join(f"{prefix}:" for prefix in Prefix if prefix)
            todo = _("To search for the text itself, put it in quotes. Prefixes are: %(known)s")
            todo %= {"known": known}
        raise SearchError(match[0], match.start(), why, todo)

    def _values(self, prefix: Prefix, start: int) -> tuple[str, ...]:
        self._refuse_nothing(start)
        values = [self._value(prefix)]
        while prefix in LISTED and self._next() in _COMMAS:
            self.at += 1
            if self._is_blank():
                break
            values.append(self._value(prefix))
        return tuple(values)

    def _refuse_nothing(self, start: int) -> None:
        """A blank behind the colon is forgiven, but the value must come then."""
        begun = self.at
        self._skip_blanks()
        after_blank = self.at > begun
        found = _PREFIX.match(self.text, self.at)
        another = found is not None and search_words.prefix_of(found[1]) is not None
        if self.at >= len(self.text) or (after_blank and (another or self._next() in _MINUS)):
            word = self.text[start:begun]
            raise SearchError(
                word,
                start,
                _("Nothing stands behind “%(word)s”.") % {"word": shown(word)},
                _("Write what to search for right behind the colon, or leave it out."),
            )

    def _value(self, prefix: Prefix) -> str:
        if closing := _QUOTES.get(self._next()):
            return self._phrase(closing)
        if prefix in SIZES and (match := _SIZE.match(self.text, self.at)):
            self.at = match.end()
            return match[0]
        start = self.at
        while not self._is_blank() and not (prefix in LISTED and self._next() in _COMMAS):
            self.at += 1
        if self.at == start:
            raise SearchError(
                self._next(),
                start,
                _("Nothing stands before the comma."),
                _("Leave the comma out, or put what holds one in quotes."),
            )
        return self.text[start : self.at]

    def _phrase(self, closing: str) -> str:
        start, said = self.at, []
        self.at += 1
        while self.at < len(self.text):
            character = self._next()
            self.at += 1
            if character not in closing:
                said.append(character)
            elif closing == '"' and self._next() == '"':
                self.at += 1
                said.append('"')
            else:
                return self._said(start, "".join(said).strip())
        raise SearchError(
            self.text[start:],
            start,
            _("The quotation mark %(mark)s is never closed.") % {"mark": self.text[start]},
            _("Write %(mark)s at the end of the phrase.") % {"mark": closing[0]},
        )

    def _said(self, start: int, phrase: str) -> str:
        if not phrase:
            raise SearchError(
                self.text[start : self.at],
                start,
                _("Nothing stands between the quotation marks."),
                _("Write the phrase between them, or leave them out."),
            )
        return phrase

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _is_blank(self) -> bool:
        return not self._next().strip()

    def _skip_blanks(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
