"""The containers in which mail programs put what they quote, and signatures."""

from __future__ import annotations

import re
from typing import Final

from selectolax.lexbor import LexborNode

# What such an element is: history for sure; history unless it was answered within; a signature.
HISTORY: Final = "history"
QUOTE: Final = "quote"
SIGNATURE: Final = "signature"

MAX_STYLE: Final = 2_000  # characters that are looked at
MAX_CLASSES: Final = 500

# Outlook on the web puts "x_" before the names of what it quotes, Hotmail put "ecx".
_PREFIX = re.compile(r"\A(?:x_|ecx)+")
_PART_OF_NAME = re.compile(r"[_-]\d[\w-]*$")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


_HISTORY: Final = _names(
    "divRplyFwdMsg appendonsend OLK_SRC_BODY_SECTION OutlookMessageHeader stopSpelling zwchr "
    "SkyDrivePlaceholder mail-editor-reference-message-container "
    "ms-outlook-mobile-reference-message reference-message-container "
    "replyforwardcontainer isreplycontent _origin_ mailreplyheader"
)
_QUOTE: Final = _names(
    "gmail_quote gmail_quote_container gmail_attr moz-cite-prefix yahoo_quoted "
    "yahoo-quoted-begin zmail_extra zmail_extra_hr protonmail_quote tutanota_quote mb_quote "
    "mailbird_quote front-blockquote aolReplacedBody replyHeader reply-intro messageReplySection "
    "sh-quoted-content cm_quote"
)
_SIGNATURE: Final = _names(
    "gmail_signature moz-signature ms-outlook-mobile-signature protonmail_signature_block "
    "AppleMailSignature signature divSignature mail-signature tutanota_signature"
)
# "border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0in 0in 0in" is Outlook's; Windows
# Mail has border-top-color, -width and -style.
_OUTLOOK_LINE = re.compile(r"border-top\s*:\s*solid\s+(?:#[0-9a-f]{3,6}|\w+)\s+[\d.]+pt", re.I)
_PADDED = re.compile(r"padding(?:-top)?\s*:\s*[35](?:\.0)?p[tx]", re.I)
_WINDOWS_LINE = re.compile(r"border-top-style\s*:\s*solid", re.I)


def kind(node: LexborNode) -> str:
    """Return what the element is (HISTORY, QUOTE or SIGNATURE), or ""."""
    attributes = node.attributes
    if not attributes:
        return ""
    named = " ".join(attributes.get(name) or "" for name in ("id", "class", "name", "data-marker"))
    names = {_PREFIX.sub("", name) for name in _names(named[:MAX_CLASSES])}
    names |= {_PART_OF_NAME.sub("", name) for name in names}
    if names & _HISTORY or "__divider__" in names:
        return HISTORY
    if names & _QUOTE and node.tag != "blockquote":
        return QUOTE
    if names & _SIGNATURE or attributes.get("data-signatureblock") == "true":
        return SIGNATURE
    style = (attributes.get("style") or "")[:MAX_STYLE]
    return HISTORY if node.tag == "div" and style and _is_line_above_headers(style) else ""


def _is_line_above_headers(style: str) -> bool:
    drawn = _OUTLOOK_LINE.search(style) or _WINDOWS_LINE.search(style)
    return drawn is not None and _PADDED.search(style) is not None
