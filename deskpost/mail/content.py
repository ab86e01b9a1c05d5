"""The bodies and attachments of a message that `structure` has cut."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from deskpost.mail.filenames import MAX_NAME, parameter, safe_name
from deskpost.mail.structure import Limits, Part, structured
from deskpost.mail.words import charset_name, decode, decode_base64, one_line

MAX_UU_LINES: Final = 600_000

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
_REPORT_ONLY: Final = REPORT_TYPES - {"message/rfc822", "message/global"}
# Alternatives of the body that no one is offered as a file.
_NOT_OFFERED: Final = frozenset({"text/x-amp-html", "text/watch-html", "text/x-amp"})
_EXTENSIONS: Final = {
    "application/pdf": "pdf",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/pgp-signature": "asc",
    "application/zip": "zip",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "message/global": "eml",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/vcard": "vcf",
}
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedAttachment:
    """A file of the message. `name` is safe to show and to offer for download.

    `content_id` is without angle brackets; `inline` means that the HTML may refer to it.
    """

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None
    inline: bool


@dataclass(slots=True, kw_only=True)
class Content:
    """What was read, gathered part by part."""

    limits: Limits
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[ParsedAttachment] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    noticed: dict[str, None] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        return "\n".join(self.texts)[: self.limits.text] if self.texts else None

    @property
    def html(self) -> str | None:
        return "\n".join(self.htmls)[: self.limits.text] if self.htmls else None

    @property
    def attachments(self) -> tuple[ParsedAttachment, ...]:
        return tuple(self.files)

    @property
    def report_parts(self) -> tuple[tuple[str, bytes], ...]:
        return tuple(self.reports)

    @property
    def defects(self) -> tuple[str, ...]:
        return tuple(self.noticed)


def read_content(raw: bytes, root: Part, limits: Limits) -> Content:
    """Read every leaf in order: the bodies' text, the attachments, the parts of reports."""
    content = Content(limits=limits)
    for part in _leaves(root):
        if part.content_type in REPORT_TYPES:
            content.reports.append((part.content_type, part_bytes(raw, part)))
            if part.content_type in _REPORT_ONLY:
                continue
        if _is_body(part):
            _add_text(raw, part, content)
        elif not _is_nothing(part):
            _add_file(raw, part, content)
    return content


def _leaves(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.children:
            waiting.extend(reversed(part.children))
        else:
            yield part


def _is_body(part: Part) -> bool:
    if part.content_type.startswith("multipart/"):
        return part.parent is None  # without a single part: shown as it stands
    if part.content_type not in ("text/plain", "text/html", "text/enriched", "text/richtext"):
        # RFC 2045, 5.2 and RFC 2046, 4.1.4: a lone text of a kind unknown to us is still text.
        return part.parent is None and part.content_type.startswith("text/")
    disposition, _ = structured(part.header("Content-Disposition"))
    if disposition == "attachment":
        return False
    return part.parent is None or not _file_name(part)


def _is_nothing(part: Part) -> bool:
    if part.content_type.startswith("multipart/"):
        return part.start >= part.end
    return part.content_type in _NOT_OFFERED and not _file_name(part)


def _add_text(raw: bytes, part: Part, content: Content) -> None:
    limit = content.limits.text
    kept = content.htmls if part.content_type == "text/html" else content.texts
    if sum(map(len, kept)) >= limit:
        content.noticed["text_truncated"] = None
        return
    if _repeats_alternative(part, kept):
        return
    data = part_bytes(raw, part)
    if len(data) > limit:
        data = data[:limit]
        content.noticed["text_truncated"] = None
    label = part.parameters.get("charset")
    if label and charset_name(label) is None:
        content.noticed[f"unknown_charset:{one_line(label)[:40]}"] = None
    text = decode(data, label).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > limit:
        content.noticed["text_truncated"] = None
    kept.append(text[:limit])


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


def _add_file(raw: bytes, part: Part, content: Content) -> None:
    content_type = part.content_type
    if not _CONTENT_TYPE.fullmatch(content_type):
        content_type = "application/octet-stream"
    disposition, _ = structured(part.header("Content-Disposition"))
    content_id = one_line(part.header("Content-ID")).strip("<> ")[:500] or None
    embedded = content_type in ("message/rfc822", "message/global")
    name = safe_name(_file_name(part))
    if not name:
        name = f"attachment-{len(content.files) + 1}.{_EXTENSIONS.get(content_type, 'bin')}"
    elif embedded and not name.lower().endswith(".eml"):
        name = f"{name[: MAX_NAME - 4]}.eml"
    content.files.append(
        ParsedAttachment(
            name=name,
            content_type=content_type,
            content=part_bytes(raw, part),
            content_id=content_id,
            inline=disposition == "inline" or (content_id is not None and disposition == ""),
        )
    )


def _file_name(part: Part) -> str:
    """The file's name as it was sent: from Content-Disposition, else from Content-Type."""
    _, parameters = structured(part.header("Content-Disposition"))
    return parameter(parameters, "filename") or parameter(part.parameters, "name") or ""


def part_bytes(raw: bytes, part: Part) -> bytes:
    """The bytes of a leaf with its transfer encoding undone (RFC 2045, section 6)."""
    data = raw[part.start : part.end]
    encoding = part.header("Content-Transfer-Encoding").partition(";")[0].strip("\"' ").lower()
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _decode_uu(data)
    return data


def _decode_uu(data: bytes) -> bytes:
    """Undo uuencode; what has no begin line is left as it stands."""
    begin = re.search(rb"(?:\A|\n)begin [0-7]{3,4} [^\n]*\n", data)
    if begin is None:
        return data
    out, position = [], begin.end()
    for _ in range(MAX_UU_LINES):
        newline = data.find(b"\n", position)
        line = data[position : newline if newline >= 0 else len(data)].rstrip(b"\r")
        if newline < 0 or line == b"end":
            break
        position = newline + 1
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(out)
