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

from deskpost.mail.fields import Headers, next_line, read_headers, structured
from deskpost.mail.words import header_text

__all__ = ["Headers", "Limits", "Part", "read_headers", "split", "structured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a message is read. Sizes are in octets; `text` is that of one body,
    `decoded` that of all attachments."""

    header_bytes: int = 256 * 1024
    headers: int = 2_000
    parts: int = 1_000
    nesting: int = 50
    text: int = 2 * 1024 * 1024
    attachments: int = 500
    decoded: int = 64 * 1024 * 1024


# Lines that begin like a delimiter and are none; past this a part is not cut further.
FALSE_DELIMITERS: Final = 10_000
PART_HEADER_BYTES: Final = 32 * 1024
PART_HEADERS: Final = 200
MAX_PREAMBLE: Final = 16 * 1024  # octets in which a boundary that is not named is looked for

# What is taken for a delimiter where the message names none that it uses.
_LIKELY_DELIMITER = re.compile(
    rb"(?:^|(?<=\n))--([^\s-][^\r\n]{0,200}|-[^\r\n]{1,200})\r?\n(?=content-[a-z-]{1,40}[ \t]*:)",
    re.IGNORECASE,
)


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


def split(raw: bytes, limits: Limits) -> tuple[Part, tuple[str, ...]]:
    """Cut a message into its tree of parts; also the defects met."""
    headers, start, left_out = read_headers(
        raw, 0, len(raw), size=limits.header_bytes, count=limits.headers
    )
    root = Part(headers=headers, start=start, end=len(raw), depth=0)
    _classify(root, "text/plain")
    cutter = _Cutter(raw, limits)
    cutter.cut(root)
    defects = [f"header_truncated:{left_out}"] if left_out else []
    return root, (*defects, *cutter.defects())


class _Cutter:
    """Cuts multiparts into their children, within the limits of one message."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.parts = 1
        self.false_left = FALSE_DELIMITERS
        self.longer: dict[int, bool] = {}
        self.met: dict[str, int] = {}

    def cut(self, root: Part) -> None:
        waiting = [root]
        while waiting:
            part = waiting.pop()
            if not part.content_type.startswith("multipart/"):
                continue
            if part.depth >= self.limits.nesting:
                self._meet("nesting")
                continue
            self._cut_one(part, _boundary(self.raw, part))
            if not part.children:
                self._meet("no_parts")
                self._cut_one(part, _likely_boundary(self.raw, part))
            waiting.extend(reversed(part.children))

    def _cut_one(self, part: Part, boundary: bytes) -> None:
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for start, end in _slices(self.raw, part, boundary, self):
            if self.parts >= self.limits.parts:
                # The rest is counted, not read: at most as many as there are such lines.
                left = self.raw.count(b"\n--" + boundary, end, part.end)
                self._meet("too_many_parts", 1 + left)
                return
            self.parts += 1
            if start >= end:
                continue  # the same delimiter line twice
            headers, body, _ = read_headers(
                self.raw, start, end, size=PART_HEADER_BYTES, count=PART_HEADERS
            )
            child = Part(headers=headers, start=body, end=end, depth=part.depth + 1, parent=part)
            _classify(child, default)
            part.children.append(child)

    def has_longer(self, begun: int, position: int, boundary: bytes) -> bool:
        """Whether the part that begins there is a multipart whose own boundary is this one and
        two dashes, so that its delimiters look like the end of the outer one."""
        if begun < 0:
            return False
        if begun not in self.longer:
            headers, _, _ = read_headers(
                self.raw, begun, position, size=PART_HEADER_BYTES, count=PART_HEADERS
            )
            child = Part(headers=headers, start=begun, end=position, depth=0)
            _classify(child, "")
            self.longer[begun] = child.parameters.get("boundary", "").encode() == boundary + b"--"
        return self.longer[begun]

    def _meet(self, what: str, count: int = 1) -> None:
        self.met[what] = self.met.get(what, 0) + count

    def defects(self) -> tuple[str, ...]:
        """What was met, each with how often."""
        return tuple(f"{what}:{count}" for what, count in self.met.items())


def _classify(part: Part, default: str) -> None:
    """Give the part its content type; what is malformed is plain text (RFC 2045, 5.2)."""
    content_type, part.parameters = structured(part.header("Content-Type"))
    if content_type in ("text", "multipart"):
        content_type = {"text": "text/plain", "multipart": "multipart/mixed"}[content_type]
    part.content_type = content_type if "/" in content_type else default


def _boundary(raw: bytes, part: Part) -> bytes:
    """The boundary, without the spaces at its end that must not be there (RFC 2046, section
    5.1.1), unless the sender put them behind its delimiters as well."""
    boundary = part.parameters.get("boundary", "").encode("utf-8", "replace")
    if boundary != boundary.rstrip() and raw.find(b"--" + boundary, part.start, part.end) >= 0:
        return boundary
    return boundary.rstrip()


def _likely_boundary(raw: bytes, part: Part) -> bytes:
    """What separates the parts of a multipart whose own boundary is in none of its lines: the
    first line that looks like a delimiter, with a header after it."""
    found = _LIKELY_DELIMITER.search(raw, part.start, min(part.end, part.start + MAX_PREAMBLE))
    return found[1].rstrip() if found else b""


def _slices(raw: bytes, part: Part, boundary: bytes, cutter: _Cutter) -> Iterator[tuple[int, int]]:
    """Where the children of a multipart lie (RFC 2046, section 5.1.1)."""
    if not boundary:
        return
    needle, begun = b"--" + boundary, -1
    position = part.start
    if not raw.startswith(needle, position):
        position = raw.find(b"\n" + needle, position, part.end) + 1 or part.end
    while position < part.end and cutter.false_left > 0:
        tail = position + len(needle)
        line_end = next_line(raw, tail, min(part.end, tail + 1_000))
        rest = raw[tail:line_end].strip()
        if rest == b"" or (rest == b"--" and not cutter.has_longer(begun, position, boundary)):
            if begun >= 0:
                yield begun, _before_delimiter(raw, begun, position)
            begun = -1 if rest else line_end
            if rest:
                return
        else:
            cutter.false_left -= 1
        position = raw.find(b"\n" + needle, max(tail, line_end - 1), part.end) + 1 or part.end
    if begun >= 0:
        yield begun, part.end


def _before_delimiter(raw: bytes, begun: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    end = position - 1 if position > begun else position
    return end - 1 if end > begun and raw[end - 1 : end] == b"\r" else end
