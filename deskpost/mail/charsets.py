"""Bytes to clean text, whatever their charset is called; leniently and never raising.

Every string that leaves this module can be encoded to UTF-8 (no lone surrogates)
and holds no NUL.
"""

import codecs
import re
from encodings.aliases import aliases
from typing import Final

from deskpost.mail import charset_guess, jis

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
    "iso_10646_ucs_2": "utf_16",
    "ucs_2": "utf_16",
    "ucs_4": "utf_32",
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
    "gb_2312_80": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "euc_cn": "gb18030",
    "x_gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "ksc5601": "cp949",
    "big5": "cp950",
    "x_big5": "cp950",
    "iso_8859_1": "cp1252",
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "x_windows_1252": "cp1252",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "windows_874": "cp874",
    "koi8": "koi8_r",
    "unicodefffe": "utf_16_be",
}

# Not charsets of mail: codecs of bytes to bytes, and text codecs with quadratic time
# (punycode) or with effects of their own (unicode_escape).
_NEVER: Final = frozenset(
    {
        "base64",
        "base64_codec",
        "bz2",
        "bz2_codec",
        "hex",
        "hex_codec",
        "idna",
        "mbcs",
        "oem",
        "punycode",
        "quopri",
        "quopri_codec",
        "raw_unicode_escape",
        "rot13",
        "rot_13",
        "undefined",
        "unicode_escape",
        "unicode_internal",
        "uu",
        "uu_codec",
        "zlib",
        "zlib_codec",
    }
)
# Only names from here reach codecs.lookup: Python remembers every name that it did not
# find for ever, and a sender must not be able to grow a worker's memory.
_KNOWN: Final = (
    frozenset(alias for alias, name in aliases.items() if name not in _NEVER)
    | frozenset(aliases.values())
) - _NEVER

# What a charset's label is also put on, where the bytes are not valid in it.
_ALSO: Final = {
    "iso2022_jp": ("cp932", "euc_jp"),
    "euc_jp": ("euc_jis_2004", "cp932"),
    "cp932": ("euc_jp",),
    "cp950": ("big5hkscs", "gb18030"),
    "cp949": ("gb18030",),
}
# Two octets a character: short text may be valid UTF-8 by chance.
_DOUBLE_BYTE: Final = frozenset(
    {"big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jp", "gb18030", "johab"}
)
# Their text is ASCII to look at, or holds NULs: a look at the octets tells nothing.
_NOT_LOOKED_AT: Final = ("utf_", "iso2022_", "hz")
# So many characters of three octets and more are valid UTF-8 by chance once in millions.
_SURE: Final = 4

_NOT_NAME = re.compile(r"[^a-z0-9.]+")
_LOOSE = re.compile(
    r"(?:x_)?(?:cs_?)?(?:(?:windows|win|cp|ms|ibm|dos)_?(?P<page>\d{3,4})"
    r"|iso_?8859_?(?P<iso>\d{1,2})(?:_[a-z0-9_]*)?"
    r"|utf_?(?P<utf>7|8|16|32)_?(?P<end>le|be)?(?:_[a-z0-9_]*)?)"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_WIDE = re.compile("[\u0800-\U0010ffff]")


def clean(text: str) -> str:
    """The text without NULs and lone surrogates (each becomes U+FFFD)."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def charset_name(label: str) -> str | None:
    """Python's name of the codec for a charset label, or None where it is unknown.

    What follows the name (a comment, a forgotten parameter) is passed over.
    """
    label = label.strip("\"' \t").lower()[:75]
    return _codec(label) or _codec(re.split(r"[\s;,(\"']", label, maxsplit=1)[0])


def _codec(label: str) -> str | None:
    name = _NOT_NAME.sub("_", label).strip("_")
    name = _ALIASES.get(name, name)
    if name not in _KNOWN and name not in _ALIASES.values():
        name = _loose(name)
    if name not in _KNOWN:
        return None
    try:
        name = codecs.lookup(name).name.replace("-", "_")
    except (LookupError, ValueError):
        return None
    return None if name in _NEVER else _ALIASES.get(name, name)


def _loose(name: str) -> str:
    """A name as it is misspelt ("win-1251", "iso8859-15", "utf8-mac") in Python's spelling."""
    if not (found := _LOOSE.fullmatch(name)):
        return ""
    if found["utf"]:
        return "_".join(filter(None, ("utf", found["utf"], found["end"])))
    name = f"cp{found['page']}" if found["page"] else f"iso8859_{int(found['iso'])}"
    return _ALIASES.get(name, name)


def decode(data: bytes, charset: str | None = None) -> str:
    """Decode bytes, with fallbacks: the charset named, UTF-8, then what they look like.

    Whatever the charset is called, ISO-2022-JP is recognised by its escapes, and UTF-8 by
    being valid: text in a charset of one octet a character is that never by chance.
    """
    name = charset_name(charset) if charset else None
    if name in (None, "utf_8", "iso2022_jp", "cp1252") and jis.has_escapes(data):
        return clean(jis.decode(data))
    if name and name.startswith(("utf_16", "utf_32")):
        return clean(_decode_wide(data, name))
    if name and (text := _certain_utf8(data, name)) is not None:
        return clean(text)
    for candidate in (name, "utf_8", *_ALSO.get(name or "", ())):
        if candidate and (text := strictly(data, candidate)) is not None:
            return clean(text)
    if name and name != "utf_8":
        return clean(data.decode(name, "replace"))
    # UTF-8 with a slip stays UTF-8; where most of it is broken it is something else.
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken * 2 > sum(1 for character in text if character > "\x7f"):
        text = data.decode(charset_guess.guess(data), "replace")
    return clean(text)


def strictly(data: bytes, name: str) -> str | None:
    """Decode bytes that are valid in this codec, or None."""
    try:
        return data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _certain_utf8(data: bytes, name: str) -> str | None:
    """UTF-8 that bears another charset's label; None where it might be that charset."""
    if name.startswith(_NOT_LOOKED_AT) or data.isascii():
        return None
    text = strictly(data, "utf_8")
    if text is None or name not in _DOUBLE_BYTE:
        return text
    return text if sum(1 for _ in _WIDE.finditer(text)) >= _SURE else None


def _decode_wide(data: bytes, name: str) -> str:
    """UTF-16 and UTF-32: also without a byte order mark, and where it is really UTF-8."""
    if b"\x00" not in data and (text := strictly(data, "utf_8")) is not None:
        return text
    width = 4 if name.startswith("utf_32") else 2
    data = data[: len(data) - len(data) % width]
    if name == "utf_16" and data[:2] not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        # The high octets of Latin text are 0x00, and of kana 0x30: where are more of them?
        big, little = (sum(map(data[at::2].count, (b"\x00", b"\x30"))) for at in (0, 1))
        name = "utf_16_le" if little > big else "utf_16_be"  # RFC 2781, section 4.3
    return data.decode(name, "replace")
