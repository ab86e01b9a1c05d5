"""The new text of a reply apart from quoted history and signature.

Nothing is lost: what is not new is in `rest`. In doubt the text is kept: an answer that
shows too much is read all the same, one that shows too little is not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailparser_reply.constants import MAIL_LANGUAGES

MAX_TEXT: Final = 200_000  # characters; beyond, only the rules that look at one line apply
MAX_LINE: Final = 250  # characters of a line that can be an attribution
MAX_TRIED: Final = 60  # attributions looked at in one text
MAX_SIGNATURE: Final = 20  # lines; a longer one is text
DEFAULT_MARKERS: Final = (
    "Reply above this line",
    "Please reply above this line",
    "この行より上に返信してください",
    "この行より上に返信を記入してください",
)
LANGUAGES: Final = ("en", "ja", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs", "ko", "zh")

_ATTRIBUTIONS: Final = (
    *(re.compile(MAIL_LANGUAGES[name]["wrote_header"], re.I | re.M) for name in LANGUAGES),
    # What the library lacks: Portuguese, Norwegian, Finnish, other French and German forms;
    # Japanese of Apple Mail, Gmail and Becky.
    re.compile(r"Em\s[^\n]*\d[^\n]*(?:\n[^\n]*)?escreveu:$", re.I),
    re.compile(r"(?:Den|På)\s[^\n]*\d[^\n]*(?:\n[^\n]*)?(?:skrev|skrev følgende):$", re.I),
    re.compile(r"[^\n]*\d[^\n]*(?:\n[^\n]*)?kirjoitti:$", re.I),
    re.compile(r"Le\s[^\n]*\d[^\n]*(?:\n[^\n]*)?a écrit\s?:$", re.I),
    re.compile(r"(?:Am|Von)\s[^\n]*\d[^\n]*(?:\n[^\n]*)?schrieb[^\n]*:$", re.I),
    re.compile(r"\d{4}年\d{1,2}月\d{1,2}日[^\n]*(?:\n[^\n]*)?(?:[:：>]|のメール[:：])$"),
    re.compile(
        r"\d{4}[/-]\d{1,2}[/-]\d{1,2}[^\n]*\d:\d\d[^\n]*(?:\n[^\n]*)?<[^\n]*@[^\n]*>[^\n]*[:：]$"
    ),
    re.compile(r"(?:On\s)?[^\n]*\d:\d\d[^\n]*\n?[^\n]*(?:さん|様|氏)(?:は|が)書きました[:：]?$"),
)
_ATTRIBUTION_END = re.compile(r"[:：>た]$")
_BY_SIGHT = re.compile(r"@|\d.*[:：]$")  # enough right above our own marker

_LABELS: Final = (
    "from|sent|to|cc|date|subject|reply-to|organization|von|gesendet|an|betreff|datum|kopie|de|"
    "envoyé|à|objet|date|enviado|enviada em|para|asunto|assunto|fecha|data|da|inviato|a|oggetto|"
    "van|verzonden|aan|onderwerp|od|wysłano|do|temat|från|skickat|till|ämne|fra|sendt|til|emne|"
    "odesláno|komu|předmět|差出人|送信日時|送信者|宛先|件名|日時|日付|发件人|发送时间|收件人|主题|"
    "보낸\\s?사람|보낸\\s?날짜|받는\\s?사람|제목"
)
_HEADER = re.compile(rf"[>\s*]*(?:{_LABELS})\s?[*]?\s?[:：]\s?\*?\s*\S", re.I)
_FROM = re.compile(
    r"[>\s*]*(?:from|von|de|da|van|od|från|fra|差出人|送信者|发件人|보낸\s?사람)\s?[*]?\s?[:：]",
    re.I,
)
_ORIGINAL = re.compile(
    r"[>\s]*-{2,}\s*(?:original (?:message|appointment)|ursprüngliche nachricht|message d'origine|"
    r"mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|"
    r"ursprungligt meddelande|oprindelig meddelelse|wiadomość oryginalna|"
    r"元のメッセージ|原始邮件|원본 메시지)\s*-{2,}\s*",
    re.I,
)
_FORWARD = re.compile(
    r"[>\s]*(?:-{2,}\s*(?:forwarded message|forwarded by|weitergeleitete nachricht|"
    r"message transféré|mensaje reenviado|mensagem encaminhada|messaggio inoltrato|"
    r"doorgestuurd bericht|vidarebefordrat meddelande|転送(?:メッセージ|された(?:メール|メッセージ)))"
    r"|begin forwarded message:|anfang der weitergeleiteten|début du message (?:réexpédié|transféré)"
    r"|inizio messaggio inoltrato|転送されたメッセージ[:：])",
    re.I,
)
_RULER = re.compile(r"[>\s]*[_-]{10,}\s*")
_DECORATION: Final = " \t>#-=*_~|・─━—–▲↑[]()"
_SIGNATURE = re.compile(r"--[ \u00a0]?")
_DEVICE = re.compile(
    r"(?:sent (?:from|via) (?:my )?\S.{0,40}|get outlook for \S.{0,60}|von meinem \S.{0,30} gesendet|"
    r"gesendet (?:von|mit) \S.{0,40}|envoyé (?:de|depuis) mon \S.{0,30}|enviado (?:desde|do) (?:mi|meu) "
    r"\S.{0,30}|inviato da(?:l mio)? \S.{0,30}|verzonden vanaf mijn \S.{0,30}|skickat från min \S.{0,30}|"
    r"\S.{0,20}から送信)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitText:
    """`new` is what the sender wrote now; `rest` the history and signature below it."""

    new: str
    rest: str


def split(text: str, *, marker_lines: Sequence[str] = DEFAULT_MARKERS) -> SplitText:
    """Split a plain text body; line ends come out as "\\n".

    `marker_lines` are the wordings of our "reply above this line", without decoration. A
    forwarded message is text, not history. Where nothing new would be left, all is kept.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _history(lines, marker_lines, thorough=len(text) <= MAX_TEXT)
    cut = _signature(lines, _last_written(lines, cut))
    new = "\n".join(lines[:cut]).strip()
    if not new or all(line.lstrip().startswith(">") for line in lines[:cut] if line.strip()):
        return SplitText(new="\n".join(lines).strip(), rest="")
    return SplitText(new=new, rest="\n".join(lines[cut:]).strip())


def _history(lines: list[str], markers: Sequence[str], *, thorough: bool) -> int:
    """The number of the line where history begins, or how many lines there are."""
    end = len(lines)
    forward = next((number for number, line in enumerate(lines) if _is(line, _FORWARD)), end)
    tried = 0
    wanted = {_bare(marker) for marker in markers}
    for number, line in enumerate(lines[:forward]):
        if not line.strip():
            continue
        if _bare(line) in wanted:
            return _above_marker(lines, number)
        if _is(line, _ORIGINAL) or _is_header_block(lines, number):
            return _above_ruler(lines, number)
        if thorough and tried < MAX_TRIED and (size := _attribution(lines, number)):
            tried += 1
            if not _answered_within(lines, number + size, wanted):
                return number
    return _without_quoted_tail(lines) if forward == end else end


def _is(line: str, pattern: re.Pattern[str]) -> bool:
    return pattern.match(line[:MAX_LINE]) is not None


def _bare(line: str) -> str:
    """A line without quote signs and decoration: "> ## Reply above ##" is "reply above"."""
    return line[:MAX_LINE].strip(_DECORATION).rstrip(".。:：").strip(_DECORATION).casefold()


def _is_header_block(lines: list[str], number: int) -> bool:
    """Three header lines together, the first of them From: Outlook's way of quoting."""
    if not _is(lines[number], _FROM) or not _is(lines[number], _HEADER):
        return False
    following = [line for line in lines[number + 1 : number + 9] if line.strip()][:4]
    return sum(_is(line, _HEADER) for line in following) >= 2


def _attribution(lines: list[str], number: int) -> int:
    """How many lines from here on are "On … wrote:" (0: none; clients wrap it)."""
    for size in (1, 2, 3):
        window = [line.strip() for line in lines[number : number + size]]
        if len(window) < size or not window[-1] or len(window[-1]) > MAX_LINE:
            return 0
        if not _ATTRIBUTION_END.search(window[-1]):
            continue
        joined = "\n".join(window).lstrip("> ")
        if any(found.end() >= len(joined) for found in _matches(joined)):
            return size
    return 0


def _matches(window: str) -> list[re.Match[str]]:
    # In one line too: the library's patterns cross one line end at most.
    forms = (window, window.replace("\n", " "))
    return [found for form in forms for p in _ATTRIBUTIONS if (found := p.match(form))]


def _answered_within(lines: list[str], start: int, markers: set[str]) -> bool:
    """Whether the sender wrote between or below the quoted lines that follow."""
    quoted = False
    for line in lines[start:]:
        if not line.strip():
            continue
        if line.lstrip().startswith(">"):
            quoted = True
        elif not quoted or _SIGNATURE.fullmatch(line) or _bare(line) in markers:
            return False  # quoted without signs, or nothing but a signature follows
        else:
            return True
    return False


def _above_marker(lines: list[str], number: int) -> int:
    """Our marker is certain; the attribution or header block right above it goes as well."""
    above = _last_written(lines, number)
    for size in (1, 2, 3):
        if above >= size and _attribution(lines, above - size) == size:
            return above - size
    start = above
    while start > 0 and above - start < 12 and _is(lines[start - 1], _HEADER):
        start -= 1
    if above - start >= 2:
        return _above_ruler(lines, start)
    if above > 1 and _BY_SIGHT.search(lines[above - 1][:MAX_LINE].strip()):
        last = lines[above - 1].strip()
        return above - 1 if last.endswith((":", "：")) else above
    return above


def _above_ruler(lines: list[str], number: int) -> int:
    """The separator above a header block belongs to it."""
    above = _last_written(lines, number)
    if above > 0 and (_RULER.fullmatch(lines[above - 1]) or _is(lines[above - 1], _ORIGINAL)):
        return above - 1
    return number


def _last_written(lines: list[str], number: int) -> int:
    """How many lines above `number` are left without the empty ones at their end."""
    while number > 0 and not lines[number - 1].strip("> \t\u00a0"):
        number -= 1
    return number


def _without_quoted_tail(lines: list[str]) -> int:
    number = len(lines)
    while number > 0 and (not lines[number - 1].strip() or lines[number - 1].startswith(">")):
        number -= 1
    return number


def _signature(lines: list[str], cut: int) -> int:
    """Where the signature ("-- ", RFC 3676 section 4.3) or a device's line begins."""
    for number in range(max(0, cut - MAX_SIGNATURE), cut):
        if _SIGNATURE.fullmatch(lines[number]):
            return number
    above = _last_written(lines, cut)
    if above > 1 and len(lines[above - 1]) < 80 and _DEVICE.fullmatch(lines[above - 1].strip()):
        return above - 1
    return cut
