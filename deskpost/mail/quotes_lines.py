"""What one line of a message's text is: quoted, a ruler, a header, "Original Message"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from deskpost.mail import quotes_labels as labels
from deskpost.mail.quotes_words import fold

MAX_LINE: Final = 400  # characters of a line that are looked at
MAX_LABEL: Final = 24  # characters of a header's label
MAX_BLOCK: Final = 12  # lines of a header block, and
MAX_HEADERS: Final = 8  # of them written ones
WRAPPED_FROM: Final = 60  # characters; a quoted line so long may have been wrapped

SIGNS: Final = (">", "＞", "|")
LAST_SIGN: Final = ">:"
_BAR: Final = "|"
_DASHES: Final = "-‐‑‒–—―─━_=*~#"
_AROUND: Final = " \t\u00a0" + _DASHES
_DECORATION: Final = " \t>#-=*_~|・─━—–▲↑[]()"
_QUOTE: Final = "> \t\u00a0＞|"
# A label may be bold ("*From:*") and stand behind marks of direction.
_LABEL_AROUND: Final = "> \t\u00a0*_|\u200e\u200f\u202a\u202b\u202c＞"
# No mail program shows these when it quotes.
_RAW: Final = ("received:", "return-path:", "message-id:", "mime-version:", "content-type:")
_ADDRESS = re.compile(r"@|mailto:", re.IGNORECASE)


def quoted_flags(lines: Sequence[str]) -> list[bool]:
    """Say of each line whether it is quoted by ">" or "|".

    The second half of a quoted line that was wrapped on its way counts as quoted.
    """
    found = [line.lstrip().startswith(SIGNS) and _is_quoted(line) for line in lines]
    if True not in found:
        return found
    wrapped = [
        number
        for number in range(1, len(lines) - 1)
        if not found[number] and found[number - 1] and _may_be_wrapped(lines, found, number)
    ]
    # Below a full stop it could be an answer: unless lines were wrapped within a sentence, too.
    if any(lines[number - 1].rstrip()[-1:].isalnum() for number in wrapped):
        for number in wrapped:
            found[number] = True
    return found


def _may_be_wrapped(lines: Sequence[str], quoted: Sequence[bool], number: int) -> bool:
    if not quoted[number + 1]:
        return False
    above = lines[number - 1].rstrip()
    return len(above) >= WRAPPED_FROM and above[-1:] != "?" and lines[number][:1].islower()


def _is_quoted(line: str) -> bool:
    if not line.lstrip().startswith(_BAR):
        # A "From " line in a mailbox (RFC 4155); what is left of an address that was wrapped.
        return not (line.startswith(">From ") or line.strip() == LAST_SIGN)
    return not line.rstrip().endswith(_BAR)  # of a table


def is_blank(line: str) -> bool:
    """Whether nothing is written in the line, quoted or not."""
    return not line.strip(_QUOTE)


def bare(line: str) -> str:
    """Return a line without quote signs and decoration, case-folded.

    "> ## Reply above ##" is "reply above".
    """
    return line[:MAX_LINE].strip(_DECORATION).rstrip(".。:：").strip(_DECORATION).casefold()


def is_ruler(line: str) -> bool:
    """Whether the line is drawn: "________"."""
    line = line.strip(_QUOTE)
    return len(line) >= 3 and not line.strip(_DASHES)


def is_original(line: str) -> bool:
    """Whether the line is "-----Original Message-----", in any language."""
    line = line.strip(_QUOTE)
    if line[:1] not in _DASHES or line[1:2] not in _DASHES or len(line) > MAX_LINE:
        return False
    return fold(line.strip(_AROUND)) in labels.ORIGINAL


def is_forward(line: str) -> bool:
    """Whether the line says that what follows is passed on, in any language."""
    line = line[:MAX_LINE].strip()
    if line[:2].strip(_DASHES) == "" and len(line) > 2:
        return fold(line.strip(_AROUND)).startswith(labels.FORWARD)
    if line.endswith((":", "：")):
        return fold(line).startswith(labels.FORWARD_BEGINS)
    return False


def header(line: str) -> str:
    """Return which header the line shows (from, sent, date, to, subject, other), or ""."""
    head, colon, _ = line[: MAX_LABEL * 2].replace("：", ":").partition(":")
    if not colon:
        return ""
    label = head.strip(_LABEL_AROUND)
    return labels.LABELS.get(fold(label), "") if len(label) <= MAX_LABEL else ""


def is_header_block(lines: Sequence[str], number: int) -> bool:
    """Whether the headers of a message begin here: the way Outlook and others quote.

    The headers of a message's source that someone shows us are text.
    """
    line = lines[number]
    if not (":" in line or "：" in line) or not header(line):
        return False
    block = [line for line in lines[number : number + MAX_BLOCK] if line.strip()][:MAX_HEADERS]
    kinds = {header(line) for line in block} - {"", labels.OTHER}
    if labels.FROM not in kinds or len(kinds) < 3:
        return False
    # "From: Rome, To: Oslo, Date: May" is a journey.
    outlook = labels.SENT in kinds and labels.TO in kinds
    if not (labels.SUBJECT in kinds or outlook or any(_ADDRESS.search(line) for line in block)):
        return False
    around = lines[max(0, number - MAX_BLOCK) : number + MAX_BLOCK]
    return not any(line[:MAX_LABEL].strip(_QUOTE).casefold().startswith(_RAW) for line in around)
