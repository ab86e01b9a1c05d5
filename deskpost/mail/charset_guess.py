"""What unlabelled 8-bit text is that is no UTF-8: a guess by its octets."""

import re
from typing import Final

SAMPLE: Final = 8_192  # octets that are looked at
_ENOUGH: Final = 4  # characters of a kind that make a guess
_SHARE: Final = 0.2  # of Japanese text is kana, at least

_RUN = re.compile(rb"[\xc0-\xff\xa3\xa8\xb3\xb8]{3,}")  # letters of either Cyrillic charset
_HIGH = re.compile(rb"[\x80-\xff]")
_KANA = re.compile("[\u3041-\u309f\u30a1-\u30fc]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
# A word of Cyrillic is small letters, after at most one capital. KOI8 has the small ones
# first and the capitals last; Windows-1251 the other way round.
_KOI8_SMALL = re.compile(rb"[\xc0-\xdf]")
_CP1251_SMALL = re.compile(rb"[\xe0-\xff]")


def guess(data: bytes) -> str:
    """Return the codec that fits best: Japanese, Cyrillic or, by default, Windows-1252."""
    data = data[:SAMPLE]
    return _japanese(data) or _cyrillic(data) or "cp1252"


def _japanese(data: bytes) -> str | None:
    best, found = 0, None
    for codec in ("euc_jp", "cp932"):
        # The sample may end within a character.
        text = data.decode(codec, "replace").rstrip("\ufffd")
        kana = len(_KANA.findall(text))
        wide = len(_NOT_ASCII.findall(text))
        if "\ufffd" not in text and kana >= max(_ENOUGH, best + 1, wide * _SHARE):
            best, found = kana, codec
    return found


def _cyrillic(data: bytes) -> str | None:
    """Latin text has single high octets among ASCII letters; Cyrillic has whole words."""
    words = b"".join(_RUN.findall(data))
    if len(words) < _ENOUGH or len(words) < 0.6 * len(_HIGH.findall(data)):
        return None
    koi8, cp1251 = len(_KOI8_SMALL.findall(words)), len(_CP1251_SMALL.findall(words))
    return "koi8_r" if koi8 > cp1251 else "cp1251"
