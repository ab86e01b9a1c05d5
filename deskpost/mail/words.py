"""Bytes and encoded words to clean text, leniently and never raising.

Every string that leaves this module can be encoded to UTF-8 (no lone surrogates)
and holds no NUL.
"""

import binascii
import codecs
import re
from encodings.aliases import aliases
from typing import Final

# Names that mail uses and Python lacks, and names that mail uses too narrowly: what is
# labelled Shift_JIS is cp932 in practice, GB2312 is GB18030, Latin-1 is Windows-1252
# (WHATWG Encoding, "names and labels").
_ALIASES: Final = {
    "ascii": "utf_8",
    "ansi_x3.4_1968": "utf_8",
    "us_ascii": "utf_8",
    "utf_8": "utf_8",
    "utf_8mb4": "utf_8",
    "unicode_1_1_utf_8": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
    "unicode": "utf_16",
    "shift_jis": "cp932",
    "shift_jisx0213": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "s_jis": "cp932",
    "x_sjis": "cp932",
    "x_ms_cp932": "cp932",
    "ms_kanji": "cp932",
    "windows_31j": "cp932",
    "cp943": "cp932",
    "cp943c": "cp932",
    "iso_2022_jp": "iso2022_jp",
    "iso_2022_jp_ms": "iso2022_jp",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "csiso2022jp": "iso2022_jp",
    "jis": "iso2022_jp",
    "x_euc_jp": "euc_jp",
    "eucjp_ms": "euc_jp",
    "cp51932": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "big5": "cp950",
    "x_big5": "cp950",
    "iso_8859_1": "cp1252",
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "x_windows_1252": "cp1252",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "windows_874": "cp874",
    "unicodefffe": "utf_16_be",
}

# Not charsets of mail: codecs of bytes to bytes, and text codecs with quadratic time
# (punycode) or with effects of their own (unicode_escape).
_NEVER: Final = frozenset(
    {
        "base64_codec",
        "bz2_codec",
        "hex_codec",
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "quopri_codec",
        "raw_unicode_escape",
        "rot_13",
        "undefined",
        "unicode_escape",
        "unicode_internal",
        "uu_codec",
        "zlib_codec",
    }
)
# Only names from here reach codecs.lookup: Python remembers every name that it did not
# find for ever, and a sender must not be able to grow a worker's memory.
_KNOWN: Final = (frozenset(aliases) | frozenset(aliases.values())) - _NEVER

# What a charset's label is also put on, where the bytes are not valid in it.
_ALSO: Final = {"iso2022_jp": ("cp932", "euc_jp"), "euc_jp": ("euc_jis_2004", "cp932")}

_NOT_NAME = re.compile(r"[^a-z0-9.]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
# C0, DEL, C1 and the two Unicode line ends: a header is one line wherever it is shown.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
# No "?" in the payload: that is what keeps this linear.
_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_JIS_ESCAPE = re.compile(rb"\x1b(\$@|\$B|\$\(D|\(B|\(J|\(I)")
_NOT_BASE64 = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
)


def clean(text: str) -> str:
    """The text without NULs and lone surrogates (each becomes U+FFFD)."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The text cleaned and on one line: folds undone, control characters made spaces."""
    if text.isprintable():  # most headers: nothing to mend, no surrogates either
        return text.strip()
    return clean(_CONTROL.sub(" ", _FOLD.sub("", text))).strip()


def charset_name(label: str) -> str | None:
    """Python's name of the codec for a charset label, or None where it is unknown."""
    name = _NOT_NAME.sub("_", label.strip("\"' \t").lower()[:75])
    name = _ALIASES.get(name, name)
    if name not in _KNOWN and name not in _ALIASES.values():
        return None
    try:
        name = codecs.lookup(name).name.replace("-", "_")
    except (LookupError, ValueError):
        return None
    return None if name in _NEVER else _ALIASES.get(name, name)


def decode(data: bytes, charset: str | None = None) -> str:
    """Decode bytes, with fallbacks: the charset named, UTF-8, then Windows-1252.

    Whatever the charset is called, ISO-2022-JP is recognised by its escapes.
    """
    name = charset_name(charset) if charset else None
    if name in (None, "utf_8", "iso2022_jp", "cp1252") and _JIS_ESCAPE.search(data):
        return clean(_decode_jis(data))
    for candidate in (name, "utf_8", *_ALSO.get(name or "", ())):
        text = _try(data, candidate)
        if text is not None:
            return clean(text)
    if name and name != "utf_8":
        return clean(data.decode(name, "replace"))
    # UTF-8 with a slip stays UTF-8; where most of it is broken it is Latin.
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken * 2 > sum(1 for character in text if character > "\x7f"):
        text = data.decode("cp1252", "replace")
    return clean(text)


def _try(data: bytes, name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return data.decode(name)
    except (UnicodeError, ValueError):
        return None


def _decode_jis(data: bytes) -> str:
    """ISO-2022-JP as it is sent: with half-width kana and the vendors' row 13 (①, ㈱)."""
    if (text := _try(data, "iso2022_jp")) is not None:
        return text
    out: list[str] = []
    mode, start = b"(B", 0
    for found in _JIS_ESCAPE.finditer(data):
        out.append(_jis_run(data[start : found.start()], mode))
        mode, start = found[1], found.end()
    out.append(_jis_run(data[start:], mode))
    return "".join(out)


def _jis_run(run: bytes, mode: bytes) -> str:
    if mode in (b"(B", b"(J"):
        return run.decode("utf-8", "replace")
    # A line end returns to ASCII (RFC 1468), even where the escape was forgotten.
    head, newline, tail = run.partition(b"\n")
    if newline:
        return _jis_run(head, mode) + "\n" + tail.decode("utf-8", "replace")
    high = bytes(byte | 0x80 if 0x20 < byte < 0x7F else byte for byte in run)
    if mode == b"(I":
        high = re.sub(rb"[\x80-\xff]", rb"\x8e\g<0>", high)  # EUC's shift to half-width kana
    return high.decode("euc_jis_2004", "replace")


def decode_words(value: str) -> str:
    """Decode the encoded words of a header value (RFC 2047), leniently.

    Words may stand inside other text; a character cut between two words is joined.
    What cannot be decoded stays as it was.
    """
    if "=?" not in value:
        return value
    out: list[str] = []
    pending, pending_charset, end = b"", "", 0
    for found in _WORD.finditer(value):
        between = value[end : found.start()]
        charset = found[1].partition("*")[0].lower()
        # White space between two encoded words is not shown (RFC 2047, section 6.2).
        joined = end > 0 and not between.strip()
        if pending and not (joined and charset == pending_charset):
            out.append(decode(pending, pending_charset))
            pending = b""
        if not joined:
            out.append(between)
        pending += _payload(found[2], found[3], charset)
        pending_charset, end = charset, found.end()
    if pending:
        out.append(decode(pending, pending_charset))
    out.append(value[end:])
    return "".join(out)


def _payload(encoding: str, payload: str, charset: str) -> bytes:
    # 8-bit text in an encoded word has been decoded already: back into the word's charset.
    name = "ascii" if payload.isascii() else charset_name(charset) or "utf-8"
    data = payload.encode(name, "replace")
    if encoding in "bB":
        return decode_base64(data)
    return binascii.a2b_qp(data, header=True)


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
    if (text := _try(raw, "utf_8")) is not None and "\x1b" not in text:
        return one_line(text)  # RFC 6532, or by chance never
    return one_line(decode(raw, charset))
