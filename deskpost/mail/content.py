"""The bodies and attachments of a message that `structure` has cut."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deskpost.mail import notes, uuencode
from deskpost.mail.attachments import EMBEDDED, Files, ParsedAttachment, file_name
from deskpost.mail.notes import Note, NoteKind
from deskpost.mail.structure import Limits, Part, structured
from deskpost.mail.words import charset_name, decode, decode_base64, one_line

MAX_NOTES: Final = 20

REPORT_TYPES: Final = frozenset(
    {
        "message/delivery-status",
        "message/disposition-notification",
        "message/feedback-report",
        "message/global",
        "message/global-delivery-status",
        "message/global-headers",
        "message/rfc822",
        "text/rfc822-headers",
    }
)
# These say only how a report went; the embedded message is an attachment as well.
_REPORT_ONLY: Final = REPORT_TYPES - EMBEDDED
# Alternatives of the body that no one is offered as a file.
_NOT_OFFERED: Final = frozenset({"text/x-amp-html", "text/watch-html", "text/x-amp"})
_CALENDAR: Final = frozenset({"text/calendar", "application/ics"})
# Texts that are a file even where they are the whole message.
_FILES: Final = frozenset({"text/calendar", "text/rfc822-headers"})
_BODIES: Final = ("text/plain", "text/html", "text/enriched", "text/richtext")
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(slots=True, kw_only=True)
class Content:
    """What was read, gathered part by part."""

    limits: Limits
    files: Files
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    said: dict[Note, None] = field(default_factory=dict)
    noticed: dict[str, None] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        return "\n".join(self.texts)[: self.limits.text] if self.texts else None

    @property
    def html(self) -> str | None:
        return "\n".join(self.htmls)[: self.limits.text] if self.htmls else None

    @property
    def attachments(self) -> tuple[ParsedAttachment, ...]:
        return tuple(self.files.kept)

    @property
    def report_parts(self) -> tuple[tuple[str, bytes], ...]:
        return tuple(self.reports)

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(self.said)

    @property
    def defects(self) -> tuple[str, ...]:
        return (*self.noticed, *self.files.defects())

    def say(self, kind: NoteKind | None) -> None:
        if kind is not None:
            self.note(Note(kind=kind))

    def note(self, note: Note) -> None:
        if len(self.said) < MAX_NOTES:
            self.said[note] = None


def read_content(raw: bytes, root: Part, limits: Limits) -> Content:
    """Read every part in order: the bodies' text, the attachments, the parts of reports."""
    content = Content(limits=limits, files=Files(limits))
    for part in _parts(root):
        content.say(notes.of_container(part.content_type, part.parameters.get("protocol", "")))
        if not part.children:
            _read_leaf(raw, part, content)
    return content


def _parts(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        waiting.extend(reversed(part.children))
        yield part


def _read_leaf(raw: bytes, part: Part, content: Content) -> None:
    if _is_body(part):
        _add_text(raw, part, content)
        return
    is_report = part.content_type in REPORT_TYPES
    if not is_report and _is_nothing(part):
        return
    data = part_bytes(raw, part)
    if is_report:
        content.reports.append((part.content_type, data))
    if part.content_type not in _REPORT_ONLY:
        _add_file(part, data, content)


def _is_body(part: Part) -> bool:
    if part.content_type.startswith("multipart/"):
        return part.parent is None  # without a single part: shown as it stands
    if part.content_type not in _BODIES:
        # RFC 2045, 5.2 and RFC 2046, 4.1.4: a lone text of a kind unknown to us is still text.
        is_text = part.content_type.startswith("text/") and part.content_type not in _FILES
        return part.parent is None and is_text
    disposition, _ = structured(part.header("Content-Disposition"))
    if disposition == "attachment":
        return False
    # RFC 8621, section 4.1.4: the first of several is the body, even if it has a name.
    return part.parent is None or part.parent.children[0] is part or not file_name(part)


def _is_nothing(part: Part) -> bool:
    if part.content_type.startswith("multipart/"):
        return part.start >= part.end
    return part.content_type in _NOT_OFFERED and not file_name(part)


def _add_text(raw: bytes, part: Part, content: Content) -> None:
    kept = content.htmls if part.content_type == "text/html" else content.texts
    if _repeats_alternative(part, kept):
        return
    data = part_bytes(raw, part)
    if part.content_type == "text/plain":
        data, files = uuencode.cut_out(data)
        for name, file in files:
            content.files.add_bare(decode(name), file)
    limit = content.limits.text - sum(map(len, kept))
    text = _text(data, part, content)
    if len(text) > limit:
        content.noticed["text_truncated"] = None
    if limit > 0:
        kept.append(text[:limit])
        content.say(notes.of_text(text))


def _text(data: bytes, part: Part, content: Content) -> str:
    label, limit = part.parameters.get("charset"), content.limits.text
    if label and charset_name(label) is None:
        content.noticed[f"unknown_charset:{one_line(label)[:40]}"] = None
    if len(data) > limit:
        content.noticed["text_truncated"] = None
    text = decode(data[:limit], label).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _repeats_alternative(part: Part, kept: list[str]) -> bool:
    """A second plain (or HTML) text of one multipart/alternative says the same again."""
    parent = part.parent
    if parent is None or parent.content_type != "multipart/alternative" or not kept:
        return False
    html = part.content_type == "text/html"
    bodies = (child for child in parent.children if not child.children and _is_body(child))
    return (
        next(child for child in bodies if (child.content_type == "text/html") == html) is not part
    )


def _add_file(part: Part, data: bytes, content: Content) -> None:
    content_type = part.content_type
    if not _CONTENT_TYPE.fullmatch(content_type):
        content_type = "application/octet-stream"
    content.files.add(part, content_type, data)
    smime_type = part.parameters.get("smime-type", "")
    content.say(notes.of_file(content_type, smime_type, file_name(part), data))
    if content_type in _CALENDAR:
        text = decode(data[: content.limits.text], part.parameters.get("charset"))
        if (note := notes.of_calendar(text)) is not None:
            content.note(note)


def part_bytes(raw: bytes, part: Part) -> bytes:
    """The bytes of a leaf with its transfer encoding undone (RFC 2045, section 6)."""
    data = raw[part.start : part.end]
    encoding = part.header("Content-Transfer-Encoding").partition(";")[0].strip("\"' ").lower()
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return uuencode.undo(data)
    return data
