"""Mailboxes out of address headers, leniently (RFC 5322, section 3.4)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deskpost.mail.words import decode_words, one_line

MAX_MAILBOXES: Final = 200
MAX_HEADER: Final = 65_536  # characters of one address header that are read
MAX_ADDRESS: Final = 320

# One step of a header: an encoded word (in which senders leave commas and brackets), a quoted
# string (closed or not), a backslash pair, or one of the characters that mean something, or a
# run of others.
_TOKEN = re.compile(
    r'=\?[^?\s"]{0,75}\?[bBqQ]\?[^?"]*+\?=|"(?:[^"\\]|\\.)*+"?|\\.|[(),;<>:=]|[^"\\(),;<>:=]+',
    re.DOTALL,
)
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A display name (decoded, perhaps empty) and an address as it was written."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


def parse_mailboxes(header: str) -> tuple[Mailbox, ...]:
    """The mailboxes of an address header, raw or decoded, in order; at most 200.

    Group names are passed over and their members are read. Forms that the RFC forbids
    and that exist (`a..b@docomo.ne.jp`, a name without quotes) are read. What holds no
    "@" gives no mailbox. Never raises.
    """
    found: list[Mailbox] = []
    for entry in _Reader().entries(header[:MAX_HEADER]):
        if (mailbox := entry.mailbox()) is not None:
            found.append(mailbox)
            if len(found) == MAX_MAILBOXES:
                break
    return tuple(found)


def first_mailbox(header: str) -> Mailbox | None:
    """The first mailbox that has a local part, an "@" and a domain, or None."""
    for mailbox in parse_mailboxes(header):
        local, _, domain = mailbox.address.rpartition("@")
        if local and domain:
            return mailbox
    return None


class _Entry:
    """What was read between two commas."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.comment: list[str] = []
        self.angle: list[str] | None = None

    def mailbox(self) -> Mailbox | None:
        if self.angle is not None:
            address, name = "".join(self.angle).strip(), "".join(self.words)
            if "@" not in address:
                address = decode_words(address)  # encoded against the RFC
            # A source route (RFC 5322, section 4.4) comes before the last colon.
            address = address.rpartition(":")[2] if address.startswith("@") else address
        else:
            address, name = _bare("".join(self.words))
        address = one_line(_SPACES.sub("", address))
        if "@" not in address or len(address) > MAX_ADDRESS:
            return None
        return Mailbox(name=_name(name) or _name("".join(self.comment)), address=address)


def _bare(words: str) -> tuple[str, str]:
    """An address without angle brackets, and what else stood there as its name."""
    if "=?" in words and "@" not in words:
        words = decode_words(words)  # the whole address was encoded, against the RFC
    pieces = words.split()
    address = next((piece for piece in pieces if "@" in piece.strip("@")), None)
    if address is None:
        return words, ""
    return address, " ".join(piece for piece in pieces if piece is not address)


def _name(name: str) -> str:
    # Spaces are kept until the words are decoded: those between two words are not shown.
    decoded = _SPACES.sub(" ", decode_words(name.strip()))
    return one_line(decoded).strip("\"' ")[:500]


class _Reader:
    """Cuts a header at commas and semicolons outside quotes, comments and brackets."""

    def __init__(self) -> None:
        self.entry = _Entry()
        self.depth = 0
        self.in_angle = False

    def entries(self, header: str) -> Iterator[_Entry]:
        for found in _TOKEN.finditer(header):
            piece = found[0]
            if self.depth or piece == "(":
                self._comment(piece)
            elif piece in ",;" and not self.in_angle:
                yield self.entry
                self.entry = _Entry()
            else:
                self._word(piece)
        yield self.entry

    def _comment(self, piece: str) -> None:
        self.depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece not in "()":
            self.entry.comment.append(piece)

    def _word(self, piece: str) -> None:
        if piece == "<":
            self.entry.angle, self.in_angle = [], True
        elif piece == ">":
            self.in_angle = False
        elif self.in_angle and self.entry.angle is not None:
            self.entry.angle.append(piece)
        elif piece == ":":
            self.entry = _Entry()  # what came before was the name of a group
        elif piece != ")":
            self.entry.words.append(_unquoted(piece))


def _unquoted(piece: str) -> str:
    """A word without its quotes and backslashes."""
    if piece.startswith('"'):
        piece = piece[1:-1] if len(piece) > 1 and piece.endswith('"') else piece[1:]
    return _UNQUOTE.sub(r"\1", piece)
