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
MAX_WINDOW: Final = 200  # characters, and
MAX_BY_LIBRARY: Final = 20  # attributions, that the library's patterns (cubic in time) may see
MAX_SIGNATURE: Final = 20  # lines; a longer one is text
DEFAULT_MARKERS: Final = (
    "Reply above this line",
    "Please reply above this line",
    "この行より上に返信してください",
    "この行より上に返信を記入してください",
)
LANGUAGES: Final = ("en", "ja", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs", "ko", "zh")

_LIBRARY: Final = tuple(
    re.compile(MAIL_LANGUAGES[name]["wrote_header"], re.I | re.M) for name in LANGUAGES
)
# "On <date>, <someone> wrote:", on one line: how it opens, and how it ends. A date or an
# address stands between, so that "On the door she wrote:" is no attribution.
_ATTRIBUTIONS: Final = tuple(
    re.compile(rf"(?:{opening}).*[\d@].*(?:{ending})$", re.I)
    for opening, ending in (
        (r"on\s", r"wrote\s?:"),
        (r"am\s|von\s|\d", r"schrieb(?:\s.*)?\s?:"),
        (r"le\s|\d", r"a écrit\s?:"),
        (r"el\s|\d", r"escribi[óo]\s?:"),
        (r"em\s|no dia\s|\d", r"escreveu\s?:"),
        (r"il\s|in data\s|\d", r"ha scritto\s?:"),
        (r"op\s|\d", r"(?:schreef|het volgende geschreven)(?:\s.*)?\s?:"),
        (r"dnia\s|w dniu\s|\S{2,5},?\s\d", r"(?:napisał\S*|pisze|nadesłał)\s?:"),
        (r"den\s|på\s|\S{2,8}\s\d|\d", r"skrev(?:\s.*)?\s?:"),
        (r"dne\s|\S{2,3}\s\d", r"napsal(?:\(a\)|a)?\s?:"),
        (r".", r"kirjoitti\s?:"),
        (r"(?:在\s?)?\d{4}年", r"(?:[:：]|写道[:：]|のメール[:：])"),
        (r"\d{4}[/-]\d{1,2}[/-]\d{1,2}", r"<[^<>]*@[^<>]*>.{0,20}[:：]"),
        (r".", r"(?:さん|様|氏)(?:は|が)書きました[:：]?"),
        (r"\d{4}년", r"작성(?:하였습니다|함|했습니다)?\s?:"),
    )
)
_ATTRIBUTION_ENDS: Final = (":", "：", "書きました")
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
    r"[>\s*]*(?:from|von|de|da|van|od|från|fra|差出人|送信者|发件人|보낸\s?사람)"
    r"\s?[*]?\s?[:：]",
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
    r"doorgestuurd bericht|vidarebefordrat meddelande|"
    r"転送(?:メッセージ|された(?:メール|メッセージ)))"
    r"|begin forwarded message:|anfang der weitergeleiteten|inizio messaggio inoltrato"
    r"|début du message (?:réexpédié|transféré)|転送されたメッセージ[:：])",
    re.I,
)
_RULER = re.compile(r"[>\s]*[_-]{10,}\s*")
_DECORATION: Final = " \t>#-=*_~|・─━—–▲↑[]()"
_SIGNATURE = re.compile(r"--[ \u00a0]?")
_DEVICE = re.compile(
    r"(?:sent (?:from|via) (?:my )?\S.{0,40}|get outlook for \S.{0,60}"
    r"|von meinem \S.{0,30} gesendet|gesendet (?:von|mit) \S.{0,40}"
    r"|envoyé (?:de|depuis) mon \S.{0,30}|enviado (?:desde|do) (?:mi|meu) \S.{0,30}"
    r"|inviato da(?:l mio)? \S.{0,30}|verzonden vanaf mijn \S.{0,30}"
    r"|skickat från min \S.{0,30}|\S.{0,20}から送信)",
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
    wanted = _present({_bare(marker) for marker in markers}, lines)
    attributing = {number for number, line in enumerate(lines) if _ends_attribution(line)}
    tries = iter(range(MAX_TRIED))
    for number, line in enumerate(lines[:forward]):
        if not line.strip():
            continue
        if wanted and _bare(line) in wanted:
            return _above_marker(lines, number)
        if _is_original(line) or _is_header_block(lines, number):
            return _above_ruler(lines, number)
        may_attribute = not attributing.isdisjoint(range(number, number + 3))
        if thorough and may_attribute and (tried := next(tries, None)) is not None:
            size = _attribution(lines, number, by_library=tried < MAX_BY_LIBRARY)
            if size and not _answered_within(lines, number + size, wanted):
                return number
    return _without_quoted_tail(lines) if forward == end else end


def _present(markers: set[str], lines: list[str]) -> set[str]:
    """The markers that stand anywhere: mostly none, and no line has to be looked at for them."""
    text = "\n".join(lines).casefold()
    return {marker for marker in markers if marker in text}


def _ends_attribution(line: str) -> bool:
    return line[-20:].rstrip().endswith(_ATTRIBUTION_ENDS)


def _is_original(line: str) -> bool:
    return "--" in line and _is(line, _ORIGINAL)


def _is(line: str, pattern: re.Pattern[str]) -> bool:
    return pattern.match(line[:MAX_LINE]) is not None


def _bare(line: str) -> str:
    """A line without quote signs and decoration: "> ## Reply above ##" is "reply above"."""
    return line[:MAX_LINE].strip(_DECORATION).rstrip(".。:：").strip(_DECORATION).casefold()


def _is_header_block(lines: list[str], number: int) -> bool:
    """Three header lines together, one of them From: Outlook's way of quoting."""
    line = lines[number]
    if not (":" in line or "：" in line) or not _is(line, _HEADER):
        return False
    block = [line for line in lines[number : number + 10] if line.strip()][:5]
    headers = [line for line in block if _is(line, _HEADER)]
    return len(headers) >= 3 and any(_is(line, _FROM) for line in headers)


def _attribution(lines: list[str], number: int, *, by_library: bool = True) -> int:
    """How many lines from here on are "On … wrote:" (0: none; clients wrap it)."""
    for size in (1, 2, 3):
        window = [line.strip() for line in lines[number : number + size]]
        if len(window) < size or not window[-1] or len(window[-1]) > MAX_LINE:
            return 0
        if not window[-1].endswith(_ATTRIBUTION_ENDS):
            continue
        joined = " ".join(window).lstrip("> ")
        if any(pattern.match(joined) for pattern in _ATTRIBUTIONS):
            return size
        if by_library and len(joined) <= MAX_WINDOW:
            return size if any(pattern.match(joined) for pattern in _LIBRARY) else 0
    return 0


def _answered_within(lines: list[str], start: int, markers: set[str]) -> bool:
    """Whether the sender wrote between or below the quoted lines that follow."""
    quoted = False
    for line in lines[start:]:
        if line.lstrip().startswith(">"):
            quoted = True
        elif line.strip():
            # Quoted without signs, or nothing but a signature or our marker follows.
            ends = not quoted or _SIGNATURE.fullmatch(line) or _bare(line) in markers
            return not ends
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
