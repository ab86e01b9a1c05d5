"""File names of attachments: read as they are sent, made safe to show."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from deskpost.mail.words import charset_name, decode, decode_words, one_line

MAX_NAME: Final = 200
MAX_SENT_NAME: Final = 2_000  # characters of an encoded name that are read

# Characters that turn the reading direction or cannot be seen: "exe.fdp" must not show as
# "pdf.exe" and the other way round.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_FORBIDDEN_IN_NAME = re.compile(r'[<>:"|?*]')
# Windows takes these for devices, whatever their extension is and their case.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE)
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})(\*?)")


def parameter(parameters: dict[str, str], name: str) -> str | None:
    """A parameter with its extended and continued forms joined and decoded (RFC 2231)."""
    if value := parameters.get(f"{name}*"):
        charset, encoded = _labelled(value[:MAX_SENT_NAME])
        return decode_words(decode(_octets(encoded), charset))
    pieces: dict[int, tuple[bool, str]] = {}
    for key, value in parameters.items():
        if (found := _CONTINUED.fullmatch(key)) and found[1] == name:
            pieces.setdefault(int(found[2]), (found[3] == "*", value[:MAX_SENT_NAME]))
    if not pieces:
        plain = parameters.get(name)
        return decode_words(plain) if plain is not None else None
    return _join_pieces([pieces[number] for number in sorted(pieces)])


def _join_pieces(pieces: list[tuple[bool, str]]) -> str:
    charset = None
    if pieces[0][0]:
        charset, first = _labelled(pieces[0][1])
        pieces[0] = (True, first)
    if charset is None and not any(extended for extended, _ in pieces):
        return decode_words("".join(value for _, value in pieces))
    codec = charset_name(charset or "") or "utf-8"
    data = b"".join(
        _octets(value) if extended else value.encode(codec, "replace") for extended, value in pieces
    )
    return decode_words(decode(data, charset))


def _labelled(value: str) -> tuple[str | None, str]:
    """The charset and the text of an extended value: charset'language'text.

    Senders forget the charset, the language, or both with their quotes.
    """
    charset, quote, rest = value.partition("'")
    language, second, text = rest.partition("'")
    known = not charset or charset_name(charset) is not None
    if second and (known or len(language) <= 2 or "-" in language):
        return charset or None, text
    return (charset or None, rest) if quote and known else (None, value)


def _octets(value: str) -> bytes:
    """Percent signs undone; one that no two digits follow stays."""
    return unquote_to_bytes(value.encode("utf-8", "replace"))


def safe_name(name: str) -> str:
    """A file name without path, control characters or turns of direction; at most 200.

    The extension survives the cut; what names a device on Windows gets a "_" in front.
    Empty where nothing is left.
    """
    name = _HIDDEN.sub("", one_line(name)).replace("\\", "/").rpartition("/")[2]
    name = _FORBIDDEN_IN_NAME.sub("_", name).strip(". ")
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    if len(name) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:MAX_NAME].strip(". ")
    return f"{stem[: MAX_NAME - 1 - len(extension)].rstrip('. ')}.{extension}"
