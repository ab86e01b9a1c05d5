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

MOST_SPECIFIC: Final = 4

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
    the server's own words on one line. A kind of "down" is about the way, not the message: no
    server has heard of the recipient, and nothing counts as a try. `again_after` is in how many
    seconds the server wants to be tried again, where it said so. `provider` and `provider_id` are
    a provider's name and its own id of what it took. `of_sender` is set where it is our own
    address that was refused, which says nothing of the recipient's.
    """

    kind: Literal["accepted", "temporary", "permanent", "down"]
    reason: str | None = None
    suppress: str | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str
    again_after: int | None = None
    provider: str = ""
    provider_id: str = ""
    of_sender: bool = False


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


POLICY: Final = _words(
    r"\bspam\b|\bspammer|unsolicited|\bjunk\b",
    r"black ?list|block ?list|deny ?list|\brbl\b|dnsbl|spamhaus|barracuda|surbl|uribl",
    r"\b(?:spf|dkim|dmarc)\b|unauthenticated|not authori[sz]ed",
    r"reputation|\bpolicy\b|\bpolicies\b|gr[ea]y ?list|\bptr\b|reverse (?:dns|lookup)|rdns",
    r"\bblocked\b|\bbanned\b|relay(?:ing)? (?:access )?denied|unable to relay|not permitted",
    # What is said of the sender and of our server is no matter of the recipient's address.
    r"(?:sender|helo|ehlo|client host|mail from|my name)\b.{0,40}"
    r"(?:reject|denied|refus|invalid|not found|unknown|does not exist)",
    r"\brelaying\b|mail relay|open relay|do(?:es)? not (?:accept|like)[^.]{0,40}\bfrom\b",
    r"access denied|message content|content re(?:ject|fus)ed|virus|authentication required",
)
RATE: Final = _words(r"too (?:quickly|many|fast)|at a rate|rate.?limit|throttl|try again later")
FULL: Final = _words(
    r"\bquota\b|over ?quota|storage|out of space|disk full|mailbox size|disk space",
    r"(?:mail ?box|mail ?folder|inbox)(?: is|'s| size| has been| was|\s)*(?:full|exceed)",
    r"(?:space|messages).{0,40}(?:not enough|exceeded)|too much mail",
    r"(?:メールボックス|受信箱|容量).{0,20}(?:一杯|いっぱい|超|オーバー|不足)|邮箱.{0,10}(?:已满|空间不足)",
    r"postfach.{0,20}voll|(?:bo[iî]te).{0,30}pleine|buz[oó]n.{0,20}lleno|casella.{0,20}piena",
    r"caixa.{0,30}cheia|(?:mailbox|postvak|postbus).{0,10}\bvol\b|ящик.{0,20}переполнен",
)
LARGE: Final = _words(
    r"(?:message|mail|size|attachment).{0,40}(?:too (?:large|big)|exceed)",
    r"exceed.{0,40}\bsize\b|メッセージ.{0,20}(?:大きすぎ|サイズ.{0,10}超)",
)
MALFORMED: Final = _words(
    r"malformed|(?:bad|invalid|illegal).{0,20}(?:address )?syntax|syntax.{0,20}address",
    r"address.{0,20}syntax|not rfc",
)
NO_SUCH: Final = _words(
    r"user (?:is )?(?:unknown|not (?:found|known|exist))|unknown or illegal (?:user|alias)",
    r"unknown (?:user|recipient|local|mailbox|address|account)|(?:user|addressee) unknown",
    r"no such (?:user|recipient|mailbox|address|person|account|local|email)",
    r"(?:user|recipient|mailbox|address|account|inbox).{0,60}"
    r"(?:does not exist|doesn't exist|do not exist|not found|unknown|not recogni[sz]ed)",
    r"no (?:mailbox|user) (?:here )?(?:by|with|under|for)|invalid (?:user|mailbox|recipient)",
    r"(?:user|recipient|mailbox|address).{0,30}could ?n[o']t be found|invalid receiver",
    r"doesn't have an? .{0,40}account|recipnotfound|recipientnotfound|no valid recipients",
    r"not (?:a valid|our) (?:mailbox|user|customer)|isn't a valid|address unknown",
    r"not listed in .{0,40}(?:directory|address book)|invalid final delivery userid",
    r"(?:account|mailbox|user|address).{0,40}"
    r"(?:(?:is|was|been|has been) (?:disabled|closed|deactivated|deleted|terminated|inactive))",
    r"this account has been disabled|no longer (?:exists|valid|in use|works? (?:here|for))",
    r"宛先.{0,20}(?:存在しません|見つかりません|みつかりません|不明)|リストにありません",
    r"ユーザー?.{0,10}(?:不明|存在しません)|ディレクトリ.{0,8}見つかりません|アドレス.{0,10}(?:見つか|みつか|存在し)",
    r"(?:empfänger|benutzer|adresse).{0,30}(?:existiert nicht|unbekannt|nicht gefunden)",
    r"unbekannter (?:empfänger|benutzer)|(?:utilisateur|destinataire).{0,20}inconnu",
    r"(?:adresse|utilisateur|destinataire|bo[iî]te).{0,30}n'existe (?:pas|plus)",
    r"(?:usuario|destinatario|cuenta|buz[oó]n).{0,30}(?:desconocid|no existe|no encontrad)",
    r"(?:utente|destinatario|indirizzo|casella).{0,30}(?:sconosciut|inesistent|non esist)",
    r"(?:usu[aá]rio|utilizador|destinat[aá]rio|conta).{0,30}(?:desconhecid|não existe|inexistente)",
    r"(?:gebruiker|ontvanger|adres|mailbox).{0,30}(?:onbekend|bestaat niet)",
    r"(?:用户|收件人|邮箱|地址|信箱).{0,20}不存在|查无此人|无此用户|пользовател.{0,20}не найден",
)
NO_HOST: Final = _words(
    r"(?:host|domain)(?: name)?.{0,20}(?:unknown|not found|does not exist|doesn't exist)",
    r"(?:unknown|no such) (?:host|domain)\b|invalid domain\b(?! name)|non-?existent domain",
    r"bad destination host|could ?n[o']t find (?:an? )?(?:any |mail exchanger|host|domain)",
    r"no (?:mx|a|address|dns) (?:record|entr)|unrouteable address",
    r"indicated no smtp service|no mx found|null mx",
    r"ドメイン.{0,20}(?:存在し|見つか|不明)",
)
KNOWN: Final = _words(
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
_OF_RECIPIENT = re.compile(r"|5\.0\.\d+|5\.1\.(?:[0-6]|\d{2,3})|5\.[2-5]\.0")
# The same, and "unable to route", of which the words say whether there is such a host.
_OF_HOST = re.compile(r"|5\.0\.\d+|5\.1\.0|5\.4\.[04]")

_TABLE: Final = (
    _Row(enhanced=re.compile(r"4\..+"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.7\..+"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.(?:3\.4|2\.3)"), reason=TOO_LARGE),
    _Row(enhanced=re.compile(r"5\.2\.2"), reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.1\.3"), reason=INVALID),
    _Row(words=POLICY, reason=PROVIDER),
    _Row(words=RATE, reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.[12]\.\d+"), words=FULL, reason=PROVIDER),
    _Row(enhanced=re.compile(r"5\.1\.(?:1|2|6|10)|5\.2\.1"), reason=PROVIDER, suppress=HARD),
    _Row(enhanced=_NO_DETAIL, words=FULL, reason=PROVIDER),
    _Row(enhanced=_NO_DETAIL, words=LARGE, reason=TOO_LARGE),
    _Row(codes=_codes(552), enhanced=_NO_DETAIL, reason=TOO_LARGE),
    _Row(codes=_codes(501, 553), enhanced=_NO_DETAIL, words=MALFORMED, reason=INVALID),
    _Row(enhanced=_OF_RECIPIENT, words=NO_SUCH, reason=PROVIDER, suppress=HARD),
    _Row(enhanced=_OF_HOST, words=NO_HOST, reason=PROVIDER, suppress=HARD),
    _Row(enhanced=re.compile(r"5\.[1-7]\..+"), reason=PROVIDER),
    _Row(words=KNOWN, reason=PROVIDER),
    _Row(reason=UNKNOWN),
)

_AT_START = re.compile(r"\s*+(?:[245]\d\d[ -]\s*+)?#?\(?#?([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
_ANYWHERE = re.compile(r"(?<![\w./])([245]\.[0-7]\.\d{1,3})(?!\w|\.\d)")
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
    row = _row(code, enhanced or "", bare(text)) if kind == "permanent" else None
    again_after = seconds_to_wait(text) if kind == "temporary" else None
    return Answer(
        kind=kind,
        reason=row.reason if row else None,
        suppress=row.suppress if row else None,
        code=code or None,
        enhanced=enhanced,
        text=text,
        again_after=again_after,
    )


MOST_WAIT: Final = 24 * 3600
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WAIT: Final = re.compile(
    r"(?:again|back|retry|wait)(?:[ -](?:in|after|for|at least|another|about)){1,2}[:= ]\s{0,3}"
    r"(?:(\d{1,2}):([0-5]\d):([0-5]\d)|(\d{1,6})\s?(s|m|h|d)?(?:ec|in|ou?r|ay)?[a-z]{0,5}\b)",
    re.IGNORECASE,
)


def seconds_to_wait(words: str) -> int | None:
    """In how many seconds a server wants to be tried again, if it says so: "try again in 5 min",
    "retry after 300", "come back in 00:04:59". At most a day; None where it says nothing."""
    found = _WAIT.search(words[:MAX_TEXT])
    if not found:
        return None
    if found[1]:
        seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
    else:
        seconds = int(found[4]) * _UNITS[(found[5] or "s").lower()]
    return min(seconds, MOST_WAIT) or None


def enhanced_code(words: str) -> str:
    """The enhanced code that says most, of such the first; those of refusals before others.

    Numbers of versions and addresses of hosts are none. Empty where there is no code.
    """
    found = _ANYWHERE.findall(words[:MAX_TEXT])
    refusals = [code for code in found if code[0] != "2"] or found
    return max(refusals, key=specificity, default="")


def specificity(code: str) -> int:
    """How much an enhanced code says, from 0 (there is none) to 4: x.0.0, x.1.0 and "it expired"
    (x.4.7) say less of the cause than any other."""
    if code[1:] in ("", ".0.0"):
        return len(code) and 1
    if code.endswith(".0"):
        return 2
    return 3 if code.endswith(".4.7") else MOST_SPECIFIC


def bare(words: str) -> str:
    """A server's words without the addresses and links in them, which are not its words."""
    return _QUOTED.sub(" ", words)


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
