"""Header fields of a message or a part, as they were sent (RFC 5322, RFC 2045)."""

import re
from typing import Final

MAX_HEADER: Final = 64 * 1024  # octets of one header that are read
MAX_STRAY: Final = 20  # lines among the headers that are none
MAX_PARAMETERS: Final = 8 * 1024  # characters of one structured header that are read

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
# A header: its first line and the folded ones after it.
_HEADER_LINE = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)")
_HEADER_END = re.compile(rb"\n(?![ \t])")
_BLANK = re.compile(rb"\r?\n(?:\r?\n|\Z)")
# What makes sure that the headers go on behind a line that is none.
_SURE_FIELD = re.compile(
    rb"(?:from|to|cc|subject|date|received|message-id|reply-to|return-path|references"
    rb"|in-reply-to|mime-version|content-[a-z-]{1,40}|x-[a-z0-9-]{1,80}|dkim-signature)[ \t]*:",
    re.IGNORECASE,
)
# A parameter on a line of its own that was not indented: the header above it goes on.
_SPILT = re.compile(
    rb"(?:boundary|charset|name|filename|type|protocol|format)\*?\d{0,3}\*? ?=[^\n]*\n?",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r';\s*+([^\s;=]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)(?:"|\Z)|([^;]*))', re.DOTALL
)
_MAIN = re.compile(r"\s*([^\s;/]{1,100})(?:/([^\s;]{1,100}))?")
# In a quoted string only these two need a backslash; before anything else it is a separator
# of a Windows path that the sender did not escape (RFC 5322, section 3.2.4).
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_COMMENT = re.compile(r"\s\([^()]*\)\s*\Z")

Headers = tuple[tuple[str, bytes], ...]


def read_headers(
    raw: bytes, start: int, end: int, *, size: int, count: int
) -> tuple[Headers, int, int]:
    """Read a header block: the headers, where the body starts, how much was left out.

    A first line of an mbox ("From ") is passed over. The block ends at the first empty line
    or at the first line that is no header (RFC 5322, section 2.2), unless it is plain that
    the headers go on behind that. About `size` octets and at most `count` headers of it are
    read; the third figure counts the headers that were cut and the lines that were not read.
    """
    block = _Block(raw, end)
    position = start
    if raw[position : position + 5] == b"From " or raw[position : position + 6] == b">From ":
        position = next_line(raw, position, end)
    while position < end:
        if raw.startswith((b"\n", b"\r\n"), position):
            return tuple(block.found), next_line(raw, position, end), block.cut
        if len(block.found) == count or block.size >= size:
            return block.rest(position)
        following = block.take(position, min(end, position + min(size - block.size, MAX_HEADER)))
        if following < 0:
            return tuple(block.found), position, block.cut
        position = following
    return tuple(block.found), end, block.cut


class _Block:
    """What was read of a header block: up to `end`."""

    def __init__(self, raw: bytes, end: int) -> None:
        self.raw = raw
        self.end = end
        self.found: list[tuple[str, bytes]] = []
        self.size = 0
        self.cut = 0
        self.stray = 0

    def take(self, position: int, stop: int) -> int:
        """Read one header, up to `stop`; where the next one starts, or -1 if it is none."""
        line = _HEADER_LINE.match(self.raw, position, stop)
        named = _FIELD.match(line[0]) if line else None
        if line is None or named is None:
            return self._pass_over(position, stop)
        self.found.append((named[1].decode("ascii"), named[2]))
        self.size += len(line[0])
        if line.end() == stop < self.end and self._goes_on(stop):
            self.cut += 1
            found = _HEADER_END.search(self.raw, stop - 1, self.end)
            return found.end() if found else self.end
        return line.end()

    def _goes_on(self, position: int) -> bool:
        """Whether the header is longer than what was read of it."""
        before, after = self.raw[position - 1 : position], self.raw[position : position + 1]
        return before != b"\n" or after in (b" ", b"\t")

    def _pass_over(self, position: int, stop: int) -> int:
        """A line that is no header, between two that are: where the next starts, or -1."""
        self.stray += 1
        if self.stray > MAX_STRAY or not self.found:
            return -1
        following = next_line(self.raw, position, self.end)
        if spilt := _SPILT.match(self.raw, position, stop):
            name, value = self.found[-1]
            self.found[-1] = (name, value + b" " + spilt[0])
            return following
        return following if _SURE_FIELD.match(self.raw, following, self.end) else -1

    def rest(self, position: int) -> tuple[Headers, int, int]:
        """The result where the block goes on and is not read further."""
        blank = _BLANK.search(self.raw, position, self.end)
        body = blank.end() if blank else self.end
        lines = max(1, self.raw.count(b"\n", position, body) - 1)
        return tuple(self.found), body, self.cut + lines


def next_line(raw: bytes, position: int, end: int) -> int:
    """Where the line after this one starts."""
    newline = raw.find(b"\n", position, end)
    return end if newline < 0 else newline + 1


def structured(value: str) -> tuple[str, dict[str, str]]:
    """A structured header's first word in lower case and its parameters (RFC 2045, 2231).

    Names are in lower case, values as they stand: `filenames.parameter` decodes them. The
    first semicolon may be missing, and a comment after a value is passed over.
    """
    value = value[:MAX_PARAMETERS]
    main = _MAIN.match(value)
    word = f"{main[1]}/{main[2]}" if main and main[2] else main[1] if main else ""
    found: dict[str, str] = {}
    rest = value[main.end() :] if main else value
    for match in _PARAMETER.finditer(f";{rest.lstrip(' ;')}"):
        name, quoted = match[1].lower(), match[2]
        text = match[3].strip() if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
        if quoted is None and not name.startswith(("filename", "name")):
            text = _COMMENT.sub("", text)
        found.setdefault(name, text)
    return word.lower(), found
