"""The parts of a message as slices of its bytes (RFC 2045, 2046), in bounded time.

The standard library's parser keeps an object for every line and recurses into parts; a
message of 25 MiB of line ends costs it minutes and gigabytes. Here a message is cut where
its delimiter lines are, level by level, with a budget for everything that a sender
chooses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deskpost.mail.words import header_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a message is read. Sizes are in octets; `text` is that of one body."""

    header_bytes: int = 256 * 1024
    headers: int = 2_000
    parts: int = 1_000
    nesting: int = 50
    text: int = 2 * 1024 * 1024


# Lines that begin like a delimiter and are none; past this a part is not cut further.
FALSE_DELIMITERS: Final = 10_000
PART_HEADER_BYTES: Final = 32 * 1024
MAX_PARAMETERS: Final = 8 * 1024  # characters of one structured header that are read

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
# A header: its first line and the folded ones after it.
_HEADER_LINE = re.compile(rb"[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)")
_BLANK = re.compile(rb"\r?\n(?:\r?\n|\Z)")
_PARAMETER = re.compile(r';\s*([^\s;=]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|\Z)|([^;]*))', re.DOTALL)
_MAIN = re.compile(r"\s*([^\s;/]{1,100})(?:/([^\s;]{1,100}))?")

Headers = tuple[tuple[str, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Part:
    """One part: its raw headers, where its body lies in the message, and its children."""

    headers: Headers
    start: int
    end: int
    depth: int
    parent: "Part | None" = None
    children: "list[Part]" = field(default_factory=list)
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)

    def raw_header(self, name: str) -> bytes | None:
        """The first header of that name, as it was sent, or None."""
        lower = name.lower()
        return next((value for key, value in self.headers if key.lower() == lower), None)

    def header(self, name: str) -> str:
        """The first header of that name as text, its encoded words not decoded, or ""."""
        value = self.raw_header(name)
        return header_text(value) if value is not None else ""


def read_headers(
    raw: bytes, start: int, end: int, *, size: int, count: int
) -> tuple[Headers, int, bool]:
    """Read a header block: the headers, where the body starts, whether some were left out.

    A first line of an mbox ("From ") is passed over. The block ends at the first empty line
    or at the first line that is no header (RFC 5322, section 2.2); at most `size` octets
    and `count` headers of it are read.
    """
    position = start
    if raw[position : position + 5] == b"From " or raw[position : position + 6] == b">From ":
        position = _next_line(raw, position, end)
    stop = min(end, position + size)
    found: list[tuple[str, bytes]] = []
    while position < stop:
        if raw.startswith((b"\n", b"\r\n"), position):
            return tuple(found), _next_line(raw, position, end), False
        line = _HEADER_LINE.match(raw, position, stop)
        named = _FIELD.match(line[0]) if line else None
        if line is None or named is None:
            return tuple(found), position, False
        if line.end() == stop < end or len(found) == count:
            break
        found.append((named[1].decode("ascii"), named[2]))
        position = line.end()
    if position >= end:
        return tuple(found), end, False
    blank = _BLANK.search(raw, position, end)
    return tuple(found), blank.end() if blank else end, True


def _next_line(raw: bytes, position: int, end: int) -> int:
    newline = raw.find(b"\n", position, end)
    return end if newline < 0 else newline + 1


def structured(value: str) -> tuple[str, dict[str, str]]:
    """A structured header's first word in lower case and its parameters (RFC 2045, 2231).

    Names are in lower case. An extended value that was split is joined and decoded.
    """
    value = value[:MAX_PARAMETERS]
    main = _MAIN.match(value)
    word = f"{main[1]}/{main[2]}" if main and main[2] else main[1] if main else ""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        quoted = match[2]
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match[3].strip()
        found.setdefault(match[1].lower(), text)
    return word.lower(), found


def split(raw: bytes, limits: Limits) -> tuple[Part, tuple[str, ...]]:
    """Cut a message into its tree of parts; also the defects met."""
    defects: dict[str, None] = {}
    headers, start, truncated = read_headers(
        raw, 0, len(raw), size=limits.header_bytes, count=limits.headers
    )
    if truncated:
        defects["header_truncated"] = None
    root = Part(headers=headers, start=start, end=len(raw), depth=0)
    _classify(root, "text/plain")
    waiting, parts, false = [root], 1, [FALSE_DELIMITERS]
    while waiting:
        part = waiting.pop()
        if not part.content_type.startswith("multipart/"):
            continue
        if part.depth >= limits.nesting:
            defects["nesting"] = None
            continue
        for child in _children(raw, part, false):
            if parts >= limits.parts:
                defects["too_many_parts"] = None
                break
            parts += 1
            part.children.append(child)
            waiting.append(child)
        if not part.children:
            defects["no_parts"] = None
    return root, tuple(defects)


def _classify(part: Part, default: str) -> None:
    """Give the part its content type; what is malformed is plain text (RFC 2045, 5.2)."""
    content_type, part.parameters = structured(part.header("Content-Type"))
    if content_type in ("text", "multipart"):
        content_type = {"text": "text/plain", "multipart": "multipart/mixed"}[content_type]
    part.content_type = content_type if "/" in content_type else default


def _children(raw: bytes, part: Part, false: list[int]) -> Iterator[Part]:
    default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    for start, end in _slices(raw, part, false):
        headers, body, _ = read_headers(raw, start, end, size=PART_HEADER_BYTES, count=200)
        child = Part(headers=headers, start=body, end=end, depth=part.depth + 1, parent=part)
        _classify(child, default)
        yield child


def _slices(raw: bytes, part: Part, false: list[int]) -> Iterator[tuple[int, int]]:
    """Where the children of a multipart lie (RFC 2046, section 5.1.1)."""
    boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
    if not boundary:
        return
    needle, begun = b"--" + boundary, -1
    position = part.start
    if not raw.startswith(needle, position):
        position = raw.find(b"\n" + needle, position, part.end) + 1 or part.end
    while position < part.end and false[0] > 0:
        tail = position + len(needle)
        line_end = _next_line(raw, tail, min(part.end, tail + 1_000))
        rest = raw[tail:line_end].strip()
        if rest in (b"", b"--"):
            if begun >= 0:
                yield begun, _before_delimiter(raw, begun, position)
            begun = -1 if rest else line_end
            if rest:
                return
        else:
            false[0] -= 1
        position = raw.find(b"\n" + needle, max(tail, line_end - 1), part.end) + 1 or part.end
    if begun >= 0:
        yield begun, part.end


def _before_delimiter(raw: bytes, begun: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    end = position - 1 if position > begun else position
    return end - 1 if end > begun and raw[end - 1 : end] == b"\r" else end
