"""File names of attachments: read as they are sent, made safe to show."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from deskpost.mail.words import decode, decode_words, one_line

MAX_NAME: Final = 200
MAX_SENT_NAME: Final = 2_000  # characters of an encoded name that are read

# Characters that turn the reading direction or cannot be seen: "exe.fdp" must not show as
# "pdf.exe" and the other way round.
_HIDDEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_FORBIDDEN_IN_NAME = re.compile(r'[<>:"|?*]')
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})(\*?)")


def parameter(parameters: dict[str, str], name: str) -> str | None:
    """A parameter with its extended and continued forms joined and decoded (RFC 2231)."""
    if (value := parameters.get(f"{name}*")) is not None:
        value = value[:MAX_SENT_NAME]
        charset, _, rest = value.partition("'")
        encoded = rest.partition("'")[2] if "'" in rest else value
        return decode(unquote_to_bytes(encoded), charset if "'" in rest else None)
    pieces = {}
    for key, value in parameters.items():
        if (found := _CONTINUED.fullmatch(key)) and found[1] == name:
            pieces[int(found[2])] = (found[3] == "*", value[:MAX_SENT_NAME])
    if not pieces:
        plain = parameters.get(name)
        return decode_words(plain) if plain is not None else None
    return _join_pieces([pieces[number] for number in sorted(pieces)])


def _join_pieces(pieces: list[tuple[bool, str]]) -> str:
    charset = None
    if pieces[0][0] and pieces[0][1].count("'") >= 2:
        charset, _, rest = pieces[0][1].partition("'")
        pieces[0] = (True, rest.partition("'")[2])
    data = b"".join(
        unquote_to_bytes(value) if extended else value.encode("utf-8", "replace")
        for extended, value in pieces
    )
    return decode(data, charset) if charset else decode_words(decode(data))


def safe_name(name: str) -> str:
    """A file name without path, control characters or turns of direction; at most 200.

    The extension survives the cut. Empty where nothing is left.
    """
    name = _HIDDEN.sub("", one_line(name)).replace("\\", "/").rpartition("/")[2]
    name = _FORBIDDEN_IN_NAME.sub("_", name).strip(". ")
    if len(name) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:MAX_NAME].strip(". ")
    return f"{stem[: MAX_NAME - 1 - len(extension)].rstrip('. ')}.{extension}"
