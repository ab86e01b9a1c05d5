"""From codes and facts to sentences: what the drawer of a log entry says.

Nothing is stored as a sentence. What comes from outside goes into the sentences as it is: the
templates escape all of it. `explain_notification.py` and `explain_incoming.py` use these parts.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deskpost.logs import words
from deskpost.outcomes import Account, Page

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A machine's own words, never rewritten: from where, when, and the way to the raw message.

    `text` is cut in three, so that what decided can be marked: `before`, `marked`, `after`.
    """

    source: str = ""
    at: datetime | None = None
    server: str = ""
    before: str = ""
    marked: str = ""
    after: str = ""
    incoming: uuid.UUID | None = None

    @property
    def text(self) -> str:
        """Return the words as one."""
        return self.before + self.marked + self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the trail: the rule, its answer, whether it decided, where to change it."""

    words: str
    answer: str
    decides: bool = False
    asked: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What a reason means in this case: sentences, then what somebody said."""

    sentences: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that a drawer says in words."""

    title: str
    happened: tuple[str, ...]
    reason: str = ""
    why: Why = Why()
    remedy: str = ""
    page: Page | None = None
    trail: tuple[Step, ...] = ()

    @property
    def asked(self) -> int:
        """Return how many rules were asked."""
        return sum(step.asked for step in self.trail)


def account_of(account: Account, why: Why) -> Why:
    """Put the meaning of a code before what is particular to this case."""
    return Why(sentences=(str(account.meaning), *why.sentences), evidence=why.evidence)


def said(facts: Facts, source: str) -> tuple[Evidence, ...]:
    """Return a server's answer (server, code, enhanced, answer, at, incoming) as evidence."""
    answer = str(facts.get("answer") or "").strip()
    codes = [str(facts.get(name) or "") for name in ("code", "enhanced")]
    missing = [code for code in codes if code and code not in answer[:24]]
    text = " ".join([*missing, answer]).strip()
    if not text:
        return ()
    before, marked, after = text, "", ""
    mark = next((code for code in reversed(codes) if code), "")
    if mark and mark in text:
        before, marked, after = text.partition(mark)
    return (
        Evidence(
            source=source,
            at=words.parsed(facts.get("at")),
            server=str(facts.get("server") or ""),
            before=before,
            marked=marked,
            after=after,
            incoming=entry_id(facts.get("incoming")),
        ),
    )


def entry_id(stored: Any) -> uuid.UUID | None:
    """Read the id of a log entry from the facts of a row, or None if there is none."""
    try:
        return uuid.UUID(str(stored)) if stored else None
    except ValueError:
        return None
