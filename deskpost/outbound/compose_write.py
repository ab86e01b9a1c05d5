"""The bytes of a message: its headers, and a text and a page of the same words.

A small writer of the one kind of message that is sent by thousands. What it writes, the standard
library reads back as it was given. A header is refused that holds a line break, a control
character, or more than a line may hold: ValueError.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache

MOST_IN_LINE = 998  # octets, RFC 5322, section 2.1.1
MOST_IN_WORD_LINE = 76  # characters of a line with an encoded word, RFC 2047, section 2
MOST_IN_PLAIN = 78  # of a line that is not encoded; what has longer ones is
_NEXT_LINE = b"\r\n "
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')
_NO_ATOM = re.compile(r'[\s()<>\[\]:;@\\,"]')
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# RFC 2047, section 5 (3): what may stand for itself in an encoded word, wherever it is.
_ITSELF = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")


# --- Headers -------------------------------------------------------------------------------------


def header(name: str, value: str) -> bytes:
    """Return the line of a header whose value is ASCII and means itself."""
    return _line(name, _safe(value).encode("ascii"))


def words(name: str, value: str) -> bytes:
    """Return the lines of a header for people: in encoded words (RFC 2047) where it takes them."""
    return _line(name, _phrase(value, len(name) + 2, is_text=True))


def mailbox(name: str, display: str, address: str) -> bytes:
    """Return the lines of a header with one mailbox. An address beyond ASCII stands as it is
    (RFC 6532): who sends it needs SMTPUTF8."""
    if not display:
        return _line(name, _address(address))
    before = _phrase(display, len(name) + 2, is_text=False)
    inside = b"<" + _address(address) + b">"
    folded, _, last = before.rpartition(_NEXT_LINE)
    used = len(last) + (1 if folded else len(name) + 2)
    is_long = b"=?" in last and used + 1 + len(inside) > MOST_IN_WORD_LINE
    return _line(name, before + (_NEXT_LINE if is_long else b" ") + inside)


def _safe(value: str) -> str:
    if _UNSAFE.search(value):
        raise ValueError("a header with a line break or a control character")
    return value


def _line(name: str, value: bytes) -> bytes:
    line = name.encode("ascii") + b": " + value + b"\r\n"
    if max(map(len, line.split(b"\r\n"))) > MOST_IN_LINE:
        raise ValueError(f"a line of the header {name} is too long")
    return line


def _address(address: str) -> bytes:
    if "=?" in address:  # who reads it would decode it (RFC 2047), line breaks and all
        raise ValueError("an address that reads as an encoded word")
    local, _, domain = _safe(address).rpartition("@")
    if not local or not domain or _NO_ATOM.search(domain):
        raise ValueError("an address that is none")
    if _NO_ATOM.search(local):
        local = _quoted(local)
    return f"{local}@{domain}".encode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=1024)
def _phrase(text: str, used: int, *, is_text: bool) -> bytes:
    """Return a name or subject, after `used` characters of its line."""
    if text.isascii() and "=?" not in _safe(text):
        return (_quoted(text) if not is_text and _SPECIAL.search(text) else text).encode("ascii")
    return _NEXT_LINE.join(_encoded_words(_safe(text), used))


def _encoded_words(text: str, used: int) -> list[bytes]:
    """Return encoded words of whole characters, in the shorter of the two encodings. The first
    line holds `used` characters already, each other a space."""
    is_quoted = _quoted_size(text.encode()) <= (len(text.encode()) + 2) // 3 * 4
    measure = _quoted_size if is_quoted else len
    made, start, size = [], 0, 0
    room = _room(used, is_quoted)
    for at, character in enumerate(text):
        more = measure(character.encode())
        if at > start and size + more > room:
            made.append(_encoded_word(text[start:at], is_quoted))
            start, size, room = at, 0, _room(1, is_quoted)
        size += more
    return [*made, _encoded_word(text[start:], is_quoted)]


def _room(used: int, is_quoted: bool) -> int:
    """Return what a word can hold: characters if quoted, else octets."""
    left = min(MOST_IN_WORD_LINE - used, 75) - len("=?utf-8?q??=")
    return left if is_quoted else left // 4 * 3


def _quoted_size(octets: bytes) -> int:
    return sum(1 if octet in _ITSELF or octet == 0x20 else 3 for octet in octets)


def _encoded_word(text: str, is_quoted: bool) -> bytes:
    octets = text.encode()
    if not is_quoted:
        return b"=?utf-8?b?" + binascii.b2a_base64(octets, newline=False) + b"?="
    return b"=?utf-8?q?" + b"".join(map(_quoted_octet, octets)) + b"?="


def _quoted_octet(octet: int) -> bytes:
    if octet in _ITSELF:
        return bytes((octet,))
    return b"_" if octet == 0x20 else b"=%02X" % octet


# --- The body ------------------------------------------------------------------------------------


def alternative(text: str, page: str, seed: str) -> tuple[bytes, list[tuple[str, int]]]:
    """Return the rest of a message that says the same as text and as HTML, from MIME-Version on,
    and the type and size of its parts in octets. The boundary is made from the seed, of letters
    and digits."""
    parts = [("text/plain", _part("text/plain", text)), ("text/html", _part("text/html", page))]
    boundary = b"=_" + seed[:40].encode("ascii")
    while any(boundary in part for _, part in parts):
        boundary += b"_"
    between = b"--" + boundary
    body = b"".join(
        [
            b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=",
            b'"' + boundary + b'"\r\n\r\n',
            *(between + b"\r\n" + part + b"\r\n" for _, part in parts),
            between + b"--\r\n",
        ]
    )
    return body, [(name, len(part)) for name, part in parts]


def _part(kind: str, text: str) -> bytes:
    encoding, body = _encoded(text)
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + body


def _encoded(text: str) -> tuple[str, bytes]:
    """Seven bits travel everywhere. Text that is mostly ASCII stays readable on the way."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    body = "\r\n".join([*lines, ""]).encode("utf-8", "replace")
    if not text.isascii():
        foreign = len(text) - len(text.encode("ascii", "ignore"))
        if foreign * 4 > len(text):
            return "base64", _base64(body)
    elif max(map(len, lines)) <= MOST_IN_PLAIN and not _CONTROLS.search(text.replace("\r", "")):
        return "7bit", body
    return "quoted-printable", binascii.b2a_qp(body)


def _base64(body: bytes) -> bytes:
    line = binascii.b2a_base64(body, newline=False)
    return b"\r\n".join([*(line[at : at + 76] for at in range(0, len(line), 76)), b""])
