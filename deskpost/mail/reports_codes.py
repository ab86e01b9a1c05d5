"""A refusal's codes and words in a report: the enhanced code that they amount to, and how grave
it is (RFC 3463, RFC 5321 section 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from deskpost.mail.answers import (
    FULL,
    LARGE,
    MALFORMED,
    MOST_SPECIFIC,
    NO_HOST,
    NO_SUCH,
    POLICY,
    RATE,
    bare,
    enhanced_code,
    read_reply,
    specificity,
)
from deskpost.mail.reports_model import Severity

MAX_WORDS: Final = 4_000  # characters of a diagnosis that are read
REMEMBERED: Final = 128  # diagnoses; each of MAX_WORDS and no more than a report has

_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)")
# A reply code where servers' words have one: at the beginning, or after what announces it.
_REPLY = re.compile(
    r"^[\s<>:\"'\[(-]{0,20}([245]\d\d)(?=[\s\-:;.\]),]|$)"
    r"|(?:said|with|returned?|responses?|reasons?|errors?|message|code|smtp|data|rcpt to)"
    r"\W{1,12}\(?([45]\d\d)(?=[\s\-:;.\]),]|$)"
    r"|(?<![\d.:/\[#-])([45]\d\d)[ -](?=[<#]?[245]\.\d\.\d|<)",
    re.IGNORECASE | re.MULTILINE,
)


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# What the words say where no code does, in the order in which they are asked. "x" is the class:
# 4 where the server said 4xx or goes on trying, else 5. What expired is 4.4.7 however it ended.
_DERIVED: Final = (
    (_words(r"insufficient (?:system|disk)|system (?:storage|resources)|disk full"), "x.3.1"),
    (FULL, "x.2.2"),
    (LARGE, "5.3.4"),
    (_words(r"hop count|too many hops|loop(?:ing|s|ed)?\b|received \d+ times"), "5.4.6"),
    (POLICY, "x.7.1"),
    (RATE, "x.7.0"),
    (_words(r"sender.{0,20}(?:reject|denied|refused|unknown|not exist)"), "x.1.8"),
    (_words(r"has moved|moved to|forwarding address"), "x.1.6"),
    (_words(r"(?:account|mailbox|user).{0,30}(?:suspended|locked|frozen|on hold)"), "x.2.0"),
    (_words(r"(?:account|mailbox|user).{0,40}(?:disabled|inactive|deactivated|closed)"), "x.2.1"),
    (NO_SUCH, "x.1.1"),
    (NO_HOST, "x.1.2"),
    (MALFORMED, "5.1.3"),
    (
        _words(
            r"retry time(?:out)?|retry limit|queue.{0,40}(?:too long|expired|period)|expired",
            r"(?:too long|timed? ?out) (?:in|on) the queue|failed \d+ (?:attempts|times)",
            r"(?:within|past|for|after|in) [\d.]{1,6} (?:days?|hours?|day\(s\)|hour\(s\)|attempts)",
            r"not (?:been )?collected|giving up|failing for a long time|配送.{0,10}期限",
        ),
        "4.4.7",
    ),
    (
        _words(
            r"connection.{0,30}(?:timed? ?out|refused|reset|failed|lost|dropped|closed)|time-?out",
            r"timed out|no route to host|unreachable|not (?:reachable|responding)|network error",
            r"(?:unable|not able|wasn't able|could not) to (?:connect|establish|contact)",
            r"did not (?:accept|respond)|socket error|could not (?:connect|contact)",
            r"unavailable or busy|server.{0,20}busy|deferred",
        ),
        "4.4.1",
    ),
)

_RETRIED = re.compile(r"retry time(?:out)? exceeded", re.IGNORECASE)
# A refusal after the message was sent: what judges then is more often a filter than a directory.
_AFTER_DATA = re.compile(
    r"in reply to (?:end of )?data|after end of data|after i sent the message|^>>> ?data\b"
    r"|(?:smtp|text) (?:command\W{1,4}data|command)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NO_RCPT = re.compile(r"need rcpt|no valid recipients|rcpt to command", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What a server's words hold: reply code (0: none), enhanced code (empty: none), the code of
    the words where there is no enhanced one ("x" is its class; empty: unknown), the words."""

    code: int
    enhanced: str
    known: str
    text: str

    @property
    def is_telling(self) -> bool:
        """Whether a code or known words stand in it."""
        return bool(self.code or self.enhanced or self.known)

    def derived(self, *, delayed: bool = False) -> str:
        """The enhanced code, or the one that reply code and words amount to, or ""."""
        if self.enhanced:
            return self.enhanced
        temporary = 400 <= self.code < 500 or (not self.code and _RETRIED.search(self.text))
        digit = "4" if temporary or (delayed and not self.code) else "5"
        if self.known:
            return self.known.replace("x", digit)
        return f"{digit}.0.0" if self.code or delayed else ""


# A report to many repeats itself: the same words are read once.
@lru_cache(maxsize=REMEMBERED)
def diagnose(text: str) -> Said:
    """The codes in a server's words."""
    text = text[:MAX_WORDS]
    enhanced = enhanced_code(text)
    words = "" if enhanced else bare(text)
    known = next((code for pattern, code in _DERIVED if pattern.search(words)), "")
    return Said(code=_reply_code(text), enhanced=enhanced, known=known, text=text)


def _is_after_data(words: str) -> bool:
    """Whether the refusal came after the message. With pipelining (RFC 2920) a transcript shows
    DATA before the refusal of RCPT, which then is followed by "need RCPT"."""
    return bool(_AFTER_DATA.search(words)) and not _NO_RCPT.search(words)


def _reply_code(text: str) -> int:
    """The first refusal, else the first code of any kind."""
    codes = [int(found[1] or found[2] or found[3]) for found in _REPLY.finditer(text)]
    return next((code for code in codes if code >= 400), (*codes, 0)[0])


def status_of(given: str, diagnostic: str) -> str:
    """A Status field's code; the diagnostic's where the field has none or a less specific one."""
    found = _STATUS.search(given)
    status, said = found[0] if found else "", enhanced_code(diagnostic)
    if not status:
        return said
    # Of two that say as much, the server's own words are nearer to the cause.
    if said[:1] == status[0] and specificity(said) == MOST_SPECIFIC:
        return said
    return more_specific(status, said)


def more_specific(status: str, other: str) -> str:
    """Of two codes of one class the one that says more, else the first."""
    return other if other[:1] == status[:1] and specificity(other) > specificity(status) else status


@lru_cache(maxsize=REMEMBERED)
def severity_of(action: str, status: str, diagnostic: str, transcript: str = "") -> Severity:
    """How grave a recipient's failure is; in doubt, not hard. `transcript` is what the report's
    words show of the session."""
    if action in ("delivered", "relayed", "expanded"):
        return "delivered"
    if action == "delayed":
        return "delayed"
    # A queue that expired says "failed" and keeps its last, temporary, status.
    if status.startswith("4"):
        return "soft"
    if status.startswith("2"):
        return "delivered"
    code = _reply_code(diagnostic)
    if not status and 400 <= code < 500:
        return "soft"
    words = _STATUS.sub(" ", _REPLY.sub(" ", diagnostic))
    if status.startswith("5.7.") or enhanced_code(diagnostic).startswith("5.7."):
        return "policy"
    answer = read_reply(code if code >= 500 else 550, f"{status} {words}".strip())
    if answer.suppress:
        words = f"{diagnostic}\n{transcript}"
        explicit = specificity(enhanced_code(words)) == MOST_SPECIFIC
        return "hard" if explicit or not _is_after_data(words) else "soft"
    return "policy" if POLICY.search(bare(words)) else "soft"
