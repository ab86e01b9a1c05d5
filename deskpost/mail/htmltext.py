"""HTML to plain text, walking the tree without recursion."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_NODES: Final = 200_000
MAX_QUOTE: Final = 20  # levels of "> "
MAX_URL: Final = 2_000


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS: Final = _names(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul"
)
_SPACED: Final = _names("blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul")
_SKIPPED: Final = _names(
    "head script style title template svg math noscript iframe object select textarea button "
    "audio video canvas"
)
_SPACE = re.compile(r"[ \t\r\n\f\u200b\u200c\ufeff\u00ad]+")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_LINK = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
# How Gmail and Outlook indent what is not quoted.
_INDENTED = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)", re.IGNORECASE)
_LINE_LEFT = re.compile(r"border-left[a-z-]{0,12}\s*:\s*(?!none|0)\S", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An element that means something: its kind, and its lines (`end` is the one below it)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedText:
    """Lines, and the elements that were asked for."""

    lines: list[str]
    marks: list[Mark]


def render(html: str) -> str:
    """The text that a reader of the HTML would see; at most 200,000 nodes are read."""
    return "\n".join(render_marked(html, lambda _: "").lines)


def render_marked(html: str, kind: Callable[[LexborNode], str]) -> MarkedText:
    """Like `render`, and where the elements are that `kind` gives a name."""
    root = LexborHTMLParser(html).root
    if root is None:
        return MarkedText(lines=[], marks=[])
    writer = _Writer()
    open_marks: dict[int, str] = {}
    for node, entering in _walk(root):
        if entering:
            writer.enter(node)
            if (node.tag or "-")[0] != "-" and (name := kind(node)):
                writer.open_mark(node.mem_id)
                open_marks[node.mem_id] = name
        else:
            writer.leave(node)
            if name := open_marks.pop(node.mem_id, ""):
                writer.close_mark(node.mem_id, name)
    return writer.result()


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Each node twice: on the way in and, its children done, on the way out."""
    waiting: list[tuple[LexborNode, bool]] = [(root, True)]
    for _ in range(MAX_NODES * 2):
        if not waiting:
            return
        node, entering = waiting.pop()
        yield node, entering
        if not entering:
            continue
        waiting.append((node, False))
        if not _skipped(node):
            children: list[tuple[LexborNode, bool]] = []
            child = node.child
            while child is not None and len(children) < MAX_NODES:
                children.append((child, True))
                child = child.next
            waiting.extend(reversed(children))


def _skipped(node: LexborNode) -> bool:
    if node.tag in _SKIPPED:
        return True
    if node.tag is None or node.tag.startswith("-"):
        return False
    style = node.attributes.get("style")
    return bool(style and _HIDDEN.search(style))


def _is_indent(node: LexborNode) -> bool:
    """Whether a blockquote only moves its text to the right."""
    style = node.attributes.get("style") or ""
    if "type" in node.attributes or not _INDENTED.search(style):
        return False
    return not _LINE_LEFT.search(style)


class _Writer:
    """Puts words into lines, and lines into blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quote = 0
        self.pre = 0
        self.lists: list[int | None] = []
        self.links: list[tuple[str, int]] = []
        self.mark = ""
        self.opened: dict[int, int] = {}
        self.marks: list[Mark] = []

    def open_mark(self, node: int) -> None:
        self._end_line()
        self.opened[node] = len(self.lines)

    def close_mark(self, node: int, kind: str) -> None:
        self._end_line()
        self.marks.append(Mark(kind=kind, start=self.opened.pop(node), end=len(self.lines)))

    def enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._words(node.text_content or "")
        elif tag == "br":
            self._end_line(always=True)
        elif tag in _BLOCKS:
            self._open_block(tag, node)
        elif tag == "a":
            self.links.append((node.attributes.get("href") or "", len(self.line)))
        elif tag in ("td", "th") and self.line:
            self.line.append(" ")
        elif tag == "img" and (alt := (node.attributes.get("alt") or "").strip()):
            self._words(f"[{alt[:200]}]")

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a" and self.links:
            self._close_link(*self.links.pop())
        elif tag in _BLOCKS:
            self._end_line()
            self._close_block(tag, node)

    def result(self) -> MarkedText:
        """The lines without empty ones at the ends and without two empty ones together."""
        self._end_line()
        lines: list[str] = []
        places: list[int] = []  # where each line went
        for line in self.lines:
            places.append(len(lines))
            if line or (lines and lines[-1]):
                lines.append(line)
        places.append(len(lines))
        if lines and not lines[-1]:
            lines.pop()
        marks = [
            Mark(kind=mark.kind, start=places[mark.start], end=places[mark.end])
            for mark in sorted(self.marks, key=lambda mark: mark.start)
        ]
        return MarkedText(lines=lines, marks=marks)

    def _words(self, text: str) -> None:
        if self.pre:
            first, *others = text.split("\n")
            self.line.append(first)
            for other in others:
                self._end_line(always=True)
                self.line.append(other)
            return
        text = _SPACE.sub(" ", text)
        if not self.line or self.line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self.line.append(text)

    def _open_block(self, tag: str, node: LexborNode) -> None:
        self._end_line()
        if tag in _SPACED and not (tag in ("ul", "ol") and self.lists):
            self._blank()
        if tag == "blockquote":
            self.quote += not _is_indent(node)
        elif tag == "pre":
            self.pre += 1
        elif tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            self._open_item()
        elif tag == "hr":
            self.line.append("---")
            self._end_line()

    def _open_item(self) -> None:
        indent = "  " * min(len(self.lists) - 1, 10) if self.lists else ""
        number = self.lists[-1] if self.lists else None
        self.mark = f"{indent}- " if number is None else f"{indent}{number}. "
        if self.lists and number is not None:
            self.lists[-1] = number + 1

    def _close_block(self, tag: str, node: LexborNode) -> None:
        if tag == "blockquote":
            self.quote = max(0, self.quote - (not _is_indent(node)))
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag in _SPACED and not (tag in ("ul", "ol") and self.lists):
            self._blank()

    def _close_link(self, href: str, start: int) -> None:
        """Add the address, unless the text says it already."""
        href = _SPACE.sub("", href)[:MAX_URL]
        shown = "".join(self.line[start:]).strip()
        plain = href.removeprefix("mailto:").rstrip("/")
        said = plain.lower() in shown.lower() or plain.lower().endswith(
            f"://{shown.lower().rstrip('/')}"
        )
        if _LINK.match(href) and shown and not said:
            self.line.append(f" ({href.removeprefix('mailto:')})")

    def _blank(self) -> None:
        """An empty line, quoted as far as both what is above and what is below."""
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(("> " * min(self.quote, MAX_QUOTE)).rstrip())

    def _end_line(self, *, always: bool = False) -> None:
        text = "".join(self.line)
        text = text.rstrip() if self.pre else text.strip()
        self.line.clear()
        if not text and not always:
            return
        prefix = "> " * min(self.quote, MAX_QUOTE)
        self.lines.append(f"{prefix}{self.mark if text else ''}{text}".rstrip())
        if text:
            self.mark = ""
