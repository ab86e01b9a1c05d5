"""The files of a message: what each is called, and how many and how large they may be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from deskpost.mail.filenames import MAX_NAME, parameter, safe_name
from deskpost.mail.structure import (
    PART_HEADER_BYTES,
    PART_HEADERS,
    Limits,
    Part,
    read_headers,
    structured,
)
from deskpost.mail.words import decode_words, header_text, one_line

EMBEDDED: Final = frozenset({"message/rfc822", "message/global"})

_EXTENSIONS: Final = {
    "application/ics": "ics",
    "application/ms-tnef": "dat",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
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
    "text/x-vcard": "vcf",
}


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


class Files:
    """The attachments so far, within the limits; what went over them is counted."""

    def __init__(self, limits: Limits) -> None:
        self.kept: list[ParsedAttachment] = []
        self._limits = limits
        self._size = 0
        self._dropped: dict[str, int] = {}

    def add(self, part: Part, content_type: str, data: bytes) -> None:
        """Keep a part as a file."""
        content_id = one_line(part.header("Content-ID")).strip("<> ")[:500] or None
        disposition, _ = structured(part.header("Content-Disposition"))
        inline = disposition == "inline" or (content_id is not None and disposition == "")
        self._keep(
            data,
            lambda: ParsedAttachment(
                name=self._name(file_name(part), content_type, data),
                content_type=content_type,
                content=data,
                content_id=content_id,
                inline=inline,
            ),
        )

    def add_bare(self, name: str, data: bytes) -> None:
        """Keep a file that stood in a text: it has no header, only a name."""
        content_type = "application/octet-stream"
        self._keep(
            data,
            lambda: ParsedAttachment(
                name=self._name(name, content_type, data),
                content_type=content_type,
                content=data,
                content_id=None,
                inline=False,
            ),
        )

    def _keep(self, data: bytes, file: Callable[[], ParsedAttachment]) -> None:
        if len(self.kept) >= self._limits.attachments:
            self._drop("too_many_attachments")
        elif self._size + len(data) > self._limits.decoded:
            self._drop("attachments_too_large")
        else:
            self._size += len(data)
            self.kept.append(file())

    def _drop(self, what: str) -> None:
        self._dropped[what] = self._dropped.get(what, 0) + 1

    def defects(self) -> tuple[str, ...]:
        """What was dropped, each with how many."""
        return tuple(f"{what}:{count}" for what, count in self._dropped.items())

    def _name(self, sent: str, content_type: str, data: bytes) -> str:
        name = safe_name(sent)
        if content_type in EMBEDDED:
            name = name or safe_name(_subject(data))
            if name and not name.lower().endswith(".eml"):
                name = f"{name[: MAX_NAME - 4].rstrip('. ')}.eml"
        if name:
            return name
        return f"attachment-{len(self.kept) + 1}.{_EXTENSIONS.get(content_type, 'bin')}"


def file_name(part: Part) -> str:
    """The file's name as it was sent: from Content-Disposition, else from Content-Type."""
    _, parameters = structured(part.header("Content-Disposition"))
    return parameter(parameters, "filename") or parameter(part.parameters, "name") or ""


def _subject(message: bytes) -> str:
    """The subject of an embedded message, in which a separator is no path."""
    headers, _, _ = read_headers(
        message, 0, len(message), size=PART_HEADER_BYTES, count=PART_HEADERS
    )
    for name, value in headers:
        if name.lower() == "subject":
            return decode_words(header_text(value)).replace("/", "_").replace("\\", "_")
    return ""
