"""The words of the search box: its prefixes, and what stands behind those that have a closed list.

English and Japanese are understood whatever the reader's language is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from deskpost import terms
from deskpost.models import Log
from deskpost.outcomes import (
    ARRIVED_WORDS,
    INCOMING_STATUS_WORDS,
    KIND_WORDS,
    NOTIFICATION_STATUS_WORDS,
    OUTCOMES,
    REASONS,
    WITHHELD,
    NotificationStatus,
)

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words

SHORTEST = 2  # letters by which a word of a list is found


class Prefix(StrEnum):
    """What may stand before a colon; free words have none."""

    FREE = ""
    FROM = "from"
    TO = "to"
    SUBJECT = "subject"
    STATUS = "status"
    REASON = "reason"
    NAME = "name"
    KEY = "key"
    CHANNEL = "channel"
    ID = "id"
    IN = "in"
    AFTER = "after"
    BEFORE = "before"
    ON = "on"
    LARGER = "larger"
    SMALLER = "smaller"


# Several values may stand behind these, with commas between them: one of them must hold.
LISTED = frozenset(
    {Prefix.STATUS, Prefix.REASON, Prefix.NAME, Prefix.KEY, Prefix.CHANNEL, Prefix.IN}
)
SIZES = frozenset({Prefix.LARGER, Prefix.SMALLER})

LABELS: Mapping[Prefix, Words] = {
    Prefix.FREE: _("Search"),
    Prefix.FROM: pgettext_lazy("search", "From"),
    Prefix.TO: pgettext_lazy("search", "To"),
    Prefix.SUBJECT: _("Subject"),
    Prefix.STATUS: _("Status"),
    Prefix.REASON: pgettext_lazy("search", "Reason"),
    Prefix.NAME: _("Notification name"),
    Prefix.KEY: _("Key"),
    Prefix.CHANNEL: _("Channel"),
    Prefix.ID: _("Message-ID"),
    Prefix.IN: pgettext_lazy("search", "List"),
    Prefix.AFTER: pgettext_lazy("search", "From day"),
    Prefix.BEFORE: pgettext_lazy("search", "Before day"),
    Prefix.ON: pgettext_lazy("search", "Day"),
    Prefix.LARGER: pgettext_lazy("search", "At least"),
    Prefix.SMALLER: pgettext_lazy("search", "At most"),
}

LOG_WORDS: Mapping[str, Words] = {
    Log.INCOMING: _("Incoming emails"),
    Log.REQUESTS: _("Request notifications"),
    Log.INVITATIONS: _("Customer invitations"),
}

_SPELLINGS = {
    Prefix.FROM: "from sender 差出人 送信者",
    Prefix.TO: "to recipient 宛先 受信者",
    Prefix.SUBJECT: "subject 件名",
    Prefix.STATUS: "status ステータス 状態",
    Prefix.REASON: "reason outcome 理由 結果",
    Prefix.NAME: "name notification 通知名 通知",
    Prefix.KEY: "key キー 作業項目キー",
    Prefix.CHANNEL: "channel チャネル チャンネル",
    Prefix.ID: "id message-id メッセージid",
    Prefix.IN: "in log list ログ 一覧",
    Prefix.AFTER: "after since 以降 開始日",
    Prefix.BEFORE: "before until より前 終了日",
    Prefix.ON: "on date day 日付",
    Prefix.LARGER: "larger bigger 以上",
    Prefix.SMALLER: "smaller 以下",
}
_LOG_SPELLINGS = {
    Log.INCOMING: "in incoming received 受信 受信メール",
    Log.REQUESTS: "req notifications requests 通知 リクエスト通知",
    Log.INVITATIONS: "inv invitations 招待",
}
# What mail programs put before a subject; who pastes one means no prefix.
REPLY_MARKS = frozenset(
    {*("re", "fw", "fwd", "aw", "wg", "antw", "sv", "vs", "tr", "rv", "ref"), "返信", "転送"}
)


def fold(text: str) -> str:
    """Return a name as it is compared: whatever its case, its width, its blanks and hyphens."""
    return " ".join(terms.normal(text).replace("_", " ").replace("-", " ").split())


def _joined(text: str) -> str:
    return fold(text).replace(" ", "")


_PREFIXES = {
    _joined(spelling): prefix
    for prefix, spellings in _SPELLINGS.items()
    for spelling in spellings.split()
}


def prefix_of(name: str) -> Prefix | None:
    """Return the prefix that a name before a colon stands for."""
    return _PREFIXES.get(_joined(name))


def near_prefix(name: str) -> str:
    """Return the spelling of a prefix that was most likely meant, or nothing."""
    close = get_close_matches(_joined(name), _PREFIXES, n=1, cutoff=0.7)
    return close[0] if close else ""


def is_reply_mark(name: str) -> bool:
    return _joined(name) in REPLY_MARKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """A closed list of codes, and every name by which each is known."""

    names: Mapping[str, frozenset[str]]
    words: Mapping[str, Words]

    def find(self, text: str) -> frozenset[str]:
        """Return the codes that a text names: by a whole name, else by the beginning of a word in
        one; none if it is no name."""
        if whole := self.names.get(fold(text)) or self.names.get(_joined(text)):
            return whole
        wanted = fold(text)
        if len(wanted) < SHORTEST:
            return frozenset()
        found = (codes for name, codes in self.names.items() if _begins_in(wanted, name))
        return frozenset().union(*found)

    def near(self, text: str) -> list[str]:
        """Return the reader's words for the codes that were most likely meant."""
        close = get_close_matches(fold(text), self.names, n=3)
        return self.said(code for name in close for code in sorted(self.names[name]))

    def said(self, codes: Iterable[str]) -> list[str]:
        """Return the reader's words for codes, each once."""
        return list(dict.fromkeys(str(self.words[code]) for code in codes))


def _begins_in(wanted: str, name: str) -> bool:
    return f" {wanted}" in f" {name}" if wanted.isascii() else wanted in name


@cache
def vocabulary(prefix: Prefix) -> Vocabulary:
    """Return the list of a prefix: STATUS, REASON, NAME or IN."""
    words, more = _LISTS[prefix]()
    names: dict[str, set[str]] = {}
    for code, name in (*_all_names(words), *more):
        names.setdefault(fold(name), set()).add(code)
        names.setdefault(_joined(name), set()).add(code)
    frozen = {name: frozenset(codes) for name, codes in names.items() if name}
    return Vocabulary(names=frozen, words={str(code): said for code, said in words.items()})


def _all_names(words: Mapping[str, Words]) -> Iterator[tuple[str, str]]:
    for code, said in words.items():
        yield str(code), str(code)
        yield from _in_each_language(str(code), said)


def _in_each_language(code: str, said: Words) -> Iterator[tuple[str, str]]:
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            name = str(said)
        yield code, name


_List = tuple[Mapping[str, "Words"], Iterable[tuple[str, str]]]


def _statuses() -> _List:
    # Delivered is what the log says where an arrival was confirmed; the status is the same one.
    more = _in_each_language(str(NotificationStatus.DELIVERED), ARRIVED_WORDS)
    return _by_text(INCOMING_STATUS_WORDS, NOTIFICATION_STATUS_WORDS), more


def _reasons() -> _List:
    accounts = (*REASONS.items(), *WITHHELD.items(), *OUTCOMES.items())
    # Where both directions have a code, either's words name it.
    more = [pair for code, of in accounts for pair in _in_each_language(str(code), of.words)]
    return {str(code): of.words for code, of in accounts}, more


def _kinds() -> _List:
    return _by_text(KIND_WORDS), ()


def _logs() -> _List:
    more = [(str(log), name) for log, names in _LOG_SPELLINGS.items() for name in names.split()]
    return LOG_WORDS, more


def _by_text(*lists: Mapping[Any, Words]) -> dict[str, Words]:
    return {str(code): said for words in lists for code, said in words.items()}


_LISTS = {
    Prefix.STATUS: _statuses,
    Prefix.REASON: _reasons,
    Prefix.NAME: _kinds,
    Prefix.IN: _logs,
}
