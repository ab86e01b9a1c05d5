"""A mail server's answer, in our words.

The table below is read from the top, and its first row that fits decides. A row may look at
the basic code (RFC 5321), the enhanced code (RFC 3463) and the words. The address is to be
blocked (`hard_bounce`) only where the server says that it does not exist: never for a policy
refusal (5.7.x), never where the enhanced code is a temporary one, never in doubt.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from deskpost.mail.words import decode, one_line

MAX_TEXT: Final = 2_000  # characters of a server's words that are read and kept

PROVIDER: Final = "service_provider_error"
UNKNOWN: Final = "unknown_error"
TOO_LARGE: Final = "template_too_large"
INVALID: Final = "validation_error"
HARD: Final = "hard_bounce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a reply means.

    `reason` is set for permanent refusals only: service_provider_error, unknown_error,
    template_too_large or validation_error. `suppress` is "hard_bounce" or None. `text` is
    the server's own words on one line.
    """

    kind: Literal["accepted", "temporary", "permanent"]
    reason: str | None
    suppress: str | None
    code: int | None
    enhanced: str | None
    text: str


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_POLICY = _words(
    r"\bspam\b",
    r"black ?list|block ?list|deny ?list|\brbl\b|dnsbl|spamhaus|barracuda",
    r"\b(?:spf|dkim|dmarc)\b|unauthenticated|not authori[sz]ed",
    r"reputation|\bpolicy\b|\bpolicies\b|greylist|graylist",
    r"\bblocked\b|\bbanned\b|relay(?:ing)? (?:access )?denied|unable to relay|not permitted",
    r"access denied|message content|virus|authentication required",
)
_RATE = _words(r"too (?:quickly|many|fast)|at a rate|rate.?limit|throttl|try again later")
_FULL = _words(r"\bquota\b|mailbox (?:is )?full|over ?quota|storage|out of space|disk full")
_LARGE = _words(
    r"(?:message|mail|size|attachment).{0,40}(?:too (?:large|big)|exceed)", r"exceed.{0,40}\bsize\b"
)
_MALFORMED = _words(
    r"malformed|(?:bad|invalid|illegal).{0,20}(?:address )?syntax|syntax.{0,20}address",
    r"address.{0,20}syntax|not rfc",
)
_NO_SUCH = _words(
    r"user (?:is )?(?:unknown|not found)|unknown (?:user|recipient|local|mailbox|address|account)",
    r"no such (?:user|recipient|mailbox|address|person|account|local|email)",
    r"(?:user|recipient|mailbox|address|account|inbox).{0,60}"
    r"(?:does not exist|doesn't exist|do not exist|not found|unknown)",
    r"no (?:mailbox|user) (?:here )?(?:by|with|under|for)|invalid (?:user|mailbox|recipient)",
    r"doesn't have an? .{0,40}account|recipnotfound|recipientnotfound",
    r"not (?:a valid|our) (?:mailbox|user|customer)|isn't a valid|address unknown",
    r"(?:account|mailbox|user|address).{0,40}"
    r"(?:(?:is|was|been|has been) (?:disabled|closed|deactivated|deleted|terminated|inactive))",
    r"this account has been disabled|no longer (?:exists|valid|in use|works? (?:here|for))",
    r"宛先.{0,20}(?:存在しません|見つかりません)|ユーザー?.{0,10}(?:不明|存在しません)",
)
_KNOWN = _words(
    r"reject|refus|denied|not accepted|unable to (?:deliver|route)|host (?:unknown|not found)",
    r"no (?:mx|route)|loop|too many hops|mailbox unavailable|not available|not allowed|tls|encrypt",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What must fit (None: anything does), and what follows."""

    codes: frozenset[int] | None = None
    enhanced: re.Pattern[str] | None = None
    words: re.Pattern[str] | None = None
    reason: str
    suppress: str | None = None


def _codes(*codes: int) -> frozenset[int]:
    return frozenset(codes)


_NO_DETAIL = re.compile(r"|5\.0\.\d+|5\.1\.0|5\.5\.0")  # no enhanced code, or one that says nothing
# The same, and what is about the recipient's address (5.1.7 and 5.1.8 are about the sender's).
_OF_RECIPIENT = re.compile(r"|5\.0\.\d+|5\.1\.(?:[0-6]|\d{2,3})|5\.5\.0")

_TABLE: Final = (
    _Row(enhanced=re.compile(r"4\..+"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.7\..+"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.(?:3\.4|2\.3)"), reason=TOO_LARGE),
    _Row(enhanced=re.compile(r"5\.2\.2"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.1\.3"), reason=INVALID),
    _Row(words=_POLICY, reason=PROVIDER),
    _Row(words=_RATE, reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.1\.(?:1|2|6|10)|5\.2\.1"), reason=PROVIDER, suppress=HARD),
    _Row(enhanced=_NO_DETAIL, words=_FULL, reason=PROVIDER),
    _Row(enhanced=_NO_DETAIL, words=_LARGE, reason=TOO_LARGE),
    _Row(codes=_codes(552), enhanced=_NO_DETAIL, reason=TOO_LARGE),
    _Row(codes=_codes(501, 553), enhanced=_NO_DETAIL, words=_MALFORMED, reason=INVALID),
    _Row(enhanced=_OF_RECIPIENT, words=_NO_SUCH, reason=PROVIDER, suppress=HARD),
    _Row(enhanced=re.compile(r"5\.[1-7]\..+"), reason=PROVIDER),
    _Row(words=_KNOWN, reason=PROVIDER),
    _Row(reason=UNKNOWN),
)

_AT_START = re.compile(r"\s*(?:[245]\d\d[ -])?\s*#?\(?#?([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
_ANYWHERE = re.compile(r"(?<![.\d])([245]\.\d\.\d{1,2})(?![.\d])")
# Addresses and links in a server's words are not its words: <spam@x.example> is no policy.
_QUOTED = re.compile(r"<[^<>\s]*>|[^\s<>]{1,64}@[^\s<>]+|https?://\S+", re.IGNORECASE)
_CONTINUATION = re.compile(r"[\r\n]+\s*(?:[245]\d\d[ -])?(?:[245]\.\d{1,3}\.\d{1,3}(?![.\d]))?\s*")


def read_reply(code: int, text: str | bytes) -> Answer:
    """What an SMTP reply means: its code, and its text with or without an enhanced code.

    A code of 0 means that only the text is known, as in a report; its enhanced code then
    decides. Never raises.
    """
    words = decode(text[:MAX_TEXT]) if isinstance(text, bytes) else text[:MAX_TEXT]
    enhanced = _enhanced(words)
    kind = _kind(code, enhanced)
    text = one_line(_CONTINUATION.sub(" ", words))
    row = _row(code, enhanced or "", _QUOTED.sub(" ", text)) if kind == "permanent" else None
    return Answer(
        kind=kind,
        reason=row.reason if row else None,
        suppress=row.suppress if row else None,
        code=code or None,
        enhanced=enhanced,
        text=text,
    )


def _enhanced(words: str) -> str | None:
    found = _AT_START.match(words) or _ANYWHERE.search(words)
    return found[1] if found else None


def _kind(code: int, enhanced: str | None) -> Literal["accepted", "temporary", "permanent"]:
    """The first digit decides (RFC 5321, section 4.2.1); without a code, the enhanced one.

    What is neither is a server that broke the protocol: worth another try.
    """
    if not code and enhanced:
        code = int(enhanced[0]) * 100
    if 200 <= code < 300:
        return "accepted"
    return "permanent" if 500 <= code < 600 else "temporary"


def _row(code: int, enhanced: str, words: str) -> _Row:
    for row in _TABLE:
        if row.codes is not None and code not in row.codes:
            continue
        if row.enhanced is not None and not row.enhanced.fullmatch(enhanced):
            continue
        if row.words is None or row.words.search(words):
            return row
    raise AssertionError("the last row fits everything")
