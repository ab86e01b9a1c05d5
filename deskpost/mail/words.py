"""Header values and encoded words to clean text, leniently and never raising (RFC 2047).

Every string that leaves this module can be encoded to UTF-8 (no lone surrogates)
and holds no NUL.
"""

import binascii
import re

from deskpost.mail.charsets import charset_name, clean, decode, strictly

__all__ = [
    "charset_name",
    "clean",
    "decode",
    "decode_base64",
    "decode_words",
    "header_text",
    "one_line",
]

# C0, DEL, C1 and the two Unicode line ends: a header is one line wherever it is shown.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
# The payload ends at the first "?=": a "?" that the sender left in it does not end it, the
# beginning of another word does. Nothing is read twice: that keeps this linear.
_WORD = re.compile(
    r"=\? ?([^?\s]{0,75}) ?\? ?([bq]) ?\?((?:[^?=]++|=(?!\?[^=])|\?(?!=))*+)\?=", re.IGNORECASE
)
_STRAY_EQUALS = re.compile(rb"=(?![0-9A-Fa-f]{2})")  # no soft line end in a header
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


def one_line(text: str) -> str:
    """The text cleaned and on one line: folds undone, control characters made spaces."""
    if text.isprintable():  # most headers: nothing to mend, no surrogates either
        return text.strip()
    return clean(_CONTROL.sub(" ", _FOLD.sub("", text))).strip()


def decode_words(value: str) -> str:
    """Decode the encoded words of a header value (RFC 2047), leniently.

    Words may stand inside other text; a character cut between two words is joined.
    What cannot be decoded stays as it was.
    """
    if "=?" not in value:
        return value
    out: list[str] = []
    pending, pending_charset, end = bytearray(), "", 0
    for found in _WORD.finditer(value):
        between = value[end : found.start()]
        charset = found[1].partition("*")[0].lower()  # RFC 2231, section 5: a language
        # White space between two encoded words is not shown (RFC 2047, section 6.2).
        joined = end > 0 and not between.strip()
        if pending and not (joined and charset == pending_charset):
            out.append(decode(bytes(pending), pending_charset))
            pending.clear()
        if not joined:
            out.append(between)
        pending += _payload(found[2], found[3], charset)
        pending_charset, end = charset, found.end()
    if pending:
        out.append(decode(bytes(pending), pending_charset))
    out.append(value[end:])
    return "".join(out)


def _payload(encoding: str, payload: str, charset: str) -> bytes:
    # 8-bit text in an encoded word has been decoded already: back into the word's charset.
    name = "ascii" if payload.isascii() else charset_name(charset) or "utf-8"
    data = payload.encode(name, "replace")
    if encoding in "bB":
        return decode_base64(data)
    return binascii.a2b_qp(_STRAY_EQUALS.sub(b"=3D", data), header=True)


def decode_base64(data: bytes) -> bytes:
    """Decode Base64 leniently: foreign characters are passed over, padding is mended."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        data = data.translate(None, _NOT_BASE64)
        if len(data) % 4 == 1:
            data = data[:-1]
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def header_text(raw: bytes, charset: str | None = None) -> str:
    """A raw header value as text on one line, its encoded words not yet decoded.

    `charset` is the message's own, for senders who put 8-bit text into headers.
    """
    if raw.isascii() and b"\x1b" not in raw:
        return one_line(raw.decode("ascii"))
    if b"\x1b" not in raw and (text := strictly(raw, "utf_8")) is not None:
        return one_line(text)  # RFC 6532, or by chance never
    return one_line(decode(raw, charset))
